"""The Python client of the HTTP API; the command line is built on it.

One method for each call. Answers are the JSON documents of ``/docs``, unchanged.
"""

import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from api.connection import ApiProblem, Connection, Json, ServerUnreachable

__all__ = ["ApiProblem", "Client", "Json", "ServerUnreachable"]

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 2.0
FINAL_STATES = frozenset({"done", "failed", "cancelled"})


class Client:
    """Speaks to one service for one account.

    Args:
        url: Where the service is, such as ``http://127.0.0.1:8642``.
        token: The account's API token; a few calls need none.

    Every method may raise ``ApiProblem``, when the service says no, and
    ``ServerUnreachable``.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self._connection = Connection(url, token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def me(self) -> Json:
        """Return the account that the token speaks for."""
        return self._connection.get("/v1/me")

    def releases(self) -> Iterator[Json]:
        """Yield every release, newest first."""
        return self._connection.pages("/v1/releases")

    def release(self, name: str) -> Json:
        """Return one release."""
        return self._connection.get(f"/v1/releases/{quote(name)}")

    def release_files(self, name: str) -> Json:
        """Return the manifest of a release."""
        return self._connection.get(f"/v1/releases/{quote(name)}/files")

    def verifications(self, name: str) -> Iterator[Json]:
        """Yield when a release's stored bytes were read back, newest first."""
        return self._connection.pages(f"/v1/releases/{quote(name)}/verifications")

    def quarantine(self, name: str, *, reason: str) -> Json:
        """Stop the use of a release's bytes at once."""
        return self._connection.post(f"/v1/releases/{quote(name)}/quarantine", {"reason": reason})

    def lift(self, name: str, *, reason: str) -> Json:
        """Lift the quarantine of a release."""
        return self._connection.post(f"/v1/releases/{quote(name)}/lift", {"reason": reason})

    def request_access(
        self,
        release: str,
        *,
        purpose: str,
        affiliation: str,
        intended_use: str,
        accepts_license: bool,
        idempotency_key: str | None = None,
    ) -> Json:
        """Ask to use a release; return the access request."""
        body = {
            "release": release,
            "purpose": purpose,
            "affiliation": affiliation,
            "intended_use": intended_use,
            "accepts_license": accepts_license,
        }
        return self._connection.post_once("/v1/access-requests", body, idempotency_key)

    def access_requests(self, *, state: str | None = None) -> Iterator[Json]:
        """Yield access requests: one's own, or all to those who decide or audit."""
        return self._connection.pages("/v1/access-requests", state=state)

    def access_request(self, identifier: str) -> Json:
        """Return one access request with its messages."""
        return self._connection.get(f"/v1/access-requests/{_part(identifier)}")

    def say(self, identifier: str, body: str) -> Json:
        """Add a message to the conversation about an access request."""
        return self._connection.post(
            f"/v1/access-requests/{_part(identifier)}/messages", {"body": body}
        )

    def approve(
        self,
        identifier: str,
        *,
        days: int | None = None,
        scopes: list[str] | None = None,
        reason: str = "",
    ) -> Json:
        """Approve an access request; return the approval."""
        body = {"days": days, "scopes": scopes, "reason": reason}
        given = {name: value for name, value in body.items() if value is not None}
        return self._connection.post(f"/v1/access-requests/{_part(identifier)}/approve", given)

    def deny(self, identifier: str, *, reason: str) -> Json:
        """Deny an access request."""
        return self._connection.post(
            f"/v1/access-requests/{_part(identifier)}/deny", {"reason": reason}
        )

    def withdraw(self, identifier: str) -> Json:
        """Take one's own access request back."""
        return self._connection.post(f"/v1/access-requests/{_part(identifier)}/withdraw")

    def approvals(self) -> Iterator[Json]:
        """Yield approvals: one's own, or all to those who decide or audit."""
        return self._connection.pages("/v1/approvals")

    def revoke(self, identifier: str, *, reason: str) -> Json:
        """Take an approval back."""
        return self._connection.post(
            f"/v1/approvals/{_part(identifier)}/revoke", {"reason": reason}
        )

    def submit(
        self, release: str, prompt: str, *, idempotency_key: str | None = None, **parameters: Any
    ) -> Json:
        """Submit a job and return it; ``parameters`` left out get the service's defaults."""
        body = {"release": release, "prompt": prompt, **parameters}
        return self._connection.post_once("/v1/jobs", body, idempotency_key)

    def submit_bulk(
        self, release: str, lines: bytes, *, idempotency_key: str | None = None
    ) -> Json:
        """Submit many prompts, JSON Lines with a ``custom_id`` each; return the bulk."""
        return self._connection.post_lines("/v1/jobs/bulk", lines, idempotency_key, release=release)

    def bulk(self, identifier: str) -> Json:
        """Return one of one's own bulks, with the number of its jobs in each state."""
        return self._connection.get(f"/v1/jobs/bulk/{_part(identifier)}")

    def bulks(self) -> Iterator[Json]:
        """Yield one's own bulks, newest first."""
        return self._connection.pages("/v1/jobs/bulk")

    def follow_bulk(self, identifier: str) -> Iterator[Json]:
        """Yield a bulk again and again, until all its jobs have ended."""
        pause = FIRST_WAIT_SECONDS
        while True:
            bulk = self.bulk(identifier)
            yield bulk
            if bulk["finished_at"] is not None:
                return
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_WAIT_SECONDS)

    def results(self, identifier: str) -> Iterator[Json]:
        """Yield what became of each job of a bulk that has ended so far."""
        return self._connection.lines(f"/v1/jobs/bulk/{_part(identifier)}/results")

    def cancel_bulk(self, identifier: str) -> Json:
        """Cancel every job of a bulk that is not finished."""
        return self._connection.post(f"/v1/jobs/bulk/{_part(identifier)}/cancel")

    def job(self, identifier: str) -> Json:
        """Return one of one's own jobs, with its outputs."""
        return self._connection.get(f"/v1/jobs/{_part(identifier)}")

    def jobs(self, *, state: str | None = None, release: str | None = None) -> Iterator[Json]:
        """Yield one's own jobs, newest first."""
        return self._connection.pages("/v1/jobs", state=state, release=release)

    def cancel(self, identifier: str) -> Json:
        """Cancel a job that is not finished."""
        return self._connection.post(f"/v1/jobs/{_part(identifier)}/cancel")

    def wait(self, identifier: str, *, seconds: float | None = None) -> Json:
        """Return a job once it is done, failed or cancelled.

        Args:
            identifier: The job's.
            seconds: How long to wait at most; ``None`` for as long as it takes.

        Raises:
            TimeoutError: It is not final by then.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        pause = FIRST_WAIT_SECONDS
        while True:
            job = self.job(identifier)
            if job["state"] in FINAL_STATES:
                return job
            if deadline is not None and time.monotonic() + pause > deadline:
                raise TimeoutError(f"job {identifier} is still {job['state']}")
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_WAIT_SECONDS)

    def receipt(self, output: str) -> Json:
        """Return the signed receipt of an output."""
        return self._connection.get(f"/v1/outputs/{_part(output)}/receipt")

    def receipt_key(self, key_id: str | None = None) -> str:
        """Return a public key that signs receipts, in PEM: the newest, or the one named."""
        given = {} if key_id is None else {"id": key_id}
        return self._connection.text("/v1/receipts/key", **given)

    def reviews(self, *, state: str | None = None) -> Iterator[Json]:
        """Yield reviews, the most severe first; none of them holds a text."""
        return self._connection.pages("/v1/reviews", state=state)

    def review(self, identifier: str) -> Json:
        """Return one review with the flagged text; the reading is recorded."""
        return self._connection.get(f"/v1/reviews/{_part(identifier)}")

    def claim(self, identifier: str) -> Json:
        """Take a review, so that nobody else decides it."""
        return self._connection.post(f"/v1/reviews/{_part(identifier)}/claim")

    def release_output(self, identifier: str, *, reason: str) -> Json:
        """Release the output of a review that one has claimed; some need a second person."""
        return self._connection.post(f"/v1/reviews/{_part(identifier)}/release", {"reason": reason})

    def withhold_output(self, identifier: str, *, reason: str) -> Json:
        """Withhold the output of a review that one has claimed."""
        return self._connection.post(
            f"/v1/reviews/{_part(identifier)}/withhold", {"reason": reason}
        )

    def policy(self) -> Json:
        """Return the policy in force."""
        return self._connection.get("/v1/policies/current")

    def filters(self) -> Json:
        """Return which filters score, and from which score on each label flags."""
        return self._connection.get("/v1/filters")

    def audit_entries(self, *, subject: str | None = None) -> Iterator[Json]:
        """Yield ledger entries, newest first."""
        return self._connection.pages("/v1/audit/entries", subject=subject)

    def checkpoint(self) -> str:
        """Return the ledger's signed checkpoint, a note of text."""
        return self._connection.text("/v1/audit/checkpoint")

    def ledger_key(self) -> Json:
        """Return the key that verifies checkpoints."""
        return self._connection.get("/v1/audit/key")

    def inclusion(self, *, index: int, size: int) -> Json:
        """Return the proof that a leaf is in the tree of ``size`` leaves."""
        return self._connection.get("/v1/audit/inclusion", index=index, size=size)

    def consistency(self, *, first: int, second: int) -> Json:
        """Return the proof that the ledger only grew from one size to another."""
        return self._connection.get("/v1/audit/consistency", **{"from": first, "to": second})


def _part(identifier: str) -> str:
    """Return an identifier as one part of a path, whatever somebody typed."""
    return quote(identifier, safe="")
