"""From text to tokens and back."""

import json
from typing import Any

import pytest
import sentencepiece
import tokenizers
from hypothesis import assume, given
from hypothesis import strategies as st
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from registry.checkpoints.tokenizer import Tokenizer, load_tokenizer
from registry.errors import BadCheckpoint
from tests.support.llamas import SENTENCES, tokenizer_model
from tests.support.ranks import ranks_file

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\u2581\ufffd"))


def byte_level_json() -> bytes:
    """A tokenizer.json as LLaMA 3 has it."""
    model = tokenizers.Tokenizer(models.BPE())
    model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    model.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"],
        show_progress=False,
    )
    model.train_from_iterator(SENTENCES, trainer)
    return model.to_str().encode()


def byte_fallback_json() -> bytes:
    """A tokenizer.json as LLaMA 2 has it, with the pieces of a tokenizer.model."""
    pieces = sentencepiece.SentencePieceProcessor(model_proto=tokenizer_model())
    vocab = {pieces.id_to_piece(token): token for token in range(pieces.get_piece_size())}
    merges = [
        (piece[:cut], piece[cut:])
        for piece in vocab
        for cut in range(1, len(piece))
        if piece[:cut] in vocab and piece[cut:] in vocab
    ]
    model = tokenizers.Tokenizer(
        models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    model.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
    )
    model.decoder = decoders.Sequence(
        [
            decoders.Replace("\u2581", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", left=1),
        ]
    )
    model.add_special_tokens(["<unk>", "<s>", "</s>"])
    return model.to_str().encode()


def ranks_model() -> bytes:
    """A tokenizer.model as LLaMA 3 has it, with the pieces of a tokenizer.json."""
    return ranks_file(byte_level_json())


KINDS = {
    "ranks": load_tokenizer(ranks_model()),
    "model": load_tokenizer(tokenizer_model()),
    "byte level": load_tokenizer(byte_level_json()),
    "byte fallback": load_tokenizer(byte_fallback_json()),
}
each_kind = pytest.mark.parametrize("tokenizer", KINDS.values(), ids=list(KINDS))


@each_kind
@given(text=TEXTS)
def test_decoding_gives_back_what_was_encoded(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)

    assert ids[0] == tokenizer.bos_id
    assert tokenizer.count(text) == len(ids)
    assert tokenizer.decode(ids) == text


@each_kind
@given(texts=st.lists(TEXTS, min_size=1))
def test_many_prompts_are_counted_as_each_alone(tokenizer: Tokenizer, texts: list[str]) -> None:
    assert tokenizer.count_all(texts) == [tokenizer.count(text) for text in texts]


@each_kind
@given(text=TEXTS, share=st.floats(0, 1))
def test_a_continuation_is_exactly_what_follows_the_prompt(
    tokenizer: Tokenizer, text: str, share: float
) -> None:
    ids = tokenizer.encode(text)
    cut = 1 + round(share * (len(ids) - 1))
    decoder = tokenizer.continue_after(ids[:cut])

    more = "".join(decoder.push(token) for token in ids[cut:])

    # A cut inside a character leaves bytes on the right that mean nothing by themselves.
    assume("\ufffd" not in more)
    assert tokenizer.decode(ids[:cut]) + more == text


@given(text=TEXTS)
def test_text_means_the_same_to_the_library(text: str) -> None:
    library = sentencepiece.SentencePieceProcessor(model_proto=tokenizer_model())
    tokenizer = KINDS["model"]

    ids = tokenizer.encode(text)

    assert ids[1:] == library.encode(text)
    assert tokenizer.decode(ids) == library.decode(ids)


@each_kind
@pytest.mark.parametrize("name", ["<s>", "</s>", "<|begin_of_text|>", "<|eot_id|>"])
def test_text_that_spells_a_control_token_stays_text(tokenizer: Tokenizer, name: str) -> None:
    ids = tokenizer.encode(f"a {name} b")

    assert not {tokenizer.bos_id, *tokenizer.eos_ids} & set(ids[1:])
    assert tokenizer.decode(ids) == f"a {name} b"


@each_kind
def test_control_tokens_have_no_text(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("one")

    assert tokenizer.decode([*ids, *tokenizer.eos_ids, tokenizer.bos_id]) == "one"


@each_kind
def test_every_token_below_the_size_can_be_decoded(tokenizer: Tokenizer) -> None:
    decoder = tokenizer.continue_after([tokenizer.bos_id])

    texts = [decoder.push(token) for token in range(tokenizer.vocab_size + 5)]

    assert any(texts)


def test_all_ends_that_llama_3_knows_end_a_text() -> None:
    assert len(KINDS["byte level"].eos_ids) == 2


def shortening() -> bytes:
    document = json.loads(byte_level_json())
    cut: dict[str, Any] = {"max_length": 4, "stride": 0}
    document["truncation"] = {**cut, "strategy": "LongestFirst", "direction": "Right"}
    return json.dumps(document).encode()


def test_a_tokenizer_that_would_shorten_texts_does_not() -> None:
    tokenizer = load_tokenizer(shortening())

    assert tokenizer.count("a b c d e f g h") > 5


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no model",
        b"{}",
        b"{not json",
        b'{"decoder": null, "model": 1}',
        tokenizer_model()[:99],
    ],
)
def test_what_is_no_tokenizer_is_refused(data: bytes) -> None:
    with pytest.raises(BadCheckpoint):
        load_tokenizer(data)
