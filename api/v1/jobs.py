"""Jobs: submit a prompt, follow it, read what was released."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from api.dependencies import AllDoors, Paging, Reads, Writes
from api.idempotency import REPLAYED, Key, Once
from api.identity import Researcher
from api.openapi import REFUSALS, ROLE, problems
from api.v1.parameters import parameters_of
from api.v1.schemas.fields import Name, PageView
from api.v1.schemas.jobs import JobSubmission
from registry.access.gate import admit
from registry.access.model import Scope
from registry.errors import (
    BadCursor,
    BadParameters,
    IdempotencyInProgress,
    IdempotencyMismatch,
    JobMoved,
    PromptTooLarge,
    PromptTooLong,
    Unavailable,
    UnknownJob,
    UnknownRelease,
)
from registry.jobs import queries
from registry.jobs import service as jobs
from registry.jobs.parameters import check_prompt
from registry.jobs.states import JobState
from registry.releases import queries as releases
from registry.verdicts.view import JobView, view_of, views_of

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Submit a prompt",
    responses=problems(
        *ROLE,
        *REFUSALS,
        UnknownRelease,
        BadParameters,
        PromptTooLarge,
        PromptTooLong,
        IdempotencyMismatch,
        IdempotencyInProgress,
        Unavailable,
        body=True,
    ),
)
def submit_job(
    body: JobSubmission, account: Researcher, parts: AllDoors, key: Key, response: Response
) -> JobView:
    """Accept a prompt. Its outputs can be read once they are scored and released.

    1. The release is known, and the parameters and the prompt are what it can take.
    2. The researcher may use the release now; only then are tokens counted.
    3. In one transaction, which asks again: the job, its outputs, the ledger entry.
    """
    once = Once(account, "jobs", key, body)
    with parts.database.reading() as session:
        known = once.made_before(session)
        if known is not None:
            view = view_of(session, queries.owned(session, known, owner=account))
            response.headers.update({"Location": _location(view.id), REPLAYED: "true"})
            return view
        release = releases.get(session, body.release)
        parameters = parameters_of(body, parts.settings)
        check_prompt(body.prompt, limit_bytes=parts.settings.prompt_limit_bytes)
        admit(session, account_id=account.id, release_id=release.id, scope=Scope.GENERATE)
        manifest = releases.manifest_of(session, release)
    parts.counter.check(
        body.prompt,
        manifest=manifest,
        max_new_tokens=parameters.max_new_tokens,
        context_tokens=release.context_tokens,
    )
    with parts.database.transaction() as session:
        job = jobs.submit(
            session, account=account, release=release, prompt=body.prompt, parameters=parameters
        )
        once.remember(session, job.id)
        parts.dispatcher.send_or_hold(session, job)
        view = view_of(session, job)
    response.headers["Location"] = _location(view.id)
    return view


@router.get("", summary="List one's jobs", responses=problems(*ROLE, UnknownRelease, BadCursor))
def list_jobs(
    account: Researcher,
    session: Reads,
    place: Paging,
    state: Annotated[JobState | None, Query()] = None,
    release: Annotated[Name | None, Query(examples=["meta/llama-7b"])] = None,
) -> PageView[JobView]:
    """Return one's own jobs, newest first."""
    page = queries.page(
        session,
        owner=account,
        state=state,
        release=None if release is None else releases.get(session, release),
        limit=place.limit,
        cursor=place.cursor,
    )
    return PageView(items=views_of(session, page.rows), next_cursor=page.next_cursor)


@router.get("/{identifier}", summary="One job", responses=problems(*ROLE, UnknownJob))
def get_job(identifier: UUID, account: Researcher, session: Reads) -> JobView:
    """Return one of one's own jobs. An output's `text` is null until it is released."""
    return view_of(session, queries.owned(session, identifier, owner=account))


@router.post(
    "/{identifier}/cancel", summary="Cancel a job", responses=problems(*ROLE, UnknownJob, JobMoved)
)
def cancel_job(identifier: UUID, account: Researcher, session: Writes) -> JobView:
    """Stop a job that is not finished. What was generated of it is never shown."""
    job = queries.owned(session, identifier, owner=account)
    jobs.cancel(session, job, actor=account.handle)
    return view_of(session, job)


def _location(identifier: UUID) -> str:
    return f"{router.prefix}/{identifier}"
