"""What ``params.json`` of Meta's layout says, and what it leaves unsaid.

It gives the sizes, sometimes below the key ``model``, and a ``vocab_size`` of -1 where the
tokenizer decides. It does not give the context: that depends on which LLaMA it is, which is
told from the base of the rotary frequencies, the heads and the epsilon. Where these fit two
generations the shorter context is taken, which is never wrong: the 7B chat model of LLaMA 2
has the same ``params.json`` as LLaMA 1's 7B.

Source: params.json and ``ModelArgs`` of github.com/meta-llama/llama and llama-models; contexts,
and the factors of the scaled rotary frequencies, from ``convert_llama_weights_to_hf.py`` of
transformers. LLaMA 1's epsilon is 1e-6, but that of its 65B is 1e-5.
"""

from dataclasses import dataclass
from typing import Any

from registry.checkpoints.llama import Shape, feed_forward_of
from registry.errors import BadCheckpoint

PARAMS = "params.json"

_DEFAULT_THETA = 10_000.0
_LLAMA_3_THETA = 500_000.0
_DEFAULT_EPS = 1e-5
_DEFAULT_MULTIPLE = 256
_BETWEEN_EPSILONS = 5e-6
_WIDEST_LLAMA_1 = 8192
_SMALLEST_LLAMA_31 = 4096

# A LLaMA larger than any that can be: what lies beyond is a damaged or hostile file.
_SIZE_LIMIT = 1 << 24


@dataclass(frozen=True, slots=True)
class RopeScaling:
    """How LLaMA 3.1 and later stretch the rotary frequencies.

    Attributes:
        factor: By which the lowest frequencies are divided.
        low_frequency_factor: Below which number of turns within the original context a
            frequency is divided by the whole factor.
        high_frequency_factor: Above which number of turns it stays as it is.
        original_context_tokens: The context before stretching.
    """

    factor: float
    low_frequency_factor: float = 1.0
    high_frequency_factor: float = 4.0
    original_context_tokens: int = 8192


@dataclass(frozen=True, slots=True)
class Params:
    """A LLaMA in Meta's layout.

    Attributes:
        shape: Its sizes.
        norm_eps: What is added under the root of the RMS norm.
        rope_theta: Base of the rotary frequencies.
        rope_scaling: Of LLaMA 3.1 and later.
        context_tokens: How many tokens prompt and output may have together.
        embedding_by_rows: Whether shards hold rows of the embedding, as LLaMA 3's do, or
            columns.
    """

    shape: Shape
    norm_eps: float
    rope_theta: float
    rope_scaling: RopeScaling | None
    context_tokens: int
    embedding_by_rows: bool


def parse_params(document: dict[str, Any], *, tokenizer_size: int | None = None) -> Params:
    """Read what a ``params.json`` holds.

    Args:
        document: The whole JSON object.
        tokenizer_size: How many tokens the tokenizer has, where that is known.

    Raises:
        BadCheckpoint: A size is missing or makes no LLaMA.
    """
    inner = document.get("model", document)
    if not isinstance(inner, dict):
        raise _bad("'model' is no object")
    theta = _number(inner, "rope_theta", _DEFAULT_THETA)
    eps = _number(inner, "norm_eps", _DEFAULT_EPS)
    shape = _shape(inner, tokenizer_size)
    return Params(
        shape=shape,
        norm_eps=eps,
        rope_theta=theta,
        rope_scaling=_scaling(inner, shape),
        context_tokens=_context(inner, shape, theta=theta, eps=eps),
        embedding_by_rows=theta == _LLAMA_3_THETA,
    )


def needs_tokenizer(document: dict[str, Any]) -> bool:
    """Return whether the number of tokens is left to the tokenizer."""
    inner = document.get("model", document)
    given = inner.get("vocab_size", -1) if isinstance(inner, dict) else None
    return bool(given == -1)


def _shape(inner: dict[str, Any], tokenizer_size: int | None) -> Shape:
    dim, layers, heads = (_size(inner, key) for key in ("dim", "n_layers", "n_heads"))
    kv_heads = heads if inner.get("n_kv_heads") is None else _size(inner, "n_kv_heads")
    if dim % heads or (dim // heads) % 2:
        raise _bad(f"dim {dim} makes no {heads} heads of an even size")
    if heads % kv_heads:
        raise _bad(f"n_heads {heads} is no multiple of n_kv_heads {kv_heads}")
    if inner.get("vocab_size", -1) != -1:
        vocab_size = _size(inner, "vocab_size")
    elif tokenizer_size is not None:
        vocab_size = tokenizer_size
    else:
        raise _bad("vocab_size is left to the tokenizer, of which nothing is known")
    multiple_of = _size(inner, "multiple_of") if "multiple_of" in inner else _DEFAULT_MULTIPLE
    multiplier = inner.get("ffn_dim_multiplier")
    if multiplier is not None:
        multiplier = _number(inner, "ffn_dim_multiplier", 1.0)
    width = feed_forward_of(dim, multiple_of=multiple_of, multiplier=multiplier)
    return Shape(dim, layers, heads, kv_heads, width, vocab_size)


def _scaling(inner: dict[str, Any], shape: Shape) -> RopeScaling | None:
    if inner.get("use_scaled_rope") is not True:
        return None
    # LLaMA 3.2, whose models are smaller than any of 3.1, stretches further.
    default = 32.0 if shape.dim < _SMALLEST_LLAMA_31 else 8.0
    return RopeScaling(
        factor=_number(inner, "rope_scaling_factor", default),
        high_frequency_factor=_number(inner, "rope_high_freq_factor", 4.0),
    )


def _context(inner: dict[str, Any], shape: Shape, *, theta: float, eps: float) -> int:
    if inner.get("max_seq_len") is not None:
        return _size(inner, "max_seq_len")
    if theta == _LLAMA_3_THETA:
        return 131_072 if inner.get("use_scaled_rope") is True else 8192
    if theta > _DEFAULT_THETA:
        return 16_384  # Code Llama
    is_first = eps < _BETWEEN_EPSILONS or shape.dim >= _WIDEST_LLAMA_1
    return 2048 if is_first and inner.get("n_kv_heads") is None else 4096


def _size(inner: dict[str, Any], key: str) -> int:
    value = inner.get(key)
    if value is None:
        raise _bad(f"{key} is missing")
    if type(value) is not int or not 0 < value <= _SIZE_LIMIT:
        raise _bad(f"{key} is {value!a}, and it is a whole number from 1 to {_SIZE_LIMIT}")
    return value


def _number(inner: dict[str, Any], key: str, default: float) -> float:
    value = inner.get(key)
    if value is None:
        return default
    if type(value) not in (int, float) or not 0 < value < float("inf"):
        raise _bad(f"{key} is {value!a}, and it is a number above 0")
    return float(value)


def _bad(what: str) -> BadCheckpoint:
    return BadCheckpoint(f"{PARAMS} makes no LLaMA ({what}): download it again", file=PARAMS)
