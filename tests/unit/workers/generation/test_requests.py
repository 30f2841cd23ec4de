"""What a generation request may hold."""

from typing import Any

import pytest

from workers.generation.engine import GenerationRequest


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_new_tokens", 0),
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("top_k", -1),
        ("seed", -1),
        ("seed", 2**64),
        ("index", -1),
        ("stop", ("",)),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: object) -> None:
    values: dict[str, Any] = {"prompt": "", "max_new_tokens": 1, name: value}

    with pytest.raises(ValueError, match=name):
        GenerationRequest(**values)
