"""Every way to write a policy wrong, with the line and the key that the message names."""

from __future__ import annotations

import pytest

from filters.policy import BadPolicy, parse_policy

GOOD = """name = "strict"
time_limit_seconds = 30
second_reviews = 0.1

[prompts]
action = "note"

[rules.secrets]
token = 0.5
password = { threshold = 0.5, action = "note", severity = "low" }
"""
TOKEN = "token = 0.5"
HEAD = 'name = "x"\ntime_limit_seconds = 5\n'
NOTED = 'a = { threshold = 0.5, action = "note" }\n'

CASES = {
    "no name": (GOOD.replace('name = "strict"', ""), 1, "name", "needs a name"),
    "blank name": (GOOD.replace('"strict"', '" "'), 1, "name", "needs a name"),
    "name of another kind": (GOOD.replace('"strict"', "7"), 1, "name", "needs a name"),
    "endless name": (GOOD.replace("strict", "x" * 101), 1, "name", "at most 100 characters"),
    "no time limit": (GOOD.replace("time_limit", "#"), 1, "time_limit_seconds", "missing"),
    "no time at all": (GOOD.replace("30", "0"), 2, "time_limit_seconds", "more than 0"),
    "time without end": (GOOD.replace("30", "inf"), 2, "time_limit_seconds", "more than 0"),
    "time as text": (GOOD.replace("30", '"30"'), 2, "time_limit_seconds", "must be a number"),
    "time past counting": (
        GOOD.replace("30", "9" * 400),
        2,
        "time_limit_seconds",
        "is too large",
    ),
    "share over one": (GOOD.replace("0.1", "1.5"), 3, "second_reviews", "from 0 to 1"),
    "share under zero": (GOOD.replace("0.1", "-0.5"), 3, "second_reviews", "from 0 to 1"),
    "share that is no number": (GOOD.replace("0.1", "nan"), 3, "second_reviews", "from 0 to 1"),
    "unknown key": ("fail_open = true\n" + GOOD, 1, "fail_open", "unknown key; a policy has"),
    "unknown table": (GOOD + "\n[filters]\na = 1\n", 12, "filters", "unknown key"),
    "prompts not a table": (HEAD + "prompts = 1\n", 3, "prompts", "must be a table"),
    "unknown key of prompts": (
        GOOD.replace("[prompts]", "[prompts]\nmode = 1"),
        6,
        "prompts.mode",
        "unknown key; this table has action",
    ),
    "unknown action of prompts": (
        GOOD.replace('"note"\n', '"drop"\n'),
        6,
        "prompts.action",
        "must be one of note, refuse",
    ),
    "no rules": (HEAD, 1, "rules", "would pass everything"),
    "empty rules": (HEAD + "[rules]\n", 3, "rules", "would pass everything"),
    "rules of another kind": (HEAD + "rules = 1\n", 3, "rules", "would pass everything"),
    "filter without labels": (HEAD + "\n[rules.links]\n", 4, "rules.links", "at least one label"),
    "filter of another kind": (HEAD + "rules.links = 3\n", 3, "rules.links", "must be a table"),
    "everything only noted": (
        f"{HEAD}[rules.links]\n{NOTED}[rules.secrets]\n{NOTED}",
        3,
        "rules",
        "only noted",
    ),
    "threshold zero": (GOOD.replace("token = 0.5", "token = 0"), 9, "rules.secrets.token", "> 0"),
    "threshold over one": (
        GOOD.replace(TOKEN, "token = 1.01"),
        9,
        "rules.secrets.token",
        "at most 1, not 1.01",
    ),
    "negative threshold": (GOOD.replace(TOKEN, "token = -1"), 9, "rules.secrets.token", "not -1"),
    "threshold nan": (GOOD.replace(TOKEN, "token = nan"), 9, "rules.secrets.token", "not nan"),
    "threshold as text": (GOOD.replace(TOKEN, 'token = "1"'), 9, "rules.secrets.token", "number"),
    "threshold as truth": (GOOD.replace(TOKEN, "token = true"), 9, "rules.secrets.token", "number"),
    "threshold in a list": (GOOD.replace(TOKEN, "token = [1]"), 9, "rules.secrets.token", "number"),
    "rule without threshold": (
        GOOD.replace("threshold = 0.5, ", ""),
        10,
        "rules.secrets.password.threshold",
        "missing",
    ),
    "unknown key of a rule": (
        GOOD.replace("severity", "weight"),
        10,
        "rules.secrets.password.weight",
        "unknown key; a rule has threshold, action, severity",
    ),
    "unknown action": (
        GOOD.replace('"note", ', '"drop", '),
        10,
        "rules.secrets.password.action",
        "must be one of flag, note",
    ),
    "unknown severity": (
        GOOD.replace('"low"', '"LOW"'),
        10,
        "rules.secrets.password.severity",
        "must be one of low, medium, high",
    ),
    "severity as a number": (
        GOOD.replace('"low"', "1"),
        10,
        "rules.secrets.password.severity",
        "must be one of",
    ),
    "a key twice": (GOOD + "token = 0.7\n", 11, "rules.secrets.token", "not TOML: Cannot"),
    "a key without value": ("name = \n" + GOOD, 1, "name", "not TOML: Invalid value"),
    "an open bracket": (GOOD + "[rules.links\n", 11, "rules.secrets", "not TOML: Expected"),
    "an open string": (GOOD + 'a = """\n\n', 11, "rules.secrets.a", "not TOML: Unterminated"),
    "a number past reading": (GOOD + "a = " + "9" * 5000, 11, "rules.secrets.a", "not TOML"),
    "endless nesting": (GOOD + "a = " + "[" * 9000, 11, "rules.secrets.a", "not TOML"),
}


@pytest.mark.parametrize(("text", "line", "key", "reason"), CASES.values(), ids=CASES)
def test_the_message_names_line_and_key(text: str, line: int, key: str, reason: str) -> None:
    with pytest.raises(BadPolicy) as caught:
        parse_policy(text)

    assert (caught.value.line, caught.value.key) == (line, key)
    assert str(caught.value).startswith(f"line {line}, {key}: ")
    assert reason.replace("> 0", "more than 0") in str(caught.value)


def test_lines_that_end_as_on_windows_are_counted_alike() -> None:
    with pytest.raises(BadPolicy, match=r"line 9, rules\.secrets\.token"):
        parse_policy(GOOD.replace(TOKEN, "token = 7").replace("\n", "\r\n"))
