from hypothesis import given
from hypothesis import strategies as st

from workers.training.measure import gzip_bits, windows

CONTEXTS = st.integers(min_value=1, max_value=20).map(lambda half: 2 * half)


@given(st.integers(min_value=0, max_value=200), CONTEXTS)
def test_every_token_but_the_first_counts_exactly_once(length: int, context: int) -> None:
    counted = [
        token
        for start, counted_from in windows(length, context=context)
        for token in range(counted_from, min(start + context, length))
    ]

    assert counted == list(range(1, length))


@given(st.integers(min_value=0, max_value=200), CONTEXTS)
def test_every_token_that_counts_has_half_a_context_or_all_its_past(
    length: int, context: int
) -> None:
    pasts = [(start, from_ - start) for start, from_ in windows(length, context=context)]

    assert all(start == 0 or past >= context // 2 for start, past in pasts)


def test_the_same_documents_always_need_the_same_bits() -> None:
    documents = ["The cat sat on the mat." * 20, "The dog sat on the log." * 20]

    first, second = gzip_bits(documents), gzip_bits(documents)

    assert first == second > 0
