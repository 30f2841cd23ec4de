"""Meta's layout: ``consolidated.NN.pth`` with ``params.json``, as its download script leaves them.

The tokenizer serves several checkpoints there and lies one folder up; here it belongs into
the folder, for it is a part of the release.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from registry.checkpoints.folders import TOKENIZERS, is_pickle, read_json
from registry.checkpoints.huggingface import CONFIG
from registry.checkpoints.params import PARAMS, Params, needs_tokenizer, parse_params
from registry.checkpoints.tokenizer import load_tokenizer
from registry.errors import BadCheckpoint, PickledWeights

_SHARD = re.compile(r"consolidated\.(\d\d)\.pth")
_SECOND_COPY = re.compile(r"consolidated\.\d\d( ?\(\d+\)\.pth|\.pth\.\d+| copy.*\.pth)")


def is_meta(root: Path, files: Sequence[Path]) -> bool:
    """Return whether a folder is, or was meant to be, in Meta's layout."""
    if any(_is_shard(file, root) for file in files):
        return True
    return root / PARAMS in files and root / CONFIG not in files


def shards_of(root: Path, files: Sequence[Path]) -> tuple[Path, ...]:
    """Return the shards in the order of their numbers.

    Raises:
        PickledWeights: There are pickles that are no shards.
        BadCheckpoint: A shard is missing, or there is none.
    """
    for file in files:
        if _SECOND_COPY.fullmatch(file.name):
            raise BadCheckpoint(
                f"{file.relative_to(root)} looks like a second download of a shard: keep the one "
                "that the checklist confirms, under its own name, and move the other out"
            )
    shards = sorted(file for file in files if _is_shard(file, root))
    strays = [file for file in files if is_pickle(file) and not _is_shard(file, root)]
    if strays:
        raise PickledWeights(
            f"{strays[0].relative_to(root)} is a pickle and none of the shards "
            "consolidated.NN.pth: move it out of the folder",
            files=[file.relative_to(root).as_posix() for file in strays],
        )
    if not shards:
        raise BadCheckpoint(
            f"{root} has {PARAMS} and no consolidated.00.pth: download the shards into it"
        )
    for number, shard in enumerate(shards):
        if shard.name != name_of(number):
            raise BadCheckpoint(
                f"{name_of(number)} is missing, and {shard.name} is there: download it"
            )
    return tuple(shards)


def name_of(number: int) -> str:
    """Return the name of a shard."""
    return f"consolidated.{number:02}.pth"


def read_params(root: Path, files: Sequence[Path]) -> tuple[dict[str, Any], Params]:
    """Return what ``params.json`` holds, as it is and as it is meant.

    Raises:
        BadCheckpoint: There is none, or it makes no LLaMA.
    """
    if root / PARAMS not in files:
        raise BadCheckpoint(f"{root} has shards and no {PARAMS}: download it from the same place")
    document = read_json(root / PARAMS)
    tokenizer_size = None
    if needs_tokenizer(document):
        check_tokenizer(root, files)
        found = next(root / name for name in TOKENIZERS if root / name in files)
        tokenizer_size = load_tokenizer(found).vocab_size
    return document, parse_params(document, tokenizer_size=tokenizer_size)


def check_tokenizer(root: Path, files: Sequence[Path]) -> None:
    """Check that a folder has a tokenizer.

    Raises:
        BadCheckpoint: It has none.
    """
    if any(root / name in files for name in TOKENIZERS):
        return
    for name in TOKENIZERS:
        if (root.parent / name).is_file():
            raise BadCheckpoint(
                f"{name} is one folder up, where several checkpoints share it: copy it into "
                f"this one (cp {root.parent / name} {root})"
            )
    raise BadCheckpoint(
        f"{root} has no tokenizer: add {' or '.join(TOKENIZERS)} from where the weights came"
    )


def _is_shard(file: Path, root: Path) -> bool:
    return file.parent == root and _SHARD.fullmatch(file.name) is not None
