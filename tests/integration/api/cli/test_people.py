"""Researchers and reviewers work over HTTP with a real server."""

import json
import threading
import time
from typing import Any

from click.testing import Result

from filters.policy import default_policy
from tests.integration.api.cli.conftest import As, Corral
from tests.integration.api.service import NAME, Service
from tests.support.policies import second_reviewed

NO_JOB = "00000000-0000-7000-8000-000000000000"
ESCAPES = "before\x1b[2Jafter\x9b31m"


def _json(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def _ask(person: As, who: str = "bob") -> str:
    words = ("request", NAME, "--purpose", "to test", "--accept-license", "--json")
    return str(_json(person(who, *words))["id"])


def _worker(service: Service, decision: str, text: str) -> threading.Thread:
    """Wait for a queued job, then do the workers' part of it."""

    def work() -> None:
        while not (found := service.get("/v1/jobs?state=queued").json()["items"]):
            time.sleep(0.02)
        service.settle(found[0]["id"], decision, text)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_request_is_made_listed_and_approved(person: As) -> None:
    identifier = _ask(person)
    waiting = _json(person("rae", "requests", "--state", "open", "--json"))["items"]
    table = person("rae", "requests")
    approval = _json(person("rae", "approve", identifier, "--days", "3", "--json"))
    own = _json(person("bob", "requests", "--json"))["items"]

    assert [each["id"] for each in waiting] == [identifier]
    assert identifier in table.stdout
    assert approval["scopes"] == ["generate"]
    assert [each["state"] for each in own] == ["approved"]


def test_a_request_says_what_to_do_when_the_licence_is_not_accepted(person: As) -> None:
    result = person("bob", "request", NAME, "--purpose", "to test")

    assert result.exit_code == 1
    assert "--accept-license" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_request_is_denied_with_a_reason(person: As) -> None:
    identifier = _ask(person)

    denied = _json(person("rae", "deny", identifier, "--reason", "too vague", "--json"))

    assert (denied["state"], denied["reason"]) == ("denied", "too vague")


def test_a_revoked_approval_refuses_the_next_job(person: As, service: Service) -> None:
    approval = str(service.approval_id)
    revoked = _json(person("rae", "revoke", approval, "--reason", "over", "--json"))

    result = person("ada", "submit", NAME, "hello")

    assert revoked["revoked_by"] == "rae"
    assert result.exit_code == 1
    assert "was revoked" in result.stderr
    assert result.stderr.count("\n") == 1


def test_every_parameter_reaches_the_job(person: As) -> None:
    numbers = ["--max-new-tokens=5", "--temperature=0.5", "--top-p=0.9", "--top-k=3", "--seed=7"]
    others = ["--n=2", "--stop=a", "--stop=b", "--echo"]

    submitted = _json(person("ada", "submit", NAME, "hello", *numbers, *others, "--json"))

    assert submitted["parameters"] == {
        "max_new_tokens": 5,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 3,
        "seed": 7,
        "n": 2,
        "stop": ["a", "b"],
        "echo": True,
    }


def test_what_is_not_given_is_left_to_the_service(person: As) -> None:
    submitted = _json(person("ada", "submit", NAME, "hello", "--json"))

    parameters = submitted["parameters"]
    assert (parameters["max_new_tokens"], parameters["n"], parameters["echo"]) == (64, 1, False)


def test_a_prompt_may_come_from_standard_input(person: As) -> None:
    submitted = _json(person("ada", "submit", NAME, "-", "--json", input="from a pipe\n"))

    assert submitted["prompt"] == "from a pipe"


def test_a_prompt_that_is_no_text_is_one_line(person: As) -> None:
    result = person("ada", "submit", NAME, "-", input=b"\xff\xfe")

    assert result.exit_code == 1
    assert result.stderr == "Error: the text is not UTF-8\n"


def test_waiting_prints_the_released_text_with_its_escapes_escaped(
    person: As, service: Service
) -> None:
    worker = _worker(service, "release", ESCAPES)

    result = person("ada", "submit", NAME, "hello", "--wait")

    worker.join()
    assert result.exit_code == 0
    assert result.stdout == "before\\x1b[2Jafter\\x9b31m\n"


def test_waiting_says_plainly_what_was_flagged_and_by_what(person: As, service: Service) -> None:
    worker = _worker(service, "flag", "a flagged text")

    result = person("ada", "submit", NAME, "hello", "--wait")

    worker.join()
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "output 0 is flagged: toxicity.toxicity 0.90 (from 0.50)" in result.stderr
    assert "a flagged text" not in result.output


def test_json_holds_the_text_as_it_was_generated(person: As, service: Service) -> None:
    worker = _worker(service, "release", ESCAPES)

    waited = _json(person("ada", "submit", NAME, "hello", "--wait", "--json"))

    worker.join()
    assert waited["outputs"][0]["text"] == ESCAPES


def test_a_job_is_listed_shown_and_cancelled(person: As) -> None:
    identifier = _json(person("ada", "submit", NAME, "hello", "--json"))["id"]

    listed = _json(person("ada", "jobs", "--state", "queued", "--release", NAME, "--json"))
    table = person("ada", "jobs")
    shown = person("ada", "job", identifier)
    cancelled = person("ada", "cancel", identifier)
    after = person("ada", "job", identifier)

    assert [each["id"] for each in listed["items"]] == [identifier]
    assert identifier in table.stdout
    assert "queued" in shown.stdout
    assert cancelled.stdout == f"job {identifier} is cancelled\n"
    assert after.exit_code == 1
    assert after.stderr == "Error: the job was cancelled\n"


def test_a_job_shows_what_was_found_in_its_prompt(person: As, service: Service) -> None:
    job = service.submit().json()["id"]
    service.screen_prompt(job, "flag")

    result = person("ada", "job", job)

    assert "toxicity.toxicity 0.90 (from 0.50)" in result.stdout


def test_a_review_is_shown_and_decided(person: As, service: Service) -> None:
    identifier = service.flagged_review(text=ESCAPES)

    listed = person("rae", "reviews", "--state", "open")
    shown = person("rae", "review", identifier, "show")
    decided = _json(
        person("rae", "review", identifier, "release", "--reason", "harmless", "--json")
    )

    assert identifier in listed.stdout
    assert shown.stdout.endswith("before\\x1b[2Jafter\\x9b31m\n")
    assert (decided["state"], decided["decided_by"]) == ("released", "rae")


def test_the_first_of_two_reviewers_is_told_that_another_decides(
    person: As, service: Service
) -> None:
    service.adopt(second_reviewed(default_policy()))
    identifier = service.flagged_review()

    first = person("rae", "review", identifier, "release", "--reason", "harmless")
    listed = person("ron", "reviews")
    again = person("rae", "review", identifier, "release", "--reason", "harmless")
    second = person("ron", "review", identifier, "release", "--reason", "harmless")

    assert first.stdout == f"review {identifier}: 1 of 2 said release, one more decides\n"
    assert "1 of 2" in listed.stdout
    assert (again.exit_code, again.stderr.count("needs two reviewers")) == (1, 1)
    assert second.stdout == f"review {identifier}: released\n"


def test_a_review_is_withheld(person: As, service: Service) -> None:
    identifier = service.flagged_review()

    result = person("rae", "review", identifier, "withhold", "--reason", "a threat")

    assert result.stdout == f"review {identifier}: withheld\n"


def test_a_decision_without_a_reason_is_wrong_usage(person: As, service: Service) -> None:
    identifier = service.flagged_review()

    result = person("rae", "review", identifier, "release")

    assert result.exit_code == 2
    assert "--reason" in result.stderr


def test_what_is_not_there_is_one_line(person: As) -> None:
    result = person("ada", "job", NO_JOB)

    assert result.exit_code == 1
    assert result.stderr == f"Error: there is no job {NO_JOB} of yours\n"


def test_a_wrong_token_is_one_line(bare: Corral, url: str) -> None:
    result = bare("jobs", "--url", url, "--token", "corral_wrong")

    assert result.exit_code == 1
    assert "the token is unknown or revoked" in result.stderr


def test_a_missing_token_says_where_it_comes_from(bare: Corral) -> None:
    result = bare("jobs")

    assert result.exit_code == 1
    assert "CORRAL_TOKEN" in result.stderr


def test_a_server_that_is_not_there_is_one_line(bare: Corral) -> None:
    result = bare("jobs", "--url", "http://127.0.0.1:1", "--token", "corral_x")

    assert result.exit_code == 1
    assert "http://127.0.0.1:1" in result.stderr
    assert result.stderr.count("\n") == 1
