"""Submitting many prompts: what is accepted, each way to be refused, and what comes back."""

import hashlib
import json
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import func, select

from registry.jobs.model import Job
from registry.releases.model import ReleaseState
from tests.integration.api.service import NAME, Service

SECRET = "a prompt that nobody else may read"
PATH = "/v1/jobs/bulk"


def lines_of(*lines: Any) -> bytes:
    """Return JSON Lines; a string is a line as it is."""
    written = (each if isinstance(each, str) else json.dumps(each) for each in lines)
    return "".join(f"{each}\n" for each in written).encode()


def line(number: int, **more: Any) -> dict[str, Any]:
    return {"custom_id": f"line-{number}", "prompt": "hello there", **more}


def submit(
    service: Service,
    body: bytes,
    *,
    who: str | None = "ada",
    release: str = NAME,
    kind: str = "application/jsonl",
    **headers: str,
) -> Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return service.http.post(
        PATH,
        content=body,
        params={"release": release},
        headers={**service.headers(who), "Content-Type": kind, **given},
    )


def count_jobs(service: Service) -> int:
    with service.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0


def results(service: Service, identifier: str, who: str = "ada") -> list[dict[str, Any]]:
    answer = service.get(f"{PATH}/{identifier}/results", who)
    assert answer.headers["Content-Type"].startswith("application/jsonl")
    return [json.loads(each) for each in answer.text.splitlines()]


def test_an_accepted_bulk_has_an_address_and_counts_its_jobs(service: Service) -> None:
    body = lines_of(line(1, seed=7, n=2), line(2, max_new_tokens=8))

    answer = submit(service, body)

    bulk = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"{PATH}/{bulk['id']}"
    assert (bulk["release"], bulk["jobs"], bulk["counts"]["queued"]) == (NAME, 2, 2)
    assert bulk["lines_sha256"] == hashlib.sha256(body).hexdigest()
    assert service.get(f"{PATH}/{bulk['id']}").json() == bulk
    assert service.get(PATH).json()["items"] == [bulk]
    jobs = service.get("/v1/jobs").json()["items"]
    assert [(each["custom_id"], each["bulk_id"]) for each in jobs] == [
        ("line-2", bulk["id"]),
        ("line-1", bulk["id"]),
    ]
    assert jobs[1]["parameters"]["seed"] == 7
    assert len(jobs[1]["outputs"]) == 2


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/jsonl; charset=utf-8"])
def test_both_names_of_json_lines_are_taken(service: Service, kind: str) -> None:
    assert submit(service, lines_of(line(1)), kind=kind).status_code == 202


def test_another_kind_of_body_is_refused(service: Service) -> None:
    answer = submit(service, lines_of(line(1)), kind="application/json")

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_byte_order_mark_and_empty_lines_and_windows_line_ends_are_taken(
    service: Service,
) -> None:
    body = b"\xef\xbb\xbf" + lines_of(line(1), "", line(2)).replace(b"\n", b"\r\n")

    assert submit(service, body).json()["jobs"] == 2


def test_the_first_portion_goes_to_the_queue_of_bulks_and_the_rest_waits(
    service: Service,
) -> None:
    submit(service, lines_of(*(line(number) for number in range(100))))

    messages = list((service.settings.data_dir / "queue" / "messages").iterdir())
    assert len(messages) == service.settings.room_jobs // 2
    assert all(each.name.endswith(".bulk.msg") for each in messages)
    assert not any("hello there" in each.read_text() for each in messages)


def test_every_wrong_line_is_named_and_none_is_accepted(service: Service) -> None:
    body = (
        lines_of(
            line(1),
            "{",
            line(3, temperature="hot"),
            line(4, secret_field=SECRET),
            [SECRET],
            line(1),
            {"prompt": SECRET},
            line(8, top_p=0),
            line(9, prompt="fox " * 400),
            line(10, prompt="a\0b"),
            line(11, custom_id=""),
            line(12, prompt="x" * (service.settings.prompt_limit_bytes + 1)),
            line(13, release=NAME),
            '{"custom_id": "14", "prompt": "\\ud800"}',
        )
        + b'{"custom_id": "15", "prompt": "\xff"}'
    )

    answer = submit(service, body)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "bad_bulk")
    assert [(each["line"], each["field"]) for each in problem["errors"]] == [
        (2, "line"),
        (3, "temperature"),
        (4, "secret_field"),
        (5, "line"),
        (6, "custom_id"),
        (7, "custom_id"),
        (8, "top_p"),
        (9, "prompt"),
        (10, "prompt"),
        (11, "custom_id"),
        (12, "prompt"),
        (13, "release"),
        (14, "line"),
        (15, "line"),
    ]
    assert (problem["lines"], problem["more"]) == (15, 0)
    assert "line 1 has the same" in problem["errors"][4]["problem"]
    assert SECRET not in answer.text
    assert "fox" not in answer.text
    assert count_jobs(service) == 0


def test_a_hundred_problems_are_listed_and_the_rest_are_counted(service: Service) -> None:
    answer = submit(service, lines_of(*({"prompt": "hi"} for _ in range(250))))

    problem = answer.json()
    assert (len(problem["errors"]), problem["more"]) == (100, 150)
    assert "250 problems" in problem["detail"]


