"""A POST that is sent twice makes one thing.

Source of the header: draft-ietf-httpapi-idempotency-key-header, which makes it a quoted
string of RFC 8941; many clients send it bare, so both are taken.
"""

import json
import re
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header
from pydantic import BaseModel

from registry.accounts import idempotency
from registry.accounts.model import Account
from registry.db.session import Session
from registry.errors import BadParameters

LENGTH_LIMIT = 255
REPLAYED = "Idempotency-Replayed"

_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_BARE = re.compile(r"[!#-\[\]-~]+")
_ESCAPED = re.compile(r"\\(.)")


def parse_key(header: str) -> str:
    """Return the key in a header, without quotes.

    Raises:
        BadParameters: It is empty, too long, or neither quoted nor bare.
    """
    quoted = _QUOTED.fullmatch(header.strip())
    key = _ESCAPED.sub(r"\1", quoted[1]) if quoted else header.strip()
    if not (quoted or _BARE.fullmatch(key)) or not 0 < len(key) <= LENGTH_LIMIT:
        raise BadParameters(
            f"an Idempotency-Key has 1 to {LENGTH_LIMIT} printable ASCII characters; "
            "put it in double quotes if it holds spaces",
            parameter="Idempotency-Key",
        )
    return key


def _key(
    idempotency_key: Annotated[
        str | None,
        Header(description="Any name of your choice; repeating it with the same body is safe."),
    ] = None,
) -> str | None:
    return None if idempotency_key is None else parse_key(idempotency_key)


Key = Annotated[str | None, Depends(_key)]


@dataclass(frozen=True, slots=True)
class Once:
    """One POST that makes one thing, however often it is sent."""

    account: Account
    route: str
    key: str | None
    body: BaseModel | bytes

    def made_before(self, session: Session) -> UUID | None:
        """Return what the key made earlier, if anything.

        Raises:
            IdempotencyMismatch: The key came with another body then.
        """
        if self.key is None:
            return None
        return idempotency.made_before(
            session, account=self.account, route=self.route, key=self.key, body=self._bytes()
        )

    def remember(self, session: Session, made_id: UUID) -> None:
        """Write what the key made, in the transaction that made it.

        Raises:
            IdempotencyInProgress: Another request with the same key was quicker.
        """
        if self.key is not None:
            idempotency.remember(
                session,
                account=self.account,
                route=self.route,
                key=self.key,
                body=self._bytes(),
                made_id=made_id,
            )

    def _bytes(self) -> bytes:
        """Return the body in one form, whatever the order and spacing it was sent in."""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body.model_dump(), sort_keys=True, default=str).encode()
