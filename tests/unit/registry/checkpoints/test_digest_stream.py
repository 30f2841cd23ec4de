import hashlib
import io

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from registry.checkpoints.digest import (
    BLOCK_BYTES,
    SHARED_BLOCK_BYTES,
    Progress,
    digest_stream,
    in_parallel,
)


@given(
    st.binary(max_size=64),
    st.sampled_from([0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, 3 * BLOCK_BYTES, 5 * SHARED_BLOCK_BYTES]),
    st.booleans(),
)
def test_one_pass_gives_size_and_all_digests_and_the_copy(
    start: bytes, more: int, shared: bool
) -> None:
    data, sink = start + bytes(more), io.BytesIO()
    counts: list[int] = []

    digest = digest_stream(
        io.BytesIO(data), path="a", md5=True, shared=shared, sink=sink, progress=counts.append
    )

    assert digest.size == len(data) == sum(counts)
    assert digest.sha256 == hashlib.sha256(data).hexdigest()
    assert digest.blake3 == blake3(data).hexdigest()
    assert digest.md5 == hashlib.md5(data, usedforsecurity=False).hexdigest()
    assert sink.getvalue() == data


def test_the_md5_is_computed_only_where_it_is_asked_for() -> None:
    assert digest_stream(io.BytesIO(b"a"), path="a").md5 is None


@pytest.mark.parametrize("md5", [False, True])
def test_a_second_thread_for_the_slowest_hash_changes_no_digest(md5: bool) -> None:
    data = bytes(range(256)) * (SHARED_BLOCK_BYTES // 64)

    alone = digest_stream(io.BytesIO(data), path="a", md5=md5)
    shared = digest_stream(io.BytesIO(data), path="a", md5=md5, shared=True)

    assert shared == alone


def test_the_first_failure_stops_the_others() -> None:
    ended: list[int] = []

    def work(item: int, report: Progress) -> None:
        if item == 0:
            raise ZeroDivisionError
        for _ in range(10_000_000):
            report(1)
        ended.append(item)

    with pytest.raises(ZeroDivisionError):
        in_parallel(work, range(4), threads=2)

    assert ended == []


def test_results_come_in_the_order_of_the_items() -> None:
    results = in_parallel(lambda item, _report: item * 2, range(50), threads=4)

    assert results == [item * 2 for item in range(50)]
