"""The HTTP application, put together from its parts."""

from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api import health, problems
from api.console import pages
from api.counting import TokenCounter
from api.dependencies import Doors
from api.following import Following
from api.metrics import Metrics
from api.middleware import BodyLimit, RequestLog, SecurityHeaders
from api.openapi import DocumentedApp
from api.v1 import (
    access,
    accounts,
    approvals,
    audit,
    bulk,
    events,
    jobs,
    policies,
    receipts,
    releases,
    reviews,
)
from registry.db.session import Database
from registry.keys import load_or_create_key
from registry.releases.store import Store
from registry.settings import Settings
from workers.dispatch import Dispatcher

ROUTERS = (
    accounts.router,
    releases.router,
    access.router,
    approvals.router,
    bulk.router,
    jobs.router,
    events.router,
    receipts.router,
    reviews.router,
    policies.router,
    audit.router,
    health.router,
    pages.router,
)

# JSON may write each byte of a prompt as an escape of six; the rest is for everything else.
ESCAPE_BYTES = 6
OTHER_BYTES = 65_536

DESCRIPTION = """
Corral generates text with registered LLaMA releases and lets no output out unchecked.

**Sign in** with `Authorization: Bearer corral_...`; the operator issues tokens.
**Errors** are problem documents (RFC 9457) with a stable `code`; each call lists its own.
**Listings** come in pages, newest first: pass `next_cursor` back as `cursor`.
**A POST that creates** takes an `Idempotency-Key`: sent again with the same body it makes
nothing new and answers the same, with `Idempotency-Replayed: true`.
**`X-Request-ID`** is in every answer; a valid one of yours is kept.
"""

TAGS = [
    {"name": "accounts", "description": "Who is asking."},
    {"name": "releases", "description": "Registered weights: public facts."},
    {"name": "access", "description": "Ask to use a release; approve, deny, revoke."},
    {"name": "jobs", "description": "Submit prompts, follow them, read released outputs."},
    {"name": "receipts", "description": "What scored an output, signed."},
    {"name": "reviews", "description": "Decide on flagged outputs."},
    {"name": "policies", "description": "What is in force."},
    {"name": "audit", "description": "The ledger and its proofs."},
    {"name": "health", "description": "For those who run the service."},
]


def create_app(settings: Settings, *, database: Database, dispatcher: Dispatcher) -> FastAPI:
    """Return the application. The caller closes what it passed in.

    Raises:
        Invalid: The ledger's key in the data directory is no key.
    """
    metrics = Metrics(database)
    app = DocumentedApp(
        title="Corral",
        version=_version(),
        description=DESCRIPTION,
        openapi_tags=TAGS,
        redoc_url=None,
        generate_unique_id_function=_operation,
    )
    app.state.doors = Doors(
        settings=settings,
        database=database,
        dispatcher=dispatcher,
        counter=TokenCounter(Store(settings.store_dir)),
        following=Following(database),
        metrics=metrics,
        ledger_key=load_or_create_key(settings.keys_dir / "ledger.pem"),
    )
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(
        BodyLimit,
        limit_bytes=settings.prompt_limit_bytes * ESCAPE_BYTES + OTHER_BYTES,
        larger={bulk.router.prefix: settings.bulk_limit_bytes},
    )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog, observe=metrics.observe)
    return app


def _operation(route: APIRoute) -> str:
    """Name a call in the OpenAPI document as its function is named."""
    return route.name


def _version() -> str:
    try:
        return version("corral")
    except PackageNotFoundError:
        return "unknown"  # run from a checkout that was not installed
