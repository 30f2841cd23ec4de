"""``corral filter fetch`` against a server on this machine."""

import hashlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from filters.published import PUBLISHED, Published
from tests.integration.api.cli.conftest import Corral

CONTENT = b"a checkpoint" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and keeps quiet."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The address of a checkpoint."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (shelf / "toxic.ckpt").write_bytes(CONTENT)
    handler = partial(Quiet, directory=str(shelf))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/toxic.ckpt"
        server.shutdown()
        thread.join()


def test_a_checkpoint_with_the_right_digest_arrives(bare: Corral, url: str, tmp_path: Path) -> None:
    target = tmp_path / "got.ckpt"

    result = bare("filter", "fetch", url, "--sha256", DIGEST, "--out", str(target), "--json")

    assert result.exit_code == 0
    assert target.read_bytes() == CONTENT


def test_a_checkpoint_with_another_digest_is_deleted(
    bare: Corral, url: str, tmp_path: Path
) -> None:
    target = tmp_path / "got.ckpt"

    result = bare("filter", "fetch", url, "--sha256", "0" * 64, "--out", str(target))

    assert result.exit_code == 1
    assert "expected 000000000000" in result.stderr
    assert list(tmp_path.glob("got*")) == []


def test_a_published_checkpoint_goes_to_its_place_in_the_data_directory(
    bare: Corral, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PUBLISHED, "original", Published(url, "bert-base-uncased", ("toxicity",)))

    result = bare("filter", "fetch", "original", "--sha256", DIGEST)

    assert result.exit_code == 0
    assert (tmp_path / "data" / "checkpoints" / "original.ckpt").read_bytes() == CONTENT
    assert "tokenizer of bert-base-uncased" in result.stdout


def test_a_file_from_an_address_needs_a_place(bare: Corral, url: str) -> None:
    result = bare("filter", "fetch", url, "--sha256", DIGEST)

    assert result.exit_code == 2
    assert "--out" in result.stderr


def test_a_name_that_is_not_published_is_wrong_usage(bare: Corral, tmp_path: Path) -> None:
    result = bare("filter", "fetch", "nope", "--sha256", DIGEST, "--out", str(tmp_path / "x"))

    assert result.exit_code == 2
    assert "original" in result.stderr
