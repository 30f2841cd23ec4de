"""What a signature says of files, and how the files that were found differ from it.

A bundle lists resources: whole files, or shards, which are spans of a file of one size. The
parameters of the list are its serialization. model_signing 1.1.1 gives the digest of a shard
the name ``sha256-sharded-<size>``, where the specification has ``sha256``, and compares names
too, so that is what is written; both are read.

Source: OpenSSF Model Signing 1.0, sections 5.2, 6.1 to 6.3 and 8.4.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from blake3 import blake3

from registry.checkpoints.digest import BLOCK_BYTES, Progress, in_parallel
from registry.errors import BadCheckpoint

SHOWN_DIGITS = 12
GIT_PATHS = (".git", ".gitattributes", ".github", ".gitignore")

HashType = Literal["sha256", "blake2b", "blake3"]
Span = tuple[int, int]

HEX_DIGITS: dict[HashType, int] = {"sha256": 64, "blake2b": 128, "blake3": 64}


class Digested(Protocol):
    """A file whose bytes were hashed: a ``FileDigest`` or an entry of a manifest."""

    @property
    def path(self) -> str:
        """Relative, with ``/`` between the parts."""

    @property
    def size(self) -> int:
        """In bytes."""

    @property
    def sha256(self) -> str:
        """64 lower-case hex digits."""

    @property
    def blake3(self) -> str | None:
        """64 lower-case hex digits, where known."""


@dataclass(frozen=True, slots=True)
class Serialization:
    """How files were made into resources.

    Attributes:
        hash_type: What digests the resources.
        shard_size: Size of a shard in bytes; ``None`` where each file is one resource.
        allow_symlinks: Whether the signer followed symbolic links.
        ignore_paths: What the signer left out, exact paths from the folder; what is below them
            is left out too, and git's own files always are.
    """

    hash_type: HashType = "sha256"
    shard_size: int | None = None
    allow_symlinks: bool = False
    ignore_paths: tuple[str, ...] = GIT_PATHS

    @property
    def algorithm(self) -> str:
        """What a resource's digest is called."""
        if self.shard_size is None:
            return self.hash_type
        return f"{self.hash_type}-sharded-{self.shard_size}"

    def ignores(self, path: str) -> bool:
        """Return whether a file may be there without being signed."""
        return any(
            path == each or path.startswith(f"{each}/") for each in (*GIT_PATHS, *self.ignore_paths)
        )

    def spans(self, size: int) -> Iterator[Span]:
        """Yield start and end of each resource of a file of this size."""
        if self.shard_size is None:
            yield 0, size
            return
        for start in range(0, size, self.shard_size):
            yield start, min(start + self.shard_size, size)


@dataclass(frozen=True, slots=True)
class Resource:
    """A file, or a shard of one.

    Attributes:
        path: Relative, with ``/`` between the parts.
        digest: In lower-case hex digits.
        span: Start and end of a shard; ``None`` for a whole file.
    """

    path: str
    digest: str
    span: Span | None = None

    @property
    def name(self) -> str:
        """What the bundle calls it."""
        return self.path if self.span is None else f"{self.path}:{self.span[0]}:{self.span[1]}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison of a signature with files showed.

    Attributes:
        differences: One sentence for each file or shard that is not as it was signed.
        unsigned: Files that may be there although nobody signed them: those that the signer
            left out on purpose, git's, and empty ones where shards are signed.
    """

    differences: tuple[str, ...]
    unsigned: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether exactly the signed files were found."""
        return not self.differences


def resources_of(
    files: Iterable[Digested],
    serialization: Serialization,
    *,
    file_of: Callable[[str], Path],
    progress: Progress | None = None,
) -> list[Resource]:
    """Return the resources of files, in the order of their names.

    Files are read again only for what their digests do not tell: shards, and BLAKE2b. What
    is read must then have the sha256 that is known.

    Args:
        files: Files whose digests are known.
        serialization: How to make resources of them.
        file_of: Says where the bytes of a path are.
        progress: Called with a number of bytes read.

    Raises:
        BadCheckpoint: A file cannot be read, or is another one than was digested.
    """

    def work(file: Digested, report: Progress) -> list[Resource]:
        whole = {"sha256": file.sha256, "blake3": file.blake3}.get(serialization.hash_type)
        if serialization.shard_size is None and whole is not None:
            return [Resource(file.path, whole)]
        return _read(file, serialization, file_of(file.path), report)

    found = in_parallel(work, list(files), progress=progress)
    return sorted((each for part in found for each in part), key=lambda each: each.name)


