import threading

import pytest

from workers.duty import Duty, Ending, OutOfService

ENDING = Ending("canary_failed", "toxicity scores its canary wrong")


def in_service() -> Duty:
    """Return the duty of a worker whose filters just proved themselves."""
    duty = Duty(proof_seconds=60)
    duty.note_passed()
    return duty


def test_a_proven_worker_settles() -> None:
    duty = in_service()

    with duty.settling():
        settled = True

    assert settled
    assert duty.passed_at is not None


def test_a_worker_that_never_proved_its_filters_settles_nothing() -> None:
    duty = Duty(proof_seconds=60)

    with pytest.raises(OutOfService, match="not proven"), duty.settling():
        pytest.fail("settled")


def test_a_proof_that_is_too_old_is_none() -> None:
    duty = Duty(proof_seconds=-1)
    duty.note_passed()

    with pytest.raises(OutOfService, match="too long"):
        duty.check()


def test_a_worker_out_of_service_stays_so() -> None:
    duty = in_service()
    duty.end(ENDING)

    duty.note_passed()
    duty.end(Ending("other", "another fault"))

    assert duty.ending == ENDING
    with pytest.raises(OutOfService, match="canary wrong"), duty.settling():
        pytest.fail("settled")


def test_nothing_is_settled_once_the_end_is_told() -> None:
    duty = in_service()
    order: list[str] = []

    def end() -> None:
        duty.end(ENDING)
        order.append("ended")

    ending = threading.Thread(target=end)

    with duty.settling():
        ending.start()
        ending.join(0.1)
        order.append("settled")
    ending.join()

    assert order == ["settled", "ended"]
