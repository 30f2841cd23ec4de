"""What a worker and its engine process say to each other: JSON objects, one a line.

Either side ends when the other has: then there is no more to read. Nothing is pickled.
"""

import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from registry.checkpoints.manifest import FileEntry, Manifest
from registry.errors import CorralError
from workers.generation.engine import EngineFault, GeneratedText, GenerationRequest, kind_of

_Packed = dict[str, Any]


class Wire:
    """One end of a connection; may be used by many threads at once, read by one."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._lines = connection.makefile("rb")
        self._lock = threading.Lock()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send an object.

        Raises:
            OSError: The other side has ended.
        """
        line = json.dumps(message).encode() + b"\n"
        with self._lock:
            self._socket.sendall(line)

    def __iter__(self) -> Iterator[_Packed]:
        """Yield what the other side sends, until it has ended; then nothing is open any more."""
        try:
            for line in self._lines:
                if line.endswith(b"\n"):  # or the other side ended within it
                    yield json.loads(line)
        except OSError:
            return
        finally:
            self._lines.close()
            self._socket.close()

    def close(self) -> None:
        """End; a thread that reads finds no more."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


def pack_manifest(manifest: Manifest) -> list[_Packed]:
    """Return a manifest with all digests of its files, those that are not its identity too."""
    return [_values(entry) for entry in manifest.files]


def unpack_manifest(packed: Sequence[_Packed]) -> Manifest:
    """Return the manifest."""
    return Manifest(tuple(FileEntry(**each) for each in packed))


def pack_request(request: GenerationRequest) -> _Packed:
    """Return a request."""
    return _values(request)


def unpack_request(packed: _Packed) -> GenerationRequest:
    """Return the request."""
    return GenerationRequest(**{**packed, "stop": tuple(packed["stop"])})


def pack_text(text: GeneratedText) -> _Packed:
    """Return what was generated."""
    return _values(text)


def unpack_text(packed: _Packed) -> GeneratedText:
    """Return what was generated."""
    return GeneratedText(**{**packed, "token_ids": tuple(packed["token_ids"])})


def pack_error(error: BaseException) -> _Packed:
    """Return an error: ours whole, of others what kind it is, since they may quote a text."""
    if isinstance(error, CorralError):
        return {"code": error.code, "message": str(error), "facts": error.facts}
    return {"kind": kind_of(error)}


def unpack_error(packed: _Packed) -> Exception:
    """Return the error, of the same class where it is one of ours."""
    if "code" not in packed:
        return EngineFault(packed["kind"])
    for each in _below(CorralError):
        if vars(each).get("code") == packed["code"]:
            error = each.__new__(each)
            CorralError.__init__(error, packed["message"], **packed["facts"])
            return error
    return EngineFault(packed["code"])


def _values(row: FileEntry | GenerationRequest | GeneratedText) -> _Packed:
    return {name: getattr(row, name) for name in row.__slots__}


def _below(error: type[CorralError]) -> Iterator[type[CorralError]]:
    for each in error.__subclasses__():
        yield each
        yield from _below(each)
