"""Strict loading of Detoxify-format checkpoints, and scoring of whole texts with them.

Loading refuses instead of repairing: a classifier whose head was left at random, or that has NaN in
its weights, answers politely and lets everything pass.

Shapes: ``b`` windows of a batch, ``t`` tokens, ``c`` labels.

Weights are computed in 32 bits on the processor and on the GPU alike, whatever the file holds: half
precision would be faster on some processors, and give other scores on others. On a processor they
are laid out for its kernels (``filters.packing``), which changes no score.
"""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AlbertForSequenceClassification,
    AutoTokenizer,
    BertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaForSequenceClassification,
    XLMRobertaForSequenceClassification,
)

from filters.checkpoints import BadCheckpoint, CheckpointSource, read_checked
from filters.folding import fold
from filters.packing import pack_linear_layers
from filters.tokens import TextReader, Tokens
from filters.windows import Window, windows

ARCHITECTURES: dict[str, type[PreTrainedModel]] = {
    each.__name__: each
    for each in (
        AlbertForSequenceClassification,
        BertForSequenceClassification,
        RobertaForSequenceClassification,
        XLMRobertaForSequenceClassification,
    )
}

_RENAMED = {
    "toxic": "toxicity",
    "severe_toxic": "severe_toxicity",
    "identity_hate": "identity_attack",
}
_LEGACY_BUFFER = ".embeddings.position_ids"
_TOKENS_PER_BATCH = 8_192
_OVERLAP = 4  # Neighbouring windows share a quarter of their tokens.
_DECIMALS = 6
_SPECIAL_TOKENS = 2


@dataclass(frozen=True, slots=True)
class TextScores:
    """What the classifier says about one text.

    Attributes:
        scores: Label to its highest score in any window, and that window's span.
        covered: Spans that were looked at.
    """

    scores: Mapping[str, tuple[float, int, int]]
    covered: tuple[tuple[int, int], ...]


class Classifier:
    """A multi-label text classifier. Safe to use from several threads.

    The scores of the last batch are kept, because each filter that stands on this classifier asks
    about the same texts.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
        labels: Sequence[str],
        digest: str,
        *,
        device: str | None = None,
    ) -> None:
        self.labels = tuple(labels)
        self.digest = digest
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.nn.Module.to(model, self._device)
        self._model = model.train(mode=False).requires_grad_(requires_grad=False)
        if self._device.type == "cpu":
            pack_linear_layers(model)
        self._begin, self._end = tokenizer("")["input_ids"]
        self._padding = int(tokenizer.pad_token_id)
        self._size = _window_size(model, tokenizer) - _SPECIAL_TOKENS
        self._reader = TextReader(tokenizer.backend_tokenizer, tokenizer.unk_token_id)
        self._lock = Lock()
        self._last: tuple[tuple[str, ...], list[TextScores]] = ((), [])

    def score(self, texts: Sequence[str]) -> list[TextScores]:
        """Return the scores of each text over its whole length."""
        asked = tuple(texts)
        with self._lock:
            if self._last[0] != asked:
                self._last = (asked, self._score(asked))
            return self._last[1]

    def _score(self, texts: Sequence[str]) -> list[TextScores]:
        read = self._reader.read(texts)
        parts = [
            (number, window, tokens.ids[window.first : window.last])
            for number, (text, tokens) in enumerate(zip(texts, read, strict=True))
            for window in self._windows(tokens, len(text))
        ]
        seen = len(parts)
        parts += self._folded(texts, read)
        rows = self._probabilities([ids for _, _, ids in parts])
        found: list[list[tuple[Window, list[float]]]] = [[] for _ in texts]
        covered: list[list[tuple[int, int]]] = [[] for _ in texts]
        for place, ((number, window, _), row) in enumerate(zip(parts, rows, strict=True)):
            found[number].append((window, row))
            if place < seen:  # What only the folded form shows does not count as looked at.
                covered[number] += _without(read[number].unread, window)
        return [
            TextScores(self._worst(each), tuple(spans))
            for each, spans in zip(found, covered, strict=True)
        ]

    def _folded(
        self, texts: Sequence[str], read: Sequence[Tokens]
    ) -> Iterator[tuple[int, Window, list[int]]]:
        """Yield the windows of the folded forms that look different to the model."""
        forms = [(number, fold(text)) for number, text in enumerate(texts)]
        folded = [(number, form) for number, form in forms if form is not None]
        tokens_of = self._reader.read([form.text for _, form in folded])
        for (number, form), tokens in zip(folded, tokens_of, strict=True):
            if tokens.ids == read[number].ids:
                continue
            for each in self._windows(tokens, len(form.text)):
                start, end = form.span(each.start, each.end)
                window = Window(each.first, each.last, start, end)
                yield number, window, tokens.ids[each.first : each.last]

    def _windows(self, tokens: Tokens, characters: int) -> list[Window]:
        return windows(
            tokens.offsets, characters=characters, size=self._size, overlap=self._size // _OVERLAP
        )

    def _worst(
        self, found: Sequence[tuple[Window, list[float]]]
    ) -> dict[str, tuple[float, int, int]]:
        """Keep each label's highest score: an average would let harmless text dilute the rest."""
        scores: dict[str, tuple[float, int, int]] = {}
        for index, label in enumerate(self.labels):
            window, row = max(found, key=lambda each: each[1][index])
            scores[label] = (round(row[index], _DECIMALS), window.start, window.end)
        return scores

    def _probabilities(self, sequences: Sequence[Sequence[int]]) -> list[list[float]]:
        """Return ``c`` probabilities for each sequence, computing those of like length together."""
        rows: list[list[float]] = [[] for _ in sequences]
        for part in _by_length(sequences):
            width = len(sequences[part[-1]]) + _SPECIAL_TOKENS
            ids = torch.full((len(part), width), self._padding, dtype=torch.long)  # (b, t)
            mask = torch.zeros_like(ids)  # (b, t)
            for place, number in enumerate(part):
                whole = [self._begin, *sequences[number], self._end]
                ids[place, : len(whole)] = torch.tensor(whole)
                mask[place, : len(whole)] = 1
            with torch.inference_mode():
                logits: Tensor = self._model(
                    input_ids=ids.to(self._device), attention_mask=mask.to(self._device)
                ).logits  # (b, c)
            for number, row in zip(part, logits.float().sigmoid().tolist(), strict=True):
                rows[number] = row
        return rows


