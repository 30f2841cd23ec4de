"""Names for the identifiers in a row: people read handles and releases, not UUIDs."""

from uuid import UUID

from registry.accounts.model import Account
from registry.db.session import Session
from registry.errors import UnknownAccount, UnknownRelease
from registry.releases.model import Release


def handle_of(session: Session, account_id: UUID) -> str:
    """Return the handle of an account."""
    account = session.get(Account, account_id)
    if account is None:
        raise UnknownAccount(f"there is no account {account_id}")
    return account.handle


def release_name_of(session: Session, release_id: UUID) -> str:
    """Return the name of a release."""
    release = session.get(Release, release_id)
    if release is None:
        raise UnknownRelease(str(release_id))
    return release.name
