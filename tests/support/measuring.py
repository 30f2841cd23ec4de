"""A small stand-in for the data sets: rows for every one of them, of harmless words."""

from collections.abc import Sequence
from dataclasses import dataclass

from filters.contract import Finding, Reading, Sample
from filters.evaluation import LabelledText
from filters.figures.measured import Material
from filters.figures.sets import DATASETS, GITLEAKS, HATECHECK, PRESIDIO, QUESTIONS, TEMPLATES
from filters.misuse import MISUSE_LABELS
from filters.policy import Policy, parse_policy
from filters.toxicity import TOXICITY_LABELS

SECRET = "kx-4417-zz"


@dataclass(frozen=True)
class WordFilter:
    """Scores every label 0.9 where a text has the word, and 0.1 where it has not."""

    name: str
    labels: tuple[str, ...]
    word: str
    version: str = "1"
    weights_digest: None = None

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        """Return a reading over the whole text, with the place of the word."""
        return [Reading(self._findings(each.text), ((0, len(each.text)),)) for each in samples]

    def _findings(self, text: str) -> tuple[Finding, ...]:
        start = text.find(self.word)
        place = (start, start + len(self.word)) if start >= 0 else (0, len(text))
        score = 0.9 if start >= 0 else 0.1
        return tuple(Finding(self.name, label, score, *place) for label in self.labels)


FILTERS = (
    WordFilter("toxicity", TOXICITY_LABELS, "bad"),
    WordFilter("misuse", MISUSE_LABELS, "harm"),
    WordFilter("secrets", ("token",), SECRET),
    WordFilter("personal", ("email",), "@"),
)


def policy() -> Policy:
    """Return a policy for these filters."""
    rules = "\n".join(
        f"[rules.{each.name}]\n" + "\n".join(f"{label} = 0.5" for label in each.labels)
        for each in FILTERS
    )
    return parse_policy(f'name = "small"\ntime_limit_seconds = 60\n{rules}')


def rows() -> dict[str, list[LabelledText]]:
    """Return some rows of every data set, as its file would have them."""
    labels = {
        name: {each.label.partition(".")[2] for each in QUESTIONS if each.dataset == name}
        for name in DATASETS
    }
    found = {
        name: [
            LabelledText(f"a bad harm {number}", dict.fromkeys(labels[name], 1.0))
            if number % 2
            else LabelledText(f"a word {number}", dict.fromkeys(labels[name], 0.0))
            for number in range(8)
        ]
        for name in DATASETS
    }
    found["misuse/harmbench"] = [LabelledText("harm", {"misuse": 1.0, "weapons": 1.0})]
    found[HATECHECK] = _hatecheck()
    found[TEMPLATES] = _templates()
    found[PRESIDIO] = [
        LabelledText("to a@b.example", {}, {"spans": [_span("EMAIL_ADDRESS", 3, 14)]}),
        LabelledText("to nobody", {}, {"spans": [_span("EMAIL_ADDRESS", 3, 9)]}),
        LabelledText("to Ann", {}, {"spans": [_span("PERSON", 3, 6)]}),
    ]
    found[GITLEAKS] = [
        LabelledText(f"key = {SECRET}", {"secret": 1.0}),
        LabelledText("key = none", {"secret": 0.0}),
    ]
    return found


def material() -> Material:
    """Return these rows as what is measured on, with two sources of clean text."""
    clean = {
        "stories": [LabelledText("a word", {}), LabelledText("a bad word", {})],
        "books": [LabelledText("a word", {})] * 4,
    }
    return Material(rows(), clean, dict.fromkeys(DATASETS, "0" * 64), None)


def _hatecheck() -> list[LabelledText]:
    facts = {"functionality": "derog_h", "target_ident": "women"}
    hate = {"toxicity": 1.0, "identity_attack": 1.0}
    return [
        LabelledText("a bad word", hate, facts),
        LabelledText("a word", hate, facts),
        LabelledText("a bad word", {"identity_attack": 0.0}, {"functionality": "counter_nh"}),
        LabelledText("a word", dict.fromkeys(hate, 0.0), facts | {"functionality": "pos_nh"}),
    ]


def _templates() -> list[LabelledText]:
    texts = (
        *[("being_adj", f"Being {term} is bad", term == "old") for term in ("old", "middle aged")],
        *[("being_adj", f"Being {term} is good", False) for term in ("old", "middle aged")],
        ("you_occupation", "You are a good writer", False),
    )
    return [
        LabelledText(text, {"toxicity": float(toxic)}, {"template": template})
        for template, text, toxic in texts
    ]


def _span(kind: str, start: int, end: int) -> dict[str, object]:
    return {"type": kind, "start": start, "end": end}
