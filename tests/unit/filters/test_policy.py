from __future__ import annotations

import pytest

from filters.contract import Filter
from filters.links import LINKS
from filters.policy import BadPolicy, check_policy, default_policy, parse_policy
from filters.secrets import SECRETS

GOOD = """
name = "strict"
time_limit_seconds = 30

[rules.secrets]
token = 0.5
"""


def test_a_policy_says_what_its_text_says() -> None:
    policy = parse_policy(GOOD)

    assert policy.name == "strict"
    assert policy.time_limit_seconds == 30
    assert policy.rules == {"secrets": {"token": 0.5}}
    assert policy.source == GOOD


def test_comments_and_layout_do_not_change_the_digest() -> None:
    reordered = (
        "# as before\nrules = { secrets = { token = 0.50 } }\ntime_limit_seconds = 30.0\n"
        'name = "strict"\n'
    )

    assert parse_policy(reordered).digest == parse_policy(GOOD).digest


def test_another_threshold_is_another_digest() -> None:
    assert parse_policy(GOOD.replace("0.5", "0.51")).digest != parse_policy(GOOD).digest


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "name"),
        ('name = "x"\n', "time_limit_seconds"),
        ('name = "x"\ntime_limit_seconds = 5\n', "rules: missing"),
        ('name = "x"\ntime_limit_seconds = 5\n[rules]\n', "rules: missing"),
        ('name = "x"\ntime_limit_seconds = 5\n[rules.links]\n', "rules.links: must be"),
        ('name = "x"\ntime_limit_seconds = 5\nrules = 1\n', "rules: missing"),
        (GOOD.replace("0.5", "0"), "rules.secrets.token: must be more than 0"),
        (GOOD.replace("0.5", "1.01"), "rules.secrets.token: must be more than 0 and at most 1"),
        (GOOD.replace("0.5", "-0.5"), "rules.secrets.token"),
        (GOOD.replace("0.5", "nan"), "rules.secrets.token"),
        (GOOD.replace("0.5", '"0.5"'), "rules.secrets.token: must be a number"),
        (GOOD.replace("0.5", "true"), "rules.secrets.token: must be a number"),
        (GOOD.replace("30", "0"), "time_limit_seconds: must be more than 0"),
        (GOOD.replace("30", "inf"), "time_limit_seconds"),
        (GOOD.replace('"strict"', '" "'), "name"),
        ("fail_open = true\n" + GOOD, "fail_open: unknown key"),
        (GOOD + "token = 0.7\n", "line 7"),
        ("name = \n" + GOOD, "line 1"),
    ],
)
def test_a_bad_policy_is_refused_and_the_message_says_where(text: str, where: str) -> None:
    with pytest.raises(BadPolicy, match=where):
        parse_policy(text)


def test_the_rules_of_a_policy_cannot_be_changed() -> None:
    policy = parse_policy(GOOD)

    with pytest.raises(TypeError):
        policy.rules["secrets"]["token"] = 1.0  # type: ignore[index]


def test_the_default_policy_has_a_rule_for_every_kind_of_harm() -> None:
    assert set(default_policy().rules) == {"toxicity", "misuse", "secrets", "links"}


def test_a_policy_that_fits_the_filters_is_accepted() -> None:
    check_policy(parse_policy(GOOD), [SECRETS])


@pytest.mark.parametrize(
    ("text", "filters", "where"),
    [
        (GOOD, [SECRETS, LINKS], "rules.links: missing"),
        (GOOD, [LINKS], "rules.secrets: there is no such filter"),
        (GOOD, [], "rules.secrets: there is no such filter"),
        (GOOD.replace("token", "tokens"), [SECRETS], "rules.secrets.tokens: secrets has no such"),
        (GOOD, [SECRETS, SECRETS], "two filters are called secrets"),
    ],
)
def test_a_policy_that_does_not_fit_the_filters_is_refused(
    text: str, filters: list[Filter], where: str
) -> None:
    with pytest.raises(BadPolicy, match=where):
        check_policy(parse_policy(text), filters)
