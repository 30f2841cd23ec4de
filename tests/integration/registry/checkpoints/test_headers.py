from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from registry.checkpoints.headers import HEADER_LIMIT_BYTES, read_header
from registry.errors import BadCheckpoint, PickledWeights
from tests.support.checkpoints import safetensors_bytes, with_header


def tensor(begin: int, end: int, **changes: Any) -> dict[str, Any]:
    return {"dtype": "U8", "shape": [end - begin], "data_offsets": [begin, end]} | changes


def test_what_the_safetensors_library_wrote_is_read_with_its_places(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    arrays: dict[str, Any] = {
        "half": np.arange(6, dtype=np.float16).reshape(2, 3),
        "one": np.array(7, dtype=np.int64),
        "none": np.zeros((0, 4), dtype=np.float32),
    }
    save_file(arrays, file, metadata={"format": "pt"})

    header = read_header(file)

    assert header.metadata == {"format": "pt"}
    data = file.read_bytes()
    for each in header.tensors:
        assert each.shape == arrays[each.name].shape
        assert data[each.begin : each.end] == arrays[each.name].tobytes()
    assert {each.name for each in header.tensors} == set(arrays)


GOOD = safetensors_bytes({"a": [1, 2, 3]})


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "length makes no sense"),
        (GOOD[:7], "length makes no sense"),
        (GOOD[:20], "cut short"),
        (GOOD[:-1], "cut short"),
        (GOOD + b"x", "1 bytes after its last tensor"),
        ((HEADER_LIMIT_BYTES + 1).to_bytes(8, "little") + b"{}", "length makes no sense"),
        (with_header(b"[]"), "begin with a brace"),
        (with_header(b" {}"), "begin with a brace"),
        (with_header(b"{nonsense"), "not JSON"),
        (with_header(b'{"a":' * 50_000), "not JSON"),
        (with_header(b'{"__metadata__":{},"__metadata__":{}}'), "not JSON"),
        (with_header({"__metadata__": {"a": 1}}), "not strings"),
        (with_header({"__metadata__": "a"}), "not strings"),
        (with_header({"a": 1}), "does not know"),
        (with_header({"a": tensor(0, 1) | {"more": 1}}, b"x"), "does not know"),
        (with_header({"a": tensor(0, 1, shape=[-1])}, b"x"), "does not know"),
        (with_header({"a": tensor(0, 1, shape=[True])}, b"x"), "does not know"),
        (with_header({"a": tensor(0, 1, data_offsets=[0.0, 1.0])}, b"x"), "does not know"),
        (with_header({"a": tensor(0, 1, dtype="F12")}, b"x"), "unknown dtype 'F12'"),
        (with_header({"a": tensor(0, 1, dtype="F16")}, b"x"), "do not fit its shape"),
        (with_header({"a": tensor(-1, 1)}, b"x"), "do not fit its shape"),
        (with_header({"a": tensor(0, 2), "b": tensor(1, 3)}, b"xyz"), "overlap before .* 'b'"),
        (with_header({"a": tensor(0, 1), "b": tensor(2, 3)}, b"xyz"), "a hole before .* 'b'"),
        (with_header({"a": tensor(1, 3)}, b"xyz"), "a hole before .* 'a'"),
    ],
)
def test_a_header_that_does_not_describe_the_whole_file_is_refused(
    tmp_path: Path, data: bytes, says: str
) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(data)

    with pytest.raises(BadCheckpoint, match=says):
        read_header(file)


@pytest.mark.parametrize("length", [0x280, 0x380, 0x480, 0x580])
def test_a_header_whose_length_looks_like_a_pickle_is_read(tmp_path: Path, length: int) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(with_header(b"{}".ljust(length)))

    assert read_header(file).tensors == ()


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x80\x02"])
def test_a_pickle_under_another_name_is_called_one(tmp_path: Path, start: bytes) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(start + bytes(100))

    with pytest.raises(PickledWeights, match="under another name"):
        read_header(file)


def test_a_header_padded_with_spaces_is_read(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(with_header(b"{}      "))

    header = read_header(file)

    assert header.tensors == ()
