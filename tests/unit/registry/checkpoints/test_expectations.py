import hashlib
from collections.abc import Mapping

import pytest

from registry.checkpoints.checklists import Checklist, Line, parse_checklist
from registry.checkpoints.digest import FileDigest
from registry.checkpoints.expectations import check_coverage, check_files, placed
from registry.errors import BadChecklist, ChecksumMismatch

FILES = {"params.json": b"{}", "consolidated.00.pth": b"zero", "consolidated.01.pth": b"one"}


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()  # noqa: S324 (what Meta published)


def listing(files: Mapping[str, bytes] = FILES, *, before: str = "") -> Checklist:
    rows = (f"{md5(data)}  {before}{path}\n" for path, data in files.items())
    return parse_checklist("".join(rows).encode(), name="checklist.chk")


def found(files: Mapping[str, bytes] = FILES) -> list[FileDigest]:
    return [
        FileDigest(path, len(data), hashlib.sha256(data).hexdigest(), "", md5(data))
        for path, data in files.items()
    ]


def test_files_that_are_as_listed_pass_and_unlisted_ones_are_let_be() -> None:
    check_files(listing(), found(FILES | {"tokenizer.model": b"more"}))


def test_a_mismatch_names_the_file_with_what_was_expected_and_found() -> None:
    damaged = FILES | {"consolidated.01.pth": b"two"}

    with pytest.raises(ChecksumMismatch) as caught:
        check_files(listing(), found(damaged))

    assert str(caught.value) == (
        "consolidated.01.pth is not what checklist.chk lists: "
        f"expected md5 {md5(b'one')}, found {md5(b'two')}; download it again"
    )
    assert caught.value.facts["path"] == "consolidated.01.pth"
    assert (caught.value.facts["expected"], caught.value.facts["found"]) == (
        md5(b"one"),
        md5(b"two"),
    )


def test_every_file_that_differs_is_named() -> None:
    with pytest.raises(ChecksumMismatch, match=r"consolidated\.00\.pth, con.* are wrong too") as it:
        check_files(listing(), found(dict.fromkeys(FILES, b"other")))

    assert it.value.facts["different"] == list(FILES)


@pytest.mark.parametrize(
    ("zero", "one", "says"),
    [
        (b"one", b"zero", "that is consolidated.01.pth: the two are swapped, name them back"),
        (b"one", b"one", "that is consolidated.01.pth, here a second time: download con.*00.pth"),
        (b"{}", b"one", "that is params.json, here a second time"),
    ],
)
def test_a_file_with_the_bytes_of_another_is_told_from_a_damaged_one(
    zero: bytes, one: bytes, says: str
) -> None:
    moved = FILES | {"consolidated.00.pth": zero, "consolidated.01.pth": one}

    with pytest.raises(ChecksumMismatch, match=says):
        check_files(listing(), found(moved))


def test_a_listed_file_that_is_missing_fails_the_check() -> None:
    with pytest.raises(ChecksumMismatch, match=r"params\.json is missing, and checklist\.chk"):
        check_files(listing(), found()[1:])


def test_a_list_from_above_the_folder_is_cut_down_to_it() -> None:
    collection = listing(
        {
            **{f"models/7B/{path}": data for path, data in FILES.items()},
            **{f"models/13B/{path}": b"other" for path in FILES},
            "models/7B/ggml-model-f16.bin": b"made of it",
            "models/tokenizer.model": b"for all",
        }
    )

    checklist = placed(collection, [*FILES, "tokenizer.model"], folder="7B")

    assert checklist.paths == {*FILES, "ggml-model-f16.bin"}
    check_files(checklist, found())


def test_a_list_of_one_checkpoint_fits_whatever_the_folder_is_called() -> None:
    checklist = placed(listing(before="llama/7B/"), FILES, folder="mine")

    assert checklist.paths == set(FILES)


def test_a_list_with_the_paths_of_the_folder_stays_as_it_is() -> None:
    checklist = listing()

    assert placed(checklist, FILES, folder="7B") is checklist


def test_a_list_of_several_checkpoints_of_which_none_is_named_is_refused() -> None:
    shard = "consolidated.00.pth"
    several = listing({f"7B/{shard}": b"", f"13B/{shard}": b"", "tokenizer.model": b""})

    with pytest.raises(BadChecklist, match=r"several checkpoints \(13B, 7B\)"):
        placed(several, FILES, folder="mine")


def test_a_list_of_something_else_is_refused() -> None:
    with pytest.raises(BadChecklist, match="lists no file of 7B: it is of another checkpoint"):
        placed(listing({"7B/other.bin": b""}), FILES, folder="7B")


def test_weights_that_no_list_knows_are_refused() -> None:
    lists = [
        Checklist("one", (Line("consolidated.00.pth", "md5", "0" * 32),)),
        Checklist("two", (Line("params.json", "md5", "0" * 32),)),
    ]

    with pytest.raises(BadChecklist, match=r"consolidated\.01\.pth is in none of the lists \(one"):
        check_coverage(lists, ["consolidated.00.pth", "consolidated.01.pth"])
