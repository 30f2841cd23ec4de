from __future__ import annotations

import hashlib
from dataclasses import replace

from filters.misuse import MISUSE_LABELS
from filters.toxicity import TOXICITY_LABELS
from filters.training.contrast import contrast_rows
from filters.training.recipe import LABELS, Recipe
from filters.training.rows import normalised

RECIPE = replace(Recipe(), contrast=3)


def test_every_slot_is_filled_and_every_form_gives_rows() -> None:
    rows = contrast_rows(RECIPE, held_out=frozenset(), judged=[])

    assert len(rows) > 300
    assert not any("{" in row.text or "}" in row.text for row in rows)
    assert len({row.text for row in rows}) > 0.95 * len(rows)


def test_for_each_kind_of_harm_that_is_made_there_is_harmless_text_too() -> None:
    rows = contrast_rows(RECIPE, held_out=frozenset(), judged=[])

    harmless = [row for row in rows if all(row.labels.get(each) == (0.0, 1.0) for each in LABELS)]
    harmful = [row for row in rows if row.labels.get("misuse") == (1.0, 1.0)]
    attacks = [row for row in rows if row.labels.get("identity_attack") == (1.0, 1.0)]
    denials = [row for row in rows if row.labels.get("identity_attack") == (0.0, 1.0)]
    assert len(harmless) > 50
    assert len(harmful) > 50
    assert len(attacks) > 50
    assert len(denials) > len(attacks) // 2
    assert {*TOXICITY_LABELS, *MISUSE_LABELS} >= {each for row in rows for each in row.labels}


def test_the_same_seed_makes_the_same_rows() -> None:
    once = contrast_rows(RECIPE, held_out=frozenset(), judged=[])

    assert contrast_rows(RECIPE, held_out=frozenset(), judged=[]) == once


def test_a_made_text_that_is_held_out_or_near_a_test_is_left_out() -> None:
    rows = contrast_rows(RECIPE, held_out=frozenset(), judged=[])
    held = rows[0].text
    judged = f"please {rows[1].text} now"
    digest = hashlib.sha256(normalised(held).encode()).hexdigest()

    others = contrast_rows(RECIPE, held_out=frozenset({digest}), judged=[judged])

    assert held not in {row.text for row in others}
    assert rows[1].text not in {row.text for row in others}
