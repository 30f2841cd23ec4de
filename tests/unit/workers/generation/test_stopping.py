"""Where a text ends."""

from hypothesis import given
from hypothesis import strategies as st

from workers.generation.stopping import UntilStop

LETTERS = st.text("ab ", max_size=4)


def test_a_stop_string_in_three_parts_ends_the_text_where_it_begins() -> None:
    text = UntilStop(["END"])

    answers = [text.push(part) for part in ("one E", "N", "D two")]

    assert answers == [False, False, True]
    assert text.text == "one "


def test_of_two_stop_strings_the_one_that_begins_first_cuts() -> None:
    text = UntilStop(["c", "bcd"])

    assert text.push("abcde")
    assert text.text == "a"


def test_what_only_resembles_a_stop_string_stays() -> None:
    text = UntilStop(["\n\n"])

    answers = [text.push(part) for part in ("a\n", "b\n", "", "c")]

    assert not any(answers)
    assert text.text == "a\nb\nc"


@given(st.lists(LETTERS), st.lists(LETTERS.filter(bool), max_size=3))
def test_the_text_is_the_beginning_up_to_the_first_stop_string(
    parts: list[str], stop: list[str]
) -> None:
    text = UntilStop(stop)

    for part in parts:
        if text.push(part):
            break

    whole = "".join(parts)
    cuts = [at for each in stop if (at := whole.find(each)) >= 0]
    assert text.text == whole[: min(cuts, default=len(whole))]
