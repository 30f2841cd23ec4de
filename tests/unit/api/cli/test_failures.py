"""Expected errors are one line; others are none of the command line's business."""

import pydantic
import pytest

from api.cli.failures import sentence_of
from api.client import ApiProblem, ServerUnreachable
from filters.policy import BadPolicy
from registry.errors import UnknownRelease
from registry.settings import Settings

EXPECTED = [
    UnknownRelease("owner/name"),
    ApiProblem(status=403, code="not_approved", detail="no\napproval \x1b[31m", facts={}),
    ServerUnreachable("no answer"),
    BadPolicy("rules: missing"),
    PermissionError(13, "Permission denied", "/some/file"),
]


@pytest.mark.parametrize("error", EXPECTED, ids=lambda error: type(error).__name__)
def test_an_expected_error_is_one_safe_line(error: Exception) -> None:
    sentence = sentence_of(error)

    assert sentence
    assert sentence.isprintable()


def test_a_wrong_setting_is_named_as_it_was_set() -> None:
    with pytest.raises(pydantic.ValidationError) as failure:
        Settings.model_validate({"port": "many", "outputs_limit": 0})

    sentence = sentence_of(failure.value) or ""
    assert "CORRAL_PORT: " in sentence
    assert "CORRAL_OUTPUTS_LIMIT: " in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("error", [RuntimeError("a bug"), KeyError("x"), OSError("no name")])
def test_an_unexpected_error_has_no_sentence(error: Exception) -> None:
    assert sentence_of(error) is None
