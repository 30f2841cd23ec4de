"""Every file that is meant to do harm, all of them harmless in truth.

What they would run makes one file, the marker, and nothing more. Each is an example of a
class that a scanner or a loader is known to have missed, or that the formats allow; all
were made from descriptions of the classes.
"""

from collections.abc import Iterator
from pathlib import Path

from tests.support.attack import Attack
from tests.support.attacks_on_archives import on_archives, on_entries
from tests.support.attacks_on_formats import on_formats
from tests.support.attacks_on_pickles import by_attributes, by_memo, by_opcode, by_stack
from tests.support.attacks_on_tensors import by_size, on_storages
from tests.support.attacks_with_globals import by_global, by_name

_GROUPS = (
    by_global,
    by_name,
    by_opcode,
    by_attributes,
    by_memo,
    by_stack,
    on_storages,
    by_size,
    on_archives,
    on_entries,
    on_formats,
)


def attacks(marker: Path) -> Iterator[Attack]:
    """Yield every attack; what one of them would run makes the file ``marker``."""
    for group in _GROUPS:
        yield from group(marker)
