"""Hugging Face's layout: ``config.json``, and weights in one file or in parts with an index.

The weights are safetensors (``model.safetensors``) or pickles (``pytorch_model.bin``). Parts
are checked against the index, tensor by tensor, from the headers of the files alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.checkpoints.folders import is_pickle, read_json
from registry.checkpoints.headers import read_header
from registry.checkpoints.pickles import read_tensors
from registry.errors import BadCheckpoint, PickledWeights

CONFIG = "config.json"

# What LlamaConfig of transformers means when config.json does not say.
DEFAULT_CONTEXT_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class _Form:
    """How the files of one kind of weights are named."""

    single: str
    index: str
    suffix: str


_SAFE = _Form("model.safetensors", "model.safetensors.index.json", ".safetensors")
_PICKLED = _Form("pytorch_model.bin", "pytorch_model.bin.index.json", ".bin")


def read_config(root: Path, files: Sequence[Path]) -> dict[str, Any]:
    """Return what ``config.json`` holds.

    Raises:
        BadCheckpoint: There is none, or it is not LLaMA's.
    """
    if root / CONFIG not in files:
        inner = sorted({*root.glob(f"*/{CONFIG}"), *root.glob(f"snapshots/*/{CONFIG}")})
        hint = f"did you mean {inner[0].parent}?" if inner else "name the folder that holds it"
        raise BadCheckpoint(f"{root} has no {CONFIG}: {hint}")
    config = read_json(root / CONFIG)
    kind = config.get("model_type")
    if kind != "llama":
        raise BadCheckpoint(
            f"{CONFIG} has the model_type {kind!a}: Corral generates with LLaMA weights, "
            "whose model_type is 'llama'"
        )
    return config


def context_tokens(config: Mapping[str, Any]) -> int:
    """Return how many tokens prompt and output may have together.

    Raises:
        BadCheckpoint: The configuration says nonsense.
    """
    given = config.get("max_position_embeddings", DEFAULT_CONTEXT_TOKENS)
    if type(given) is not int or given < 1:
        raise BadCheckpoint(
            f"{CONFIG} has the max_position_embeddings {given!a}: it is a whole number from 1"
        )
    return given


def weight_files(root: Path, files: Sequence[Path]) -> tuple[Path, ...]:
    """Return the files that hold the tensors, having checked them against the index.

    Raises:
        PickledWeights: Pickles are there that are no part of the weights.
        RefusedPickle: One of the weights holds something else than tensors.
        BadCheckpoint: A file is missing or is not what the index says.
    """
    pickles = [file for file in files if is_pickle(file)]
    safe = [file for file in files if file.suffix == _SAFE.suffix]
    if safe and pickles:
        what = ", ".join(file.relative_to(root).as_posix() for file in pickles[:3])
        raise PickledWeights(
            f"pickles are beside the safetensors ({what}{' ...' if pickles[3:] else ''}), and "
            "reading a pickle can run code: move them out of the folder",
            files=[file.relative_to(root).as_posix() for file in pickles],
        )
    if not pickles:
        return _placed(root, files, set(safe), _SAFE)
    return _placed(root, files, set(pickles), _PICKLED)


def _placed(root: Path, files: Sequence[Path], present: set[Path], form: _Form) -> tuple[Path, ...]:
    index, single = root / form.index, root / form.single
    if index in files and single in present:
        raise BadCheckpoint(
            f"both {form.single} and {form.index} are there: move the one not meant away"
        )
    if index in files:
        names_in = _indexed(index, form)
    elif single in present:
        names_in = {form.single: _names_in(single)}
    elif present:
        raise BadCheckpoint(
            f"{min(present).relative_to(root)} is there, but neither {form.single} nor "
            f"{form.index}: download the index"
        )
    else:
        raise BadCheckpoint(
            f"{root} has no weights: {form.single}, or parts with {form.index}, are what Corral "
            "loads"
        )
    expected = {root / name for name in names_in}
    for missing in sorted(expected - present):
        raise BadCheckpoint(
            f"{missing.name} is missing, which {form.index} names: download it{_unfinished(root)}"
        )
    for stray in sorted(present - expected):
        raise BadCheckpoint(
            f"{stray.relative_to(root)} is part of no index, so nobody would load it: "
            "move it out of the folder"
        )
    for name in names_in:
        _check_names(name, _names_in(root / name), names_in, form)
    return tuple(sorted(expected))


def _indexed(index: Path, form: _Form) -> dict[str, set[str]]:
    """Return the names of the tensors that the index puts in each file."""
    names_in: dict[str, set[str]] = {}
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise BadCheckpoint(f"{form.index} has no weight_map: download it again")
    for tensor, name in places.items():
        if not isinstance(name, str) or "/" in name or not name.endswith(form.suffix):
            raise BadCheckpoint(f"{form.index} puts {tensor!a} into {name!a}: download it again")
        names_in.setdefault(name, set()).add(tensor)
    return names_in


def _names_in(file: Path) -> set[str]:
    if is_pickle(file):
        return {tensor.name for tensor in read_tensors(file)}
    return {tensor.name for tensor in read_header(file).tensors}


def _check_names(name: str, found: set[str], expected: Mapping[str, set[str]], form: _Form) -> None:
    if not found:
        raise BadCheckpoint(f"{name} holds no tensor: download it again")
    if found == expected[name]:
        return
    for other in sorted(expected):
        if found == expected[other]:
            raise BadCheckpoint(
                f"{name} holds what {form.index} puts into {other}: the two are swapped, or one "
                "is a copy under the other's name; name them back, or download both again"
            )
    for each in sorted(expected[name] - found):
        raise BadCheckpoint(f"{name} lacks {each!a}, which {form.index} puts there: get both again")
    for each in sorted(found - expected[name]):
        raise BadCheckpoint(
            f"{name} holds {each!a}, of which {form.index} says nothing: get both again"
        )


def _unfinished(root: Path) -> str:
    """Say where a part of a download lies that did not end."""
    blobs = root.parent.parent / "blobs" if root.parent.name == "snapshots" else root
    for place in (blobs, root / ".cache" / "huggingface" / "download"):
        for file in sorted(place.glob("*.incomplete")):
            return f" ({file} is a part of a download that did not end: start it again)"
    return ""
