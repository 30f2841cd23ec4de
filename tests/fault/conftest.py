"""What is broken here is broken among the real filters."""

import pytest

from filters.catalog import load_filters
from filters.contract import Filter


@pytest.fixture(scope="session")
def sound() -> tuple[Filter, ...]:
    """The real filters, loaded once; a test that breaks one wraps it."""
    return load_filters()
