"""A smaller vocabulary: the pieces that the training texts use, single characters, and symbols."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_BATCH = 10_000


def trim(
    source: Path, texts: Sequence[str], *, size: int, symbols: int
) -> tuple[Tokenizer, list[list[int]]]:
    """Return a tokenizer of ``size`` pieces, and for each the old pieces to average.

    A piece that both have is listed as itself. A symbol that is added is described by the pieces of
    its Unicode name, so an emoji starts near the words for what it shows.
    """
    old = Tokenizer.from_file(str(source / "tokenizer.json"))
    old.no_truncation()
    old.no_padding()
    vocabulary: dict[str, int] = old.get_vocab()
    uses = _count(old, texts)
    added = _unknown_symbols(vocabulary, texts, limit=symbols)
    single = [piece for piece in vocabulary if len(piece.removeprefix("##")) == 1]
    kept = dict.fromkeys((*_SPECIAL, *sorted(single, key=vocabulary.__getitem__)))
    frequent = (piece for piece, _ in uses.most_common() if piece not in kept)
    room = size - len(kept) - 2 * len(added)
    kept |= dict.fromkeys(piece for piece, _ in zip(frequent, range(room), strict=False))
    origins = [[vocabulary[piece]] for piece in kept]
    for symbol in added:
        words = old.encode(unicodedata.name(symbol, "symbol").lower(), add_special_tokens=False).ids
        kept |= dict.fromkeys((symbol, f"##{symbol}"))
        origins += [words, words]
    return _tokenizer(source, list(kept)), origins


def _count(old: Tokenizer, texts: Sequence[str]) -> Counter[str]:
    uses: Counter[int] = Counter()
    for start in range(0, len(texts), _BATCH):
        for encoding in old.encode_batch_fast(
            list(texts[start : start + _BATCH]), add_special_tokens=False
        ):
            uses.update(encoding.ids)
    return Counter({str(old.id_to_token(identity)): count for identity, count in uses.items()})


def _unknown_symbols(vocabulary: dict[str, int], texts: Sequence[str], *, limit: int) -> list[str]:
    seen = Counter(character for text in texts for character in set(text) if character > "\u2000")
    wanted = (
        character
        for character, _ in seen.most_common()
        if unicodedata.category(character) in {"So", "Sm", "Sk"}
    )
    return [character for character in wanted if character not in vocabulary][:limit]


def _tokenizer(source: Path, pieces: list[str]) -> Tokenizer:
    described: dict[str, Any] = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    ids = {piece: index for index, piece in enumerate(pieces)}
    described["model"]["vocab"] = ids
    described["truncation"] = described["padding"] = None
    described["added_tokens"] = [
        {
            "id": ids[piece],
            "content": piece,
            "special": True,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
        }
        for piece in _SPECIAL
    ]
    for name, token in described["post_processor"]["special_tokens"].items():
        token["ids"] = [ids[name]]
    return Tokenizer.from_str(json.dumps(described))
