"""Prompt echo: a text that mostly gives back what it was generated from.

The score is the coverage of M. Grusky, M. Naaman and Y. Artzi, "Newsroom: A Dataset of 1.3 Million
Summaries with Diverse Extractive Strategies", NAACL 2018, section 4: the share of a text that lies
in fragments copied word for word from its source. Here the source is the prompt, shares are of
characters, and a fragment has at least 24 of them: shorter ones are phrases that any answer to the
prompt uses.

Where the researcher asked for the prompt in front of the output, that one is left out.
Measured by ``filters.figures.contextual``, at 0.5: all of 1,654 texts that copy at least 70 % of
their prompt; 5 of 12,390 passages whose first half is the prompt and whose second half is the text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from filters.contract import Finding, Reading, Sample
from filters.spaces import squeezed

LABEL = "prompt"

_CHARACTERS = 24


class EchoFilter:
    """Scores how much of a text was copied from its prompt."""

    name = "echo"
    version = "1"
    labels = (LABEL,)
    weights_digest = None

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        """Return one reading for each sample; the span is the longest copied fragment."""
        return [self._reading(sample) for sample in samples]

    def _reading(self, sample: Sample) -> Reading:
        size = len(sample.text)
        begins = sample.begins
        score, start, end = copied(sample.text[begins:], sample.prompt)
        finding = Finding(self.name, LABEL, score, begins + start, begins + end)
        return Reading((finding,), ((0, size),))


def copied(text: str, source: str) -> tuple[float, int, int]:
    """Return the share of a text that stands in the source, and its longest such fragment."""
    short, places = squeezed(text)
    original, _ = squeezed(source)
    known = {
        original[place : place + _CHARACTERS] for place in range(len(original) - _CHARACTERS + 1)
    }
    marks = np.zeros(len(short), dtype=np.bool_)
    reached = 0
    for place in range(len(short) - _CHARACTERS + 1):
        if short[place : place + _CHARACTERS] in known:
            marks[max(place, reached) : place + _CHARACTERS] = True
            reached = place + _CHARACTERS
    if not marks.any():
        return 0.0, 0, len(text)
    borders = np.flatnonzero(np.diff(marks, prepend=False, append=False)).reshape(-1, 2)
    first, last = max(borders.tolist(), key=lambda each: each[1] - each[0])
    return float(marks.mean()), places[first], places[last - 1] + 1


ECHO = EchoFilter()
