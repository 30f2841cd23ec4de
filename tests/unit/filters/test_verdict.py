from __future__ import annotations

import json

import pytest

from filters.contract import Finding
from filters.verdict import Decision, FilterIdentity, Flag, Verdict


def verdict(decision: Decision, *flags: Flag) -> Verdict:
    findings = (
        Finding("links", "suspicious", 0.2, 0, 4),
        Finding("links", "suspicious", 0.7, 5, 9),
    )
    identities = (FilterIdentity("links", "1", None, windows=2, characters=9),)
    thresholds = {"links.suspicious": 0.5}
    return Verdict(decision, findings, flags, "ab" * 32, identities, 1, 9, thresholds=thresholds)


FLAG = Flag("links", "suspicious", 0.7, 0.5)


def test_a_release_with_a_reason_to_flag_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="exactly when"):
        verdict(Decision.RELEASE, FLAG)


def test_a_flag_without_a_reason_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="exactly when"):
        verdict(Decision.FLAG)


def test_the_score_of_a_label_is_its_highest() -> None:
    assert verdict(Decision.FLAG, FLAG).scores == {"links.suspicious": 0.7}


def test_a_verdict_becomes_plain_json() -> None:
    record = json.loads(json.dumps(verdict(Decision.FLAG, FLAG).to_record()))

    assert record["decision"] == "flag"
    assert record["flagged_by"] == [
        {
            "filter": "links",
            "label": "suspicious",
            "score": 0.7,
            "threshold": 0.5,
            "count": 1,
            "severity": "medium",
        }
    ]
    assert record["noted"] == []
    assert record["filters"] == [
        {"name": "links", "version": "1", "weights_digest": None, "windows": 2, "characters": 9}
    ]
    assert record["thresholds"] == {"links.suspicious": 0.5}
    assert record["findings"][1] == {
        "filter": "links",
        "label": "suspicious",
        "score": 0.7,
        "start": 5,
        "end": 9,
        "count": 1,
    }
