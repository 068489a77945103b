"""``radiograph info``: what is in a file, and how it was made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def info(
    file: Annotated[Path, typer.Argument(help="HDF5 file of a run, or of ngimager.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, all settings in it.")
    ] = False,
) -> None:
    """Say what is in a file: rows, images, inputs, settings, versions, counters, problems."""
    from ..imaging.file_summary import file_summary, summary_text
    from ..imaging.inspection import plain
    from ..imaging.saved import open_run

    with open_run(file) as saved:
        summary = file_summary(saved)
    if as_json:
        from ..main import print_json

        print_json(plain(summary))
    else:
        typer.echo(summary_text(summary))
