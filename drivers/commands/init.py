"""``radiograph init``: a commented TOML file and a small simulated input, ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..options import Overwrite


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to fill; made if absent.")],
    pipeline: Annotated[
        str | None, typer.Option(help="Pipeline to make it for; else the first one.")
    ] = None,
    events: Annotated[
        int | None, typer.Option(min=0, help="Simulated events; by default some that are quick.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.")] = 1,
    overwrite: Overwrite = False,
) -> None:
    """Make DIR with commented settings and a small simulated file, ready to run."""
    from ..registry import DEFAULT, definition

    settings, data = definition(pipeline or DEFAULT).starter(folder, events, seed, overwrite)
    typer.echo(f"{settings}\n{data}\n\nNow: radiograph run {settings}")
