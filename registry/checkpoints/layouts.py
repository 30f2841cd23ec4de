"""What is in a folder, and what is wrong with it.

``inspect`` answers with the layout of a checkpoint that can be registered, or raises an
error that says what was found instead and what to do next. It reads names, sizes,
configurations and safetensors headers, never tensors, and it runs nothing.

Symbolic links are followed to regular files inside the folder. The one way out of it is
that of the Hugging Face cache, where ``snapshots/<revision>`` links to ``blobs`` beside
``snapshots``. Hidden files and ``__pycache__`` are no part of a checkpoint.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from registry.checkpoints.headers import read_header
from registry.checkpoints.manifest import check_path
from registry.errors import BadCheckpoint, PickledWeights

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
TOKENIZERS = ("tokenizer.model", "tokenizer.json")

PICKLE_SUFFIXES = frozenset({".bin", ".pth", ".pt", ".ckpt", ".pkl", ".pickle"})
UNFINISHED_SUFFIXES = frozenset({".incomplete", ".part", ".crdownload", ".aria2"})

# What LlamaConfig of transformers means when config.json does not say.
DEFAULT_CONTEXT_TOKENS = 2048

_HEAD_BYTES = 512
_LFS_START = b"version https://git-lfs.github.com/spec/"
_NEVER_EMPTY = frozenset({".json", ".model", ".safetensors"})
_HTML_STARTS = (b"<!doctype html", b"<html")


@dataclass(frozen=True, slots=True)
class Layout:
    """A checkpoint that can be registered.

    Attributes:
        kind: How its files are arranged.
        root: The folder, without links.
        files: All files to register, below ``root``, sorted.
        config: What ``config.json`` holds.
        context_tokens: How many tokens prompt and output may have together.
        weight_files: Those of ``files`` that hold the tensors.
    """

    kind: Literal["huggingface"]
    root: Path
    files: tuple[Path, ...]
    config: dict[str, Any]
    context_tokens: int
    weight_files: tuple[Path, ...]


def inspect(folder: Path) -> Layout:
    """Return the layout of the checkpoint in a folder.

    Raises:
        PickledWeights: There are pickled weights in it.
        BadCheckpoint: It is no checkpoint, or a damaged or unfinished one.
    """
    files = files_of(folder)
    root = folder.resolve()
    for file in files:
        _reject_impostor(file, root)
    _reject_pickles(files, root)
    config = _config(root, files)
    weight_files = _weight_files(root, files)
    if not any((root / name) in files for name in TOKENIZERS):
        raise BadCheckpoint(
            f"{root} has no tokenizer: add {' or '.join(TOKENIZERS)} from where the weights came"
        )
    return Layout(
        kind="huggingface",
        root=root,
        files=files,
        config=config,
        context_tokens=_context_tokens(config),
        weight_files=weight_files,
    )


def files_of(folder: Path) -> tuple[Path, ...]:
    """Return the files in a folder that belong to a checkpoint, sorted, with absolute paths.

    Raises:
        BadCheckpoint: There is no such folder, it is empty, or something in it is no file.
    """
    if not folder.exists():
        raise BadCheckpoint(f"{folder} does not exist: check the path")
    if not folder.is_dir():
        raise BadCheckpoint(f"{folder} is not a folder: name the folder that holds {CONFIG}")
    root = folder.resolve()
    files = tuple(sorted(_walk(root)))
    if not files:
        raise BadCheckpoint(f"{root} is empty: name the folder that holds {CONFIG}")
    for file in files:
        _check_kind(file, root)
    return files


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
    if not target.is_file():
        raise BadCheckpoint(f"{name} is not a regular file, nor a link to one: take it out")


def _reject_impostor(file: Path, root: Path) -> None:
    """Refuse what stands where the real file should be."""
    name = file.relative_to(root)
    try:
        with file.open("rb") as source:
            head = source.read(_HEAD_BYTES)
    except OSError as error:
        raise BadCheckpoint(f"{name} cannot be read: {error.strerror}") from error
    if not head and file.suffix in _NEVER_EMPTY:
        raise BadCheckpoint(f"{name} is empty: download it again")
    if head.startswith(_LFS_START):
        raise BadCheckpoint(
            f"{name} is a Git LFS pointer, not the file itself: run 'git lfs pull' in the clone"
        )
    if head.lstrip().lower().startswith(_HTML_STARTS) and file.suffix not in {".html", ".htm"}:
        raise BadCheckpoint(
            f"{name} is a web page, probably of a sign-in: sign in (accept the licence, set the "
            "token), then download it again"
        )


def _reject_pickles(files: tuple[Path, ...], root: Path) -> None:
    pickles = [file.relative_to(root).as_posix() for file in files if _is_pickle(file)]
    if not pickles:
        return
    what = ", ".join(pickles[:3]) + (" ..." if len(pickles) > 3 else "")  # noqa: PLR2004
    if any(file.suffix == ".safetensors" for file in files):
        raise PickledWeights(
            f"pickles are beside the safetensors ({what}), and reading a pickle can run code: "
            "move them out of the folder",
            files=pickles,
        )
    raise PickledWeights(
        f"the weights are pickles ({what}), and reading a pickle can run code: convert to "
        "safetensors first, where that can do no harm, with save_pretrained of transformers "
        "(Meta's consolidated.*.pth with its script convert_llama_weights_to_hf)",
        files=pickles,
    )


def _is_pickle(file: Path) -> bool:
    return file.suffix.lower() in PICKLE_SUFFIXES


def _config(root: Path, files: tuple[Path, ...]) -> dict[str, Any]:
    if root / CONFIG not in files:
        inner = sorted({*root.glob(f"*/{CONFIG}"), *root.glob(f"snapshots/*/{CONFIG}")})
        hint = f"did you mean {inner[0].parent}?" if inner else "name the folder that holds it"
        raise BadCheckpoint(f"{root} has no {CONFIG}: {hint}")
    config = _json(root / CONFIG)
    kind = config.get("model_type")
    if kind != "llama":
        raise BadCheckpoint(
            f"{CONFIG} has the model_type {kind!a}: Corral generates with LLaMA weights, "
            "whose model_type is 'llama'"
        )
    return config


def _context_tokens(config: dict[str, Any]) -> int:
    given = config.get("max_position_embeddings", DEFAULT_CONTEXT_TOKENS)
    if type(given) is not int or given < 1:
        raise BadCheckpoint(
            f"{CONFIG} has the max_position_embeddings {given!a}: it is a whole number from 1"
        )
    return given


def _weight_files(root: Path, files: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the files that hold the tensors, having checked them against the index."""
    present = {file for file in files if file.suffix == ".safetensors"}
    index, single = root / INDEX, root / WEIGHTS
    if index in files and single in present:
        raise BadCheckpoint(f"both {WEIGHTS} and {INDEX} are there: move the one not meant away")
    if index in files:
        names_in = _indexed(index)
    elif single in present:
        names_in = {WEIGHTS: {tensor.name for tensor in read_header(single).tensors}}
    elif present:
        raise BadCheckpoint(
            f"{min(present).name} is there, but neither {WEIGHTS} nor {INDEX}: download the index"
        )
    else:
        raise BadCheckpoint(
            f"{root} has no weights: {WEIGHTS}, or parts with {INDEX}, are what Corral loads"
        )
    expected = {root / name for name in names_in}
    for missing in sorted(expected - present):
        raise BadCheckpoint(f"{missing.name} is missing, which {INDEX} names: download it again")
    for stray in sorted(present - expected):
        raise BadCheckpoint(
            f"{stray.relative_to(root)} is part of no index, so nobody would load it: "
            "move it out of the folder"
        )
    for name, names in names_in.items():
        _check_tensors(root / name, names)
    return tuple(sorted(expected))


