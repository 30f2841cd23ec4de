"""What is in a folder, and what is wrong with it.

``inspect`` answers with the layout of a checkpoint that can be registered, or raises an
error that says what was found instead and what to do next. It reads names, sizes,
configurations and the headers of weights, never tensors, and it runs nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from registry.checkpoints import huggingface, meta
from registry.checkpoints.checklists import Checklist
from registry.checkpoints.expectations import own_checklists
from registry.checkpoints.folders import TOKENIZERS, files_of, is_pickle
from registry.checkpoints.huggingface import CONFIG, DEFAULT_CONTEXT_TOKENS
from registry.checkpoints.impostors import reject_impostor
from registry.checkpoints.llama import Shape, shape_of_config
from registry.checkpoints.params import PARAMS, Params
from registry.checkpoints.shards import check_shards, read_shard
from registry.errors import BadCheckpoint

__all__ = [
    "CONFIG",
    "DEFAULT_CONTEXT_TOKENS",
    "TOKENIZERS",
    "Layout",
    "files_of",
    "inspect",
]


@dataclass(frozen=True, slots=True)
class Layout:
    """A checkpoint that can be registered.

    Attributes:
        kind: How its files are arranged.
        root: The folder, without links.
        files: All files to register, below ``root``, sorted.
        config: What ``config.json`` holds, or ``params.json`` in Meta's layout.
        context_tokens: How many tokens prompt and output may have together.
        weight_files: Those of ``files`` that hold the tensors; shards in their order.
        params: What ``params.json`` means, in Meta's layout.
        checklists: The lists of checksums in the folder, of whose files none is missing.
    """

    kind: Literal["meta", "huggingface"]
    root: Path
    files: tuple[Path, ...]
    config: dict[str, Any]
    context_tokens: int
    weight_files: tuple[Path, ...]
    params: Params | None = None
    checklists: tuple[Checklist, ...] = ()

    @property
    def is_pickled(self) -> bool:
        """Whether the weights are pickles, which no worker loads before they are converted."""
        return any(is_pickle(file) for file in self.weight_files)

    @property
    def shape(self) -> Shape:
        """The sizes of the LLaMA.

        Raises:
            BadCheckpoint: ``config.json`` does not say one.
        """
        if self.params is not None:
            return self.params.shape
        try:
            return shape_of_config(self.config)
        except KeyError as error:
            raise BadCheckpoint(f"{CONFIG} does not say {error.args[0]}: get it again") from error


def inspect(folder: Path) -> Layout:
    """Return the layout of the checkpoint in a folder.

    Raises:
        PickledWeights: There are pickles in it that are no part of a layout.
        RefusedPickle: A pickle of the layout holds something else than tensors.
        BadChecklist: A list of checksums in it is none.
        BadCheckpoint: It is no checkpoint, or a damaged or unfinished one.
    """
    files = files_of(folder)
    root = folder.resolve()
    _refuse_outer(root, files)
    for file in files:
        reject_impostor(file, root)
    is_safe = any(file.suffix == ".safetensors" for file in files)
    checklists = own_checklists(root, files)
    is_meta = meta.is_meta(root, files) and not is_safe
    layout = _meta(root, files) if is_meta else _huggingface(root, files)
    return replace(layout, checklists=checklists)


def _meta(root: Path, files: tuple[Path, ...]) -> Layout:
    shards = meta.shards_of(root, files)
    document, params = meta.read_params(root, files)
    meta.check_tokenizer(root, files)
    params = check_shards([read_shard(file) for file in shards], params)
    return Layout(
        kind="meta",
        root=root,
        files=files,
        config=document,
        context_tokens=params.context_tokens,
        weight_files=shards,
        params=params,
    )


def _huggingface(root: Path, files: tuple[Path, ...]) -> Layout:
    config = huggingface.read_config(root, files)
    weight_files = huggingface.weight_files(root, files)
    if not any((root / name) in files for name in TOKENIZERS):
        raise BadCheckpoint(
            f"{root} has no tokenizer: add {' or '.join(TOKENIZERS)} from where the weights came"
        )
    return Layout(
        kind="huggingface",
        root=root,
        files=files,
        config=config,
        context_tokens=huggingface.context_tokens(config),
        weight_files=weight_files,
    )


def _refuse_outer(root: Path, files: Sequence[Path]) -> None:
    """Refuse the folder that Meta's download script fills, naming those inside that are meant."""
    inner = [file.parent for file in files if file.name == PARAMS and file.parent != root]
    if inner and root / CONFIG not in files and not meta.is_meta(root, files):
        which = " or ".join(str(each) for each in inner)
        raise BadCheckpoint(f"{root} holds checkpoints and is none: did you mean {which}?")
