"""Merge two runs: ``python -m filters.training.merge --first DIR --second DIR --out DIR``.

The weights become a weighted mean of both runs, of which the second went on from the first,
and the window grows: positions beyond the ones that were trained are the start encoder's own.
A longer window means fewer windows of a long text, and so fewer chances for a harmless one.

Source: Wortsman et al., "Model soups", ICML 2022, section 2.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification

from filters.training import pack

_POSITIONS = "bert.embeddings.position_embeddings.weight"


def merge(
    first: BertForSequenceClassification,
    second: BertForSequenceClassification,
    *,
    share: float,
    positions: torch.Tensor,
) -> BertForSequenceClassification:
    """Return a classifier between two, with a longer window.

    Args:
        first: The earlier run.
        second: The later run, of the same shape.
        share: Weight of the second, from 0 to 1.
        positions: Position vectors of the start encoder, ``(window, hidden)``; those that were
            trained are not taken from here.
    """
    mean = {
        name: torch.lerp(tensor, second.state_dict()[name], share)
        for name, tensor in first.state_dict().items()
    }
    trained = mean[_POSITIONS]
    mean[_POSITIONS] = torch.cat([trained, positions[len(trained) :]])
    config = BertConfig(**{**second.config.to_dict(), "max_position_embeddings": len(positions)})
    model = BertForSequenceClassification(config)
    model.load_state_dict(mean, strict=True)
    return model


def main() -> None:
    """Merge, and write the checkpoint with its config folder."""
    parser = argparse.ArgumentParser(description="Merge two training runs.")
    parser.add_argument("--first", type=Path, required=True, help="folder of the earlier run")
    parser.add_argument("--second", type=Path, required=True, help="folder of the later run")
    parser.add_argument("--share", type=float, default=0.6, help="weight of the later run")
    parser.add_argument("--window", type=int, default=256, help="tokens of a window")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    chosen = parser.parse_args()
    first, _ = pack.read(chosen.first)
    second, tokenizer = pack.read(chosen.second)
    start = pack.pretrained_weights(pack.start_folder())
    positions = start["embeddings.position_embeddings.weight"][: chosen.window]
    pack.write(merge(first, second, share=chosen.share, positions=positions), tokenizer, chosen.out)


if __name__ == "__main__":
    main()
