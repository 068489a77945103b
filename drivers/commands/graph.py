"""``radiograph graph``: the pipeline as a picture, without any other program."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class ShownSpecies(StrEnum):
    """Whose nodes are drawn."""

    neutron = "neutron"
    gamma = "gamma"
    both = "both"


def graph(
    config: Annotated[
        Path | None,
        typer.Argument(help="TOML file; without one, any legal settings are drawn."),
    ] = None,
    output_path: Annotated[
        Path | None,
        typer.Option("--output-path", "-o", help="SVG file to write; without it, to stdout."),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help="Draw only this node and what it needs; repeatable."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--pipeline", help="Pipeline to draw (default: that of CONFIG, or imaging)."),
    ] = None,
    species: Annotated[
        ShownSpecies | None,
        typer.Option(help="Whose nodes are drawn (default: those that are on)."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every node, not only the main quantities.")
    ] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing picture.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: nodes and edges.")
    ] = False,
) -> None:
    """Draw the graph of a pipeline as SVG."""
    from ...schemas.errors import UsageError
    from ..pipelines import DEFAULT

    if output_path is not None:
        if output_path.suffix != ".svg":
            msg = f"{output_path}: the picture is SVG; name a file that ends in .svg"
            raise UsageError(msg, file=output_path)
        if output_path.exists() and not overwrite:
            msg = f"{output_path}: exists already; give --overwrite, or name another file"
            raise UsageError(msg, file=output_path, code="output_exists")
    from ..api import pipeline
    from ..config import load_config

    loaded = None if config is None else load_config(config)
    name = name or (DEFAULT if loaded is None else loaded.config.pipeline.name)
    picture = pipeline(name, loaded).graph(
        everything=everything,
        targets=target or (),
        species=None if species is None else species.value,
    )
    if output_path is not None:
        from ..files import replaced_file, writable

        with writable(output_path), replaced_file(output_path) as temporary:
            temporary.write_text(picture.svg, "utf-8")
    if as_json:
        from ..main import print_json

        path = None if output_path is None else str(output_path)
        print_json({"output": path, **picture.dag.as_json()})
    else:
        typer.echo(output_path or picture.svg, nl=output_path is not None)
