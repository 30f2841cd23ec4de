"""Who is asking."""

from datetime import datetime

from registry.errors.categories import Conflict, NotFound, Refused


class NotAuthenticated(Refused):
    """No token, or one that is unknown, expired or revoked."""

    code = "not_authenticated"


class TokenExpired(NotAuthenticated):
    """The token was good once."""

    code = "token_expired"

    def __init__(self, *, prefix: str, expired_at: datetime) -> None:
        super().__init__(
            f"the token {prefix}... expired at {expired_at:%Y-%m-%d %H:%M} UTC: "
            "ask the operator for a new one (corral token issue HANDLE)",
            expired_at=expired_at.isoformat(),
        )


class RoleMissing(Refused):
    """The account lacks the role that this call needs."""

    code = "role_missing"

    def __init__(self, needed: str) -> None:
        super().__init__(
            f"this needs the role {needed}: ask the operator to give it to your account",
            role=needed,
        )


class UnknownAccount(NotFound):
    """No account has that handle."""

    code = "unknown_account"


class AccountExists(Conflict):
    """The handle is taken."""

    code = "account_exists"
