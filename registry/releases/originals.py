"""Pickled originals: kept byte for byte as evidence, and served as the safetensors made of them.

1. The conversion is planned from the folder, so that what cannot be converted is refused
   before a byte is copied.
2. The originals are copied into drafts and hashed, in one pass.
3. What is converted are those copies: the very bytes that were hashed.
4. What is written is hashed on its way to the disk.
5. Only when all of it is there do the drafts become objects of the store.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from registry.checkpoints.checklists import NAMES as LIST_NAMES
from registry.checkpoints.configs import GENERATION_CONFIG, check_params, config_of, end_tokens
from registry.checkpoints.convert import Conversion, from_bin, from_meta
from registry.checkpoints.digest import FileDigest, Progress, digest_stream, in_parallel
from registry.checkpoints.folders import read_json
from registry.checkpoints.layouts import CONFIG, TOKENIZERS, Layout
from registry.checkpoints.llama import RULES_VERSION
from registry.checkpoints.manifest import Manifest
from registry.checkpoints.params import PARAMS
from registry.checkpoints.pickles import read_tensors
from registry.checkpoints.stored import StoredTensor
from registry.checkpoints.tokenizer import load_tokenizer
from registry.checkpoints.writing import FILE_LIMIT_BYTES, OutgoingFile, files_for, index_of
from registry.errors import BadCheckpoint
from registry.releases.store import Store

# Each thread has a few blocks in memory, so this keeps the peak low on any machine.
THREADS_LIMIT = 8

Check = Callable[[Sequence[FileDigest]], None]

_BIN_INDEX = "pytorch_model.bin.index.json"


@dataclass(frozen=True, slots=True)
class Derived:
    """What a pickled checkpoint became; all of it is in the store.

    Attributes:
        manifest: The files that are served.
        evidence: The originals.
        layout: How those were arranged.
        converter: The program that converted them, with its version.
        rules_version: Of the conversion: the same originals under the same rules give the
            same bytes.
        notes: Sentences on what was left out or chosen.
    """

    manifest: Manifest
    evidence: Manifest
    layout: str
    converter: str
    rules_version: int
    notes: tuple[str, ...]


def take_in(
    store: Store,
    layout: Layout,
    *,
    progress: Progress | None = None,
    md5: bool = False,
    check: Check | None = None,
    file_limit_bytes: int = FILE_LIMIT_BYTES,
) -> Derived:
    """Copy pickled originals into the store, and what is served in their place.

    Args:
        store: Where to.
        layout: Of the originals.
        progress: Called with a number of bytes done, copied or written.
        md5: Whether ``check`` needs the originals' MD5 too.
        check: Called with the digests of the originals before anything is kept; what it
            raises ends the work, and nothing is left behind.
        file_limit_bytes: Of tensors in one file that is written.

    Raises:
        BadCheckpoint: The originals cannot be converted, or changed meanwhile.
        NotEnoughDisk: Copies and conversion do not fit; nothing is left behind.
    """
    # The folder's files are mapped for no longer than it takes to plan.
    planned = sum(each.size_bytes for each in _plan(layout, layout.weight_files).tensors)
    carried = _carried(layout)
    with store.drafts(store.needed_bytes(layout.files) + planned) as drafts:
        originals = store.take(
            layout.files, drafts, root=layout.root, progress=progress, md5=md5, check=check
        )
        copies = {digest.path: draft for draft, digest in originals.items()}
        _check_unchanged(layout, copies)
        conversion = _plan(layout, [copies[_name(file, layout)] for file in layout.weight_files])
        made = _write(drafts, conversion, layout, file_limit_bytes, progress)
        kept = [digest for digest in originals.values() if digest.path in carried]
        manifest = Manifest.of([*made.values(), *kept])
        store.keep({**originals, **made})
    return Derived(
        manifest=manifest,
        evidence=Manifest.of(originals.values()),
        layout=layout.kind,
        converter=f"corral {_version()}",
        rules_version=RULES_VERSION,
        notes=conversion.notes,
    )


def _plan(layout: Layout, files: Sequence[Path]) -> Conversion:
    shards: list[list[StoredTensor]] = [read_tensors(file) for file in files]
    if layout.params is not None:
        check_params(layout.config)
        return from_meta(shards, shape=layout.params.shape)
    is_tied = bool(layout.config.get("tie_word_embeddings", False))
    return from_bin(shards, shape=layout.shape, is_tied=is_tied)


def _carried(layout: Layout) -> frozenset[str]:
    """Return which of the originals are served as they are.

    Raises:
        BadCheckpoint: One has the name of a file that is to be written, or in Meta's layout
            there is no tokenizer that Corral reads.
    """
    names = {_name(file, layout) for file in {*layout.files} - {*layout.weight_files}}
    # Lists of checksums name the originals, which are not served.
    names -= {name for name in names if name.lower() in LIST_NAMES}
    if layout.params is None:
        return frozenset(names - {_BIN_INDEX})
    for name in (CONFIG, GENERATION_CONFIG):
        if name in names:
            raise BadCheckpoint(
                f"{name} is beside Meta's shards, and is written when they are converted: "
                "move it out of the folder"
            )
    unread = {name for name in names & {*TOKENIZERS} if not _is_tokenizer(layout.root / name)}
    if unread >= names & {*TOKENIZERS}:
        raise BadCheckpoint(
            "tokenizer.model is no tokenizer that Corral reads: get it again, or put the "
            "tokenizer.json beside it that the same model has in Hugging Face's layout"
        )
    return frozenset(names - unread - {PARAMS})


def _is_tokenizer(file: Path) -> bool:
    try:
        load_tokenizer(file)
    except BadCheckpoint:
        return False
    return True


def _check_unchanged(layout: Layout, copies: Mapping[str, Path]) -> None:
    """Check that the configuration that the plan follows is the one that was hashed."""
    name = CONFIG if layout.params is None else PARAMS
    if read_json(copies[name]) != layout.config:
        raise BadCheckpoint(
            f"{name} changed while it was read: stop whatever writes to it, then try again",
            path=name,
        )


def _name(file: Path, layout: Layout) -> str:
    return file.relative_to(layout.root).as_posix()


def _write(
    drafts: Path,
    conversion: Conversion,
    layout: Layout,
    limit_bytes: int,
    progress: Progress | None,
) -> dict[Path, FileDigest]:
    """Write what is served and no original; return the digest of each draft."""

    def work(file: OutgoingFile, report: Progress) -> FileDigest:
        return file.write(drafts / file.path, progress=report)

    files = files_for(conversion.tensors, limit_bytes=limit_bytes)
    threads = min(THREADS_LIMIT, os.cpu_count() or 1)
    written = in_parallel(work, files, progress=progress, threads=threads)
    small = {**index_of(files), **_configs(conversion, layout)}
    written += [_write_small(drafts / name, data) for name, data in small.items()]
    return {drafts / digest.path: digest for digest in written}


def _configs(conversion: Conversion, layout: Layout) -> dict[str, bytes]:
    if layout.params is None:
        return {}
    config = config_of(layout.params, dtype=conversion.dtype, is_tied=conversion.is_tied)
    documents = {CONFIG: config, GENERATION_CONFIG: end_tokens(conversion.shape)}
    return {name: (json.dumps(each, indent=2) + "\n").encode() for name, each in documents.items()}


def _write_small(target: Path, data: bytes) -> FileDigest:
    with target.open("xb") as sink:
        sink.write(data)
        sink.flush()
        os.fsync(sink.fileno())
    with target.open("rb", buffering=0) as source:
        return digest_stream(source, path=target.name)


def _version() -> str:
    try:
        return version("corral")
    except PackageNotFoundError:
        return "unknown"
