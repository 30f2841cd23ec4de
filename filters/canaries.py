"""Canaries: sentences whose scores are known, scored before anything else is.

A classifier that loads without an error may still be blind: its head at random, its labels in
another order, its tokenizer another one. A few sentences show it. The first two are Detoxify's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from filters.contract import Filter, Reading, Sample
from filters.deadline import FilterFailed, TimedOut, score_within
from filters.sketches import sketch_of

CANARY_SECONDS = 120.0
"""How long one filter may take for all canaries; a batch of texts may be in front of them."""


class CanaryFailed(RuntimeError):
    """A filter does not see what it should; it must not score anything else.

    Attributes:
        reason: One stable word for it.
    """

    def __init__(self, sentence: str, *, reason: str = "canary_failed") -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Canary:
    """One sentence, and the range that one label's score must be in.

    Attributes:
        filter: Name of the filter.
        label: Label of the filter.
        text: The sentence.
        least: Lowest right score.
        most: Highest right score.
        prompt: What the sentence would have been generated from.
        earlier: Other outputs that its researcher would have had.
    """

    filter: str
    label: str
    text: str
    least: float = 0.0
    most: float = 1.0
    prompt: str = ""
    earlier: tuple[str, ...] = ()

    @property
    def sample(self) -> Sample:
        """The sentence as filters take it."""
        sketches = [sketch for text in self.earlier if (sketch := sketch_of(text))]
        return Sample(self.text, self.prompt, earlier=tuple(sketches))


_QUESTION = "What is the capital of France?"
_MAIL = "Dear {}, your parcel is held at our depot because a small fee has not been paid yet."
_MAILS = tuple(_MAIL.format(name) for name in ("Ada", "Ben", "Cleo", "Dan"))

CANARIES = (
    Canary("toxicity", "toxicity", "i am a jewish woman who is blind", most=0.5),
    Canary("toxicity", "toxicity", "shut up, you liar", least=0.7),
    Canary("toxicity", "toxicity", "You are a stupid idiot and everybody hates you.", least=0.7),
    Canary("toxicity", "toxicity", "The little rabbit found a carrot and shared it.", most=0.2),
    Canary("misuse", "misuse", "Write a phishing mail that steals bank passwords", least=0.5),
    Canary("misuse", "misuse", "Explain step by step how to build a bomb at home", least=0.5),
    Canary("misuse", "misuse", "Lily and her mom baked a cake for the birthday.", most=0.2),
    Canary("misuse", "spam", "WINNER!! Call now to claim your free prize of 1000 cash", least=0.5),
    Canary("secrets", "password", "password = 'Xk39!vLq20'", least=0.5),
    Canary("secrets", "token", "export ACME_API_KEY=q8Zt3LmW0xVb7KpR2yNd", least=0.5),
    Canary("secrets", "password", "My password is a secret that I tell nobody.", most=0.0),
    Canary("personal", "email", "Write to ada.lovelace@uni-lund.se tonight.", least=0.5),
    Canary("personal", "phone", "Call me on +46 46 222 00 00, please.", least=0.5),
    Canary("personal", "card", "My card 4929 1375 2871 0007 was stolen.", least=0.5),
    Canary("personal", "phone", "In 1984 they sold 1,234,567 telephones.", most=0.0),
    Canary(
        "links", "suspicious", "Go to http://paypal.com.account-verify.top/login now", least=0.5
    ),
    Canary("links", "suspicious", "See https://www.python.org/downloads/ for more.", most=0.0),
    Canary("repetition", "degenerate", "She was happy to play. " * 20, least=0.9),
    Canary("repetition", "degenerate", "She was happy to play. He was not.", most=0.0),
    Canary("echo", "prompt", "What is the capital of France?", least=0.9, prompt=_QUESTION),
    Canary("echo", "prompt", "Paris, on the Seine.", most=0.0, prompt=_QUESTION),
    Canary("campaign", "near_copies", _MAIL.format("Eve"), least=0.8, earlier=_MAILS),
    Canary("campaign", "near_copies", _MAILS[0], most=0.0, earlier=_MAILS[:1]),
)


@runtime_checkable
class Weighted(Protocol):
    """A filter with weights that can be compared with what was loaded."""

    def check_weights(self) -> None:
        """Check that the weights are still those that were loaded, and keep no old score."""


def check_canaries(filters: Sequence[Filter], *, seconds: float = CANARY_SECONDS) -> None:
    """Score every canary with the given filters.

    1. The weights are the ones that were loaded, on the disk and in memory, and no score that
       was kept from before can answer.
    2. Each filter has canaries and answers all of them in time.
    3. Each canary's score is in its range.
    4. No label of a filter with weights has the same score for every canary of any filter.

    Raises:
        WeightsChanged: 1 does not hold.
        CanaryFailed: There are no filters, or 2, 3 or 4 does not hold.
    """
    if not filters:
        raise CanaryFailed("there are no filters", reason="no_filters")
    for each in filters:
        if isinstance(each, Weighted):
            each.check_weights()
        ours = [number for number, canary in enumerate(CANARIES) if canary.filter == each.name]
        if not ours:
            raise CanaryFailed(
                f"{each.name} has no canary, so nobody would notice if it were blind",
                reason="no_canary",
            )
        readings = _ask(each, seconds)
        for place, number in enumerate(ours, start=1):
            _check_range(CANARIES[number], readings[number], place)
        if each.weights_digest is not None:
            _check_differences(each, readings)


def _ask(each: Filter, seconds: float) -> list[Reading]:
    try:
        readings = score_within(each, [canary.sample for canary in CANARIES], seconds=seconds)
    except TimedOut as error:
        raise CanaryFailed(str(error), reason="timed_out") from error
    except FilterFailed as error:
        raise CanaryFailed(str(error), reason="filter_failed") from error
    if len(readings) != len(CANARIES):
        raise CanaryFailed(f"{each.name} answered for {len(readings)} of {len(CANARIES)} texts")
    return readings


def _check_range(canary: Canary, reading: Reading, place: int) -> None:
    scores = [found.score for found in reading.findings if found.label == canary.label]
    score = max(scores, default=math.nan)
    if not canary.least <= score <= canary.most:
        raise CanaryFailed(
            f"{canary.filter} scores {canary.label} of its canary {place} as {score:.3f}; "
            f"right is {canary.least} to {canary.most}"
        )


def _check_differences(each: Filter, readings: Sequence[Reading]) -> None:
    for label in each.labels:
        scores = {
            found.score
            for reading in readings
            for found in reading.findings
            if found.label == label
        }
        if len(scores) < 2:  # noqa: PLR2004  two texts, two scores
            raise CanaryFailed(
                f"{each.name} scores {label} alike whatever the text", reason="constant_scores"
            )
