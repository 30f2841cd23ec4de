import os
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from registry.checkpoints.pickles import read_tensors
from registry.checkpoints.stored import StoredTensor
from registry.errors import BadCheckpoint, PickleProblem, RefusedPickle

UNSIGNED = {1: torch.uint8, 2: torch.uint16, 4: torch.uint32, 8: torch.uint64}
DTYPES = {
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def saved(place: Path, state: object, **settings: Any) -> Path:
    torch.save(state, place / "consolidated.00.pth", **settings)
    return place / "consolidated.00.pth"


def by_name(file: Path) -> dict[str, StoredTensor]:
    return {each.name: each for each in read_tensors(file)}


def is_same(found: StoredTensor, tensor: Tensor) -> bool:
    bits = tensor.detach().contiguous().view(UNSIGNED[tensor.element_size()]).numpy()
    return (found.dtype, found.shape) == (DTYPES[tensor.dtype], tuple(tensor.shape)) and bool(
        np.array_equal(found.bits, bits)
    )


@pytest.mark.parametrize("dtype", DTYPES, ids=DTYPES.get)
def test_every_kind_of_element_comes_out_as_the_bits_that_were_saved(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    tensor = torch.tensor([[0, 1, 5], [1, 0, 77]]).to(dtype)
    file = saved(tmp_path, {"a": tensor})

    (found,) = read_tensors(file)

    assert found.name == "a"
    assert is_same(found, tensor)


def test_views_of_one_storage_come_out_each_for_itself(tmp_path: Path) -> None:
    whole = torch.arange(120, dtype=torch.int16).reshape(4, 5, 6)
    state = {
        "whole": whole,
        "turned": whole.permute(2, 0, 1),
        "part": whole[1:3, ::2, 4],
        "last": whole[3, 4, 5],
        "thin": whole[:, :1, :],
        "empty": whole[:, 5:, :],
    }
    file = saved(tmp_path, state)

    found = by_name(file)

    assert list(found) == list(state)
    assert [name for name, tensor in state.items() if not is_same(found[name], tensor)] == []
    assert file.stat().st_size < 2 * whole.nbytes + 4000


def test_tied_weights_are_two_names_of_the_same_bytes(tmp_path: Path) -> None:
    one = torch.rand(3, 4)
    file = saved(tmp_path, {"embedding": one, "output": one})

    found = by_name(file)

    assert is_same(found["embedding"], one)
    assert np.shares_memory(found["embedding"].bits, found["output"].bits)


@pytest.mark.parametrize("state", [{}, OrderedDict()])
def test_a_file_without_tensors_has_none(tmp_path: Path, state: dict[str, Tensor]) -> None:
    file = saved(tmp_path, state)

    assert read_tensors(file) == []


def test_tensors_without_elements_and_without_dimensions_are_read(tmp_path: Path) -> None:
    state = {"none": torch.zeros(0), "flat": torch.zeros(3, 0, 2), "one": torch.tensor(7.0)}
    file = saved(tmp_path, state)

    found = by_name(file)

    assert all(is_same(found[name], tensor) for name, tensor in state.items())


def test_the_bits_of_a_not_a_number_and_of_a_negative_zero_are_kept(tmp_path: Path) -> None:
    bits = torch.tensor([0x7C01, -0x8000, 0x7E01], dtype=torch.int16)
    file = saved(tmp_path, {"a": bits.view(torch.float16)})

    (found,) = read_tensors(file)

    assert found.bits.tolist() == [0x7C01, 0x8000, 0x7E01]


def test_the_state_dict_of_a_llama_is_read_with_its_attributes_left_out(tmp_path: Path) -> None:
    config = LlamaConfig(
        vocab_size=8,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    state = LlamaForCausalLM(config).bfloat16().state_dict()
    file = saved(tmp_path, state)

    found = by_name(file)

    assert hasattr(state, "_metadata")
    assert list(found) == list(state)
    assert [name for name, tensor in state.items() if not is_same(found[name], tensor)] == []


def test_tensors_cannot_be_written_to(tmp_path: Path) -> None:
    file = saved(tmp_path, {"a": torch.zeros(2), "none": torch.zeros(0)})

    found = read_tensors(file)

    assert [each.bits.flags.writeable for each in found] == [False, False]


def test_a_file_that_was_renamed_or_saved_to_a_stream_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a b.bin").open("wb") as sink:
        torch.save({"a": torch.zeros(2)}, sink)

    assert [each.name for each in read_tensors(tmp_path / "a b.bin")] == ["a"]


def test_many_tensors_are_read(tmp_path: Path) -> None:
    state = {f"layers.{number}.weight": torch.full((2,), number) for number in range(1500)}
    file = saved(tmp_path, state)

    found = by_name(file)

    assert [name for name, tensor in state.items() if not is_same(found[name], tensor)] == []


@pytest.mark.parametrize(
    ("state", "problem", "says"),
    [
        ([torch.zeros(1)], PickleProblem.NO_STATE_DICT, "EMPTY_LIST makes a value"),
        (torch.zeros(1), PickleProblem.NO_STATE_DICT, "it holds a tensor"),
        ({"a": None}, PickleProblem.NO_STATE_DICT, "NONE makes a value"),
        ({"a": 1}, PickleProblem.NO_STATE_DICT, "under 'a' it has a number"),
        ({"epoch": 0.5}, PickleProblem.NO_STATE_DICT, "BINFLOAT makes a value"),
        ({1: torch.zeros(1)}, PickleProblem.NO_STATE_DICT, "a key is a number"),
        ({"model": {"a": torch.zeros(1)}}, PickleProblem.NO_STATE_DICT, "'model' it has a dict"),
        ({"": torch.zeros(1)}, PickleProblem.MALFORMED, "the name ''"),
        ({"a\n": torch.zeros(1)}, PickleProblem.MALFORMED, r"the name 'a\\n'"),
        (
            {"a": torch.zeros(1, dtype=torch.complex64)},
            PickleProblem.NO_STATE_DICT,
            "ComplexFloatStorage",
        ),
        (
            {"a": torch.zeros(1, dtype=torch.uint16)},
            PickleProblem.NO_STATE_DICT,
            "_rebuild_tensor_v3",
        ),
        ({"a": torch.zeros(1).to_sparse()}, PickleProblem.NO_STATE_DICT, "_rebuild_sparse_tensor"),
        (
            {"a": torch.nn.Parameter(torch.zeros(1))},
            PickleProblem.NO_STATE_DICT,
            "_rebuild_parameter",
        ),
        ({"a": torch.zeros(1).expand(5)}, PickleProblem.OUT_OF_BOUNDS, "one element at many"),
        ({"a": torch.zeros([1] * 9)}, PickleProblem.TOO_LARGE, "9 dimensions"),
        (torch.nn.Linear(1, 1), PickleProblem.GLOBAL, "torch.nn.modules.linear.Linear"),
        (Path("a"), PickleProblem.GLOBAL, "pathlib.PosixPath"),
    ],
)
def test_what_torch_saves_besides_names_and_tensors_is_refused_by_name(
    tmp_path: Path, state: object, problem: PickleProblem, says: str
) -> None:
    file = saved(tmp_path, state)

    with pytest.raises(RefusedPickle, match=says) as caught:
        read_tensors(file)

    assert caught.value.problem is problem
    assert caught.value.facts["entry"] == "consolidated.00/data.pkl"


@pytest.mark.parametrize(
    ("settings", "problem", "says"),
    [
        ({"_use_new_zipfile_serialization": False}, PickleProblem.OLD_FORMAT, "a bare pickle"),
        ({"pickle_protocol": 4}, PickleProblem.NO_STATE_DICT, "has the pickle protocol 4"),
    ],
)
def test_other_forms_that_torch_can_write_are_refused(
    tmp_path: Path, settings: dict[str, Any], problem: PickleProblem, says: str
) -> None:
    file = saved(tmp_path, {"a": torch.zeros(1)}, **settings)

    with pytest.raises(RefusedPickle, match=says) as caught:
        read_tensors(file)

    assert caught.value.problem is problem


def test_the_error_says_where_and_what_to_do(tmp_path: Path) -> None:
    file = saved(tmp_path, {"a": Path("b")})

    with pytest.raises(RefusedPickle) as caught:
        read_tensors(file)

    assert str(caught.value) == (
        "consolidated.00.pth was refused, and nothing in it was run: it names "
        "'pathlib.PosixPath' (consolidated.00/data.pkl, GLOBAL, byte 13): "
        "tensors need none such; do not load it with anything, and get the weights as "
        "safetensors, or anew from their publisher"
    )
    assert caught.value.facts == {
        "file": "consolidated.00.pth",
        "problem": "global",
        "entry": "consolidated.00/data.pkl",
        "opcode": "GLOBAL",
        "position": 13,
    }


def test_what_is_no_file_with_bytes_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()

    for name, says in {"pipe": "not a regular", "empty": "is empty", "gone": "No such"}.items():
        with pytest.raises(BadCheckpoint, match=says):
            read_tensors(tmp_path / name)
