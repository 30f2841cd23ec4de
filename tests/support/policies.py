"""Policies that differ from another one in one thing, written as people write them."""

from filters.policy import parse_policy
from filters.rules import Policy


def refusing(policy: Policy) -> Policy:
    """Return the policy, but refusing prompts that it flags."""
    return _changed(policy, 'action = "note"  #', 'action = "refuse"  #')


def second_reviewed(policy: Policy) -> Policy:
    """Return the policy, but with two reviewers for every release."""
    return _changed(policy, "second_reviews = 0.0", "second_reviews = 1.0")


def with_time_limit(policy: Policy, seconds: int) -> Policy:
    """Return the policy, but with another time limit."""
    return _changed(
        policy,
        f"time_limit_seconds = {policy.time_limit_seconds:g} ",
        f"time_limit_seconds = {seconds} ",
    )


def _changed(policy: Policy, part: str, other: str) -> Policy:
    if part not in policy.source:
        raise ValueError(f"the policy does not say {part}")
    return parse_policy(policy.source.replace(part, other, 1))
