"""The OpenAPI document: which problems each call may answer with, and how they look."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from api.problems import (
    INTERNAL_ERROR,
    MALFORMED_BODY,
    MALFORMED_REQUEST,
    MEDIA_TYPE,
    ROUTING,
    Problem,
    status_of,
    title_of,
)
from registry.errors import (
    ApprovalExpired,
    ApprovalRevoked,
    CorralError,
    NotApproved,
    NotAuthenticated,
    ReleaseNotPublished,
    ReleaseQuarantined,
    RoleMissing,
    ScopeMissing,
    TokenExpired,
)

Responses = dict[int | str, dict[str, Any]]

SIGN_IN: tuple[type[CorralError], ...] = (NotAuthenticated, TokenExpired)
ROLE: tuple[type[CorralError], ...] = (*SIGN_IN, RoleMissing)
REFUSALS: tuple[type[CorralError], ...] = (
    ReleaseNotPublished,
    ReleaseQuarantined,
    NotApproved,
    ApprovalExpired,
    ApprovalRevoked,
    ScopeMissing,
)
"""What ``registry.access.gate.admit`` says no with."""

_PROBLEM = "#/components/schemas/Problem"
_BODY = {
    400: ROUTING[400],
    413: ROUTING[413],
    422: (MALFORMED_BODY, "a field is missing, unknown or of the wrong type"),
}


def problems(*errors: type[CorralError], body: bool = False) -> Responses:
    """Return the ``responses`` of a route that may answer with these problems.

    Args:
        errors: What the route raises.
        body: Whether the route reads a body, which may be malformed or too large.
    """
    lines: dict[int, list[str]] = {}
    for error in errors:
        lines.setdefault(status_of(error), []).append(f"`{error.code}`: {title_of(error)}.")
    if body:
        for status, (code, detail) in _BODY.items():
            lines.setdefault(status, []).append(f"`{code}`: {detail}.")
    lines.setdefault(422, []).append(
        f"`{MALFORMED_REQUEST}`: a part of the address or a header is not as described."
    )
    lines[500] = [f"`{INTERNAL_ERROR}`: the service made an error and logged it."]
    return {
        status: {"model": Problem, "description": _described(status, texts)}
        for status, texts in sorted(lines.items())
    }


class DocumentedApp(FastAPI):
    """A FastAPI application whose document says that problems have a media type of their own."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            for calls in document["paths"].values():
                for call in calls.values():
                    _name_media_type(call["responses"])
        return super().openapi()


def _described(status: int, texts: list[str]) -> str:
    return "\n\n".join([HTTPStatus(status).phrase, *(f"- {text}" for text in texts)])


def _name_media_type(responses: dict[str, Any]) -> None:
    for response in responses.values():
        schemas = [each.get("schema", {}) for each in response.get("content", {}).values()]
        if any(schema.get("$ref") == _PROBLEM for schema in schemas):
            response["content"] = {MEDIA_TYPE: {"schema": {"$ref": _PROBLEM}}}
