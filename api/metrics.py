"""Prometheus metrics: what this process answered, and what the records hold."""

from collections.abc import Iterator

import structlog
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from registry.db.session import Database
from registry.jobs import queries as jobs
from registry.ledger import queries as ledger
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
        outputs = GaugeMetricFamily("corral_outputs", "Outputs there are.", labels=["state"])
        for outcome, count in outcomes.items():
            outputs.add_metric([outcome.value], count)
        yield outputs
        live = GaugeMetricFamily("corral_scorers", "Live scoring workers.", labels=["state"])
        for service, count in workers.items():
            live.add_metric([service.value], count)
        yield live
        yield GaugeMetricFamily("corral_ledger_leaves", "Leaves of the ledger's tree.", value=size)
