from collections.abc import Iterator

import pytest

from api.openapi import problems
from api.problems import STATUS, status_of, title_of
from registry import errors
from registry.errors import CorralError, NotApproved, NotAuthenticated, PromptTooLong, TokenExpired


def leaves(error: type[CorralError] = CorralError) -> Iterator[type[CorralError]]:
    for child in error.__subclasses__():
        if child.__module__.startswith("registry.errors"):
            yield child
        yield from leaves(child)


@pytest.mark.parametrize("error", list(leaves()), ids=lambda error: error.code)
def test_every_error_has_a_status_of_its_category(error: type[CorralError]) -> None:
    assert status_of(error) in STATUS.values()


def test_who_is_unknown_is_asked_to_sign_in_before_being_refused() -> None:
    found = {error: status_of(error) for error in (NotAuthenticated, TokenExpired, NotApproved)}

    assert found == {NotAuthenticated: 401, TokenExpired: 401, NotApproved: 403}


def test_an_error_of_no_category_is_ours() -> None:
    assert status_of(CorralError) == 500


def test_a_title_is_the_same_for_every_problem_of_a_kind() -> None:
    assert title_of(PromptTooLong) == (
        "Prompt and new tokens together do not fit the release's context"
    )


def test_every_error_that_callers_meet_has_a_title() -> None:
    found = {name: title_of(getattr(errors, name)) for name in errors.__all__}

    assert not [name for name, title in found.items() if not title or title.endswith(".")]


def test_a_route_documents_its_problems_by_status_and_code() -> None:
    found = problems(NotApproved, PromptTooLong, body=True)

    assert list(found) == [400, 403, 413, 422, 500]
    assert "`not_approved`" in found[403]["description"]
    assert "`prompt_too_long`" in found[422]["description"]
    assert "`malformed_body`" in found[422]["description"]
