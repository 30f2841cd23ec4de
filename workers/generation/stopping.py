"""Ending a text where a stop string begins."""

from collections.abc import Sequence


class UntilStop:
    """A text that grows until it holds a stop string, and is then cut where that begins.

    A stop string may arrive in any number of parts. Of several that are there, the one that
    begins first cuts, so the text never holds any.

    Attributes:
        text: What there is so far, without stop strings.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self.text = ""
        self._stop = stop
        self._longest = max(map(len, stop), default=0)

    def push(self, part: str) -> bool:
        """Append a part; return whether a stop string has ended the text."""
        # Whatever lies further back was searched when it arrived.
        start = max(0, len(self.text) - self._longest + 1)
        self.text += part
        if not part:
            return False
        found = [at for each in self._stop if (at := self.text.find(each, start)) >= 0]
        if found:
            self.text = self.text[: min(found)]
        return bool(found)
