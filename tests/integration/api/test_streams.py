"""Following jobs over a real connection."""

import json
import time
from contextlib import ExitStack, aclosing
from uuid import UUID

import anyio
import httpx
import pytest

from api import following
from api.client import Client
from registry.db.session import Session
from registry.jobs import progress, queries
from registry.jobs.progress import Progress
from tests.integration.api.service import NAME, Service
from tests.support import rows

STREAMS = 300
QUESTIONS = 20


def test_a_stream_tells_each_move_and_ends_with_the_job(
    service: Service, url: str, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.01)
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
    followed = [ada.submit(NAME, "hello there")["id"] for _ in range(10)]
    limits = httpx.Limits(max_connections=None)

    with ExitStack() as stack:
        headers = service.headers("ada")
        http = stack.enter_context(httpx.Client(headers=headers, limits=limits, timeout=30))
        streams = [
            stack.enter_context(http.stream("GET", f"{url}/v1/jobs/{each}/events"))
            for each in followed * (STREAMS // len(followed))
        ]
        began = time.monotonic()
        answers = [http.get(f"{url}/v1/me") for _ in range(QUESTIONS)]
        seconds = (time.monotonic() - began) / QUESTIONS

    assert {each.status_code for each in streams} == {200}
    assert {each.json()["handle"] for each in answers} == {"ada"}
    assert seconds < 1


def test_a_stream_counts_tokens_while_they_are_generated(
    service: Service, url: str, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.01)
    identifier = ada.submit(NAME, "hello there")["id"]
    with service.database.reading() as session:
        job = queries.get(session, UUID(identifier))
    claimed = rows.claim(service.database, job)
    told: list[int | None] = []

    with httpx.stream(
        "GET", f"{url}/v1/jobs/{identifier}/events", headers=service.headers("ada")
    ) as answer:
        for line in answer.iter_lines():
            if not line.startswith("data: "):
                continue
            told.append(json.loads(line.removeprefix("data: "))["outputs"][0]["tokens"])
            if len(told) == 3:
                break
            with service.database.transaction() as session:
                progress.note(session, {job.id: (claimed, [len(told) * 10])})

    assert told == [None, 10, 20]


def test_the_records_are_asked_once_for_all_streams(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.05)
    identifier = UUID(service.submit().json()["id"])
    asked: list[int] = []
    read = progress.of

    def count(session: Session, job_ids: list[UUID]) -> dict[UUID, Progress]:
        asked.append(len(job_ids))
        return read(session, job_ids)

    monkeypatch.setattr(progress, "of", count)

    async def follow(shared: following.Following) -> None:
        async with aclosing(shared.follow(identifier)) as looks:
            for _ in range(3):
                await anext(looks)

    async def follow_many() -> None:
        shared = following.Following(service.database)
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(follow, shared)

    anyio.run(follow_many)

    first_looks, shared_looks = asked[:50], asked[50:]
    assert set(first_looks) == {1}
    assert len(shared_looks) <= 4
