"""Who the token speaks for."""

from fastapi import APIRouter

from api.identity import Anybody
from api.openapi import SIGN_IN, problems
from api.v1.schemas.accounts import AccountView

router = APIRouter(prefix="/v1", tags=["accounts"])


@router.get("/me", summary="Who am I?", responses=problems(*SIGN_IN))
def me(account: Anybody) -> AccountView:
    """Return the account that the token speaks for, with its roles."""
    return AccountView.model_validate(account)
