"""The checkpoint of a run under way: weights, momenta and the number of steps done."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaForCausalLM

from registry.errors import Conflict
from workers.training.recipe import Recipe, Schedule

_FILE = "checkpoint.pt"


class CannotResume(Conflict):
    """The checkpoint belongs to a run of another recipe."""

    code = "cannot_resume"


def save_checkpoint(
    folder: Path,
    *,
    recipe: Recipe,
    step: int,
    model: LlamaForCausalLM,
    optimizers: list[torch.optim.Optimizer],
) -> None:
    """Replace the folder's checkpoint; a crash leaves the old one or the new one, whole."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / (_FILE + ".new")
    torch.save(
        {
            "recipe": _without_schedule(recipe),
            "schedule": asdict(recipe.schedule),
            "step": step,
            "model": model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        },
        fresh,
    )
    fresh.replace(folder / _FILE)


def load_checkpoint(
    folder: Path,
    *,
    recipe: Recipe,
    model: LlamaForCausalLM,
    optimizers: list[torch.optim.Optimizer],
) -> int:
    """Load the folder's checkpoint, if there is one; return the number of steps done.

    The schedule's end may have moved, as long as every step already done would have been
    the same under the recipe given.

    Raises:
        CannotResume: The recipe would not have led to this checkpoint.
    """
    path = folder / _FILE
    if not path.exists():
        return 0
    saved: dict[str, Any] = torch.load(path, weights_only=True)
    past = range(saved["step"])
    before = Schedule(**saved["schedule"])
    same_rates = all(before.share(step) == recipe.schedule.share(step) for step in past)
    if saved["recipe"] != _without_schedule(recipe) or not same_rates:
        raise CannotResume(
            f"{path} was made by another recipe: give that recipe, or another folder to start anew"
        )
    model.load_state_dict(saved["model"])
    for optimizer, state in zip(optimizers, saved["optimizers"], strict=True):
        optimizer.load_state_dict(state)
    return len(past)


def _without_schedule(recipe: Recipe) -> dict[str, Any]:
    facts = asdict(recipe)
    del facts["schedule"]
    return facts
