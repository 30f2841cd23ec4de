"""Average trained classifiers: ``python -m filters.training.mean --out DIR FIRST SECOND ...``.

Runs that go on from each other have weights whose mean is a classifier too, often one between
them in what it finds and what it flags wrongly.

Source: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, section 3.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from filters.training import pack

if TYPE_CHECKING:
    from collections.abc import Sequence


def write_mean(folders: Sequence[Path], out: Path) -> None:
    """Write the mean of the classifiers in some folders, with the tokenizer of the first.

    Raises:
        RuntimeError: They have not the same tensors.
    """
    model, tokenizer = pack.read(folders[0])
    states = [pack.read(folder)[0].state_dict() for folder in folders]
    mean = {name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[0]}
    model.load_state_dict(mean, strict=True)
    pack.write(model, tokenizer, out)


def main() -> None:
    """Read, average and write."""
    parser = argparse.ArgumentParser(description="Average trained classifiers.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("folders", type=Path, nargs="+", help="folders that train wrote")
    chosen = parser.parse_args()
    write_mean(chosen.folders, chosen.out)


if __name__ == "__main__":
    main()
