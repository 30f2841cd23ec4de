"""What a checkpoint's files are expected to be, and whether they are.

Lists that lie in the folder are used without being asked for; whoever registers may bring
more. A list that names the files of many checkpoints is cut down to those of this one. All
is checked before anything is kept.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from registry.checkpoints.checklists import (
    LIMIT_BYTES,
    NAMES,
    Algorithm,
    Checklist,
    Line,
    parse_checklist,
)
from registry.checkpoints.digest import FileDigest
from registry.checkpoints.folders import is_weights
from registry.checkpoints.signed_lists import BUNDLE_START, SignedList, read_signed_list
from registry.errors import BadChecklist, BadCheckpoint, ChecksumMismatch

Expected = Checklist | SignedList

_SHOWN_FILES = 3


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A file that is not what a list says.

    Attributes:
        line: What the list says.
        found: The digest of the bytes at hand.
        belongs_to: The file for which the list has that digest, if it has it.
    """

    line: Line
    found: str
    belongs_to: str | None


@dataclass(frozen=True, slots=True)
class Expectations:
    """All that the files of one folder are expected to be.

    Attributes:
        lists: With the paths as they are in the folder.
        signed: Signatures over the folder.
        file_of: Says where the bytes of a path are.
    """

    lists: tuple[Checklist, ...]
    signed: tuple[SignedList, ...]
    file_of: Callable[[str], Path]

    @property
    def needs_md5(self) -> bool:
        """Whether the files' MD5 is asked for."""
        return any(checklist.needs_md5 for checklist in self.lists)

    def check(self, found: Sequence[FileDigest]) -> None:
        """Check the files.

        Raises:
            ChecksumMismatch: One is not what it is expected to be, or is missing.
        """
        for checklist in self.lists:
            check_files(checklist, found)
        for signed in self.signed:
            signed.check(found, file_of=self.file_of)

    def summary(self) -> list[str]:
        """Say of each list what passed once ``check`` has, and what was forgiven."""
        passed = [sentence for each in self.lists for sentence in (_passed(each), *each.notes)]
        return [*passed, *(signed.summary() for signed in self.signed)]


def expectations_of(
    own: Sequence[Checklist],
    given: Sequence[Expected],
    *,
    files: Sequence[Path],
    root: Path,
) -> Expectations:
    """Bring together what is expected of a folder's files.

    Args:
        own: The lists that lie in the folder.
        given: Others; together they must have every file of weights.
        files: All files in the folder.
        root: The folder.

    Raises:
        BadChecklist: A list is not of these files, or the weights are in none.
    """
    file_of = {file.relative_to(root).as_posix(): file for file in files}
    lists = [
        placed(each, file_of, folder=root.name) for each in given if isinstance(each, Checklist)
    ]
    signed = [each for each in given if isinstance(each, SignedList)]
    if given:
        weights = [path for path, file in file_of.items() if is_weights(file)]
        check_coverage([*lists, *signed], weights)
    return Expectations(
        tuple(dict.fromkeys((*own, *lists))), tuple(signed), file_of=file_of.__getitem__
    )


def read_expected(file: Path, *, key: bytes | None = None) -> Expected:
    """Read a list of checksums, or a signature that the public key in PEM must have made.

    Raises:
        BadChecklist: It cannot be read, is no list, or is a signature and there is no key.
        BadBundle: The key did not sign it.
        BadSignature: The key is none that signs bundles.
    """
    data = _read(file)
    if data.lstrip().startswith(BUNDLE_START):
        return read_signed_list(file, data, key=key)
    return parse_checklist(data, name=file.name)


def own_checklists(root: Path, files: Sequence[Path]) -> tuple[Checklist, ...]:
    """Return the lists that lie in a folder, having checked that what they list is there.

    Raises:
        BadChecklist: One is no list of checksums, or of another checkpoint.
        BadCheckpoint: A file that one lists is missing.
    """
    paths = [file.relative_to(root).as_posix() for file in files]
    lists = tuple(
        placed(parse_checklist(_read(file), name=file.name), paths, folder=root.name)
        for file in files
        if file.parent == root and file.name.lower() in NAMES
    )
    for checklist in lists:
        for path in () if checklist.is_partial else sorted(checklist.paths):
            if not (root / path).exists():
                raise BadCheckpoint(
                    f"{path} is missing, which {checklist.name} lists: download it", path=path
                )
    return lists


