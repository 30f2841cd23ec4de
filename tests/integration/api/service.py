"""The application with real records around it: what the tests of the doors work with."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient
from httpx2 import Response

from filters.rules import Policy
from registry.accounts.model import Role
from registry.db.session import Database
from registry.jobs import queries
from registry.ledger import service as ledger
from registry.policies import service as policies
from registry.prompts import service as prompts
from registry.prompts.service import ScreenedPrompt
from registry.releases.model import Release, ReleaseState
from registry.settings import Settings
from tests.support import rows
from workers.dispatch import Dispatcher

NAME = "corral/tiny"
PEOPLE = {
    "ada": [Role.RESEARCHER],
    "bob": [Role.RESEARCHER],
    "rae": [Role.REVIEWER],
    "ron": [Role.REVIEWER],
    "aud": [Role.AUDITOR],
    "adm": [Role.ADMIN],
    "two": [Role.RESEARCHER, Role.REVIEWER],
}


@dataclass
class Service:
    """The application, and what tests need around it."""

    http: TestClient
    database: Database
    settings: Settings
    dispatcher: Dispatcher
    release: Release
    tokens: dict[str, str]
    approval_id: UUID

    def get(self, path: str, who: str | None = "ada", **options: Any) -> Response:
        """Ask as somebody, or as nobody."""
        return self.http.get(path, headers=self.headers(who), **options)

    def post(self, path: str, body: Any = None, who: str | None = "ada", **more: str) -> Response:
        """Send as somebody, or as nobody; further names are headers."""
        given = {name.replace("_", "-"): value for name, value in more.items()}
        return self.http.post(path, json=body, headers={**self.headers(who), **given})

    def headers(self, who: str | None) -> dict[str, str]:
        """Return the header that signs somebody in."""
        return {} if who is None else {"Authorization": f"Bearer {self.tokens[who]}"}

    def submit(self, prompt: str = "hello there", who: str = "ada", **parameters: Any) -> Response:
        """Submit a job."""
        return self.post("/v1/jobs", {"release": NAME, "prompt": prompt, **parameters}, who)

    def ask(self, who: str = "bob") -> Response:
        """Write an access request."""
        return self.post("/v1/access-requests", access_submission(), who)

    def settle(
        self,
        identifier: str,
        decision: str = "release",
        text: str = "some text",
        severity: str = "medium",
    ) -> None:
        """Do the workers' part of a job, with a verdict of the test's choice."""
        with self.database.reading() as session:
            job = queries.get(session, UUID(identifier))
        rows.seal(self.database, rows.claim(self.database, job), text)
        claimed = rows.claim(self.database, job, scoring=True)
        with self.database.reading() as session:
            digest = policies.current(session).digest
        verdict = rows.verdict(decision, policy_digest=digest, severity=severity)
        rows.settle(self.database, claimed, verdict, text=text)

    def screen_prompt(self, identifier: str, decision: str) -> None:
        """Do a scoring worker's part on a prompt, with a verdict of the test's choice."""
        with self.database.transaction() as session:
            digest = policies.current(session).digest
            verdict = rows.verdict(decision, policy_digest=digest)
            screened = ScreenedPrompt(UUID(identifier), "hello there", verdict)
            prompts.record(session, [screened], actor="worker")

    def flagged_review(
        self, who: str = "ada", text: str = "some text", severity: str = "medium"
    ) -> str:
        """Have an output flagged; return its review."""
        job = self.submit(who=who).json()["id"]
        self.settle(job, "flag", text, severity)
        reviews = self.get("/v1/reviews", "rae").json()["items"]
        return next(str(each["id"]) for each in reviews if each["job_id"] == job)

    def adopt(self, policy: Policy) -> None:
        """Adopt a policy as the operator does."""
        with self.database.transaction() as session:
            policies.adopt(session, policy=policy, actor="operator")

    def move_release(self, to: ReleaseState) -> None:
        """Move the release as the operator does."""
        with self.database.transaction() as session:
            rows.move(session, NAME, to)

    def sequence(self) -> None:
        """Do the schedule's part of the ledger."""
        with self.database.transaction() as session:
            ledger.sequence(session)


def access_submission(**changes: Any) -> dict[str, Any]:
    """Return the body of an access request."""
    body = {
        "release": NAME,
        "purpose": "to test",
        "affiliation": "tests",
        "intended_use": "tests",
        "accepts_license": True,
    }
    return {**body, **changes}
