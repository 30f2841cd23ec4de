"""Lists of checksums, as ``md5sum`` and ``sha256sum`` print them, read as people have them.

Meta's ``checklist.chk`` is one, so is every ``SHA256SUMS``. Both separators of the GNU tools
are read and the form of BSD and macOS too; the algorithm is told by the number of digits.
What Windows does to a list (line ends, UTF-16, backslashes) is undone and noted. A line that
is no checksum refuses the whole list, for nobody knows what it was meant to protect.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from registry.checkpoints.impostors import is_page
from registry.errors import BadChecklist

LIMIT_BYTES = 1 << 24
NAMES = frozenset(
    {
        "checklist.chk",
        "tokenizer_checklist.chk",
        "md5sums",
        "md5sums.txt",
        "sha256sum.txt",
        "sha256sums",
        "sha256sums.txt",
    }
)
"""What a list inside a checkpoint's folder is called, in lower case."""

Algorithm = Literal["md5", "sha256"]

_BY_DIGITS: dict[int, Algorithm] = {32: "md5", 64: "sha256"}
_GNU = re.compile(r"([0-9A-Fa-f]{8,})[ \t]+\*?(\S.*)")
_BSD = re.compile(r"(?:MD5|SHA2?-?256) ?\((.+)\) ?= ?([0-9A-Fa-f]{8,})")
_SHOWN_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Line:
    """What a list says of one file.

    Attributes:
        path: With ``/`` between the parts, without ``.`` and ``..``.
        algorithm: How the digest was made.
        digest: Lower-case hex digits.
    """

    path: str
    algorithm: Algorithm
    digest: str


@dataclass(frozen=True, slots=True)
class Checklist:
    """A list of checksums.

    Attributes:
        name: What messages call it.
        lines: At least one; no path has two digests of one algorithm.
        notes: What was forgiven, in sentences for the person who brought it.
        is_partial: Whether it also lists files of other checkpoints or versions, so that a
            file it lists may be missing.
    """

    name: str
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    is_partial: bool = False

    @property
    def needs_md5(self) -> bool:
        """Whether a digest of it is an MD5."""
        return any(line.algorithm == "md5" for line in self.lines)

    @property
    def paths(self) -> set[str]:
        """The paths it lists."""
        return {line.path for line in self.lines}


def parse_checklist(data: bytes, *, name: str) -> Checklist:
    """Read a list of checksums.

    Args:
        data: The bytes of its file.
        name: What messages are to call it.

    Raises:
        BadChecklist: It is none; the message says what it is instead.
    """
    if len(data) > LIMIT_BYTES:
        raise BadChecklist(f"{name} is too large for a list of checksums: name one")
    if is_page(data):
        raise BadChecklist(
            f"{name} is a web page, probably of a sign-in, and no list of checksums: "
            "sign in, then download it again"
        )
    text, notes = _text(data, name)
    rows = [(number, row) for number, row in enumerate(text.splitlines(), 1) if _says(row)]
    lines = [(number, row, _line(row, name, number)) for number, row in rows]
    found = [line for _, _, line in lines if line is not None]
    if not found:
        raise BadChecklist(
            f"{name} has no line of a checksum and a name, as md5sum and sha256sum print them: "
            "download it again, or take it out"
        )
    for number, row, line in lines:
        if line is None:
            raise BadChecklist(
                f"line {number} of {name} is no checksum and a name "
                f"({row.strip()[:_SHOWN_CHARACTERS]!a}): download it again"
            )
    return Checklist(name, _unique(found, name), notes)


def _text(data: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    notes = []
    encoding = "utf-8-sig"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
        notes.append(f"{name} is in UTF-16, as PowerShell writes; it was read all the same")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadChecklist(
            f"{name} is not text, so it is no list of checksums: download it again"
        ) from error
    if "\r" in text:
        notes.append(
            f"{name} has Windows line ends, at which md5sum fails; it was read all the same"
        )
    return text, tuple(notes)


def _says(row: str) -> bool:
    return bool(row.strip()) and not row.lstrip().startswith("#")


def _line(row: str, name: str, number: int) -> Line | None:
    if match := _GNU.fullmatch(row.strip()):
        digest, path = match[1], match[2]
    elif match := _BSD.fullmatch(row.strip()):
        digest, path = match[2], match[1]
    else:
        return None
    algorithm = _BY_DIGITS.get(len(digest))
    if algorithm is None:
        raise BadChecklist(
            f"line {number} of {name} has a checksum of {len(digest)} digits: "
            "md5 (32) and sha256 (64) are compared; give a list of those"
        )
    parts = [part for part in path.replace("\\", "/").split("/") if part not in {"", "."}]
    if not parts or ".." in parts:
        return None
    return Line("/".join(parts), algorithm, digest.lower())


def _unique(lines: Iterable[Line], name: str) -> tuple[Line, ...]:
    known: dict[tuple[str, Algorithm], Line] = {}
    for line in lines:
        if known.setdefault((line.path, line.algorithm), line) != line:
            raise BadChecklist(
                f"{name} lists {line.path} twice, with two checksums: find out which is meant"
            )
    return tuple(known.values())
