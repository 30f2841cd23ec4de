"""Accounts."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from registry.accounts.model import Role


class AccountView(BaseModel):
    """An account."""

    model_config = ConfigDict(from_attributes=True)

    handle: str
    roles: list[Role]
    created_at: datetime
