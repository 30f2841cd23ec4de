"""Whose job is sent next: nobody is forgotten, and nobody takes all the room."""

from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from registry.jobs.turns import order

ADA, BOB, EVE = (UUID(int=number) for number in range(3))

people = st.integers(0, 7).map(lambda number: UUID(int=number))
waiting_messages = st.dictionaries(people, st.integers(0, 50))
held_jobs = st.dictionaries(people, st.integers(0, 50))
rooms = st.integers(2, 64)


@given(waiting_messages, held_jobs, rooms)
def test_whoever_has_jobs_has_a_message_waiting_afterwards(
    waiting: dict[UUID, int], held: dict[UUID, int], room_jobs: int
) -> None:
    after = Counter(waiting) + Counter(order(waiting, held, room_jobs=room_jobs))

    assert all(after[each] > 0 for each in held if held[each])


@given(waiting_messages, held_jobs, rooms)
def test_nobody_gets_a_place_before_those_who_have_fewer(
    waiting: dict[UUID, int], held: dict[UUID, int], room_jobs: int
) -> None:
    has, left = Counter(waiting), Counter(held)

    for each in order(waiting, held, room_jobs=room_jobs):
        assert has[each] == min(has[other] for other in left if left[other])
        has[each] += 1
        left[each] -= 1


@given(waiting_messages, held_jobs, rooms)
def test_nobody_has_more_than_half_of_the_room(
    waiting: dict[UUID, int], held: dict[UUID, int], room_jobs: int
) -> None:
    given_to = Counter(order(waiting, held, room_jobs=room_jobs))

    assert all(
        waiting.get(each, 0) + count <= max(1, room_jobs // 2) for each, count in given_to.items()
    )


@given(waiting_messages, held_jobs, rooms)
def test_beyond_the_room_there_is_one_message_for_each_who_had_none(
    waiting: dict[UUID, int], held: dict[UUID, int], room_jobs: int
) -> None:
    portion = order(waiting, held, room_jobs=room_jobs)

    before = sum(waiting.values())
    had_none = [each for each in held if held[each] and not waiting.get(each)]
    assert before + len(portion) <= max(room_jobs, before) + len(had_none)


@given(waiting_messages, held_jobs, rooms)
def test_no_more_jobs_are_sent_than_are_held(
    waiting: dict[UUID, int], held: dict[UUID, int], room_jobs: int
) -> None:
    portion = Counter(order(waiting, held, room_jobs=room_jobs))

    assert portion <= Counter(held)


def test_ten_thousand_jobs_leave_room_for_three() -> None:
    first = order({}, {ADA: 10_000}, room_jobs=64)

    then = order(Counter(first), {ADA: 10_000 - len(first), BOB: 3}, room_jobs=64)

    assert len(first) == 32
    assert then == [BOB] * 3


def test_those_who_come_together_take_turns() -> None:
    portion = order({}, {ADA: 100, BOB: 100, EVE: 2}, room_jobs=8)

    assert portion == [ADA, BOB, EVE, ADA, BOB, EVE, ADA, BOB]


def test_a_full_queue_takes_one_from_a_newcomer_and_no_more() -> None:
    portion = order({ADA: 32, BOB: 32}, {ADA: 5, BOB: 5, EVE: 5}, room_jobs=64)

    assert portion == [EVE]
