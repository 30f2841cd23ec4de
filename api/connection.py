"""One HTTP connection to a service: requests, pages, and what can go wrong with them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import httpx

from registry.errors import CorralError, Unavailable

TIMEOUT_SECONDS = 30.0
LINES_TIMEOUT_SECONDS = 600.0
CONNECT_RETRIES = 2
PAGE_LIMIT = 200

JSON_LINES = "application/jsonl"

Json = dict[str, Any]

_PROBLEM_FIELDS = frozenset({"type", "title", "status", "detail", "code"})


class ApiProblem(CorralError):
    """The server answered with a problem document.

    Attributes:
        status: HTTP status.
        code: The problem's stable code.
        detail: What is the matter and what to do next, for people.
        facts: The other members of the document.
    """

    code = "api_problem"

    def __init__(self, *, status: int, code: str, detail: str, facts: Mapping[str, Any]) -> None:
        super().__init__(detail, **facts)
        self.status = status
        self.code = code
        self.detail = detail


class ServerUnreachable(Unavailable):
    """There is no answer at the address."""

    code = "server_unreachable"


class Connection:
    """Speaks to one service for one account.

    Every method may raise ``ApiProblem``, when the service says no, and
    ``ServerUnreachable``.
    """

    def __init__(self, url: str, token: str | None) -> None:
        headers = {"Accept": "application/json", "User-Agent": "corral"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._url = url
        self._http = httpx.Client(
            base_url=url,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            transport=httpx.HTTPTransport(retries=CONNECT_RETRIES),
        )

    def close(self) -> None:
        """Close it."""
        self._http.close()

    def get(self, path: str, **query: Any) -> Json:
        """Return one document."""
        document: Json = self._answer("GET", path, params=query).json()
        return document

    def text(self, path: str, **query: Any) -> str:
        """Return one text."""
        return self._answer("GET", path, params=query).text

    def post(self, path: str, body: Json | None = None) -> Json:
        """Send a document and return the answer."""
        document: Json = self._answer("POST", path, json=body).json()
        return document

    def post_once(self, path: str, body: Json, key: str | None) -> Json:
        """Send what makes something, under an idempotency key."""
        headers = {"Idempotency-Key": key or uuid4().hex}
        document: Json = self._answer("POST", path, json=body, headers=headers).json()
        return document

    def post_lines(self, path: str, lines: bytes, key: str | None, **query: Any) -> Json:
        """Send JSON Lines that make something, under an idempotency key."""
        headers = {"Idempotency-Key": key or uuid4().hex, "Content-Type": JSON_LINES}
        document: Json = self._answer(
            "POST",
            path,
            content=lines,
            headers=headers,
            params=query,
            timeout=LINES_TIMEOUT_SECONDS,
        ).json()
        return document

    def lines(self, path: str) -> Iterator[Json]:
        """Yield the documents of an answer in JSON Lines, as they come."""
        try:
            with self._http.stream("GET", path, headers={"Accept": JSON_LINES}) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _problem(answer)
                for line in answer.iter_lines():
                    yield json.loads(line)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from error

    def pages(self, path: str, **query: Any) -> Iterator[Json]:
        """Yield the items of a listing, page after page."""
        given = {name: value for name, value in query.items() if value is not None}
        cursor: str | None = None
        while True:
            place = {} if cursor is None else {"cursor": cursor}
            page = self.get(path, limit=PAGE_LIMIT, **given, **place)
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _answer(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **content)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from error
        if answer.is_success:
            return answer
        raise _problem(answer)

    def _unreachable(self, error: Exception) -> ServerUnreachable:
        return ServerUnreachable(
            f"no answer from {self._url} ({type(error).__name__}): is the service running "
            "there (corral up, corral serve), and is CORRAL_URL right?",
            url=self._url,
        )


def _problem(answer: httpx.Response) -> ApiProblem:
    try:
        document = answer.json()
        facts = {name: value for name, value in document.items() if name not in _PROBLEM_FIELDS}
        return ApiProblem(
            status=answer.status_code,
            code=document["code"],
            detail=document["detail"],
            facts=facts,
        )
    except (ValueError, KeyError, AttributeError, TypeError):
        return ApiProblem(
            status=answer.status_code,
            code="not_corral",
            detail=f"the answer from {answer.url.host} is {answer.status_code} and no problem "
            "document: is a Corral service at that address?",
            facts={},
        )
