"""Register, publish, withdraw.

Hashing and copying happen before ``register`` is called, outside any transaction: see
``registry.releases.intake``. A release is verified in ``registry.releases.verifying``, and goes
into and out of quarantine in ``registry.releases.quarantine``.
"""

import re
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.checkpoints.layouts import Layout
from registry.checkpoints.manifest import Manifest
from registry.checkpoints.tensors import TensorDigest
from registry.clock import now
from registry.errors import (
    BadParameters,
    NotVerified,
    ReasonMissing,
    ReleaseExists,
    ReleaseMoved,
)
from registry.ledger import service as ledger
from registry.releases import moves, quarantine, tensors
from registry.releases.model import Release, ReleaseFile, ReleaseState

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}/[a-z0-9][a-z0-9._-]{0,62}")


def check_name(name: str) -> None:
    """Check that a name has the form OWNER/NAME.

    Raises:
        BadParameters: It has not.
    """
    if not _NAME.fullmatch(name):
        raise BadParameters(
            "a release's name is OWNER/NAME, each part of a-z, 0-9, dot, dash and underscore, "
            "beginning with a letter or digit",
            release=name,
        )


def register(
    session: Session,
    *,
    name: str,
    layout: Layout,
    manifest: Manifest,
    digests: Sequence[TensorDigest] = (),
    license: str,  # noqa: A002 (the field's name everywhere)
    source: str,
    actor: str,
    checked: Sequence[str] = (),
) -> Release:
    """Write a release whose files are in the store, with the digests of its tensors.

    Registering the same bytes under the same name again changes nothing. The ledger keeps
    what the files were ``checked`` against, in sentences.

    Raises:
        ReleaseExists: The name belongs to another digest.
        ReleaseMoved: These bytes are in quarantine under another name.
    """
    check_name(name)
    moves.hold(session, manifest.digest)
    known = session.scalar(select(Release).where(Release.name == name))
    if known is not None and known.digest == manifest.digest:
        return known
    if known is not None:
        raise ReleaseExists(
            f"{name} is registered with the digest {known.digest[:12]}, and this folder has "
            f"{manifest.digest[:12]}: a changed checkpoint needs a name of its own",
            release=name,
            registered=known.digest,
            found=manifest.digest,
        )
    standing = quarantine.standing(session, manifest.digest)
    if standing is not None:
        known_as = ", ".join(sorted(standing.stopped)) or manifest.digest
        raise ReleaseMoved(
            f"these bytes are in quarantine as {known_as}: they get no other name before that "
            "is lifted",
            release=name,
            digest=manifest.digest,
        )
    release = Release(
        name=name,
        digest=manifest.digest,
        state=ReleaseState.REGISTERED,
        layout=layout.kind,
        context_tokens=layout.context_tokens,
        license=license,
        source=source,
        registered_at=now(),
        moved_at=now(),
    )
    session.add(release)
    session.flush()
    for entry in manifest.files:
        session.add(
            ReleaseFile(
                release_id=release.id,
                path=entry.path,
                size=entry.size,
                sha256=entry.sha256,
                blake3=entry.blake3,
            )
        )
    tensors.keep(session, release, digests)
    ledger.record(
        session,
        actor=actor,
        action="release.registered",
        subject=name,
        digest=manifest.digest,
        checked=list(checked),
        tensor_root=release.tensor_root,
        tensor_root_bf16=release.tensor_root_bf16,
    )
    return release


def publish(session: Session, *, name: str, actor: str, reason: str = "") -> Release:
    """Let researchers ask for a verified release, and those who are approved use it.

    Raises:
        UnknownRelease: No release has that name.
        NotVerified: Its stored bytes were never read back.
        ReleaseMoved: It is in quarantine, or there is no such move from where it is.
    """
    release = moves.held(session, name)
    if release.state is ReleaseState.REGISTERED:
        raise NotVerified(name)
    if release.state is ReleaseState.QUARANTINED:
        raise ReleaseMoved(
            f"{name} is in quarantine: corral release verify {name}, then a second person lifts "
            f"that with corral release lift {name} --reason TEXT",
            release=name,
            state=release.state,
        )
    moves.advance(session, release, to=ReleaseState.PUBLISHED, actor=actor, reason=reason)
    return release


def withdraw(session: Session, *, name: str, actor: str, reason: str) -> Release:
    """End the use of a release for good; its rows and its files stay.

    Raises:
        UnknownRelease: No release has that name.
        ReasonMissing: A withdrawal needs a reason.
        ReleaseMoved: It is withdrawn already.
    """
    if not reason.strip():
        raise ReasonMissing(f"say why {name} is to be withdrawn", release=name)
    release = moves.held(session, name)
    moves.advance(session, release, to=ReleaseState.WITHDRAWN, actor=actor, reason=reason)
    return release
