"""The engine's numbers are those of transformers."""

from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from tests.support.llamas import Shape, load_folder, write_llama
from workers.generation.assembly import place
from workers.generation.cache import PromptCache, RowCache
from workers.generation.loading import LoadedRelease

SHAPES = {
    "grouped heads, tied": Shape(),
    "all heads, untied": Shape(kv_heads=4, tied=False, seed=1),
    "one head for all, in parts": Shape(kv_heads=1, shards=3, tied=False, seed=2),
    "float16": Shape(dtype=torch.float16, layers=3, hidden=48, heads=6, seed=3),
}
CPU = torch.device("cpu")
LIMIT = 1e-5

each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))


def both(folder: Path, shape: Shape) -> tuple[LoadedRelease, LlamaForCausalLM]:
    write_llama(folder, shape)
    release = load_folder(folder)
    place(release.model, device=CPU, dtype=torch.float32)
    reference = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return release, reference.train(mode=False)


@each_shape
@torch.inference_mode()
def test_logits_are_those_of_transformers(shape: Shape, tmp_path: Path) -> None:
    release, reference = both(tmp_path, shape)
    ids = torch.tensor([release.tokenizer.encode("The fox looked at the garden.")])

    ours = release.model(ids).logits

    assert (ours - reference(ids).logits).abs().max().item() <= LIMIT


@each_shape
@torch.inference_mode()
def test_rows_of_a_padded_batch_have_the_logits_they_have_alone(
    shape: Shape, tmp_path: Path
) -> None:
    release, reference = both(tmp_path, shape)
    texts = ["The fox", "It was a quiet morning, and nobody was there", "", "There is a small"]
    rows = [release.tokenizer.encode(text) for text in texts]
    lengths = [len(row) for row in rows]
    followers = release.tokenizer.encode(" house and then the rain came")[1:]
    longest = max(lengths)
    padded = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    prompts, running = PromptCache(), RowCache(CPU)

    hidden = [release.model.model(padded, past_key_values=prompts, use_cache=True)[0]]
    running.join(prompts.tensors, lengths=lengths, room=longest + len(followers))
    for token in followers:
        positions, mask = running.begin_step()
        step = release.model.model(
            torch.full((len(rows), 1), token),
            position_ids=positions,
            attention_mask=mask,
            past_key_values=running,
            use_cache=True,
        )
        hidden.append(step[0])

    together = release.model.lm_head(torch.cat(hidden, dim=1))
    for place_, row in enumerate(rows):
        alone = reference(torch.tensor([row + followers])).logits[0]
        ours = torch.cat([together[place_, : len(row)], together[place_, longest:]])
        assert (ours - alone).abs().max().item() <= LIMIT


@torch.inference_mode()
def test_rows_that_join_and_leave_do_not_change_the_others(tmp_path: Path) -> None:
    release, reference = both(tmp_path, Shape())
    first, second = (release.tokenizer.encode(text) for text in ("The fox", "When the rain came,"))
    running = RowCache(CPU)
    for row in ([5, 6, 7], first, second):
        prompts = PromptCache()
        release.model.model(torch.tensor([row]), past_key_values=prompts, use_cache=True)
        running.join(prompts.tensors, lengths=[len(row)], room=len(row) + 1)

    running.keep([2, 1])
    positions, mask = running.begin_step()
    hidden = release.model.model(
        torch.tensor([[9], [9]]),
        position_ids=positions,
        attention_mask=mask,
        past_key_values=running,
        use_cache=True,
    )[0]

    ours = release.model.lm_head(hidden)[:, 0]
    for place_, row in enumerate((second, first)):
        alone = reference(torch.tensor([[*row, 9]])).logits[0, -1]
        assert (ours[place_] - alone).abs().max().item() <= LIMIT
