import pytest

from registry.jobs.states import (
    MOVES,
    OUTPUT_MOVES,
    JobState,
    OutputState,
    is_final,
    may_move,
)


def test_every_state_has_a_row_in_the_table() -> None:
    assert set(MOVES) == set(JobState)
    assert set(OUTPUT_MOVES) == set(OutputState)


def test_a_job_is_done_only_after_scoring() -> None:
    before_done = {state for state in JobState if may_move(state, JobState.DONE)}

    assert before_done == {JobState.SCORING}


def test_an_output_is_released_from_pending_or_by_a_review() -> None:
    before = {state for state in OutputState if OutputState.RELEASED in OUTPUT_MOVES[state]}

    assert before == {OutputState.PENDING, OutputState.FLAGGED}


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED, JobState.CANCELLED])
def test_endings_are_final(state: JobState) -> None:
    assert is_final(state)


def test_a_job_can_be_cancelled_until_it_ends() -> None:
    stoppable = {state for state in JobState if may_move(state, JobState.CANCELLED)}

    assert stoppable == {JobState.QUEUED, JobState.GENERATING, JobState.SCORING}
