"""The table of the commands: of those not called, nothing is imported."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import typer
import typer.core

from ...schemas.errors import EXIT_USAGE


class CommandPlace(NamedTuple):
    """Where a command, or a group of commands, is written, and its line in the list of commands."""

    module: str
    name: str
    help: str


COMMANDS = {
    "run": CommandPlace("run", "run", "Run the pipeline of a TOML file."),
    "check": CommandPlace(
        "check",
        "check",
        "Check a TOML file: every unknown key, wrong value and missing part at once.",
    ),
    "nodes": CommandPlace(
        "nodes", "nodes", "List the nodes of a pipeline by stage, each with what it is."
    ),
    "graph": CommandPlace("graph", "graph", "Draw the graph of a pipeline as SVG."),
    "watch": CommandPlace(
        "watch", "watch", "Take each file of a folder when it is complete; one line a file."
    ),
    "init": CommandPlace(
        "init", "init", "Make DIR with commented settings and a small simulated file, ready to run."
    ),
    "export": CommandPlace(
        "export",
        "export",
        "Write an output file as ROOT, tables, arrays or figures, or add its pair table.",
    ),
    "report": CommandPlace(
        "report",
        "report",
        "Write a report that needs no network: pictures, losses, spectra, graph, settings.",
    ),
    "info": CommandPlace(
        "info",
        "info",
        "Say what is in a file: rows, images or verdict, inputs, settings, versions, problems.",
    ),
    "inspect": CommandPlace(
        "inspect",
        "inspect",
        "Follow hits, events, hypotheses, cones and pixels into each other, in a file.",
    ),
    "verify": CommandPlace(
        "verify",
        "verify",
        "Run the stored imaging settings again, without cache; compare all datasets (4: differ).",
    ),
    "explain": CommandPlace(
        "explain",
        "explain",
        "Say what a node is: docstring, unit, columns, inputs, what depends on it, file and line.",
    ),
    "simulate": CommandPlace("simulations", "simulate", "Simulate detector data, seeded."),
    "cache": CommandPlace("cache", "cache", "The cache of intermediate results."),
    "lightdqm": CommandPlace(
        "lightdqm", "lightdqm", "Light read-out data quality: verdicts, reports, trends."
    ),
}


class PlainGroup(typer.core.TyperGroup):
    """A group whose list of commands gives each line whole; called alone, it shows its help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments; without any, the help and the exit code of a wrong command line."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            ctx.exit(EXIT_USAGE)
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write name and first paragraph of the help of each command."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, (command.help or "").split("\n\n")[0])
                    for name in self.list_commands(ctx)
                    if (command := self.get_command(ctx, name))
                ]
            )


class TableOfCommands(PlainGroup):
    """The group of all commands; one is imported when it is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first argument names, imported."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and command.name in COMMANDS:
            command = imported_command(command.name)
        return name, command, rest


def imported_command(name: str) -> Any:
    """The command, or group of commands, of that name as the parser takes it."""
    place = COMMANDS[name]
    written = vars(importlib.import_module(f"{__package__}.{place.module}"))[place.name]
    alone = typer.Typer(rich_markup_mode=None)
    if isinstance(written, typer.Typer):
        alone.add_typer(written, name=name)
    else:
        alone.command(name)(written)
    # With a callback a single command stays one of a group.
    alone.callback()(_not_imported)
    return typer.main.get_group(alone).commands[name]


def add_commands(app: typer.Typer) -> None:
    """Add a place holder for each command, with its line of help, in the order of the table."""
    for name, place in COMMANDS.items():
        app.command(name, help=place.help)(_not_imported)


def _not_imported() -> None:
    """Stands for a command until it is called."""
