"""Anybody can read how the files of a release were made."""

from pathlib import Path

from registry.releases import queries as releases
from registry.releases.intake import register_folder
from registry.releases.store import Store
from tests.integration.api.service import NAME, Service
from tests.support.meta import MetaLlama, write_meta


def test_a_converted_release_says_which_originals_became_which_files(
    service: Service, tmp_path: Path
) -> None:
    release = register_folder(
        service.database,
        Store(tmp_path / "converted"),
        folder=write_meta(tmp_path / "meta", MetaLlama(shards=2)),
        name="meta/tiny",
        license="",
        source="",
        actor="operator",
        progress=None,
    )

    found = service.get("/v1/releases/meta/tiny", None).json()

    with service.database.reading() as session:
        row = releases.derivation_of(session, release)
        assert row is not None
        evidence = releases.evidence_of(session, row)
        manifest = releases.manifest_of(session, release)
    record = found["derivation"]
    assert (record["digest"], record["evidence_digest"]) == (row.digest, evidence.digest)
    assert record["rules_version"] == 1
    assert [each["sha256"] for each in record["inputs"]] == [e.sha256 for e in evidence.files]
    assert [each["sha256"] for each in record["outputs"]] == [e.sha256 for e in manifest.files]


def test_a_release_that_was_not_converted_has_no_record(service: Service) -> None:
    found = service.get(f"/v1/releases/{NAME}", None).json()

    assert found["derivation"] is None


def test_a_listing_has_no_records(service: Service) -> None:
    [found] = service.get("/v1/releases", None).json()["items"]

    assert "derivation" not in found
