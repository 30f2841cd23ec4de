"""The engine with a tiny random LLaMA."""

import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch
from transformers import LlamaForCausalLM

from registry.errors import PromptTooLong, Unavailable
from tests.support.llamas import SENTENCES, load_folder, tokenizer_model
from workers.generation.engine import (
    Engine,
    GeneratedText,
    GenerationCancelled,
    GenerationRequest,
)
from workers.generation.forward import Forward
from workers.generation.llama import LlamaEngine

WAIT_SECONDS = 30
PROMPTS = [sentence[: 3 + 7 * at] for at, sentence in enumerate(SENTENCES * 2)]


def submit(engine: Engine, request: GenerationRequest) -> Future[GeneratedText]:
    return engine.submit(request, cancelled=lambda: False)


def run(engine: Engine, request: GenerationRequest) -> GeneratedText:
    return submit(engine, request).result(WAIT_SECONDS)


def greedy(prompt: str, tokens: int = 24) -> GenerationRequest:
    return GenerationRequest(prompt=prompt, max_new_tokens=tokens, temperature=0)


def sampled(prompt: str, seed: int = 0, tokens: int = 24) -> GenerationRequest:
    return GenerationRequest(
        prompt=prompt, max_new_tokens=tokens, temperature=0.8, top_p=0.95, top_k=40, seed=seed
    )


def together(engine: Engine, requests: Sequence[GenerationRequest]) -> list[GeneratedText]:
    futures = [submit(engine, request) for request in requests]
    return [future.result(WAIT_SECONDS) for future in futures]


def test_greedy_tokens_are_those_of_transformers(engine: LlamaEngine, tiny: Path) -> None:
    # Its generate() is typed for a protocol that mypy does not find in it.
    reference: Any = LlamaForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    ids = load_folder(tiny).tokenizer.encode(SENTENCES[0])

    text = run(engine, greedy(SENTENCES[0]))

    whole = reference.generate(
        torch.tensor([ids]), max_new_tokens=24, do_sample=False, pad_token_id=0
    )
    assert list(text.token_ids) == whole[0, len(ids) :].tolist()
    assert text.prompt_tokens == len(ids)


@pytest.mark.parametrize("make", [greedy, sampled])
def test_a_text_does_not_depend_on_who_shares_the_batch(
    engine: LlamaEngine, make: Callable[..., GenerationRequest]
) -> None:
    requests = [make(prompt, tokens=5 + 3 * at) for at, prompt in enumerate(PROMPTS)]
    alone = [run(engine, request) for request in requests]

    assert together(engine, requests) == alone


def test_a_batch_smaller_than_the_crowd_changes_nothing(engine: LlamaEngine, tiny: Path) -> None:
    requests = [sampled(prompt, seed=at) for at, prompt in enumerate(PROMPTS)]
    narrow = LlamaEngine(load_folder(tiny), rows=3, device="cpu")

    texts = together(narrow, requests)

    narrow.close()
    assert texts == together(engine, requests)


def test_the_same_seed_gives_the_same_text_and_another_another(engine: LlamaEngine) -> None:
    texts = [run(engine, sampled("The fox", seed=seed)).text for seed in (1, 1, 2)]

    assert texts[0] == texts[1] != texts[2]


def test_the_outputs_of_one_job_differ(engine: LlamaEngine) -> None:
    request = sampled("The fox", seed=5)

    texts = together(engine, [replace(request, index=index) for index in range(4)])

    assert len({each.text for each in texts}) == 4


def test_a_stop_string_ends_the_text_before_it(engine: LlamaEngine) -> None:
    whole = run(engine, sampled("The fox", seed=3))
    stop = whole.text[6:11]

    text = run(engine, replace(sampled("The fox", seed=3), stop=(stop,)))

    assert text.text == whole.text[: whole.text.index(stop)]
    assert text.finish_reason == "stop"
    assert text.token_ids == whole.token_ids[: len(text.token_ids)]


def test_an_echoed_text_begins_with_the_exact_prompt(engine: LlamaEngine) -> None:
    request = sampled("  The\tfox \u2581 \u00e9\U0001f98a ")

    plain, echoed = together(engine, [request, replace(request, echo=True)])

    assert echoed.text == request.prompt + plain.text


