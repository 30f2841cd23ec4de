"""What callers may say and what answers may hold, over all calls of the interface."""

import dataclasses
import re
from typing import Any

import pytest
from fastapi import FastAPI

from api.app import ROUTERS
from api.v1.schemas.jobs import BulkLine, JobProgress, JobSubmission, OutputProgress
from registry.jobs.parameters import Parameters

ABOUT_THE_GATE = re.compile(
    r"batch|bypass|disable|file|filter|guard|moderat|polic|rail|scan|screen|skip|stream|suppress"
    r"|threshold|unsafe"
)
SCHEMA = "#/components/schemas/"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The description of every call."""
    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router)
    return app.openapi()


def calls_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [call for calls in document["paths"].values() for call in calls.values()]


def fields_of(document: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    """Return the names of the fields of a body, or of a line of one."""
    if "$ref" not in schema:
        return set(schema["properties"])
    name = schema["$ref"].removeprefix(SCHEMA)
    return set(document["components"]["schemas"][name]["properties"])


def test_a_caller_says_how_to_generate_and_nothing_else() -> None:
    parameters = {each.name for each in dataclasses.fields(Parameters)}

    assert set(JobSubmission.model_fields) == {"release", "prompt"} | parameters
    assert set(BulkLine.model_fields) == {"custom_id", "prompt"} | parameters


def test_no_call_takes_a_word_about_the_gate(document: dict[str, Any]) -> None:
    said: set[str] = set()
    for call in calls_of(document):
        said |= {each["name"] for each in call.get("parameters", [])}
        for body in call.get("requestBody", {}).get("content", {}).values():
            said |= fields_of(document, body["schema"])

    assert "prompt" in said
    assert sorted(name for name in said if ABOUT_THE_GATE.search(name.lower())) == []


def test_every_body_is_one_json_object_or_one_on_each_line(document: dict[str, Any]) -> None:
    kinds: dict[str, set[str]] = {}
    for path, calls in document["paths"].items():
        for call in calls.values():
            for kind in call.get("requestBody", {}).get("content", {}):
                kinds.setdefault(kind, set()).add(path)

    assert set(kinds) == {"application/json", "application/jsonl"}
    assert kinds["application/jsonl"] == {"/v1/jobs/bulk"}


def test_texts_are_in_the_answers_of_two_kinds_only(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    holders = {name for name, schema in schemas.items() if "text" in schema.get("properties", {})}

    assert holders == {"OutputView", "ReviewDetail"}


def test_the_one_stream_has_states_and_counts_and_no_text(document: dict[str, Any]) -> None:
    streams = {
        path
        for path, calls in document["paths"].items()
        for call in calls.values()
        for answer in call["responses"].values()
        if "text/event-stream" in answer.get("content", {})
    }

    assert streams == {"/v1/jobs/{identifier}/events"}
    assert set(JobProgress.model_fields) == {"id", "state", "outputs"}
    assert set(OutputProgress.model_fields) == {"index", "state", "tokens"}
