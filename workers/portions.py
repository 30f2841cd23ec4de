"""Send more of a bulk, or of what else is held, as places in the queues become free."""

from uuid import UUID

import structlog

from registry.db.session import Database
from workers.dispatch import Dispatcher

log = structlog.get_logger(__name__)


def let_in(database: Database, dispatcher: Dispatcher, release_id: UUID) -> None:
    """Send the held jobs of a release whose turn it is, if a portion is worth it.

    The sweep does the same every second; whatever goes wrong here is left to it.
    """
    try:
        with database.reading() as session:
            if not dispatcher.is_portion_due(session, release_id):
                return
        with database.transaction() as session:
            dispatcher.send_portion(session, release_id)
    except Exception:
        log.exception("held jobs were not sent; the sweep sends them")
