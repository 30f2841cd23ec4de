"""The generating part of a worker: an engine process, and what is in its memory."""

from collections.abc import Callable
from dataclasses import dataclass

from workers.generation.apart import EngineProcess
from workers.generation.residency import Residency
from workers.generator import Generator
from workers.loads import Loads
from workers.presence import Presence
from workers.shelf import StoreShelf, budget_bytes
from workers.worker import Worker


@dataclass(frozen=True, slots=True)
class Generating:
    """What generates for one worker.

    Attributes:
        generator: Does the work.
        engines: The releases in memory.
        presence: Reports them.
        process: Where they are.
    """

    generator: Generator
    engines: Residency
    presence: Presence
    process: EngineProcess

    def start(self, *, pause: Callable[[str], None], resume: Callable[[str], None]) -> None:
        """Begin to load what is asked for, and to report it; see ``Loads`` for the arguments."""
        worker = self.generator.worker
        self.presence.start()
        self.engines.start(Loads(worker, pause=pause, resume=resume))

    def close(self) -> None:
        """Finish what was accepted, and end the process."""
        self.presence.stop()
        self.engines.close()
        self.process.close()


def make_generating(worker: Worker, *, when_lost: Callable[[], None]) -> Generating:
    """Start the engine process.

    Args:
        worker: Where the jobs are.
        when_lost: Called, by a thread, if the process ends before it is closed.

    Raises:
        Unavailable: It does not start.
    """
    settings = worker.settings
    process = EngineProcess(
        settings.store_dir,
        cache_bytes=settings.cache_mebibytes << 20,
        log_level=settings.log_level,
        when_lost=when_lost,
    )
    engines = Residency(
        StoreShelf(settings, worker.database, process),
        budget_bytes=budget_bytes(settings, process.device),
    )
    return Generating(
        Generator(worker, engines),
        engines,
        Presence(worker.database, engines, worker=worker.name),
        process,
    )