def compare(
    expected: Iterable[Resource],
    serialization: Serialization,
    found: Iterable[Digested],
    *,
    file_of: Callable[[str], Path],
    progress: Progress | None = None,
) -> Comparison:
    """Compare what was signed with the files that were found; arguments as of ``resources_of``.

    Raises:
        BadCheckpoint: A file cannot be read, or is another one than was digested.
    """
    signed: dict[str, list[Resource]] = {}
    for each in expected:
        signed.setdefault(each.path, []).append(each)
    by_path = {each.path: each for each in found}
    # Only files of the signed size are read again, however small the shards are.
    alike = [
        by_path[path]
        for path, parts in signed.items()
        if path in by_path and _fits(by_path[path], parts)
    ]
    digests = {
        each.name: each.digest
        for each in resources_of(alike, serialization, file_of=file_of, progress=progress)
    }
    said: list[str] = []
    for path, parts in signed.items():
        if path not in by_path:
            said.append(f"{path} is missing: expected {_shown(serialization, parts[0].digest)}")
            continue
        file = by_path[path]
        if not _fits(file, parts):
            said.append(f"{path} differs: expected {_end(parts)} bytes, found {file.size}")
        else:
            said += [
                f"{_place(part)} differs: expected {_shown(serialization, part.digest)}, "
                f"found {_shown(serialization, digests[part.name])}"
                for part in parts
                if digests[part.name] != part.digest
            ]
    unsigned = []
    for path, file in by_path.items():
        if path in signed:
            continue
        # An empty file has no shard, so it is never signed.
        if serialization.ignores(path) or (serialization.shard_size and not file.size):
            unsigned.append(path)
        else:
            shown = f"sha256 {file.sha256[:SHOWN_DIGITS]} ({file.size} bytes)"
            said.append(f"{path} is not signed: found {shown}")
    return Comparison(tuple(said), tuple(unsigned))


def _read(
    file: Digested, serialization: Serialization, place: Path, report: Progress
) -> list[Resource]:
    """Read a file once, and digest each span of it."""
    whole, found = hashlib.sha256(), []
    try:
        with place.open("rb") as source:
            for start, end in serialization.spans(file.size):
                part, left = _hasher(serialization.hash_type), end - start
                while left and (block := source.read(min(BLOCK_BYTES, left))):
                    whole.update(block)
                    part.update(block)
                    left -= len(block)
                    report(len(block))
                span = None if serialization.shard_size is None else (start, end)
                found.append(Resource(file.path, part.hexdigest(), span))
    except OSError as error:
        raise BadCheckpoint(f"{file.path} cannot be read: {error.strerror or error}") from error
    if whole.hexdigest() != file.sha256:
        raise BadCheckpoint(
            f"{file.path} changed while it was read: stop whatever writes to it, then try again",
            path=file.path,
        )
    return found


def _hasher(hash_type: HashType) -> Any:
    return blake3() if hash_type == "blake3" else hashlib.new(hash_type)


def _fits(file: Digested, parts: list[Resource]) -> bool:
    end = _end(parts)
    return end is None or end == file.size


def _end(parts: list[Resource]) -> int | None:
    span = parts[-1].span
    return None if span is None else max(each.span[1] for each in parts if each.span)


def _place(part: Resource) -> str:
    return (
        part.path
        if part.span is None
        else f"{part.path} from byte {part.span[0]} to {part.span[1]}"
    )


def _shown(serialization: Serialization, digest: str) -> str:
    return f"{serialization.hash_type} {digest[:SHOWN_DIGITS]}"
