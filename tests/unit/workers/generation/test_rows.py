"""One output on its way."""

from registry.checkpoints.tokenizer import Tokenizer
from workers.generation.engine import GeneratedText, GenerationRequest
from workers.generation.row import Row

WORDS = ("", "", " one", " two", " END", "\xe9")
TABLE = (*(word.encode() for word in WORDS), b"\xc3", b"\xa9")


def ids_of(text: str) -> list[int]:
    return [WORDS.index(f" {word}") for word in text.split()]


TOKENIZER = Tokenizer(
    bos_id=0,
    eos_ids=frozenset({1}),
    vocab_size=len(TABLE),
    _split=ids_of,
    _split_all=lambda texts: [ids_of(text) for text in texts],
    _bytes=TABLE,
    _adds_space=True,
)


def run(
    tokens: list[int],
    *,
    prompt: str = "one",
    max_new_tokens: int = 9,
    stop: tuple[str, ...] = (),
    echo: bool = False,
) -> GeneratedText:
    row = Row(
        GenerationRequest(prompt=prompt, max_new_tokens=max_new_tokens, stop=stop, echo=echo),
        prompt_ids=TOKENIZER.encode(prompt),
        tokenizer=TOKENIZER,
        eos_ids=TOKENIZER.eos_ids,
        cancelled=lambda: False,
    )
    for token in tokens:
        assert not row.is_finished
        row.push(token)
    assert row.is_finished
    row.finish()
    return row.future.result()


def test_a_text_ends_when_its_tokens_are_used_up() -> None:
    text = run([2, 3], max_new_tokens=2)

    assert text == GeneratedText(" one two", "length", (2, 3), prompt_tokens=2)


def test_a_text_ends_at_the_end_of_the_sequence() -> None:
    text = run([2, 1])

    assert text == GeneratedText(" one", "end", (2, 1), prompt_tokens=2)


def test_a_text_ends_before_its_stop_string() -> None:
    text = run([2, 4], stop=("E",))

    assert text == GeneratedText(" one ", "stop", (2, 4), prompt_tokens=2)


def test_the_last_token_can_complete_a_stop_string() -> None:
    assert run([4], max_new_tokens=1, stop=("END",)).finish_reason == "stop"


def test_an_echoed_prompt_comes_first_and_is_not_searched_for_stop_strings() -> None:
    text = run([3], prompt="one", max_new_tokens=1, stop=("one",), echo=True)

    assert text.text == "one two"


def test_a_text_after_an_empty_prompt_begins_without_the_added_space() -> None:
    assert run([2, 3], prompt="", max_new_tokens=2).text == "one two"


def test_a_character_in_two_tokens_comes_out_whole() -> None:
    assert run([6, 7], max_new_tokens=2).text == "\xe9"


def test_half_a_character_at_the_end_is_left_out() -> None:
    assert run([2, 6], max_new_tokens=2).text == " one"


def test_half_a_character_inside_is_replaced() -> None:
    assert run([6, 3], max_new_tokens=2).text == "\ufffd two"


def test_the_second_half_of_a_character_alone_is_replaced() -> None:
    assert run([7, 5], max_new_tokens=2).text == "\ufffd\xe9"
