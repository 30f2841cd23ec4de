"""Errors that are nobody's business rule: the address, the size, our own mistakes."""

import json

import pytest
import structlog
from sqlalchemy import event

from registry.jobs import service as jobs
from tests.integration.api.service import Service

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SECRET = "a prompt that nobody else may read"


def test_an_address_that_is_none_is_a_problem_document(service: Service) -> None:
    answer = service.get("/v1/nothing")

    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_method_that_an_address_has_not_is_a_problem_document(service: Service) -> None:
    answer = service.http.delete("/v1/jobs", headers=service.headers("ada"))

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"]


def test_a_body_that_is_too_large_is_refused(service: Service) -> None:
    size = service.settings.prompt_limit_bytes * 6 + 70_000
    headers = {**service.headers("ada"), "Content-Type": "application/json"}

    declared = service.http.post("/v1/jobs", content=b"x" * size, headers=headers)
    streamed = service.http.post("/v1/jobs", content=iter([b"x" * size]), headers=headers)

    assert [(each.status_code, each.json()["code"]) for each in (declared, streamed)] == [
        (413, "body_too_large")
    ] * 2


def test_the_longest_prompt_fits_however_it_is_escaped(service: Service) -> None:
    prompt = "\x01" * service.settings.prompt_limit_bytes

    answer = service.submit(prompt)

    assert answer.json()["code"] == "prompt_too_long"


def test_an_error_that_nobody_expected_says_nothing_but_its_request(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(jobs, "submit", fail)
    with structlog.testing.capture_logs() as logged:
        answer = service.submit(SECRET)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "internal_error")
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert SECRET not in answer.text
    [unexpected] = [each for each in logged if each["log_level"] == "error"]
    assert unexpected["error"] == "RuntimeError"
    assert any("submit_job" in frame for frame in unexpected["trace"])
    assert SECRET not in json.dumps(logged)


def test_a_failed_commit_is_no_acceptance(service: Service) -> None:
    def fail(_connection: object) -> None:
        raise OSError("disk full")

    event.listen(service.database.engine, "commit", fail)
    answer = service.submit()
    event.remove(service.database.engine, "commit", fail)

    assert answer.status_code == 500
    assert service.get("/v1/jobs").json()["items"] == []


def test_a_request_keeps_the_name_that_its_sender_gave_it(service: Service) -> None:
    given = service.http.get("/healthz", headers={"X-Request-ID": "my-request.1"})
    unfit = service.http.get("/healthz", headers={"X-Request-ID": "a b" * 40})

    assert given.headers["X-Request-ID"] == "my-request.1"
    assert len(unfit.headers["X-Request-ID"]) == 32


def test_a_problem_names_its_request(service: Service) -> None:
    answer = service.http.get("/v1/me", headers={"X-Request-ID": "mine"})

    assert answer.json()["request_id"] == "mine"


def test_requests_are_logged_without_what_they_hold(service: Service) -> None:
    with structlog.testing.capture_logs() as logged:
        service.submit(SECRET)
        service.get(f"/v1/jobs?cursor={SECRET}")

    assert [(each["route"], each["status"]) for each in logged if each["event"] == "answered"] == [
        ("/v1/jobs", 202),
        ("/v1/jobs", 422),
    ]
    assert SECRET not in json.dumps(logged)
    assert service.tokens["ada"] not in json.dumps(logged)


def test_browsers_are_told_to_guess_and_keep_nothing(service: Service) -> None:
    headers = service.get("/v1/jobs").headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
