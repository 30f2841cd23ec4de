"""Screening: run every filter over every text; what was not scored completely is flagged.

The argument, for each text:

1. The filters that ran are exactly the filters that the policy names, each once.
2. Each of them answered in time, with one reading for the text.
3. The reading scores every label of the filter and of the policy, with numbers from 0 to 1.
4. The reading covers the text from its first character to its last.
5. No score reaches the threshold of a label that flags; labels that are only noted may.

Only a text for which all five hold is released. Texts are never logged.
"""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from filters.contract import Filter, Finding, Reading, Sample
from filters.deadline import FilterFailed, TimedOut, score_within
from filters.rules import Action, Policy, weigh
from filters.verdict import Decision, FilterIdentity, Flag, Verdict

log = logging.getLogger(__name__)

BATCH = 32
"""Texts that a filter gets at a time; the policy's time limit holds for each batch."""

_SELF = "screen"


def screen(
    samples: Sequence[Sample], *, filters: Sequence[Filter], policy: Policy
) -> list[Verdict]:
    """Return a verdict for each sample, in order. Nothing raises; what fails is flagged."""
    verdicts: list[Verdict] = []
    for start in range(0, len(samples), BATCH):
        verdicts += _screen_batch(samples[start : start + BATCH], filters, policy)
    return verdicts


def _screen_batch(
    samples: Sequence[Sample], filters: Sequence[Filter], policy: Policy
) -> list[Verdict]:
    names = Counter(each.name for each in filters)
    unmatched = {name for name, count in names.items() if count > 1} | (
        policy.rules.keys() ^ names.keys()
    )
    if not names and not policy.rules:
        unmatched.add(_SELF)
    for name in sorted(unmatched):
        log.error("filter and policy do not match", extra={"filter": name})
    usable = [each for each in filters if each.name not in unmatched]
    readings = [_read(each, samples, policy) for each in usable]
    digest = policy.digest
    thresholds = {
        f"{name}.{label}": threshold
        for name, labels in policy.thresholds.items()
        for label, threshold in labels.items()
    }
    verdicts: list[Verdict] = []
    for number, text in enumerate(sample.text for sample in samples):
        flags = [Flag.not_scored(name) for name in sorted(unmatched)]
        noted: list[Flag] = []
        good: dict[str, Reading] = {}
        for each, answered in zip(usable, readings, strict=True):
            reading = answered[number]
            if reading is None:
                flags.append(Flag.not_scored(each.name))
            else:
                good[each.name] = reading
                over = weigh(reading.findings, policy.rules[each.name])
                flags += over[Action.FLAG]
                noted += over[Action.NOTE]
        findings = [finding for reading in good.values() for finding in reading.findings]
        if not text.strip():
            findings.append(Finding(_SELF, "blank", 1.0, 0, len(text)))
        verdicts.append(
            Verdict(
                decision=Decision.FLAG if flags else Decision.RELEASE,
                findings=tuple(findings),
                flagged_by=tuple(flags),
                policy_digest=digest,
                filters=tuple(_identity(each, good.get(each.name)) for each in filters),
                windows=max((len(reading.covered) for reading in good.values()), default=0),
                characters=len(text),
                noted=tuple(noted),
                thresholds=thresholds,
            )
        )
    return verdicts


def _identity(each: Filter, reading: Reading | None) -> FilterIdentity:
    """Return which filter this is, and what it looked at, if its reading can be relied on."""
    covered = () if reading is None else reading.covered
    characters = max((end for _, end in covered), default=0)  # they begin at 0, without a gap
    return FilterIdentity(
        each.name, each.version, each.weights_digest, windows=len(covered), characters=characters
    )


def _read(each: Filter, samples: Sequence[Sample], policy: Policy) -> list[Reading | None]:
    """Return the filter's reading of each text, or nothing where it cannot be relied on."""
    answers = _ask(each, samples, seconds=policy.time_limit_seconds)
    labels = {*each.labels, *policy.rules[each.name]}
    checked: list[Reading | None] = []
    for sample, reading in zip(samples, answers, strict=True):
        size = len(sample.text)
        fault = _fault(reading, each.name, labels, size) if reading is not None else None
        if fault:
            log.error("filter answered wrongly", extra={"filter": each.name, "reason": fault})
        checked.append(None if fault else reading)
    return checked


def _ask(each: Filter, samples: Sequence[Sample], *, seconds: float) -> list[Reading | None]:
    """Ask about all texts at once; if that fails, about each alone: one must not flag the rest."""
    ends = time.monotonic() + seconds
    answers = _try(each, samples, seconds=seconds)
    if answers is not None:
        return list(answers)
    alone: list[Reading | None] = []
    for sample in samples:
        left = ends - time.monotonic()
        answer = _try(each, [sample], seconds=left) if len(samples) > 1 and left > 0 else None
        alone.append(answer[0] if answer else None)
    return alone


def _try(each: Filter, samples: Sequence[Sample], *, seconds: float) -> Sequence[Reading] | None:
    try:
        answers = score_within(each, samples, seconds=seconds)
    except TimedOut:
        log.error("filter timed out", extra={"filter": each.name, "texts": len(samples)})  # noqa: TRY400
    except FilterFailed as failure:
        log.error("filter failed", extra={"filter": each.name, "reason": str(failure)})  # noqa: TRY400
    else:
        if len(answers) == len(samples):
            return answers
        log.error("filter answered for another number of texts", extra={"filter": each.name})
    return None


def _fault(reading: Reading, name: str, labels: set[str], characters: int) -> str | None:
    """Return why a reading cannot be relied on, or nothing if it can."""
    try:
        return next(_faults(reading, name, labels, characters), None)
    except Exception as error:  # noqa: BLE001  whatever is wrong with its shape, it is no reading
        return f"not a reading, {type(error).__name__}"


def _faults(reading: Reading, name: str, labels: set[str], characters: int) -> Iterator[str]:
    if missing := labels - {finding.label for finding in reading.findings}:
        yield f"no score for {', '.join(sorted(missing))}"
    for finding in reading.findings:
        if finding.filter != name or finding.label not in labels:
            yield "a finding of another filter or label"
        if not (math.isfinite(finding.score) and 0 <= finding.score <= 1):
            yield f"score of {finding.label} is not a number from 0 to 1"
        if finding.count < 1:
            yield f"count of {finding.label} is less than 1"
        if not 0 <= finding.start <= finding.end <= characters:
            yield f"span of {finding.label} is outside the text"
    if not _covers(reading.covered, characters):
        yield "part of the text was not looked at"


def _covers(spans: Sequence[tuple[int, int]], characters: int) -> bool:
    """Return whether the spans together reach from 0 to ``characters`` without a gap."""
    reached = 0
    for start, end in sorted(spans):
        if start > reached:
            return False
        reached = max(reached, end)
    return reached >= characters
