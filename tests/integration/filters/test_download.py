from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from filters import download
from filters.download import DownloadFailed, fetch

CONTENT = bytes(range(256)) * 2_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Shelf(BaseHTTPRequestHandler):
    """Serves one file, in parts if asked.

    ``/short`` breaks off, ``/whole`` ignores ranges, ``/shifted`` sends another part than was
    asked for, ``/other`` serves another file, ``/moved`` is at ``/file``.
    """

    ranges: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.ranges.append(asked)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.end_headers()
            return
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
            told = first + (self.path == "/shifted")
            self.send_header("Content-Range", f"bytes {told}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        content = CONTENT[::-1] if self.path == "/other" else CONTENT
        self.wfile.write(content[first : 100_000 if self.path == "/short" else None])

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


def test_a_file_that_is_there_already_is_not_downloaded_again(address: str, tmp_path: Path) -> None:
    (tmp_path / "a.ckpt").write_bytes(CONTENT)

    fetch(f"{address}/file", tmp_path / "a.ckpt", digest=DIGEST.upper())

    assert Shelf.ranges == []
    assert [each.name for each in tmp_path.iterdir()] == ["a.ckpt"]


def test_a_release_page_that_redirects_is_followed(address: str, tmp_path: Path) -> None:
    path = fetch(f"{address}/moved", tmp_path / "a.ckpt", digest=DIGEST)

    assert path.read_bytes() == CONTENT


def test_a_part_is_not_gone_on_with_by_another_file(address: str, tmp_path: Path) -> None:
    (tmp_path / "a.ckpt.part").write_bytes(CONTENT[:5000])

    with pytest.raises(DownloadFailed, match="expected"):
        fetch(f"{address}/other", tmp_path / "a.ckpt", digest=DIGEST)

    assert list(tmp_path.iterdir()) == []


def test_a_server_that_sends_another_part_than_it_was_asked_for_spoils_nothing(
    address: str, tmp_path: Path
) -> None:
    (tmp_path / "a.ckpt.part").write_bytes(CONTENT[:5000])

    with pytest.raises(DownloadFailed, match="expected"):
        fetch(f"{address}/shifted", tmp_path / "a.ckpt", digest=DIGEST)

    assert fetch(f"{address}/file", tmp_path / "a.ckpt", digest=DIGEST).read_bytes() == CONTENT


def test_a_link_in_the_place_of_the_part_is_not_followed(address: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"precious")
    (tmp_path / "a.ckpt.part").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(DownloadFailed, match="cannot be written"):
        fetch(f"{address}/file", tmp_path / "a.ckpt", digest=DIGEST)

    assert (tmp_path / "elsewhere").read_bytes() == b"precious"


def test_a_link_in_the_place_of_the_file_is_replaced_not_followed(
    address: str, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").write_bytes(b"precious")
    (tmp_path / "a.ckpt").symlink_to(tmp_path / "elsewhere")

    fetch(f"{address}/file", tmp_path / "a.ckpt", digest=DIGEST)

    assert (tmp_path / "elsewhere").read_bytes() == b"precious"
    assert (tmp_path / "a.ckpt").read_bytes() == CONTENT
    assert not (tmp_path / "a.ckpt").is_symlink()


def test_a_server_that_never_stops_is_stopped(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "LARGEST_BYTES", 1000)

    with pytest.raises(DownloadFailed, match="more than 1000 bytes"):
        fetch(f"{address}/file", tmp_path / "a.ckpt", digest=DIGEST)

    assert not (tmp_path / "a.ckpt").exists()
    assert (tmp_path / "a.ckpt.part").stat().st_size == 0


def test_several_who_want_one_file_download_it_once(address: str, tmp_path: Path) -> None:
    def want() -> None:
        found.append(fetch(f"{address}/file", tmp_path / "a.ckpt", digest=DIGEST).read_bytes())

    found: list[bytes] = []
    threads = [Thread(target=want) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [CONTENT] * 4
    assert len(Shelf.ranges) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["a.ckpt"]


def test_a_folder_in_the_way_is_a_failed_download(address: str, tmp_path: Path) -> None:
    (tmp_path / "a.ckpt").mkdir()

    with pytest.raises(DownloadFailed, match="cannot be written"):
        fetch(f"{address}/file", tmp_path / "a.ckpt", digest=DIGEST)
