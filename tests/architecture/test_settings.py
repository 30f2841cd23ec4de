"""docs/settings.md lists every setting, and nothing else."""

import re

import pytest

from api.cli.processes import LEAVE_SECONDS
from registry.settings import Settings
from tests.architecture.source import ROOT

PAGE = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `CORRAL_(\w+)` \| ([^|]*) \|", PAGE, re.MULTILINE))


@pytest.mark.parametrize("field", list(Settings.model_fields))
def test_a_setting_is_documented(field: str) -> None:
    assert field.upper() in ROWS


@pytest.mark.parametrize("variable", list(ROWS))
def test_a_documented_setting_exists(variable: str) -> None:
    assert variable.lower() in Settings.model_fields


@pytest.mark.parametrize("field", ["port", "job_lease_seconds", "prompt_limit_bytes"])
def test_a_documented_default_is_the_default(field: str) -> None:
    assert ROWS[field.upper()] == f"`{Settings.model_fields[field].default}`"


def test_containers_of_workers_have_time_to_end() -> None:
    stop_seconds: float = Settings.model_fields["stop_seconds"].default
    times = re.findall(r"command: \[\"worker\".*\n    stop_grace_period: (\d+)s", COMPOSE)

    assert len(times) == COMPOSE.count('["worker"')
    assert min(map(int, times)) >= stop_seconds + LEAVE_SECONDS
