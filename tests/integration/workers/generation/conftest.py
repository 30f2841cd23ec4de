"""Fixtures of the engine's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from registry.checkpoints.manifest import Manifest
from tests.support.apart import store_llama
from tests.support.llamas import Shape, load_folder, write_llama
from workers.generation.llama import LlamaEngine


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Threads that wait for each other on busy processors cost more than they bring."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny LLaMA with random weights."""
    return write_llama(tmp_path_factory.mktemp("tiny"), Shape())


@pytest.fixture(scope="module")
def engine(tiny: Path) -> Iterator[LlamaEngine]:
    """An engine with the tiny LLaMA, on the CPU."""
    opened = LlamaEngine(load_folder(tiny), device="cpu")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """A store with one release."""
    return store_llama(tmp_path_factory.mktemp("apart"))
