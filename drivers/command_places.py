"""Where commands are written, and how a group lists them: for the core and for the pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import typer
import typer.core

from ..schemas.errors import EXIT_USAGE


class CommandPlace(NamedTuple):
    """Where a command, or a group of commands, is written, and its line in the list of commands.

    ``module`` is the whole name of the module, ``name`` that of the function or group in it,
    ``parser`` that of the class of its command, where it is not the usual one.
    """

    module: str
    name: str
    help: str
    parser: str = ""


class BareOptions(typer.core.TyperCommand):
    """A command with options whose number may be left out; ``bare`` is the number then.

    What follows such an option and is no number is the next argument.
    """

    bare: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, those options with their number."""
        end = args.index("--") if "--" in args else len(args)
        told: list[str] = []
        for at, word in enumerate(args):
            following = args[at + 1] if at + 1 < end else ""
            is_bare = at < end and word in self.bare and not _is_number(following)
            told.append(f"{word}={self.bare[word]}" if is_bare else word)
        return super().parse_args(ctx, told)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


class PlainGroup(typer.core.TyperGroup):
    """A group whose list of commands gives each line whole; called alone, it shows its help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments; without any, the help and the exit code of a wrong command line."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            ctx.exit(EXIT_USAGE)
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write name and first paragraph of the help of each command that is not hidden."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, (command.help or "").split("\n\n")[0])
                    for name in self.list_commands(ctx)
                    if (command := self.get_command(ctx, name)) and not command.hidden
                ]
            )
