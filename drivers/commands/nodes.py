"""``radiograph nodes``: which quantities a pipeline has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..options import AsJson
from ..registry import DEFAULT


def nodes(
    pipeline: Annotated[
        str,
        typer.Argument(
            metavar="[PIPELINE|CONFIG]",
            help="Name of a pipeline, or a TOML file: the nodes that its settings give.",
        ),
    ] = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List the nodes of a pipeline by stage, each with what it is."""
    from ..listing import listed_nodes

    name, choices = _asked(pipeline)
    listed = listed_nodes(name, choices)
    if as_json:
        from ..answers import print_json

        print_json({"pipeline": name, "nodes": listed})
        return
    _print_table(listed)


def _asked(pipeline: str) -> tuple[str, dict[str, Any] | None]:
    """The pipeline that is named, or that of a TOML file with what its settings choose."""
    from ...schemas.errors import UsageError
    from ..registry import names

    if pipeline in names():
        return pipeline, None
    path = Path(pipeline)
    if path.suffix != ".toml" and not path.exists():
        msg = f"No pipeline {pipeline!r}. There is: {', '.join(names())}; or give a TOML file."
        raise UsageError(msg, key="pipeline")
    from ..config import load_config
    from ..registry import definition_of

    config = load_config(path).config
    return config.pipeline.name, definition_of(config).choices_of(config)


def _print_table(listed: list[dict[str, Any]]) -> None:
    width = max(len(node["name"]) for node in listed)
    stage = None
    for node in listed:
        if node["stage"] != stage:
            stage = node["stage"]
            typer.echo(f"{stage}:")
        also = f" (also: {', '.join(node['aliases'])})" if node["aliases"] else ""
        typer.echo(f"  {node['name']:{width}}  {node['summary']}{also}")
