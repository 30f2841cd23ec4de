"""Whatever crosses the wire arrives as it was sent."""

import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.checkpoints.manifest import FileEntry, Manifest
from registry.errors import BadCheckpoint, CorralError, PromptTooLong, Unavailable
from workers.generation import wire
from workers.generation.engine import (
    EngineFault,
    GeneratedText,
    GenerationCancelled,
    GenerationRequest,
    kind_of,
)
from workers.generation.reading import TamperedRelease
from workers.generation.wire import Wire

Ends = tuple[Wire, Wire]


@pytest.fixture
def ends() -> Iterator[Ends]:
    sockets = socket.socketpair()
    one, other = (Wire(each) for each in sockets)
    yield one, other
    for wire_end, each in zip((one, other), sockets, strict=True):
        wire_end.close()
        each.close()


def through(ends: Ends, message: dict[str, object]) -> object:
    one, other = ends
    one.send(message)
    return next(iter(other))


REQUESTS = st.builds(
    GenerationRequest,
    prompt=st.text(),
    max_new_tokens=st.integers(1, 10_000),
    temperature=st.floats(0.0, 100.0),
    top_p=st.floats(0.001, 1.0),
    top_k=st.integers(0, 1000),
    seed=st.integers(0, 2**64 - 1),
    index=st.integers(0, 100),
    stop=st.lists(st.text(min_size=1), max_size=3).map(tuple),
    echo=st.booleans(),
)


@given(REQUESTS)
def test_a_request_arrives_as_it_was_sent(request: GenerationRequest) -> None:
    sockets = socket.socketpair()
    ends = Wire(sockets[0]), Wire(sockets[1])

    found = through(ends, wire.pack_request(request))

    assert isinstance(found, dict)
    assert wire.unpack_request(found) == request
    for end, each in zip(ends, sockets, strict=True):
        end.close()
        each.close()


def test_a_text_arrives_as_it_was_sent(ends: Ends) -> None:
    text = GeneratedText("a\nb\0\u2028\U0001f600", "stop", (1, 2, 3), 4)

    found = through(ends, wire.pack_text(text))

    assert isinstance(found, dict)
    assert wire.unpack_text(found) == text


def test_a_manifest_keeps_the_digests_that_are_not_its_identity(ends: Ends) -> None:
    manifest = Manifest((FileEntry("config.json", 1, "0" * 64, "1" * 64),))

    found = through(ends, {"manifest": wire.pack_manifest(manifest)})

    assert isinstance(found, dict)
    again = wire.unpack_manifest(found["manifest"])
    assert again.digest == manifest.digest
    assert again.files[0].blake3 == "1" * 64


@pytest.mark.parametrize(
    "error",
    [
        TamperedRelease("config.json", expected="0" * 64, found="1" * 64),
        PromptTooLong(prompt_tokens=9, max_new_tokens=9, context_tokens=16),
        BadCheckpoint("no LLaMA", path="config.json"),
        Unavailable("the disk is gone"),
        GenerationCancelled("nobody wants it"),
    ],
    ids=kind_of,
)
def test_an_error_of_ours_arrives_whole(ends: Ends, error: CorralError) -> None:
    found = through(ends, wire.pack_error(error))

    assert isinstance(found, dict)
    again = wire.unpack_error(found)
    assert isinstance(again, CorralError)
    assert (type(again), str(again), again.facts) == (type(error), str(error), error.facts)


def test_of_another_error_only_its_kind_arrives_for_it_may_quote_a_text(ends: Ends) -> None:
    found = through(ends, wire.pack_error(ValueError("a secret prompt")))

    assert isinstance(found, dict)
    again = wire.unpack_error(found)
    assert isinstance(again, EngineFault)
    assert kind_of(again) == "ValueError"
    assert "secret" not in str(again)


def test_who_reads_ends_when_the_other_side_has(ends: Ends) -> None:
    one, other = ends
    read: list[object] = []
    reader = threading.Thread(target=lambda: read.extend(other))
    reader.start()

    one.send({"say": "last"})
    one.close()
    reader.join(10)

    assert not reader.is_alive()
    assert read == [{"say": "last"}]


def test_what_the_other_side_could_not_finish_is_not_read() -> None:
    one, other = socket.socketpair()
    one.sendall(b'{"say": "first"}\n{"say": "sec')
    one.close()

    assert list(Wire(other)) == [{"say": "first"}]
    other.close()


def test_who_sends_to_nobody_is_told(ends: Ends) -> None:
    one, other = ends
    other.close()

    with pytest.raises(OSError, match=r"."):
        one.send({"say": "anything"})
