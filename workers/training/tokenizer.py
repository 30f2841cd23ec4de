"""Training the tokenizer: byte-pair encoding in LLaMA's conventions.

Source: Touvron et al., "LLaMA: Open and Efficient Foundation Language Models", 2023, section
2.1 (byte-pair encoding, numbers split into digits, unknown characters as bytes); the other
options are those stored in the tokenizer that came with LLaMA.
"""

import io
from collections.abc import Iterable, Iterator

import sentencepiece

# Longer lines would be left out by the trainer; the longest paragraph of the corpus is shorter.
_LINE_BYTES = 65536


def train_tokenizer(documents: Iterable[str], *, vocab_size: int) -> bytes:
    """Return the bytes of a ``tokenizer.model`` trained on the documents.

    Unknown is piece 0, begin 1, end 2, the 256 bytes follow; there is no padding piece.

    Raises:
        RuntimeError: The documents are too few for the vocabulary.
    """
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_lines(documents),
        model_writer=model,
        model_type="bpe",
        vocab_size=vocab_size,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        byte_fallback=True,
        split_digits=True,
        allow_whitespace_only_pieces=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=True,
        character_coverage=0.99995,
        max_sentence_length=_LINE_BYTES,
        num_threads=1,
        minloglevel=2,
    )
    return model.getvalue()


def load_tokenizer(model: bytes) -> sentencepiece.SentencePieceProcessor:
    """Return a tokenizer from the bytes of its ``tokenizer.model``."""
    return sentencepiece.SentencePieceProcessor(model_proto=model)


def _lines(documents: Iterable[str]) -> Iterator[str]:
    for document in documents:
        yield from (line for line in document.split("\n") if line)
