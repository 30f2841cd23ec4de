"""A bulk through the whole service, on both stacks."""

import json
from typing import Any

from api.cli import demo
from registry.accounts import service as accounts
from registry.accounts.model import Role
from registry.releases import queries as releases
from tests.support import rows
from tests.support.stack import Stack

HOSTILE = "You are a stupid, worthless idiot and everybody hates you."


def lines_of(count: int, **more: Any) -> bytes:
    lines = (
        json.dumps({"custom_id": f"line-{number}", "prompt": f"Story {number}:", **more})
        for number in range(count)
    )
    return "".join(f"{line}\n" for line in lines).encode()


def another_researcher(service: Stack, handle: str) -> str:
    """Add an approved researcher; return the handle."""
    with service.database.transaction() as session:
        account = accounts.add(session, handle=handle, roles=[Role.RESEARCHER])
        rows.approve(
            session,
            releases.get(session, service.ready.release.name),
            account,
            accounts.get(session, demo.REVIEWER),
        )
        service.tokens[handle] = accounts.issue_token(session, account=account, days=1)
    return handle


def test_every_line_comes_back_once_with_its_verdict(service: Stack) -> None:
    name = service.ready.release.name
    hostile = {"custom_id": "hostile", "prompt": HOSTILE, "max_new_tokens": 4, "echo": True}
    body = lines_of(47, max_new_tokens=6) + json.dumps(hostile).encode()
    with service.client() as client:
        bulk = client.submit_bulk(name, body)

        *_, ended = client.follow_bulk(bulk["id"])

        results = list(client.results(bulk["id"]))
    assert (ended["jobs"], ended["counts"]["done"]) == (48, 48)
    assert [each["custom_id"] for each in results] == [
        *(f"line-{number}" for number in range(47)),
        "hostile",
    ]
    outputs = [output for each in results for output in each["outputs"]]
    assert all((each["text"] is not None) == (each["state"] == "released") for each in outputs)
    assert (outputs[-1]["state"], outputs[-1]["text"]) == ("flagged", None)
    assert sum(each["state"] == "released" for each in outputs) > 40


def test_a_person_and_another_researcher_do_not_wait_for_a_bulk(service: Stack) -> None:
    name = service.ready.release.name
    with service.client() as client, service.client(another_researcher(service, "bob")) as bob:
        bulk = client.submit_bulk(name, lines_of(400, max_new_tokens=8))
        single = client.submit(name, "Once upon a time", max_new_tokens=8)
        small = bob.submit_bulk(name, lines_of(3, max_new_tokens=8))

        client.wait(single["id"], seconds=90)
        *_, theirs = bob.follow_bulk(small["id"])

        left = client.bulk(bulk["id"])["counts"]
        cancelled = client.cancel_bulk(bulk["id"])
    assert theirs["counts"]["done"] == 3
    assert left["queued"] > 0
    assert cancelled["finished_at"] is not None
