"""Kinds of fields that several calls share."""

from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

NAME_LIMIT = 200
TEXT_LIMIT = 4000

T = TypeVar("T")


def _storable(text: str) -> str:
    """JSON can spell what no database stores: a NUL, and half of a surrogate pair."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds a NUL character or an unpaired surrogate")
    return text


Name = Annotated[str, Field(max_length=NAME_LIMIT), AfterValidator(_storable)]
Prose = Annotated[str, Field(max_length=TEXT_LIMIT), AfterValidator(_storable)]
Words = Annotated[str, Field(min_length=1, max_length=TEXT_LIMIT), AfterValidator(_storable)]


class Given(BaseModel):
    """What a caller sends."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class PageView(BaseModel, Generic[T]):
    """One page of a listing, newest first."""

    items: list[T]
    next_cursor: str | None = Field(description="Pass it as `cursor`; null on the last page.")


class Decision(Given):
    """Why something was decided so."""

    reason: Prose = Field(default="", description="For the person concerned and the auditor.")
