"""The corpus: three public texts, cut into documents, some of them held out.

A document is held out by its own digest, so the split depends on nothing but its words: not
on the order of the files, not on a random number, and equal documents never part.
"""

import gzip
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from registry.errors import ChecksumMismatch
from workers.training.recipe import Recipe, Source

# Shakespeare's file has no marks between scenes; speeches are gathered up to this length.
_SCENE_CHARACTERS = 2000


@dataclass(frozen=True)
class Corpus:
    """Documents by the name of their source.

    Attributes:
        training: What tokenizer and model may see.
        heldout: What only the measurements see.
    """

    training: Mapping[str, Sequence[str]]
    heldout: Mapping[str, Sequence[str]]


def read_corpus(folder: Path, recipe: Recipe) -> Corpus:
    """Read, check, clean and split the text files of a folder.

    Raises:
        ChecksumMismatch: A file is not the one that the recipe names.
        OSError: A file is missing or cannot be read.
    """
    training: dict[str, list[str]] = {}
    heldout: dict[str, list[str]] = {}
    for source in recipe.sources:
        documents = split_documents(source.name, _read_source(folder, source))
        held = [is_heldout(document, one_in=recipe.heldout_one_in) for document in documents]
        training[source.name] = [d for d, out in zip(documents, held, strict=True) if not out]
        heldout[source.name] = [d for d, out in zip(documents, held, strict=True) if out]
    return Corpus(training=training, heldout=heldout)


def is_heldout(document: str, *, one_in: int) -> bool:
    """Return whether a document is kept from training, by its digest alone."""
    digest = hashlib.sha256(document.encode()).digest()
    return int.from_bytes(digest[:8], "big") % one_in == 0


def split_documents(name: str, text: str) -> list[str]:
    """Cut a source's text into clean documents by that source's rule.

    Raises:
        ValueError: No rule has this name.
    """
    if name not in _RULES:
        raise ValueError(f"no rule to split {name}: there are {', '.join(sorted(_RULES))}")
    cleaned = (clean(part) for part in _RULES[name](text))
    return [document for document in cleaned if document]


def clean(text: str) -> str:
    """Drop control characters, spaces at line ends and more than one empty line in a row."""
    text = re.sub(r"[^\S\n]+\n", "\n", text.replace("\r\n", "\n"))
    text = re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", "", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _sections(text: str) -> list[str]:
    """Cut textbooks at section titles (``# title``), without the lines that name a book."""
    return re.split(r"(?m)^(?=# )", re.sub(r"(?m)^## Book: .*$", "", text))


def _stories(text: str) -> list[str]:
    """Cut at the marks between stories; the last story of the file is cut off, so it goes."""
    return text.split("<|endoftext|>")[:-1]


def _scenes(text: str) -> list[str]:
    """Gather speeches, which an empty line divides, into pieces of about one length."""
    scenes = [""]
    for speech in text.split("\n\n"):
        if len(scenes[-1]) >= _SCENE_CHARACTERS:
            scenes.append("")
        scenes[-1] += speech + "\n\n"
    return scenes


_RULES: Mapping[str, Callable[[str], list[str]]] = {
    "openstax": _sections,
    "tinystories": _stories,
    "shakespeare": _scenes,
}


def _read_source(folder: Path, source: Source) -> str:
    packed = (folder / source.file).read_bytes()
    digest = hashlib.sha256(packed).hexdigest()
    if digest != source.sha256:
        raise ChecksumMismatch(
            f"{source.file} has the digest {digest[:12]}, the recipe names {source.sha256[:12]}: "
            "train on the file that the recipe was written for",
            file=source.file,
            expected=source.sha256,
            found=digest,
        )
    return gzip.decompress(packed).decode("utf-8")
