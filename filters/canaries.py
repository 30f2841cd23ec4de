"""Canaries: sentences whose scores are known, scored before anything else is.

A classifier that loads without an error may still be blind: its head at random, its labels in
another order, its tokenizer another one. A few sentences show it. The first two are Detoxify's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from filters.contract import Filter, Sample
from filters.sketches import sketch_of


class CanaryFailed(RuntimeError):
    """A filter scores a sentence wrongly whose score is known; it must not score anything else."""


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


def check_canaries(filters: Sequence[Filter]) -> None:
    """Score every canary of the given filters.

    Raises:
        CanaryFailed: There are no filters, a filter has no canary, or a score is out of its range.
    """
    if not filters:
        raise CanaryFailed("there are no filters")
    for each in filters:
        canaries = [canary for canary in CANARIES if canary.filter == each.name]
        if not canaries:
            raise CanaryFailed(
                f"{each.name} has no canary, so nobody would notice if it were blind"
            )
        readings = each.score([canary.sample for canary in canaries])
        if len(readings) != len(canaries):
            raise CanaryFailed(f"{each.name} answered for {len(readings)} of {len(canaries)} texts")
        for number, (canary, reading) in enumerate(zip(canaries, readings, strict=True), start=1):
            scores = [found.score for found in reading.findings if found.label == canary.label]
            score = max(scores, default=math.nan)
            if not canary.least <= score <= canary.most:
                raise CanaryFailed(
                    f"{each.name} scores {canary.label} of its canary {number} as {score:.3f}; "
                    f"right is {canary.least} to {canary.most}"
                )
