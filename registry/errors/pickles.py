"""Pickled weights that were not read."""

from enum import StrEnum

from registry.errors.releases import BadCheckpoint


class PickleProblem(StrEnum):
    """What is the matter with a pickled file, as a stable word for programs."""

    NO_ARCHIVE = "no_archive"
    OLD_FORMAT = "old_format"
    DAMAGED = "damaged"
    FALSE_ARCHIVE = "false_archive"
    STRANGE_ENTRY = "strange_entry"
    GLOBAL = "global"
    OPCODE = "opcode"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    OUT_OF_BOUNDS = "out_of_bounds"
    NO_STATE_DICT = "no_state_dict"


_FROM_THE_PUBLISHER = (
    "do not load it with anything, and get the weights as safetensors, or anew from their publisher"
)
_SAVE_AGAIN = (
    "where it can do no harm, load it with weights_only=True and torch.save() its state dict alone"
)

_ADVICE = {
    PickleProblem.NO_ARCHIVE: "check that it is the file you mean, and download it again",
    PickleProblem.OLD_FORMAT: _SAVE_AGAIN,
    PickleProblem.DAMAGED: "download it again, and compare its checksum with the published one",
    PickleProblem.FALSE_ARCHIVE: f"torch.save() writes no such file; {_FROM_THE_PUBLISHER}",
    PickleProblem.STRANGE_ENTRY: f"a file of weights has none such; {_FROM_THE_PUBLISHER}",
    PickleProblem.GLOBAL: f"tensors need none such; {_FROM_THE_PUBLISHER}",
    PickleProblem.OPCODE: f"tensors need none such; {_FROM_THE_PUBLISHER}",
    PickleProblem.MALFORMED: f"torch.save() writes no such pickle; {_FROM_THE_PUBLISHER}",
    PickleProblem.TOO_LARGE: f"no LLaMA needs as much; {_FROM_THE_PUBLISHER}",
    PickleProblem.OUT_OF_BOUNDS: f"torch.save() writes no such tensor; {_FROM_THE_PUBLISHER}",
    PickleProblem.NO_STATE_DICT: f"only names with their tensors are read; {_SAVE_AGAIN}",
}


class RefusedPickle(BadCheckpoint):
    """A pickled file has something that the reader does not read; nothing in it was run.

    Attributes:
        problem: The kind of the matter; also among the facts, with ``file``, ``entry`` (of
            the zip archive), ``opcode`` and ``position`` (of the opcode in its entry, or in
            the file where no opcode is named), each where it is known.
    """

    code = "refused_pickle"

    def __init__(
        self,
        file: str,
        *,
        problem: PickleProblem,
        what: str,
        entry: str | None = None,
        opcode: str | None = None,
        position: int | None = None,
    ) -> None:
        at = None if position is None else f"byte {position}"
        place = ", ".join(each for each in (entry, opcode, at) if each is not None)
        super().__init__(
            f"{file} was refused, and nothing in it was run: {what}"
            f"{f' ({place})' if place else ''}: {_ADVICE[problem]}",
            file=file,
            problem=problem,
            entry=entry,
            opcode=opcode,
            position=position,
        )
        self.problem = problem
