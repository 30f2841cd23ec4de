"""How a release was made of pickled originals is on record, and in the ledger."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DatabaseError

from registry.checkpoints.manifest import Manifest
from registry.db.session import Database
from registry.ledger import queries as ledger
from registry.releases import derivations, queries
from registry.releases.intake import register_folder
from registry.releases.model import Derivation, EvidenceFile, Release, ReleaseFile
from registry.releases.store import Store
from tests.support.meta import MetaLlama, write_meta

NAME = "meta/tiny"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


@pytest.fixture
def register(database: Database, store: Store) -> Callable[[Path], Release]:
    """Register a folder."""

    def run(folder: Path) -> Release:
        return register_folder(
            database,
            store,
            folder=folder,
            name=NAME,
            license="MIT",
            source="a test",
            actor="operator",
            progress=None,
        )

    return run


def objects(store: Store) -> set[str]:
    return set(store.objects())


def record_of(database: Database, release: Release) -> tuple[Derivation, Manifest, Manifest]:
    with database.reading() as session:
        derivation = queries.derivation_of(session, release)
        assert derivation is not None
        evidence = queries.evidence_of(session, derivation)
        return derivation, evidence, queries.manifest_of(session, release)


def test_the_originals_are_kept_to_the_byte_and_referenced(
    register: Callable[[Path], Release], database: Database, store: Store, tmp_path: Path
) -> None:
    folder = write_meta(tmp_path / "meta", MetaLlama(shards=2))

    release = register(folder)

    _, evidence, served = record_of(database, release)
    assert {each.path for each in evidence.files} == {file.name for file in folder.iterdir()}
    for each in evidence.files:
        assert store.path_of(each.sha256).read_bytes() == (folder / each.path).read_bytes()
    assert not {each.path for each in served.files} & {"consolidated.00.pth", "params.json"}
    with database.reading() as session:
        assert queries.referenced_sha256s(session) == objects(store)


def test_the_record_says_what_became_what_and_its_digest_is_in_the_ledger(
    register: Callable[[Path], Release], database: Database, tmp_path: Path
) -> None:
    release = register(write_meta(tmp_path / "meta", MetaLlama(shards=2)))

    derivation, evidence, served = record_of(database, release)
    with database.reading() as session:
        entries = ledger.entries(session, subject=NAME, limit=10, cursor=None).rows
    facts = {each.action: json.loads(each.facts) for each in entries}
    assert facts["release.derived"] == {
        "digest": release.digest,
        "derivation": derivation.digest,
        "evidence": evidence.digest,
        "rules_version": 1,
    }
    assert derivation.digest == derivations.digest_of(
        evidence=evidence,
        served=served,
        layout="meta",
        converter=derivation.converter,
        rules_version=1,
        notes=derivation.notes,
    )
    assert derivation.notes == ["rope.freqs: a table of rotary frequencies, left out"]


def test_a_release_that_was_not_converted_has_no_record(
    register: Callable[[Path], Release], database: Database, tmp_path: Path
) -> None:
    derived = register(write_meta(tmp_path / "meta"))
    with database.reading() as session:
        manifest = queries.manifest_of(session, derived)
    store = Store(tmp_path / "store")
    store.materialise(manifest, tmp_path / "exported")

    plain = register_folder(
        database,
        store,
        folder=tmp_path / "exported",
        name="meta/exported",
        license="",
        source="",
        actor="operator",
        progress=None,
    )

    assert plain.digest == derived.digest
    with database.reading() as session:
        assert queries.derivation_of(session, plain) is None


def test_the_same_originals_give_the_same_release(
    register: Callable[[Path], Release], database: Database, tmp_path: Path
) -> None:
    first = register(write_meta(tmp_path / "one", MetaLlama(shards=2)))

    second = register(write_meta(tmp_path / "two", MetaLlama(shards=2)))

    assert second.id == first.id
    with database.reading() as session:
        entries = ledger.entries(session, subject=NAME, limit=10, cursor=None).rows
    assert sorted(each.action for each in entries) == ["release.derived", "release.registered"]


@pytest.mark.parametrize("table", [ReleaseFile, EvidenceFile])
@pytest.mark.parametrize("change", [update, delete])
def test_what_files_there_are_is_never_changed(
    register: Callable[[Path], Release],
    database: Database,
    tmp_path: Path,
    table: type[ReleaseFile] | type[EvidenceFile],
    change: Callable[..., Any],
) -> None:
    register(write_meta(tmp_path / "original", MetaLlama()))
    statement = change(table)

    with pytest.raises(DatabaseError, match="append-only"), database.transaction() as session:
        session.execute(statement.values(sha256="0" * 64) if change is update else statement)
