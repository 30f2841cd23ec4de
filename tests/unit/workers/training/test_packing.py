from collections import Counter

import numpy as np
import pytest

from workers.training.packing import Rows, Tokens

LENGTH = 8


def documents(*sizes: int) -> list[Tokens]:
    """Documents whose tokens all carry the document's number."""
    return [np.full(size, number, dtype=np.uint16) for number, size in enumerate(sizes)]


def rows(*, seed: int = 1, repeats: int = 1) -> Rows:
    pool = {"stories": documents(5, 7, 11, 9), "plays": documents(0, 0, 0, 0, 13, 4)}
    return Rows(pool, repeats={"stories": repeats, "plays": 1}, length=LENGTH, seed=seed)


def test_a_row_does_not_depend_on_what_was_taken_before() -> None:
    one_by_one = rows()
    taken = np.concatenate([one_by_one.take(row, 1) for row in range(20)])

    at_once = rows().take(0, 20)

    assert np.array_equal(taken, at_once)


def test_an_epoch_reads_each_document_as_often_as_the_recipe_says() -> None:
    pool = rows(repeats=3)

    seen = Counter(pool.take(0, pool.per_epoch).ravel().tolist())

    wanted = Counter({0: 15, 1: 21, 2: 33, 3: 27, 4: 13, 5: 4})
    assert seen <= wanted
    assert wanted.total() - seen.total() == wanted.total() % LENGTH


def test_every_epoch_and_every_seed_has_its_own_order() -> None:
    pool, other = rows(), rows(seed=2)

    first = pool.take(0, pool.per_epoch)
    second = pool.take(pool.per_epoch, pool.per_epoch)
    elsewhere = other.take(0, other.per_epoch)

    assert not np.array_equal(first, second)
    assert not np.array_equal(first, elsewhere)


def test_too_little_text_for_one_row_is_refused() -> None:
    pool = Rows({"stories": documents(3)}, repeats={"stories": 1}, length=LENGTH, seed=1)

    with pytest.raises(ValueError, match="do not fill one row"):
        pool.take(0, 1)
