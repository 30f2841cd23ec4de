from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from registry.checkpoints.stored import read_safetensors


def test_the_bits_of_a_safetensors_file_are_those_that_were_saved(tmp_path: Path) -> None:
    numbers = np.array([[1.5, -0.0], [np.nan, 3.0]], dtype=np.float16)
    scalar = np.array(2.0, dtype=np.float32)
    save_file({"a": numbers, "b": scalar}, tmp_path / "x.safetensors")

    found = {each.name: each for each in read_safetensors(tmp_path / "x.safetensors")}

    assert (found["a"].dtype, found["a"].shape, found["b"].shape) == ("F16", (2, 2), ())
    assert np.array_equal(found["a"].bits, numbers.view(np.uint16))
    assert found["b"].bits.item() == scalar.view(np.uint32).item()
