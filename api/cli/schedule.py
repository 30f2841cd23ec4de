"""``corral schedule``: the sweep, over and over, and the upkeep of the store; no model here."""

import signal
import threading

import click

from api.cli.lifetime import with_parent
from api.cli.settings import settings_of
from registry.db.session import Database
from registry.telemetry import configure_logs
from workers.dispatch import Dispatcher
from workers.sweep import Sweep
from workers.upkeep import Upkeep


@click.command()
@with_parent
@click.pass_context
def schedule(context: click.Context) -> None:
    """Run the sweep: resend, recover, put ledger entries in order.

    Stored releases are read back and hashed now and then, and files that no release refers to
    are removed after a while: see CORRAL_VERIFY_... and CORRAL_COLLECT_... in the settings.

    Example: corral schedule
    """
    settings = settings_of(context)
    configure_logs(settings.log_level)
    database, dispatcher = Database(settings.records_url), Dispatcher(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sweep, upkeep = Sweep(database, dispatcher, settings), Upkeep(database, settings)
    upkeep.start()
    while not stop.is_set():
        sweep.once()
        stop.wait(settings.sweep_interval_seconds)
    upkeep.stop()
    dispatcher.close()
    database.close()
