from __future__ import annotations

import pytest

from filters.contract import Filter
from filters.links import LINKS
from filters.policy import BadPolicy, check_policy, default_policy, parse_policy
from filters.rules import Action, PromptAction, Rule
from filters.secrets import SECRETS
from filters.verdict import Severity

GOOD = """
name = "strict"
time_limit_seconds = 30

[rules.secrets]
token = 0.5
"""
WHOLE = """# Everything that a policy can say.
name = "whole"
time_limit_seconds = 30
second_reviews = 0.25

[prompts]
action = "refuse"

[rules.secrets]
token = { threshold = 0.5, severity = "high" }
password = { threshold = 0.6, action = "note", severity = "low" }

[rules.links.suspicious]
threshold = 0.7
action = "note"
"""


def test_a_policy_says_what_its_text_says() -> None:
    policy = parse_policy(WHOLE)

    assert (policy.name, policy.time_limit_seconds) == ("whole", 30)
    assert (policy.second_reviews, policy.prompts) == (0.25, PromptAction.REFUSE)
    assert policy.rules == {
        "secrets": {
            "token": Rule(0.5, Action.FLAG, Severity.HIGH),
            "password": Rule(0.6, Action.NOTE, Severity.LOW),
        },
        "links": {"suspicious": Rule(0.7, Action.NOTE, Severity.MEDIUM)},
    }
    assert policy.source == WHOLE


def test_a_number_is_a_threshold_that_flags() -> None:
    policy = parse_policy(GOOD)

    assert policy.rules == {"secrets": {"token": Rule(0.5, Action.FLAG, Severity.MEDIUM)}}
    assert (policy.second_reviews, policy.refuses_prompts) == (0, False)


def test_comments_and_layout_do_not_change_the_digest() -> None:
    reordered = (
        "# as before\nrules = { secrets = { token = 0.50 } }\ntime_limit_seconds = 30.0\n"
        'name = "strict"\n'
    )

    assert parse_policy(reordered).digest == parse_policy(GOOD).digest


def test_saying_at_length_what_holds_anyway_does_not_change_the_digest() -> None:
    at_length = GOOD.replace(
        "token = 0.5",
        'token = { threshold = 0.5, action = "flag", severity = "medium" }\n'
        '[prompts]\naction = "note"',
    ).replace("[rules", "second_reviews = 0\n[rules")

    assert parse_policy(at_length).digest == parse_policy(GOOD).digest


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("0.5", "0.51"),
        ("whole", "other"),
        ("30", "31"),
        ("0.25", "0.26"),
        ('"refuse"', '"note"'),
        ('"high"', '"low"'),
        ('action = "note", ', ""),
        ("links.suspicious", "links.other"),
    ],
)
def test_whatever_a_policy_says_is_in_its_digest(part: str, other: str) -> None:
    assert parse_policy(WHOLE.replace(part, other)).digest != parse_policy(WHOLE).digest


def test_the_rules_of_a_policy_cannot_be_changed() -> None:
    policy = parse_policy(GOOD)

    with pytest.raises(TypeError):
        policy.rules["secrets"]["token"] = Rule(1.0)  # type: ignore[index]


def test_the_default_policy_has_a_rule_for_every_kind_of_harm() -> None:
    assert set(default_policy().rules) >= {"toxicity", "misuse", "secrets", "links"}


def test_a_policy_that_fits_the_filters_is_accepted() -> None:
    check_policy(parse_policy(WHOLE), [SECRETS, LINKS])


@pytest.mark.parametrize(
    ("text", "filters", "where"),
    [
        (GOOD, [SECRETS, LINKS], "line 5, rules.links: missing; the filter links runs"),
        (GOOD, [LINKS], "line 5, rules.secrets: there is no such filter; there is links"),
        (GOOD, [], "line 5, rules.secrets: there is no such filter; there is none"),
        (GOOD.replace("token", "tokens"), [SECRETS], "line 6, rules.secrets.tokens: secrets has"),
        (GOOD, [SECRETS, SECRETS], "two filters are called secrets"),
    ],
)
def test_a_policy_that_does_not_fit_the_filters_is_refused(
    text: str, filters: list[Filter], where: str
) -> None:
    with pytest.raises(BadPolicy, match=where):
        check_policy(parse_policy(text), filters)
