import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import BadRange
from registry.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

# The reference trees of the Certificate Transparency project.
ENTRIES = [
    bytes.fromhex(digits)
    for digits in (
        *("", "00", "10", "2021", "3031", "40414243"),
        *("5051525354555657", "606162636465666768696a6b6c6d6e6f"),
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
REFERENCE = [leaf_hash(entry) for entry in ENTRIES]
LEAVES = [leaf_hash(number.to_bytes(2)) for number in range(130)]

sizes = st.integers(1, len(LEAVES))


def by_definition(leaves: Sequence[bytes]) -> bytes:
    """MTH as RFC 6962 writes it down."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else hashlib.sha256().digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(by_definition(leaves[:split]), by_definition(leaves[split:]))


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_the_reference_trees(size: int) -> None:
    found = root(REFERENCE[:size])

    assert found.hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_are_those_of_the_reference_trees(index: int, size: int) -> None:
    proof = inclusion_proof(REFERENCE, index, size)

    assert [each.hex() for each in proof] == INCLUSION[index, size]


@pytest.mark.parametrize(("first", "second"), CONSISTENCY)
def test_consistency_proofs_are_those_of_the_reference_trees(first: int, second: int) -> None:
    proof = consistency_proof(REFERENCE, first, second)

    assert [each.hex() for each in proof] == CONSISTENCY[first, second]


def test_root_and_frontier_agree_with_the_definition_at_every_size() -> None:
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES):
        assert frontier.size == size
        assert frontier.root() == root(LEAVES[:size]) == by_definition(LEAVES[:size])
        frontier = Frontier.from_hex(frontier.append(leaf).to_hex())


def test_appending_leaves_the_old_frontier_as_it_was() -> None:
    old = Frontier().append(LEAVES[0])

    old.append(LEAVES[1])

    assert old == Frontier(1, (LEAVES[0],))


@pytest.mark.parametrize(
    "text", ["", "xyz", "0" * 15 + "1", "0" * 16 + "00" * 32, "0" * 15 + "1" + "AB" * 32, "-1"]
)
def test_what_is_no_frontier_is_not_read_as_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"frontier|base 16|hexadecimal"):
        Frontier.from_hex(text)


@given(st.data(), sizes)
def test_every_leaf_can_be_proved_to_be_in_every_tree_that_holds_it(
    data: st.DataObject, size: int
) -> None:
    index = data.draw(st.integers(0, size - 1))

    proof = inclusion_proof(LEAVES, index, size)

    head = root(LEAVES[:size])
    assert verify_inclusion(LEAVES[index], index=index, size=size, proof=proof, root=head)


@given(st.data(), sizes)
def test_an_inclusion_proof_proves_nothing_else(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(-1, size).filter(lambda each: each != index))
    proof, head = inclusion_proof(LEAVES, index, size), root(LEAVES[:size])
    leaf = LEAVES[index]

    answers = [
        verify_inclusion(leaf, index=other, size=size, proof=proof, root=head),
        verify_inclusion(leaf_hash(b"x"), index=index, size=size, proof=proof, root=head),
        verify_inclusion(leaf, index=index, size=size, proof=[*proof, leaf], root=head),
        verify_inclusion(leaf, index=index, size=size, proof=proof, root=leaf_hash(b"x")),
        verify_inclusion(leaf + b"\0", index=index, size=size, proof=proof, root=head),
        *(
            verify_inclusion(leaf, index=index, size=size, proof=proof[:cut], root=head)
            for cut in range(len(proof))
        ),
    ]

    assert not any(answers)


@given(st.data(), sizes)
def test_every_tree_can_be_proved_to_be_a_prefix_of_every_later_one(
    data: st.DataObject, second: int
) -> None:
    first = data.draw(st.integers(0, second))

    proof = consistency_proof(LEAVES, first, second)

    assert verify_consistency(
        first=first,
        second=second,
        first_root=root(LEAVES[:first]),
        second_root=root(LEAVES[:second]),
        proof=proof,
    )


@given(st.data(), st.integers(2, len(LEAVES)))
def test_a_rewritten_history_cannot_be_proved_consistent(data: st.DataObject, second: int) -> None:
    first = data.draw(st.integers(1, second - 1))
    altered = data.draw(st.integers(0, first - 1))
    rewritten = [*LEAVES[:second]]
    rewritten[altered] = leaf_hash(b"rewritten")
    proofs = [consistency_proof(LEAVES, first, second), consistency_proof(rewritten, first, second)]

    answers = [
        verify_consistency(
            first=first,
            second=second,
            first_root=root(LEAVES[:first]),
            second_root=root(rewritten),
            proof=proof,
        )
        for proof in proofs
    ]

    assert not any(answers)


@given(st.data(), st.integers(2, len(LEAVES)))
def test_a_damaged_consistency_proof_proves_nothing(data: st.DataObject, second: int) -> None:
    first = data.draw(st.integers(1, second - 1))
    proof = consistency_proof(LEAVES, first, second)
    damaged = [[*proof, LEAVES[0]], [], *(proof[:cut] for cut in range(len(proof)))]
    damaged += [[*proof[:at], leaf_hash(b"x"), *proof[at + 1 :]] for at in range(len(proof))]
    damaged += [[*proof[:at], proof[at] + b"\0", *proof[at + 1 :]] for at in range(len(proof))]

    answers = [
        verify_consistency(
            first=first,
            second=second,
            first_root=root(LEAVES[:first]),
            second_root=root(LEAVES[:second]),
            proof=each,
        )
        for each in damaged
    ]

    assert not any(answers)


def test_an_empty_tree_is_a_prefix_of_every_tree_and_of_no_other_root() -> None:
    head = root(LEAVES)

    answers = [
        verify_consistency(
            first=0, second=second, first_root=first_root, second_root=head, proof=proof
        )
        for second, first_root, proof in [
            (130, EMPTY_ROOT, []),
            (130, head, []),
            (130, EMPTY_ROOT, [head]),
            (-1, EMPTY_ROOT, []),
        ]
    ]

    assert answers == [True, False, False, False]


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, 131)])
def test_there_is_no_inclusion_proof_for_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(BadRange):
        inclusion_proof(LEAVES, index, size)


@pytest.mark.parametrize(("first", "second"), [(-1, 3), (4, 3), (1, 131)])
def test_there_is_no_consistency_proof_between_sizes_that_are_not_there(
    first: int, second: int
) -> None:
    with pytest.raises(BadRange):
        consistency_proof(LEAVES, first, second)
