"""Bad input to a submission: each kind has a status and a code, and none is repeated."""

from typing import Any

import pytest
from httpx2 import Response

from tests.integration.api.service import NAME, Service

# What is refused before anything is written is refused alike on both databases.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SECRET = "a prompt that nobody else may read"

OUT_OF_RANGE: list[tuple[str, Any]] = [
    ("max_new_tokens", 0),
    ("max_new_tokens", 2049),
    ("temperature", -0.1),
    ("temperature", 5.1),
    ("top_p", 0),
    ("top_p", 1.1),
    ("top_k", -1),
    ("seed", -1),
    ("seed", 2**53),
    ("seed", 10**400),
    ("n", 0),
    ("n", 17),
    ("stop", [""]),
    ("stop", ["x"] * 9),
    ("stop", ["a\0b"]),
    ("prompt", "a\0b"),
]
WRONG_TYPE: list[tuple[str, Any]] = [
    ("max_new_tokens", "64"),
    ("max_new_tokens", True),
    ("max_new_tokens", 6.5),
    ("temperature", "hot"),
    ("echo", 1),
    ("stop", SECRET),
    ("filters", "off"),
    ("prompt", 7),
    ("prompt", None),
    ("release", ["corral/tiny"]),
    ("release", "a\0b"),
]
NOT_JSON = [b"{", b'{"prompt": "unfinished', b"\xff\xfe", b"[" * 100_000, b'{"n": 1}x']
NO_SUBMISSION = [
    b"",
    b"[]",
    b"7",
    b'"text"',
    b'"\\ud800"',
    b'{"prompt": NaN}',
    b'{"temperature": 1e999}',
]


def test_a_parameter_out_of_range_is_named(service: Service) -> None:
    answers = [
        service.post("/v1/jobs", {"release": NAME, "prompt": SECRET, name: value})
        for name, value in OUT_OF_RANGE
    ]

    found = [(each.status_code, each.json()["code"], each.json()["parameter"]) for each in answers]
    assert found == [(422, "bad_parameters", name) for name, _ in OUT_OF_RANGE]
    assert not any(SECRET in each.text for each in answers)


def test_a_value_of_the_wrong_type_is_named_and_not_repeated(service: Service) -> None:
    answers = [
        service.post("/v1/jobs", {"release": NAME, "prompt": SECRET, name: value})
        for name, value in WRONG_TYPE
    ]

    found = [
        (each.status_code, each.json()["code"], each.json()["errors"][0]["field"])
        for each in answers
    ]
    assert found == [(422, "malformed_body", f"body.{name}") for name, _ in WRONG_TYPE]
    assert not any(SECRET in each.text for each in answers)


def test_what_is_not_json_is_refused(service: Service) -> None:
    answers = [send(service, body) for body in NOT_JSON]

    found = [(each.status_code, each.json()["code"]) for each in answers]
    assert found == [(400, "malformed_json")] * len(NOT_JSON)


def test_json_that_is_no_submission_is_refused(service: Service) -> None:
    answers = [send(service, body) for body in NO_SUBMISSION]

    found = [(each.status_code, each.json()["code"]) for each in answers]
    assert found == [(422, "malformed_body")] * len(NO_SUBMISSION)


def test_half_a_surrogate_pair_is_refused_and_not_repeated(service: Service) -> None:
    prompt = b'{"release": "%s", "prompt": "%s \\ud800"}' % (NAME.encode(), SECRET.encode())
    release = b'{"release": "\\ud800", "prompt": "%s"}' % SECRET.encode()

    answers = [send(service, body) for body in (prompt, release)]

    found = [(each.status_code, each.json()["code"]) for each in answers]
    assert found == [(422, "bad_parameters"), (422, "malformed_body")]
    assert not any(SECRET in each.text for each in answers)


def test_a_field_that_nobody_knows_is_not_repeated(service: Service) -> None:
    answer = service.post("/v1/jobs", {"release": NAME, "prompt": "x", SECRET: 1})

    assert answer.json()["errors"][0]["field"] == "body.(unknown)"
    assert SECRET not in answer.text


def test_a_body_that_is_declared_as_something_else_is_refused(service: Service) -> None:
    headers = {**service.headers("ada"), "Content-Type": "text/plain"}

    answer = service.http.post("/v1/jobs", content=b'{"prompt": "hi"}', headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "malformed_body")


def send(service: Service, body: bytes) -> Response:
    """Send bytes as if they were JSON."""
    headers = {**service.headers("ada"), "Content-Type": "application/json"}
    return service.http.post("/v1/jobs", content=body, headers=headers)
