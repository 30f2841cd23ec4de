"""LLaMA 3's ``tokenizer.model``: lines of a token's bytes, in base64, and its rank.

A text is cut into words by a pattern, and in each word the two neighbours that make the token
of the lowest rank become one, over and over. The library's byte pair encoding does the same
once it is told which pairs make which token. Control tokens are in no file; LLaMA 3 has 256
of them after the last rank.

Source: Llama Team, "The Llama 3 Herd of Models", 2024, section 3.2; the names of the control
tokens and the pattern are those of the tokenizer that Meta published with the weights.
"""

import base64
import binascii
import re

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers

from registry.errors import BadCheckpoint

CONTROL_TOKENS = 256
LONGEST_BYTES = 1024
"""Of a token; LLaMA 3's longest, which are spaces, have a fraction of it."""
_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# By their place after the last rank; the other places are reserved.
_NAMED = {
    0: "<|begin_of_text|>",
    1: "<|end_of_text|>",
    6: "<|start_header_id|>",
    7: "<|end_header_id|>",
    8: "<|eom_id|>",
    9: "<|eot_id|>",
    10: "<|python_tag|>",
}
_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2} [0-9]+\r?\n")


def is_ranks(data: bytes) -> bool:
    """Return whether a file begins as one of ranks does."""
    return _LINE.match(data) is not None


def read_ranks(data: bytes, *, characters: dict[int, str]) -> tokenizers.Tokenizer:
    """Return the tokenizer of a file of ranks, with LLaMA 3's control tokens.

    Args:
        data: The file.
        characters: Which printable character stands for which byte.

    Raises:
        BadCheckpoint: A line is not one of a token and its rank, a token is longer than
            ``LONGEST_BYTES``, they are not all ranks from 0 on, or a byte has none.
    """
    ranks = _parse(data)
    if sorted(ranks.values()) != list(range(len(ranks))):
        raise BadCheckpoint("tokenizer.model lacks ranks, or has some twice: get it again")
    if max(map(len, ranks)) > LONGEST_BYTES:
        raise BadCheckpoint(
            f"tokenizer.model has a token of more than {LONGEST_BYTES} bytes, as LLaMA 3's has "
            "none: get it again"
        )
    if any(bytes([byte]) not in ranks for byte in characters):
        raise BadCheckpoint("tokenizer.model has no token for some byte: get it again")

    def spelled(token: bytes) -> str:
        return "".join(characters[byte] for byte in token)

    vocab = {spelled(token): rank for token, rank in ranks.items()}
    merges = [(spelled(one), spelled(other)) for one, other in _merges(ranks)]
    model = tokenizers.Tokenizer(models.BPE(vocab, merges, ignore_merges=True))
    model.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    model.decoder = decoders.ByteLevel()
    names = (_NAMED.get(at, f"<|reserved_special_token_{at}|>") for at in range(CONTROL_TOKENS))
    model.add_special_tokens([AddedToken(name, special=True) for name in names])
    return model


def _parse(data: bytes) -> dict[bytes, int]:
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(data.splitlines(), start=1):
        if not line:
            continue
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except (ValueError, binascii.Error) as error:
            raise BadCheckpoint(
                f"line {number} of tokenizer.model is no token with a rank: get it again"
            ) from error
    return ranks


def _merges(ranks: dict[bytes, int]) -> list[tuple[bytes, bytes]]:
    """Return every pair of tokens that makes a token, the lowest rank first."""
    pairs = [
        (ranks[token], ranks[token[:cut]], ranks[token[cut:]], token[:cut], token[cut:])
        for token in ranks
        for cut in range(1, len(token))
        if token[:cut] in ranks and token[cut:] in ranks
    ]
    return [pair[-2:] for pair in sorted(pairs)]
