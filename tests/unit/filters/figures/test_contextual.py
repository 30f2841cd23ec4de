from __future__ import annotations

import random
from typing import TYPE_CHECKING

from filters.contract import Sample
from filters.echo import ECHO
from filters.figures import contextual_texts
from filters.figures.contextual import counts, generated_table, reach
from filters.repetition import REPETITION

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = [
    "The harbour was quiet when the ferry came in, and nobody was there to take the ropes.",
    "Most of the water comes from the mountains in the north, where it rains all the year.",
    "She put the letter into a drawer, locked it, and went out to look for her brother again.",
]


def test_made_loops_are_found_and_their_texts_are_not() -> None:
    assert reach(REPETITION, map(Sample, TEXTS)) == [False] * 3
    assert sum(reach(REPETITION, map(Sample, contextual_texts.loops(TEXTS * 5, 15)))) > 10


def test_made_echoes_are_found_and_continuations_are_not() -> None:
    assert reach(ECHO, contextual_texts.echoes(TEXTS, 3)) == [True] * 3
    assert reach(ECHO, contextual_texts.continuations(TEXTS)) == [False] * 3


def test_a_made_campaign_is_counted_and_its_texts_are_not() -> None:
    made = contextual_texts.campaign(TEXTS[0], random.Random(1), capitals=True)  # noqa: S311

    assert counts(TEXTS) == [1, 1, 1]
    assert counts([*made, *TEXTS[1:]]) == [5, 5, 5, 5, 5, 1, 1]


def test_outputs_are_counted_by_temperature(tmp_path: Path) -> None:
    file = tmp_path / "outputs.jsonl"
    file.write_text('{"prompt": "Hi", "temperature": 0.5, "text": "Hello."}\n')

    lines = generated_table(contextual_texts.generated_texts(file))

    assert lines[2:] == ["| temperature 0.5 | 1 | 0 | 0 | 0 |"]
