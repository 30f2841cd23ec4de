"""Tokens of a text with their places in it, and the honest answer to "did the model see this?".

Two ways in which a tokenizer hides text are undone here. WordPiece turns a whole word into one
unknown piece when the word is long or holds a single character it does not know; such a word is cut
so that its known characters are seen. And a longer run of unknown characters is reported as unread:
a model that was shown only "unknown" has not looked at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokenizers import Encoding, Tokenizer

UNREAD_RUN = 6
"""Unknown characters in a row, spaces aside, from which a span counts as not looked at."""

_LONGEST_WORD = 90
_LARGEST_BATCH = 256


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one text.

    Attributes:
        ids: Token ids, without special tokens.
        offsets: Start and end of each token in the text, in code points.
        unread: Spans that the vocabulary cannot express.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]
    unread: list[tuple[int, int]]


class TextReader:
    """Turns texts into tokens with one tokenizer. Safe to use from several threads."""

    def __init__(self, tokenizer: Tokenizer, unknown: int | None) -> None:
        self._tokenizer = tokenizer
        self._unknown = unknown

    def read(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the tokens of each text."""
        read: list[Tokens] = []
        for start in range(0, len(texts), _LARGEST_BATCH):
            part = texts[start : start + _LARGEST_BATCH]
            encodings = self._tokenizer.encode_batch(list(part), add_special_tokens=False)
            read += [self._tokens(text, each) for text, each in zip(part, encodings, strict=True)]
        return read

    def _tokens(self, text: str, encoding: Encoding) -> Tokens:
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            if token == self._unknown and end - start > 1:
                for piece, span in self._cut(text, start, end):
                    ids.append(piece)
                    offsets.append(span)
            else:
                ids.append(token)
                offsets.append((start, end))
        return Tokens(ids, offsets, list(self._unread(ids, offsets)))

    def _cut(self, text: str, start: int, end: int) -> Iterator[tuple[int, tuple[int, int]]]:
        """Yield the tokens of a word the tokenizer gave up on, unknown characters alone."""
        word = text[start:end]
        distinct = sorted(set(word))
        alone = self._tokenizer.encode_batch(distinct, add_special_tokens=False)
        strange = {
            character
            for character, each in zip(distinct, alone, strict=True)
            if self._unknown in each.ids
        }
        spans = list(_runs(word, strange))
        pieces = self._tokenizer.encode_batch(
            [word[a:b] for a, b in spans], add_special_tokens=False
        )
        for (first, _), piece in zip(spans, pieces, strict=True):
            for token, (a, b) in zip(piece.ids, piece.offsets, strict=True):
                yield token, (start + first + a, start + first + b)

    def _unread(
        self, ids: Sequence[int], offsets: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[int, int]]:
        run: list[tuple[int, int]] = []
        for token, span in [*zip(ids, offsets, strict=True), (-1, (0, 0))]:
            if token == self._unknown:
                run.append(span)
                continue
            if sum(end - start for start, end in run) >= UNREAD_RUN:
                yield run[0][0], run[-1][1]
            run = []


def _runs(word: str, strange: set[str]) -> Iterator[tuple[int, int]]:
    """Yield the borders of single strange characters and of short runs of others."""
    begin = 0
    for index, character in enumerate(word):
        if character in strange:
            if begin < index:
                yield begin, index
            yield index, index + 1
            begin = index + 1
        elif index - begin == _LONGEST_WORD:
            yield begin, index
            begin = index
    if begin < len(word):
        yield begin, len(word)