def test_the_end_of_the_sequence_ends_the_text(tiny: Path) -> None:
    usual = LlamaEngine(load_folder(tiny), device="cpu")
    whole = run(usual, greedy("The fox"))
    again = load_folder(tiny)
    ending = LlamaEngine(replace(again, eos_ids=frozenset({whole.token_ids[3]})), device="cpu")

    text = run(ending, greedy("The fox"))

    usual.close()
    ending.close()
    first = whole.token_ids.index(whole.token_ids[3])
    assert text.finish_reason == "end"
    assert text.token_ids == whole.token_ids[: first + 1]
    assert whole.text.startswith(text.text)


def test_a_prompt_that_just_fits_runs_and_one_token_more_is_refused(engine: LlamaEngine) -> None:
    count = run(engine, greedy("The fox", tokens=1)).prompt_tokens
    fitting = greedy("The fox", tokens=engine.context_tokens - count)

    text = run(engine, fitting)

    assert len(text.token_ids) == engine.context_tokens - count
    with pytest.raises(PromptTooLong) as refusal:
        submit(engine, replace(fitting, max_new_tokens=fitting.max_new_tokens + 1))
    assert refusal.value.facts["over_by_tokens"] == 1


def test_a_cancelled_request_ends_and_its_neighbour_does_not_notice(engine: LlamaEngine) -> None:
    asked = threading.Event()
    flag = threading.Event()

    def cancelled() -> bool:
        asked.set()
        return flag.is_set()

    expected = run(engine, greedy("The fox", tokens=60))
    doomed = engine.submit(greedy("It was", tokens=100), cancelled=cancelled)
    neighbour = submit(engine, greedy("The fox", tokens=60))
    assert asked.wait(WAIT_SECONDS)
    flag.set()

    assert isinstance(doomed.exception(WAIT_SECONDS), GenerationCancelled)
    assert neighbour.result(WAIT_SECONDS) == expected


def test_many_threads_may_submit_at_once(engine: LlamaEngine) -> None:
    requests = [sampled(prompt, seed=at, tokens=8) for at, prompt in enumerate(PROMPTS * 4)]
    alone = [run(engine, request) for request in requests]

    with ThreadPoolExecutor(16) as pool:
        texts = list(pool.map(lambda request: run(engine, request), requests))

    assert texts == alone


def test_a_failing_model_fails_its_requests_and_serves_the_next(
    engine: LlamaEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:

        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("out of memory")

        broken.setattr(Forward, "logits", fail)
        error = submit(engine, greedy("The fox")).exception(WAIT_SECONDS)

    assert isinstance(error, RuntimeError)
    assert run(engine, greedy("The fox", tokens=2)).token_ids


def test_a_closed_engine_accepts_nothing(tiny: Path) -> None:
    engine = LlamaEngine(load_folder(tiny), device="cpu")
    accepted = submit(engine, greedy("The fox"))

    engine.close()

    assert accepted.result(0).token_ids
    with pytest.raises(Unavailable):
        submit(engine, greedy("The fox"))


def test_a_text_is_what_sentencepiece_reads_in_its_tokens(engine: LlamaEngine) -> None:
    library = sentencepiece.SentencePieceProcessor(model_proto=tokenizer_model())
    # So hot that most tokens are lone bytes.
    requests = [
        GenerationRequest(prompt="The \u00e9", max_new_tokens=20, temperature=4.0, seed=seed)
        for seed in range(20)
    ]

    texts = together(engine, requests)

    before = library.encode("The \u00e9")
    for each in texts:
        whole = library.decode([*before, *each.token_ids]).removeprefix("The \u00e9")
        # It marks every broken byte and half a character at the end; we mark neither twice.
        assert marked_once(each.text) == marked_once(whole)
    assert any("\ufffd" in each.text for each in texts)


def marked_once(text: str) -> str:
    return re.sub("\ufffd+", "\ufffd", text).rstrip("\ufffd")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_every_text_is_generated_in_16_bits(tiny: Path) -> None:
    engine = LlamaEngine(load_folder(tiny))

    texts = together(engine, [sampled(prompt, seed=at) for at, prompt in enumerate(PROMPTS)])

    engine.close()
    assert len({each.text for each in texts}) == len(PROMPTS)
