"""Prometheus metrics: what this process answered, and what the records hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple

import structlog
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from registry.db.session import Database, Session
from registry.jobs import queries as jobs
from registry.jobs.depths import Depth, depths
from registry.jobs.lanes import Lane
from registry.ledger import queries as ledger
from registry.releases.intake import all_releases
from registry.releases.model import ReleaseState
from registry.residents import service as residents
from registry.scorers import service as scorers
from registry.verdicts import queries as verdicts

log = structlog.get_logger(__name__)


class Metrics:
    """The metrics of one process; they are its own, not the interpreter's."""

    def __init__(self, database: Database) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Records(database))
        self._answers = Histogram(
            "corral_http_response_seconds",
            "Time from a request to the start of its answer.",
            ("method", "route", "status"),
            registry=self._registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._answers.labels(method, route, str(status)).observe(seconds)

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _Records(Collector):
    """Reads the records when the metrics are asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[Metric]:
        """Describe nothing, so that registering reads no records."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield what the records hold, or that they cannot be read."""
        reachable = GaugeMetricFamily(
            "corral_records_reachable", "Whether the records could be read for these metrics."
        )
        try:
            with self._database.reading() as session:
                states = jobs.count_by_state(session)
                releases = _releases(session)
                outcomes = verdicts.count_outputs(session)
                size, _ = ledger.head(session)
                workers = scorers.count_by_state(session)
        except Exception:
            log.exception("records could not be read for the metrics")
            reachable.add_metric([], 0)
            yield reachable
            return
        reachable.add_metric([], 1)
        waiting = GaugeMetricFamily("corral_jobs", "Jobs that are not finished.", labels=["state"])
        for state, count in states.items():
            waiting.add_metric([state.value], count)
        yield reachable
        yield waiting
        yield _jobs_of(releases)
        yield _workers_of(releases)
        outputs = GaugeMetricFamily("corral_outputs", "Outputs that were scored.", labels=["state"])
        for outcome, count in outcomes.items():
            outputs.add_metric([outcome.value], count)
        yield outputs
        live = GaugeMetricFamily("corral_scorers", "Live scoring workers.", labels=["state"])
        for service, count in workers.items():
            live.add_metric([service.value], count)
        yield live
        yield GaugeMetricFamily("corral_ledger_leaves", "Leaves of the ledger's tree.", value=size)


class _Known(NamedTuple):
    """What is known of a release that has not ended."""

    name: str
    lanes: Mapping[Lane, Depth]
    loading: int
    in_memory: int


def _releases(session: Session) -> list[_Known]:
    rows = [each for each in all_releases(session) if each.state is not ReleaseState.WITHDRAWN]
    lanes = depths(session, [each.id for each in rows])
    workers = residents.live(session, {each.digest for each in rows})
    found = []
    for each in rows:
        loading = sum(worker.is_loading for worker in workers[each.digest])
        in_memory = len(workers[each.digest]) - loading
        found.append(_Known(each.name, lanes[each.id], loading, in_memory))
    return found


def _jobs_of(releases: Sequence[_Known]) -> Metric:
    metric = GaugeMetricFamily(
        "corral_release_jobs",
        "Jobs of a release that are not finished; held ones wait for their turn.",
        labels=["release", "lane", "state"],
    )
    for known in releases:
        for lane, depth in known.lanes.items():
            for state, count in asdict(depth).items():
                metric.add_metric([known.name, lane.value, state], count)
    return metric


def _workers_of(releases: Sequence[_Known]) -> Metric:
    metric = GaugeMetricFamily(
        "corral_release_workers",
        "Workers that have a release in memory, or load it.",
        labels=["release", "state"],
    )
    for known in releases:
        metric.add_metric([known.name, "in_memory"], known.in_memory)
        metric.add_metric([known.name, "loading"], known.loading)
    return metric
