from dataclasses import replace
from typing import Any

import pytest

from registry.checkpoints import llama
from registry.checkpoints.params import Params, parse_params
from registry.checkpoints.shards import Shard, check_shards
from registry.errors import BadCheckpoint

DOCUMENT = {
    "dim": 64,
    "n_layers": 1,
    "n_heads": 8,
    "n_kv_heads": 4,
    "multiple_of": 32,
    "norm_eps": 1e-05,
    "vocab_size": 96,
}
PARAMS = parse_params(DOCUMENT)


def part(name: str, count: int, *, by_rows: bool) -> tuple[int, ...]:
    whole = PARAMS.shape.of(name)
    match llama.split_of(name, embedding_by_rows=by_rows):
        case "rows":
            return (whole[0] // count, *whole[1:])
        case "columns":
            return (whole[0], whole[1] // count)
        case _:
            return whole


def shards(count: int, *, by_rows: bool = False) -> list[Shard]:
    """Return the headers of right shards."""
    names = PARAMS.shape.names()
    return [
        Shard(
            name=f"consolidated.{number:02}.pth",
            written_as=f"consolidated.{number:02}",
            shapes={name: part(name, count, by_rows=by_rows) for name in names},
            dtypes=dict.fromkeys(names, "F16"),
            crcs=tuple(range(number, number + len(names))),
        )
        for number in range(count)
    ]


def reshaped(shard: Shard, **shapes: tuple[int, ...] | None) -> Shard:
    """Return a shard with other shapes; ``None`` takes a tensor out."""
    changed: dict[str, Any] = shard.shapes | {
        name.replace("__", "."): shape for name, shape in shapes.items()
    }
    kept = {name: shape for name, shape in changed.items() if shape is not None}
    return replace(shard, shapes=kept, dtypes=dict.fromkeys(kept, "F16"))


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("by_rows", [True, False])
def test_how_the_embedding_is_split_is_told_from_its_shape(count: int, by_rows: bool) -> None:
    guess = replace(PARAMS, embedding_by_rows=not by_rows)

    checked = check_shards(shards(count, by_rows=by_rows), guess)

    assert checked.embedding_by_rows == (by_rows if count > 1 else not by_rows)


@pytest.mark.parametrize(
    ("there", "of", "says"),
    [
        (1, 2, "holds 32 of the 64 rows of .*wq.weight, so there are 2 shards, and 1 of them is "),
        (1, 4, "4 shards, and 1 .*download consolidated.01.pth, con.*02.pth, consolidated.03.pth"),
        (2, 4, "4 shards, and 2 of them are here: download consolidated.02.pth, con.*03.pth"),
    ],
)
def test_a_missing_last_shard_is_told_from_what_the_first_holds(
    there: int, of: int, says: str
) -> None:
    with pytest.raises(BadCheckpoint, match=says):
        check_shards(shards(of)[:there], PARAMS)


@pytest.mark.parametrize(
    ("own", "says"), [(1, "there is 1 shard, and 4 are"), (2, "are 2 shards, and 4 are here: .*02")]
)
def test_a_shard_too_many_is_named(own: int, says: str) -> None:
    with pytest.raises(BadCheckpoint, match=f"{says}.*of another checkpoint, move it out"):
        check_shards([*shards(own), *shards(4)[own:]], PARAMS)


def test_a_shard_that_is_there_twice_is_told_by_the_checksums_of_its_storages() -> None:
    first, second = shards(2)

    with pytest.raises(BadCheckpoint, match=r"00\.pth and consolidated\.01\.pth hold the same"):
        check_shards([first, replace(second, crcs=first.crcs)], PARAMS)


def test_archives_without_checksums_are_not_taken_for_copies() -> None:
    without = [replace(shard, crcs=(0,) * len(shard.crcs)) for shard in shards(2)]

    checked = check_shards(without, PARAMS)

    assert isinstance(checked, Params)


def test_swapped_shards_are_told_by_the_name_that_they_were_written_under() -> None:
    first, second = shards(2)
    swapped = [
        replace(second, name="consolidated.00.pth"),
        replace(first, name="consolidated.01.pth"),
    ]

    with pytest.raises(BadCheckpoint, match=r"00\.pth was written as consolidated\.01\.pth: sha"):
        check_shards(swapped, PARAMS)


@pytest.mark.parametrize("name", ["archive", "consolidated.00", "consolidated.01"])
def test_shards_that_were_all_written_under_one_name_are_accepted(name: str) -> None:
    named = [replace(shard, written_as=name) for shard in shards(2)]

    checked = check_shards(named, PARAMS)

    assert checked == PARAMS


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        (
            {"layers__0__feed_forward__w1__weight": (10, 64)},
            r"w1\.weight of 10x64, and params\.json \(dim 64, feed-forward 192\) makes it 96x64",
        ),
        (
            {"tok_embeddings__weight": (97, 32)},
            r"of 97x32, and params\.json \(dim 64, 96 tokens by it or the tokenizer\) makes it",
        ),
        (
            {"layers__0__attention__wk__weight": (32, 64)},
            r"wk\.weight of 32x64, .*8 heads, 4 for keys and values\) makes it 16x64",
        ),
        ({"norm__weight": (32,)}, r"norm\.weight of 32, .* makes it 64 in"),
        ({"norm__weight": ()}, r"norm\.weight of one number"),
        ({"layers__0__attention__wo__weight": None}, r"lacks layers\.0\.attention\.wo\.weight,"),
        ({"layers__1__attention__wo__weight": (64, 32)}, r"holds layers\.1\.attention\.wo\.weight"),
        ({"transformer__h__bias": (1,)}, r"holds transformer\.h\.bias, which the LLaMA of"),
        (dict.fromkeys(n.replace(".", "__") for n in PARAMS.shape.names()), "holds no tensor"),
    ],
)
def test_what_does_not_fit_params_is_named_with_the_numbers(
    shapes: dict[str, tuple[int, ...] | None], says: str
) -> None:
    first, second = shards(2)

    with pytest.raises(BadCheckpoint, match=rf"consolidated\.01\.pth .*{says}"):
        check_shards([first, reshaped(second, **shapes)], PARAMS)


def test_another_models_params_are_refused_with_both_sizes() -> None:
    other = parse_params(DOCUMENT | {"dim": 128, "n_heads": 16})

    with pytest.raises(BadCheckpoint, match=r"tok_embeddings\.weight of 96x64, .*makes it 96x128"):
        check_shards(shards(1), other)


def test_a_head_that_is_the_embedding_may_be_missing_but_only_from_all_shards() -> None:
    without = [reshaped(shard, output__weight=None) for shard in shards(2)]

    assert check_shards(without, PARAMS) == PARAMS
    with pytest.raises(BadCheckpoint, match=r"01\.pth lacks output\.weight"):
        check_shards([shards(2)[0], without[1]], PARAMS)


def test_shards_of_two_dtypes_are_of_two_checkpoints() -> None:
    first, second = shards(2)
    other = replace(second, dtypes=dict.fromkeys(second.dtypes, "BF16"))

    with pytest.raises(BadCheckpoint, match=r"in BF16, consolidated\.00\.pth in F16"):
        check_shards([first, other], PARAMS)
