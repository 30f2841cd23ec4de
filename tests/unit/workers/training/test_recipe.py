from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.training.recipe import Schedule, parse_recipe

SCHEDULE = Schedule(steps=100, warmup_steps=10, decay_steps=30)


def test_the_rate_rises_holds_and_falls() -> None:
    shares = [SCHEDULE.share(step) for step in (0, 4, 9, 50, 70, 85, 99)]

    assert shares == [0.1, 0.5, 1.0, 1.0, 1.0, 0.5, 1 / 30]


def test_after_the_last_step_the_rate_is_zero() -> None:
    assert SCHEDULE.share(100) == SCHEDULE.share(1000) == 0.0


@given(st.integers(min_value=60, max_value=200))
def test_moving_the_end_leaves_the_steps_before_the_decay_alone(steps: int) -> None:
    moved = replace(SCHEDULE, steps=steps)

    shares = [(SCHEDULE.share(step), moved.share(step)) for step in range(min(steps, 100) - 30)]

    assert all(before == after for before, after in shares)


def test_a_recipe_without_a_table_is_refused() -> None:
    with pytest.raises(KeyError, match="corpus"):
        parse_recipe({"model": {}})
