"""The ledger over HTTP: what an auditor needs to trust nobody."""

import hashlib
import json
from typing import Any

from registry.ledger import checkpoint, merkle
from tests.integration.api.service import Service


def leaf_of(entry: dict[str, Any]) -> bytes:
    """Compute a leaf from what the API says, as its documentation describes."""
    names = ("id", "recorded_at", "actor", "action", "subject", "facts")
    said = {name: entry[name] for name in names}
    data = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return hashlib.sha256(b"\0" + data).digest()


def test_an_auditor_can_check_an_entry_against_the_signed_checkpoint(service: Service) -> None:
    service.submit()
    service.sequence()
    key = service.get("/v1/audit/key", None).json()["vkey"]
    signed = checkpoint.verify(service.get("/v1/audit/checkpoint", None).text, key)
    entry = service.get("/v1/audit/entries?limit=1", "aud").json()["items"][0]

    proof = service.get(
        f"/v1/audit/inclusion?index={entry['index']}&size={signed.size}", "aud"
    ).json()

    assert proof["leaf_hash"] == leaf_of(entry).hex()
    assert merkle.verify_inclusion(
        leaf_of(entry),
        index=entry["index"],
        size=signed.size,
        proof=[bytes.fromhex(each) for each in proof["proof"]],
        root=signed.root,
    )


def test_an_auditor_can_check_that_the_ledger_only_grew(service: Service) -> None:
    key = service.get("/v1/audit/key", None).json()["vkey"]
    service.sequence()
    old = checkpoint.verify(service.get("/v1/audit/checkpoint", None).text, key)
    service.submit()
    service.sequence()
    new = checkpoint.verify(service.get("/v1/audit/checkpoint", None).text, key)

    answer = service.get(f"/v1/audit/consistency?from={old.size}&to={new.size}", "bob").json()

    assert (answer["from"], answer["to"]) == (old.size, new.size)
    assert merkle.verify_consistency(
        first=old.size,
        second=new.size,
        first_root=old.root,
        second_root=new.root,
        proof=[bytes.fromhex(each) for each in answer["proof"]],
    )


def test_the_checkpoint_of_an_empty_ledger_is_signed_too(service: Service) -> None:
    key = service.get("/v1/audit/key", None).json()["vkey"]

    answer = service.get("/v1/audit/checkpoint", None)

    assert checkpoint.verify(answer.text, key).size == 0
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_an_entry_without_a_place_yet_says_so(service: Service) -> None:
    entries = service.get("/v1/audit/entries", "aud").json()["items"]

    assert {each["index"] for each in entries} == {None}


def test_entries_can_be_listed_by_subject(service: Service) -> None:
    identifier = service.submit().json()["id"]
    service.post(f"/v1/jobs/{identifier}/cancel")

    entries = service.get(f"/v1/audit/entries?subject={identifier}", "aud").json()["items"]

    assert [each["action"] for each in entries] == ["job.cancelled", "job.submitted"]


def test_a_proof_of_what_is_not_there_is_refused(service: Service) -> None:
    service.sequence()
    queries = (
        "inclusion?index=0&size=100000",
        "inclusion?index=5&size=5",
        f"inclusion?index={10**30}&size={10**31}",
        "consistency?from=5&to=4",
        "consistency?from=1&to=100000",
    )

    answers = [service.get(f"/v1/audit/{each}", "aud") for each in queries]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (422, "bad_range")
    ] * len(queries)


def test_the_ledger_holds_no_prompt(service: Service) -> None:
    service.submit("a prompt to look for")

    answer = service.get("/v1/audit/entries?limit=200", "aud")

    assert "a prompt to look for" not in answer.text
