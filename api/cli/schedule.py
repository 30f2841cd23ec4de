"""``corral schedule``: the sweep, over and over; no model is loaded here."""

import signal
import threading

import click

from api.cli.lifetime import with_parent
from api.cli.settings import settings_of
from registry.db.session import Database
from registry.telemetry import configure_logs
from workers.dispatch import Dispatcher
from workers.sweep import Sweep


@click.command()
@with_parent
@click.pass_context
def schedule(context: click.Context) -> None:
    """Run the sweep: resend, recover, put ledger entries in order.

    Example: corral schedule
    """
    settings = settings_of(context)
    configure_logs(settings.log_level)
    database, dispatcher = Database(settings.records_url), Dispatcher(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sweep = Sweep(database, dispatcher, settings)
    while not stop.is_set():
        sweep.once()
        stop.wait(settings.sweep_interval_seconds)
    dispatcher.close()
    database.close()
