"""From a manifest to a model, using only bytes that were hashed.

1. The manifest's digest must be the digest of the release that the job names.
2. Each of its files is read once, whole, into memory.
3. The SHA-256 of those bytes must be the one in the manifest.
4. Configuration, tokenizer and tensors are made from those same bytes.

No path is read twice, so nobody can swap a file between the check and the use.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor
from transformers import LlamaForCausalLM

from registry.checkpoints.digest import BLOCK_BYTES, Progress
from registry.checkpoints.layouts import CONFIG, TOKENIZERS
from registry.checkpoints.manifest import SHOWN_DIGITS, FileEntry, Manifest
from registry.checkpoints.tokenizer import Tokenizer, load_tokenizer
from registry.errors import BadCheckpoint, Refused, Unavailable
from workers.generation.assembly import assemble

GENERATION_CONFIG = "generation_config.json"


class TamperedRelease(Refused):
    """The bytes at hand are not those that were registered; they must not be used."""

    code = "tampered_release"

    def __init__(self, file: str, *, expected: str, found: str) -> None:
        super().__init__(
            f"{file} is not what was registered: expected sha256 {expected[:SHOWN_DIGITS]}, "
            f"found {found[:SHOWN_DIGITS]}; register the release again from a good copy",
            file=file,
            expected=expected,
            found=found,
        )


@dataclass(frozen=True)
class LoadedRelease:
    """A release in memory, every byte of it verified.

    Attributes:
        digest: Identity of the release.
        model: With the weights as they are in the files, on the CPU. The engine that gets
            it takes it over.
        tokenizer: From the release's own file.
        eos_ids: Tokens that end a text, by tokenizer and configuration together.
        context_tokens: How many tokens a prompt and its new tokens may have together.
    """

    digest: str
    model: LlamaForCausalLM
    tokenizer: Tokenizer
    eos_ids: frozenset[int]
    context_tokens: int


def load_release(
    manifest: Manifest,
    *,
    expected_digest: str,
    path_of: Callable[[str], Path],
    progress: Progress | None = None,
) -> LoadedRelease:
    """Load a release from the store.

    Args:
        manifest: What the release's files must be.
        expected_digest: The digest of the release that was asked for.
        path_of: Where the store keeps the file with a given SHA-256.
        progress: Called with a number of bytes that were verified since the last call.

    Raises:
        TamperedRelease: The manifest, or a file, is not the one that was registered.
        Unavailable: A file cannot be read.
        BadCheckpoint: The files are intact, but make no LLaMA that we can run.
    """
    if manifest.digest != expected_digest:
        raise TamperedRelease("the manifest", expected=expected_digest, found=manifest.digest)
    small: dict[str, bytes] = {}
    weights: dict[str, Tensor] = {}
    for entry in manifest.files:
        data = _verified(entry, path_of(entry.sha256), progress)
        if entry.path in (CONFIG, GENERATION_CONFIG, *TOKENIZERS):
            small[entry.path] = data
        elif entry.path.endswith(".safetensors"):
            _add_tensors(weights, entry.path, data)
    config = _json(small, CONFIG)
    tokenizer = _tokenizer(small)
    model = assemble(config, weights)
    if model.config.vocab_size < tokenizer.vocab_size:
        raise BadCheckpoint(
            f"the tokenizer has {tokenizer.vocab_size} tokens, the model only "
            f"{model.config.vocab_size}: they do not belong together"
        )
    also_ends = _json(small, GENERATION_CONFIG) if GENERATION_CONFIG in small else {}
    return LoadedRelease(
        digest=manifest.digest,
        model=model,
        tokenizer=tokenizer,
        eos_ids=tokenizer.eos_ids | _eos_ids(config) | _eos_ids(also_ends),
        context_tokens=model.config.max_position_embeddings,
    )


def _verified(entry: FileEntry, path: Path, progress: Progress | None) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unavailable(f"the store cannot read {entry.path}: {error.strerror}") from error
    sha256, view = hashlib.sha256(), memoryview(data)
    for start in range(0, len(data), BLOCK_BYTES):
        block = view[start : start + BLOCK_BYTES]
        sha256.update(block)
        if progress is not None:
            progress(len(block))
    if sha256.hexdigest() != entry.sha256:
        raise TamperedRelease(entry.path, expected=entry.sha256, found=sha256.hexdigest())
    return data


def _add_tensors(weights: dict[str, Tensor], path: str, data: bytes) -> None:
    try:
        found = safetensors.torch.load(data)
    except (safetensors.SafetensorError, KeyError) as error:
        raise BadCheckpoint(f"{path} is no safetensors file that we can read") from error
    if twice := sorted(found.keys() & weights.keys()):
        raise BadCheckpoint(f"{path} holds {twice[0]!a}, which another file holds too")
    weights.update(found)


def _tokenizer(small: dict[str, bytes]) -> Tokenizer:
    for name in TOKENIZERS:
        if name in small:
            return load_tokenizer(small[name])
    raise BadCheckpoint(f"the release has no {' or '.join(TOKENIZERS)}")


def _json(small: dict[str, bytes], name: str) -> dict[str, Any]:
    try:
        document = json.loads(small[name])
    except KeyError:
        raise BadCheckpoint(f"the release has no {name}") from None
    except (ValueError, RecursionError) as error:
        raise BadCheckpoint(f"{name} is not JSON") from error
    if not isinstance(document, dict):
        raise BadCheckpoint(f"{name} is not a JSON object")
    return document


def _eos_ids(config: dict[str, Any]) -> frozenset[int]:
    """Return ``eos_token_id``, which is a number, a list of numbers, null or not there."""
    given = config.get("eos_token_id")
    listed = given if isinstance(given, list) else [given]
    return frozenset(each for each in listed if isinstance(each, int))
