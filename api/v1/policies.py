"""What is in force: the policy, and the filters that it names."""

from fastapi import APIRouter

from api.dependencies import Reads
from api.identity import Anybody
from api.openapi import SIGN_IN, problems
from api.v1.schemas.policies import FiltersView, FilterView, PolicyView
from filters.policy import parse_policy
from registry.errors import NoPolicy
from registry.policies import service as policies
from registry.verdicts import queries as verdicts

router = APIRouter(prefix="/v1", tags=["policies"])


@router.get(
    "/policies/current", summary="The policy in force", responses=problems(*SIGN_IN, NoPolicy)
)
def current_policy(_: Anybody, session: Reads) -> PolicyView:
    """Return the rules that turn scores into verdicts, and their digest."""
    row = policies.current(session)
    policy = parse_policy(row.source)
    return PolicyView(
        name=row.name,
        digest=row.digest,
        adopted_at=row.adopted_at,
        adopted_by=row.adopted_by,
        time_limit_seconds=policy.time_limit_seconds,
        second_reviews=policy.second_reviews,
        prompts=policy.prompts,
        rules=policy.thresholds,
        actions=policy.actions,
        severities=policy.severities,
        source=row.source,
    )


@router.get("/filters", summary="The filters in force", responses=problems(*SIGN_IN, NoPolicy))
def list_filters(_: Anybody, session: Reads) -> FiltersView:
    """Return every filter with its labels and thresholds.

    Version and weights digest are those of the newest verdict; null before the first one.
    """
    row = policies.current(session)
    policy = parse_policy(row.source)
    verdict = verdicts.newest(session)
    seen = {each["name"]: each for each in verdict.filters} if verdict else {}
    return FiltersView(
        policy_digest=row.digest,
        filters=[
            FilterView(
                name=name,
                labels=labels,
                noted=[label for label, action in policy.actions[name].items() if action == "note"],
                version=seen.get(name, {}).get("version"),
                weights_digest=seen.get(name, {}).get("weights_digest"),
            )
            for name, labels in sorted(policy.thresholds.items())
        ],
    )
