"""A real, trained checkpoint gives the text that an independent program gives."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.llamas import load_folder
from tests.support.stories import golden_text, make_stories_release
from workers.generation.engine import GenerationRequest
from workers.generation.llama import LlamaEngine

WAIT_SECONDS = 60


@pytest.fixture(scope="module")
def stories(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaEngine]:
    folder = tmp_path_factory.mktemp("stories")
    make_stories_release(folder, data_dir)
    engine = LlamaEngine(load_folder(folder), device="cpu")
    yield engine
    engine.close()


def test_the_greedy_text_is_the_golden_one(stories: LlamaEngine, data_dir: Path) -> None:
    request = GenerationRequest(prompt="", max_new_tokens=200, temperature=0)

    text = stories.submit(request, cancelled=lambda: False).result(WAIT_SECONDS).text

    assert text.startswith(golden_text(data_dir))


def test_a_story_that_is_begun_goes_on_as_if_it_had_been_generated(
    stories: LlamaEngine, data_dir: Path
) -> None:
    golden = golden_text(data_dir)
    cut = golden.index(" She loved")
    requests = [
        GenerationRequest(prompt=golden[:cut], max_new_tokens=60, temperature=0, echo=echo)
        for echo in (False, True)
    ]

    texts = [
        stories.submit(request, cancelled=lambda: False).result(WAIT_SECONDS).text
        for request in requests
    ]

    assert texts[0].startswith(" She loved to play")
    assert golden.startswith(texts[1][: len(golden)])


def test_the_story_ends_where_the_model_ends_it(stories: LlamaEngine) -> None:
    request = GenerationRequest(prompt="", max_new_tokens=500, temperature=0)

    text = stories.submit(request, cancelled=lambda: False).result(WAIT_SECONDS)

    assert text.finish_reason == "end"
    assert text.token_ids[-1] == 1
    assert text.text.endswith('You are a good friend."')
