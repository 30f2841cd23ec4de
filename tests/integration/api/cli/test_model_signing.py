"""The real model_signing accepts what we sign, and we accept what it signs.

It is installed into an environment of its own, once for all tests here: 15 seconds on an idle
machine with a near package index, 50 on a busy one. Where it cannot be installed, these tests
skip and say why.
"""

import json
import shlex
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.api.cli.conftest import Corral
from tests.support import neighbours
from tests.support.checkpoints import make_checkpoint

# pyOpenSSL is imported by model_signing 1.1.1 and not among what it asks for.
PACKAGES = ("model-signing==1.1.1", "pyOpenSSL>=24")
INSTALL_SECONDS = 240
NAME = "owner/tiny"

SIGN = ("release", "sign", NAME, "--key", "key.pem", "--out", "model.sig")

# What its command cannot do: other hashes, and shards.
BY_LIBRARY_VERIFY = """
import model_signing
verifier = model_signing.verifying.Config().use_elliptic_key_verifier(public_key="key.pub")
verifier.verify("tiny", "model.sig")
"""
BY_LIBRARY_SIGN = """
import sys
import model_signing
method, hash_type = sys.argv[1:]
hashing = model_signing.hashing.Config()
if method == "shards":
    hashing.use_shard_serialization(hashing_algorithm=hash_type, shard_size=16)
else:
    hashing.use_file_serialization(hashing_algorithm=hash_type)
signer = model_signing.signing.Config().use_elliptic_key_signer(private_key="key.pem")
signer.set_hashing_config(hashing).sign("tiny", "model.sig")
"""

pytestmark = pytest.mark.timeout(INSTALL_SECONDS + 60)


@dataclass(frozen=True)
class ModelSigning:
    """The real tool, in an environment of its own."""

    folder: Path

    def run(self, words: list[str], *, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run one of its commands."""
        program = str(self.folder / "bin" / words[0])
        return subprocess.run(
            [program, *words[1:]], cwd=cwd, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="session")
def model_signing(tmp_path_factory: pytest.TempPathFactory) -> ModelSigning:
    """The real tool."""
    tool = ModelSigning(tmp_path_factory.mktemp("model_signing"))
    try:
        venv.create(tool.folder, with_pip=True)
        subprocess.run(
            [tool.folder / "bin" / "pip", "install", "--quiet", "--no-input", *PACKAGES],
            check=True,
            capture_output=True,
            timeout=INSTALL_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        neighbours.missing("model_signing", f"cannot be installed: {type(error).__name__}")
    return tool


@pytest.fixture
def registered(corral: Corral, tmp_path: Path) -> Corral:
    """Records with a release that has folders, and keys that openssl made."""
    folder = make_checkpoint(tmp_path / "tiny")
    for path in ("a/deep/notes.txt", "a-b/notes.txt", "empty.txt"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("" if path == "empty.txt" else f"what is in {path}")
    assert corral("release", "register", str(folder), "--name", NAME).exit_code == 0
    _make_key(tmp_path, "prime256v1")
    return corral


def _make_key(folder: Path, curve: str) -> None:
    for command in (
        f"openssl ecparam -name {curve} -genkey -noout -out key.pem",
        "openssl ec -in key.pem -pubout -out key.pub",
    ):
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def test_the_shown_command_accepts_an_exported_folder_and_no_changed_byte(
    registered: Corral, model_signing: ModelSigning, tmp_path: Path
) -> None:
    assert registered(*SIGN).exit_code == 0
    (tmp_path / "tiny").rename(tmp_path / "original")
    assert registered("release", "export", NAME, "tiny").exit_code == 0
    shown = json.loads(registered("release", "show", NAME, "--json").stdout)
    command = shlex.split(shown["verify_command"])

    accepted = model_signing.run(command, cwd=tmp_path)
    _flip(tmp_path / "tiny" / "a/deep/notes.txt")
    refused = model_signing.run(command, cwd=tmp_path)

    assert accepted.returncode == 0, accepted.stderr
    assert refused.returncode != 0
    assert "a/deep/notes.txt" in refused.stderr


@pytest.mark.parametrize("options", [("--hash", "blake3"), ("--shard-size", "16")])
def test_its_library_accepts_what_its_command_cannot_verify(
    registered: Corral, model_signing: ModelSigning, tmp_path: Path, options: tuple[str, ...]
) -> None:
    assert registered(*SIGN, *options).exit_code == 0

    accepted = model_signing.run(["python", "-c", BY_LIBRARY_VERIFY], cwd=tmp_path)
    _flip(tmp_path / "tiny" / "a/deep/notes.txt")
    refused = model_signing.run(["python", "-c", BY_LIBRARY_VERIFY], cwd=tmp_path)

    assert accepted.returncode == 0, accepted.stderr
    assert refused.returncode != 0
    assert "a/deep/notes.txt" in refused.stderr


@pytest.mark.parametrize("curve", ["secp384r1", "secp521r1"])
def test_keys_of_every_curve_are_accepted(
    registered: Corral, model_signing: ModelSigning, tmp_path: Path, curve: str
) -> None:
    _make_key(tmp_path, curve)
    signed = registered("release", "sign", NAME, "--key", "key.pem", "--out", "tiny/model.sig")

    accepted = model_signing.run(
        shlex.split(
            "model_signing verify key tiny --signature tiny/model.sig --public_key key.pub"
        ),
        cwd=tmp_path,
    )

    assert signed.exit_code == 0
    assert accepted.returncode == 0, accepted.stderr


def test_what_its_command_signs_we_accept_and_no_changed_byte(
    registered: Corral, model_signing: ModelSigning, tmp_path: Path
) -> None:
    command = "model_signing sign key tiny --private_key key.pem --signature model.sig"
    signed = model_signing.run(shlex.split(command), cwd=tmp_path)
    check = ("release", "verify", "tiny", "--signature", "model.sig", "--key", "key.pub")

    accepted = registered(*check)
    stored = registered("release", "verify", NAME, *check[3:])
    _flip(tmp_path / "tiny" / "model.safetensors")
    refused = registered(*check)

    assert signed.returncode == 0, signed.stderr
    assert accepted.exit_code == 0, accepted.output
    assert stored.exit_code == 0, stored.output
    assert refused.exit_code == 1
    assert "model.safetensors differs" in refused.stderr


@pytest.mark.parametrize(
    ("method", "hash_type"),
    [("files", "blake3"), ("files", "blake2"), ("shards", "sha256"), ("shards", "blake2")],
)
def test_all_that_it_can_sign_we_accept_and_no_changed_byte(
    registered: Corral,
    model_signing: ModelSigning,
    tmp_path: Path,
    method: str,
    hash_type: str,
) -> None:
    signed = model_signing.run(["python", "-c", BY_LIBRARY_SIGN, method, hash_type], cwd=tmp_path)
    check = ("release", "verify", "tiny", "--signature", "model.sig", "--key", "key.pub")

    accepted = registered(*check)
    _flip(tmp_path / "tiny" / "a-b/notes.txt")
    refused = registered(*check)

    assert signed.returncode == 0, signed.stderr
    assert accepted.exit_code == 0, accepted.output
    assert refused.exit_code == 1
    assert "a-b/notes.txt" in refused.stderr
