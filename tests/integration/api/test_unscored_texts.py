"""A text that waits for its verdict is in no answer, whoever asks for whatever."""

from uuid import UUID

import pytest

from api.v1 import events
from registry.jobs import queries
from tests.integration.api.service import NAME, PEOPLE, Service
from tests.support import rows

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TEXT = "a text that nobody scored"


def addresses(service: Service, job: str, output: str) -> list[str]:
    """Return every address that can be read, for this job or output where it names one."""
    paths = service.get("/openapi.json", None).json()["paths"]
    owner, name = NAME.split("/")
    return ["/"] + [
        path.format(identifier=identifier, owner=owner, name=name)
        for path, calls in paths.items()
        if "get" in calls
        for identifier in ((job, output) if "{identifier}" in path else ("",))
    ]


def test_no_call_answers_with_a_text_before_its_verdict(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "STREAM_SECONDS", -1)  # one look, and the stream ends
    job = service.submit().json()["id"]
    with service.database.reading() as session:
        row = queries.get(session, UUID(job))
    rows.seal(service.database, rows.claim(service.database, row), TEXT)
    output = service.get(f"/v1/jobs/{job}").json()["outputs"][0]

    answers = {
        f"{who} {path}": service.get(path, who)
        for path in addresses(service, job, output["id"])
        for who in (*PEOPLE, None)
    }

    assert (output["state"], output["text"]) == ("pending", None)
    assert answers[f"ada /v1/jobs/{job}"].status_code == 200
    assert answers[f"ada /v1/jobs/{job}/events"].status_code == 200
    assert [name for name, answer in answers.items() if TEXT in answer.text] == []
