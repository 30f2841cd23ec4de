"""Every filter that Corral has, ready to use."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from filters.campaign import CAMPAIGN
from filters.checkpoints import CheckpointSource, check_listed
from filters.contract import Filter
from filters.echo import ECHO
from filters.links import LINKS
from filters.loading import load_classifier
from filters.misuse import bundled_misuse
from filters.personal import PERSONAL
from filters.repetition import REPETITION
from filters.secrets import SECRETS
from filters.toxicity import bundled_toxicity, detoxify_toxicity

CHECKPOINT_NAME = "corral-gate.ckpt"
WEIGHTS = Path(str(resources.files("filters") / "weights"))


def load_filters(
    *,
    weights: Path = WEIGHTS,
    toxicity_checkpoint: CheckpointSource | None = None,
    device: str | None = None,
) -> tuple[Filter, ...]:
    """Load every filter, classifiers first.

    Args:
        weights: Folder of the bundled classifier; another one holds a candidate to measure.
        toxicity_checkpoint: A published Detoxify checkpoint to score toxicity instead of the
            bundled classifier; misuse always stands on the bundled one.
        device: Where classifiers compute; the GPU if there is one, when left out.

    Raises:
        BadCheckpoint: A file has another digest than expected, or may not score text.
    """
    bundled = load_classifier(bundled_source(weights), device=device)
    if toxicity_checkpoint is None:
        toxicity = bundled_toxicity(bundled)
    else:
        toxicity = detoxify_toxicity(load_classifier(toxicity_checkpoint, device=device))
    return (
        toxicity,
        bundled_misuse(bundled),
        SECRETS,
        PERSONAL,
        LINKS,
        REPETITION,
        ECHO,
        CAMPAIGN,
    )


def bundled_source(folder: Path = WEIGHTS) -> CheckpointSource:
    """Return the classifier that ships with Corral, after checking each of its files.

    Raises:
        BadCheckpoint: One of them differs from what the folder's ``SHA256SUMS`` lists.
    """
    listed = check_listed(folder)
    return CheckpointSource(folder / CHECKPOINT_NAME, folder / "config", listed[CHECKPOINT_NAME])


def describe(filters: Iterable[Filter]) -> list[dict[str, Any]]:
    """Return what each filter is, as plain JSON values."""
    return [
        {
            "name": each.name,
            "version": each.version,
            "labels": list(each.labels),
            "weights_digest": each.weights_digest,
        }
        for each in filters
    ]
