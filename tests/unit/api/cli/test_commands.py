"""Every command of ``corral``, its help and how it is loaded."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from api.cli.lazy import Lazy, LazyGroup
from api.cli.main import FILTER, INTERRUPTED, POLICY, RECEIPT, SECTIONS, Corral, cli

PROCESSES = {"serve", "worker", "schedule"}
HEAVY = ("torch", "sqlalchemy", "pydantic", "httpx", "rich", "celery", "fastapi")


def _leaves(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _leaves(command, (*words, name))
        else:
            yield (*words, name)


def _command(words: tuple[str, ...]) -> click.Command:
    command: click.Command = cli
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    return command


LEAVES = list(_leaves(cli))
GROUPS = sorted({words[:length] for words in LEAVES for length in range(len(words))})
LAZY = [
    (name, lazy)
    for sections in (SECTIONS, FILTER.sections, POLICY.sections, RECEIPT.sections)
    for commands in sections.values()
    for name, lazy in commands.items()
    if isinstance(lazy, Lazy)
]


@pytest.mark.parametrize("words", [*GROUPS, *LEAVES], ids=" ".join)
def test_a_command_explains_itself_with_an_example(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*words, "--help"], prog_name="corral")

    assert result.exit_code == 0
    assert f"Example: {'' if 'token' in words or 'score' in words else 'corral '}" in result.output
    assert " ".join(("corral", *words)) in result.output.partition("Example: ")[2]


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_a_command_answers_programs_in_json(words: tuple[str, ...]) -> None:
    flags = {flag for parameter in _command(words).params for flag in parameter.opts}

    assert ("--json" in flags) is (words[-1] not in PROCESSES)


@pytest.mark.parametrize(("name", "lazy"), LAZY, ids=[lazy.where for _, lazy in LAZY])
def test_the_list_of_commands_says_what_each_command_says(name: str, lazy: Lazy) -> None:
    module, _, attribute = lazy.where.partition(":")
    command = getattr(sys.modules[module], attribute)

    assert command.name == name
    assert command.get_short_help_str(limit=200) == lazy.says


def test_help_loads_nothing_that_is_slow() -> None:
    script = (
        "import sys; from api.cli.main import cli; cli(['--help'], standalone_mode=False);"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )

    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert answer.stdout.splitlines()[-1] == "[]"


def test_wrong_usage_exits_with_2() -> None:
    result = CliRunner().invoke(cli, ["release", "quarantine", "owner/name"])

    assert result.exit_code == 2
    assert "--reason" in result.stderr


def test_an_interrupt_exits_with_130() -> None:
    @click.command()
    def endless() -> None:
        raise KeyboardInterrupt

    result = CliRunner().invoke(Corral("corral", sections={"all": {"endless": endless}}), "endless")

    assert result.exit_code == INTERRUPTED
    assert result.stderr == "interrupted\n"


def test_an_unexpected_error_keeps_its_traceback() -> None:
    @click.command()
    def broken() -> None:
        raise RuntimeError("a bug")

    result = CliRunner().invoke(Corral("corral", sections={"all": {"broken": broken}}), "broken")

    assert isinstance(result.exception, RuntimeError)


def test_an_unknown_command_is_wrong_usage() -> None:
    result = CliRunner().invoke(cli, ["nonsense"])

    assert result.exit_code == 2


def test_what_is_no_command_cannot_be_loaded_as_one() -> None:
    group = LazyGroup("group", sections={"all": {"wrong": Lazy("api.cli.render:plain", "No.")}})

    with pytest.raises(TypeError, match="no command"):
        group.get_command(click.Context(group), "wrong")
