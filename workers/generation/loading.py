"""From a manifest to a model, using only bytes that were hashed.

1. The manifest's digest must be the digest of the release that the job names.
2. Each of its files is read once, into memory of the worker's own (``reading``).
3. The BLAKE3 of that memory must be the one that was registered with the manifest's SHA-256.
4. Configuration, tokenizer and tensors are that same memory.

No path is read twice, so nobody can swap a file between the check and the use.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import LlamaForCausalLM

from registry.checkpoints.digest import Progress, in_parallel
from registry.checkpoints.layouts import CONFIG, TOKENIZERS
from registry.checkpoints.manifest import FileEntry, Manifest
from registry.checkpoints.tokenizer import Tokenizer, load_tokenizer
from registry.errors import BadCheckpoint
from workers.generation.assembly import assemble
from workers.generation.reading import TamperedRelease, reading
from workers.generation.tensors import read_tensors
from workers.generation.weighing import TENSORS

GENERATION_CONFIG = "generation_config.json"


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
        progress: Called with a number of bytes that were read and hashed since the last call,
            never by two threads at once.

    Raises:
        TamperedRelease: The manifest, or a file, is not the one that was registered.
        Unavailable: A file cannot be read.
        BadCheckpoint: The files are intact, but make no LLaMA that we can run.
    """
    if manifest.digest != expected_digest:
        raise TamperedRelease("the manifest", expected=expected_digest, found=manifest.digest)
    small, weights = _read(manifest, path_of, progress)
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


def _read(
    manifest: Manifest, path_of: Callable[[str], Path], progress: Progress | None
) -> tuple[dict[str, bytes], dict[str, Tensor]]:
    """Read and check every file, several at a time: the small ones whole, the rest as tensors."""
    shards = [each for each in manifest.files if each.path.endswith(TENSORS)]
    # With fewer files than cores the cores that are left help to hash them.
    threads = max(1, (os.cpu_count() or 1) // max(1, len(shards)))

    def work(entry: FileEntry, report: Progress) -> bytes | dict[str, Tensor]:
        path = path_of(entry.sha256)
        if entry in shards:
            return read_tensors(entry, path, threads=threads, progress=report)
        with reading(entry, path, progress=report) as file:
            data = file.rest()
            file.check()
        return data

    small: dict[str, bytes] = {}
    weights: dict[str, Tensor] = {}
    found = in_parallel(work, manifest.files, progress=progress)
    for entry, content in zip(manifest.files, found, strict=True):
        if isinstance(content, bytes):
            small[entry.path] = content
        else:
            _add_tensors(weights, entry.path, content)
    return small, weights


def _add_tensors(weights: dict[str, Tensor], path: str, found: dict[str, Tensor]) -> None:
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
