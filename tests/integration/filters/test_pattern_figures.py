"""The figures of the filters made of patterns, on the labelled texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from filters.figures.pattern_texts import Wanted, clean_texts, wanted_personal, wanted_secrets
from filters.figures.patterns import clean_table, found_in, recall_table
from filters.figures.secrets_library import compare
from filters.links import LINKS
from filters.patterns import PatternFilter
from filters.personal import PERSONAL
from filters.secrets import SECRETS

MAIL = "ham mail"


def _recall(each: PatternFilter, wanted: Sequence[Wanted]) -> float:
    hits = [
        any(
            one.start < want.end and want.start < one.end
            for one in found_in(each, want.text, notes=True)
        )
        for want in wanted
    ]
    return sum(hits) / len(hits)


def test_nineteen_of_twenty_sample_secrets_are_found(labelled_data: Path) -> None:
    wanted = wanted_secrets(labelled_data)

    assert _recall(SECRETS, wanted) >= 0.95


def test_seventeen_of_twenty_pieces_of_personal_data_are_found(labelled_data: Path) -> None:
    wanted = wanted_personal(labelled_data)

    assert _recall(PERSONAL, wanted) >= 0.85


@pytest.mark.parametrize("each", [SECRETS, PERSONAL, LINKS], ids=lambda each: each.name)
def test_at_most_five_of_a_thousand_clean_texts_are_flagged(
    labelled_data: Path, each: PatternFilter
) -> None:
    texts = [
        text
        for source, found in clean_texts(labelled_data).items()
        if each is SECRETS or not source.startswith(MAIL)  # Ham mail holds real numbers of people.
        for text in found[:500]
    ]

    flagged = sum(bool(found_in(each, text, notes=False)) for text in texts)

    assert flagged <= 0.005 * len(texts)


def test_the_tables_have_a_line_for_every_type_and_source(labelled_data: Path) -> None:
    personal = wanted_personal(labelled_data)[:50]
    clean = {source: texts[:5] for source, texts in clean_texts(labelled_data).items()}

    recall = recall_table("personal", PERSONAL, personal)

    assert len(recall) == 2 + len({want.kind for want in personal}) + 1
    assert len(clean_table(clean)) == 2 + len(clean)


def test_a_library_that_is_absent_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    lines = compare(lambda _: False, [], {})

    assert lines == ["detect-secrets is not installed, so nothing is compared with it."]
