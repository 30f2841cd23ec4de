"""The Python client against a real server."""

import threading
from collections.abc import Iterator

import pytest

from api.client import ApiProblem, Client, ServerUnreachable
from tests.integration.api.service import NAME, Service

# The client does not know which database the server has.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def rae(service: Service, url: str) -> Iterator[Client]:
    """A reviewer's client."""
    with Client(url, service.tokens["rae"]) as client:
        yield client


def test_a_client_follows_pages_to_their_end(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.connection.PAGE_LIMIT", 2)
    submitted = [ada.submit(NAME, f"prompt {number}")["id"] for number in range(5)]

    listed = [job["id"] for job in ada.jobs(state="queued")]

    assert listed == submitted[::-1]


def test_a_client_waits_until_a_job_is_final(service: Service, ada: Client) -> None:
    identifier = ada.submit(NAME, "hello there", n=2, seed=1)["id"]
    worker = threading.Timer(0.3, service.settle, (identifier,))
    worker.start()

    job = ada.wait(identifier)

    worker.join()
    assert [output["text"] for output in job["outputs"]] == ["some text"] * 2


def test_a_client_does_not_wait_for_ever(ada: Client) -> None:
    identifier = ada.submit(NAME, "hello there")["id"]

    with pytest.raises(TimeoutError, match="still queued"):
        ada.wait(identifier, seconds=0.1)


def test_a_client_raises_problems_with_their_facts(ada: Client) -> None:
    with pytest.raises(ApiProblem) as caught:
        ada.submit(NAME, "fox " * 400)

    problem = caught.value
    assert (problem.status, problem.code) == (422, "prompt_too_long")
    assert problem.facts["over_by_tokens"] > 0
    assert problem.detail == str(problem)


def test_two_submissions_of_a_client_are_two_jobs(ada: Client) -> None:
    first, second = ada.submit(NAME, "hello"), ada.submit(NAME, "hello")
    third = ada.submit(NAME, "hello", idempotency_key="mine")
    fourth = ada.submit(NAME, "hello", idempotency_key="mine")

    assert first["id"] != second["id"]
    assert third["id"] == fourth["id"]


def test_a_client_has_every_call_of_an_access_request(
    service: Service, url: str, rae: Client
) -> None:
    with Client(url, service.tokens["bob"]) as bob:
        asked = bob.request_access(
            NAME, purpose="p", affiliation="a", intended_use="i", accepts_license=True
        )
        rae.say(asked["id"], "which data?")
        rae.deny(asked["id"], reason="no answer")
        again = bob.request_access(
            NAME, purpose="p", affiliation="a", intended_use="i", accepts_license=True
        )
        approval = rae.approve(again["id"], days=2, scopes=["generate"], reason="fine")
        rae.revoke(approval["id"], reason="over")
        third = bob.request_access(
            NAME, purpose="p", affiliation="a", intended_use="i", accepts_license=True
        )
        bob.withdraw(third["id"])

        states = [each["state"] for each in bob.access_requests()]
        messages = bob.access_request(asked["id"])["messages"]
        approvals = list(bob.approvals())

    assert states == ["withdrawn", "approved", "denied"]
    assert [each["body"] for each in messages] == ["which data?"]
    assert [each["revoke_reason"] for each in approvals] == ["over"]


def test_a_client_has_every_call_of_a_review(service: Service, ada: Client, rae: Client) -> None:
    first, second = service.flagged_review(), service.flagged_review()

    rae.claim(first)
    rae.release_output(first, reason="a quotation")
    rae.claim(second)
    rae.withhold_output(second, reason="names a person")

    assert {each["id"]: each["state"] for each in rae.reviews()} == {
        first: "released",
        second: "withheld",
    }
    assert rae.review(first)["text"] == "some text"
    assert len(list(ada.jobs(state="done"))) == 2


def test_a_client_reads_what_is_public_without_a_token(service: Service, url: str) -> None:
    service.sequence()
    with Client(url) as nobody, Client(url, service.tokens["aud"]) as auditor:
        [release] = nobody.releases()
        size = int(nobody.checkpoint().split("\n")[1])

        shown = nobody.release(NAME)
        assert shown == {**release, "derivation": None, "queues": shown["queues"]}
        assert nobody.release_files(NAME)["digest"] == release["digest"]
        assert nobody.ledger_key()["vkey"].startswith(nobody.ledger_key()["origin"])
        assert auditor.me()["handle"] == "aud"
        assert len(list(auditor.audit_entries())) == size
        assert auditor.inclusion(index=0, size=size)["index"] == 0
        assert auditor.consistency(first=1, second=size)["to"] == size
        assert auditor.filters()["policy_digest"] == auditor.policy()["digest"]


def test_a_client_cancels(ada: Client) -> None:
    identifier = ada.submit(NAME, "hello")["id"]

    assert ada.cancel(identifier)["state"] == "cancelled"
    assert ada.wait(identifier)["state"] == "cancelled"


@pytest.mark.parametrize("typed", ["../me", "a/b", "a?b", " "])
def test_what_somebody_typed_stays_one_part_of_the_path(ada: Client, typed: str) -> None:
    with pytest.raises(ApiProblem) as caught:
        ada.job(typed)

    assert caught.value.code in ("malformed_request", "not_found")


@pytest.mark.usefixtures("database_url")
def test_a_client_says_when_nobody_answers() -> None:
    client = Client("http://127.0.0.1:9", "corral_x")

    with client, pytest.raises(ServerUnreachable, match="is the service running"):
        client.me()
