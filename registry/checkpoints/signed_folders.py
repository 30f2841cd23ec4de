"""A folder and a bundle, and nothing else: no records, no network."""

import os
from dataclasses import dataclass
from pathlib import Path

from registry.checkpoints.digest import Progress, digest_files
from registry.checkpoints.resources import Comparison, Serialization
from registry.checkpoints.signing import Bundle
from registry.errors import BadCheckpoint


@dataclass(frozen=True, slots=True)
class SignedFolder:
    """The files of a folder that a bundle is to be about.

    Attributes:
        root: The folder.
        files: Every file in it that must have been signed, hidden ones too, sorted.
        ignored: What else is in it, files and folders, sorted.
    """

    root: Path
    files: tuple[Path, ...]
    ignored: tuple[str, ...]

    @property
    def total_bytes(self) -> int:
        """The size of all files together."""
        return sum(file.stat().st_size for file in self.files)

    def compare(self, bundle: Bundle, *, progress: Progress | None = None) -> Comparison:
        """Hash every file and compare it with what was signed.

        Raises:
            BadCheckpoint: A file cannot be read, or changed meanwhile.
        """
        found = digest_files(self.files, root=self.root, progress=progress)
        comparison = bundle.compare(found, file_of=self.root.joinpath)
        return Comparison(comparison.differences, (*self.ignored, *comparison.unsigned))


def open_folder(folder: Path, bundle: Bundle, *, besides: Path) -> SignedFolder:
    """List a folder as a bundle's signer must have listed it.

    Args:
        folder: The folder.
        bundle: Says whether links may be followed, and what was left out.
        besides: The bundle's own file, which may be inside and is then no part of it.

    Raises:
        BadCheckpoint: There is no such folder, or something in it is no file.
    """
    if not folder.is_dir():
        raise BadCheckpoint(f"{folder} is not a folder: name the one that was signed")
    root, own, how = folder.resolve(), besides.resolve(), bundle.serialization
    files: list[Path] = []
    ignored: list[str] = []

    def refuse(error: OSError) -> None:
        raise BadCheckpoint(f"{error.filename} cannot be read: {error.strerror}") from error

    for place, folders, names in os.walk(root, onerror=refuse):
        inside = {name: Path(place, name) for name in (*folders, *names)}
        left_out = {name for name, path in inside.items() if how.ignores(_name(path, root))}
        folders[:] = [name for name in folders if name not in left_out]
        ignored += [_name(inside[name], root) for name in left_out]
        files += [
            path
            for name, path in inside.items()
            if name not in left_out and path != own and _is_file(path, root, how)
        ]
    return SignedFolder(root, tuple(sorted(files)), tuple(sorted(ignored)))


def _is_file(path: Path, root: Path, serialization: Serialization) -> bool:
    """Return whether it is a file, and not a folder; refuse what is neither."""
    name = _name(path, root)
    if path.is_symlink() and not serialization.allow_symlinks:
        raise BadCheckpoint(f"{name} is a link, and none was signed: put a copy in its place")
    if path.is_symlink() and path.is_dir():
        raise BadCheckpoint(f"{name} is a link to a folder: put a copy in its place")
    if not path.is_file() and not path.is_dir():
        raise BadCheckpoint(f"{name} is not a regular file, nor a link to one: take it out")
    return path.is_file()


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
