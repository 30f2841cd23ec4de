import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from blake3 import blake3

from registry.checkpoints.digest import (
    BLOCK_BYTES,
    SHARED_BLOCK_BYTES,
    digest_file,
    digest_files,
    larger_than_a_share,
)
from registry.errors import BadCheckpoint


def test_each_file_gets_the_digests_of_its_bytes_in_the_order_asked_for(tmp_path: Path) -> None:
    contents = {"b": b"x" * (2 * BLOCK_BYTES + 1), "sub/a": b"", "c": os.urandom(1000)}
    for name, data in contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    counts: list[int] = []

    digests = digest_files(
        [tmp_path / name for name in contents], root=tmp_path, progress=counts.append, threads=3
    )

    assert [each.path for each in digests] == list(contents)
    for each in digests:
        data = contents[each.path]
        assert each.size == len(data)
        assert each.sha256 == hashlib.sha256(data).hexdigest()
        assert each.blake3 == blake3(data).hexdigest()
    assert sum(counts) == sum(map(len, contents.values()))


def append(file: Path) -> None:
    with file.open("ab") as sink:
        sink.write(b"more")


def truncate(file: Path) -> None:
    os.truncate(file, 1)


def replace(file: Path) -> None:
    file.with_name("new").write_bytes(bytes(3 * BLOCK_BYTES))
    file.with_name("new").replace(file)


def rewrite(file: Path) -> None:
    with file.open("r+b") as sink:
        sink.write(b"other")
    os.utime(file, ns=(0, 0))


def remove(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize("change", [append, truncate, replace, rewrite, remove])
def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    file = tmp_path / "a"
    file.write_bytes(bytes(3 * BLOCK_BYTES))
    changes = [change]

    def once(_count: int) -> None:
        if changes:
            changes.pop()(file)

    with pytest.raises(BadCheckpoint, match=r"changed while it was read|cannot be read"):
        digest_file(file, path="a", progress=once)


def test_a_file_that_grows_without_end_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"some")

    with pytest.raises(BadCheckpoint, match="changed while it was read"):
        digest_file(file, path="a", progress=lambda _count: append(file))


@pytest.mark.parametrize(
    ("sizes", "threads", "large"),
    [
        ([9], 2, "a"),
        ([9, 9], 2, ""),
        ([9, 1, 1], 2, "a"),
        ([9, 9, 1], 16, "ab"),
        ([9] * 8, 2, ""),
        ([9], 1, ""),
    ],
)
def test_a_file_that_outlasts_the_others_is_shared_between_cores(
    tmp_path: Path, sizes: list[int], threads: int, large: str
) -> None:
    paths = [tmp_path / name for name, _ in zip("abcdefgh", sizes, strict=False)]
    for path, size in zip(paths, sizes, strict=True):
        path.touch()
        os.truncate(path, size * SHARED_BLOCK_BYTES)

    found = larger_than_a_share(paths, threads=threads)

    assert {path.name for path in found} == set(large)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="gone cannot be read: No such file"):
        digest_files([tmp_path / "gone"], root=tmp_path)


def test_a_named_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(BadCheckpoint, match="not a regular file"):
        digest_files([tmp_path / "pipe"], root=tmp_path)


def test_hashing_stops_when_its_progress_bar_is_interrupted(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(3 * BLOCK_BYTES))

    def interrupt(_count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        digest_files([tmp_path / "a"], root=tmp_path, progress=interrupt)
