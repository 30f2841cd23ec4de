"""Train the bundled classifier: ``python -m filters.training.train --data DIR --out DIR``.

The learning rate falls to zero by the end of the epochs or of ``--minutes``, whichever comes first,
so a run that is cut short is still a finished one.
"""

from __future__ import annotations

import argparse
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from filters.training import batches, contrast, pack, prose, rows, vocabulary
from filters.training.recipe import LABELS, Recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer
    from torch import Tensor
    from transformers import BertForSequenceClassification

    from filters.training.batches import Batch
    from filters.training.rows import Row

log = logging.getLogger(__name__)
_LARGEST_GRADIENT = 1.0
_REPORT_EVERY = 50
_QUIET_SETS = frozenset(
    {
        *prose.SOURCES,
        *("benign_arena", "benign_gpteacher", "context_toxicity", "enron_spam_1_4", "spamassassin"),
    }
)


def label_weights(learned: Sequence[Row], recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Return ``(c,)`` the weight of each label, and ``(c,)`` the factor on its positives."""
    known = torch.zeros(2, len(LABELS))  # (2, c): negatives, positives
    for row in learned:
        for label, (value, sure) in row.labels.items():
            known[int(value >= batches.HARMFUL), LABELS.index(label)] += sure
    main = torch.tensor([label in recipe.main_labels for label in LABELS])  # (c,) bool
    boost = (known[0] / known[1].clamp(min=1)).sqrt().clamp(1.0, recipe.rare_boost)  # (c,)
    weight = torch.where(main, 1.0, recipe.side_weight)  # (c,)
    return weight, torch.where(main, 1.0, boost)


def loss_of(logits: Tensor, batch: Batch, weight: Tensor, boost: Tensor) -> Tensor:
    """Binary cross-entropy over what is known of each text, averaged over the texts.

    Args:
        logits: ``(b, c)``.
        batch: The texts' labels; a label of weight 0.0 adds nothing.
        weight: ``(c,)`` weight of each label.
        boost: ``(c,)`` factor on the positives of each label.
    """
    each = functional.binary_cross_entropy_with_logits(
        logits.float(), batch.truth, batch.weight * weight, pos_weight=boost, reduction="none"
    )  # (b, c)
    return each.sum() / len(logits)


def train(
    model: BertForSequenceClassification,
    schedule: Sequence[Batch],
    recipe: Recipe,
    *,
    minutes: float,
    weight: Tensor,
    boost: Tensor,
) -> int:
    """Train the model in place and return the number of steps taken."""
    device = model.device
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    model.train()
    model.set_attn_implementation("eager")  # Its backward pass is the faster one on processors.
    mean = [each.detach().clone() for each in model.parameters()]
    weight, boost = weight.to(device), boost.to(device)
    began = time.monotonic()
    total, taken = 0.0, 0
    for step, batch in enumerate(schedule):
        elapsed = (time.monotonic() - began) / 60
        progress = max(step / len(schedule), elapsed / minutes)
        if progress >= 1:
            break
        rate = min(progress / recipe.warm_up + 0.01, (1 - progress) / (1 - recipe.warm_up))
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * rate
        here = batches.Batch(*(part.to(device) for part in vars(batch).values()))
        with torch.autocast(device.type, dtype=torch.bfloat16):
            logits = model(input_ids=here.ids, attention_mask=here.mask).logits  # (b, c)
        loss = loss_of(logits, here, weight, boost)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), _LARGEST_GRADIENT)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        taken = step + 1
        decay = min(recipe.averaged, taken / (taken + 9))
        torch._foreach_lerp_(mean, [each.detach() for each in model.parameters()], 1 - decay)
        total += loss.item()
        if step % _REPORT_EVERY == _REPORT_EVERY - 1:
            log.info(
                "step %d of %d, %.1f min, loss %.4f",
                step + 1,
                len(schedule),
                elapsed,
                total / _REPORT_EVERY,
            )
            total = 0.0
    for each, averaged in zip(model.parameters(), mean, strict=True):
        each.data.copy_(averaged)
    return taken


def _new(learned: Sequence[Row], recipe: Recipe) -> tuple[BertForSequenceClassification, Tokenizer]:
    source = pack.start_folder()
    tokenizer, origins = vocabulary.trim(
        source, [row.text for row in learned], size=recipe.vocabulary, symbols=recipe.symbols
    )
    return pack.start_model(source, origins, recipe), tokenizer


def _is_quiet(row: Row) -> bool:
    """Return whether other texts may be hidden in this one without becoming worse."""
    return row.origin in _QUIET_SETS and all(
        value < batches.HARMFUL for value, _ in row.labels.values()
    )


def main() -> None:
    """Read, train and write."""
    parser = argparse.ArgumentParser(description="Train the bundled classifier.")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with train/, text/ and heldout.sha256.gz"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write the checkpoint to")
    parser.add_argument("--start", type=Path, help="folder of an earlier run to go on from")
    parser.add_argument("--seed", type=int, default=Recipe.seed, help="order of the rows")
    parser.add_argument(
        "--learning-rate", type=float, default=Recipe.learning_rate, help="highest learning rate"
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="longest time to train for")
    parser.add_argument(
        "--threads", type=int, default=torch.get_num_threads(), help="processor threads to use"
    )
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(chosen.threads)
    recipe = replace(Recipe(), seed=chosen.seed, learning_rate=chosen.learning_rate)
    torch.manual_seed(recipe.seed)
    harmless = prose.training_prose(chosen.data)
    labelled = [
        row
        for row in rows.read_training_rows(chosen.data, recipe)
        if not rows.is_held_back(row, recipe)
    ]
    contrasted = contrast.contrast_rows(
        recipe,
        held_out=rows.read_held_out(chosen.data),
        judged=rows.read_judged(chosen.data),
    )
    learned = labelled + harmless + contrasted
    quiet = [row.text for row in learned if _is_quiet(row)]
    model, tokenizer = pack.read(chosen.start) if chosen.start else _new(learned, recipe)
    torch.nn.Module.to(model, "cuda" if torch.cuda.is_available() else "cpu")
    schedule = [
        batch
        for epoch in range(recipe.epochs)
        for batch in batches.batches(learned, quiet, tokenizer, recipe, epoch)
    ]
    log.info("%d rows, %d steps", len(learned), len(schedule))
    weight, boost = label_weights(learned, recipe)
    steps = train(model, schedule, recipe, minutes=chosen.minutes, weight=weight, boost=boost)
    pack.write(model.cpu(), tokenizer, chosen.out)
    log.info("wrote %s after %d steps", chosen.out / pack.CHECKPOINT, steps)


if __name__ == "__main__":
    main()
