"""Who shares a step, and what happens when one fails."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.checkpoints.tokenizer import Tokenizer
from registry.errors import PromptTooLong, Unavailable
from workers.generation.batching import Batcher, Part
from workers.generation.engine import GeneratedText, GenerationCancelled, GenerationRequest
from workers.generation.room import SPAN_STEP, Room
from workers.generation.row import Row

LETTERS = Tokenizer(
    bos_id=0,
    eos_ids=frozenset(),
    vocab_size=128,
    _split=lambda text: [ord(letter) for letter in text],
    _split_all=lambda texts: [[ord(letter) for letter in text] for text in texts],
    _bytes=tuple(bytes([code]) for code in range(128)),
    _adds_space=False,
)
WAIT_SECONDS = 10
UNBEARABLE = 10_000


class Repeating:
    """A model that repeats the last letter of each prompt, and waits to be let go on.

    It remembers in each place what was read there, and fails where that is not the row's own.
    """

    def __init__(self) -> None:
        self.memory: dict[int, list[int]] = {}
        self.sizes: list[int] = []
        self.read: list[int] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_in_step = threading.Event()
        self.broken_letters = ""

    def run(self, parts: Sequence[Part]) -> list[int]:
        self.is_in_step.set()
        assert self.may_go_on.wait(WAIT_SECONDS)
        self.sizes.append(len(parts))
        self.read.append(sum(len(part.tokens) for part in parts if not part.row.token_ids))
        for place, part in enumerate(parts):
            tokens = [*part.row.prompt_ids, *part.row.token_ids]
            before = self.memory.get(place, [])[: part.begin]
            assert before == tokens[: part.begin]
            self.memory[place] = [*before, *part.tokens]
            assert self.memory[place] == tokens[: part.end]
        whole = [part.row for part in parts if part.is_whole]
        if any(row.request.prompt[-1] in self.broken_letters for row in whole):
            raise ArithmeticError("broken")
        return [row.prompt_ids[-1] for row in whole]

    def reserve(self, limits: Sequence[int]) -> None:
        if max(limits) >= UNBEARABLE:
            raise MemoryError("no room for these")

    def move(self, places: Sequence[tuple[int, int, int]]) -> None:
        for start, end, count in places:
            self.memory[end] = self.memory[start][:count]


def row(prompt: str, *, tokens: int = 3, cancelled: Callable[[], bool] = lambda: False) -> Row:
    return Row(
        GenerationRequest(prompt=prompt, max_new_tokens=tokens),
        prompt_ids=LETTERS.encode(prompt),
        tokenizer=LETTERS,
        eos_ids=LETTERS.eos_ids,
        cancelled=cancelled,
    )


def put(batcher: Batcher, *rows: Row) -> list[Future[GeneratedText]]:
    for each in rows:
        batcher.put(each)
    return [each.future for each in rows]


@pytest.fixture
def model() -> Repeating:
    return Repeating()


def start(model: Repeating, room: Room | None = None) -> Batcher:
    return Batcher(model, room=room or Room(), name="test")


def text(future: Future[GeneratedText]) -> str:
    return future.result(WAIT_SECONDS).text


def test_every_row_gets_its_own_text(model: Repeating) -> None:
    batcher = start(model)

    futures = put(batcher, *(row(letter, tokens=2 + at) for at, letter in enumerate("abcd")))

    assert [text(each) for each in futures] == ["aa", "bbb", "cccc", "ddddd"]
    batcher.close()


def test_who_comes_while_others_run_joins_them(model: Repeating) -> None:
    batcher = start(model)
    model.may_go_on.clear()
    (first,) = put(batcher, row("a", tokens=50))
    assert model.is_in_step.wait(WAIT_SECONDS)

    (second,) = put(batcher, row("b"))
    model.may_go_on.set()

    assert text(second) == "bbb"
    assert text(first) == "a" * 50
    assert 2 in model.sizes
    batcher.close()


def test_no_more_rows_run_than_there_is_room_for(model: Repeating) -> None:
    batcher = start(model, Room(rows=3, positions=1000))

    futures = put(batcher, *(row("a", tokens=9) for _ in range(10)))

    assert {text(each) for each in futures} == {"a" * 9}
    assert max(model.sizes) <= 3
    batcher.close()


def test_room_is_counted_by_the_longest_row_in_steps() -> None:
    room = Room(rows=8, positions=4 * SPAN_STEP)
    short, long = row("a", tokens=3), row("a", tokens=SPAN_STEP)

    assert room.fits([short, short, short, short])
    assert not room.fits([short, short, short, short, short])
    assert room.fits([short, long])
    assert not room.fits([short, short, long])


def test_a_row_that_could_never_run_is_refused_with_the_numbers(model: Repeating) -> None:
    batcher = start(model, Room(positions=2 * SPAN_STEP))

    with pytest.raises(PromptTooLong) as refusal:
        batcher.put(row("a", tokens=2 * SPAN_STEP))

    assert refusal.value.facts["over_by_tokens"] == 2
    batcher.close()


def test_a_long_prompt_is_read_in_parts_while_others_go_on(model: Repeating) -> None:
    batcher = start(model, Room(chunk=10))
    model.may_go_on.clear()
    (going,) = put(batcher, row("a", tokens=40))
    assert model.is_in_step.wait(WAIT_SECONDS)

    (long,) = put(batcher, row("b" * 95, tokens=2))
    model.may_go_on.set()

    assert (text(going), text(long)) == ("a" * 40, "bb")
    assert max(model.read) <= 10
    batcher.close()


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_whoever_comes_and_goes_everybody_gets_their_own_text(data: st.DataObject) -> None:
    model = Repeating()
    batcher = start(model, Room(rows=4, positions=4 * SPAN_STEP, chunk=5))
    flags: list[tuple[threading.Event, Future[GeneratedText], str, int]] = []

    for _ in range(data.draw(st.integers(1, 12))):
        prompt = data.draw(st.text("abcdef", min_size=1, max_size=20))
        tokens = data.draw(st.integers(1, 30))
        flag = threading.Event()
        (future,) = put(batcher, row(prompt, tokens=tokens, cancelled=flag.is_set))
        flags.append((flag, future, prompt, tokens))
        if data.draw(st.booleans()):
            data.draw(st.sampled_from(flags))[0].set()

    batcher.close()
    for flag, future, prompt, tokens in flags:
        error = future.exception(WAIT_SECONDS)
        assert isinstance(error, GenerationCancelled) if error else True
        if error is None:
            assert text(future) == prompt[-1] * tokens
        else:
            assert flag.is_set()


def test_a_running_row_that_is_cancelled_makes_room_at_the_next_step(model: Repeating) -> None:
    batcher = start(model)
    flag = threading.Event()
    model.may_go_on.clear()
    cancelled, other = put(
        batcher, row("a", tokens=9_000, cancelled=flag.is_set), row("b", tokens=5)
    )
    assert model.is_in_step.wait(WAIT_SECONDS)

    flag.set()
    model.may_go_on.set()

    assert isinstance(cancelled.exception(WAIT_SECONDS), GenerationCancelled)
    assert text(other) == "bbbbb"
    batcher.close()


def test_a_waiting_row_that_is_cancelled_never_runs(model: Repeating) -> None:
    batcher = start(model, Room(rows=1))
    flag = threading.Event()
    model.may_go_on.clear()
    first, waiting = put(batcher, row("a"), row("b", cancelled=flag.is_set))

    flag.set()
    model.may_go_on.set()

    assert isinstance(waiting.exception(WAIT_SECONDS), GenerationCancelled)
    assert text(first) == "aaa"
    batcher.close()


def test_a_future_that_its_holder_cancels_is_left_alone(model: Repeating) -> None:
    batcher = start(model, Room(rows=1))
    model.may_go_on.clear()
    first, waiting = put(batcher, row("a"), row("b"))

    assert waiting.cancel()
    model.may_go_on.set()

    assert text(first) == "aaa"
    batcher.close()


def test_a_failed_step_fails_those_who_shared_it_and_nobody_else(model: Repeating) -> None:
    batcher = start(model, Room(rows=1))
    model.broken_letters = "x"

    broken, sound = put(batcher, row("x"), row("a"))

    assert isinstance(broken.exception(WAIT_SECONDS), ArithmeticError)
    assert text(sound) == "aaa"
    batcher.close()


def test_rows_that_fail_to_join_do_not_disturb_those_running(model: Repeating) -> None:
    batcher = start(model, Room(positions=40_000))
    model.may_go_on.clear()
    (running,) = put(batcher, row("a", tokens=20))
    assert model.is_in_step.wait(WAIT_SECONDS)

    (failed,) = put(batcher, row("b", tokens=UNBEARABLE))
    model.may_go_on.set()

    assert isinstance(failed.exception(WAIT_SECONDS), MemoryError)
    assert text(running) == "a" * 20
    batcher.close()


def test_closing_finishes_what_was_accepted_and_accepts_nothing_more(model: Repeating) -> None:
    batcher = start(model, Room(rows=1))
    futures = put(batcher, row("a"), row("b"))

    batcher.close()

    assert [each.result(0).text for each in futures] == ["aaa", "bbb"]
    with pytest.raises(Unavailable):
        batcher.put(row("c"))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_ever_when_the_thread_dies(model: Repeating) -> None:
    def mistake() -> bool:
        raise RuntimeError("a mistake of ours")

    batcher = start(model)

    (future,) = put(batcher, row("a", cancelled=mistake))

    assert isinstance(future.exception(WAIT_SECONDS), Unavailable)
    batcher.close()
