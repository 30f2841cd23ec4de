"""The tensor root of a release: made from the store's bytes, kept and recorded."""

from pathlib import Path

import pytest
from sqlalchemy import delete, update

from registry.checkpoints.tensors import roots_of
from registry.db.session import Database
from registry.ledger import queries as ledger
from registry.releases import queries, tensors
from registry.releases.candidates import known_releases
from registry.releases.intake import register_folder
from registry.releases.model import Release, ReleaseTensor
from registry.releases.store import Store
from tests.support.llamas import Shape, write_llama

NAME = "owner/tiny"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


def register(database: Database, store: Store, folder: Path, name: str = NAME) -> Release:
    return register_folder(
        database,
        store,
        folder=folder,
        name=name,
        license="MIT",
        source="a test",
        actor="operator",
        progress=None,
    )


def entries(database: Database) -> list[tuple[str, str]]:
    with database.reading() as session:
        page = ledger.entries(session, subject=NAME, limit=10, cursor=None)
    return [(row.action, row.facts) for row in page.rows]


def forget_tensors(database: Database) -> None:
    """Leave a release as it was before there were tensor roots."""
    with database.transaction() as session:
        session.execute(delete(ReleaseTensor))
        session.execute(update(Release).values(tensor_root=None, tensor_root_bf16=None))


def test_a_release_keeps_the_digests_of_its_tensors_and_their_roots(
    database: Database, store: Store, tmp_path: Path
) -> None:
    release = register(database, store, write_llama(tmp_path / "tiny"))

    with database.reading() as session:
        kept = tensors.of_release(session, release)
        manifest = queries.manifest_of(session, release)
    roots = roots_of(kept)
    assert [each.name for each in kept][:2] == [
        "tok_embeddings.weight",
        "layers.0.attention.wq.weight",
    ]
    assert kept == tensors.digest_stored(store, manifest)
    assert (release.tensor_root, release.tensor_root_bf16) == (roots.stored, roots.bf16)


def test_the_ledgers_entry_of_a_registration_has_the_tensor_root(
    database: Database, store: Store, tmp_path: Path
) -> None:
    release = register(database, store, write_llama(tmp_path / "tiny"))

    [(action, facts)] = entries(database)
    assert action == "release.registered"
    assert f'"tensor_root":"{release.tensor_root}"' in facts
    assert f'"tensor_root_bf16":"{release.tensor_root_bf16}"' in facts


def test_one_file_or_several_have_one_tensor_root_and_two_digests(
    database: Database, store: Store, tmp_path: Path
) -> None:
    one = register(database, store, write_llama(tmp_path / "one"))

    two = register(database, store, write_llama(tmp_path / "two", Shape(shards=2)), "owner/two")

    assert one.digest != two.digest
    assert one.tensor_root == two.tensor_root is not None


def test_a_release_that_is_older_than_tensor_roots_gets_its_own_once(
    database: Database, store: Store, tmp_path: Path
) -> None:
    made = register(database, store, write_llama(tmp_path / "tiny"))
    forget_tensors(database)

    filled = tensors.fill_in(database, store, NAME, actor="operator")
    again = tensors.fill_in(database, store, NAME, actor="operator")

    assert filled.tensor_root == again.tensor_root == made.tensor_root
    actions = [action for action, _ in entries(database)]
    assert sorted(actions) == ["release.registered", "release.tensors_digested"]


def test_releases_are_known_with_their_files_and_tensors(
    database: Database, store: Store, tmp_path: Path
) -> None:
    release = register(database, store, write_llama(tmp_path / "tiny"))

    with database.reading() as session:
        [known] = known_releases(session)
        kept = tensors.of_release(session, release)

    assert (known.name, known.state, known.digest) == (NAME, "registered", release.digest)
    assert known.files.keys() == {"config.json", "model.safetensors", "tokenizer.model"}
    assert known.tensors == tuple(kept)
