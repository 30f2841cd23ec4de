"""A store, and a release in it that is registered under two names."""

from pathlib import Path

import pytest

from registry.db.session import Database
from registry.releases.model import Release
from registry.releases.store import Store
from tests.support.checkpoints import make_checkpoint
from tests.support.life import NAME, OTHER, register


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store."""
    return Store(tmp_path / "store")


@pytest.fixture
def release(database: Database, store: Store, tmp_path: Path) -> Release:
    """A registered release, and another name for its bytes."""
    make_checkpoint(tmp_path / "tiny")
    return [register(database, store, tmp_path / "tiny", name) for name in (OTHER, NAME)][-1]
