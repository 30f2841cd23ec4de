"""Catalogues: what is published about checkpoints, in a file.

A catalogue lists checkpoints by the SHA-256 of their files, by the digests of their tensors,
or both. ``docs/identify.md`` describes the format, which is TOML or, under the same names,
JSON.
"""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from registry.checkpoints.headers import ITEM_BYTES
from registry.checkpoints.tensors import TensorDigest
from registry.errors import BadCatalogue

FORMAT = "corral-catalogue/1"
SIZE_LIMIT_BYTES = 1 << 26

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Field(min_length=1, max_length=1000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class KnownFile(_Part):
    """A file of a published checkpoint.

    Attributes:
        path: What it is called there; a folder is recognised under other names too.
    """

    path: Text
    sha256: Sha256
    size: int | None = Field(default=None, ge=0)


class KnownTensor(_Part):
    """A tensor of a published checkpoint, in canonical form."""

    name: Text
    dtype: str
    shape: list[Annotated[int, Field(ge=0)]]
    sha256: Sha256
    bf16_sha256: Sha256

    @model_validator(mode="after")
    def _dtype_is_known(self) -> Self:
        if self.dtype not in ITEM_BYTES:
            raise ValueError(f"there is no dtype {self.dtype!a}")
        return self

    def digest(self) -> TensorDigest:
        """Return it as a tensor of ours is digested."""
        return TensorDigest(self.name, self.dtype, tuple(self.shape), self.sha256, self.bf16_sha256)


class KnownCheckpoint(_Part):
    """A published checkpoint: files, or tensors in canonical order, or both."""

    name: Text
    files: list[KnownFile] = []
    tensors: list[KnownTensor] = []

    @model_validator(mode="after")
    def _something_is_known(self) -> Self:
        if not self.files and not self.tensors:
            raise ValueError(f"{self.name!a} has neither files nor tensors")
        for what, names in (
            ("file", [each.path for each in self.files]),
            ("tensor", [each.name for each in self.tensors]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"{self.name!a} has a {what} twice")
        return self


class Catalogue(_Part):
    """What one file says."""

    format: Literal["corral-catalogue/1"]
    source: Text
    checkpoints: list[KnownCheckpoint] = Field(min_length=1)


def read_catalogue(file: Path) -> Catalogue:
    """Read a catalogue.

    Raises:
        BadCatalogue: It cannot be read or is none; the message says where it is wrong.
    """
    try:
        if file.stat().st_size > SIZE_LIMIT_BYTES:
            raise BadCatalogue(f"{file} is larger than {SIZE_LIMIT_BYTES} bytes: split it")
        return parse_catalogue(file.read_bytes(), name=file.name)
    except OSError as error:
        raise BadCatalogue(f"{file} cannot be read: {error.strerror}") from error


def parse_catalogue(data: bytes, *, name: str) -> Catalogue:
    """Read what a file of this name holds: JSON if it ends in ``.json``, else TOML.

    Raises:
        BadCatalogue: It is no catalogue; the message says where it is wrong.
    """
    try:
        text = data.decode()
        document: Any = json.loads(text) if name.endswith(".json") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        kind = "JSON" if name.endswith(".json") else "TOML"
        raise BadCatalogue(f"{name} is not {kind}: {error}") from error
    try:
        return Catalogue.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top"
        raise BadCatalogue(
            f"{name} is no catalogue: at {where}: {first['msg']}; docs/identify.md has the format"
        ) from error
