"""Who may ask what."""

from datetime import timedelta

import pytest

from registry.accounts import service as accounts
from registry.clock import now
from tests.integration.api.service import PEOPLE, Service

# Tokens and roles are asked for before anything of the records that databases could differ in.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SOME_ID = "01890000-0000-7000-8000-000000000000"

PUBLIC = [
    "/",
    "/docs",
    "/healthz",
    "/metrics",
    "/openapi.json",
    "/readyz",
    "/v1/audit/checkpoint",
    "/v1/audit/key",
    "/v1/releases",
    "/v1/releases/corral/tiny",
    "/v1/releases/corral/tiny/files",
]
SIGNED_IN = [
    "/v1/access-requests",
    "/v1/approvals",
    "/v1/audit/consistency?from=1&to=1",
    "/v1/audit/inclusion?index=0&size=1",
    "/v1/filters",
    "/v1/me",
    "/v1/policies/current",
]
GUARDED = {
    "GET /v1/audit/entries": {"aud", "adm"},
    "GET /v1/jobs": {"ada", "bob", "two"},
    f"GET /v1/jobs/{SOME_ID}": {"ada", "bob", "two"},
    f"GET /v1/jobs/{SOME_ID}/events": {"ada", "bob", "two"},
    "GET /v1/reviews": {"rae", "ron", "two", "adm"},
    f"GET /v1/reviews/{SOME_ID}": {"rae", "ron", "two", "adm"},
    "POST /v1/access-requests": {"ada", "bob", "two"},
    f"POST /v1/access-requests/{SOME_ID}/approve": {"rae", "ron", "two", "adm"},
    f"POST /v1/access-requests/{SOME_ID}/deny": {"rae", "ron", "two", "adm"},
    f"POST /v1/access-requests/{SOME_ID}/messages": set(PEOPLE) - {"aud"},
    f"POST /v1/access-requests/{SOME_ID}/withdraw": {"ada", "bob", "two"},
    f"POST /v1/approvals/{SOME_ID}/revoke": {"rae", "ron", "two", "adm"},
    "POST /v1/jobs": {"ada", "bob", "two"},
    f"POST /v1/jobs/{SOME_ID}/cancel": {"ada", "bob", "two"},
    f"POST /v1/reviews/{SOME_ID}/claim": {"rae", "ron", "two", "adm"},
    f"POST /v1/reviews/{SOME_ID}/release": {"rae", "ron", "two", "adm"},
    f"POST /v1/reviews/{SOME_ID}/withhold": {"rae", "ron", "two", "adm"},
}


def test_anybody_may_read_what_is_public(service: Service) -> None:
    answers = {path: service.get(path, None).status_code for path in PUBLIC}

    assert answers == dict.fromkeys(PUBLIC, 200)


def test_everything_else_needs_a_token(service: Service) -> None:
    calls = [f"GET {path}" for path in SIGNED_IN] + list(GUARDED)

    answers = {
        call: service.http.request(*call.split(" "), json={} if call.startswith("P") else None)
        for call in calls
    }

    assert {call: each.status_code for call, each in answers.items()} == dict.fromkeys(calls, 401)
    assert {each.json()["code"] for each in answers.values()} == {"not_authenticated"}
    assert {each.headers["WWW-Authenticate"] for each in answers.values()} == {"Bearer"}


def test_everybody_with_a_token_may_read_what_concerns_all(service: Service) -> None:
    service.sequence()

    answers = {(path, who): service.get(path, who) for path in SIGNED_IN for who in PEOPLE}

    assert {each.status_code for each in answers.values()} == {200}


def test_only_the_right_roles_get_past_the_door(service: Service) -> None:
    allowed = {
        call: {who for who in PEOPLE if not is_refused(service, call, who)} for call in GUARDED
    }

    assert allowed == GUARDED


def test_a_wrong_token_is_not_accepted(service: Service) -> None:
    headers = ("Bearer corral_wrong", "Bearer ", "Basic YTpi", "corral_x", "Bearer caf\xe9")

    answers = [
        service.http.get("/v1/me", headers={b"Authorization": each.encode("latin-1")})
        for each in headers
    ]

    found = [(each.status_code, each.json()["code"]) for each in answers]
    assert found == [(401, "not_authenticated")] * len(headers)


def test_an_expired_token_says_so(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "now", lambda: now() + timedelta(days=2))

    answer = service.get("/v1/me")

    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
    assert "corral token issue" in answer.json()["detail"]
    assert service.tokens["ada"] not in answer.text


def test_a_revoked_token_is_not_accepted(service: Service) -> None:
    prefix = service.tokens["ada"][: accounts.PREFIX_LENGTH]
    with service.database.transaction() as session:
        accounts.revoke_token(session, prefix=prefix)

    answer = service.get("/v1/me")

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_me_is_the_account_of_the_token(service: Service) -> None:
    answer = service.get("/v1/me", "two")

    assert answer.json()["handle"] == "two"
    assert answer.json()["roles"] == ["researcher", "reviewer"]


def is_refused(service: Service, call: str, who: str) -> bool:
    """Return whether somebody's role is not the one that a call needs."""
    method, path = call.split(" ")
    body: dict[str, str] | None = {} if method == "POST" else None
    answer = service.http.request(method, path, headers=service.headers(who), json=body)
    return bool(answer.json().get("code") == "role_missing")
