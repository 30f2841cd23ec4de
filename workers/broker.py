"""The Celery application: where messages go, and how.

The same code speaks to Redis and to a folder. Messages carry a job's identifier and nothing
else; there is no result backend. Rows are the truth, so a message may be lost or come twice.

A queue hangs on the default exchange under its own name, so nothing is ever bound.
"""

import os
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from celery import Celery
from kombu import Exchange, Queue
from kombu.transport import filesystem
from kombu.utils.encoding import bytes_to_str, str_to_bytes
from kombu.utils.json import dumps, loads

from registry.jobs.lanes import Lane
from registry.settings import Settings
from workers.queues import LookingCycle, score_queue

GENERATE = "corral.generate"
SCORE = "corral.score"
SCREEN_PROMPT = "corral.screen_prompt"
_FOLDER_POLL_SECONDS = 0.1
_FOLDER_WAIT_SECONDS = 0.3
_SOCKET_SECONDS = 5
_REDELIVER_SECONDS = 3600


def queue(name: str) -> Queue:
    """Return a durable queue on the default exchange."""
    return Queue(name, Exchange("", type="direct"), routing_key=name)


def make_app(settings: Settings) -> Celery:
    """Return a Celery application for these settings, with no task registered."""
    app = Celery("corral", set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_pool_acquire_timeout=_SOCKET_SECONDS,
        broker_url=settings.queue_url,
        event_queue_exclusive=False,
        result_backend=None,
        task_acks_late=True,
        task_create_missing_queues=False,
        task_default_queue=score_queue(Lane.INTERACTIVE),
        task_ignore_result=True,
        task_queues=[queue(score_queue(lane)) for lane in Lane],
        task_serializer="json",
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
    )
    if settings.queue_url.startswith("filesystem:"):
        app.conf.broker_transport = f"{__name__}:FolderTransport"
        app.conf.broker_transport_options = _folder(settings.data_dir / "queue")
    else:
        app.conf.broker_transport_options = {
            "global_keyprefix": settings.queue_prefix,
            "queue_order_strategy": "workers.queues:LookingOrder",
            "socket_connect_timeout": _SOCKET_SECONDS,
            "socket_keepalive": True,
            "visibility_timeout": _REDELIVER_SECONDS,
        }
    return app


def _folder(root: Path) -> dict[str, Any]:
    """Return kombu's options for a broker in a folder, and make the folders."""
    folders = {name: root / name for name in ("messages", "control", "taken")}
    for each in folders.values():
        each.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folders["messages"]),
        "data_folder_out": str(folders["messages"]),
        "control_folder": str(folders["control"]),
        "processed_folder": str(folders["taken"]),
        "polling_interval": _FOLDER_POLL_SECONDS,
    }


class FolderChannel(filesystem.Channel):  # type: ignore[misc]
    """Kombu's folder channel, with messages that appear whole and are taken once.

    Kombu opens a message's file and then writes it, so a reader can take it half-written, and
    it takes messages by way of the system's temporary folder, where a move is a copy if that
    is another file system. Here both steps are a rename inside one folder tree.
    """

    def _reset_cycle(self) -> None:
        self._cycle = LookingCycle(self._get_and_deliver, self._active_queues)

    def _put(self, queue: str, payload: Any, **_options: Any) -> None:
        name = f"{time.time_ns()}_{uuid.uuid4().hex}"
        folder = Path(self.data_folder_out)
        unfinished = folder / f"{name}.unfinished"
        unfinished.write_bytes(str_to_bytes(dumps(payload)))
        unfinished.replace(folder / f"{name}.{queue}.msg")

    def _get(self, queue: str) -> Any:
        waiting, ending = Path(self.data_folder_in), f"{queue}.msg"
        names = os.listdir(waiting)  # noqa: PTH208  a path for each of many files takes longer
        for name in sorted(names):  # names begin with the time
            if name.partition(".")[2] != ending:
                continue
            try:
                taken = (waiting / name).rename(Path(self.processed_folder) / name)
            except FileNotFoundError:
                continue  # another worker was quicker
            content = taken.read_bytes()
            taken.unlink()
            return loads(bytes_to_str(content))
        raise Empty


class FolderTransport(filesystem.Transport):  # type: ignore[misc]
    """A broker in a folder, for the embedded service."""

    Channel = FolderChannel

    def drain_events(self, connection: Any, timeout: float | None = None) -> None:
        """Wait for a message; not for long, so that a worker soon sees that it is to end."""
        short = _FOLDER_WAIT_SECONDS if timeout is None else min(timeout, _FOLDER_WAIT_SECONDS)
        super().drain_events(connection, timeout=short)
