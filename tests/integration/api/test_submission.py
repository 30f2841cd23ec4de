"""Submitting a prompt: what is accepted, and each way to be refused."""

from datetime import timedelta

import pytest

from registry.access import service as access
from registry.accounts import service as accounts
from registry.clock import now
from registry.ledger import queries as ledger
from registry.releases.model import ReleaseState
from tests.integration.api.service import NAME, Service
from tests.support import rows

SECRET = "a prompt that nobody else may read"


def test_an_accepted_prompt_is_a_queued_job_with_an_address(service: Service) -> None:
    answer = service.submit(n=2, seed=7)

    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert (job["state"], job["release"], job["prompt"]) == ("queued", NAME, "hello there")
    assert [each["text"] for each in job["outputs"]] == [None, None]
    assert job["parameters"]["seed"] == 7


def test_parameters_that_were_left_out_get_defaults_and_a_seed(service: Service) -> None:
    parameters = service.submit().json()["parameters"]

    seed = parameters.pop("seed")
    assert 0 <= seed < 2**53
    assert parameters == {
        "max_new_tokens": 64,
        "temperature": 0.8,
        "top_p": 0.95,
        "top_k": 0,
        "n": 1,
        "stop": [],
        "echo": False,
    }


def test_a_message_goes_to_the_queue_of_the_release(service: Service) -> None:
    service.submit()

    messages = list((service.settings.data_dir / "queue" / "messages").iterdir())
    assert len(messages) == 1
    assert service.release.digest[:16] in messages[0].name
    assert "hello there" not in messages[0].read_text()


def test_an_unknown_release_is_not_found(service: Service) -> None:
    answer = service.post("/v1/jobs", {"release": "nobody/knows", "prompt": SECRET})

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_release")
    assert answer.json()["release"] == "nobody/knows"
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_unpublished_release_is_refused(service: Service) -> None:
    with service.database.transaction() as session:
        rows.made_up_release(session)

    answer = service.post("/v1/jobs", {"release": "corral/made-up", "prompt": SECRET})

    assert (answer.status_code, answer.json()["code"]) == (403, "release_not_published")
    assert answer.json()["state"] == "registered"


@pytest.mark.parametrize(
    ("to", "code"),
    [
        (ReleaseState.QUARANTINED, "release_quarantined"),
        (ReleaseState.WITHDRAWN, "release_not_published"),
    ],
)
def test_a_release_that_was_taken_back_is_refused(
    service: Service, to: ReleaseState, code: str
) -> None:
    service.move_release(to)

    answer = service.submit()

    assert (answer.status_code, answer.json()["code"]) == (403, code)


def test_without_an_approval_the_problem_says_what_to_do_next(service: Service) -> None:
    answer = service.submit(who="bob")

    assert (answer.status_code, answer.json()["code"]) == (403, "not_approved")
    assert "POST /v1/access-requests" in answer.json()["detail"]
    assert answer.json()["request_state"] is None


def test_while_a_request_waits_the_problem_says_so(service: Service) -> None:
    service.ask("bob")

    answer = service.submit(who="bob")

    assert answer.json()["request_state"] == "open"
    assert "waits for a reviewer" in answer.json()["detail"]


def test_a_revoked_approval_is_refused(service: Service) -> None:
    service.post(f"/v1/approvals/{service.approval_id}/revoke", {"reason": "over"}, "rae")

    answer = service.submit()

    assert (answer.status_code, answer.json()["code"]) == (403, "approval_revoked")


def test_an_expired_approval_is_refused(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as past:
        past.setattr(access, "now", lambda: now() - timedelta(days=2))
        with service.database.transaction() as session:
            bob = accounts.get(session, "bob")
            rae = accounts.get(session, "rae")
            rows.approve(session, service.release, bob, rae)

    answer = service.submit(who="bob")

    assert (answer.status_code, answer.json()["code"]) == (403, "approval_expired")


def test_an_over_long_prompt_says_by_how_many_tokens(service: Service) -> None:
    fits = service.submit("fox " * 20, max_new_tokens=100)

    answer = service.submit("fox " * 400, max_new_tokens=100)

    facts = answer.json()
    assert fits.status_code == 202
    assert (answer.status_code, facts["code"]) == (422, "prompt_too_long")
    assert facts["over_by_tokens"] == facts["prompt_tokens"] + 100 - facts["context_tokens"] > 0
    assert "fox" not in answer.text


def test_a_prompt_that_just_fits_is_accepted(service: Service) -> None:
    too_long = service.submit("hello", max_new_tokens=256).json()["over_by_tokens"]

    answer = service.submit("hello", max_new_tokens=256 - too_long)

    assert answer.status_code == 202


def test_tokens_are_not_counted_for_those_who_may_not_use_the_release(service: Service) -> None:
    answer = service.submit("fox " * 400, who="bob")

    assert answer.json()["code"] == "not_approved"


def test_a_prompt_with_too_many_bytes_is_refused(service: Service) -> None:
    answer = service.submit("x" * (service.settings.prompt_limit_bytes + 1))

    assert (answer.status_code, answer.json()["code"]) == (422, "prompt_too_large")


def test_a_lost_tokenizer_is_our_trouble_and_not_the_callers(service: Service) -> None:
    for each in (service.settings.store_dir / "sha256").rglob("*"):
        if each.is_file():
            each.unlink()

    answer = service.submit()

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


def test_a_changed_tokenizer_is_not_used(service: Service) -> None:
    for each in (service.settings.store_dir / "sha256").rglob("*"):
        if each.is_file():
            each.chmod(0o600)
            each.write_bytes(each.read_bytes() + b" ")

    answer = service.submit()

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


def test_a_refused_prompt_leaves_no_trace(service: Service) -> None:
    with service.database.reading() as session:
        before = ledger.entries(session, subject=None, limit=200, cursor=None).rows

    service.submit(SECRET, n=0)

    with service.database.reading() as session:
        after = ledger.entries(session, subject=None, limit=200, cursor=None).rows
    assert [each.id for each in after] == [each.id for each in before]
    assert service.get("/v1/jobs").json()["items"] == []
