from datetime import timedelta

import pytest
from sqlalchemy import select, update

from registry.accounts import service as accounts
from registry.accounts.model import Account, Role, Token
from registry.clock import now
from registry.db.session import Database
from registry.errors import AccountExists, BadParameters, NotAuthenticated, TokenExpired


@pytest.fixture
def account(database: Database) -> Account:
    """An account."""
    with database.transaction() as session:
        return accounts.add(session, handle="ada", roles=[Role.RESEARCHER])


def issue(database: Database, account: Account) -> str:
    """Issue a token."""
    with database.transaction() as session:
        return accounts.issue_token(session, account=account, days=1)


def test_a_token_speaks_for_its_account(database: Database, account: Account) -> None:
    secret = issue(database, account)

    with database.reading() as session:
        assert accounts.authenticate(session, secret).handle == "ada"


def test_the_secret_is_not_stored(database: Database, account: Account) -> None:
    secret = issue(database, account)

    with database.reading() as session:
        token = session.scalars(select(Token)).one()

    assert secret not in (token.prefix, token.secret_sha256)
    assert secret.startswith(token.prefix)


def test_an_expired_token_says_so(database: Database, account: Account) -> None:
    secret = issue(database, account)
    with database.transaction() as session:
        session.execute(update(Token).values(expires_at=now() - timedelta(seconds=1)))

    with pytest.raises(TokenExpired), database.reading() as session:
        accounts.authenticate(session, secret)


def test_a_revoked_token_is_unknown(database: Database, account: Account) -> None:
    secret = issue(database, account)
    with database.transaction() as session:
        accounts.revoke_token(session, prefix=secret[: accounts.PREFIX_LENGTH])

    with pytest.raises(NotAuthenticated), database.reading() as session:
        accounts.authenticate(session, secret)


@pytest.mark.parametrize("secret", ["", "corral_", "corral_é", "x" * 10_000])
def test_nonsense_is_no_token(database: Database, secret: str) -> None:
    with pytest.raises(NotAuthenticated), database.reading() as session:
        accounts.authenticate(session, secret)


@pytest.mark.parametrize("handle", ["", "A", "a b", "operator", "-x", "x" * 64])
def test_a_bad_handle_is_refused(database: Database, handle: str) -> None:
    with pytest.raises(BadParameters), database.transaction() as session:
        accounts.add(session, handle=handle, roles=[Role.RESEARCHER])


def test_a_handle_is_taken_once(database: Database, account: Account) -> None:
    with pytest.raises(AccountExists), database.transaction() as session:
        accounts.add(session, handle=account.handle, roles=[Role.REVIEWER])
