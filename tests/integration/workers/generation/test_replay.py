"""Whether a text came from these weights, with this seed."""

from collections.abc import Callable
from dataclasses import replace as changed
from pathlib import Path

import pytest
import torch

from tests.support.llamas import Shape, load_folder, write_llama
from workers.generation.engine import GeneratedText, GenerationRequest
from workers.generation.forward import Forward
from workers.generation.llama import LlamaEngine
from workers.generation.loading import LoadedRelease
from workers.generation.replay import Replay, replay

WAIT_SECONDS = 30
CPU = torch.device("cpu")
REQUESTS = {
    "sampled": GenerationRequest(
        prompt="The fox", max_new_tokens=24, temperature=0.8, top_p=0.95, top_k=40, seed=7, index=1
    ),
    "cold": GenerationRequest(prompt="It was", max_new_tokens=24, temperature=0.05, seed=3),
    "hot": GenerationRequest(prompt="", max_new_tokens=24, temperature=3.0, seed=5),
    "greedy": GenerationRequest(prompt="When the rain", max_new_tokens=24, temperature=0),
    "echoed": GenerationRequest(prompt="There is", max_new_tokens=9, seed=1, echo=True),
}
each_request = pytest.mark.parametrize("request_", REQUESTS.values(), ids=list(REQUESTS))


class Replayer:
    """Replays with the weights of a release."""

    def __init__(self, release: LoadedRelease) -> None:
        self._release = release
        self._forward = Forward(release.model, device=CPU, dtype=torch.float32)
        self._cache = self._forward.new_cache(1 << 22)

    def __call__(self, request: GenerationRequest, output: GeneratedText) -> Replay:
        return replay(
            self._forward,
            self._cache,
            request,
            tokenizer=self._release.tokenizer,
            eos_ids=self._release.eos_ids,
            token_ids=output.token_ids,
            text=output.storable_text,
            finish_reason=output.finish_reason,
        )


@pytest.fixture(scope="module")
def replayer(tiny: Path) -> Replayer:
    return Replayer(load_folder(tiny))


def run(engine: LlamaEngine, request: GenerationRequest) -> GeneratedText:
    return engine.submit(request, cancelled=lambda: False).result(WAIT_SECONDS)


@each_request
def test_what_was_generated_is_told_to_be(
    engine: LlamaEngine, replayer: Replayer, request_: GenerationRequest
) -> None:
    # In company, so that the numbers of the one pass are not the very same.
    others = [
        engine.submit(changed(request_, seed=seed), cancelled=lambda: False) for seed in range(20)
    ]
    output = run(engine, request_)

    found = replayer(request_, output)

    assert found.holds
    assert found.tokens == len(output.token_ids)
    assert found.shortfall < 1e-3
    assert all(each.result(WAIT_SECONDS) for each in others)


def test_a_text_with_a_changed_word_is_told(engine: LlamaEngine, replayer: Replayer) -> None:
    request = REQUESTS["sampled"]
    output = run(engine, request)

    found = replayer(request, changed(output, text=output.text + "!"))

    assert not found.holds
    assert (found.differs_at, found.text_fits) == (None, False)


def test_changed_tokens_are_told_with_their_place(engine: LlamaEngine, replayer: Replayer) -> None:
    request = REQUESTS["sampled"]
    output = run(engine, request)
    ids = list(output.token_ids)
    ids[5] = ids[5] % 200 + 10

    found = replayer(request, changed(output, token_ids=tuple(ids)))

    assert found.differs_at == 5


@pytest.mark.parametrize(
    "other",
    [
        lambda request: changed(request, seed=8),
        lambda request: changed(request, index=0),
        lambda request: changed(request, prompt="The wolf"),
        lambda request: changed(request, temperature=1.5),
    ],
    ids=["seed", "index", "prompt", "temperature"],
)
def test_another_request_is_told(
    engine: LlamaEngine,
    replayer: Replayer,
    other: Callable[[GenerationRequest], GenerationRequest],
) -> None:
    request = REQUESTS["sampled"]

    found = replayer(other(request), run(engine, request))

    assert found.differs_at is not None


def test_another_release_is_told(engine: LlamaEngine, tmp_path: Path) -> None:
    request = REQUESTS["sampled"]
    stranger = Replayer(load_folder(write_llama(tmp_path, Shape(seed=9))))

    found = stranger(request, run(engine, request))

    assert found.differs_at is not None


def test_weights_that_were_touched_are_told(engine: LlamaEngine, tiny: Path) -> None:
    request = REQUESTS["sampled"]
    release = load_folder(tiny)
    touched = release.model.model.layers[0].mlp.down_proj.weight
    touched.data = touched.data.clone()
    touched.data[0] += 1.0

    found = Replayer(release)(request, run(engine, request))

    assert found.differs_at is not None


@pytest.mark.parametrize("ids", [(), (10**6,), (-1,)])
def test_tokens_that_no_tokenizer_has_do_not_hold(
    engine: LlamaEngine, replayer: Replayer, ids: tuple[int, ...]
) -> None:
    request = REQUESTS["sampled"]
    output = run(engine, request)

    found = replayer(request, changed(output, token_ids=ids))

    assert not found.holds
