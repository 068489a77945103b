"""``radiograph cosmics workspace``: a likelihood for pyhf from several runs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from ....schemas.errors import UsageError


def workspace(
    samples: Annotated[
        list[str], typer.Argument(metavar="NAME=FILE.h5", help="Samples: names and run files.")
    ],
    signal: Annotated[str, typer.Option(help="The sample whose strength mu is measured.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON file to write.")] = Path(
        "workspace.json"
    ),
    scale: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FACTOR", help="Scale a sample to an exposure; repeatable."),
    ] = None,
    histogram: Annotated[str, typer.Option(help="Histogram that is the channel.")] = "mom_ext",
    selection: Annotated[str, typer.Option(help="Its selection.")] = "Unvetoed",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
) -> None:
    """Write a pyhf workspace: one channel, a sample a run, statistical errors from variances.

    There are no data: the observation is what is expected without the signal.
    """
    from ..workspaces import WorkspaceRequest, write_workspace

    files = _by_name("samples", samples, "FILE.h5")
    told = _by_name("--scale", scale or [], "FACTOR")
    scales = {name: _factor(name, text) for name, text in told.items()}
    request = WorkspaceRequest(
        {name: Path(text) for name, text in files.items()}, signal, scales, histogram, selection
    )
    for line in write_workspace(request, output, overwrite=overwrite):
        typer.echo(line)
    typer.echo(output)


def _by_name(key: str, texts: list[str], what: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            msg = f"{text}: write NAME={what}"
            raise UsageError(msg, key=key)
        if name in found:
            msg = f"{text}: the name {name} stands twice; give each its own"
            raise UsageError(msg, key=key)
        found[name] = value
    return found


def _factor(name: str, text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not (math.isfinite(factor) and factor > 0):
        msg = f"--scale {name}={text}: is no factor above zero"
        raise UsageError(msg, key="--scale")
    return factor
