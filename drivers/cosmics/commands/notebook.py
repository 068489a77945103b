"""``radiograph cosmics notebook``: a notebook of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def notebook(
    file: Annotated[Path, typer.Argument(help="HDF5 file of a run.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Notebook to write; without it, beside the file."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
) -> None:
    """Write a notebook that opens the file and draws its figures; it runs as it is."""
    from ..notebook import write_notebook

    out = file.with_suffix(".ipynb") if output is None else output
    typer.echo(write_notebook(file, out, overwrite=overwrite))
