"""The derivation record: which originals, by which rules, became the files of a release.

Its canonical form is JSON with sorted keys and no spaces, in UTF-8, ::

    {"converter":...,"inputs":[{"path":...,"sha256":...,"size":...},...],"layout":...,
     "notes":[...],"outputs":[...],"rules_version":...}

with both lists in the order of their paths' UTF-8 bytes. Inputs are the originals, outputs
the files that are served; what is in both was carried over as it was.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from registry.checkpoints.manifest import Manifest
from registry.clock import now
from registry.ledger import service as ledger
from registry.ledger.canonical import canonical_json
from registry.releases import queries
from registry.releases.model import Derivation, EvidenceFile, Release
from registry.releases.originals import Derived


def record(session: Session, *, release: Release, derived: Derived, actor: str) -> Derivation:
    """Write how a release was made; if that is known already, change nothing.

    The ledger gets digests only: those of the release, of the originals and of the record.
    """
    known = queries.derivation_of(session, release)
    if known is not None:
        return known
    derivation = Derivation(
        release_id=release.id,
        digest=digest_of(
            evidence=derived.evidence,
            served=derived.manifest,
            layout=derived.layout,
            converter=derived.converter,
            rules_version=derived.rules_version,
            notes=derived.notes,
        ),
        evidence_digest=derived.evidence.digest,
        layout=derived.layout,
        converter=derived.converter,
        rules_version=derived.rules_version,
        notes=list(derived.notes),
        derived_at=now(),
    )
    session.add(derivation)
    session.flush()
    for entry in derived.evidence.files:
        session.add(
            EvidenceFile(
                derivation_id=derivation.id,
                path=entry.path,
                size=entry.size,
                sha256=entry.sha256,
                blake3=entry.blake3,
            )
        )
    ledger.record(
        session,
        actor=actor,
        action="release.derived",
        subject=release.name,
        digest=release.digest,
        evidence=derivation.evidence_digest,
        derivation=derivation.digest,
        rules_version=derivation.rules_version,
    )
    return derivation


def digest_of(
    *,
    evidence: Manifest,
    served: Manifest,
    layout: str,
    converter: str,
    rules_version: int,
    notes: Sequence[str],
) -> str:
    """Return the SHA-256 of a record in canonical form."""
    document = {
        "converter": converter,
        "inputs": _listed(evidence),
        "layout": layout,
        "notes": list(notes),
        "outputs": _listed(served),
        "rules_version": rules_version,
    }
    return hashlib.sha256(canonical_json(document)).hexdigest()


def _listed(manifest: Manifest) -> list[dict[str, Any]]:
    return [
        {"path": each.path, "sha256": each.sha256, "size": each.size} for each in manifest.files
    ]
