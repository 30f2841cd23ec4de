"""Who is asking, and whether their role may ask that.

A token is looked up in a reading transaction of its own, so callers without one never hold
up a writer.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.dependencies import AllDoors
from registry.accounts import service as accounts
from registry.accounts.model import Account, Role
from registry.errors import NotAuthenticated, RoleMissing

_bearer = HTTPBearer(
    scheme_name="token",
    description="An API token, `corral_...`; the operator issues it.",
    auto_error=False,
)


def identify(
    parts: AllDoors, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Account:
    """Return the account that the bearer token speaks for.

    Raises:
        NotAuthenticated: There is no token, or one that is unknown, expired or revoked.
    """
    if given is None:
        raise NotAuthenticated(
            "this needs a token: send the header Authorization: Bearer corral_... "
            "(on the command line, set CORRAL_TOKEN)"
        )
    with parts.database.reading() as session:
        return accounts.authenticate(session, given.credentials)


Anybody = Annotated[Account, Depends(identify)]


def having(*roles: Role) -> Callable[[Account], Account]:
    """Return a dependency that refuses accounts with none of these roles."""

    def check(account: Anybody) -> Account:
        if not any(account.has(role) for role in roles):
            raise RoleMissing(roles[0])
        return account

    return check


# An administrator may do what reviewers and auditors do. Nobody decides what is their own.
Researcher = Annotated[Account, Depends(having(Role.RESEARCHER))]
Reviewer = Annotated[Account, Depends(having(Role.REVIEWER, Role.ADMIN))]
Auditor = Annotated[Account, Depends(having(Role.AUDITOR, Role.ADMIN))]
Participant = Annotated[Account, Depends(having(Role.RESEARCHER, Role.REVIEWER, Role.ADMIN))]
