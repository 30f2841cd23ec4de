"""A checkpoint of transformers, known to a registry, for the tests of what a folder is."""

import shutil
from pathlib import Path

import pytest

from registry.checkpoints.identify import Known
from tests.support.published import MODEL, huggingface_tensors, known_of, write_huggingface


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint in F16 that transformers wrote; not to be modified."""
    return write_huggingface(
        tmp_path_factory.mktemp("published") / "x", MODEL, huggingface_tensors(MODEL)
    )


@pytest.fixture(scope="module")
def known(folder: Path) -> Known:
    """What the registry knows of it."""
    return known_of(folder)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A copy that may be modified."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))
