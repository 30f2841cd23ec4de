"""LLaMA 3's own tokenizer file."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.checkpoints.tokenizer import load_tokenizer
from registry.errors import BadCheckpoint
from tests.support import ranks
from tests.unit.registry.checkpoints.test_tokenizer import byte_level_json

FILE = ranks.ranks_file(byte_level_json())
TOKENIZER = load_tokenizer(FILE)
RANKS = FILE.count(b"\n")


@given(text=st.text(st.characters(codec="utf-8")))
def test_a_text_has_the_tokens_that_the_ranks_define(text: str) -> None:
    assert TOKENIZER.encode(text)[1:] == ranks.encode(FILE, text)


@pytest.mark.parametrize("text", ["it's 12345 o'clock", "one  two\n\n three", "The fox", "aaaaaaa"])
def test_words_are_cut_as_llama_3_cuts_them(text: str) -> None:
    assert TOKENIZER.encode(text)[1:] == ranks.encode(FILE, text)


def test_control_tokens_follow_the_last_rank() -> None:
    assert TOKENIZER.bos_id == RANKS
    assert TOKENIZER.eos_ids == {RANKS + 1, RANKS + 8, RANKS + 9}
    assert TOKENIZER.vocab_size == RANKS + 256


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda file: file.replace(b" 7\n", b" 6\n"), "ranks"),
        (lambda file: file[: len(file) // 2].rpartition(b"\n")[0], "byte"),
        (lambda file: file + b"garbage\n", f"line {RANKS + 1}"),
        (lambda file: file + b"!!! 999\n", f"line {RANKS + 1}"),
        (lambda file: file + b"QUFB" * 1024 + b" %d\n" % RANKS, "more than 1024 bytes"),
    ],
)
def test_a_damaged_file_is_told(damage: object, told: str) -> None:
    assert callable(damage)
    # Bytes come last here, so that half a file lacks some.
    lines = FILE.splitlines(keepends=True)
    backwards = b"".join(
        b"%s %d\n" % (line.split()[0], rank) for rank, line in enumerate(reversed(lines))
    )

    with pytest.raises(BadCheckpoint, match=told):
        load_tokenizer(damage(backwards))


def test_a_base64_file_without_ranks_is_no_tokenizer() -> None:
    with pytest.raises(BadCheckpoint):
        load_tokenizer(base64.b64encode(b"anything at all"))
