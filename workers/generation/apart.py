"""Engines in a process of their own, beside the one that keeps the records. No tensors here.

An engine needs its interpreter between any two operations of a step, and so do records and
messages; in two processes neither waits for the other. The engines of one worker share a process,
which begins and ends with the worker (``serving``). If it ends sooner, all that it was asked for
fails, and the worker is told.
"""

import itertools
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import structlog

from registry.checkpoints.manifest import Manifest
from registry.errors import Unavailable
from workers.generation import wire
from workers.generation.engine import GeneratedText, GenerationRequest
from workers.generation.weighing import Device
from workers.generation.wire import Wire

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.05
"""Pause between two looks for requests that nobody wants any more."""
END_SECONDS = 2.0
"""How long the process may take to end once the wire is closed; then it is killed."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that was not answered yet."""

    future: Future[GeneratedText]
    cancelled: Callable[[], bool]
    counted: Callable[[int], None] | None

    @property
    def is_cancelled(self) -> bool:
        return self.future.cancelled() or self.cancelled()


class EngineProcess:
    """Loads releases and generates in another process, as ``shelf.Loader`` describes.

    Args:
        store_dir: Where the store is.
        cache_bytes: Memory for the keys and values of each release.
        log_level: As ``registry.telemetry`` takes it.
        when_lost: Called, by a thread, when the process has ended though nobody closed it.
    """

    def __init__(
        self, store_dir: Path, *, cache_bytes: int, log_level: str, when_lost: Callable[[], None]
    ) -> None:
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(  # noqa: S603 (our own module, no shell)
            [
                sys.executable,
                "-m",
                "workers.generation.serving",
                str(theirs.fileno()),
                str(store_dir.resolve()),
                str(cache_bytes),
                log_level,
            ],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self._wire = Wire(ours)
        self._when_lost = when_lost
        self._asked: dict[int, _Asked] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._device: Device | None = None
        self._ready = threading.Event()
        self._load_news: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._closed: dict[str, threading.Event] = {}
        self._is_closed = False
        self._ended = threading.Event()
        for work in (self._read, self._look):
            threading.Thread(target=work, name="engine-process", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def device(self) -> Device:
        """What it computes on, once it has started.

        Raises:
            Unavailable: It has ended.
        """
        self._ready.wait()
        if self._device is None:
            raise Unavailable("the engine process did not start: its log says why")
        return self._device

    def load(self, digest: str, manifest: Manifest, told: Callable[[int], None]) -> "EngineApart":
        """Load a release there; may be called by one thread at a time.

        Raises:
            Unavailable: The process has ended.
        """
        self._say(say="load", digest=digest, manifest=wire.pack_manifest(manifest))
        given_up: Exception | None = None
        while True:
            try:
                news = self._load_news.get(timeout=LOOK_SECONDS)
            except Empty:
                news = {"say": "read", "bytes": 0}
            match news["say"]:
                case "read" if given_up is None:
                    try:
                        told(news["bytes"])
                    except Exception as error:  # noqa: BLE001 - raised once the load has ended
                        given_up = error
                        with suppress(Unavailable):  # which is then the next news
                            self._say(say="give_up")
                case "not_loaded":
                    raise given_up or wire.unpack_error(news["error"])
                case "loaded":
                    engine = EngineApart(self, digest, news["context_tokens"])
                    if given_up is None:
                        return engine
                    engine.close()
                    raise given_up

    def ask(
        self,
        digest: str,
        request: GenerationRequest,
        *,
        cancelled: Callable[[], bool],
        counted: Callable[[int], None] | None,
    ) -> Future[GeneratedText]:
        """Have a release that was loaded generate; see ``engine.Engine.submit``."""
        asked = _Asked(Future(), cancelled, counted)
        with self._lock:
            if self._ended.is_set():
                raise Unavailable("the engine process has ended: submit the job again")
            identifier = next(self._numbers)
            self._asked[identifier] = asked
        self._say(say="generate", id=identifier, digest=digest, request=wire.pack_request(request))
        return asked.future

    def leave(self, digest: str) -> None:
        """Have a release leave its memory once it has generated what it was asked for."""
        left = self._closed[digest] = threading.Event()
        self._say(say="close", digest=digest)
        while not (left.wait(LOOK_SECONDS) or self._ended.is_set()):
            pass

    def close(self) -> None:
        """End the process, whatever it still does."""
        self._is_closed = True
        self._wire.close()
        self._wait()

    def _say(self, **message: Any) -> None:
        """Send something to the process.

        Raises:
            Unavailable: It has ended.
        """
        try:
            self._wire.send(message)
        except OSError as error:
            raise Unavailable("the engine process has ended: submit the job again") from error

    def _read(self) -> None:
        try:
            for message in self._wire:
                self._hear(message)
        except Exception:
            log.exception("the engine process was not understood")
        self._end()

    def _hear(self, message: dict[str, Any]) -> None:
        match message["say"]:
            case "ready":
                self._device = Device(message["item_bytes"], message["memory_bytes"])
                self._ready.set()
            case "counts":
                for identifier, tokens in message["counts"]:
                    asked = self._asked.get(identifier)
                    if asked is not None and asked.counted is not None:
                        asked.counted(tokens)
            case "text":
                self._answer(message["id"], wire.unpack_text(message["text"]))
            case "failed":
                self._answer(message["id"], wire.unpack_error(message["error"]))
            case "closed":
                self._closed.pop(message["digest"]).set()
            case _:
                self._load_news.put(message)

    def _answer(self, identifier: int, answer: GeneratedText | Exception) -> None:
        with self._lock:
            future = self._asked.pop(identifier).future
        if not future.set_running_or_notify_cancel():
            return
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)

    def _look(self) -> None:
        """Tell the process, again and again, which requests nobody wants any more."""
        told = set[int]()
        while not self._ended.wait(LOOK_SECONDS):
            with self._lock:
                asked = list(self._asked.items())
            cancelled = {identifier for identifier, each in asked if each.is_cancelled}
            with suppress(Unavailable):
                for identifier in cancelled - told:
                    self._say(say="cancel", id=identifier)
            told = cancelled

    def _end(self) -> None:
        """Let nobody wait for a process that has ended, or that cannot be understood."""
        self._wire.close()
        with self._lock:
            self._ended.set()
            left = list(self._asked)
        for identifier in left:
            self._answer(identifier, Unavailable("the engine process ended: submit the job again"))
        gone = Unavailable("the engine process has ended")
        self._load_news.put({"say": "not_loaded", "error": wire.pack_error(gone)})
        self._ready.set()
        if not self._is_closed:
            log.error("the engine process ended", status=self._wait())
            self._when_lost()

    def _wait(self) -> int:
        """Return the exit status; the wire is closed, so a process that does not end hangs."""
        try:
            return self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class EngineApart:
    """A release in an engine process; see ``engine.Engine`` for what its methods promise."""

    def __init__(self, process: EngineProcess, digest: str, context_tokens: int) -> None:
        self._process = process
        self._digest = digest
        self._context_tokens = context_tokens

    @property
    def release_digest(self) -> str:
        """The digest of the release whose weights these are."""
        return self._digest

    @property
    def context_tokens(self) -> int:
        """How many tokens a prompt and its new tokens may have together."""
        return self._context_tokens

    def submit(
        self,
        request: GenerationRequest,
        *,
        cancelled: Callable[[], bool],
        counted: Callable[[int], None] | None = None,
    ) -> Future[GeneratedText]:
        """Accept a request; its future ends with the text or with the reason there is none.

        What is wrong with the request, such as a prompt that is too long, comes by the future.

        Raises:
            Unavailable: The process has ended.
        """
        return self._process.ask(self._digest, request, cancelled=cancelled, counted=counted)

    def close(self) -> None:
        """Accept nothing more, finish what was accepted, and give back the memory."""
        with suppress(Unavailable):
            self._process.leave(self._digest)