def test_a_bulk_without_lines_is_refused(service: Service) -> None:
    answer = submit(service, b"\n \n")

    assert (answer.status_code, answer.json()["code"]) == (422, "bad_bulk")


def test_more_lines_than_the_limit_are_refused(service: Service) -> None:
    limit = service.settings.bulk_lines_limit

    answer = submit(service, b"{}\n" * (limit + 1))

    assert (answer.status_code, answer.json()["code"]) == (422, "bulk_too_large")
    assert answer.json()["lines_limit"] == limit


def test_more_outputs_than_the_limit_are_refused(service: Service) -> None:
    most = service.settings.bulk_outputs_limit // service.settings.outputs_limit

    answer = submit(service, lines_of(*(line(number, n=16) for number in range(most + 1))))

    assert (answer.status_code, answer.json()["code"]) == (422, "bulk_too_large")


def test_a_larger_body_than_single_prompts_have_is_taken(service: Service) -> None:
    body = lines_of(*(line(number, stop=["x" * 200] * 8) for number in range(500)))
    assert len(body) > 6 * service.settings.prompt_limit_bytes + 65_536

    assert submit(service, body).status_code == 202


def test_an_unknown_release_is_not_found(service: Service) -> None:
    answer = submit(service, lines_of(line(1)), release="nobody/knows")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_release")


def test_lines_are_not_read_for_those_who_may_not_use_the_release(service: Service) -> None:
    answer = submit(service, b"{", who="bob")

    assert (answer.status_code, answer.json()["code"]) == (403, "not_approved")


def test_without_a_token_nothing_is_read(service: Service) -> None:
    assert submit(service, lines_of(line(1)), who=None).status_code == 401


def test_a_quarantined_release_is_refused(service: Service) -> None:
    service.move_release(ReleaseState.QUARANTINED)

    answer = submit(service, lines_of(line(1)))

    assert (answer.status_code, answer.json()["code"]) == (403, "release_quarantined")


def test_a_bulk_that_is_sent_twice_under_one_key_is_made_once(service: Service) -> None:
    body = lines_of(line(1))

    first = submit(service, body, Idempotency_Key="one")
    again = submit(service, body, Idempotency_Key="one")
    other = submit(service, lines_of(line(2)), Idempotency_Key="one")

    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.json()["code"] == "idempotency_mismatch"
    assert count_jobs(service) == 1


def test_results_are_there_for_what_has_ended_and_text_only_where_it_was_released(
    service: Service,
) -> None:
    bulk = submit(service, lines_of(*(line(number) for number in range(4)))).json()["id"]
    jobs = {each["custom_id"]: each["id"] for each in service.get("/v1/jobs").json()["items"]}
    before = results(service, bulk)
    service.settle(jobs["line-2"], "release", "a released text")
    service.settle(jobs["line-0"], "flag", "a flagged text")
    service.post(f"/v1/jobs/{jobs['line-3']}/cancel")

    found = results(service, bulk)

    assert before == []
    assert [(each["custom_id"], each["state"]) for each in found] == [
        ("line-0", "done"),
        ("line-2", "done"),
        ("line-3", "cancelled"),
    ]
    [flagged], [released], [pending] = (each["outputs"] for each in found)
    assert (flagged["state"], flagged["text"]) == ("flagged", None)
    assert flagged["flagged_by"][0]["label"] == "toxicity"
    assert (released["state"], released["text"]) == ("released", "a released text")
    assert (pending["state"], pending["text"]) == ("pending", None)


def test_results_come_in_pages_and_are_whole(service: Service) -> None:
    bulk = submit(service, lines_of(*(line(number) for number in range(450)))).json()["id"]
    service.post(f"{PATH}/{bulk}/cancel")

    found = results(service, bulk)

    assert [each["custom_id"] for each in found] == [f"line-{number}" for number in range(450)]


def test_a_bulk_is_cancelled_as_a_whole(service: Service) -> None:
    bulk = submit(service, lines_of(line(1), line(2))).json()["id"]

    cancelled = service.post(f"{PATH}/{bulk}/cancel").json()
    again = service.post(f"{PATH}/{bulk}/cancel")

    assert cancelled["counts"]["cancelled"] == 2
    assert cancelled["finished_at"] is not None
    assert (again.status_code, again.json()["code"]) == (409, "job_moved")


@pytest.mark.parametrize("call", ["", "/results"])
def test_nobody_else_sees_a_bulk(service: Service, call: str) -> None:
    bulk = submit(service, lines_of(line(1))).json()["id"]

    answer = service.get(f"{PATH}/{bulk}{call}", "bob")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_bulk")
    assert service.post(f"{PATH}/{bulk}/cancel", who="bob").status_code == 404


def test_single_prompts_beyond_the_room_wait_as_rows(service: Service) -> None:
    for _ in range(service.settings.room_jobs // 2 + 3):
        assert service.submit().status_code == 202

    messages = list((service.settings.data_dir / "queue" / "messages").iterdir())
    assert len(messages) == service.settings.room_jobs // 2
