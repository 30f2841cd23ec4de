r"""The manifest: which files a checkpoint has, and what their bytes are.

The digest of a release is the SHA-256 of its manifest's canonical form, so that form is
fixed to the byte: UTF-8 JSON without any space or newline, ::

    {"files":[{"path":"config.json","sha256":"<64 hex digits>","size":643},...]}

with the keys of each object in the order shown (which is alphabetical), the files in the
order of their paths' UTF-8 bytes, and every character of a path written as itself except
``"``, which is written ``\"``. Paths hold neither backslashes nor control characters, so
nothing else could need an escape. BLAKE3 digests are a convenience and no part of it.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Self

from registry.checkpoints.digest import FileDigest
from registry.errors import BadCheckpoint

SIZE_LIMIT = 2**63 - 1
SHOWN_DIGITS = 12

_SHA256 = re.compile(r"[0-9a-f]{64}")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a checkpoint.

    Attributes:
        path: Relative, with ``/`` between the parts; no empty part, no ``.``, no ``..``,
            no backslash, no control character.
        size: In bytes.
        sha256: 64 lower-case hex digits.
        blake3: 64 lower-case hex digits, where known; not compared.

    Raises:
        BadCheckpoint: A value is not as described.
    """

    path: str
    size: int
    sha256: str
    blake3: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_path(self.path)
        if not 0 <= self.size <= SIZE_LIMIT:
            raise BadCheckpoint(f"{self.path} cannot have {self.size} bytes", path=self.path)
        for digest in (self.sha256, self.blake3):
            if digest is not None and not _SHA256.fullmatch(digest):
                raise BadCheckpoint(
                    f"the digest of {self.path} is not 64 lower-case hex digits", path=self.path
                )


@dataclass(frozen=True)
class Manifest:
    """The list of a checkpoint's files.

    Sorted by path on construction. It may be empty, as what was found where files are
    missing, but nothing empty can be registered.

    Raises:
        BadCheckpoint: Two entries have one path, or a path is both file and folder.
    """

    files: tuple[FileEntry, ...]

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.files, key=lambda entry: entry.path.encode()))
        object.__setattr__(self, "files", ordered)
        for one, other in pairwise(ordered):
            if one.path == other.path:
                raise BadCheckpoint(f"{one.path} is listed twice", path=one.path)
        for path in self.by_path:
            for folder in _folders(path):
                if folder in self.by_path:
                    raise BadCheckpoint(f"{folder} is both a file and a folder", path=folder)

    @classmethod
    def of(cls, digests: Iterable[FileDigest]) -> Self:
        """Make the manifest of files that were digested."""
        return cls(
            tuple(FileEntry(each.path, each.size, each.sha256, each.blake3) for each in digests)
        )

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a canonical form back; the only accepted bytes are those ``canonical`` gives.

        Raises:
            BadCheckpoint: The bytes are anything else.
        """
        try:
            document = json.loads(data)
            manifest = cls(tuple(_entry(each) for each in document["files"]))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise BadCheckpoint("this is no manifest: it is not JSON that lists files") from error
        if manifest.canonical() != data:
            raise BadCheckpoint("this manifest is not in canonical form")
        return manifest

    def canonical(self) -> bytes:
        """Return the bytes whose SHA-256 is the digest; the module describes them."""
        files = [
            {"path": each.path, "sha256": each.sha256, "size": each.size} for each in self.files
        ]
        text = json.dumps({"files": files}, separators=(",", ":"), ensure_ascii=False)
        return text.encode()

    @cached_property
    def digest(self) -> str:
        """The identity of the release with these files: 64 lower-case hex digits."""
        return hashlib.sha256(self.canonical()).hexdigest()

    @cached_property
    def by_path(self) -> dict[str, FileEntry]:
        """The entries by their paths."""
        return {entry.path: entry for entry in self.files}

    @property
    def total_bytes(self) -> int:
        """The size of all files together."""
        return sum(entry.size for entry in self.files)


@dataclass(frozen=True, slots=True)
class Differences:
    """How the files that were found differ from those that were expected.

    Attributes:
        missing: Expected and not found.
        extra: Found and not expected.
        different: Found with other bytes: the expected entry, then the found one.
    """

    missing: tuple[FileEntry, ...] = ()
    extra: tuple[FileEntry, ...] = ()
    different: tuple[tuple[FileEntry, FileEntry], ...] = ()

    @property
    def holds(self) -> bool:
        """Whether exactly the expected bytes were found."""
        return not (self.missing or self.extra or self.different)

    def summary(self) -> list[str]:
        """Say each difference in one sentence; an empty list says there is none."""
        return [
            *(
                f"{expected.path} differs: expected {_shown(expected)}, found {_shown(found)}"
                for expected, found in self.different
            ),
            *(f"{each.path} is missing: expected {_shown(each)}" for each in self.missing),
            *(f"{each.path} is not in the manifest: found {_shown(each)}" for each in self.extra),
        ]


def check_path(path: str) -> None:
    """Check that a path can stand in a manifest.

    Raises:
        BadCheckpoint: It is absolute or empty, or holds ``.``, ``..``, a backslash, a
            control character or what is not Unicode.
    """
    if {"", ".", ".."} & set(path.split("/")) or _UNSAFE.search(path):
        raise BadCheckpoint(
            f"{path!a} cannot be a file of a checkpoint: paths are relative, without '..', "
            "backslashes and control characters; rename the file",
            path=ascii(path),
        )


def compare(expected: Manifest, found: Manifest) -> Differences:
    """Compare two manifests path by path, by size and SHA-256."""
    pairs = [(each, found.by_path.get(each.path)) for each in expected.files]
    return Differences(
        missing=tuple(each for each, other in pairs if other is None),
        extra=tuple(each for each in found.files if each.path not in expected.by_path),
        different=tuple(
            (each, other) for each, other in pairs if other is not None and other != each
        ),
    )


def _shown(entry: FileEntry) -> str:
    return f"sha256 {entry.sha256[:SHOWN_DIGITS]} ({entry.size} bytes)"


def _folders(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _entry(each: object) -> FileEntry:
    """Read one file's object; what it holds beyond these three is not canonical."""
    match each:
        case {"path": str(path), "sha256": str(sha256), "size": size} if type(size) is int:
            return FileEntry(path, size, sha256)
    raise ValueError("a file is a path, a sha256 and a size")
