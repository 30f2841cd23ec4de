import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.checkpoints.checklists import Checklist, Line, parse_checklist
from registry.errors import BadChecklist

MD5 = "6efc8dab194ab59e49cd24be5574d85e"
SHA256 = "700df0d3013b703a806d2ae7f1bfb8e59814e3d06ae78be0c66368a50059f33d"

names = st.text(st.characters(categories=["L", "N"], include_characters="._-"), min_size=1)
paths = st.lists(names.filter(lambda name: set(name) != {"."}), min_size=1, max_size=3).map(
    "/".join
)


def parsed(text: str | bytes) -> Checklist:
    return parse_checklist(text if isinstance(text, bytes) else text.encode(), name="list")


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (f"{MD5}  params.json", Line("params.json", "md5", MD5)),
        (f"{MD5} *params.json", Line("params.json", "md5", MD5)),
        (f"{SHA256}  params.json", Line("params.json", "sha256", SHA256)),
        (f"{SHA256} params.json", Line("params.json", "sha256", SHA256)),
        (f"{SHA256}\tparams.json", Line("params.json", "sha256", SHA256)),
        (f"{SHA256.upper()}  params.json", Line("params.json", "sha256", SHA256)),
        (f"{SHA256}  ./7B//params.json", Line("7B/params.json", "sha256", SHA256)),
        (f"{SHA256}  /data/params.json", Line("data/params.json", "sha256", SHA256)),
        (f"{SHA256}  .\\7B\\params.json", Line("7B/params.json", "sha256", SHA256)),
        (f"{SHA256}  a name with spaces", Line("a name with spaces", "sha256", SHA256)),
        (f"MD5 (params.json) = {MD5}", Line("params.json", "md5", MD5)),
        (f"SHA256 (params.json) = {SHA256}", Line("params.json", "sha256", SHA256)),
        (f"SHA2-256(params.json)= {SHA256}", Line("params.json", "sha256", SHA256)),
    ],
)
def test_a_line_is_read_in_every_form_that_the_tools_print(row: str, line: Line) -> None:
    checklist = parsed(f"# made by hand\n\n{row}\n")

    assert checklist.lines == (line,)
    assert checklist.needs_md5 == (line.algorithm == "md5")


@given(st.dictionaries(paths, st.binary(), min_size=1), st.sampled_from(["  ", " *"]))
def test_what_md5sum_would_print_is_read_back(files: dict[str, bytes], between: str) -> None:
    digests = {path: hashlib.md5(data).hexdigest() for path, data in files.items()}  # noqa: S324

    checklist = parsed("".join(f"{value}{between}{path}\n" for path, value in digests.items()))

    assert {line.path: line.digest for line in checklist.lines} == digests


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (f"{MD5}  params.json\r\n".encode(), "Windows line ends"),
        (f"\ufeff{MD5}  params.json\n".encode("utf-16-le"), "UTF-16"),
    ],
)
def test_what_windows_did_to_a_list_is_undone_and_said(data: bytes, note: str) -> None:
    checklist = parsed(data)

    assert checklist.lines == (Line("params.json", "md5", MD5),)
    assert [note in each for each in checklist.notes] == [True]


def test_a_clean_list_has_nothing_to_be_said_of() -> None:
    checklist = parsed(f"\ufeff{MD5}  params.json\n")

    assert checklist.notes == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no line of a checksum and a name.*download it again, or take it out"),
        ("# nothing\n\n", "no line of a checksum and a name"),
        ("Not Found\n", "no line of a checksum and a name"),
        ("md5sum: params.json: No such file or directory\n", "no line of a checksum"),
        ("<html><body>Log in</body></html>", "is a web page.*sign in"),
        ("\n <!DOCTYPE HTML PUBLIC>", "is a web page"),
        (f"{MD5}  a\nsome words\n", "line 2 of list is no checksum and a name .'some words'"),
        (f"{MD5}  ../a\n{MD5}  b\n", "line 1 of list is no checksum and a name"),
        (f"{MD5[:-1]}  a\n", "line 1 of list has a checksum of 31 digits"),
        (f"{MD5 + MD5[:8]}  a\n", "40 digits: md5 .32. and sha256 .64. are compared"),
        (f"{MD5}  a\n{'0' * 32}  ./a\n", "lists a twice, with two checksums"),
        (b"\xff\xfe\x00", "is not text"),
        (b"PK\x03\x04\x90", "is not text"),
        (b"0" * ((1 << 24) + 1), "is too large for a list of checksums"),
    ],
)
def test_what_is_no_list_is_refused_with_what_it_is(text: str | bytes, says: str) -> None:
    with pytest.raises(BadChecklist, match=says):
        parsed(text)


def test_one_path_may_have_digests_of_two_kinds_and_one_digest_may_be_said_twice() -> None:
    checklist = parsed(f"{MD5}  a\n{SHA256}  a\n{MD5}  a\n")

    assert [line.algorithm for line in checklist.lines] == ["md5", "sha256"]
