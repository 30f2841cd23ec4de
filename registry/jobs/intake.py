"""Where jobs and their outputs come into being: one function, for one prompt and for 50,000."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from registry.accounts.model import Account
from registry.clock import now
from registry.db.tables import new_id
from registry.jobs.model import Job, Output
from registry.jobs.parameters import Parameters
from registry.jobs.states import JobState, OutputState
from registry.releases.model import Release


@dataclass(frozen=True, slots=True)
class Line:
    """One prompt, on its own or in a bulk.

    Attributes:
        prompt: What goes in.
        parameters: How to generate.
        custom_id: The caller's name for it, which no other line of its bulk has.
    """

    prompt: str
    parameters: Parameters
    custom_id: str | None = None


def make_jobs(
    session: Session,
    *,
    account: Account,
    release: Release,
    lines: Sequence[Line],
    bulk_id: UUID | None = None,
) -> list[UUID]:
    """Insert a held job for each line, with its empty outputs; return the jobs' identifiers.

    They are inserted as rows, not as objects, since they may be many. The caller has asked
    ``admit`` and writes the ledger's entry.
    """
    identifiers = [new_id() for _ in lines]
    at = now()
    session.execute(
        insert(Job),
        [
            {
                "id": identifier,
                "bulk_id": bulk_id,
                "custom_id": line.custom_id,
                "account_id": account.id,
                "release_id": release.id,
                "release_digest": release.digest,
                "state": JobState.QUEUED,
                "prompt": line.prompt,
                "max_new_tokens": line.parameters.max_new_tokens,
                "temperature": line.parameters.temperature,
                "top_p": line.parameters.top_p,
                "top_k": line.parameters.top_k,
                "seed": line.parameters.seed,
                "n": line.parameters.n,
                "stop": list(line.parameters.stop),
                "echo": line.parameters.echo,
                "created_at": at,
                "moved_at": at,
            }
            for identifier, line in zip(identifiers, lines, strict=True)
        ],
    )
    session.execute(
        insert(Output),
        [
            {"job_id": identifier, "index": index, "state": OutputState.PENDING}
            for identifier, line in zip(identifiers, lines, strict=True)
            for index in range(line.parameters.n)
        ],
    )
    return identifiers
