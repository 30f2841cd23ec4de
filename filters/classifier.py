"""Scoring of whole texts with a classifier, in windows, many texts at a time.

Shapes: ``b`` windows of a batch, ``t`` tokens, ``c`` labels.

Weights are computed in 32 bits on the processor and on the GPU alike, whatever the file holds: half
precision would be faster on some processors, and give other scores on others. On a processor they
are laid out for its kernels (``filters.packing``), which changes no score.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaForSequenceClassification,
    XLMRobertaForSequenceClassification,
)

from filters.fingerprint import Seal
from filters.folding import fold
from filters.packing import pack_linear_layers
from filters.sharing import Shared
from filters.tokens import TextReader, Tokens
from filters.windows import Window, windows

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

    Texts of all callers share batches, and each filter that stands on this classifier finds what
    another has asked already (``filters.sharing``).
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
        labels: Sequence[str],
        digest: str,
        *,
        device: str | None = None,
        path: Path | None = None,
    ) -> None:
        self.labels = tuple(labels)
        self.digest = digest
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.nn.Module.to(model, self._device)
        self._model = model.train(mode=False).requires_grad_(requires_grad=False)
        if self._device.type == "cpu":
            pack_linear_layers(model)
        self._seal = Seal(self._model, path=path, digest=digest)
        self._begin, self._end = tokenizer("")["input_ids"]
        self._padding = int(tokenizer.pad_token_id)
        self._size = _window_size(model, tokenizer) - _SPECIAL_TOKENS
        self._reader = TextReader(tokenizer.backend_tokenizer, tokenizer.unk_token_id)
        self._shared = Shared(self._score)

    def score(self, texts: Sequence[str]) -> list[TextScores]:
        """Return the scores of each text over its whole length."""
        return self._shared.score(texts)

    def check_weights(self) -> None:
        """Check the weights against what was loaded (``Seal.check``), and forget kept scores."""
        self._seal.check()
        self._shared.forget()

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
