"""The table of the commands: of those not called, nothing is imported."""

from __future__ import annotations

import importlib
from typing import Any

import typer
import typer.core

from .. import registry
from ..command_places import CommandPlace, PlainGroup

_CORE = {
    "run": CommandPlace(f"{__package__}.run", "run", "Run the pipeline of a TOML file."),
    "check": CommandPlace(
        f"{__package__}.check",
        "check",
        "Check a TOML file: every unknown key, wrong value and missing part at once.",
    ),
    "nodes": CommandPlace(
        f"{__package__}.nodes",
        "nodes",
        "List the nodes of a pipeline by stage, each with what it is.",
    ),
    "graph": CommandPlace(f"{__package__}.graph", "graph", "Draw the graph of a pipeline as SVG."),
    "watch": CommandPlace(
        f"{__package__}.watch",
        "watch",
        "Take each file of a folder when it is complete; one line a file.",
    ),
    "init": CommandPlace(
        f"{__package__}.init",
        "init",
        "Make DIR with commented settings and a small simulated file, ready to run.",
    ),
    "export": CommandPlace(
        f"{__package__}.export",
        "export",
        "Write an output file as ROOT, tables, arrays or figures, or add its pair table.",
    ),
    "report": CommandPlace(
        f"{__package__}.report",
        "report",
        "Write a report that needs no network: pictures, losses, spectra, graph, settings.",
    ),
    "info": CommandPlace(
        f"{__package__}.info",
        "info",
        "Say what is in a file: rows, images or verdict, inputs, settings, versions, problems.",
    ),
    "verify": CommandPlace(
        f"{__package__}.verify",
        "verify",
        "Run the stored settings again, without cache; compare all datasets (4: differ).",
    ),
    "explain": CommandPlace(
        f"{__package__}.explain",
        "explain",
        "Say what a node is: docstring, unit, columns, inputs, what depends on it, file and line.",
    ),
    "simulate": CommandPlace(
        f"{__package__}.simulations", "simulate", "Simulate detector data, seeded."
    ),
    "cache": CommandPlace(f"{__package__}.cache", "cache", "The cache of intermediate results."),
}


def commands() -> dict[str, CommandPlace]:
    """The commands of the core and of the pipelines of this package, as they are listed."""
    return {**_CORE, **{n: p for n, p in registry.commands().items() if " " not in n}}


class TableOfCommands(PlainGroup):
    """The group of all commands; one is imported when it is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first argument names, imported."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and command.name in (places := commands()):
            command = imported_command(command.name, places[command.name])
        return name, command, rest

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; those of other packages are looked for when one is missing."""
        command = super().get_command(ctx, cmd_name)
        if command is None and cmd_name in (brought := registry.brought_commands()):
            command = imported_command(cmd_name, brought[cmd_name])
        return command


def imported_command(name: str, place: CommandPlace) -> Any:
    """The command, or group of commands, of that name as the parser takes it."""
    held = vars(importlib.import_module(place.module))
    written = held[place.name]
    alone = typer.Typer(rich_markup_mode=None)
    if isinstance(written, typer.Typer):
        alone.add_typer(written, name=name)
    else:
        alone.command(name, cls=held[place.parser] if place.parser else None)(written)
    # With a callback a single command stays one of a group.
    alone.callback()(_not_imported)
    return typer.main.get_group(alone).commands[name]


def add_commands(app: typer.Typer) -> None:
    """Add a place holder for each command, with its line of help, in the order of the table."""
    for name, place in commands().items():
        app.command(name, help=place.help)(_not_imported)


def _not_imported() -> None:
    """Stands for a command until it is called."""
