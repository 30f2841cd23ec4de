"""An engine process ends when it must, and nobody waits for one that has ended."""

import os
import signal
import threading
from pathlib import Path

import pytest

from registry.checkpoints.manifest import Manifest
from registry.errors import Unavailable
from tests.support.apart import LONG, WAIT_SECONDS, begin, never, request, untold
from workers.generation import apart


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that ended but was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_if_it_is_killed_all_fails_that_it_was_asked_for_and_the_worker_is_told(
    stored: tuple[Path, Manifest],
) -> None:
    lost = threading.Event()
    process = begin(stored[0], lost)
    engine = process.load(stored[1].digest, stored[1], untold)
    futures = [engine.submit(request(LONG, seed), cancelled=never) for seed in range(64)]

    os.kill(process.pid, signal.SIGKILL)

    assert any(isinstance(each.exception(WAIT_SECONDS), Unavailable) for each in futures)
    assert lost.wait(WAIT_SECONDS)
    with pytest.raises(Unavailable):
        engine.submit(request(), cancelled=never)
    with pytest.raises(Unavailable):
        process.load(stored[1].digest, stored[1], untold)
    engine.close()
    process.close()


def test_a_load_whose_process_is_killed_fails(stored: tuple[Path, Manifest]) -> None:
    lost = threading.Event()
    process = begin(stored[0], lost)
    process.device  # noqa: B018  it has started

    def kill(_: int) -> None:
        os.kill(process.pid, signal.SIGKILL)

    with pytest.raises(Unavailable):
        process.load(stored[1].digest, stored[1], kill)

    assert lost.wait(WAIT_SECONDS)
    process.close()


def test_one_that_cannot_start_says_so(
    stored: tuple[Path, Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(stored[0]))
    (stored[0] / "torch.py").write_text("raise ImportError('broken')")
    lost = threading.Event()

    process = begin(stored[0], lost)

    with pytest.raises(Unavailable, match="log"):
        process.device  # noqa: B018
    assert lost.wait(WAIT_SECONDS)
    (stored[0] / "torch.py").unlink()
    process.close()


def test_it_ends_at_once_when_the_worker_has(stored: tuple[Path, Manifest]) -> None:
    process = begin(stored[0], threading.Event())
    engine = process.load(stored[1].digest, stored[1], untold)
    for seed in range(64):
        engine.submit(request(LONG, seed), cancelled=never)

    process.close()

    assert not is_alive(process.pid)


def test_one_that_hangs_is_killed(
    stored: tuple[Path, Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "END_SECONDS", 0.1)
    lost = threading.Event()
    process = begin(stored[0], lost)
    process.device  # noqa: B018  it has started
    os.kill(process.pid, signal.SIGSTOP)

    process._wire.close()

    assert lost.wait(WAIT_SECONDS), "or the worker would go on without an engine"
    assert not is_alive(process.pid)


def test_a_mistake_in_it_ends_it(stored: tuple[Path, Manifest]) -> None:
    lost = threading.Event()
    process = begin(stored[0], lost)
    process.device  # noqa: B018  it has started

    process._say(say="load", digest="0" * 64, manifest=[{"no": "file"}])

    assert lost.wait(WAIT_SECONDS), "or whoever waits for the load would wait for ever"


def test_what_cannot_be_understood_ends_it(stored: tuple[Path, Manifest]) -> None:
    lost = threading.Event()
    process = begin(stored[0], lost)
    engine = process.load(stored[1].digest, stored[1], untold)

    process._hear = lambda _: 1 / 0  # type: ignore[method-assign, assignment]
    future = engine.submit(request(), cancelled=never)

    with pytest.raises(Unavailable):
        future.result(WAIT_SECONDS)
    assert lost.wait(WAIT_SECONDS)
    assert not is_alive(process.pid)
