# ruff: noqa: S311  chance for tests, not for secrets
from __future__ import annotations

import random
from dataclasses import replace

from filters.training.recipe import Recipe
from filters.training.variation import GROUPS, Variation, dress, misspell, swap_groups

NOTHING = replace(Recipe(), swapped=0.0, misspelt=0.0, undressed=0.0, embedded=0.0, dressed=0.0)


def test_without_variation_a_text_stays_as_it_is() -> None:
    varied = Variation(random.Random(0), ["prose"], NOTHING)

    assert varied.of("RT @user: some Text") == "RT @user: some Text"


def test_a_group_becomes_another_of_its_kind_and_the_same_one_everywhere() -> None:
    text = "The muslim family and the Muslim boy"

    texts = {swap_groups(text, random.Random(seed)) for seed in range(50)}

    faiths = next(row for row in GROUPS if "muslim" in row)
    assert len(texts) > 5
    for each in texts:
        words = each.removeprefix("The ").split(" family and the ")
        assert words[0] in faiths
        assert words[1] == f"{words[0]} boy"


def test_a_text_without_groups_is_not_touched_by_the_exchange() -> None:
    assert swap_groups("The whiteboard is clean", random.Random(0)) == "The whiteboard is clean"


def test_misspelling_changes_at_most_two_words_and_none_that_is_short() -> None:
    words = ["this", "a", "sentence", "with", "several", "longer", "words", "in", "it"]

    for seed in range(100):
        changed = misspell(" ".join(words), random.Random(seed))
        kept = [word for word in words if f" {word} " in f" {changed} "]
        assert len(kept) >= len(words) - 2


def test_a_tweet_may_lose_its_marks() -> None:
    varied = Variation(random.Random(0), ["prose"], replace(NOTHING, undressed=1.0))

    assert varied.of("RT @user: look at this https://t.co/x") == "look at this "


def test_only_short_texts_are_hidden_in_prose_and_stay_whole() -> None:
    recipe = replace(NOTHING, embedded=1.0, embedded_limit=20)
    varied = Variation(random.Random(0), ["a quiet sentence"], recipe)

    hidden, long = varied.of("short"), varied.of("longer than twenty characters")

    assert "short" in hidden
    assert "quiet" in hidden
    assert long == "longer than twenty characters"


def test_a_dressed_text_still_says_what_it_said() -> None:
    for seed in range(50):
        assert "what it says" in dress("what it says", random.Random(seed))
