"""Taking a folder into the store."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from registry.checkpoints.digest import FileDigest, digest_files
from registry.checkpoints.layouts import Layout, inspect
from registry.errors import BadCheckpoint
from registry.releases.store import Store
from tests.support.checkpoints import make_sharded


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A small checkpoint in several files."""
    return inspect(make_sharded(tmp_path / "checkpoint"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


def content(store: Store) -> list[Path]:
    return sorted(path for path in store.root.rglob("*") if path.is_file())


def test_what_the_check_refuses_leaves_nothing_behind(store: Store, layout: Layout) -> None:
    def refuse(digests: Sequence[FileDigest]) -> None:
        raise BadCheckpoint(f"{digests[0].path} has the MD5 {digests[0].md5}")

    with pytest.raises(BadCheckpoint) as caught:
        store.add_folder(layout.files, root=layout.root, md5=True, check=refuse)

    expected = digest_files(layout.files[:1], root=layout.root, md5=True)[0]
    assert str(caught.value) == f"{expected.path} has the MD5 {expected.md5}"
    assert content(store) == []
