"""``radiograph cosmics compare``: runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import AsJson


def compare(
    files: Annotated[list[Path], typer.Argument(help="HDF5 files of runs; the first is A.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the tables as CSV; made if absent."),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(help="Figure of the first two runs: .png, .pdf or .svg."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare runs with the first: cuts and settings, cut flows, histograms, surviving events.

    The significance of each row is that of two independent samples, in standard deviations.
    """
    from ...answers import print_json
    from ..comparing import (
        as_plain,
        compared,
        lines_of,
        read_runs,
        write_figure,
        write_tables,
    )

    runs = read_runs(files)
    found = compared(runs)
    written = [] if output is None else write_tables(found, output, overwrite=overwrite)
    if figure is not None:
        written.append(write_figure(runs, figure, overwrite=overwrite))
    if as_json:
        print_json({**as_plain(found), "files": [str(path) for path in written]})
        return
    for k, (item, other) in enumerate(zip(found, runs[1:], strict=True)):
        if k:
            typer.echo("")
        for line in lines_of(item, runs[0], other):
            typer.echo(line)
    for path in written:
        typer.echo(path, err=True)
