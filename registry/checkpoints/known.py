"""Checksums that are published about checkpoints: those in ``published/``, and an operator's."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from registry.checkpoints.catalogue import Catalogue, parse_catalogue, read_catalogue

_SUFFIXES = (".toml", ".json")


@cache
def published() -> tuple[Catalogue, ...]:
    """Return the catalogues that ship with Corral."""
    folder = files("registry.checkpoints") / "published"
    return tuple(
        parse_catalogue(each.read_bytes(), name=each.name)
        for each in sorted(folder.iterdir(), key=lambda each: each.name)
        if each.name.endswith(_SUFFIXES)
    )


def catalogues_in(folder: Path) -> list[Catalogue]:
    """Return the catalogues in a folder, which need not exist.

    Raises:
        BadCatalogue: One cannot be read or is none.
    """
    found = sorted(folder.glob("*")) if folder.is_dir() else []
    return [read_catalogue(each) for each in found if each.suffix in _SUFFIXES]
