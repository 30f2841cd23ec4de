import time

import pytest
from structlog.testing import capture_logs

from workers.logged import LOGGED_SECONDS, log_progress


def test_long_work_is_logged_now_and_then_with_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    with capture_logs() as lines:
        told = log_progress("loading", 1000, digest="ab")
        for _ in range(4):
            clock[0] += LOGGED_SECONDS / 2
            told(50)

    assert lines == [
        {
            "event": "loading",
            "log_level": "info",
            "done_bytes": done,
            "total_bytes": 1000,
            "bytes_per_second": 20,
            "digest": "ab",
        }
        for done in (100, 200)
    ]
