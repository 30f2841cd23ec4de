"""Who may fetch a receipt, and that it can be checked from the first letter to the last."""

from typing import Any
from uuid import UUID

import pytest
from httpx2 import Response

from registry.receipts import service as receipts
from registry.receipts.envelope import read_public_key
from registry.receipts.verify import Checked, verify
from tests.integration.api.service import Service
from tests.support import receipts as made_up
from tests.support import rows

TEXT = "some text"


def settled(service: Service, decision: str = "release") -> str:
    """Return an output that was scored."""
    job = service.submit().json()
    service.settle(job["id"], decision, TEXT)
    return str(job["outputs"][0]["id"])


def receipt_of(service: Service, output: str, who: str = "ada") -> Response:
    """Ask for a receipt."""
    return service.get(f"/v1/outputs/{output}/receipt", who)


def checked(service: Service, answer: Response) -> Checked:
    """Verify a receipt with the keys that the service publishes, and nothing else."""
    return verify(
        answer.content,
        key=read_public_key(service.get("/v1/receipts/key", None).content),
        ledger_vkey=service.get("/v1/audit/key", None).json()["vkey"],
        text=TEXT.encode(),
    )


@pytest.mark.parametrize("decision", ["release", "flag"])
def test_the_receipt_of_a_verdict_holds_from_key_to_ledger(service: Service, decision: str) -> None:
    output = settled(service, decision)
    service.sequence()

    answer = receipt_of(service, output)

    found = checked(service, answer)
    said = found.statement.predicate
    assert (said.output, said.decision) == (output, decision)
    assert [entry["subject"] for entry in found.entries] == [output]
    assert TEXT not in answer.text
    assert TEXT not in found.statement.to_bytes().decode()


def test_a_job_says_where_its_receipts_are(service: Service) -> None:
    job = service.submit().json()
    before = job["outputs"][0]["receipt"]
    service.settle(job["id"])

    after = service.get(f"/v1/jobs/{job['id']}").json()["outputs"][0]["receipt"]

    assert before is None
    assert service.get(after).status_code == 200


def test_a_receipt_before_its_place_in_the_ledger_says_so(service: Service) -> None:
    output = settled(service)

    early = receipt_of(service, output).json()

    assert early["ledger"] is None
    service.sequence()
    late = receipt_of(service, output).json()
    assert late == {**early, "ledger": late["ledger"]}
    assert late["ledger"]["entries"][0]["entry"]["action"] == "output.released"


def test_a_receipt_holds_while_the_ledger_grows(service: Service) -> None:
    output = settled(service)
    service.sequence()
    for _ in range(3):
        settled(service)
        service.sequence()

        assert checked(service, receipt_of(service, output)).checkpoint is not None


@pytest.mark.parametrize(
    ("who", "status"),
    [("ada", 200), ("rae", 200), ("aud", 200), ("adm", 200), ("bob", 404), ("two", 200)],
)
def test_owner_reviewers_and_auditors_may_have_it(service: Service, who: str, status: int) -> None:
    output = settled(service)

    answer = receipt_of(service, output, who)

    assert answer.status_code == status
    if status == 404:
        assert answer.json()["code"] == "unknown_output"
        assert receipt_of(service, str(UUID(int=1)), who).json()["code"] == "unknown_output"


def test_nobody_gets_one_without_a_token(service: Service) -> None:
    assert service.get(f"/v1/outputs/{settled(service)}/receipt", None).status_code == 401


def test_an_output_that_was_not_scored_has_none(service: Service) -> None:
    output = service.submit().json()["outputs"][0]["id"]

    answer = receipt_of(service, output)

    assert (answer.status_code, answer.json()["code"]) == (404, "no_receipt")
    assert "pending" in answer.json()["detail"]


@pytest.mark.parametrize("way", ["release", "withhold"])
def test_a_reviewers_decision_is_shown_to_auditors_and_not_to_the_researcher(
    service: Service, way: str
) -> None:
    output = settled(service, "flag")
    review = service.get("/v1/reviews", "rae").json()["items"][0]["id"]
    service.post(f"/v1/reviews/{review}/claim", who="rae")
    service.post(f"/v1/reviews/{review}/{way}", {"reason": "a quotation"}, "rae")
    service.sequence()

    audited = checked(service, receipt_of(service, output, "aud"))
    own = checked(service, receipt_of(service, output))

    actions: list[Any] = [entry["action"] for entry in audited.entries]
    assert actions == [
        "output.flagged",
        "output.released" if way == "release" else "output.withheld",
    ]
    assert audited.entries[1]["actor"] == "rae"
    assert own.entries == audited.entries[:1]


def test_the_keys_are_public_and_named(service: Service) -> None:
    with service.database.transaction() as session:
        receipts.enrol(session, key=made_up.KEY, actor="another worker")
    newest = service.get("/v1/receipts/key", None)
    listed = service.get("/v1/receipts/keys", None).json()

    first = service.get(f"/v1/receipts/key?id={rows.SIGNER.key_id}", None)

    assert [each["key_id"] for each in listed][1] == rows.SIGNER.key_id
    assert newest.text == listed[0]["pem"]
    assert first.text == listed[1]["pem"]
    assert newest.headers["Content-Type"].startswith("text/plain")


def test_a_key_that_never_signed_here_is_unknown(service: Service) -> None:
    answer = service.get("/v1/receipts/key?id=abc", None)

    assert (answer.status_code, answer.json()["code"]) == (404, "no_receipt_key")
