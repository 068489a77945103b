"""``radiograph info``: what is in a file, and how it was made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def info(
    file: Annotated[Path, typer.Argument(help="HDF5 file of a run, or of ngimager; an LH5 file.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, all settings in it.")
    ] = False,
) -> None:
    """Say what is in a file: rows, images or verdict, inputs, settings, versions, problems."""
    from ..provenance import pipeline_of_path
    from ..registry import DEFAULT, definition, names

    of_inputs = [f for f in map(definition, names()) if f.describes_input(file)]
    if of_inputs and of_inputs[0].input_described is not None:
        summary, text = of_inputs[0].input_described(file)
    else:
        name = pipeline_of_path(file)
        summary, text = definition(name if name in names() else DEFAULT).described(file)
    if as_json:
        from ..answers import print_json

        print_json(summary)
    else:
        typer.echo(text)
