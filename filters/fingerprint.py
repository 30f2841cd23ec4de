"""Whether weights are still the ones that were loaded, on the disk and in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn


class WeightsChanged(RuntimeError):
    """Weights differ from those that were loaded: nothing may be scored with them.

    Attributes:
        reason: One stable word for it.
    """

    def __init__(self, sentence: str, *, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Seal:
    """Remembers what was loaded.

    Args:
        model: The model, ready to compute.
        path: The file that it came from; ``None`` for a model that came from none.
        digest: sha256 of the file.
    """

    def __init__(self, model: nn.Module, *, path: Path | None, digest: str) -> None:
        self._model, self._path, self._digest = model, path, digest
        self._fingerprint = fingerprint(model)

    def check(self) -> None:
        """Check that the file and the tensors in memory are still the same.

        Raises:
            WeightsChanged: One of them differs, or the file cannot be read.
        """
        if self._path is not None:
            self._check_file(self._path)
        if fingerprint(self._model) != self._fingerprint:
            raise WeightsChanged(
                "the weights in memory are not those that were loaded", reason="memory_changed"
            )

    def _check_file(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise WeightsChanged(
                f"{path.name} cannot be read: {error.strerror}", reason="weights_gone"
            ) from error
        if found != self._digest:
            raise WeightsChanged(
                f"{path.name} is not the file that was loaded", reason="weights_changed"
            )


def fingerprint(model: nn.Module) -> str:
    """Return the sha256 of a model as it is in memory: each tensor's name, kind and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(_tensors(model), key=lambda each: each[0]):
        # A layout of the processor's own has no bytes to look at; the dense form has.
        dense = (tensor.to_dense() if tensor.is_mkldnn else tensor).detach().cpu().contiguous()
        digest.update(f"{name} {dense.dtype} {tuple(dense.shape)}\n".encode())
        digest.update(dense.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor of a model, those that layers hold as plain attributes too."""
    for path, module in model.named_modules():
        held = {**vars(module), **module._parameters, **module._buffers}  # noqa: SLF001
        for name, value in held.items():
            if isinstance(value, Tensor):
                yield f"{path}.{name}", value
