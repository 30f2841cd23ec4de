from pathlib import Path

from tests.support.fuzzed import read

INPUTS = sorted((Path(__file__).parents[3] / "fuzz/pickles").iterdir())


def test_what_the_fuzzer_kept_is_small_and_is_read_or_refused() -> None:
    assert len(INPUTS) > 50
    assert sum(each.stat().st_size for each in INPUTS) < 300_000

    for each in INPUTS:
        read(each.read_bytes())
