"""All figures together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filters.contract import Filter
from filters.evaluation import BadRows, LabelledText, read_rows
from filters.figures.clean import CleanFigures, clean_texts, measure_clean
from filters.figures.groups import GroupFigures, Spread, by_fact, by_group, identity_term, spread
from filters.figures.kinds import KindFigures, measure_kinds
from filters.figures.labels import LabelFigures, measure_label
from filters.figures.scoring import Progress, Scored, score_rows
from filters.figures.sets import DATASETS, HATECHECK, PRESIDIO, QUESTIONS, TEMPLATES
from filters.figures.spans import SpanFigures, measure_spans
from filters.policy import Policy

_DECIMALS = 4
TOXICITY, ATTACK = "toxicity.toxicity", "toxicity.identity_attack"


@dataclass(frozen=True)
class Material:
    """The texts that are measured on.

    Attributes:
        rows: Data set to its rows.
        clean: Source to its harmless passages.
        digests: File below the data folder to its sha256.
        limit: How many rows of each set were taken at most; unset for all.
    """

    rows: Mapping[str, Sequence[LabelledText]]
    clean: Mapping[str, Sequence[LabelledText]]
    digests: Mapping[str, str]
    limit: int | None

    @property
    def texts(self) -> int:
        """How many texts there are to screen."""
        return sum(map(len, (*self.rows.values(), *self.clean.values())))


@dataclass(frozen=True)
class Measured:
    """What was found; ``scored`` is what pictures are drawn from and is written nowhere."""

    filters: Sequence[Mapping[str, Any]]
    policy: Mapping[str, str]
    limit: int | None
    digests: Mapping[str, str]
    not_scored: Mapping[str, int]
    labels: Sequence[LabelFigures]
    functionalities: Sequence[GroupFigures]
    targets: Sequence[GroupFigures]
    terms: Sequence[GroupFigures]
    terms_apart: Spread | None
    kinds: Sequence[KindFigures]
    spans: Sequence[SpanFigures]
    clean: Sequence[CleanFigures]
    scored: Mapping[str, Scored]

    def to_record(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        record = {key: value for key, value in vars(self).items() if key != "scored"}
        for key in ("labels", "functionalities", "targets", "terms", "kinds", "spans", "clean"):
            record[key] = [_plain(asdict(each)) for each in record[key]]
        record["terms_apart"] = _plain(asdict(self.terms_apart)) if self.terms_apart else None
        return record


def read_material(data: Path, *, limit: int | None = None) -> Material:
    """Read the data sets and the harmless prose.

    Raises:
        BadRows: A file is missing or is not as expected.
    """
    rows: dict[str, list[LabelledText]] = {}
    digests: dict[str, str] = {}
    for dataset in DATASETS:
        path = data / "test" / f"{dataset}.jsonl.gz"
        if not path.is_file():
            raise BadRows(f"there is no {path}; give the folder that holds test and text")
        rows[dataset] = read_rows(path, needs_labels=dataset != PRESIDIO)[:limit]
        digests[dataset] = hashlib.sha256(path.read_bytes()).hexdigest()
    return Material(rows, clean_texts(data, limit=limit), digests, limit)


def _plain(value: Any) -> Any:
    """Return a value with its numbers rounded: further digits differ from machine to machine."""
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value


def measure(
    material: Material, *, filters: Sequence[Filter], policy: Policy, progress: Progress
) -> Measured:
    """Screen every text once and read all figures from the verdicts."""
    scored = {
        name: score_rows(name, rows, filters=filters, policy=policy, progress=progress)
        for name, rows in (*material.rows.items(), *material.clean.items())
    }
    hatecheck, terms = scored[HATECHECK], by_group(scored[TEMPLATES], TOXICITY, identity_term)
    return Measured(
        filters=[
            {"name": each.name, "version": each.version, "weights_digest": each.weights_digest}
            for each in filters
        ],
        policy={"name": policy.name, "digest": policy.digest},
        limit=material.limit,
        digests=material.digests,
        not_scored={name: each.not_scored for name, each in scored.items() if each.not_scored},
        labels=[measure_label(scored[each.dataset], each.label) for each in QUESTIONS],
        functionalities=by_group(hatecheck, ATTACK, by_fact("functionality")),
        targets=by_group(hatecheck, ATTACK, by_fact("target_ident")),
        terms=terms,
        terms_apart=spread(terms),
        kinds=measure_kinds(scored),
        spans=measure_spans(scored),
        clean=[measure_clean(scored[name]) for name in material.clean],
        scored=scored,
    )
