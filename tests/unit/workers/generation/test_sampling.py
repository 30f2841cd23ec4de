"""Choosing tokens."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.generation.engine import GenerationRequest
from workers.generation.sampling import (
    BrokenLogits,
    Floats,
    choose,
    gumbel_noise,
    keep_nucleus,
    keep_top_k,
)

LOGITS = st.lists(st.floats(-20, 20, width=32), min_size=2, max_size=12)
PROBABILITIES = st.floats(0.01, 1.0)


def request(*, temperature: float, seed: int = 0) -> GenerationRequest:
    return GenerationRequest(prompt="", max_new_tokens=1, temperature=temperature, seed=seed)


def kept(logits: Floats) -> list[list[int]]:
    return [np.flatnonzero(np.isfinite(row)).tolist() for row in logits]


@given(LOGITS, PROBABILITIES)
def test_the_nucleus_is_the_smallest_set_that_holds_the_mass_and_its_equals(
    values: list[float], top_p: float
) -> None:
    logits = torch.tensor([values], dtype=torch.float64)

    (places,) = kept(keep_nucleus(logits.numpy(), [top_p]))

    share = logits.softmax(-1)[0]
    least = share[places].min()
    assert share[places].sum().item() >= top_p - 1e-9
    assert share[share > least].sum().item() < top_p + 1e-9
    assert places == (share >= least).nonzero().flatten().tolist()


def test_a_nucleus_may_hold_most_of_a_large_vocabulary() -> None:
    logits = torch.linspace(0, 1, 5000, dtype=torch.float64)[None]

    (places,) = kept(keep_nucleus(logits.numpy(), [0.9]))

    share = logits.softmax(-1)[0]
    assert share[places].sum().item() >= 0.9 > share[places[1:]].sum().item()


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.999), st.floats(0.05, 20))
def test_a_nucleus_of_few_is_found_among_many(seed: int, top_p: float, spread: float) -> None:
    logits = np.random.default_rng(seed).normal(scale=spread, size=(3, 3000))

    found = kept(keep_nucleus(logits, [top_p, 1.0, top_p]))

    share = torch.from_numpy(logits).softmax(-1).numpy()
    for row in (0, 2):
        ranked = np.sort(share[row])[::-1]
        count = max(1, int((ranked.cumsum() - ranked < top_p).sum()))
        assert found[row] == np.flatnonzero(share[row] >= ranked[count - 1]).tolist()
    assert len(found[1]) == 3000


@given(LOGITS, st.integers(1, 14))
def test_top_k_keeps_the_likeliest_and_their_equals(values: list[float], top_k: int) -> None:
    logits = torch.tensor([values], dtype=torch.float64)

    (places,) = kept(keep_top_k(logits.numpy(), [top_k]))

    lowest = sorted(values, reverse=True)[min(top_k, len(values)) - 1]
    assert places == [place for place, value in enumerate(values) if value >= lowest]


def test_rows_are_restricted_each_by_its_own_number() -> None:
    logits = torch.tensor([[1.0, 2.0, 3.0]] * 3, dtype=torch.float64)

    by_count = kept(keep_top_k(logits.numpy(), [1, 0, 2]))
    by_mass = kept(keep_nucleus(logits.numpy(), [0.5, 1.0, 0.9]))

    assert by_count == [[2], [0, 1, 2], [1, 2]]
    assert by_mass == [[2], [0, 1, 2], [1, 2]]


def test_without_temperature_the_likeliest_is_chosen() -> None:
    logits = torch.tensor([[0.0, 5.0, 4.9], [9.0, 5.0, 4.9]])

    tokens = choose(logits, [request(temperature=0), request(temperature=0)], [0, 0])

    assert tokens == [1, 0]


@pytest.mark.parametrize("temperature", [5e-324, 1e-30, 1e-3])
def test_a_very_low_temperature_chooses_the_likeliest(temperature: float) -> None:
    logits = torch.tensor([[-3.0, 40.0, 39.0]])

    assert choose(logits, [request(temperature=temperature, seed=3)], [5]) == [1]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(LOGITS.map(lambda row: (row * 6)[:12]), st.floats(0, 2), PROBABILITIES),
        min_size=2,
        max_size=5,
    ),
    st.integers(0, 2**53),
)
def test_a_choice_does_not_depend_on_the_other_rows(
    rows: list[tuple[list[float], float, float]], seed: int
) -> None:
    logits = torch.tensor([values for values, _, _ in rows])
    requests = [
        GenerationRequest(
            prompt="", max_new_tokens=9, temperature=temperature, top_p=top_p, top_k=7, seed=seed
        )
        for _, temperature, top_p in rows
    ]
    positions = list(range(len(rows)))

    together = choose(logits, requests, positions)

    alone = [
        choose(logits[[place]], [requests[place]], [positions[place]])[0]
        for place in range(len(rows))
    ]
    assert together == alone


def test_samples_are_distributed_as_the_softmax() -> None:
    logits = torch.tensor([1.0, 0.0, -1.0, 2.0, 0.5])
    count = 20_000
    requests = [request(temperature=0.7, seed=11)] * count

    tokens = choose(logits.repeat(count, 1), requests, range(count))

    expected = (logits / 0.7).softmax(-1).numpy() * count
    found = np.bincount(tokens, minlength=5)
    # 99.9 % of chi-squared values with 4 degrees of freedom are below 18.47.
    assert ((found - expected) ** 2 / expected).sum() < 18.47


def test_noise_differs_with_seed_index_and_position_and_with_nothing_else() -> None:
    draws = {
        gumbel_noise(seed=seed, index=index, position=position, size=4).tobytes()
        for _ in range(2)
        for seed in (0, 1, 2**64 - 1)
        for index in (0, 1)
        for position in (0, 1, 1000)
    }

    assert len(draws) == 3 * 2 * 3


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x64-10, written from the paper: Salmon et al., SC 2011, section 3.3."""
    word, (a, b, c, d), (k0, k1) = 2**64, counter, key
    for _ in range(10):
        (high0, low0), (high1, low1) = (
            divmod(0xD2E7470EE14C6C93 * a, word),
            divmod(0xCA5A826395121157 * c, word),
        )
        a, b, c, d = high1 ^ b ^ k0, low1, high0 ^ d ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) % word, (k1 + 0xBB67AE8584CAA73B) % word
    return [a, b, c, d]


@given(st.integers(0, 2**64 - 1), st.integers(0, 99), st.integers(0, 2**20))
def test_noise_is_the_same_on_every_machine(seed: int, index: int, position: int) -> None:
    noise = gumbel_noise(seed=seed, index=index, position=position, size=8)

    words = [word for block in (1, 2) for word in philox([block, position, 0, 0], [seed, index])]
    uniform = [((word >> 11) + 0.5) / 2**53 for word in words]
    assert noise.tolist() == pytest.approx([-math.log(-math.log(u)) for u in uniform], abs=1e-12)


def test_noise_for_a_larger_vocabulary_begins_the_same() -> None:
    small = gumbel_noise(seed=7, index=0, position=0, size=5)
    large = gumbel_noise(seed=7, index=0, position=0, size=50)

    assert large[:5].tolist() == small.tolist()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_model_that_computes_nonsense_chooses_nothing(bad: float) -> None:
    with pytest.raises(BrokenLogits):
        choose(torch.tensor([[0.0, bad]]), [request(temperature=1)], [0])
