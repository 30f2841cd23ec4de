from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.contract import Sample
from filters.secrets import SECRETS, SECRETS_LABELS, find_secrets

# Made-up values, put together here so that no scanner takes this file for a leak.
LETTERS = "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5zA7bC9dE2fG4hJ6kL8mN1pQ3rS5tU7vW9x"
FOUND = [
    ("AKIA" + "Q3EGRT5NPJ7WKMZX", "token"),
    ("ghp_" + LETTERS[:36], "token"),
    ("github_pat_" + LETTERS, "token"),
    ("glpat-" + LETTERS[:20], "token"),
    ("xoxb-" + "2154780913-9081726354-" + LETTERS[:24], "token"),
    ("sk_live_" + LETTERS[:24], "token"),
    ("sk-proj-" + LETTERS[:20] + "T3BlbkFJ" + LETTERS[:20], "token"),
    ("AIza" + LETTERS[:35], "token"),
    ("hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH", "token"),
    ("npm_" + LETTERS[:36], "token"),
    ("SG." + LETTERS[:22] + "." + LETTERS[:43], "token"),
    ("glsa_" + LETTERS[:32] + "_0f3a9c1e", "token"),
    ("shpat_" + "0f3a9c1e7b5d24860f9e3c7a1b8d5426", "token"),
    ("lin_api_" + LETTERS[:40], "token"),
    ("dckr_pat_" + LETTERS[:27], "token"),
    ("gsk_" + LETTERS[:52], "token"),
    ("https://hooks." + "slack.com/services/T02A4BCDE/B05F6GHIJ/" + LETTERS[:24], "token"),
    ("Hello 5301477812:AA" + LETTERS[:33] + " bot", "token"),
    ("eyJ" + LETTERS[:20] + ".eyJ" + LETTERS[:30] + "." + LETTERS[:40], "token"),
    ("Authorization: Bearer " + LETTERS[:40], "token"),
    ('api_key = "' + LETTERS[:32] + '"', "token"),
    ('"client_secret": "' + LETTERS[:24] + '"', "token"),
    ("AWS_SECRET_ACCESS_KEY=" + LETTERS[:40], "token"),
    ("password: Xk39!vLq20", "password"),
    ("my password is Xk39!vLq20.", "password"),
    ("postgresql://corral:" + "s3cr3tPw@db:5432/x", "password"),
    ("curl -u elastic:" + "P4ssw0rd$1 https://localhost:9200", "password"),
    (
        "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
        "private_key",
    ),
    ("-----BEGIN OPENSSH PRIVATE " + "KEY-----\nb3BlbnNzaC1rZXk", "private_key"),
]
PASSED = [
    "The password is correct.",
    "Please enter your password: and press return.",
    "password = 'changeme'",
    "password = os.environ['DB_PASSWORD']",
    'api_key = "YOUR_API_KEY_GOES_HERE_1"',
    "api_key = settings.api_key",
    "api_key: ${API_KEY}",
    "token = tokenizer.encode(text)",
    "secret_length = X25519.secret_length",
    "The secret of a good life is friendship.",
    "git checkout 43fc912ef59a83054ea7f6706df4d53a7dea4d80",
    "uuid: 555ea4a3-d53a-4412-9c66-3a7cb667b0d6",
    "https://example.com/path:with@sign",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjAN\n-----END PUBLIC KEY-----",
    "AKIA is a prefix, and ghp_ is another.",
    "AKIAIOSFODNN7EXAMPLE is the key of the documentation.",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xoxb-Slack_BOT_TOKEN",
    "-----BEGIN OPENSSH PRIVATE KEY----------END OPENSSH PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize(("text", "label"), FOUND)
def test_a_secret_is_found(text: str, label: str) -> None:
    (reading,) = SECRETS.score([Sample(f"Sure. {text}")])

    scores = {each.label: each.score for each in reading.findings}
    assert scores[label] >= 0.8


@pytest.mark.parametrize("text", PASSED)
def test_what_only_speaks_of_secrets_is_not_one(text: str) -> None:
    assert list(find_secrets(text)) == []


def test_the_span_is_the_value_and_not_its_name() -> None:
    text = "db password = 'Xk39!vLq20' # prod"

    (hit,) = find_secrets(text)

    assert text[hit.start : hit.end] == "Xk39!vLq20"


def test_every_label_has_a_finding_where_there_is_no_secret() -> None:
    (reading,) = SECRETS.score([Sample("nothing here")])

    assert {each.label: each.score for each in reading.findings} == dict.fromkeys(
        SECRETS_LABELS, 0.0
    )
    assert reading.covered == ((0, 12),)


@given(st.text(alphabet=string.printable, max_size=300))
def test_spans_stay_inside_any_text(text: str) -> None:
    assert all(0 <= hit.start < hit.end <= len(text) for hit in find_secrets(text))


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_key_is_found_wherever_it_stands(before: str, after: str) -> None:
    key = "AKIA" + "Q3EGRT5NPJ7WKMZX"

    hits = list(find_secrets(f"{before} {key} {after}"))

    assert any(hit.label == "token" and hit.score == 1.0 for hit in hits)


@pytest.mark.parametrize(
    "piece",
    [
        "a", "1", "\"'", "\x00", "\u200b", "x-", "eyJ", "token ", "password=", "secret_key(", "a.",
        "-----BEGIN PRIVATE KEY-----", "http://a:", "curl -u ", "curl \\\n", "xoxb-1-", "aa_aa_",
    ],
)  # fmt: skip
def test_a_hundred_thousand_characters_are_read_in_seconds(
    piece: str, request: pytest.FixtureRequest
) -> None:
    request.applymarker(pytest.mark.timeout(10))
    text = piece * (100_000 // len(piece))

    (reading,) = SECRETS.score([Sample(text)])

    assert reading.covered == ((0, len(text)),)
