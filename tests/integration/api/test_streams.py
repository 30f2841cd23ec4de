"""Following jobs over a real connection."""

import json
import time
from contextlib import ExitStack

import httpx
import pytest

from api.client import Client
from api.v1 import events
from tests.integration.api.service import NAME, Service

STREAMS = 60


def test_a_stream_tells_each_move_and_ends_with_the_job(
    service: Service, url: str, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOK_SECONDS", 0.01)
    identifier = ada.submit(NAME, "hello there")["id"]
    told = []

    with httpx.stream(
        "GET", f"{url}/v1/jobs/{identifier}/events", headers=service.headers("ada")
    ) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                told.append(json.loads(line.removeprefix("data: ")))
                if len(told) == 1:
                    service.settle(identifier, "flag", "a text that was flagged")

    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert (told[0]["state"], told[-1]["state"]) == ("queued", "done")
    assert told[-1]["outputs"] == [{"index": 0, "state": "flagged", "tokens": 3}]
    assert "a text that was flagged" not in json.dumps(told)
    assert "hello there" not in json.dumps(told)


def test_many_open_streams_leave_room_for_others(service: Service, url: str, ada: Client) -> None:
    address = f"{url}/v1/jobs/{ada.submit(NAME, 'hello there')['id']}/events"
    limits = httpx.Limits(max_connections=None)

    with ExitStack() as stack:
        headers = service.headers("ada")
        http = stack.enter_context(httpx.Client(headers=headers, limits=limits, timeout=30))
        streams = [stack.enter_context(http.stream("GET", address)) for _ in range(STREAMS)]
        began = time.monotonic()
        me = http.get(f"{url}/v1/me")
        seconds = time.monotonic() - began

    assert {each.status_code for each in streams} == {200}
    assert me.json()["handle"] == "ada"
    assert seconds < 10
