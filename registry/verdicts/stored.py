"""Read verdicts with the texts they are about, newest first, page by page, to judge them again.

The texts are for filters alone: no door may show what this returns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from registry.db.session import Database
from registry.jobs.model import Job, Output
from registry.prompts.model import PromptVerdict
from registry.verdicts.model import VerdictRecord


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """One verdict on an output or a prompt.

    Attributes:
        subject: The output, or the job whose prompt it is.
        decision: As it was given.
        findings: What the filters found.
        flagged_by: What flagged it.
        text: What was scored; never to be shown.
        prompt: What an output was generated from; empty for a prompt itself.
        echo: Whether the output was asked to begin with the prompt.
    """

    subject: UUID
    decision: str
    findings: list[dict[str, Any]]
    flagged_by: list[dict[str, Any]]
    text: str
    prompt: str = ""
    echo: bool = False


def count(database: Database) -> int:
    """Return how many verdicts on outputs there are."""
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(VerdictRecord)) or 0


def on_outputs(database: Database, *, page: int) -> Iterator[list[StoredVerdict]]:
    """Yield all verdicts on outputs, at most ``page`` at a time, no transaction open between."""
    query = (
        select(VerdictRecord, Output.text, Job.prompt, Job.echo)
        .join(Output, Output.id == VerdictRecord.output_id)
        .join(Job, Job.id == Output.job_id)
    )
    for rows in _pages(database, query, VerdictRecord.id, page):
        yield [
            StoredVerdict(
                row.output_id, row.decision, row.findings, row.flagged_by, text or "", prompt, echo
            )
            for row, text, prompt, echo in rows
        ]


def on_prompts(database: Database, *, page: int) -> Iterator[list[StoredVerdict]]:
    """Yield the newest verdict on each prompt, newest first, likewise."""
    newer = aliased(PromptVerdict)
    is_older = exists().where(newer.job_id == PromptVerdict.job_id, newer.id > PromptVerdict.id)
    query = (
        select(PromptVerdict, Job.prompt).join(Job, Job.id == PromptVerdict.job_id).where(~is_older)
    )
    for rows in _pages(database, query, PromptVerdict.id, page):
        yield [
            StoredVerdict(row.job_id, row.decision, row.findings, row.flagged_by, prompt)
            for row, prompt in rows
        ]


def _pages(
    database: Database, query: Select[*tuple[Any, ...]], key: InstrumentedAttribute[UUID], page: int
) -> Iterator[Sequence[Any]]:
    """Yield the rows of a query by falling key; the entity that has the key comes first in each."""
    query = query.order_by(key.desc()).limit(page)
    last: UUID | None = None
    while True:
        with database.reading() as session:
            older = query if last is None else query.where(key < last)
            rows = session.execute(older).all()
        if not rows:
            return
        yield rows
        last = rows[-1][0].id
