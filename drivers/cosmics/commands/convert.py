"""``radiograph cosmics convert``: settings from the YAML of mu2e-cosmic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def convert(
    analysis: Annotated[Path, typer.Argument(help="Analysis file of mu2e-cosmic (YAML).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="TOML file to write.")],
    cuts: Annotated[
        Path | None, typer.Option("--cuts", help="Its file of cut sets; else the shipped one.")
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", help="Files, where it names none; repeatable, may be a pattern."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
) -> None:
    """Write the settings that do what an analysis file of mu2e-cosmic did.

    Keys without a meaning here become comments that say so; an unknown key is an error.
    """
    from ...files import check_new_files
    from ..converting import convert as converted

    read = [analysis] if cuts is None else [analysis, cuts]
    check_new_files([output], read, overwrite=overwrite)
    made = converted(analysis, output, cuts=cuts, inputs=inputs or ())
    for text in made.comments:
        typer.echo(text, err=True)
    typer.echo(f"{made.out}: run it with `radiograph run {made.out}`")
