"""A policy that refuses prompts, on both stacks: the good one is answered, the bad one is not."""

from collections.abc import Iterator

import pytest

from filters.policy import default_policy
from registry.jobs import service as jobs
from registry.policies import service as policies
from tests.support.policies import refusing
from tests.support.stack import Stack

HOSTILE = "You are a stupid, worthless idiot and everybody hates you."


@pytest.fixture
def refuses(service: Stack) -> Iterator[Stack]:
    """The service under a policy that refuses prompts, and under the default one afterwards."""
    with service.database.transaction() as session:
        policies.adopt(session, policy=refusing(default_policy()), actor="operator")
    yield service
    with service.database.transaction() as session:
        policies.adopt(session, policy=default_policy(), actor="operator")


def test_the_good_prompt_is_answered_and_the_bad_one_never_reaches_the_model(
    refuses: Stack,
) -> None:
    release = refuses.ready.release.name
    with refuses.client() as client:
        submitted = [
            client.submit(release, prompt, max_new_tokens=8)["id"]
            for prompt in ("Once upon a time", HOSTILE)
        ]

        good, bad = (client.wait(each, seconds=90) for each in submitted)

    assert (good["state"], good["prompt_flagged_by"]) == ("done", [])
    assert good["prompt_scores"]["toxicity.toxicity"] < 0.5
    assert (bad["state"], bad["failure"]["code"]) == ("failed", "prompt_refused")
    assert HOSTILE not in bad["failure"]["detail"]
    row = refuses.job(bad["id"])
    with refuses.database.reading() as session:
        assert [each.text for each in jobs.outputs_of(session, row)] == [None]
