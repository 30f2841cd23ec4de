"""Register, publish, quarantine, withdraw.

Hashing and copying happen before ``register`` is called, outside any transaction: see
``registry.releases.intake``.
"""

import re
from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry.checkpoints.layouts import Layout
from registry.checkpoints.manifest import Manifest
from registry.checkpoints.tensors import TensorDigest
from registry.clock import now
from registry.errors import BadParameters, ReasonMissing, ReleaseExists, ReleaseMoved
from registry.ledger import service as ledger
from registry.releases import queries, tensors
from registry.releases.model import RELEASE_MOVES, Release, ReleaseFile, ReleaseState

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
    """
    check_name(name)
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


def move(session: Session, *, name: str, to: ReleaseState, actor: str, reason: str = "") -> Release:
    """Move a release to another state and write why.

    Raises:
        UnknownRelease: No release has that name.
        ReasonMissing: Quarantine and withdrawal need a reason.
        ReleaseMoved: There is no such move from where it is.
    """
    release = queries.get(session, name)
    if to in (ReleaseState.QUARANTINED, ReleaseState.WITHDRAWN) and not reason.strip():
        raise ReasonMissing(f"say why {name} is to be {to}", release=name)
    swap = (
        update(Release)
        .where(Release.id == release.id, Release.state == release.state)
        .values(state=to, state_reason=reason, moved_at=now())
        .returning(Release.id)
    )
    if to not in RELEASE_MOVES[release.state] or session.scalar(swap) is None:
        raise ReleaseMoved(
            f"{name} is {release.state} and cannot become {to}", release=name, state=release.state
        )
    session.refresh(release)
    ledger.record(
        session,
        actor=actor,
        action=f"release.{to}",
        subject=name,
        digest=release.digest,
        reason=reason,
    )
    return release


def quarantine_digest(session: Session, *, digest: str, actor: str, reason: str) -> list[str]:
    """Quarantine every release with these bytes; return the names of those that moved."""
    names = session.scalars(
        select(Release.name).where(
            Release.digest == digest,
            Release.state.in_((ReleaseState.REGISTERED, ReleaseState.PUBLISHED)),
        )
    ).all()
    for name in names:
        move(session, name=name, to=ReleaseState.QUARANTINED, actor=actor, reason=reason)
    return list(names)
