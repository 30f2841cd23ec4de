"""Access requests and approvals."""

from registry.releases.model import ReleaseState
from tests.integration.api.service import NAME, Service, access_submission


def test_a_request_waits_for_a_reviewer(service: Service) -> None:
    answer = service.ask("bob")

    request = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/access-requests/{request['id']}"
    assert (request["state"], request["researcher"], request["release"]) == ("open", "bob", NAME)


def test_an_approval_lets_the_researcher_submit(service: Service) -> None:
    request = service.ask("bob").json()["id"]

    answer = service.post(f"/v1/access-requests/{request}/approve", {"days": 3}, "rae")

    approval = answer.json()
    assert answer.status_code == 200
    assert (approval["researcher"], approval["scopes"]) == ("bob", ["generate"])
    assert approval["approved_by"] == "rae"
    assert service.submit(who="bob").status_code == 202
    assert service.get("/v1/approvals", "bob").json()["items"] == [approval]


def test_a_denied_request_says_why(service: Service) -> None:
    request = service.ask("bob").json()["id"]

    service.post(f"/v1/access-requests/{request}/deny", {"reason": "too vague"}, "rae")

    found = service.get(f"/v1/access-requests/{request}", "bob").json()
    assert (found["state"], found["reason"], found["decided_by"]) == ("denied", "too vague", "rae")
    assert service.submit(who="bob").json()["request_state"] == "denied"


def test_a_denial_or_revocation_needs_a_reason(service: Service) -> None:
    request = service.ask("bob").json()["id"]

    answers = [
        service.post(f"/v1/access-requests/{request}/deny", {"reason": "  "}, "rae"),
        service.post(f"/v1/access-requests/{request}/deny", {}, "rae"),
        service.post(f"/v1/approvals/{service.approval_id}/revoke", {}, "rae"),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (422, "reason_missing")
    ] * 3


def test_nobody_decides_their_own_request(service: Service) -> None:
    request = service.ask("two").json()["id"]

    answers = [
        service.post(f"/v1/access-requests/{request}/approve", {}, "two"),
        service.post(f"/v1/access-requests/{request}/deny", {"reason": "no"}, "two"),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (403, "own_request")
    ] * 2


def test_a_decided_request_is_decided(service: Service) -> None:
    request = service.ask("bob").json()["id"]
    service.post(f"/v1/access-requests/{request}/approve", {}, "rae")

    answers = [
        service.post(f"/v1/access-requests/{request}/approve", {}, "ron"),
        service.post(f"/v1/access-requests/{request}/deny", {"reason": "no"}, "ron"),
        service.post(f"/v1/access-requests/{request}/withdraw", None, "bob"),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (409, "request_moved")
    ] * 3


def test_a_request_is_withdrawn_by_its_researcher_alone(service: Service) -> None:
    request = service.ask("bob").json()["id"]

    others = [
        service.post(f"/v1/access-requests/{request}/withdraw", None, who) for who in ("ada", "two")
    ]
    own = service.post(f"/v1/access-requests/{request}/withdraw", None, "bob")

    assert [each.json()["code"] for each in others] == ["unknown_request"] * 2
    assert own.json()["state"] == "withdrawn"


def test_a_conversation_stays_with_the_request(service: Service) -> None:
    request = service.ask("bob").json()["id"]
    address = f"/v1/access-requests/{request}"

    said = service.post(f"{address}/messages", {"body": "which data?"}, "rae")
    service.post(f"{address}/messages", {"body": "public ones"}, "bob")

    messages = service.get(address, "aud").json()["messages"]
    assert said.status_code == 201
    assert [(each["author"], each["body"]) for each in messages] == [
        ("rae", "which data?"),
        ("bob", "public ones"),
    ]
    assert service.get(address, "ada").status_code == 404
    assert service.post(f"{address}/messages", {"body": "hi"}, "ada").status_code == 404


def test_reviewers_and_auditors_see_all_requests_and_approvals(service: Service) -> None:
    service.ask("bob")

    def seen(path: str) -> dict[str, int]:
        people = ("ada", "bob", "rae", "aud", "adm")
        return {who: len(service.get(path, who).json()["items"]) for who in people}

    assert seen("/v1/access-requests") == {"ada": 1, "bob": 1, "rae": 3, "aud": 3, "adm": 3}
    assert seen("/v1/access-requests?state=open") == {
        "ada": 0,
        "bob": 1,
        "rae": 1,
        "aud": 1,
        "adm": 1,
    }
    assert seen("/v1/approvals") == {"ada": 1, "bob": 0, "rae": 2, "aud": 2, "adm": 2}


def test_a_second_open_request_is_a_conflict(service: Service) -> None:
    first = service.ask("bob").json()["id"]

    answer = service.ask("bob")

    assert (answer.status_code, answer.json()["code"]) == (409, "request_exists")
    assert answer.json()["request"] == first


def test_the_licence_must_be_accepted(service: Service) -> None:
    body = access_submission(accepts_license=False)

    answer = service.post("/v1/access-requests", body, "bob")

    assert (answer.status_code, answer.json()["code"]) == (422, "license_not_accepted")


def test_only_published_releases_can_be_asked_for(service: Service) -> None:
    unknown = service.post("/v1/access-requests", access_submission(release="no/body"), "bob")
    service.move_release(ReleaseState.QUARANTINED)

    answer = service.ask("bob")

    assert unknown.json()["code"] == "unknown_release"
    assert answer.status_code == 403


def test_a_malformed_request_is_refused(service: Service) -> None:
    wrong: list[dict[str, object]] = [
        {"purpose": ""},
        {"purpose": "   "},
        {"purpose": "x" * 4001},
        {"purpose": "a\0b"},
        {"accepts_license": "yes"},
        {"extra": 1},
    ]

    answers = [
        service.post("/v1/access-requests", access_submission(**each), "bob") for each in wrong
    ]

    assert [each.json()["code"] for each in answers] == ["malformed_body"] * len(wrong)


def test_a_malformed_approval_is_refused(service: Service) -> None:
    request = service.ask("bob").json()["id"]
    wrong: list[dict[str, object]] = [
        {"days": 0},
        {"days": 10**9},
        {"days": "3"},
        {"scopes": []},
        {"scopes": ["all"]},
    ]

    answers = [
        service.post(f"/v1/access-requests/{request}/approve", each, "rae") for each in wrong
    ]

    assert [each.json()["code"] for each in answers] == ["malformed_body"] * len(wrong)


def test_an_approval_is_revoked_once(service: Service) -> None:
    address = f"/v1/approvals/{service.approval_id}/revoke"

    first = service.post(address, {"reason": "the project ended"}, "rae")
    second = service.post(address, {"reason": "again"}, "ron")

    assert first.json()["revoked_by"] == "rae"
    assert (second.status_code, second.json()["code"]) == (409, "request_moved")
