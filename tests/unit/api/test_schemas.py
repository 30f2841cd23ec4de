import pytest
from pydantic import TypeAdapter, ValidationError

from api.v1.schemas.fields import Decision, Name, Words
from api.v1.schemas.jobs import JobSubmission


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 4001, ""])
def test_a_text_that_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Words).validate_python(text)


def test_a_text_in_any_script_is_kept_as_it_is() -> None:
    text = "naïve 文字 🐑\n\ttab"

    assert TypeAdapter(Name).validate_python(text) == text


def test_a_reason_of_spaces_is_none() -> None:
    assert Decision(reason="  \n").reason == ""


def test_a_prompt_keeps_its_spaces() -> None:
    submission = JobSubmission(release="corral/tiny", prompt="  indented\n")

    assert submission.prompt == "  indented\n"


def test_a_field_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        JobSubmission.model_validate({"release": "corral/tiny", "prompt": "x", "filters": "off"})
