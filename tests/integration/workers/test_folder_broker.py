"""The broker in a folder: messages come whole, in order, and to one taker each."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from registry.settings import Settings
from workers.broker import make_app

QUEUE = "generate.abc"


@pytest.fixture
def channels(tmp_path: Path) -> Iterator[list[Any]]:
    """Two channels on one folder, as two processes have them."""
    app = make_app(Settings(data_dir=tmp_path))
    connections = [app.connection_for_write() for _ in range(2)]
    yield [each.channel() for each in connections]
    for each in connections:
        each.release()


def drain(channel: Any, queue: str) -> list[int]:
    """Take everything from a queue."""
    taken = []
    while True:
        try:
            taken.append(channel._get(queue)["number"])
        except Empty:
            return taken


def test_messages_come_in_the_order_in_which_they_were_put(channels: list[Any]) -> None:
    for number in range(20):
        channels[0]._put(QUEUE, {"number": number})

    assert drain(channels[1], QUEUE) == list(range(20))


def test_each_message_is_taken_once(channels: list[Any]) -> None:
    for number in range(200):
        channels[0]._put(QUEUE, {"number": number})

    with ThreadPoolExecutor(2) as pool:
        taken = [each for part in pool.map(lambda it: drain(it, QUEUE), channels) for each in part]

    assert sorted(taken) == list(range(200))


def test_a_queue_is_not_taken_for_one_whose_name_it_ends(channels: list[Any]) -> None:
    channels[0]._put("other.generate.abc", {"number": 1})

    assert drain(channels[1], QUEUE) == []


def test_an_unfinished_message_is_not_seen(channels: list[Any], tmp_path: Path) -> None:
    (tmp_path / "queue" / "messages" / "1_x.unfinished").write_text("{")

    assert drain(channels[0], QUEUE) == []
