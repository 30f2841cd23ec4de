"""The files in a checkpoint's folder.

Symbolic links are followed to regular files inside the folder. The one way out of it is
that of the Hugging Face cache, where ``snapshots/<revision>`` links to ``blobs`` beside
``snapshots``. Hidden files and ``__pycache__`` are no part of a checkpoint.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from registry.checkpoints.manifest import check_path
from registry.errors import BadCheckpoint

TOKENIZERS = ("tokenizer.model", "tokenizer.json")
PICKLE_SUFFIXES = frozenset({".bin", ".pth", ".pt", ".ckpt", ".pkl", ".pickle"})
WEIGHT_SUFFIXES = frozenset({".safetensors", ".gguf"})
UNFINISHED_SUFFIXES = frozenset({".incomplete", ".part", ".crdownload", ".aria2"})


def files_of(folder: Path) -> tuple[Path, ...]:
    """Return the files in a folder that belong to a checkpoint, sorted, with absolute paths.

    Raises:
        BadCheckpoint: There is no such folder, it is empty, or something in it is no file.
    """
    if not folder.exists():
        raise BadCheckpoint(f"{folder} does not exist: check the path")
    if not folder.is_dir():
        raise BadCheckpoint(f"{folder} is not a folder: name the folder that holds the weights")
    root = folder.resolve()
    files = tuple(sorted(_walk(root)))
    if not files:
        raise BadCheckpoint(f"{root} is empty: name the folder that holds the weights")
    for file in files:
        _check_kind(file, root)
    return files


def is_pickle(file: Path) -> bool:
    """Return whether a file's name says that it is a pickle."""
    return file.suffix.lower() in PICKLE_SUFFIXES


def is_weights(file: Path) -> bool:
    """Return whether a file's name says that it holds tensors."""
    return is_pickle(file) or file.suffix.lower() in WEIGHT_SUFFIXES


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        BadCheckpoint: It is none.
    """
    try:
        document = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadCheckpoint(f"{file.name} is not JSON: download it again") from error
    if not isinstance(document, dict):
        raise BadCheckpoint(f"{file.name} is not a JSON object: download it again")
    return document


def _walk(root: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise BadCheckpoint(f"{error.filename} cannot be read: {error.strerror}") from error

    for place, folders, names in os.walk(root, onerror=refuse):
        folders[:] = [name for name in folders if not _is_ignored(name)]
        # A link to a folder is listed among the folders, and would not be entered.
        links = [name for name in folders if Path(place, name).is_symlink()]
        yield from (Path(place, name) for name in (*names, *links) if not _is_ignored(name))


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__"


def _check_kind(file: Path, root: Path) -> None:
    name = file.relative_to(root)
    check_path(name.as_posix())
    if file.suffix in UNFINISHED_SUFFIXES:
        raise BadCheckpoint(f"{name} is an unfinished download: let it end, or start it again")
    if not file.exists():
        raise BadCheckpoint(
            f"{name} is a link to {file.readlink()}, which is not there: download it again"
        )
    target = file.resolve()
    blobs = root.parent.parent / "blobs" if root.parent.name == "snapshots" else root
    if not (target.is_relative_to(root) or target.is_relative_to(blobs)):
        raise BadCheckpoint(
            f"{name} is a link out of the folder, to {target}: put a copy in its place"
        )
    if target.suffix in UNFINISHED_SUFFIXES:
        raise BadCheckpoint(
            f"{name} is a link to an unfinished download: let it end, or start it again"
        )
    if not target.is_file():
        raise BadCheckpoint(f"{name} is not a regular file, nor a link to one: take it out")
