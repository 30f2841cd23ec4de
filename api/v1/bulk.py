"""Bulks: submit many prompts at once, see how far they are, read what was released of them."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from api.dependencies import AllDoors, Doors, Paging, Reads, Writes
from api.idempotency import REPLAYED, Key, Once
from api.identity import Researcher
from api.openapi import REFUSALS, ROLE, problems
from api.v1.lines import read_lines
from api.v1.schemas.fields import Name, PageView
from api.v1.schemas.jobs import BulkLine, BulkView
from registry.access.gate import admit
from registry.access.model import Scope
from registry.accounts.model import Account
from registry.db.session import Database, Session
from registry.errors import (
    BadBulk,
    BadCursor,
    BulkTooLarge,
    IdempotencyInProgress,
    IdempotencyMismatch,
    JobMoved,
    Unavailable,
    UnknownBulk,
    UnknownRelease,
)
from registry.jobs import bulk
from registry.jobs.intake import Line
from registry.jobs.model import Bulk
from registry.releases import queries as releases
from registry.releases.model import Release
from registry.verdicts.view import result_lines

router = APIRouter(prefix="/v1/jobs/bulk", tags=["jobs"])

JSON_LINES = "application/jsonl"
MEDIA_TYPES = frozenset({JSON_LINES, "application/x-ndjson"})
RESULTS_AT_ONCE = 200

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "One JSON object on each line; `application/x-ndjson` is the same.",
        "content": {JSON_LINES: {"schema": BulkLine.model_json_schema()}},
    }
}


@dataclass(frozen=True, slots=True)
class _Lines:
    """The body of a bulk, and the release that it is for."""

    release: str
    body: bytes

    def once(self, account: Account, key: str | None) -> Once:
        """Return the bulk as something to be made once."""
        return Once(account, "bulks", key, self.release.encode() + b"\n" + self.body)

    def sha256(self) -> str:
        """Return the digest of the lines as they came."""
        return hashlib.sha256(self.body).hexdigest()


async def _lines(
    account: Researcher, request: Request, release: Annotated[Name, Query()]
) -> _Lines:
    """Read the body, once it is known who sends it."""
    del account
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in MEDIA_TYPES:
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    return _Lines(release, await request.body())


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Submit many prompts",
    openapi_extra=_BODY,
    responses=problems(
        *ROLE,
        *REFUSALS,
        UnknownRelease,
        BadBulk,
        BulkTooLarge,
        IdempotencyMismatch,
        IdempotencyInProgress,
        Unavailable,
        body=True,
    ),
)
async def submit_bulk(
    given: Annotated[_Lines, Depends(_lines)],
    account: Researcher,
    parts: AllDoors,
    key: Key,
    response: Response,
) -> BulkView:
    """Accept prompts for one release, one on each line: all of them, or none.

    Every line is checked first; the problem document lists what is wrong by line. The lines
    are jobs like any other, sent to the workers in portions, after jobs that people wait for.
    """
    view, known = await run_in_threadpool(_submit, given, account, parts, key)
    response.headers["Location"] = f"{router.prefix}/{view.id}"
    if known:
        response.headers[REPLAYED] = "true"
    return view


def _submit(
    given: _Lines, account: Account, parts: Doors, key: str | None
) -> tuple[BulkView, bool]:
    """Accept a bulk; return it, and whether its key had made it before.

    1. The release is known, and the researcher may use it; only then are lines read.
    2. Every line is what the release can take.
    3. In one transaction, which asks again: the bulk, its jobs, one entry in the ledger.
    """
    once = given.once(account, key)
    with parts.database.reading() as session:
        known = once.made_before(session)
        if known is not None:
            return _view(session, bulk.owned(session, known, owner=account)), True
        release = releases.get(session, given.release)
        admit(session, account_id=account.id, release_id=release.id, scope=Scope.GENERATE)
        manifest = releases.manifest_of(session, release)
    lines = read_lines(
        given.body,
        settings=parts.settings,
        counter=parts.counter,
        manifest=manifest,
        context_tokens=release.context_tokens,
    )
    made = _accept(parts, once, account=account, release=release, lines=lines, given=given)
    with parts.database.reading() as session:
        return _view(session, made), False


def _accept(
    parts: Doors,
    once: Once,
    *,
    account: Account,
    release: Release,
    lines: list[Line],
    given: _Lines,
) -> Bulk:
    with parts.database.transaction() as session:
        made = bulk.submit(
            session, account=account, release=release, lines=lines, sha256=given.sha256()
        )
        once.remember(session, made.id)
        parts.dispatcher.send_portion(session, release.id)
        return made


@router.get("", summary="List one's bulks", responses=problems(*ROLE, BadCursor))
def list_bulks(account: Researcher, session: Reads, place: Paging) -> PageView[BulkView]:
    """Return one's own bulks, newest first."""
    page = bulk.page(session, owner=account, limit=place.limit, cursor=place.cursor)
    return PageView(
        items=[_view(session, each) for each in page.rows], next_cursor=page.next_cursor
    )


@router.get("/{identifier}", summary="One bulk", responses=problems(*ROLE, UnknownBulk))
def get_bulk(identifier: UUID, account: Researcher, session: Reads) -> BulkView:
    """Return one of one's own bulks, with the number of its jobs in each state."""
    return _view(session, bulk.owned(session, identifier, owner=account))


def _owned(identifier: UUID, account: Researcher, session: Reads) -> Bulk:
    """Check that the bulk is the caller's, before the answer begins."""
    return bulk.owned(session, identifier, owner=account)


@router.get(
    "/{identifier}/results",
    summary="Results of a bulk",
    response_class=StreamingResponse,
    responses={
        **problems(*ROLE, UnknownBulk),
        200: {"description": "JSON Lines.", "content": {JSON_LINES: {}}},
    },
)
def get_results(found: Annotated[Bulk, Depends(_owned)], parts: AllDoors) -> StreamingResponse:
    """Return one line for each job that has ended, in the order in which they were submitted.

    While jobs run these are the results so far. An output's `text` is null unless it is
    released; `state` and `flagged_by` say why.
    """
    return StreamingResponse(_results(parts.database, found), media_type=JSON_LINES)


def _results(database: Database, found: Bulk) -> Iterator[str]:
    """Yield lines, a page of jobs at a time, so that no transaction stays open meanwhile."""
    last: UUID | None = None
    while True:
        with database.reading() as session:
            jobs = bulk.ended(session, found, after=last, limit=RESULTS_AT_ONCE)
            lines = result_lines(session, jobs)
        if not jobs:
            return
        yield "".join(f"{line}\n" for line in lines)
        last = jobs[-1].id


@router.post(
    "/{identifier}/cancel",
    summary="Cancel a bulk",
    responses=problems(*ROLE, UnknownBulk, JobMoved),
)
def cancel_bulk(identifier: UUID, account: Researcher, session: Writes) -> BulkView:
    """Stop every job of a bulk that has not ended. What was released stays readable."""
    found = bulk.owned(session, identifier, owner=account)
    bulk.cancel(session, found, actor=account.handle)
    return _view(session, found)


def _view(session: Session, found: Bulk) -> BulkView:
    progress = bulk.progress(session, found)
    return BulkView(
        id=found.id,
        release=releases.by_id(session, found.release_id).name,
        release_digest=found.release_digest,
        jobs=found.jobs,
        counts=progress.counts,
        lines_sha256=found.lines_sha256,
        created_at=found.created_at,
        finished_at=progress.finished_at,
    )
