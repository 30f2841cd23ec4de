from concurrent.futures import ThreadPoolExecutor

from registry.db.tables import new_id


def test_identifiers_grow_in_the_order_they_are_made() -> None:
    made = [new_id() for _ in range(5000)]

    assert made == sorted(made)


def test_no_identifier_is_made_twice_by_many_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_id(), range(5000)))

    assert len(set(made)) == len(made)


def test_an_identifier_is_a_uuid_of_version_seven() -> None:
    identifier = new_id()

    assert (identifier.version, identifier.variant) == (7, "specified in RFC 4122")
