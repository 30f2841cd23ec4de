"""What the parts of the pickle reader raise among themselves.

They know neither the file's name nor, mostly, the place; ``registry.checkpoints.pickles``
adds both and raises ``RefusedPickle``.
"""

from registry.errors import PickleProblem


class Fault(Exception):
    """Something that is not read, before it is known in which file.

    Attributes:
        problem: Its kind.
        what: A sentence without a full stop, safe to print.
        entry: The entry of the archive, where the fault is about one.
        position: The byte of the file, where the fault is about the archive.
    """

    def __init__(
        self,
        problem: PickleProblem,
        what: str,
        *,
        entry: str | None = None,
        position: int | None = None,
    ) -> None:
        super().__init__(what)
        self.problem = problem
        self.what = what
        self.entry = entry
        self.position = position
