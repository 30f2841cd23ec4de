"""What ``corral up`` sets up: policy, bundled release, people, and a first set of jobs.

Everything goes through the same services as anybody's: the demo researcher asks, the demo
reviewer approves, and the jobs are ordinary jobs.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from filters.policy import default_policy
from registry.access import gate
from registry.access import service as access
from registry.access.model import Scope
from registry.accounts import service as accounts
from registry.accounts.model import Account, Role
from registry.bundled import NAME, RELEASE_DIR
from registry.db.session import Database, Session
from registry.errors import NoPolicy, NotApproved, UnknownAccount, UnknownRelease
from registry.jobs import queries as jobs_queries
from registry.jobs import service as jobs
from registry.jobs.parameters import Parameters
from registry.jobs.states import is_final
from registry.policies import service as policies
from registry.releases import queries as releases
from registry.releases import service as release_service
from registry.releases.intake import register_folder
from registry.releases.model import Release, ReleaseState
from registry.releases.store import Store
from registry.releases.verifying import verify_release
from registry.settings import Settings
from registry.verdicts.view import JobView, views_of
from workers.dispatch import Dispatcher

RESEARCHER = "demo-researcher"
REVIEWER = "demo-reviewer"
AUDITOR = "demo-auditor"
TOKEN_DAYS = 1
JOBS = Path(__file__).with_name("demo.jsonl")
LICENSE = "Apache-2.0; trained on CC BY 4.0, CDLA-Sharing-1.0 and public domain text, see its card"
SOURCE = "trained for Corral, bundled with it"
_PEOPLE = {RESEARCHER: Role.RESEARCHER, REVIEWER: Role.REVIEWER, AUDITOR: Role.AUDITOR}


@dataclass(frozen=True, slots=True)
class Ready:
    """What the demo works with."""

    release: Release
    researcher: Account


def prepare(database: Database, settings: Settings) -> Ready:
    """Adopt a policy, register and publish the bundled release, approve the researcher.

    What is there already stays as it is.
    """
    with database.transaction() as session:
        _adopt_default_policy(session)
        people = {handle: _account(session, handle, role) for handle, role in _PEOPLE.items()}
    store = Store(settings.store_dir)
    with database.reading() as session:
        known = _known(session)
    if known is None:
        register_folder(
            database,
            store,
            folder=RELEASE_DIR,
            name=NAME,
            license=LICENSE,
            source=SOURCE,
            actor=accounts.OPERATOR,
            progress=None,
        )
    if known is None or known.state is ReleaseState.REGISTERED:
        verify_release(database, store, name=NAME, actor=accounts.OPERATOR, progress=None)
    with database.transaction() as session:
        release = releases.get(session, NAME)
        if release.state is ReleaseState.VERIFIED:
            release = release_service.publish(session, name=NAME, actor=accounts.OPERATOR)
        _approve(session, release, people[RESEARCHER], people[REVIEWER], settings.approval_days)
    return Ready(release, people[RESEARCHER])


def issue_tokens(database: Database) -> dict[str, str]:
    """Return a fresh token for each demo account, good for a day."""
    with database.transaction() as session:
        return {
            handle: accounts.issue_token(
                session, account=accounts.get(session, handle), days=TOKEN_DAYS
            )
            for handle in _PEOPLE
        }


def submit(database: Database, dispatcher: Dispatcher, ready: Ready) -> list[UUID]:
    """Submit the first set of jobs."""
    submitted = []
    for line in JOBS.read_text(encoding="utf-8").splitlines():
        wish = json.loads(line)
        parameters = Parameters(
            max_new_tokens=wish.get("max_new_tokens", 64),
            temperature=wish.get("temperature", 0.7),
            top_p=wish.get("top_p", 0.95),
            top_k=wish.get("top_k", 0),
            seed=wish.get("seed", 0),
            n=wish.get("n", 1),
            stop=tuple(wish.get("stop", ())),
            echo=wish.get("echo", False),
        )
        with database.transaction() as session:
            job = jobs.submit(
                session,
                account=ready.researcher,
                release=ready.release,
                prompt=wish["prompt"],
                parameters=parameters,
            )
            dispatcher.send_after_commit(session, job)
            submitted.append(job.id)
    return submitted


def look(database: Database, submitted: list[UUID]) -> tuple[list[JobView], bool]:
    """Return the jobs as their researcher sees them, and whether all have ended."""
    with database.reading() as session:
        rows = [jobs_queries.get(session, identifier) for identifier in submitted]
        return views_of(session, rows), all(is_final(row.state) for row in rows)


def _adopt_default_policy(session: Session) -> None:
    try:
        policies.current(session)
    except NoPolicy:
        policies.adopt(session, policy=default_policy(), actor=accounts.OPERATOR)


def _account(session: Session, handle: str, role: Role) -> Account:
    try:
        return accounts.get(session, handle)
    except UnknownAccount:
        return accounts.add(session, handle=handle, roles=[role])


def _known(session: Session) -> Release | None:
    try:
        return releases.get(session, NAME)
    except UnknownRelease:
        return None


def _approve(
    session: Session, release: Release, researcher: Account, reviewer: Account, days: int
) -> None:
    """Let the researcher ask and the reviewer say yes, unless that has happened."""
    try:
        gate.admit(session, account_id=researcher.id, release_id=release.id, scope=Scope.GENERATE)
    except NotApproved:
        row = access.request(
            session,
            account=researcher,
            release=release,
            purpose="Try the service on its bundled release.",
            affiliation="Corral demo",
            intended_use="The first set of jobs that corral up submits.",
            accepts_license=True,
        )
        access.approve(session, row=row, reviewer=reviewer, days=days)