def _indexed(index: Path) -> dict[str, set[str]]:
    """Return the names of the tensors that the index puts in each file."""
    names_in: dict[str, set[str]] = {}
    places = _json(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise BadCheckpoint(f"{INDEX} has no weight_map: download it again")
    for tensor, name in places.items():
        if not isinstance(name, str) or "/" in name or not name.endswith(".safetensors"):
            raise BadCheckpoint(f"{INDEX} puts {tensor!a} into {name!a}: download it again")
        names_in.setdefault(name, set()).add(tensor)
    return names_in


def _check_tensors(file: Path, expected: set[str]) -> None:
    found = {tensor.name for tensor in read_header(file).tensors}
    if not found:
        raise BadCheckpoint(f"{file.name} holds no tensor: download it again")
    for name in sorted(expected - found):
        raise BadCheckpoint(f"{file.name} lacks {name!a}, which {INDEX} puts there: get both again")
    for name in sorted(found - expected):
        raise BadCheckpoint(
            f"{file.name} holds {name!a}, of which {INDEX} says nothing: get both again"
        )


def _json(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadCheckpoint(f"{file.name} is not JSON: download it again") from error
    if not isinstance(document, dict):
        raise BadCheckpoint(f"{file.name} is not a JSON object: download it again")
    return document
