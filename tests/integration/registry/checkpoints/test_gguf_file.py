import struct
from contextlib import suppress
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.checkpoints import gguf_header
from registry.checkpoints.gguf_file import read_gguf
from registry.errors import BadCheckpoint
from tests.support.ggufs import write_gguf, write_quantised
from tests.support.meta import MetaLlama, whole_tensors

MODEL = MetaLlama(generation=2)
HEAD = b"GGUF" + struct.pack("<I", 3)


def string(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + data


def header(*, tensors: int = 0, keys: int = 0, body: bytes = b"", version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys) + body


def tensor(
    name: bytes = b"a", *, shape: tuple[int, ...] = (2,), kind: int = 0, offset: int = 0
) -> bytes:
    sizes = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return string(name) + sizes + struct.pack("<IQ", kind, offset)


def key(name: bytes, kind: int, value: bytes) -> bytes:
    return string(name) + struct.pack("<I", kind) + value


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 32) + bytes(64)


def array(kind: int, count: int) -> bytes:
    return struct.pack("<IQ", kind, count)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_tensors_are_read_under_metas_names_as_they_were_written(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    tensors = {name: each.to(dtype) for name, each in whole_tensors(MODEL).items()}
    file = write_gguf(tmp_path / "x.gguf", tensors, heads=MODEL.heads)

    read = read_gguf(file)

    assert (read.quantised, read.head_dim) == ({}, MODEL.shape.head_dim)
    found = {each.name: each for each in read.tensors}
    assert found.keys() == tensors.keys()
    for name, each in tensors.items():
        expected = (each.float() if each.dim() == 1 else each).contiguous()
        assert found[name].bits.tobytes() == expected.view(torch.uint8).numpy().tobytes()
        assert found[name].shape == tuple(each.shape)


def test_quantised_tensors_are_counted_and_not_read(tmp_path: Path) -> None:
    tensors = whole_tensors(MODEL)

    read = read_gguf(write_quantised(tmp_path / "q.gguf", tensors, heads=MODEL.heads))

    matrices = sum(each.dim() == 2 for each in tensors.values())
    assert read.quantised == {"Q8_0": matrices}
    assert len(read.tensors) == len(tensors) - matrices


def test_tensors_of_another_architecture_keep_their_names(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "x.gguf", "gpt2")
    writer.add_tensor("blk.0.attn_q.weight", np.ones((2, 32), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    read = read_gguf(tmp_path / "x.gguf")

    assert [each.name for each in read.tensors] == ["blk.0.attn_q.weight"]


def test_the_smallest_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(padded(header(tensors=1, body=tensor())))

    [found] = read_gguf(tmp_path / "x.gguf").tensors

    assert (found.name, found.dtype, found.shape) == ("a", "F32", (2,))


def test_an_architecture_that_is_no_text_is_not_llama(tmp_path: Path) -> None:
    body = key(b"general.architecture", 8, string(b"\x80")) + tensor(b"output.weight")
    (tmp_path / "x.gguf").write_bytes(padded(header(tensors=1, keys=1, body=body)))

    assert [each.name for each in read_gguf(tmp_path / "x.gguf").tensors] == ["output.weight"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is cut short"),
        (b"GGML" + bytes(64), "is no GGUF file"),
        (header(version=1) + bytes(64), "the GGUF version 1"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "the GGUF version"),
        (header(tensors=2**63), "tensors"),
        (header(keys=2**40), "keys"),
        (header(keys=1, body=string(b"k")), "is cut short"),
        (header(keys=1, body=struct.pack("<Q", 2**62)), "a string of"),
        (header(keys=1, body=key(b"k", 9, array(4, 2**40))), "items"),
        (header(keys=2, body=key(b"k", 9, array(7, 1_000_000)) + bytes(1_000_000)), "is cut short"),
        (header(keys=1, body=key(b"k", 9, array(9, 1))) + bytes(64), "the unknown type 9"),
        (header(keys=1, body=key(b"k", 99, b"")), "the unknown type 99"),
        (header(keys=2, body=2 * key(b"k", 0, b"1")), "the key 'k' twice"),
        (header(keys=1, body=key(b"\xff", 0, b"1")), "not UTF-8"),
        (header(keys=1, body=key(b"general.alignment", 4, bytes(4))), "an alignment"),
        (header(keys=1, body=key(b"general.alignment", 4, b"\0\0\0\x80")), "an alignment"),
        (header(keys=1, body=key(b"general.alignment", 0, b"\x20")), "an alignment"),
        (padded(header(tensors=2, body=2 * tensor())), "the tensor 'a' twice"),
        (padded(header(tensors=1, body=tensor(b"a" * 65))), "a string of 65 bytes"),
        (padded(header(tensors=1, body=tensor(shape=(1,) * 5))), "5 dimensions"),
        (padded(header(tensors=1, body=tensor(kind=77))), "the unknown type 77"),
        (padded(header(tensors=1, body=tensor(shape=(2**41,)))), "makes no sense"),
        (padded(header(tensors=1, body=tensor(shape=(33,), kind=8))), "makes no sense"),
        (padded(header(tensors=1, body=tensor(shape=(2**32, 2**32)))), "outside"),
        (padded(header(tensors=1, body=tensor(offset=96))), "outside"),
        (padded(header(tensors=1, body=tensor(offset=4))), "outside"),
    ],
)
def test_a_hostile_header_is_refused_before_the_library_reads_it(
    tmp_path: Path, data: bytes, says: str
) -> None:
    (tmp_path / "x.gguf").write_bytes(data)

    with pytest.raises(BadCheckpoint, match=says):
        gguf_header.check_header(tmp_path / "x.gguf", blocks={0: (1, 4), 8: (32, 34)})
    with pytest.raises(BadCheckpoint):
        read_gguf(tmp_path / "x.gguf")


def test_the_items_of_all_arrays_together_are_limited(tmp_path: Path) -> None:
    half = array(7, gguf_header.ITEMS_LIMIT // 2 + 1) + bytes(gguf_header.ITEMS_LIMIT // 2 + 1)
    body = key(b"a", 9, half) + key(b"b", 9, half)
    (tmp_path / "x.gguf").write_bytes(header(keys=2, body=body))

    with pytest.raises(BadCheckpoint, match="items in its arrays"):
        read_gguf(tmp_path / "x.gguf")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.data())
def test_damage_to_a_header_raises_no_error_but_our_own(
    tmp_path: Path, data: st.DataObject
) -> None:
    body = key(b"general.architecture", 8, string(b"llama")) + tensor() + tensor(b"b", offset=32)
    whole = bytearray(padded(header(tensors=2, keys=1, body=body)))
    end = len(whole) - 64
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, end - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(whole))))
    (tmp_path / "x.gguf").write_bytes(whole[:cut])

    with suppress(BadCheckpoint):
        read_gguf(tmp_path / "x.gguf")
