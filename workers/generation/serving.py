"""The engine process: loads releases and generates, for the worker at the other end of a wire.

It knows neither records nor messages, ignores the signals that end a worker, and ends at once
when the worker has.
"""

import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import structlog

from registry.checkpoints.manifest import Manifest
from registry.errors import CorralError, Unavailable
from registry.telemetry import configure_logs
from workers.generation import wire
from workers.generation.engine import Engine, GeneratedText
from workers.generation.freeing import give_back_memory, keep_memory_at_hand
from workers.generation.loader import Loader
from workers.generation.wire import Wire

log = structlog.get_logger(__name__)

COUNT_SECONDS = 0.25
"""Pause between two reports of how many tokens there are."""


class Serving:
    """Does what the worker asks, until it has ended."""

    def __init__(self, line: Wire, loader: Loader) -> None:
        self._wire = line
        self._loader = loader
        self._engines: dict[str, Engine] = {}
        self._given_up = threading.Event()
        self._cancelled: set[int] = set()
        self._counts: dict[int, int] = {}
        self._answers: SimpleQueue[dict[str, Any]] = SimpleQueue()

    def run(self) -> None:
        """Serve; answers have a thread of their own, so that this one always reads."""
        self._apart(self._write)
        device = self._loader.device
        self._answers.put(
            {
                "say": "ready",
                "item_bytes": device.item_bytes,
                "memory_bytes": device.memory_bytes,
            }
        )
        for message in self._wire:
            self._hear(message)

    def _hear(self, message: dict[str, Any]) -> None:
        match message["say"]:
            case "load":
                self._given_up.clear()
                manifest = wire.unpack_manifest(message["manifest"])
                self._apart(self._load, message["digest"], manifest)
            case "give_up":
                self._given_up.set()
            case "generate":
                self._generate(message)
            case "cancel":
                self._cancelled.add(message["id"])
            case "close":
                self._apart(self._close, message["digest"])

    def _apart(self, work: Callable[..., None], *given: Any) -> None:
        """Do some work in a thread; if it fails, end, for the worker would wait for its answer."""

        def run() -> None:
            try:
                work(*given)
            except Exception:
                log.exception("the engine process cannot go on")
                os._exit(os.EX_SOFTWARE)

        threading.Thread(target=run, name=work.__name__, daemon=True).start()

    def _load(self, digest: str, manifest: Manifest) -> None:
        try:
            engine = self._loader.load(digest, manifest, self._told)
            self._engines[digest] = engine
            answer = {"say": "loaded", "context_tokens": engine.context_tokens}
        except Exception as error:
            if not isinstance(error, CorralError):
                log.exception("loading failed", digest=digest[:12])
            answer = {"say": "not_loaded", "error": wire.pack_error(error)}
            traceback.clear_frames(error.__traceback__)
        # What only loading held is given back before anybody counts on it.
        give_back_memory()
        self._answers.put(answer)

    def _told(self, more: int) -> None:
        if self._given_up.is_set():
            raise Unavailable("the load was given up")
        self._answers.put({"say": "read", "bytes": more})

    def _generate(self, message: dict[str, Any]) -> None:
        identifier: int = message["id"]
        future: Future[GeneratedText] = Future()
        engine = self._engines.get(message["digest"])
        try:
            if engine is None:
                raise Unavailable("the release has left memory: submit the job again")  # noqa: TRY301
            future = engine.submit(
                wire.unpack_request(message["request"]),
                cancelled=partial(self._cancelled.__contains__, identifier),
                counted=partial(self._count, identifier),
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker is told
            future.set_exception(error)
        future.add_done_callback(partial(self._answer, identifier))

    def _count(self, identifier: int, tokens: int) -> None:
        self._counts[identifier] = tokens

    def _answer(self, identifier: int, future: Future[GeneratedText]) -> None:
        error = future.exception()
        self._answers.put(
            {"say": "text", "id": identifier, "text": wire.pack_text(future.result())}
            if error is None
            else {"say": "failed", "id": identifier, "error": wire.pack_error(error)}
        )

    def _close(self, digest: str) -> None:
        engine = self._engines.pop(digest, None)
        if engine is not None:
            engine.close()
        del engine
        give_back_memory()
        self._answers.put({"say": "closed", "digest": digest})

    def _write(self) -> None:
        """Send the answers, and now and then how many tokens there are."""
        counted_at = time.monotonic()
        while True:
            try:
                answer = self._answers.get(timeout=COUNT_SECONDS)
            except Empty:
                answer = None
            try:
                if self._counts and time.monotonic() - counted_at >= COUNT_SECONDS:
                    counts, self._counts = self._counts, {}
                    self._wire.send({"say": "counts", "counts": list(counts.items())})
                    counted_at = time.monotonic()
                if answer is not None:
                    self._cancelled.discard(answer.get("id", -1))
                    self._wire.send(answer)
            except OSError:
                return  # the worker has ended, and so will this process


def main() -> None:
    """Serve the worker that started this process: ``serving FD STORE CACHE_BYTES LOG_LEVEL``."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    descriptor, store_dir, cache_bytes, log_level = sys.argv[1:]
    configure_logs(log_level)
    keep_memory_at_hand()
    line = Wire(socket.socket(fileno=int(descriptor)))
    Serving(line, Loader(Path(store_dir), cache_bytes=int(cache_bytes))).run()
    os._exit(os.EX_OK)  # whatever a thread still computes, nobody waits for it


if __name__ == "__main__":
    main()
