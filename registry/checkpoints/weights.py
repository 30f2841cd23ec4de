"""The tensors of a checkpoint's files, in canonical form, whatever layout the files are in.

This reads what is there and registers nothing: a folder need not be complete. Files are
given by their paths in the checkpoint and by where their bytes are, so that a folder and
the files of a store are read alike.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from registry.checkpoints import llama
from registry.checkpoints.canonical import Whole, of_huggingface, of_meta, of_own_names
from registry.checkpoints.gguf_file import read_gguf
from registry.checkpoints.pickles import read_tensors
from registry.checkpoints.stored import StoredTensor, read_safetensors
from registry.errors import BadCheckpoint

CONFIG = "config.json"
PARAMS = "params.json"

WEIGHT_SUFFIXES = frozenset({".safetensors", ".gguf", ".bin", ".pth", ".pt"})

_SHARD = re.compile(r"consolidated\.\d\d\.pth")
_LARGEST_CONFIG_BYTES = 1 << 24
_NO_HEAD_DIM = (
    f"nothing says the size of a head, so q_proj and k_proj are not compared: add {CONFIG}"
)

Form = Literal["huggingface", "meta", "gguf", "other"]


@dataclass(frozen=True, slots=True)
class Weights:
    """The tensors of a checkpoint.

    Attributes:
        form: Whose names and rows they had; ``other`` if they are no LLaMA's.
        wholes: In canonical order.
        head_dim: Size of a head, if something says it.
        notes: What a reader should know about what was not read, in sentences.
    """

    form: Form
    wholes: tuple[Whole, ...] = ()
    head_dim: int | None = None
    notes: tuple[str, ...] = ()


def is_weights(path: str) -> bool:
    """Return whether a file's name says that it holds tensors."""
    return PurePosixPath(path).suffix.lower() in WEIGHT_SUFFIXES


def open_weights(files: Mapping[str, Path]) -> Weights:
    """Map the tensors of all files of a checkpoint that hold any.

    Args:
        files: Where each file is, by its path in the checkpoint.

    Raises:
        BadCheckpoint: A file is damaged or not read, or the files do not belong together.
    """
    paths = sorted(path for path in files if is_weights(path))
    folders = {PurePosixPath(path).parent for path in paths}
    if not paths:
        return Weights("other", notes=("there are no weights here",))
    if len(folders) > 1:
        names = ", ".join(f"{folder}" for folder in sorted(folders))
        return Weights(
            "other",
            notes=(f"there are weights in several folders ({names}): name one of them",),
        )
    kinds = {kind: [path for path in paths if _kind(path) == kind] for kind in _READERS}
    kind = next(kind for kind, found in kinds.items() if found)
    left = [path for path in paths if path not in kinds[kind]]
    notes = (f"not read, because {kinds[kind][0]} is: {', '.join(left)}",) if left else ()
    given = {path: files[path] for path in kinds[kind]}
    head_dim = _head_dim(files, folders.pop())
    read = _READERS[kind](given, head_dim)
    return Weights(read.form, read.wholes, read.head_dim, (*read.notes, *notes))


def _kind(path: str) -> str:
    name = PurePosixPath(path).name
    suffix = PurePosixPath(path).suffix.lower()
    return "shards" if _SHARD.fullmatch(name) else suffix if suffix in _READERS else "pickles"


def _safetensors(files: Mapping[str, Path], head_dim: int | None) -> Weights:
    return _named([each for file in files.values() for each in read_safetensors(file)], head_dim)


def _pickles(files: Mapping[str, Path], head_dim: int | None) -> Weights:
    return _named([each for file in files.values() for each in read_tensors(file)], head_dim)


def _shards(files: Mapping[str, Path], head_dim: int | None) -> Weights:
    shards = [read_tensors(file) for _, file in sorted(files.items())]
    return Weights("meta", tuple(of_meta(shards)), head_dim)


def _gguf(files: Mapping[str, Path], head_dim: int | None) -> Weights:
    if len(files) > 1:
        return Weights("gguf", notes=(f"there are {len(files)} GGUF files here: name one of them",))
    [(path, file)] = files.items()
    read = read_gguf(file)
    notes = []
    if read.quantised:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(read.quantised.items()))
        notes.append(
            f"{path} is quantised ({kinds}), which makes other numbers of the weights: those "
            "tensors are not compared"
        )
    return Weights("gguf", tuple(of_meta([read.tensors])), read.head_dim or head_dim, tuple(notes))


_READERS = {".safetensors": _safetensors, "shards": _shards, "pickles": _pickles, ".gguf": _gguf}


def _named(tensors: list[StoredTensor], head_dim: int | None) -> Weights:
    """Tell by the names whose layout it is."""
    names = [each.name for each in tensors]
    if _any(llama.to_meta(name) for name in names):
        wholes = tuple(of_huggingface(tensors, head_dim=head_dim))
        notes = () if head_dim else (_NO_HEAD_DIM,)
        return Weights("huggingface", wholes, head_dim, notes)
    if _any(llama.place_of(name) for name in names):
        return Weights("meta", tuple(of_meta([tensors])), head_dim)
    return Weights("other", tuple(of_own_names(tensors)))


def _any(found: Iterable[object]) -> bool:
    return any(each is not None for each in found)


def _head_dim(files: Mapping[str, Path], folder: PurePosixPath) -> int | None:
    """Return what ``config.json`` or ``params.json`` says, if they say anything."""
    config = _document(files.get((folder / CONFIG).as_posix()))
    if config.get("model_type") == "llama":
        given = config.get("head_dim")
        width, heads = config.get("hidden_size"), config.get("num_attention_heads")
        return given if _is_size(given) else _divided(width, heads)
    params = _document(files.get((folder / PARAMS).as_posix()))
    inner = params.get("model", params)
    return _divided(inner.get("dim"), inner.get("n_heads")) if isinstance(inner, dict) else None


def _divided(width: object, heads: object) -> int | None:
    if type(width) is int and type(heads) is int and heads > 0 and width > 0:
        return width // heads or None
    return None


def _is_size(value: object) -> bool:
    return type(value) is int and value > 0


def _document(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        if file.stat().st_size > _LARGEST_CONFIG_BYTES:
            return {}
        document = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BadCheckpoint(f"{file.name} cannot be read, or is no JSON: get it again") from error
    return document if isinstance(document, dict) else {}
