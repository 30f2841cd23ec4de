"""Bytes in doubt: what each door says of a release, of its jobs and of their outputs."""

from typing import Any

import pytest

from registry.db.session import Database
from registry.receipts.envelope import read_public_key
from registry.receipts.verify import verify
from registry.releases import queries
from tests.integration.api.service import NAME, Service
from tests.support import rows

REASON = "a rumour of a changed copy"
PATH = f"/v1/releases/{NAME}"


def quarantine(service: Service, who: str = "rae") -> None:
    """Put the release into quarantine."""
    answer = service.post(f"{PATH}/quarantine", {"reason": REASON}, who)
    assert answer.json()["state"] == "quarantined"


def verified(database: Database, *problems: str, actor: str = "operator") -> None:
    """Write down a verification, as the operator's command does."""
    with database.transaction() as session:
        rows.verify(session, queries.get(session, NAME), *problems, actor=actor)


def lift(service: Service, who: str = "ron") -> None:
    """Lift the quarantine as somebody else."""
    answer = service.post(f"{PATH}/lift", {"reason": "it is sound"}, who)
    assert answer.json()["state"] == "published"


def job(service: Service, identifier: str) -> dict[str, Any]:
    """Read a job as its researcher."""
    found: dict[str, Any] = service.get(f"/v1/jobs/{identifier}").json()
    return found


def test_a_reviewer_quarantines_and_another_lifts_after_a_verification(service: Service) -> None:
    quarantine(service)
    refused = service.submit()
    early = service.post(f"{PATH}/lift", {"reason": "it is sound"}, "ron")
    verified(service.database)
    alone = service.post(f"{PATH}/lift", {"reason": "it is sound"}, "rae")

    lift(service)

    assert refused.json()["code"] == "release_quarantined"
    assert early.json()["code"] == "not_freshly_verified"
    assert (alone.status_code, alone.json()["code"]) == (403, "second_person_needed")
    assert service.submit().status_code == 202


@pytest.mark.parametrize("call", ["quarantine", "lift"])
@pytest.mark.parametrize("who", ["ada", "aud"])
def test_researchers_and_auditors_move_no_release(service: Service, call: str, who: str) -> None:
    answer = service.post(f"{PATH}/{call}", {"reason": REASON}, who)

    assert (answer.status_code, answer.json()["code"]) == (403, "role_missing")


@pytest.mark.parametrize("call", ["quarantine", "lift"])
def test_a_reason_is_needed(service: Service, call: str) -> None:
    answer = service.post(f"{PATH}/{call}", {"reason": " "}, "rae")

    assert answer.json()["code"] == "reason_missing"


def test_everybody_sees_when_a_release_was_last_verified(service: Service) -> None:
    verified(service.database)
    verified(service.database, "model.safetensors differs", actor="schedule:here")

    release = service.get(PATH, None).json()
    listed = service.get("/v1/releases", None).json()["items"][0]
    history = service.get(f"{PATH}/verifications", None).json()["items"]

    assert {**listed, "derivation": None, "queues": release["queues"]} == release
    assert release["last_verified"] == history[0]
    assert [each["holds"] for each in history][:2] == [False, True]
    assert history[0]["problems"] == ["model.safetensors differs"]
    assert release["state"] == "quarantined"


def test_a_waiting_job_says_that_its_release_is_in_quarantine(service: Service) -> None:
    waiting = service.submit().json()

    quarantine(service)

    found = job(service, waiting["id"])
    assert waiting["quarantine"] is None
    assert (found["state"], found["quarantine"]["reason"]) == ("queued", REASON)
    assert found["outputs"][0]["quarantines"] == []


def test_a_released_output_keeps_its_text_and_is_marked(service: Service) -> None:
    identifier = service.submit().json()["id"]
    service.settle(identifier)

    quarantine(service)

    [output] = job(service, identifier)["outputs"]
    assert (output["state"], output["text"]) == ("released", "some text")
    [mark] = output["quarantines"]
    assert (mark["reason"], mark["lifted_at"]) == (REASON, None)


def test_the_mark_outlives_the_quarantine_and_says_that_it_was_lifted(service: Service) -> None:
    old = service.submit().json()["id"]
    service.settle(old)
    quarantine(service)
    verified(service.database)
    lift(service)
    new = service.submit().json()["id"]
    service.settle(new)

    [mark] = job(service, old)["outputs"][0]["quarantines"]
    assert mark["lifted_at"] is not None
    assert job(service, old)["quarantine"] is None
    assert job(service, new)["outputs"][0]["quarantines"] == []


def test_a_reviewer_sees_the_mark_and_cannot_release(service: Service) -> None:
    review = service.flagged_review()
    service.post(f"/v1/reviews/{review}/claim", None, "ron")
    quarantine(service)

    listed = service.get("/v1/reviews", "ron").json()["items"][0]
    answer = service.post(f"/v1/reviews/{review}/release", {"reason": "harmless"}, "ron")

    assert [each["reason"] for each in listed["quarantines"]] == [REASON]
    assert answer.json()["code"] == "release_quarantined"


def test_a_receipt_comes_with_the_mark_and_still_holds(service: Service) -> None:
    submitted = service.submit().json()
    service.settle(submitted["id"])
    service.sequence()
    quarantine(service)

    answer = service.get(f"/v1/outputs/{submitted['outputs'][0]['id']}/receipt")

    assert [each["reason"] for each in answer.json()["quarantines"]] == [REASON]
    checked = verify(
        answer.content,
        key=read_public_key(service.get("/v1/receipts/key", None).content),
        ledger_vkey=service.get("/v1/audit/key", None).json()["vkey"],
        text=b"some text",
    )
    assert checked.text_matches
