import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from registry.checkpoints.pickles import read_tensors, tensors_of
from registry.errors import RefusedPickle
from tests.support.attack import Attack
from tests.support.attacks import attacks
from tests.support.pickled import FOLDER, Member, archive, state, storage, tensor, weights
from tests.support.pickled import write_archive as write

GOOD = state(a=tensor())
BITS = [[0x0100, 0x0302], [0x0504, 0x0706]]


@pytest.fixture(scope="module")
def marker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("attacks") / "marker"


@pytest.fixture(scope="module")
def corpus(marker: Path) -> list[Attack]:
    return list(attacks(marker))


def outcome(attack: Attack) -> Attack | str:
    """Return the attack with what the reader finds, or what it did instead of refusing."""
    try:
        tensors_of(memoryview(attack.data), file="weights.pth")
    except RefusedPickle as refusal:
        places = (refusal.facts["opcode"], refusal.facts["entry"])
        at = attack.at if attack.at in places else next(filter(None, places), None)
        return replace(attack, problem=refusal.problem, at=at)
    return f"{attack.name} was read"


def test_the_attacks_are_many_and_no_two_are_the_same(corpus: list[Attack]) -> None:
    assert len(corpus) >= 200
    assert len({attack.name for attack in corpus}) == len(corpus)
    assert len({attack.data for attack in corpus}) == len(corpus)


def test_the_page_about_pickles_has_every_attack_with_what_the_reader_finds(
    corpus: list[Attack],
) -> None:
    page = Path(__file__).parents[4] / "docs/pickles.md"
    lines = [line.rsplit(" | ", 2)[0] for line in page.read_text().splitlines()]

    expected = [f"| {each.group} | {each.name} | refused: {each.problem}" for each in corpus]

    assert [line for line in lines if "| refused: " in line] == expected


def test_every_attack_is_refused_for_what_it_is_and_nothing_of_it_runs(
    corpus: list[Attack], marker: Path
) -> None:
    modules = set(sys.modules)

    found = [outcome(attack) for attack in corpus]

    assert [each for each, attack in zip(found, corpus, strict=True) if each != attack] == []
    assert set(sys.modules) == modules
    assert not marker.exists()


def test_the_attacks_do_run_where_nobody_stops_them(tmp_path: Path) -> None:
    """What the tests above prove would be worth nothing if the payload were broken."""
    (attack,) = [
        each for each in attacks(tmp_path / "marker") if each.name == "calls `posix.system`"
    ]
    (tmp_path / "weights.pth").write_bytes(attack.data)

    torch.load(tmp_path / "weights.pth", weights_only=False)

    assert (tmp_path / "marker").exists()


def test_what_the_attacks_are_built_from_is_read_by_us_and_by_torch(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(weights(GOOD))

    (found,) = read_tensors(file)

    assert found.bits.tolist() == BITS
    theirs = torch.load(file, weights_only=True)["a"]
    assert theirs.view(torch.int16).tolist() == BITS


def test_sizes_may_be_in_the_local_headers_too() -> None:
    members = [
        Member(f"{FOLDER}/data.pkl", GOOD, flags=0),
        Member(f"{FOLDER}/data/0", bytes(range(8)), flags=0),
    ]

    (found,) = tensors_of(memoryview(archive(members)), file="weights.pth")

    assert found.bits.tolist() == BITS


def test_a_file_of_more_than_four_gigabytes_is_read(tmp_path: Path) -> None:
    length = (1 << 31) + 4
    large = storage(length=length)
    last = tensor(storage("1"))
    part = tensor(large, offset=length - 4)
    write(
        tmp_path / "weights.pth",
        [
            Member(f"{FOLDER}/data.pkl", state(whole=tensor(large), part=part, last=last)),
            Member(f"{FOLDER}/data/0", b"\x07", hole=2 * length - 1),
            Member(f"{FOLDER}/data/1", bytes(range(8))),
            Member(f"{FOLDER}/version", b"3\n"),
        ],
    )

    found = {each.name: each.bits.tolist() for each in read_tensors(tmp_path / "weights.pth")}

    assert found == {"whole": [[7, 0], [0, 0]], "part": [[0, 0], [0, 0]], "last": BITS}
    assert (tmp_path / "weights.pth").stat().st_size > 1 << 32
