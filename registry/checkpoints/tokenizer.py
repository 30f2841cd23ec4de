"""From text to tokens and back, with the release's own tokenizer file.

The doors count a prompt's tokens and the workers encode it with this module, so both count
alike. ``tokenizer.model`` goes through sentencepiece, that of LLaMA 3 and ``tokenizer.json``
through tokenizers; either way a prompt is begin-of-sequence followed by plain text. Text that
spells a control token stays text and never becomes one.

Decoding does not use these libraries: they would drop the space that a continuation begins
with and spoil a character whose bytes arrive in several tokens. Every token stands for
fixed bytes instead, control tokens for none, and the bytes of all tokens are the text.
"""

import codecs
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sentencepiece
import tokenizers

from registry.checkpoints.ranks import is_ranks, read_ranks
from registry.errors import BadCheckpoint

# tokenizer.json does not say which of its tokens begin and end a text; these are LLaMA's.
BEGIN_TOKENS = ("<s>", "<|begin_of_text|>")
END_TOKENS = ("</s>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>")

_SPACE = "\u2581"  # how pieces write a space


@dataclass(frozen=True)
class Tokenizer:
    """The tokenizer of a release.

    Attributes:
        bos_id: Begin of sequence, the first token of every prompt.
        eos_ids: Tokens that end a text, as far as the tokenizer's file knows.
        vocab_size: Number of tokens; their ids are below it.
    """

    bos_id: int
    eos_ids: frozenset[int]
    vocab_size: int
    _split: Callable[[str], list[int]]
    _split_all: Callable[[list[str]], Iterable[Sequence[int]]]
    _bytes: tuple[bytes, ...]
    _adds_space: bool

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a prompt, begin-of-sequence first."""
        return [self.bos_id, *self._split(text)]

    def count(self, text: str) -> int:
        """Return how many tokens a prompt has, begin-of-sequence included."""
        return len(self.encode(text))

    def count_all(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each prompt has; the libraries read many at once faster."""
        return [1 + len(ids) for ids in self._split_all(list(texts))]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of a whole sequence; see ``Continuation`` for broken characters."""
        whole = self.continue_after([self.bos_id])
        return "".join(whole.push(token) for token in ids)

    def continue_after(self, prompt_ids: Sequence[int]) -> "Continuation":
        """Return a decoder for the tokens that follow a prompt."""
        begins = len(prompt_ids) <= 1
        return Continuation(self._bytes, drops_space=self._adds_space and begins)


class Continuation:
    """Decodes token after token; the strings it returns, joined, are the text.

    Bytes that are no UTF-8 become U+FFFD. The beginning of a character is held back until
    the rest arrives, and is no part of the text if it never does.
    """

    def __init__(self, table: Sequence[bytes], *, drops_space: bool) -> None:
        self._table = table
        self._drops_space = drops_space
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token: int) -> str:
        """Return the characters that this token completes, often none."""
        data = self._table[token] if token < len(self._table) else b""
        if data and self._drops_space:
            # The space was added by the tokenizer in front of a text's first word.
            data, self._drops_space = data.removeprefix(b" "), False
        return self._utf8.decode(data)


def load_tokenizer(source: bytes | Path) -> Tokenizer:
    """Load ``tokenizer.model``, of either kind, or ``tokenizer.json``, whichever the bytes are.

    Raises:
        BadCheckpoint: They are none of these, or have no begin-of-sequence token.
    """
    if isinstance(source, Path):
        try:
            source = source.read_bytes()
        except OSError as error:
            raise BadCheckpoint(f"the tokenizer cannot be read: {error.strerror}") from error
    if source.lstrip().startswith(b"{"):
        return _from_json(source)
    if is_ranks(source):
        characters = {data[0]: character for character, data in _BYTE_LEVEL.items()}
        return _of(read_ranks(source, characters=characters), _byte_level)
    return _from_model(source)


def _from_model(data: bytes) -> Tokenizer:
    try:
        model = sentencepiece.SentencePieceProcessor(model_proto=data)
    except (RuntimeError, TypeError) as error:
        raise BadCheckpoint(
            "the tokenizer is no sentencepiece model: get tokenizer.model again"
        ) from error

    def bytes_of(token: int) -> bytes:
        piece: str = model.id_to_piece(token)
        if model.is_control(token):
            return b""
        if model.is_byte(token):
            return _byte(piece)
        # What an unknown token looks like is a setting inside the model.
        text: str = model.decode([token]) if model.is_unknown(token) else piece
        return text.replace(_SPACE, " ").encode()

    size: int = model.get_piece_size()
    if model.bos_id() < 0:
        raise BadCheckpoint("tokenizer.model has no begin-of-sequence piece, as LLaMA's have")
    return Tokenizer(
        bos_id=model.bos_id(),
        eos_ids=frozenset({model.eos_id()} - {-1}),
        vocab_size=size,
        _split=model.encode,
        _split_all=model.encode,
        _bytes=tuple(bytes_of(token) for token in range(size)),
        _adds_space=model.decode_pieces([f"{_SPACE}a"]) == "a",
    )


def _from_json(data: bytes) -> Tokenizer:
    try:
        decoder = json.dumps(json.loads(data)["decoder"])
        model = tokenizers.Tokenizer.from_str(data.decode())
    # The library raises Exception itself for whatever it does not understand.
    except Exception as error:
        raise BadCheckpoint(
            "the tokenizer is no tokenizer.json that the tokenizers library reads: get it again"
        ) from error
    return _of(model, _byte_level if '"ByteLevel"' in decoder else _byte_fallback)


def _of(model: tokenizers.Tokenizer, to_bytes: Callable[[str], bytes]) -> Tokenizer:
    """Return the tokenizer that a model of the library is, its pieces spelled in one of two ways.

    Raises:
        BadCheckpoint: No token begins a text.
    """
    model.no_truncation()
    model.no_padding()
    model.encode_special_tokens = True
    begin = _ids(model, BEGIN_TOKENS)
    if not begin:
        raise BadCheckpoint(
            f"the tokenizer has none of the tokens {', '.join(BEGIN_TOKENS)} that begin a text"
        )
    size = 1 + max(model.get_vocab().values())
    added = {
        token: b"" if each.special else each.content.encode()
        for token, each in model.get_added_tokens_decoder().items()
    }
    table = tuple(
        added[token] if token in added else to_bytes(model.id_to_token(token) or "")
        for token in range(size)
    )
    return Tokenizer(
        bos_id=begin[0],
        eos_ids=frozenset(_ids(model, END_TOKENS)),
        vocab_size=size,
        _split=lambda text: model.encode(text, add_special_tokens=False).ids,
        _split_all=lambda texts: [
            each.ids for each in model.encode_batch(texts, add_special_tokens=False)
        ],
        _bytes=table,
        _adds_space=_adds_space(model, table),
    )


def _ids(model: tokenizers.Tokenizer, names: Sequence[str]) -> list[int]:
    found = (model.token_to_id(name) for name in names)
    return [token for token in found if token is not None]


def _adds_space(model: tokenizers.Tokenizer, table: Sequence[bytes]) -> bool:
    """Return whether the library, decoding a whole text, drops the space it begins with."""
    word = next((token for token, data in enumerate(table) if data[:1] == b" " != data), None)
    return word is not None and not model.decode([word]).startswith(" ")


def _byte_fallback(piece: str) -> bytes:
    is_byte = len(piece) == len("<0x00>") and piece.startswith("<0x") and piece.endswith(">")
    return _byte(piece) if is_byte else piece.replace(_SPACE, " ").encode()


def _byte(piece: str) -> bytes:
    return bytes([int(piece[3:5], 16)])


def _byte_level(piece: str) -> bytes:
    return b"".join(_BYTE_LEVEL.get(character, character.encode()) for character in piece)


def _printable_bytes() -> dict[str, bytes]:
    """Return which printable character stands for which byte.

    Source: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019; the
    function ``bytes_to_unicode`` of its code.
    """
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = sorted(set(range(256)) - set(visible))
    pairs = [(byte, byte) for byte in visible]
    pairs += [(byte, 256 + place) for place, byte in enumerate(others)]
    return {chr(code): bytes([byte]) for byte, code in pairs}


_BYTE_LEVEL = _printable_bytes()
