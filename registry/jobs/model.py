"""Jobs, the bulks that some came in, and outputs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from registry.db.tables import Row, stored_enum
from registry.jobs.lanes import Lane
from registry.jobs.states import JobState, OutputState

HELD = "send_again_at IS NULL AND finished_at IS NULL"
"""A job that waits for its turn: no message of it was ever sent."""
SENT = "send_again_at IS NOT NULL"
"""A job that is under way; one that has ended is never sent again."""


def _partial(name: str, *columns: str, where: str) -> Index:
    """Return an index of some rows only: a million finished jobs cost it nothing."""
    return Index(name, *columns, postgresql_where=text(where), sqlite_where=text(where))


class Bulk(Row):
    """Many jobs that were submitted at once. It never changes: where it is, its jobs say."""

    __tablename__ = "bulks"
    __table_args__ = (Index("ix_bulks_account_id_id", "account_id", "id"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"))
    release_digest: Mapped[str] = mapped_column(String(64))
    jobs: Mapped[int] = mapped_column(Integer)
    lines_sha256: Mapped[str] = mapped_column(String(64), comment="of the body as it came")
    created_at: Mapped[datetime]


class Job(Row):
    """One submission: a prompt, its parameters, and where it is.

    ``state`` is written by ``registry.jobs.service.advance_all`` alone. ``fence`` grows by one
    with each lease, and every write of a worker names the fence that it was given: a worker
    that was believed dead can change nothing any more.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_account_id_id", "account_id", "id"),
        Index("ix_jobs_account_id_state_id", "account_id", "state", "id"),
        Index("ix_jobs_account_id_release_id_id", "account_id", "release_id", "id"),
        _partial("ix_jobs_unfinished", "release_id", "state", where="finished_at IS NULL"),
        _partial("ix_jobs_leased", "leased_until", where="leased_until IS NOT NULL"),
        _partial("ix_jobs_sent", "release_id", "send_again_at", where=SENT),
        _partial("ix_jobs_bulk_id_id", "bulk_id", "id", where="bulk_id IS NOT NULL"),
        _partial(
            "ix_jobs_held_interactive",
            "release_id",
            "account_id",
            "id",
            where=f"{HELD} AND bulk_id IS NULL",
        ),
        _partial(
            "ix_jobs_held_bulk",
            "release_id",
            "account_id",
            "id",
            where=f"{HELD} AND bulk_id IS NOT NULL",
        ),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"))
    release_digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[JobState] = mapped_column(stored_enum(JobState))
    prompt: Mapped[str] = mapped_column(Text)
    max_new_tokens: Mapped[int] = mapped_column(Integer)
    temperature: Mapped[float] = mapped_column(Float)
    top_p: Mapped[float] = mapped_column(Float)
    top_k: Mapped[int] = mapped_column(Integer)
    seed: Mapped[int] = mapped_column(BigInteger)
    n: Mapped[int] = mapped_column(Integer)
    stop: Mapped[list[str]]
    echo: Mapped[bool]
    created_at: Mapped[datetime]
    moved_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    failure_code: Mapped[str | None] = mapped_column(String(50))
    failure_detail: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(
        Integer, default=0, comment="leases taken to generate, then to score"
    )
    lease_owner: Mapped[str | None] = mapped_column(String(100))
    leased_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(Integer, default=0)
    sends: Mapped[int] = mapped_column(Integer, default=0, comment="messages sent in this state")
    send_again_at: Mapped[datetime | None]
    bulk_id: Mapped[UUID | None] = mapped_column(ForeignKey("bulks.id"))
    custom_id: Mapped[str | None] = mapped_column(String(128))

    @property
    def lane(self) -> Lane:
        """The lane in which the job travels."""
        return Lane.INTERACTIVE if self.bulk_id is None else Lane.BULK


class Output(Row):
    """One text that a job generated, and whether anyone may read it.

    ``state`` is written by ``registry.jobs.service.advance_outputs`` alone. The database
    refuses an output that left ``pending`` without a verdict of its own, and a released one
    without a receipt of its own.
    """

    __tablename__ = "outputs"
    __table_args__ = (
        UniqueConstraint("job_id", "index"),
        CheckConstraint(
            "state = 'pending' OR verdict_id IS NOT NULL", name="nothing_leaves_pending_unscored"
        ),
        CheckConstraint(
            "state <> 'released' OR receipt_id IS NOT NULL", name="no_release_without_receipt"
        ),
        ForeignKeyConstraint(["verdict_id", "id"], ["verdicts.id", "verdicts.output_id"]),
        ForeignKeyConstraint(["receipt_id", "id"], ["receipts.id", "receipts.output_id"]),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"))
    index: Mapped[int] = mapped_column(Integer)
    state: Mapped[OutputState] = mapped_column(stored_enum(OutputState))
    text: Mapped[str | None] = mapped_column(Text, comment="unset until generated")
    token_ids: Mapped[list[int] | None]
    new_tokens: Mapped[int | None] = mapped_column(Integer, comment="so far")
    finish_reason: Mapped[str | None] = mapped_column(String(20))
    generated_at: Mapped[datetime | None]
    verdict_id: Mapped[UUID | None]
    receipt_id: Mapped[UUID | None]

    @property
    def released_text(self) -> str | None:
        """The text a caller may see: once released, and only then."""
        return self.text if self.state is OutputState.RELEASED else None
