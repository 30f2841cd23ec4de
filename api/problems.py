"""Errors as RFC 9457 problem documents, and the one place that knows their status codes.

Invariant: a problem document never holds what a body held. It names the field that is wrong
and says what would be right.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from registry.errors import (
    Conflict,
    CorralError,
    Invalid,
    NotAuthenticated,
    NotFound,
    Refused,
    Unavailable,
)

MEDIA_TYPE = "application/problem+json"
TYPE_START = "urn:corral:problem:"

# The first that fits counts, so what is more precise comes first.
STATUS: dict[type[CorralError], HTTPStatus] = {
    NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    Refused: HTTPStatus.FORBIDDEN,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

MALFORMED_BODY = "malformed_body"
MALFORMED_REQUEST = "malformed_request"
INTERNAL_ERROR = "internal_error"

# What the framework finds out, before anything of ours is asked.
ROUTING: dict[int, tuple[str, str]] = {
    400: ("malformed_json", "the body is not JSON: send a JSON object in UTF-8"),
    404: ("not_found", "there is nothing at this address: /docs lists the calls"),
    405: ("method_not_allowed", "this address has other methods: /docs lists the calls"),
    413: (
        "body_too_large",
        "the body is larger than this call takes: shorten the prompt, or submit a bulk in parts",
    ),
    415: ("unsupported_media_type", "send JSON Lines, as application/jsonl"),
}

_FIELD = re.compile(r"[A-Za-z0-9_.-]{1,40}")


class FieldProblem(BaseModel):
    """One field that is wrong."""

    field: str = Field(examples=["body.temperature"])
    problem: str = Field(examples=["Input should be a valid number"])


class Problem(BaseModel):
    """What went wrong (RFC 9457). Problems have further members, which are their facts."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=[f"{TYPE_START}not_approved"])
    title: str = Field(description="The same for every problem with this code.")
    status: int = Field(examples=[403])
    detail: str = Field(description="What is the matter here, and what to do next.")
    code: str = Field(description="Stable; programs may rely on it.", examples=["not_approved"])
    request_id: str | None = Field(description="Find it in the service's log.", default=None)


def status_of(error: type[CorralError]) -> HTTPStatus:
    """Return the status of the error's category; 500 for one we forgot."""
    for category, status in STATUS.items():
        if issubclass(error, category):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def title_of(error: type[CorralError]) -> str:
    """Return what is true whenever this error is raised: its docstring's first sentence."""
    return (error.__doc__ or error.code).strip().splitlines()[0].rstrip(".")


def answer(
    request: Request,
    *,
    status: int,
    code: str,
    title: str,
    detail: str,
    facts: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return a problem document; its own members win over facts of the same name."""
    document = {
        **(facts or {}),
        "type": TYPE_START + code,
        "title": title,
        "status": int(status),
        "detail": detail,
        "code": code,
        "request_id": getattr(request.state, "request_id", None),
    }
    return JSONResponse(document, int(status), headers=headers, media_type=MEDIA_TYPE)


def internal(request: Request) -> JSONResponse:
    """Return what a caller learns of an error that nobody expected: where to find it."""
    return answer(
        request,
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        code=INTERNAL_ERROR,
        title="Something unexpected went wrong",
        detail="the service made an error; its log has the details under this request_id",
    )


def install(app: FastAPI) -> None:
    """Answer every error of this application with a problem document."""
    app.add_exception_handler(CorralError, _corral_error)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _routing)


def _corral_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, CorralError):
        raise error
    status = status_of(type(error))
    signs_in = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else None
    return answer(
        request,
        status=status,
        code=error.code,
        title=title_of(type(error)),
        detail=str(error),
        facts=error.facts,
        headers=signs_in,
    )


def _malformed(request: Request, error: Exception) -> JSONResponse:
    """Name what is wrong with a request; pydantic's ``input`` and ``ctx`` stay here."""
    if not isinstance(error, RequestValidationError):
        raise error
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return _routing(request, HTTPException(HTTPStatus.BAD_REQUEST))
    wrong = [FieldProblem(field=field_name(each["loc"]), problem=each["msg"]) for each in found]
    in_body = any(each["loc"][0] == "body" for each in found)
    return answer(
        request,
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        code=MALFORMED_BODY if in_body else MALFORMED_REQUEST,
        title="The request is not as the call needs it",
        detail="; ".join(f"{each.field}: {each.problem}" for each in wrong),
        facts={"errors": [each.model_dump() for each in wrong]},
    )


def _routing(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    phrase = HTTPStatus(error.status_code).phrase
    code, detail = ROUTING.get(error.status_code, (INTERNAL_ERROR, phrase))
    return answer(
        request,
        status=error.status_code,
        code=code,
        title=phrase,
        detail=detail,
        headers=error.headers,
    )


def field_name(place: Sequence[str | int]) -> str:
    """Return where in the request a field is; a caller's own field names are not repeated."""
    parts = (str(each) for each in place)
    return ".".join(each if _FIELD.fullmatch(each) else "(unknown)" for each in parts)
