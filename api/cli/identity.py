"""What ``identify`` found, in sentences for people and as JSON for programs."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from registry.checkpoints.identify import Answer, Identity
from registry.checkpoints.likeness import Kind, Likeness
from registry.checkpoints.manifest import SHOWN_DIGITS

LISTED_LIMIT = 20

_SHARD = re.compile(r"consolidated\.(\d\d)\.pth")


def sentences(folder: Path, identity: Identity) -> Iterator[str]:
    """Say each answer in a sentence, the most precise first, with details below it."""
    for answer in identity.answers:
        yield f"{folder} {_said(answer)}"
        yield from _details(answer)
    if not identity.answers:
        yield f"{folder} is unknown: it shares no weights with anything that it was compared with"
    if identity.roots is not None:
        yield f"tensor root {identity.roots.stored}, after bfloat16 {identity.roots.bf16}"
    yield from identity.notes


def to_json(folder: Path, identity: Identity) -> dict[str, Any]:
    """Return everything that was found."""
    return {
        "folder": str(folder),
        "answer": identity.kind,
        "digest": identity.manifest.digest,
        "tensor_root": identity.roots.stored if identity.roots else None,
        "tensor_root_bf16": identity.roots.bf16 if identity.roots else None,
        "layout": identity.form,
        "answers": [_answer_json(each) for each in identity.answers],
        "notes": list(identity.notes),
    }


def _said(answer: Answer) -> str:
    name, tensors = _name(answer), answer.tensors
    if tensors is None:
        return {
            Kind.SAME_FILES: f"is {name}: the same files",
            Kind.SAME_WEIGHTS: f"has the same weights as {name}, in the same files",
        }.get(answer.kind, f"is {name} in part: {_listed(_file_faults(answer))}")
    if tensors.mistake is not None:
        number = len(tensors.different)
        return f"has the weights of {name}, but {tensors.mistake.sentence} ({number} tensors)"
    remark = f" ({tensors.remark})" if tensors.remark else ""
    return {
        Kind.SAME_WEIGHTS: f"has the same weights as {name}, in another layout{remark}",
        Kind.SAME_AFTER_BF16: f"has the same weights as {name} after rounding to bfloat16{remark}",
        Kind.DIFFERS: f"is {name} but for {len(tensors.different)} of {tensors.of} tensors",
        Kind.SHARES: f"shares {tensors.shared} of its {tensors.of} tensors with {name}: a "
        "fine-tune, or a copy of a part",
    }[answer.kind]


def _name(answer: Answer) -> str:
    known = answer.known
    if known.state is None:
        return f"{known.name} (as published: {known.source})"
    return f"{known.name} ({known.state}, digest {(known.digest or '')[:SHOWN_DIGITS]})"


def _details(answer: Answer) -> Iterator[str]:
    if answer.kind in {Kind.SAME_FILES, Kind.SAME_WEIGHTS} and answer.tensors is None:
        if faults := _file_faults(answer):
            yield f"  but {_listed(faults)}"
        if answer.files.extra:
            yield f"  beside them: {_listed(answer.files.extra)}"
    if answer.tensors is None or answer.kind not in {Kind.DIFFERS, Kind.SHARES}:
        return
    for what, names in (
        ("files", _file_faults(answer)),
        ("different", answer.tensors.different),
        ("only there", answer.tensors.missing),
        ("only here", answer.tensors.extra),
    ):
        if names:
            yield f"  {what}: {_listed(names)}"


def _file_faults(answer: Answer) -> list[str]:
    shards = sum(bool(_SHARD.fullmatch(PurePosixPath(path).name)) for path in answer.known.files)

    def words(path: str) -> str:
        match = _SHARD.fullmatch(PurePosixPath(path).name)
        return f"shard {int(match[1]) + 1} of {shards} ({path})" if match else path

    faults = [f"{words(path)} differs" for path in answer.files.different]
    return faults + [f"{words(path)} is missing" for path in answer.files.missing]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - LISTED_LIMIT
    return ", ".join(names[:LISTED_LIMIT]) + (f" and {more} more" if more > 0 else "")


def _answer_json(answer: Answer) -> dict[str, Any]:
    return {
        "kind": answer.kind,
        "name": answer.known.name,
        "source": answer.known.source,
        "state": answer.known.state,
        "digest": answer.known.digest,
        "says": _said(answer),
        "files": {
            "same": list(answer.files.same),
            "different": list(answer.files.different),
            "missing": list(answer.files.missing),
            "extra": list(answer.files.extra),
        },
        "tensors": _tensors_json(answer.tensors) if answer.tensors else None,
    }


def _tensors_json(tensors: Likeness) -> dict[str, Any]:
    return {
        "shared": tensors.shared,
        "of": tensors.of,
        "different": list(tensors.different),
        "missing": list(tensors.missing),
        "extra": list(tensors.extra),
        "mistake": tensors.mistake,
        "remark": tensors.remark or None,
    }
