"""What commands say of how a release was made."""

from typing import Any

from api.cli.records import Records
from api.v1.schemas.derivations import DerivationView
from registry.checkpoints.manifest import SHOWN_DIGITS, Manifest
from registry.errors import BadParameters
from registry.releases import queries
from registry.releases.model import Release


def derivation_of(records: Records, row: Release) -> dict[str, Any] | None:
    """Return the record of a release that was converted, as the API shows it."""
    with records.database.reading() as session:
        derivation = queries.derivation_of(session, row)
        if derivation is None:
            return None
        evidence = queries.evidence_of(session, derivation)
        served = queries.manifest_of(session, row)
    return DerivationView.of(derivation, evidence=evidence, served=served).model_dump(mode="json")


def evidence_of(records: Records, row: Release) -> Manifest:
    """Return the manifest of the originals of a release.

    Raises:
        BadParameters: It was not converted.
    """
    with records.database.reading() as session:
        derivation = queries.derivation_of(session, row)
        if derivation is None:
            raise BadParameters(
                f"{row.name} was not converted: it has no evidence beside its files",
                release=row.name,
            )
        return queries.evidence_of(session, derivation)


def facts_of(derivation: dict[str, Any] | None) -> dict[str, object]:
    """Return the lines that ``show`` has for a record."""
    if derivation is None:
        return {}
    return {
        "made_of": f"{len(derivation['inputs'])} originals, layout {derivation['layout']}",
        "evidence": derivation["evidence_digest"],
        "converted_by": f"{derivation['converter']}, rules {derivation['rules_version']}",
        "derivation": derivation["digest"],
        "notes": "; ".join(derivation["notes"]) or "-",
    }


def made_of(derivation: dict[str, Any] | None) -> str:
    """Return the end of a sentence on a release that was registered."""
    if derivation is None:
        return ""
    evidence = derivation["evidence_digest"][:SHOWN_DIGITS]
    return f", converted from {len(derivation['inputs'])} originals kept as {evidence}"
