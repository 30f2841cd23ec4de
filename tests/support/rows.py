"""Builders of rows, through the same services as everybody's."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.access import service as access
from registry.accounts import service as accounts
from registry.accounts.model import Account, Role
from registry.checkpoints.layouts import Layout
from registry.checkpoints.manifest import FileEntry, Manifest
from registry.clock import now
from registry.db.session import Database, Session
from registry.jobs import leases
from registry.jobs import service as jobs
from registry.jobs.model import Job, Output
from registry.jobs.parameters import Parameters
from registry.jobs.service import Generated
from registry.jobs.states import JobState
from registry.policies import service as policies
from registry.receipts import service as receipts
from registry.receipts.service import Signer
from registry.releases import quarantine, verifying
from registry.releases import service as releases
from registry.releases.model import Release, ReleaseState
from registry.verdicts import service as verdicts
from registry.verdicts.service import Screened

PARAMETERS = Parameters(
    max_new_tokens=8, temperature=0.0, top_p=1.0, top_k=0, seed=1, n=1, stop=(), echo=False
)
SIGNER = Signer("worker", Ed25519PrivateKey.generate())


@dataclass(frozen=True)
class MadeUpPolicy:
    """A policy that says nothing; verdicts of ``verdict`` are given under it."""

    name: str = "test"
    digest: str = "0" * 64
    source: str = ""
    second_reviews: float = 0.0
    refuses_prompts: bool = False


@dataclass(frozen=True)
class World:
    """A published release, an approved researcher, two reviewers and an auditor."""

    release: Release
    researcher: Account
    reviewer: Account
    other_reviewer: Account
    auditor: Account
    approval_id: UUID


def made_up_release(session: Session, name: str = "corral/made-up") -> Release:
    """Register a release whose files exist nowhere."""
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    manifest = Manifest(
        (FileEntry(path="model.safetensors", size=1, sha256=sha256, blake3=sha256),)
    )
    layout = Layout(
        kind="huggingface",
        root=Path(),
        files=(),
        config={},
        context_tokens=128,
        weight_files=(),
    )
    return releases.register(
        session,
        name=name,
        layout=layout,
        manifest=manifest,
        license="MIT",
        source="made up",
        actor="operator",
    )


def publish(session: Session, release: Release) -> Release:
    """Publish a release, whose files somebody is said to have verified."""
    verify(session, release)
    return releases.publish(session, name=release.name, actor="operator")


def verify(session: Session, release: Release, *problems: str, actor: str = "operator") -> None:
    """Write down that the files of a release were verified, and what was wrong with them."""
    verifying.record(
        session,
        digest=release.digest,
        actor=actor,
        started_at=now(),
        files=1,
        bytes_read=1,
        problems=problems,
    )


def move(session: Session, name: str, to: ReleaseState) -> None:
    """Move a release out of use as the operator does."""
    leave = {
        ReleaseState.QUARANTINED: quarantine.quarantine,
        ReleaseState.WITHDRAWN: releases.withdraw,
    }
    leave[to](session, name=name, actor="operator", reason="a test")


def approve(session: Session, release: Release, researcher: Account, reviewer: Account) -> UUID:
    """Ask for a release and approve it; return the approval."""
    row = access.request(
        session,
        account=researcher,
        release=release,
        purpose="to test",
        affiliation="tests",
        intended_use="tests",
        accepts_license=True,
    )
    return access.approve(session, row=row, reviewer=reviewer, days=1).id


def make_world(database: Database) -> World:
    """Make a world."""
    with database.transaction() as session:
        researcher = accounts.add(session, handle="ada", roles=[Role.RESEARCHER])
        reviewer = accounts.add(session, handle="rae", roles=[Role.REVIEWER])
        other = accounts.add(session, handle="ron", roles=[Role.REVIEWER])
        auditor = accounts.add(session, handle="aud", roles=[Role.AUDITOR])
        release = publish(session, made_up_release(session))
        approval_id = approve(session, release, researcher, reviewer)
        policies.adopt(session, policy=MadeUpPolicy(), actor="operator")
        receipts.enrol(session, key=SIGNER.key, actor=SIGNER.name)
    return World(release, researcher, reviewer, other, auditor, approval_id)


def submit(database: Database, world: World, *, n: int = 1, prompt: str = "hi") -> Job:
    """Submit a job."""
    with database.transaction() as session:
        return jobs.submit(
            session,
            account=world.researcher,
            release=world.release,
            prompt=prompt,
            parameters=replace(PARAMETERS, n=n),
        )


def claim(database: Database, job: Job, *, scoring: bool = False, seconds: int = 60) -> Job:
    """Lease a job as a worker does."""
    take = leases.claim_scoring if scoring else leases.claim_generating
    with database.transaction() as session:
        [claimed] = take(session, [job.id], owner="worker", seconds=seconds)
        return claimed


def seal(database: Database, claimed: Job, text: str = "some text") -> Job:
    """Store a text for each output of a claimed job."""
    with database.transaction() as session:
        row = leases.held(session, claimed)
        generated = [Generated(text, (1, 2, 3), "length")] * row.n
        jobs.seal(session, [(row, generated)], actor="worker")
        return row


def settle(
    database: Database,
    claimed: Job,
    verdict: Mapping[str, object],
    *,
    text: str = "some text",
    signer: Signer = SIGNER,
) -> list[Output]:
    """Settle every output of a job that was claimed to be scored, all alike; return them."""
    with database.transaction() as session:
        row = leases.held(session, claimed)
        jobs.advance(session, row, to=JobState.DONE, actor="worker")
        outputs = jobs.outputs_of(session, row)
        screened = [Screened(row, output, text, verdict) for output in outputs]
        verdicts.settle(session, screened, signer=signer)
        return outputs


def verdict(
    decision: str = "release", *, policy_digest: str = MadeUpPolicy.digest, severity: str = "medium"
) -> dict[str, object]:
    """Return a verdict as ``filters.verdict.Verdict.to_record`` makes it."""
    flag = {"filter": "toxicity", "label": "toxicity", "score": 0.9, "threshold": 0.5}
    flags = [{**flag, "count": 1, "severity": severity}]
    return {
        "decision": decision,
        "policy_digest": policy_digest,
        "scores": {"toxicity.toxicity": 0.9 if decision == "flag" else 0.1},
        "findings": [],
        "flagged_by": flags if decision == "flag" else [],
        "noted": [],
        "filters": [
            {
                "name": "toxicity",
                "version": "1",
                "weights_digest": None,
                "windows": 1,
                "characters": 9,
            }
        ],
        "windows": 1,
        "characters": 9,
        "thresholds": {"toxicity.toxicity": 0.5},
    }
