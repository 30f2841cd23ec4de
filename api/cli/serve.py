"""``corral serve``: the doors over HTTP."""

import click
import uvicorn

from api.app import create_app
from api.cli.lifetime import with_parent
from api.cli.settings import settings_of
from registry.db.session import Database
from registry.telemetry import configure_logs
from workers.dispatch import Dispatcher

STREAMS_END_SECONDS = 5


@click.command()
@click.option("--host", help="Address to listen on; CORRAL_HOST.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; CORRAL_PORT.")
@with_parent
@click.pass_context
def serve(context: click.Context, host: str | None, port: int | None) -> None:
    """Serve the API.

    Example: corral serve --port 8642
    """
    settings = settings_of(context)
    configure_logs(settings.log_level)
    database, dispatcher = Database(settings.records_url), Dispatcher(settings)
    app = create_app(settings, database=database, dispatcher=dispatcher)
    try:
        uvicorn.run(
            app,
            host=host or settings.host,
            port=settings.port if port is None else port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=STREAMS_END_SECONDS,
        )
    finally:
        dispatcher.close()
        database.close()