def load_classifier(source: CheckpointSource, *, device: str | None = None) -> Classifier:
    """Load a classifier from a checkpoint in Detoxify's format.

    1. The bytes have the expected digest (``read_checked``); these very bytes are parsed.
    2. They hold tensors and plain values only; pickled code is refused.
    3. The architecture is one of four, and the config folder describes the same.
    4. There is one class name for each output; names come from the file, never from a position.
    5. Every weight that the architecture has is there, finite and of its shape, and no other.
    6. The tokenizer's ids fit the model.

    Raises:
        BadCheckpoint: One of these does not hold.
    """
    raw = _parse(read_checked(source), source.path.name)
    model_class, labels = _described(raw)
    model = _fill(_empty_model(model_class, len(labels), source), raw["state_dict"])
    tokenizer = AutoTokenizer.from_pretrained(source.config, local_files_only=True)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise BadCheckpoint("the config folder has no tokenizer.json")
    if max(tokenizer.get_vocab().values()) >= model.config.vocab_size:
        raise BadCheckpoint("the tokenizer has ids that the model has no vectors for")
    return Classifier(model, tokenizer, labels, source.digest.lower(), device=device)


def _parse(content: bytes, name: str) -> dict[str, Any]:
    try:
        raw = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise BadCheckpoint(f"{name} is not a file of tensors and plain values") from error
    if not isinstance(raw, dict) or not isinstance(raw.get("state_dict"), dict):
        raise BadCheckpoint(f"{name} has no state_dict")
    return raw


def _described(raw: dict[str, Any]) -> tuple[type[PreTrainedModel], tuple[str, ...]]:
    try:
        arguments = raw["config"]["arch"]["args"]
        name, outputs = arguments["model_name"], arguments["num_classes"]
        classes = raw["config"]["dataset"]["args"]["classes"]
    except (KeyError, TypeError) as error:
        raise BadCheckpoint(f"the checkpoint's config lacks {error}") from error
    if name not in ARCHITECTURES:
        raise BadCheckpoint(f"architecture {name} is not one of {', '.join(ARCHITECTURES)}")
    labels = tuple(_RENAMED.get(each, each) for each in classes)
    if len(set(labels)) != len(classes) or len(classes) != outputs or not classes:
        raise BadCheckpoint(f"{len(classes)} class names, not all different, for {outputs} outputs")
    return ARCHITECTURES[name], labels


def _empty_model(
    model_class: type[PreTrainedModel], outputs: int, source: CheckpointSource
) -> PreTrainedModel:
    config_class = model_class.config_class
    try:
        described = json.loads((source.config / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadCheckpoint("the config folder has no readable config.json") from error
    if config_class is None or described.get("model_type") != config_class.model_type:
        raise BadCheckpoint(
            f"config.json describes {described.get('model_type')}, not {model_class.__name__}"
        )
    described |= {"id2label": None, "label2id": None, "num_labels": outputs}
    return model_class(config_class.from_dict(described))


def _fill(model: PreTrainedModel, state: dict[str, Any]) -> PreTrainedModel:
    weights = {name: value for name, value in state.items() if not name.endswith(_LEGACY_BUFFER)}
    for name, value in weights.items():
        if not isinstance(value, Tensor) or not value.is_floating_point():
            raise BadCheckpoint(f"{name} is not a tensor of floating point numbers")
        if not value.isfinite().all():
            raise BadCheckpoint(f"{name} holds NaN or infinity")
    try:
        model.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise BadCheckpoint(f"the weights do not fit the architecture: {error}") from error
    return model


def _window_size(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> int:
    """Return how many tokens the model can take, whatever the tokenizer's files promise."""
    positions = int(model.config.max_position_embeddings or 0)
    if isinstance(model, RobertaForSequenceClassification | XLMRobertaForSequenceClassification):
        positions -= int(model.config.pad_token_id or 0) + 1  # RoBERTa counts positions from there.
    return min(int(tokenizer.model_max_length), positions)


def _by_length(sequences: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield batches of indices, shortest first, that stay under a number of padded tokens."""
    part: list[int] = []
    for number in sorted(range(len(sequences)), key=lambda index: len(sequences[index])):
        if (
            part
            and (len(part) + 1) * (len(sequences[number]) + _SPECIAL_TOKENS) > _TOKENS_PER_BATCH
        ):
            yield part
            part = []
        part.append(number)
    if part:
        yield part


def _without(unread: Sequence[tuple[int, int]], window: Window) -> Iterator[tuple[int, int]]:
    """Yield what is left of a window's span when the unread spans are taken out."""
    reached = window.start
    for start, end in unread:
        if end <= reached or start >= window.end:
            continue
        if start > reached:
            yield reached, start
        reached = end
    if reached < window.end or window.start == window.end:
        yield reached, window.end
