"""The ledger as lines, on both databases."""

import json

import pytest

from registry.db.session import Database
from registry.errors import Conflict
from registry.ledger import merkle, queries, service
from registry.ledger.export import lines


def _record(database: Database, count: int) -> None:
    with database.transaction() as session:
        for number in range(count):
            service.record(session, actor="ada", action="test", subject=f"thing {number} ü")
        service.sequence(session)


def test_the_lines_give_the_root_of_the_tree(database: Database) -> None:
    _record(database, 5)

    with database.reading() as session:
        size, root = queries.head(session)
        exported = list(lines(session, size=size, root=root))

    assert [line.index for line in exported] == list(range(5))
    assert merkle.root([merkle.leaf_hash(line.entry) for line in exported]) == root
    subjects = {json.loads(line.to_json())["entry"]["subject"] for line in exported}
    assert subjects == {f"thing {number} ü" for number in range(5)}


def test_entries_that_came_later_are_left_out(database: Database) -> None:
    _record(database, 2)
    with database.reading() as session:
        size, root = queries.head(session)
    _record(database, 3)

    with database.reading() as session:
        exported = list(lines(session, size=size, root=root))

    assert len(exported) == 2


def test_an_empty_ledger_has_no_lines(database: Database) -> None:
    with database.reading() as session:
        size, root = queries.head(session)

        assert list(lines(session, size=size, root=root)) == []


def test_another_root_than_the_entries_give_is_refused(database: Database) -> None:
    _record(database, 2)

    with database.reading() as session, pytest.raises(Conflict, match="does not hold"):
        list(lines(session, size=2, root=bytes(32)))


def test_a_missing_leaf_is_refused(database: Database) -> None:
    _record(database, 2)

    with database.reading() as session, pytest.raises(Conflict, match="does not hold"):
        list(lines(session, size=3, root=bytes(32)))
