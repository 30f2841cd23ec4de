from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from filters.sharing import KEPT_TEXTS, Shared


class Lengths:
    """Scores a text with its length, and remembers the batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, texts: Sequence[str]) -> list[int]:
        self.batches.append(list(texts))
        assert self.may_answer.wait(10)
        if "bad" in texts:
            raise LookupError
        return [len(text) for text in texts]


def test_answers_come_in_the_order_of_the_texts() -> None:
    shared = Shared(Lengths())

    assert shared.score(["aaa", "a", "aaa", "aa"]) == [3, 1, 3, 2]


def test_no_texts_have_no_answers() -> None:
    assert Shared(Lengths()).score([]) == []


def test_what_waits_at_the_same_moment_is_computed_together_and_each_text_once() -> None:
    lengths = Lengths()
    shared = Shared(lengths)
    lengths.may_answer.clear()

    with ThreadPoolExecutor(12) as pool:
        first = pool.submit(shared.score, ["first"])
        while not lengths.batches:
            pass
        others = [pool.submit(shared.score, [f"text {n % 5}"]) for n in range(10)]
        while len(shared._waiting) < 5:
            pass
        lengths.may_answer.set()
        answers = [first.result(10), *(each.result(10) for each in others)]

    assert answers == [[5], *[[6]] * 10]
    assert [sorted(batch) for batch in lengths.batches] == [
        ["first"],
        [f"text {n}" for n in range(5)],
    ]


def test_a_second_filter_finds_what_the_first_one_asked() -> None:
    lengths = Lengths()
    shared = Shared(lengths)

    shared.score(["a", "b"])
    shared.score(["b", "a"])

    assert lengths.batches == [["a", "b"]]


def test_a_failed_batch_is_told_to_its_callers_and_not_kept() -> None:
    shared = Shared(Lengths())

    with pytest.raises(LookupError):
        shared.score(["good", "bad"])

    assert shared.score(["good"]) == [4]
    with pytest.raises(LookupError):
        shared.score(["bad"])


def test_only_the_newest_answers_are_kept() -> None:
    lengths = Lengths()
    shared = Shared(lengths)

    for number in range(KEPT_TEXTS + 100):
        shared.score([str(number)])
    shared.score(["0"])

    assert lengths.batches.count(["0"]) == 2
    assert len(shared._kept) <= KEPT_TEXTS + 1
