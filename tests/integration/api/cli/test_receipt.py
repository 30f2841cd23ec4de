"""``corral receipt``: fetched from a real server, checked where there is nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.client import Client
from tests.integration.api.cli.conftest import Corral
from tests.integration.api.service import Service

TEXT = "some text"


@pytest.fixture
def output(service: Service) -> str:
    """A released output that has its place in the ledger."""
    job = service.submit().json()
    service.settle(job["id"], "release", TEXT)
    service.sequence()
    return str(job["outputs"][0]["id"])


@pytest.fixture
def folder(bare: Corral, service: Service, url: str, output: str, tmp_path: Path) -> Path:
    """An empty folder with a receipt, both keys and the text, as the commands wrote them."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    env = {"CORRAL_URL": url, "CORRAL_TOKEN": service.tokens["ada"]}
    fetched = bare("receipt", output, "--out", str(folder / "receipt.json"), env=env)
    assert fetched.exit_code == 0, fetched.stderr
    for name, words in {"receipts.pem": (), "ledger.vkey": ("--ledger",)}.items():
        printed = bare("receipt", "key", *words, "--url", url)
        (folder / name).write_text(printed.stdout)
    (folder / "text").write_text(TEXT)
    return folder


def verify(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Verify in a process of its own that has no settings and no records."""
    command = [sys.executable, "-m", "api.cli.main", "receipt", "verify", *words]
    env = {"PATH": os.environ["PATH"]}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


WHOLE = ("receipt.json", "--key", "receipts.pem", "--ledger-key", "ledger.vkey", "--text", "text")


def test_a_receipt_holds_in_an_empty_folder(folder: Path, output: str) -> None:
    before = sorted(folder.iterdir())

    answer = verify(folder, *WHOLE)

    assert answer.returncode == 0, answer.stderr
    assert f"the receipt holds: output {output}, decision release" in answer.stdout
    assert sorted(folder.iterdir()) == before


def test_a_receipt_needs_one_key_and_says_what_was_not_checked(folder: Path) -> None:
    answer = verify(folder, "receipt.json", "--key", "receipts.pem")

    assert answer.returncode == 0
    assert "not compared" in answer.stdout
    assert "needs --ledger-key" in answer.stdout


def test_a_program_reads_what_was_shown(folder: Path, output: str) -> None:
    answer = json.loads(verify(folder, *WHOLE, "--json").stdout)

    assert answer["holds"] is True
    assert (answer["output"], answer["decision"]) == (output, "release")
    assert answer["ledger_signed"] is True
    assert answer["text_matches"] is True


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("text", "another text", "another text"),
        ("receipt.json", "{}", "no receipt"),
        ("receipts.pem", "no key", "no public key"),
        ("ledger.vkey", "é", "no verifier key"),
        ("ledger.vkey", "a+b+c", "copy it again"),
    ],
)
def test_what_is_wrong_is_one_sentence(folder: Path, name: str, content: str, why: str) -> None:
    (folder / name).write_text(content, encoding="utf-8")

    answer = verify(folder, *WHOLE)

    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 1
    assert why in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_flipped_byte_is_noticed(folder: Path) -> None:
    path = folder / "receipt.json"
    content = bytearray(path.read_bytes())
    place = content.index(b'"payload"') + 40
    content[place] ^= 1
    path.write_bytes(content)

    answer = verify(folder, *WHOLE)

    assert answer.returncode == 1
    assert "altered" in answer.stderr


def test_a_receipt_is_printed_for_programs(
    bare: Corral, service: Service, url: str, output: str
) -> None:
    env = {"CORRAL_URL": url, "CORRAL_TOKEN": service.tokens["ada"]}

    plain = bare("receipt", output, env=env)
    line = bare("receipt", "--json", output, env=env)

    with Client(url, service.tokens["ada"]) as client:
        receipt = client.receipt(output)
    same = {"payload": receipt["payload"], "signatures": receipt["signatures"]}
    assert same.items() <= json.loads(plain.stdout).items()
    assert same.items() <= json.loads(line.stdout).items()
    assert len(line.stdout.splitlines()) == 1


def test_a_receipt_that_waits_for_the_ledger_says_so(
    bare: Corral, service: Service, url: str
) -> None:
    job = service.submit().json()
    service.settle(job["id"])
    env = {"CORRAL_URL": url, "CORRAL_TOKEN": service.tokens["ada"]}

    answer = bare("receipt", str(job["outputs"][0]["id"]), env=env)

    assert answer.exit_code == 0
    assert "no place in the ledger yet" in answer.stderr


def test_an_output_of_somebody_else_has_no_receipt(
    bare: Corral, service: Service, url: str, output: str
) -> None:
    env = {"CORRAL_URL": url, "CORRAL_TOKEN": service.tokens["bob"]}

    answer = bare("receipt", output, env=env)

    assert answer.exit_code == 1
    assert "no output" in answer.stderr


@pytest.mark.parametrize("words", [("receipt",), ("receipt", "--help")])
def test_the_group_explains_itself(bare: Corral, words: tuple[str, ...]) -> None:
    answer = bare(*words)

    assert "verify" in answer.output
    assert "corral receipt ID" in answer.output


PAGE = (Path(__file__).parents[4] / "docs/receipts.md").read_text(encoding="utf-8")
OPENSSL = PAGE.partition("```sh\n# openssl\n")[2].partition("```")[0]
PYTHON = PAGE.partition("```python\n")[2].partition("```")[0]


def outsider(folder: Path, program: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run what the documentation tells outsiders to run, where there is no Corral."""
    (folder / "output.txt").write_text(TEXT)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = {"sh": ["sh", "-ec", script], "python": [sys.executable, "-I", "-c", script]}
    return subprocess.run(
        command[program],
        cwd=folder,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("program", "script", "says"),
    [("sh", OPENSSL, "Signature Verified Successfully"), ("python", PYTHON, "release")],
)
def test_outsiders_check_a_receipt_as_the_documentation_says(
    folder: Path, program: str, script: str, says: str
) -> None:
    sound = outsider(folder, program, script)
    path = folder / "receipt.json"
    said = json.loads(path.read_text())
    said["signatures"][0]["sig"] = said["signatures"][0]["sig"].swapcase()
    path.write_text(json.dumps(said))

    altered = outsider(folder, program, script)

    assert sound.returncode == 0, sound.stderr
    assert sound.stdout.strip() == says
    assert altered.returncode != 0
