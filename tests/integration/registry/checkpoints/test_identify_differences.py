"""What is said of folders whose weights differ from those that are known."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from registry.checkpoints.identify import Known
from registry.checkpoints.likeness import Kind, Mistake
from tests.support.ggufs import write_gguf
from tests.support.meta import MetaLlama, whole_tensors
from tests.support.published import (
    MODEL,
    TENSORS,
    cast,
    change,
    huggingface_tensors,
    identified,
    known_of,
    to_halves,
    without_config,
    write_huggingface,
)


def _backwards(weight: Tensor, head_dim: int) -> Tensor:
    inverse = torch.argsort(to_halves(torch.arange(len(weight)), head_dim))
    return weight[inverse]


@pytest.mark.parametrize(
    ("order", "mistake"),
    [
        (lambda weight, _: weight, Mistake.NOT_PERMUTED),
        (lambda weight, size: to_halves(to_halves(weight, size), size), Mistake.PERMUTED_TWICE),
        (_backwards, Mistake.PERMUTED_BACKWARDS),
        (lambda weight, _: to_halves(weight, len(weight) // MODEL.heads), Mistake.KEYS_AS_QUERIES),
    ],
)
def test_a_known_mistake_in_the_order_of_rows_is_named(
    tmp_path: Path,
    known: Known,
    order: Callable[[Tensor, int], Tensor],
    mistake: Mistake,
) -> None:
    wrong = write_huggingface(tmp_path / "x", MODEL, huggingface_tensors(MODEL, order=order))

    [answer] = identified(wrong, known).answers

    assert answer.kind is Kind.ROWS_IN_WRONG_ORDER
    assert answer.tensors is not None
    assert answer.tensors.mistake is mistake
    assert all(".attention.w" in name for name in answer.tensors.different)


@pytest.mark.parametrize(
    ("order", "mistake"),
    [(to_halves, Mistake.STILL_PERMUTED), (_backwards, Mistake.PUT_BACK_TWICE)],
)
def test_a_mistake_in_a_gguf_file_is_named_even_after_rounding(
    tmp_path: Path,
    known: Known,
    order: Callable[[Tensor, int], Tensor],
    mistake: Mistake,
) -> None:
    tensors = {
        name: order(each, MODEL.shape.head_dim) if "wq" in name or "wk" in name else each
        for name, each in whole_tensors(MODEL).items()
    }
    write_gguf(tmp_path / "g" / "x.gguf", cast(tensors, torch.bfloat16), heads=MODEL.heads)

    [answer] = identified(tmp_path / "g", known).answers

    assert answer.kind is Kind.ROWS_IN_WRONG_ORDER
    assert answer.tensors is not None
    assert answer.tensors.mistake is mistake


def test_a_copy_with_a_changed_tensor_names_it(copy: Path, known: Known) -> None:
    def edit(tensors: dict[str, Tensor]) -> None:
        tensors["model.layers.1.mlp.up_proj.weight"][0, 0] += 1

    change(copy, edit)

    [answer] = identified(copy, known).answers

    assert answer.kind is Kind.DIFFERS
    assert answer.tensors is not None
    assert answer.tensors.different == ("layers.1.feed_forward.w3.weight",)
    assert answer.tensors.shared < answer.tensors.of == TENSORS
    assert answer.files.different == ("model.safetensors",)


def test_changed_query_weights_are_no_mistake_in_the_order_of_rows(
    copy: Path, known: Known
) -> None:
    def edit(tensors: dict[str, Tensor]) -> None:
        tensors["model.layers.1.self_attn.q_proj.weight"][0, 0] += 1

    change(copy, edit)

    assert identified(copy, known).kind is Kind.DIFFERS


def test_a_fine_tune_shares_the_tensors_that_it_kept(copy: Path, known: Known) -> None:
    def edit(tensors: dict[str, Tensor]) -> None:
        for name, each in tensors.items():
            if "mlp" in name or "attn" in name:
                each.add_(1)

    change(copy, edit)

    [answer] = identified(copy, known).answers

    assert answer.kind is Kind.SHARES
    assert answer.tensors is not None
    assert answer.tensors.shared + len(answer.tensors.different) == TENSORS


def test_a_part_of_a_copy_shares_what_it_has(copy: Path, known: Known) -> None:
    def edit(tensors: dict[str, Tensor]) -> None:
        for name in [each for each in tensors if "layers.1." in each]:
            del tensors[name]

    change(copy, edit)

    [answer] = identified(copy, known).answers

    assert answer.kind is Kind.SHARES
    assert answer.tensors is not None
    assert answer.tensors.shared == answer.tensors.of == TENSORS - 9
    assert len(answer.tensors.missing) == 9


def test_tensors_are_found_under_other_names(tmp_path: Path, known: Known) -> None:
    (tmp_path / "x").mkdir()
    moved = {"odd": whole_tensors(MODEL)["layers.0.attention.wv.weight"]}
    save_file(moved, tmp_path / "x" / "model.safetensors")

    [answer] = identified(tmp_path / "x", known).answers

    assert answer.kind is Kind.SHARES
    assert answer.tensors is not None
    assert (answer.tensors.shared, answer.tensors.extra) == (1, ("odd",))


def test_other_weights_are_unknown(tmp_path: Path, folder: Path) -> None:
    other = MetaLlama(generation=2, seed=1)
    unknown = write_huggingface(tmp_path / "x", other, huggingface_tensors(other))

    identity = identified(unknown, without_config(folder))

    assert (identity.kind, identity.answers) == (Kind.UNKNOWN, ())
    assert identity.roots is not None


def test_a_configuration_alone_is_no_likeness_where_no_tensor_is_the_same(
    copy: Path, known: Known
) -> None:
    def edit(tensors: dict[str, Tensor]) -> None:
        for each in tensors.values():
            each.add_(1)

    change(copy, edit)

    assert identified(copy, known).kind is Kind.UNKNOWN


def test_norms_that_were_never_trained_are_no_likeness(tmp_path: Path) -> None:
    folders = []
    for seed in (1, 2):
        model = MetaLlama(generation=2, seed=seed)
        tensors = {
            name: torch.ones_like(each) if each.dim() == 1 else each
            for name, each in whole_tensors(model).items()
        }
        folders.append(
            write_huggingface(tmp_path / str(seed), model, huggingface_tensors(model, tensors))
        )

    identity = identified(folders[0], without_config(folders[1]))

    assert identity.kind is Kind.UNKNOWN


def test_without_a_configuration_everything_but_queries_and_keys_is_compared(
    copy: Path, known: Known
) -> None:
    def edit(tensors: dict[str, Tensor]) -> None:
        del tensors["lm_head.weight"]

    (copy / "config.json").unlink()
    change(copy, edit)

    identity = identified(copy, known)

    [answer] = identity.answers
    assert answer.tensors is not None
    assert answer.tensors.shared == TENSORS - 1 - 2 * MODEL.layers
    assert "add config.json" in identity.notes[0]


def test_damaged_weights_are_compared_as_files_and_the_damage_is_told(
    copy: Path, known: Known
) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])

    identity = identified(copy, known)

    [answer] = identity.answers
    assert (answer.kind, answer.files.different) == (Kind.PART_OF_FILES, ("model.safetensors",))
    assert "is cut short" in identity.notes[0]


def test_weights_in_several_folders_are_to_be_named_one_by_one(
    folder: Path, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        shutil.copytree(folder, tmp_path / "both" / name)
    (tmp_path / "both" / "a" / "model.safetensors").write_bytes(b"\0" * 9)
    (tmp_path / "both" / "b" / "model.safetensors").write_bytes(b"\0" * 9)

    identity = identified(tmp_path / "both", without_config(folder))

    assert identity.notes == ("there are weights in several folders (a, b): name one of them",)


def test_the_most_precise_answer_comes_first(copy: Path, known: Known, tmp_path: Path) -> None:
    rounded = write_huggingface(
        tmp_path / "x", MODEL, cast(huggingface_tensors(MODEL), torch.bfloat16)
    )
    (copy / "config.json").write_text(
        json.dumps({**json.loads((copy / "config.json").read_text()), "note": 1})
    )

    identity = identified(copy, known_of(rounded, "owner/rounded"), known)

    assert [answer.kind for answer in identity.answers] == [
        Kind.SAME_WEIGHTS,
        Kind.SAME_AFTER_BF16,
    ]
