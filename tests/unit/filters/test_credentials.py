from __future__ import annotations

import pytest

from filters.secrets import find_secrets

# Made-up values, put together here so that no scanner takes this file for a leak.
LETTERS = "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5zA7bC9dE2fG4hJ6kL8mN1pQ3rS5tU7vW9x"
HEX = "0f3a9c1e7b5d24860f9e3c7a1b8d5426"
UUID = "3a16750d-d363-41a4-8ebd-035408f7730f"
FOUND = [
    ("curl -H 'Authorization: " + HEX + "' https://a.example", HEX),
    ('curl --header "PRIVATE-TOKEN: ' + LETTERS[:20] + '"', LETTERS[:20]),
    ("X-Acme-ApiKey: " + UUID, UUID),
    ("authorization: basic bWFyaWE6" + "dHVsaXAtOTQ=", "bWFyaWE6dHVsaXAtOTQ="),
    ("curl -sku maria:" + "tulip-94x https://a.example", "tulip-94x"),
    ("curl --user 'maria':'" + "tulip-94x' https://a.example", "tulip-94x"),
    ('curl -u "d9QkW78zLx!t:' + '" https://a.example', "d9QkW78zLx!t"),
    ("ftp://maria:" + "swordfish@files.example", "swordfish"),
    ("<password>" + "Xk39!vLq20</password>", "Xk39!vLq20"),
    ("setPassword('" + "Xk39!vLq20')", "Xk39!vLq20"),
    ("--password " + "Xk39!vLq20", "Xk39!vLq20"),
    ("The password for the server is " + "Xk39!vLq20.", "Xk39!vLq20"),
    ("password is: " + "Xk39!vLq20", "Xk39!vLq20"),
    ("dbPassword => `" + "Xk39!vLq20`", "Xk39!vLq20"),
    ("SECRET_KEY_BASE=" + LETTERS[:50], LETTERS[:50]),
    ("Your AWS secret access key is " + LETTERS[:40] + ".", LETTERS[:40]),
    ("| api key | " + LETTERS[:32] + " |", LETTERS[:32]),
    ("The API key for the weather service is " + LETTERS[:32], LETTERS[:32]),
    ("mysql -u root -p" + "Xk39!vLq20 shop", "Xk39!vLq20"),
    ("sshpass -p '" + "Xk39!vLq20' ssh corral", "Xk39!vLq20"),
    ("sourcegraph: " + HEX + "01ab", HEX + "01ab"),
    ("DATADOG_APP = '" + HEX + "'", HEX),
]  # fmt: skip
PASSED = [
    "curl -H 'Authorization: Bearer $TOKEN' https://a.example",
    "curl -H 'Authorization: Bearer YOUR_TOKEN_1234567' https://a.example",
    "curl -H 'Authorization: Bearer ******' https://a.example",
    "Authorization: Basic dXNlcjpwYXNzd29yZA==",
    "curl -u user:password https://a.example",
    'curl -u "${NAME}:${WORD}" https://a.example',
    "curl -u test:test https://a.example",
    "https://user:pass@a.example/",
    "<UserSecretsId>79a3edd0-2092-40a2-a04d-dcb46d5ca9ed</UserSecretsId>",
    "clientId = '73082700-1f09-405b-80d0-3131bfd6272d'",
    "csrf-token=Mj2qykJO5rELyHgezQ69nzUX0i3OH67V7",
    "public_key = 'Mj2qykJO5rELyHgezQ69nzUX0i3OH67V7'",
    "Her secret was that she loved him in 1984 and 1985.",
    "The secret to a good soup, said grandmother, is time.",
    "Reset your password at https://a.example/reset?x=1234567",
    "Twitter: follow us at acme_corporation_news",
]


@pytest.mark.parametrize(("text", "value"), FOUND)
def test_a_credential_is_found_where_it_stands(text: str, value: str) -> None:
    spans = [text[hit.start : hit.end] for hit in find_secrets(text)]

    assert spans == ([value])


@pytest.mark.parametrize("text", PASSED)
def test_a_stand_in_is_no_credential(text: str) -> None:
    assert list(find_secrets(text)) == []


def test_a_word_with_a_prefix_and_a_random_rest_is_a_token_of_an_unlisted_issuer() -> None:
    text = "Use acme_live_" + LETTERS[:32] + " for that."

    (hit,) = find_secrets(text)

    assert (hit.label, text[hit.start : hit.end]) == ("token", "acme_live_" + LETTERS[:32])


@pytest.mark.parametrize(
    "text",
    [
        "commit-43fc912ef59a83054ea7f6706df4d53a7dea4d80",
        "the_quick_brown_fox_jumps_over_the_lazy_dog_again",
        "https://a.example/img_" + LETTERS[:32] + ".png",
        "sha256-" + HEX + HEX,
    ],
)
def test_a_digest_or_a_file_is_not_a_token(text: str) -> None:
    assert list(find_secrets(text)) == []


def test_a_secret_is_one_finding_however_many_patterns_see_it() -> None:
    text = "curl -H 'Authorization: token ghp_" + LETTERS[:36] + "'"

    (hit,) = find_secrets(text)

    assert hit.score == 1.0
