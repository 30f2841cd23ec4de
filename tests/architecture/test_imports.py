"""Who may import whom, and whether Python finds our packages at all."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES, ROOT


def test_the_import_contracts_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")

    answer = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("name", PACKAGES)
def test_no_other_distribution_ships_our_names(name: str) -> None:
    owners = set(packages_distributions().get(name, []))

    assert owners <= {"corral"}, "uninstall the other one: pip overwrites silently"
