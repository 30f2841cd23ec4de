"""Add accounts, issue and revoke tokens, say who is asking."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from registry.accounts.model import Account, Role, Token
from registry.clock import now
from registry.errors import (
    AccountExists,
    BadParameters,
    NotAuthenticated,
    TokenExpired,
    UnknownAccount,
)
from registry.ledger import service as ledger

OPERATOR = "operator"
TOKEN_START = "corral_"  # noqa: S105 (the public start of every token)
PREFIX_LENGTH = len(TOKEN_START) + 6
_OF_SECRET = (
    select(Account, Token)
    .join(Token, Token.account_id == Account.id)
    .where(Token.secret_sha256 == bindparam("of_secret"))
)
_HANDLE = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")


def add(session: Session, *, handle: str, roles: Iterable[Role], actor: str = OPERATOR) -> Account:
    """Add an account.

    Raises:
        BadParameters: The handle has characters that a handle cannot have, or no role was given.
        AccountExists: The handle is taken.
    """
    given = sorted({role.value for role in roles})
    if not _HANDLE.fullmatch(handle) or handle == OPERATOR:
        raise BadParameters(
            "a handle has 2 to 63 of a-z, 0-9, dot, dash and underscore, begins with a letter or "
            f"digit and is not {OPERATOR}",
            handle=handle,
        )
    if not given:
        raise BadParameters("an account needs at least one role", handle=handle)
    if session.scalar(select(Account.id).where(Account.handle == handle)) is not None:
        raise AccountExists(f"there is an account {handle} already", handle=handle)
    account = Account(handle=handle, roles=given, created_at=now())
    session.add(account)
    session.flush()
    ledger.record(session, actor=actor, action="account.added", subject=handle, roles=given)
    return account


def get(session: Session, handle: str) -> Account:
    """Return the account with this handle.

    Raises:
        UnknownAccount: No account has it.
    """
    account = session.scalar(select(Account).where(Account.handle == handle))
    if account is None:
        raise UnknownAccount(
            f"there is no account {handle}: add it with corral account add {handle} --role ROLE",
            handle=handle,
        )
    return account


def issue_token(session: Session, *, account: Account, days: int, actor: str = OPERATOR) -> str:
    """Make a token and return its secret, which cannot be shown again."""
    secret = TOKEN_START + secrets.token_urlsafe(32)
    token = Token(
        account_id=account.id,
        prefix=secret[:PREFIX_LENGTH],
        secret_sha256=_hash(secret),
        created_at=now(),
        expires_at=now() + timedelta(days=days),
    )
    session.add(token)
    session.flush()
    ledger.record(
        session, actor=actor, action="token.issued", subject=account.handle, prefix=token.prefix
    )
    return secret


def revoke_token(session: Session, *, prefix: str, actor: str = OPERATOR) -> int:
    """Revoke every live token that begins with ``prefix``; return how many there were."""
    live = session.scalars(
        select(Token).where(Token.prefix == prefix, Token.revoked_at.is_(None))
    ).all()
    for token in live:
        token.revoked_at = now()
        ledger.record(session, actor=actor, action="token.revoked", subject=prefix)
    return len(live)


def authenticate(session: Session, secret: str) -> Account:
    """Return the account that a bearer token speaks for.

    Raises:
        NotAuthenticated: The token is unknown or revoked.
        TokenExpired: It was good once.
    """
    found = session.execute(_OF_SECRET, {"of_secret": _hash(secret)}).one_or_none()
    if found is None or found.Token.revoked_at is not None:
        raise NotAuthenticated(
            "the token is unknown or revoked: ask the operator for a new one "
            "(corral token issue HANDLE)"
        )
    if found.Token.expires_at <= now():
        raise TokenExpired(prefix=found.Token.prefix, expired_at=found.Token.expires_at)
    account: Account = found.Account
    return account


def _hash(secret: str) -> str:
    """Hash a token; it has 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()
