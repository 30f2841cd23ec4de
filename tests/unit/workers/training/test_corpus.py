import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.training.corpus import clean, is_heldout, split_documents


def test_a_textbook_is_cut_at_its_section_titles() -> None:
    text = "## Book: one\n\n# First\nSome text.\n\n# Second\nMore # text.\n"

    documents = split_documents("openstax", text)

    assert documents == ["# First\nSome text.", "# Second\nMore # text."]


def test_the_story_that_is_cut_off_is_left_out() -> None:
    text = "One.\n<|endoftext|>\nTwo.\n<|endoftext|>\nThe rest is miss"

    documents = split_documents("tinystories", text)

    assert documents == ["One.", "Two."]


def test_a_play_loses_no_speech() -> None:
    speeches = [f"NAME:\nSpeech number {number}, which is a line long." for number in range(200)]

    documents = split_documents("shakespeare", "\n\n".join(speeches))

    assert len(documents) > 1
    assert "\n\n".join(documents).split("\n\n") == speeches


def test_a_source_without_a_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="no rule to split newspapers"):
        split_documents("newspapers", "text")


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean(text)

    twice = clean(once)

    assert twice == once


def test_cleaning_keeps_words_and_paragraphs() -> None:
    cleaned = clean("One  two. \t\r\n\n\n\n  Three\x00four.\n")

    assert cleaned == "One  two.\n\n  Threefour."


def test_about_one_document_in_fifty_is_held_out() -> None:
    documents = [f"document {number}" for number in range(5000)]

    held = [document for document in documents if is_heldout(document, one_in=50)]

    assert 60 < len(held) < 140


def test_a_document_is_held_out_by_its_words_alone() -> None:
    documents = [f"document {number}" for number in range(500)]

    forward = {d for d in documents if is_heldout(d, one_in=50)}
    backward = {d for d in reversed(documents) if is_heldout(d, one_in=50)}

    assert forward == backward
