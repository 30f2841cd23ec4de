"""Files of ranks, as LLaMA 3's ``tokenizer.model`` is one, and a plain reading of them."""

import base64
import itertools
import json

import regex  # type: ignore[import-untyped]

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How LLaMA 3 cuts a text into words."""


def ranks_file(byte_level_json: bytes) -> bytes:
    """Return the pieces of a byte-level tokenizer.json, in their order, as a file of ranks."""
    vocab: dict[str, int] = json.loads(byte_level_json)["model"]["vocab"]
    pieces = [piece for piece in sorted(vocab, key=vocab.__getitem__) if "<|" not in piece]
    lines = (
        b"%s %d\n" % (base64.b64encode(_bytes(piece)), rank) for rank, piece in enumerate(pieces)
    )
    return b"".join(lines)


def encode(file: bytes, text: str) -> list[int]:
    """Return the tokens of a text, found as their definition says and no faster."""
    lines = (line.split() for line in file.splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    return [rank for word in regex.findall(PATTERN, text) for rank in _word(ranks, word.encode())]


def _word(ranks: dict[bytes, int], word: bytes) -> list[int]:
    if word in ranks:
        return [ranks[word]]
    parts = [bytes([byte]) for byte in word]
    while True:
        pairs = [
            (ranks[one + other], at)
            for at, (one, other) in enumerate(itertools.pairwise(parts))
            if one + other in ranks
        ]
        if not pairs:
            return [ranks[part] for part in parts]
        _, at = min(pairs)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]


def _bytes(piece: str) -> bytes:
    """Return the bytes that a piece of GPT-2's printable characters stands for."""
    return b"".join(_BYTES[character] for character in piece)


def _table() -> dict[str, bytes]:
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    codes = {**{byte: byte for byte in shown}, **{b: 256 + at for at, b in enumerate(hidden)}}
    return {chr(code): bytes([byte]) for byte, code in codes.items()}


_BYTES = _table()
