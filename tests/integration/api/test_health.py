"""Live, ready, measured, and the page for people."""

import pytest

from registry.releases.model import ReleaseState
from tests.integration.api.service import NAME, Service
from workers.dispatch import Dispatcher


def test_a_live_process_says_so(service: Service) -> None:
    assert service.get("/healthz", None).json() == {"live": True}


def test_a_service_with_all_its_parts_is_ready(service: Service) -> None:
    answer = service.get("/readyz", None)

    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "checks": {
            "schema": True,
            "policy": True,
            "store": True,
            "broker": True,
            "filters": True,
        },
        "reasons": {},
    }


def test_a_service_without_its_files_or_its_broker_is_not_ready(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in (service.settings.store_dir / "sha256").rglob("*"):
        if each.is_file():
            each.unlink()
    monkeypatch.setattr(Dispatcher, "is_reachable", lambda _: False)

    answer = service.get("/readyz", None)

    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "schema": True,
        "policy": True,
        "store": False,
        "broker": False,
        "filters": True,
    }


def test_metrics_count_jobs_leaves_and_answers(service: Service) -> None:
    service.flagged_review()
    service.submit()
    service.sequence()
    service.get("/v1/nothing")
    service.get("/v1/jobs/01890000-0000-7000-8000-000000000000")

    lines = service.get("/metrics", None).text.splitlines()

    assert 'corral_jobs{state="queued"} 1.0' in lines
    depth = f'corral_release_jobs{{lane="interactive",release="{NAME}",state="queued"}} 1.0'
    assert depth in lines
    assert f'corral_release_workers{{release="{NAME}",state="loading"}} 0.0' in lines
    assert 'corral_outputs{state="flagged"} 1.0' in lines
    assert 'corral_outputs{state="released"} 0.0' in lines
    assert "corral_records_reachable 1.0" in lines
    assert any(line.startswith("corral_ledger_leaves ") and line[-3:] != " 0.0" for line in lines)
    answers = "corral_http_response_seconds_count"
    assert f'{answers}{{method="POST",route="/v1/jobs",status="202"}} 2.0' in lines
    assert f'{answers}{{method="GET",route="unmatched",status="404"}} 1.0' in lines
    assert f'{answers}{{method="GET",route="/v1/jobs/{{identifier}}",status="404"}} 1.0' in lines


def test_metrics_are_there_when_the_records_are_not(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("no records")

    monkeypatch.setattr(service.database, "reading", fail)

    lines = service.get("/metrics", None).text.splitlines()

    assert "corral_records_reachable 0.0" in lines


def test_the_status_page_links_the_documentation(service: Service) -> None:
    service.move_release(ReleaseState.WITHDRAWN)

    answer = service.get("/", None)

    assert answer.headers["Content-Type"].startswith("text/html")
    assert 'href="/docs"' in answer.text
    assert "<h2>Ready</h2>" in answer.text
