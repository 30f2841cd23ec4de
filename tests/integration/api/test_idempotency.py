"""A POST that is sent twice makes one thing."""

from concurrent.futures import ThreadPoolExecutor

from tests.integration.api.service import NAME, Service, access_submission

JOB = {"release": NAME, "prompt": "hello"}


def test_a_repeated_submission_is_the_same_job(service: Service) -> None:
    first = service.post("/v1/jobs", JOB, Idempotency_Key="one")

    second = service.post("/v1/jobs", JOB, Idempotency_Key="one")

    assert second.status_code == first.status_code == 202
    assert second.json() == first.json()
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert len(service.get("/v1/jobs").json()["items"]) == 1


def test_a_repeated_submission_needs_no_approval_any_more(service: Service) -> None:
    first = service.post("/v1/jobs", JOB, Idempotency_Key="one")
    service.post(f"/v1/approvals/{service.approval_id}/revoke", {"reason": "over"}, "rae")

    second = service.post("/v1/jobs", JOB, Idempotency_Key="one")

    assert second.json()["id"] == first.json()["id"]


def test_a_repeated_access_request_is_the_same_request(service: Service) -> None:
    body = access_submission()
    first = service.post("/v1/access-requests", body, "bob", Idempotency_Key="one")

    second = service.post("/v1/access-requests", body, "bob", Idempotency_Key="one")

    assert second.status_code == first.status_code == 201
    assert second.json() == first.json()
    assert second.headers["Idempotency-Replayed"] == "true"


def test_the_order_of_fields_and_explicit_defaults_do_not_matter(service: Service) -> None:
    first = service.post("/v1/jobs", JOB, Idempotency_Key="one")
    again = {"n": 1, "prompt": "hello", "release": NAME}

    second = service.post("/v1/jobs", again, Idempotency_Key="one")

    assert second.json()["id"] == first.json()["id"]


def test_another_body_under_the_same_key_is_refused(service: Service) -> None:
    service.post("/v1/jobs", JOB, Idempotency_Key="one")

    answer = service.post("/v1/jobs", {**JOB, "n": 2}, Idempotency_Key="one")

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")


def test_keys_belong_to_one_account(service: Service) -> None:
    first = service.post("/v1/jobs", JOB, "ada", Idempotency_Key="one")

    second = service.post("/v1/jobs", JOB, "two", Idempotency_Key="one")

    assert second.json()["id"] != first.json()["id"]


def test_a_quoted_key_is_the_same_as_a_bare_one(service: Service) -> None:
    first = service.post("/v1/jobs", JOB, Idempotency_Key="one")

    second = service.post("/v1/jobs", JOB, Idempotency_Key='"one"')

    assert second.json()["id"] == first.json()["id"]


def test_without_a_key_every_submission_is_a_job(service: Service) -> None:
    first, second = service.submit(), service.submit()

    assert first.json()["id"] != second.json()["id"]


def test_a_key_that_is_none_is_refused(service: Service) -> None:
    keys = ("", "x" * 256, 'half "quoted', "two words")

    answers = [service.post("/v1/jobs", JOB, Idempotency_Key=key) for key in keys]

    found = [(each.status_code, each.json()["code"]) for each in answers]
    assert found == [(422, "bad_parameters")] * len(keys)
    assert answers[0].json()["parameter"] == "Idempotency-Key"


def test_sent_twice_at_once_it_makes_one_thing(service: Service) -> None:
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(service.post, "/v1/jobs", JOB, Idempotency_Key="one") for _ in range(4)]
        answers = [each.result() for each in sent]

    accepted = {each.json()["id"] for each in answers if each.status_code == 202}
    others = {each.json()["code"] for each in answers if each.status_code != 202}
    assert len(accepted) == 1
    assert others <= {"idempotency_in_progress"}
    assert len(service.get("/v1/jobs").json()["items"]) == 1
