"""Texts from a release, to be read by a person: the test that no number replaces."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import torch

from workers.training.release import load_release

# Of each kind that the corpus has: stories, textbook sections with their titles, plays.
PROMPTS = (
    "Once upon a time, there was a little dog named Max.",
    "One day, a girl named Lily went to the park with her mom.",
    "Tom and Sara were playing in the garden when",
    "The old man lived alone in a small house near the sea.",
    '"Can I help you?" asked the bird.',
    "Ben wanted to build a tall tower.",
    "It was a cold night and the moon was bright.",
    "The two friends found a box in the forest. Inside the box",
    "# Introduction\n",
    "# The Structure of Government\nThe president",
    "# The Sun\nThe Sun is a star that",
    "# Memory\nPsychologists who study memory have found that",
    "# Moving West\nDuring the nineteenth century, many people moved to",
    "# Writing an Essay\nA good essay begins with",
    "# What Is Culture?\nCulture is the set of beliefs and",
    "# Plato\nThe philosopher Plato argued that",
    "ROMEO:\n",
    "KING RICHARD III:\nMy lord,",
    "First Citizen:\nWhat news",
    "# Your First Year\nIn order to succeed in college, students should",
)


@torch.no_grad()
def samples(
    release: Path, *, prompts: Sequence[str], temperature: float, new_tokens: int, seed: int
) -> Iterator[str]:
    """Yield each prompt with the text that a release adds to it.

    Args:
        release: A folder in the Hugging Face layout.
        prompts: How the texts begin.
        temperature: Divides the logits; no other rule narrows the choice.
        new_tokens: The most tokens to add; the release may end a text sooner.
        seed: Given anew before each prompt, so that a text does not depend on the others.
    """
    model, tokenizer = load_release(release)
    for prompt in prompts:
        chance = torch.Generator().manual_seed(seed)
        text = tokenizer.encode(prompt, add_bos=True)
        for _ in range(new_tokens):
            logits = model(input_ids=torch.tensor([text]), use_cache=False).logits[0, -1]  # (v,)
            shares = (logits / temperature).softmax(dim=-1)  # (v,)
            token = int(torch.multinomial(shares, 1, generator=chance))
            if token == tokenizer.eos_id():
                break
            text.append(token)
        yield tokenizer.decode(text)


@click.command()
@click.option("--temperature", default=0.7, show_default=True, help="Divides the logits.")
@click.option("--new-tokens", default=120, show_default=True, help="The most tokens to add.")
@click.option("--seed", default=7, show_default=True, help="The same seed, the same texts.")
@click.argument("release", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(release: Path, temperature: float, new_tokens: int, seed: int) -> None:
    """Print twenty texts that a RELEASE writes.

    Example: python -m workers.training.samples registry/bundled/release
    """
    texts = samples(
        release, prompts=PROMPTS, temperature=temperature, new_tokens=new_tokens, seed=seed
    )
    for number, text in enumerate(texts, start=1):
        click.echo(f"--- {number}\n{text}\n")


if __name__ == "__main__":
    main()
