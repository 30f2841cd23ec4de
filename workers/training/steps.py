"""One step of training: the loss, the two optimizers, the update.

Shapes: ``b`` rows, ``t`` positions. A step draws nothing at random, and multiplies in
bfloat16, four times as fast as float32; weights, gradients and momenta stay float32.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim import AdamW, Muon, Optimizer
from transformers import LlamaForCausalLM

from workers.training.recipe import Training


def make_deterministic(threads: int) -> None:
    """Let this process's tensor operations give the same bits every time.

    Sums are split by thread, so the number of threads belongs to the recipe.
    """
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True)
    # Filling fresh memory would only hide a bug, and costs time at every operation.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def make_optimizers(model: LlamaForCausalLM, settings: Training) -> list[Optimizer]:
    """Return Muon for the hidden matrices and AdamW for the embedding and the norms.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024;
    the step's scale is that of Liu et al., "Muon is Scalable for LLM Training", 2025,
    section 2.2, which lets both optimizers use learning rates of one size.
    """
    parts = model.model.layers.modules()
    hidden = [part.weight for part in parts if isinstance(part, nn.Linear)]
    chosen = {id(weight) for weight in hidden}
    others = [weight for weight in model.parameters() if id(weight) not in chosen]
    return [
        Muon(
            [{"params": hidden, "peak_lr": settings.muon_learning_rate}],
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            adjust_lr_fn="match_rms_adamw",
        ),
        AdamW(
            [{"params": others, "peak_lr": settings.adamw_learning_rate}],
            betas=(0.9, 0.95),
            weight_decay=0.0,
        ),
    ]


def take_step(
    model: LlamaForCausalLM,
    optimizers: Sequence[Optimizer],
    rows: npt.NDArray[np.int64],
    *,
    share: float,
    norm_limit: float,
) -> float:
    """Update the model once; return the loss before the update, in nats per token.

    Args:
        model: Modified.
        optimizers: Modified.
        rows: ``(b, t)``.
        share: Of each optimizer's peak learning rate.
        norm_limit: Longer gradients are shortened to this length.
    """
    model.train()
    loss = _loss(model, rows)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), norm_limit)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = share * group["peak_lr"]
        optimizer.step()
        optimizer.zero_grad()
    return loss.item()


@torch.no_grad()
def loss_on(model: LlamaForCausalLM, rows: npt.NDArray[np.int64]) -> float:
    """Return the model's loss on ``(b, t)`` rows, in nats per token, and change nothing."""
    model.train(mode=False)
    return _loss(model, rows).item()


def _loss(model: LlamaForCausalLM, rows: npt.NDArray[np.int64]) -> Tensor:
    tokens = torch.from_numpy(rows)  # (b, t)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss: Tensor = model(input_ids=tokens, labels=tokens, use_cache=False).loss
    return loss
