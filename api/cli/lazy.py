"""Groups that import a command's module when the command is used, and not before."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click


class Lazy(NamedTuple):
    """A command that has not been imported.

    Attributes:
        where: Its module and its name there, ``module:name``.
        says: The first sentence of its help, for the list of commands.
    """

    where: str
    says: str


class LazyGroup(click.Group):
    """A group whose commands are named in sections.

    Attributes:
        sections: Heading to command name to command, imported or not, in the order of help.
    """

    def __init__(
        self,
        *arguments: Any,
        sections: Mapping[str, Mapping[str, Lazy | click.Command]],
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self.sections = sections

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of help."""
        del ctx
        return [name for commands in self.sections.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, importing it if need be; ``None`` if there is none of that name."""
        del ctx
        for commands in self.sections.values():
            found = commands.get(cmd_name)
            if isinstance(found, Lazy):
                return _imported(found)
            if found is not None:
                return found
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing one."""
        del ctx
        for heading, commands in self.sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name, _says(each)) for name, each in commands.items()])


class DefaultGroup(LazyGroup):
    """A group in which what is no command is taken for the arguments of one.

    Attributes:
        default: The command that then runs.
    """

    def __init__(self, *arguments: Any, default: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the default command in where none is given."""
        if args and args[0] not in {*self.list_commands(ctx), *ctx.help_option_names}:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


def _imported(lazy: Lazy) -> click.Command:
    module, _, name = lazy.where.partition(":")
    command = getattr(import_module(module), name)
    if not isinstance(command, click.Command):
        raise TypeError(f"{lazy.where} is no command")
    return command


def _says(command: Lazy | click.Command) -> str:
    return command.says if isinstance(command, Lazy) else command.get_short_help_str(limit=100)
