"""Releases: what is registered, public for anybody who holds a copy and wants to compare."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.dependencies import Paging, Reads
from api.openapi import problems
from api.v1.schemas.derivations import DerivationView, ReleaseDetailView
from api.v1.schemas.fields import PageView
from api.v1.schemas.releases import (
    FileView,
    ManifestView,
    ReleaseView,
    SignaturesView,
    SignatureView,
    TensorsView,
    TensorView,
)
from registry.errors import BadCursor, UnknownRelease
from registry.releases import queries as releases
from registry.releases import tensors
from registry.releases.signatures import signatures_of, verify_command

router = APIRouter(prefix="/v1/releases", tags=["releases"])

Part = Annotated[str, Path(pattern=r"^[\w.-]{1,64}$", examples=["meta"])]


@router.get("", summary="List releases", responses=problems(BadCursor))
def list_releases(session: Reads, place: Paging) -> PageView[ReleaseView]:
    """Return releases, newest first. Needs no token."""
    page = releases.page(session, limit=place.limit, cursor=place.cursor)
    return PageView(
        items=[ReleaseView.model_validate(row) for row in page.rows], next_cursor=page.next_cursor
    )


@router.get("/{owner}/{name}", summary="One release", responses=problems(UnknownRelease))
def get_release(owner: Part, name: Part, session: Reads) -> ReleaseDetailView:
    """Return a release's digest, state, licence and how it was made. Needs no token."""
    release = releases.get(session, f"{owner}/{name}")
    derivation = releases.derivation_of(session, release)
    if derivation is None:
        return ReleaseDetailView.with_derivation(release, None)
    view = DerivationView.of(
        derivation,
        evidence=releases.evidence_of(session, derivation),
        served=releases.manifest_of(session, release),
    )
    return ReleaseDetailView.with_derivation(release, view)


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