def placed(checklist: Checklist, paths: Collection[str], *, folder: str) -> Checklist:
    """Return what a list says of one folder, with the paths as they are there.

    Args:
        checklist: Whose paths may begin above the folder, and go into others.
        paths: Of the files in the folder.
        folder: What the folder is called.

    Raises:
        BadChecklist: It says nothing of these files, or one cannot tell which are meant.
    """
    if checklist.paths & set(paths):
        return checklist
    weights = [path for path in paths if is_weights(Path(path))]
    # A tokenizer is often one folder up, for several checkpoints.
    prefixes = _prefixes(checklist, weights) or _prefixes(checklist, paths)
    named = {each for each in prefixes if f"/{each}".endswith(f"/{folder}/")}
    chosen = named if len(named) == 1 else prefixes
    if not chosen:
        raise BadChecklist(
            f"{checklist.name} lists no file of {folder}: it is of another checkpoint"
        )
    if len(chosen) > 1:
        which = ", ".join(each.rstrip("/") for each in sorted(chosen))
        raise BadChecklist(
            f"{checklist.name} lists several checkpoints ({which}), and the folder is called "
            f"like none: name it like the one that it is, not {folder}"
        )
    prefix = min(chosen)
    lines = tuple(
        replace(line, path=line.path.removeprefix(prefix))
        for line in checklist.lines
        if line.path.startswith(prefix)
    )
    return replace(checklist, lines=lines, is_partial=True)


def _prefixes(checklist: Checklist, paths: Collection[str]) -> set[str]:
    """Return what stands before the paths of files where the list has them."""
    listed = [(each, path) for each in checklist.paths for path in paths]
    return {each.removesuffix(path) for each, path in listed if each.endswith(f"/{path}")}


def check_coverage(lists: Sequence[Expected], weights: Iterable[str]) -> None:
    """Check that every file of weights is listed somewhere.

    Raises:
        BadChecklist: One is not.
    """
    listed = set().union(*(each.paths for each in lists))
    for path in sorted(set(weights) - listed):
        names = ", ".join(each.name for each in lists)
        raise BadChecklist(
            f"{path} is in none of the lists ({names}), so nothing would be known of it: "
            "give a list that has it"
        )


def check_files(checklist: Checklist, found: Iterable[FileDigest]) -> None:
    """Check files against a list that was ``placed``.

    Raises:
        ChecksumMismatch: A file is not what the list says, or is missing.
    """
    by_path = {digest.path: digest for digest in found}
    if not checklist.is_partial and (gone := sorted(checklist.paths - by_path.keys())):
        raise ChecksumMismatch(
            f"{_some(gone)} missing, and {checklist.name} lists it: get the whole checkpoint",
            list=checklist.name,
            missing=gone,
        )
    owners = {(line.algorithm, line.digest): line.path for line in checklist.lines}
    mismatches = []
    for line in checklist.lines:
        digest = by_path.get(line.path)
        if digest is not None and (value := _value(digest, line.algorithm)) != line.digest:
            mismatches.append(Mismatch(line, value, owners.get((line.algorithm, value))))
    if mismatches:
        raise _mismatch(checklist, mismatches)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            return source.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise BadChecklist(f"{file} cannot be read: {error.strerror}") from error


def _passed(checklist: Checklist) -> str:
    kinds = " and ".join(sorted({line.algorithm for line in checklist.lines}))
    count = len(checklist.paths)
    return f"as {checklist.name} lists: {count} file{'' if count == 1 else 's'}, by {kinds}"


def _value(digest: FileDigest, algorithm: Algorithm) -> str:
    if algorithm == "sha256":
        return digest.sha256
    if digest.md5 is None:
        raise ValueError(f"the md5 of {digest.path} was not computed")
    return digest.md5


def _mismatch(checklist: Checklist, mismatches: Sequence[Mismatch]) -> ChecksumMismatch:
    first = mismatches[0]
    line, name = first.line, checklist.name
    what = (
        f"{line.path} is not what {name} lists: expected {line.algorithm} {line.digest}, "
        f"found {first.found}"
    )
    others = {each.line.path: each.belongs_to for each in mismatches}
    if first.belongs_to is None:
        advice = "download it again"
    elif others.get(first.belongs_to) == line.path:
        advice = f"that is {first.belongs_to}: the two are swapped, name them back"
    else:
        advice = f"that is {first.belongs_to}, here a second time: download {line.path} again"
    more = [each.line.path for each in mismatches[1:]]
    also = f" ({_some(more)} wrong too)" if more else ""
    return ChecksumMismatch(
        f"{what}; {advice}{also}",
        list=name,
        path=line.path,
        expected=line.digest,
        found=first.found,
        different=[each.line.path for each in mismatches],
    )


def _some(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:_SHOWN_FILES])
    rest = len(paths) - _SHOWN_FILES
    more = f" and {rest} more" if rest > 0 else ""
    return f"{shown}{more} {'is' if len(paths) == 1 else 'are'}"
