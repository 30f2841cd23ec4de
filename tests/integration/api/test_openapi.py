"""The OpenAPI document says what callers may rely on."""

from typing import Any

import pytest

from tests.integration.api.service import Service

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@pytest.fixture
def calls(service: Service) -> dict[str, dict[str, Any]]:
    """Every documented call under /v1, by method and path."""
    paths = service.get("/openapi.json", None).json()["paths"]
    return {
        f"{method} {path}": call
        for path, methods in paths.items()
        for method, call in methods.items()
        if path.startswith("/v1/")
    }


def test_every_call_says_what_it_does(calls: dict[str, dict[str, Any]]) -> None:
    silent = [
        name
        for name, call in calls.items()
        if not (call.get("summary") and call.get("description") and call.get("tags"))
    ]

    assert len(calls) > 25
    assert silent == []


def test_every_call_documents_its_problems(calls: dict[str, dict[str, Any]]) -> None:
    undocumented = [
        f"{name} {status}"
        for name, call in calls.items()
        for status, response in call["responses"].items()
        if int(status) >= 400
        and (response["content"] != PROBLEM or "`" not in response["description"])
    ]
    without = [name for name, call in calls.items() if not {"422", "500"} <= set(call["responses"])]

    assert undocumented == []
    assert without == []


def test_a_call_that_needs_a_token_documents_that_it_may_be_missing(
    calls: dict[str, dict[str, Any]],
) -> None:
    signed_in = {name for name, call in calls.items() if call.get("security")}

    assert signed_in == {name for name, call in calls.items() if "401" in call["responses"]}
    assert len(signed_in) > 20


def test_a_call_with_a_body_documents_that_it_may_be_malformed(
    calls: dict[str, dict[str, Any]],
) -> None:
    with_body = {name for name, call in calls.items() if "requestBody" in call}

    assert with_body == {name for name, call in calls.items() if "413" in call["responses"]}
    assert "post /v1/jobs" in with_body


def test_what_callers_send_forbids_unknown_fields(service: Service) -> None:
    schemas = service.get("/openapi.json", None).json()["components"]["schemas"]

    sent = [name for name in schemas if name.endswith("Submission") or name == "Decision"]

    assert len(sent) == 5
    assert all(schemas[name]["additionalProperties"] is False for name in sent)


def test_calls_are_named_once(calls: dict[str, dict[str, Any]]) -> None:
    names = [call["operationId"] for call in calls.values()]

    assert len(names) == len(set(names))
