from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from filters.download import PUBLISHED, DownloadFailed, fetch

CONTENT = bytes(range(256)) * 2_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Shelf(BaseHTTPRequestHandler):
    """Serves one file, in parts if asked; ``/short`` breaks off, ``/whole`` ignores ranges."""

    ranges: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.ranges.append(asked)
        if self.path == "/missing":
            self.send_error(404)
            return
        first = int(re.findall(r"\d+", asked)[0]) if asked and self.path != "/whole" else 0
        if first >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(CONTENT) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        self.wfile.write(CONTENT[first : 100_000 if self.path == "/short" else None])

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    """A server on this machine."""
    Shelf.ranges.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Shelf) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_file_with_the_right_digest_is_kept(address: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []

    path = fetch(
        f"{address}/file",
        tmp_path / "new" / "a.ckpt",
        digest=DIGEST,
        progress=lambda *step: seen.append(step),
    )

    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [each.name for each in path.parent.iterdir()] == ["a.ckpt"]


def test_a_download_that_broke_off_is_continued(address: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="did not come completely"):
        fetch(f"{address}/short", tmp_path / "a.ckpt", digest=DIGEST)

    there = (tmp_path / "a.ckpt.part").stat().st_size

    path = fetch(f"{address}/file", tmp_path / "a.ckpt", digest=DIGEST)

    assert path.read_bytes() == CONTENT
    assert there > 0
    assert Shelf.ranges == [None, f"bytes={there}-"]


def test_a_server_without_ranges_is_asked_for_the_whole_file(address: str, tmp_path: Path) -> None:
    (tmp_path / "a.ckpt.part").write_bytes(CONTENT[:5000])

    path = fetch(f"{address}/whole", tmp_path / "a.ckpt", digest=DIGEST)

    assert path.read_bytes() == CONTENT


def test_a_complete_part_is_used_as_it_is(address: str, tmp_path: Path) -> None:
    (tmp_path / "a.ckpt.part").write_bytes(CONTENT)

    path = fetch(f"{address}/file", tmp_path / "a.ckpt", digest=DIGEST)

    assert path.read_bytes() == CONTENT


def test_a_wrong_digest_leaves_nothing_behind(address: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="deleted"):
        fetch(f"{address}/file", tmp_path / "a.ckpt", digest="00" * 32)

    assert list(tmp_path.iterdir()) == []


def test_a_part_of_another_file_does_not_end_up_in_the_result(address: str, tmp_path: Path) -> None:
    (tmp_path / "a.ckpt.part").write_bytes(b"x" * 5000)

    with pytest.raises(DownloadFailed, match="deleted"):
        fetch(f"{address}/file", tmp_path / "a.ckpt", digest=DIGEST)

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_a_failed_download(address: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed):
        fetch(f"{address}/missing", tmp_path / "a.ckpt", digest=DIGEST)

    assert not (tmp_path / "a.ckpt").exists()


def test_five_checkpoints_are_published() -> None:
    assert sorted(PUBLISHED) == [
        "multilingual",
        "original",
        "original-small",
        "unbiased",
        "unbiased-small",
    ]
    assert [len(each.classes) for each in PUBLISHED.values()] == [6, 16, 16, 6, 16]
