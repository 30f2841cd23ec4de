"""What is hashed is what is used, whatever happens to the file meanwhile."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from registry.checkpoints.digest import digest_file
from registry.checkpoints.headers import ITEM_BYTES
from registry.checkpoints.manifest import FileEntry, Manifest
from registry.errors import BadCheckpoint, Unavailable
from workers.generation.reading import PART_BYTES, TamperedRelease, reading
from workers.generation.tensors import DTYPES, read_tensors

PARTS = 4
OTHER = "0" * 64
WRITTEN = b"\xff"


def entry_of(file: Path) -> FileEntry:
    return Manifest.of([digest_file(file, path=file.name)]).files[0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Weights that are read in several parts."""
    path = tmp_path / "model.safetensors"
    numbers = torch.arange(PARTS * PART_BYTES // 4, dtype=torch.int32)
    save_file({"a": numbers, "b": torch.arange(6.0).view(2, 3)}, path)
    return path


def at(point: int, act: Callable[[], None]) -> Callable[[int], None]:
    """Return a progress function that does something when it is told for that many times."""
    calls: list[int] = []

    def told(count: int) -> None:
        calls.append(count)
        if len(calls) == point:
            act()

    return told


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_tensors_are_those_of_the_file(file: Path, threads: int) -> None:
    assert_same(read_tensors(entry_of(file), file, threads=threads), load_file(file))


def swap(other: Path, file: Path) -> None:
    other.replace(file)


@pytest.mark.parametrize("point", range(1, PARTS + 4))
def test_a_file_that_is_swapped_during_the_load_is_never_used(file: Path, point: int) -> None:
    entry, expected = entry_of(file), load_file(file)
    other = file.with_name("other")
    save_file({"a": -expected["a"], "b": expected["b"]}, other)

    found = read_tensors(entry, file, progress=at(point, lambda: swap(other, file)))

    assert not other.exists()
    assert_same(found, expected)


def test_a_file_that_was_swapped_before_the_load_is_refused(file: Path) -> None:
    entry, weights = entry_of(file), load_file(file)
    save_file({"a": -weights["a"], "b": weights["b"]}, file)

    with pytest.raises(TamperedRelease) as refusal:
        read_tensors(entry, file)

    assert refusal.value.facts == {
        "file": file.name,
        "expected": entry.sha256,
        "found": entry_of(file).sha256,
    }


def write(file: Path, place: int) -> None:
    with file.open("r+b") as sink:
        sink.seek(place)
        sink.write(WRITTEN)


@pytest.mark.parametrize("point", range(1, PARTS + 3))
def test_what_is_written_ahead_of_the_load_is_refused(file: Path, point: int) -> None:
    entry = entry_of(file)
    last = entry.size - 1

    with pytest.raises(TamperedRelease, match=r"expected sha256 .*, found sha256"):
        read_tensors(entry, file, progress=at(point, lambda: write(file, last)))


@pytest.mark.parametrize("point", range(1, PARTS + 4))
def test_what_is_written_behind_the_load_is_not_used(file: Path, point: int) -> None:
    entry = entry_of(file)
    expected = {name: each.clone() for name, each in load_file(file).items()}

    found = read_tensors(entry, file, progress=at(point, lambda: write(file, 0)))

    assert file.read_bytes()[0] == WRITTEN[0]
    assert_same(found, expected)


@pytest.mark.parametrize("point", range(1, PARTS + 3))
def test_a_file_that_is_cut_short_during_the_load_is_refused_with_both_sizes(
    file: Path, point: int
) -> None:
    entry = entry_of(file)

    with pytest.raises(TamperedRelease, match=rf"expected {entry.size} bytes, found \d+ bytes"):
        read_tensors(entry, file, progress=at(point, lambda: os.truncate(file, 0)))


def test_what_is_appended_during_the_load_is_not_read(file: Path) -> None:
    entry, expected = entry_of(file), load_file(file)

    def append() -> None:
        with file.open("ab") as sink:
            sink.write(b"more")

    assert_same(read_tensors(entry, file, progress=at(1, append)), expected)


@pytest.mark.parametrize("place", [0, 8, 40])
def test_a_changed_header_is_tampering_and_not_a_bad_file(file: Path, place: int) -> None:
    entry = entry_of(file)
    write(file, place)

    with pytest.raises(TamperedRelease):
        read_tensors(entry, file)


def test_a_file_that_was_registered_with_a_bad_header_is_a_bad_file(file: Path) -> None:
    write(file, 8)

    with pytest.raises(BadCheckpoint, match="begin with a brace"):
        read_tensors(entry_of(file), file)


@pytest.mark.parametrize("recorded", [None, OTHER])
def test_without_the_right_blake3_the_sha256_decides(file: Path, recorded: str | None) -> None:
    entry = replace(entry_of(file), blake3=recorded)

    assert_same(read_tensors(entry, file), load_file(file))
    with pytest.raises(TamperedRelease):
        read_tensors(replace(entry, sha256=OTHER), file)


def test_bytes_that_were_not_all_read_cannot_be_checked(file: Path) -> None:
    with reading(entry_of(file), file) as source:
        source.next_bytes(8)

        with pytest.raises(ValueError, match="8 of"):
            source.check()


def test_a_named_pipe_is_refused_instead_of_waited_for(file: Path) -> None:
    entry = entry_of(file)
    file.unlink()
    os.mkfifo(file)

    with pytest.raises(Unavailable, match="no regular file"):
        read_tensors(entry, file)


def test_every_dtype_of_safetensors_is_one_of_torch_of_that_size() -> None:
    assert {name: dtype.itemsize for name, dtype in DTYPES.items()} == ITEM_BYTES


def test_numbers_and_empty_tensors_keep_their_shapes(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"number": torch.tensor(2.5), "none": torch.zeros(0, 3, dtype=torch.bfloat16)}, path)

    assert_same(read_tensors(entry_of(path), path), load_file(path))


def test_a_system_without_large_pages_loads_large_tensors_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmap.MADV_HUGEPAGE", 9999)  # no advice that any system knows
    path = tmp_path / "model.safetensors"
    save_file({"large": torch.arange(1 << 19, dtype=torch.int32)}, path)

    assert_same(read_tensors(entry_of(path), path), load_file(path))


PEAK = """
import re, sys
from pathlib import Path
from registry.checkpoints.manifest import FileEntry
from workers.generation.tensors import read_tensors
path, size, sha256, blake3 = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
def kilobytes(name):
    return int(re.search(rf"{name}:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = kilobytes("VmRSS")
held = read_tensors(FileEntry(path.name, size, sha256, blake3), path)
print((kilobytes("VmHWM") - before) * 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_the_memory_that_a_load_needs_is_that_of_the_weights(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({f"{number}": torch.zeros(16 << 20, dtype=torch.uint8) for number in range(8)}, path)
    entry = entry_of(path)

    answer = subprocess.run(
        [sys.executable, "-c", PEAK, path, str(entry.size), entry.sha256, str(entry.blake3)],
        check=True,
        capture_output=True,
        text=True,
    )

    assert 0.9 < int(answer.stdout) / entry.size < 1.2
