"""Releases: what is registered, public for anybody who holds a copy and wants to compare."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.dependencies import Paging, Reads, Writes
from api.identity import Reviewer
from api.openapi import ROLE, problems
from api.v1.schemas.derivations import DerivationView, ReleaseDetailView
from api.v1.schemas.fields import Decision, PageView
from api.v1.schemas.releases import (
    FileView,
    ManifestView,
    ReleaseView,
    SignaturesView,
    SignatureView,
    TensorsView,
    TensorView,
    VerificationView,
    queues_of,
    views_of,
)
from registry.errors import (
    BadCursor,
    NotFreshlyVerified,
    ReasonMissing,
    ReleaseMoved,
    SecondPersonNeeded,
    UnknownRelease,
)
from registry.releases import quarantine, tensors, verifications
from registry.releases import queries as releases
from registry.releases.signatures import signatures_of, verify_command

router = APIRouter(prefix="/v1/releases", tags=["releases"])

Part = Annotated[str, Path(pattern=r"^[\w.-]{1,64}$", examples=["meta"])]


@router.get("", summary="List releases", responses=problems(BadCursor))
def list_releases(session: Reads, place: Paging) -> PageView[ReleaseView]:
    """Return releases, newest first. Needs no token."""
    page = releases.page(session, limit=place.limit, cursor=place.cursor)
    return PageView(items=views_of(session, page.rows), next_cursor=page.next_cursor)


@router.get("/{owner}/{name}", summary="One release", responses=problems(UnknownRelease))
def get_release(owner: Part, name: Part, session: Reads) -> ReleaseDetailView:
    """Return a release's digest, state, licence, origin and queues. Needs no token."""
    release = releases.get(session, f"{owner}/{name}")
    shown = views_of(session, [release])[0]
    [queues] = queues_of(session, [release])
    derivation = releases.derivation_of(session, release)
    if derivation is None:
        return ReleaseDetailView.of(shown, queues=queues, derivation=None)
    view = DerivationView.of(
        derivation,
        evidence=releases.evidence_of(session, derivation),
        served=releases.manifest_of(session, release),
    )
    return ReleaseDetailView.of(shown, queues=queues, derivation=view)


@router.get(
    "/{owner}/{name}/files", summary="A release's files", responses=problems(UnknownRelease)
)
def get_release_files(owner: Part, name: Part, session: Reads) -> ManifestView:
    """Return every file with its size and digests. Needs no token."""
    release = releases.get(session, f"{owner}/{name}")
    manifest = releases.manifest_of(session, release)
    return ManifestView(
        release=release.name,
        digest=release.digest,
        total_bytes=manifest.total_bytes,
        files=[FileView.model_validate(entry) for entry in manifest.files],
    )


@router.get(
    "/{owner}/{name}/signatures", summary="Who signed it", responses=problems(UnknownRelease)
)
def get_release_signatures(owner: Part, name: Part, session: Reads) -> SignaturesView:
    """Return which keys signed a release, and how to verify a copy. Needs no token."""
    release = releases.get(session, f"{owner}/{name}")
    found = signatures_of(session, release)
    return SignaturesView(
        release=release.name,
        digest=release.digest,
        signatures=[SignatureView.model_validate(each) for each in found],
        verify_command=(
            verify_command(release.name) if any(each.is_common for each in found) else None
        ),
    )


@router.get(
    "/{owner}/{name}/tensors", summary="A release's tensors", responses=problems(UnknownRelease)
)
def get_release_tensors(owner: Part, name: Part, session: Reads) -> TensorsView:
    """Return the digests of every tensor, from which anybody computes the roots. Needs no token."""
    release = releases.get(session, f"{owner}/{name}")
    return TensorsView(
        release=release.name,
        digest=release.digest,
        tensor_root=release.tensor_root,
        tensor_root_bf16=release.tensor_root_bf16,
        tensors=[TensorView.model_validate(each) for each in tensors.of_release(session, release)],
    )


@router.get(
    "/{owner}/{name}/verifications",
    summary="A release's verifications",
    responses=problems(UnknownRelease, BadCursor),
)
def list_verifications(
    owner: Part, name: Part, session: Reads, place: Paging
) -> PageView[VerificationView]:
    """Return when the stored bytes were read back and what was found, newest first."""
    release = releases.get(session, f"{owner}/{name}")
    page = verifications.page(session, release.digest, limit=place.limit, cursor=place.cursor)
    return PageView(
        items=[VerificationView.model_validate(row) for row in page.rows],
        next_cursor=page.next_cursor,
    )


@router.post(
    "/{owner}/{name}/quarantine",
    summary="Quarantine a release",
    responses=problems(*ROLE, UnknownRelease, ReasonMissing, ReleaseMoved, body=True),
)
def quarantine_release(
    owner: Part, name: Part, body: Decision, account: Reviewer, session: Writes
) -> ReleaseView:
    """Stop the use of a release's bytes at once, under each of their names; its jobs wait."""
    full = f"{owner}/{name}"
    quarantine.quarantine(session, name=full, actor=account.handle, reason=body.reason)
    return views_of(session, [releases.get(session, full)])[0]


@router.post(
    "/{owner}/{name}/lift",
    summary="Lift a quarantine",
    responses=problems(
        *ROLE,
        UnknownRelease,
        ReasonMissing,
        ReleaseMoved,
        NotFreshlyVerified,
        SecondPersonNeeded,
        body=True,
    ),
)
def lift_quarantine(
    owner: Part, name: Part, body: Decision, account: Reviewer, session: Writes
) -> ReleaseView:
    """End a quarantine after a verification that holds.

    Whoever quarantined the release, or verified it since, cannot be the one who lifts.
    """
    full = f"{owner}/{name}"
    quarantine.lift(session, name=full, account=account, reason=body.reason)
    return views_of(session, [releases.get(session, full)])[0]
