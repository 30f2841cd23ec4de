"""JSON Lines: one object a line, compressed or not."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def read_json_lines(path: Path) -> Iterator[Any]:
    """Yield the value of each line; a name that ends in ``.gz`` means a compressed file.

    Raises:
        json.JSONDecodeError: A line is not JSON.
    """
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    for line in content.splitlines():
        yield json.loads(line)
