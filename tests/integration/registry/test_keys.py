import multiprocessing
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from registry.errors import BadSignature
from registry.keys import load_or_create_key


def public_part(path: Path) -> str:
    return load_or_create_key(path).public_key().public_bytes_raw().hex()


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "ledger.pem"

    first, second = public_part(path), public_part(path)

    assert first == second
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_processes_that_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "ledger.pem"
    processes = multiprocessing.get_context("forkserver")

    with processes.Pool(4) as pool:
        keys = pool.map(public_part, [path] * 8, chunksize=1)

    assert len(set(keys)) == 1
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.pem"
    path.write_text("not a key")

    with pytest.raises(BadSignature, match="no private key"):
        load_or_create_key(path)


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.pem"
    key = generate_private_key(SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    with pytest.raises(BadSignature, match="another kind"):
        load_or_create_key(path)
