"""The statement that a bundle signs, written and read strictly.

What a signer may add is ignored where the specification says so; what could change the
meaning of the list is refused.

Source: OpenSSF Model Signing 1.0, sections 5 and 6; in-toto Attestation, Statement v1.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from registry.checkpoints.manifest import check_path
from registry.checkpoints.resources import HEX_DIGITS, Resource, Serialization
from registry.documents import Json, read_object
from registry.errors import BadBundle, BadCheckpoint

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
SHARD_LIMIT_BYTES = 2**63 - 1

_SHARD = re.compile(r"(.+):(0|[1-9][0-9]{0,18}):([1-9][0-9]{0,18})", re.DOTALL)
_PARAMETERS = frozenset({"method", "hash_type", "shard_size", "allow_symlinks", "ignore_paths"})


@dataclass(frozen=True, slots=True)
class Statement:
    """What is signed.

    Attributes:
        name: What the signer calls the checkpoint.
        root_digest: 64 lower-case hex digits.
        resources: In the order in which they are listed.
        serialization: How files became resources.
    """

    name: str
    root_digest: str
    resources: tuple[Resource, ...]
    serialization: Serialization


def to_json(statement: Statement) -> Json:
    """Return the statement as its JSON document."""
    how = statement.serialization
    sharded = {} if how.shard_size is None else {"shard_size": how.shard_size}
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": statement.name, "digest": {"sha256": statement.root_digest}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "resources": [
                {"name": each.name, "digest": each.digest, "algorithm": how.algorithm}
                for each in statement.resources
            ],
            "serialization": {
                "method": "files" if how.shard_size is None else "shards",
                "hash_type": how.hash_type,
                "allow_symlinks": how.allow_symlinks,
                "ignore_paths": list(how.ignore_paths),
                **sharded,
            },
        },
    }


def parse(payload: bytes) -> Statement:
    """Read a statement.

    Raises:
        BadBundle: It is no statement about files, or contradicts itself; the message says how.
    """
    try:
        document = read_object(payload)
    except ValueError as error:
        raise BadBundle(f"what is signed is no statement: {error}") from error
    if document.get("_type") != STATEMENT_TYPE:
        raise BadBundle(f"what is signed is no {STATEMENT_TYPE}")
    if document.get("predicateType") != PREDICATE_TYPE:
        raise BadBundle(f"what is signed is no {PREDICATE_TYPE}: another kind of statement")
    match document:
        case {
            "subject": [{"name": str(name), "digest": {"sha256": str(root)}}],
            "predicate": {"resources": list(listed), "serialization": dict(parameters)},
        } if name:
            pass
        case _:
            raise BadBundle(
                "the statement has no subject with name and sha256, or no predicate with "
                "resources and serialization"
            )
    serialization = _serialization(parameters)
    resources = tuple(_resource(each, serialization) for each in listed)
    _check_list(resources, serialization)
    if root_digest(resources) != root:
        raise BadBundle(
            "the statement contradicts itself: its subject is not the digest of its resources"
        )
    return Statement(name, root, resources, serialization)


def root_digest(resources: Iterable[Resource]) -> str:
    """Return the sha256 over the digests of resources, as bytes, in their order."""
    root = hashlib.sha256()
    for each in resources:
        root.update(bytes.fromhex(each.digest))
    return root.hexdigest()


def _serialization(parameters: Json) -> Serialization:
    for name in sorted(parameters.keys() - _PARAMETERS):
        raise BadBundle(f"the serialization has {name[:99]!a}, whose meaning is not known")
    method, hash_type = parameters.get("method"), parameters.get("hash_type")
    if method not in ("files", "shards"):
        raise BadBundle(f"the serialization's method is {_said(method)}, not files or shards")
    if not isinstance(hash_type, str) or hash_type not in HEX_DIGITS:
        raise BadBundle(f"the hash_type is {_said(hash_type)}, not {', '.join(HEX_DIGITS)}")
    follows = parameters.get("allow_symlinks")
    if not isinstance(follows, bool):
        raise BadBundle(f"allow_symlinks is {_said(follows)}, not true or false")
    return Serialization(
        hash_type=hash_type,
        shard_size=_shard_size(method, parameters),
        allow_symlinks=follows,
        ignore_paths=_ignore_paths(parameters.get("ignore_paths", [])),
    )


def _shard_size(method: str, parameters: Json) -> int | None:
    given = parameters.get("shard_size")
    if method == "files":
        if "shard_size" in parameters:
            raise BadBundle("the method is files, and yet there is a shard_size")
        return None
    # model_signing 1.1.1 writes whole numbers as 1000000000.0.
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    if type(given) is not int or not 1 <= given <= SHARD_LIMIT_BYTES:
        raise BadBundle(f"the shard_size is {_said(given)}, not a whole number from 1")
    return given


def _ignore_paths(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise BadBundle("ignore_paths is no list of paths")
    for path in given:
        _check_path(path.removesuffix("/"), what="ignored path")
    return tuple(path.removesuffix("/") for path in given)


def _resource(given: Any, serialization: Serialization) -> Resource:
    match given:
        case {"name": str(name), "digest": str(digest), "algorithm": str(algorithm)}:
            pass
        case _:
            raise BadBundle(f"a resource is {_said(given)}, without name, digest and algorithm")
    if algorithm not in (serialization.hash_type, serialization.algorithm):
        raise BadBundle(
            f"the algorithm of {name[:99]!a} is {algorithm[:99]!a}, "
            f"and the hash_type is {serialization.hash_type}"
        )
    if not re.fullmatch(rf"[0-9a-f]{{{HEX_DIGITS[serialization.hash_type]}}}", digest):
        raise BadBundle(
            f"the digest of {name[:99]!a} is not "
            f"{HEX_DIGITS[serialization.hash_type]} lower-case hex digits"
        )
    if serialization.shard_size is None:
        _check_path(name, what="resource")
        return Resource(name, digest)
    shard = _SHARD.fullmatch(name)
    if shard is None:
        raise BadBundle(f"the resource {name[:99]!a} is no shard: path:start:end")
    _check_path(shard[1], what="resource")
    return Resource(shard[1], digest, (int(shard[2]), int(shard[3])))


def _check_list(resources: Sequence[Resource], serialization: Serialization) -> None:
    if not resources:
        raise BadBundle("the bundle signs no file at all")
    names: set[str] = set()
    for each in resources:
        if each.name in names:
            raise BadBundle(f"{each.name[:99]!a} is listed twice")
        names.add(each.name)
    in_order = list(resources)
    # By name, as the specification says, or by the parts of the path, as model_signing does.
    if in_order not in (sorted(resources, key=_by_name), sorted(resources, key=_by_parts)):
        raise BadBundle("the resources are not in the order of their names")
    if serialization.shard_size is not None:
        _check_shards(sorted(resources, key=_by_parts), serialization.shard_size)


def _check_shards(resources: Sequence[Resource], shard_size: int) -> None:
    """Check that the shards of each file follow one another, all but the last of one size."""
    ends: dict[str, int] = {}
    for each in resources:
        start, end = each.span or (0, 0)
        last = ends.get(each.path, 0)
        if start != last or start % shard_size or not start < end <= start + shard_size:
            raise BadBundle(
                f"the shard {each.name[:99]!a} does not follow the one before it, "
                f"in steps of {shard_size} bytes"
            )
        ends[each.path] = end


def _by_name(resource: Resource) -> str:
    return resource.name


def _by_parts(resource: Resource) -> tuple[list[str], tuple[int, int]]:
    return resource.path.split("/"), resource.span or (0, 0)


def _check_path(path: str, *, what: str) -> None:
    try:
        check_path(path)
    except BadCheckpoint as error:
        raise BadBundle(
            f"the {what} {path[:99]!a} is no path inside a folder: relative, without '..', "
            "backslashes and control characters"
        ) from error


def _said(value: Any) -> str:
    return f"{value!a}"[:99]
