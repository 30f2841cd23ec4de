import json
from typing import Any

import pytest

from registry.checkpoints.canonical import place_of
from registry.checkpoints.catalogue import parse_catalogue
from registry.checkpoints.identify import of_catalogue
from registry.checkpoints.known import published
from registry.checkpoints.tensors import TensorDigest
from registry.errors import BadCatalogue

A, B = "a" * 64, "b" * 64
FILE = {"path": "x.bin", "sha256": A}
TENSOR = {"name": "norm.weight", "dtype": "F16", "shape": [4], "sha256": A, "bf16_sha256": B}


def catalogue(*checkpoints: dict[str, Any], **more: Any) -> bytes:
    document = {"format": "corral-catalogue/1", "source": "a test", "checkpoints": checkpoints}
    return json.dumps({**document, **more}).encode()


def test_toml_and_json_say_the_same() -> None:
    toml = (
        'format = "corral-catalogue/1"\nsource = "a test"\n'
        f'[[checkpoints]]\nname = "X"\nfiles = [{{ path = "x.bin", sha256 = "{A}" }}]\n'
    )

    one = parse_catalogue(toml.encode(), name="x.toml")

    assert one == parse_catalogue(catalogue({"name": "X", "files": [FILE]}), name="x.json")


def test_tensors_are_known_in_canonical_order_whatever_the_files_order() -> None:
    embedding = {**TENSOR, "name": "tok_embeddings.weight"}
    data = catalogue({"name": "X", "tensors": [TENSOR, embedding]})

    [known] = of_catalogue(parse_catalogue(data, name="x.json"))

    assert known.tensors == (
        TensorDigest("tok_embeddings.weight", "F16", (4,), A, B),
        TensorDigest("norm.weight", "F16", (4,), A, B),
    )
    assert place_of(known.tensors[0].name) < place_of(known.tensors[1].name)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "at the top"),
        (catalogue(), "at checkpoints"),
        (catalogue({"name": "X"}), "neither files nor tensors"),
        (catalogue({"name": "X", "files": [FILE, FILE]}), "a file twice"),
        (catalogue({"name": "X", "tensors": [TENSOR, TENSOR]}), "a tensor twice"),
        (catalogue({"name": "X", "files": [{**FILE, "sha256": "A" * 64}]}), "files.0.sha256"),
        (catalogue({"name": "X", "files": [{**FILE, "md5": "0"}]}), "files.0.md5"),
        (catalogue({"name": "X", "tensors": [{**TENSOR, "dtype": "Q4"}]}), "no dtype 'Q4'"),
        (catalogue({"name": "X", "tensors": [{**TENSOR, "shape": [-1]}]}), "shape.0"),
        (catalogue({"name": "X", "files": [FILE]}, format="corral-catalogue/2"), "at format"),
    ],
)
def test_what_is_no_catalogue_is_refused_where_it_is_wrong(data: bytes, says: str) -> None:
    with pytest.raises(BadCatalogue) as caught:
        parse_catalogue(data, name="x.json")

    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_metas_original_files_of_llama_1_are_published() -> None:
    files = {each.name: [file.path for file in each.files] for each in published()[0].checkpoints}

    shards = {"7B": 1, "13B": 2, "30B": 4, "65B": 8}
    assert files == {
        **{
            f"LLaMA-1 {size}": [
                *(f"consolidated.{number:02}.pth" for number in range(count)),
                "params.json",
            ]
            for size, count in shards.items()
        },
        "LLaMA-1 tokenizer": ["tokenizer.model"],
    }


def test_no_published_checksum_is_there_twice() -> None:
    sums = [file.sha256 for each in published()[0].checkpoints for file in each.files]

    assert len(set(sums)) == len(sums) == 20
    assert "31d2b5f4a4ba" in published()[0].source
