"""Live, ready, and the metrics. Anybody may ask; the answers name no release and no person."""

from collections.abc import Callable
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

import migrations
from api.dependencies import AllDoors, Doors
from registry.policies import service as policies
from registry.releases import queries as releases
from registry.scorers import service as scorers

log = structlog.get_logger(__name__)

router = APIRouter(tags=["health"])


class Liveness(BaseModel):
    """That the process answers."""

    live: bool


class Readiness(BaseModel):
    """Whether the service can do its work, and which part cannot."""

    ready: bool
    checks: dict[str, bool] = Field(examples=[{"schema": True, "broker": True, "filters": False}])
    reasons: dict[str, str] = Field(
        description="Why a check does not hold, one stable word, where one is known.",
        examples=[{"filters": "canary_failed"}],
    )


@router.get("/healthz", summary="Is the process alive?")
def healthz() -> Liveness:
    """Answer, which is all there is to it. No neighbour is asked."""
    return Liveness(live=True)


@router.get(
    "/readyz",
    summary="Can the service do its work?",
    responses={503: {"model": Readiness, "description": "A part is missing; the log says why."}},
)
def readyz(parts: AllDoors, response: Response) -> Readiness:
    """Check the records and their schema, the policy, the store, the broker and the filters.

    The filters hold while no scoring worker is out of service; that none runs is no fault.
    """
    found = readiness(parts)
    response.status_code = HTTPStatus.OK if found.ready else HTTPStatus.SERVICE_UNAVAILABLE
    return found


@router.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
def metrics(parts: AllDoors) -> Response:
    """Jobs by state, size of the ledger, answers by route and status."""
    return PlainTextResponse(parts.metrics.exposition(), media_type="text/plain; version=0.0.4")


def readiness(parts: Doors) -> Readiness:
    """Return whether the service can do its work."""
    checks: dict[str, Callable[[Doors], bool | str]] = {
        "schema": _schema_is_current,
        "policy": _policy_is_in_force,
        "store": _store_is_readable,
        "broker": _broker_answers,
        "filters": _filters_are_fit,
    }
    answers = {name: _answer(name, check, parts) for name, check in checks.items()}
    held = {name: answer is True for name, answer in answers.items()}
    reasons = {name: answer for name, answer in answers.items() if isinstance(answer, str)}
    return Readiness(ready=all(held.values()), checks=held, reasons=reasons)


def _answer(name: str, check: Callable[[Doors], bool | str], parts: Doors) -> bool | str:
    """Return whether a check holds, or the word for why it does not."""
    try:
        return check(parts)
    except Exception:
        log.exception("not ready", check=name)
        return False


def _schema_is_current(parts: Doors) -> bool:
    return migrations.is_current(parts.settings.records_url)


def _policy_is_in_force(parts: Doors) -> bool:
    with parts.database.reading() as session:
        policies.current(session)
    return True


def _store_is_readable(parts: Doors) -> bool:
    """Return whether the doors find what they need of the newest release: its tokenizer."""
    with parts.database.reading() as session:
        newest = releases.page(session, limit=1, cursor=None).rows
        manifests = [releases.manifest_of(session, release) for release in newest]
    return all(parts.counter.tokenizer_of(manifest) for manifest in manifests)


def _broker_answers(parts: Doors) -> bool:
    return parts.dispatcher.is_reachable()


def _filters_are_fit(parts: Doors) -> bool | str:
    """Return the first reason why a live scoring worker is out of service, if one is."""
    with parts.database.reading() as session:
        unfit = scorers.out_of_service(session)
    for each in unfit:
        log.error(
            "not ready", check="filters", worker=each.worker, reason=each.reason, detail=each.detail
        )
    return unfit[0].reason or False if unfit else True
