"""Reviews of flagged outputs."""

from filters.policy import default_policy
from registry.ledger import queries as ledger
from tests.integration.api.service import Service
from tests.support.policies import second_reviewed

TEXT = "a text that was flagged"


def test_a_listing_has_scores_and_flags_but_no_text(service: Service) -> None:
    review = service.flagged_review(text=TEXT)

    answer = service.get("/v1/reviews?state=open", "rae")

    [found] = answer.json()["items"]
    assert (found["id"], found["state"], found["researcher"]) == (review, "open", "ada")
    assert found["flagged_by"][0]["label"] == "toxicity"
    assert found["scores"] == {"toxicity.toxicity": 0.9}
    assert TEXT not in answer.text
    assert "hello there" not in answer.text


def test_reading_a_flagged_text_is_recorded(service: Service) -> None:
    review = service.flagged_review(text=TEXT)

    found = service.get(f"/v1/reviews/{review}", "rae").json()

    assert (found["text"], found["prompt"]) == (TEXT, "hello there")
    with service.database.reading() as session:
        newest = ledger.entries(session, subject=found["output_id"], limit=1, cursor=None).rows[0]
    assert (newest.action, newest.actor) == ("output.read", "rae")
    assert TEXT not in newest.facts


def test_a_released_output_reaches_its_researcher(service: Service) -> None:
    review = service.flagged_review(text=TEXT)
    service.post(f"/v1/reviews/{review}/claim", None, "rae")

    answer = service.post(f"/v1/reviews/{review}/release", {"reason": "a quotation"}, "rae")

    assert answer.json()["state"] == "released"
    job = service.get(f"/v1/jobs/{answer.json()['job_id']}").json()
    assert job["outputs"][0]["text"] == TEXT
    assert TEXT not in service.get("/v1/reviews", "rae").text


def test_two_reviewers_release_what_the_policy_has_two_of_them_see(service: Service) -> None:
    service.adopt(second_reviewed(default_policy()))
    review = service.flagged_review(text=TEXT)
    answers = []

    for who in ("rae", "rae", "ron"):
        service.post(f"/v1/reviews/{review}/claim", None, who)
        answers.append(
            service.post(f"/v1/reviews/{review}/release", {"reason": "a quotation"}, who)
        )

    first, again, second = answers
    assert (first.json()["state"], first.json()["reviewers_needed"]) == ("open", 2)
    assert first.json()["released_by"] == ["rae"]
    assert (again.status_code, again.json()["code"]) == (403, "second_review_needed")
    assert second.json()["state"] == "released"
    assert second.json()["released_by"] == ["rae", "ron"]


def test_reviewers_see_the_most_severe_first_page_by_page(service: Service) -> None:
    severities = ["low", "high", "medium", "high", "low"]
    made = [(service.flagged_review(severity=each), each) for each in severities]
    found, cursor = [], "limit=2"

    while cursor:
        page = service.get(f"/v1/reviews?{cursor}", "rae").json()
        found += [(each["id"], each["severity"]) for each in page["items"]]
        cursor = f"limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""

    assert found == [made[3], made[1], made[2], made[4], made[0]]


def test_the_cursor_of_another_listing_is_refused(service: Service) -> None:
    service.submit()
    service.submit()
    cursor = service.get("/v1/jobs?limit=1").json()["next_cursor"]

    answer = service.get(f"/v1/reviews?cursor={cursor}", "rae")

    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


def test_a_withheld_output_stays_unread(service: Service) -> None:
    review = service.flagged_review(text=TEXT)
    service.post(f"/v1/reviews/{review}/claim", None, "rae")

    answer = service.post(f"/v1/reviews/{review}/withhold", {"reason": "names a person"}, "rae")

    job = service.get(f"/v1/jobs/{answer.json()['job_id']}")
    assert job.json()["outputs"][0]["state"] == "withheld"
    assert TEXT not in job.text


def test_of_two_reviewers_one_has_the_claim(service: Service) -> None:
    review = service.flagged_review()
    service.post(f"/v1/reviews/{review}/claim", None, "rae")

    answers = [
        service.post(f"/v1/reviews/{review}/claim", None, "ron"),
        service.post(f"/v1/reviews/{review}/release", {"reason": "fine"}, "ron"),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (409, "review_moved")
    ] * 2


def test_a_decision_needs_a_claim_and_a_reason(service: Service) -> None:
    review = service.flagged_review()

    unclaimed = service.post(f"/v1/reviews/{review}/withhold", {"reason": "no"}, "rae")
    service.post(f"/v1/reviews/{review}/claim", None, "rae")
    unreasoned = service.post(f"/v1/reviews/{review}/withhold", {}, "rae")

    assert unclaimed.json()["code"] == "review_moved"
    assert unreasoned.json()["code"] == "reason_missing"


def test_nobody_reads_or_claims_their_own_flagged_output(service: Service) -> None:
    review = service.flagged_review(who="two", text=TEXT)

    answers = [
        service.get(f"/v1/reviews/{review}", "two"),
        service.post(f"/v1/reviews/{review}/claim", None, "two"),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (403, "own_request")
    ] * 2
    assert TEXT not in answers[0].text


def test_a_release_asks_whether_the_researcher_may_still_use_it(service: Service) -> None:
    review = service.flagged_review()
    service.post(f"/v1/reviews/{review}/claim", None, "rae")
    service.post(f"/v1/approvals/{service.approval_id}/revoke", {"reason": "over"}, "rae")

    answer = service.post(f"/v1/reviews/{review}/release", {"reason": "fine"}, "rae")

    assert (answer.status_code, answer.json()["code"]) == (403, "approval_revoked")
