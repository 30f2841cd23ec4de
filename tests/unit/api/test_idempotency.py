import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.idempotency import parse_key
from registry.errors import BadParameters

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255)


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("one", "one"),
        ('"one"', "one"),
        ('  "one two" ', "one two"),
        (r'"a\"b\\c"', r"a\"b\c".replace(r"\"", '"')),
        ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
    ],
)
def test_a_key_is_what_is_in_the_quotes_or_what_is_bare(header: str, key: str) -> None:
    assert parse_key(header) == key


@given(PRINTABLE)
def test_every_printable_key_can_be_quoted(key: str) -> None:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')

    assert parse_key(f'"{escaped}"') == key


@pytest.mark.parametrize(
    "header", ["", '""', " ", "x" * 256, '"open', 'a"b', "two words", "café", '"a\\b"', "a\tb"]
)
def test_what_is_no_key_is_refused(header: str) -> None:
    with pytest.raises(BadParameters):
        parse_key(header)
