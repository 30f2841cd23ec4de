"""Reading, listing and cancelling jobs."""

from registry.releases.model import ReleaseState
from tests.integration.api.service import NAME, Service


def test_a_released_output_can_be_read(service: Service) -> None:
    job = service.submit().json()
    service.settle(job["id"], "release", "a harmless text")

    [output] = service.get(f"/v1/jobs/{job['id']}").json()["outputs"]

    assert (output["state"], output["text"]) == ("released", "a harmless text")
    assert output["scores"] == {"toxicity.toxicity": 0.1}
    assert output["verdict"]["decision"] == "release"


def test_a_flagged_output_is_nowhere_in_the_answer(service: Service) -> None:
    job = service.submit().json()
    service.settle(job["id"], "flag", "a flagged text")

    answer = service.get(f"/v1/jobs/{job['id']}")

    [output] = answer.json()["outputs"]
    assert (output["state"], output["text"]) == ("flagged", None)
    assert output["flagged_by"] == [
        {
            "filter": "toxicity",
            "label": "toxicity",
            "score": 0.9,
            "threshold": 0.5,
            "count": 1,
            "severity": "medium",
        }
    ]
    assert "a flagged text" not in answer.text


def test_what_was_found_in_the_prompt_stands_beside_the_job(service: Service) -> None:
    job = service.submit().json()
    service.screen_prompt(job["id"], "flag")

    found = service.get(f"/v1/jobs/{job['id']}").json()

    assert (job["prompt_scores"], job["prompt_flagged_by"]) == ({}, [])
    assert found["prompt_scores"] == {"toxicity.toxicity": 0.9}
    assert [each["label"] for each in found["prompt_flagged_by"]] == ["toxicity"]
    assert found["prompt_noted"] == []


def test_other_peoples_jobs_do_not_exist(service: Service) -> None:
    identifier = service.submit().json()["id"]

    answers = [
        service.get(f"/v1/jobs/{identifier}", "two"),
        service.get(f"/v1/jobs/{identifier}/events", "two"),
        service.post(f"/v1/jobs/{identifier}/cancel", None, "two"),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (404, "unknown_job")
    ] * 3
    assert service.get("/v1/jobs", "two").json()["items"] == []


def test_an_identifier_that_is_none_is_named(service: Service) -> None:
    answer = service.get("/v1/jobs/mine")

    assert (answer.status_code, answer.json()["code"]) == (422, "malformed_request")
    assert answer.json()["errors"][0]["field"] == "path.identifier"


def test_pages_hold_every_job_once_newest_first(service: Service) -> None:
    submitted = [service.submit(f"prompt {number}").json()["id"] for number in range(5)]

    pages = [service.get("/v1/jobs?limit=2").json()]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(service.get(f"/v1/jobs?limit=2&cursor={cursor}").json())

    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert [each["id"] for page in pages for each in page["items"]] == submitted[::-1]


def test_jobs_can_be_listed_by_state_and_release(service: Service) -> None:
    cancelled, queued = service.submit().json()["id"], service.submit().json()["id"]
    service.post(f"/v1/jobs/{cancelled}/cancel")

    def listed(query: str) -> list[str]:
        return [each["id"] for each in service.get(f"/v1/jobs?{query}").json()["items"]]

    assert listed("state=queued") == [queued]
    assert listed("state=cancelled") == [cancelled]
    assert listed(f"state=done&release={NAME}") == []
    assert listed(f"release={NAME}") == [queued, cancelled]
    assert service.get("/v1/jobs?release=nobody/knows").json()["code"] == "unknown_release"


def test_a_page_that_cannot_be_is_refused(service: Service) -> None:
    answers = {
        query: service.get(f"/v1/jobs?{query}")
        for query in ("limit=0", "limit=201", "limit=x", "state=lost", "release=%00")
    }

    assert {each.status_code for each in answers.values()} == {422}
    assert {each.json()["code"] for each in answers.values()} == {"malformed_request"}


def test_a_cursor_of_somebody_elses_making_is_refused(service: Service) -> None:
    for cursor in ("x", "%F0%9F%98%80", "AAAA", "a" * 22 + "!"):
        answer = service.get(f"/v1/jobs?cursor={cursor}")

        assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor"), cursor


def test_a_queued_job_can_be_cancelled_once(service: Service) -> None:
    identifier = service.submit().json()["id"]

    first = service.post(f"/v1/jobs/{identifier}/cancel")
    second = service.post(f"/v1/jobs/{identifier}/cancel")

    assert (first.status_code, first.json()["state"]) == (200, "cancelled")
    assert (second.status_code, second.json()["code"]) == (409, "job_moved")


def test_jobs_stay_readable_when_their_release_is_withdrawn(service: Service) -> None:
    identifier = service.submit().json()["id"]
    service.settle(identifier)
    service.move_release(ReleaseState.WITHDRAWN)

    job = service.get(f"/v1/jobs/{identifier}").json()

    assert job["outputs"][0]["text"] == "some text"
