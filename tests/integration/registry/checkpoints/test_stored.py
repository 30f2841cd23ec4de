from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from registry.checkpoints.stored import read_safetensors
from registry.errors import BadCheckpoint
from tests.support.checkpoints import with_header


def test_the_bits_of_a_safetensors_file_are_those_that_were_saved(tmp_path: Path) -> None:
    numbers = np.array([[1.5, -0.0], [np.nan, 3.0]], dtype=np.float16)
    scalar = np.array(2.0, dtype=np.float32)
    save_file({"a": numbers, "b": scalar}, tmp_path / "x.safetensors")

    found = {each.name: each for each in read_safetensors(tmp_path / "x.safetensors")}

    assert (found["a"].dtype, found["a"].shape, found["b"].shape) == ("F16", (2, 2), ())
    assert np.array_equal(found["a"].bits, numbers.view(np.uint16))
    assert found["b"].bits.item() == scalar.view(np.uint32).item()


@pytest.mark.parametrize(
    ("shape", "data"), [([1] * 100, b"\0" * 4), ([0, 2**62], b""), ([2**62, 2**62, 0], b"")]
)
def test_a_shape_that_no_array_can_have_is_refused(
    tmp_path: Path, shape: list[int], data: bytes
) -> None:
    place = {"dtype": "F32", "shape": shape, "data_offsets": [0, len(data)]}
    (tmp_path / "x.safetensors").write_bytes(with_header({"a": place}, data))

    with pytest.raises(BadCheckpoint, match="makes no sense"):
        read_safetensors(tmp_path / "x.safetensors")
