"""The Detoxify checkpoints that its authors publish, by name, pinned by a digest of the operator.

The eight hex digits in a published file's name are not a checksum of the file: they were taken
before the file was saved a last time. So there is no digest to ship here; the operator records one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from filters.checkpoints import CheckpointSource
from filters.download import Progress, fetch

_BASE = "https://github.com/unitaryai/detoxify/releases/download"
_SIX = ("toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack")
_SIXTEEN = (
    *("toxicity", "severe_toxicity", "obscene", "identity_attack", "insult", "threat"),
    *("sexual_explicit", "male", "female", "homosexual_gay_or_lesbian", "christian", "jewish"),
    *("muslim", "black", "white", "psychiatric_or_mental_illness"),
)


@dataclass(frozen=True, slots=True)
class Published:
    """A published Detoxify checkpoint.

    Attributes:
        url: Where it is.
        config: Name of the configuration and tokenizer that it needs in a folder beside it.
        classes: The labels one finds in it; the order in the file itself is what counts.
    """

    url: str
    config: str
    classes: tuple[str, ...]


PUBLISHED = {
    "original": Published(
        f"{_BASE}/v0.1-alpha/toxic_original-c1212f89.ckpt", "bert-base-uncased", _SIX
    ),
    "unbiased": Published(
        f"{_BASE}/v0.3-alpha/toxic_debiased-c7548aa0.ckpt", "roberta-base", _SIXTEEN
    ),
    "multilingual": Published(
        f"{_BASE}/v0.4-alpha/multilingual_debiased-0b549669.ckpt", "xlm-roberta-base", _SIXTEEN
    ),
    "original-small": Published(
        f"{_BASE}/v0.1.2/original-albert-0e1d6498.ckpt", "albert-base-v2", _SIX
    ),
    "unbiased-small": Published(
        f"{_BASE}/v0.1.2/unbiased-albert-c8519128.ckpt", "albert-base-v2", _SIXTEEN
    ),
}


def chosen_source(
    *,
    name: str | None,
    path: Path | None,
    config: Path | None,
    digest: str | None,
    progress: Progress | None = None,
) -> CheckpointSource | None:
    """Return the checkpoint that an operator chose, fetched where it is a published one.

    Args:
        name: Which published checkpoint; it is downloaded to ``path`` unless it is there.
        path: The file; without a name it must be there.
        config: Folder with configuration and tokenizer.
        digest: sha256 of the file.
        progress: Told how the download goes on.

    Returns:
        Nothing when no file was chosen.

    Raises:
        DownloadFailed: The file did not come, or is another one.
    """
    if path is None or config is None or digest is None:
        return None
    if name is not None and not path.is_file():
        fetch(PUBLISHED[name].url, path, digest=digest, progress=progress)
    return CheckpointSource(path, config, digest)
