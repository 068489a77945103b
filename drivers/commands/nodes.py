"""``radiograph nodes``: which quantities a pipeline has."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def nodes(
    pipeline: Annotated[str, typer.Argument(help="Name of the pipeline.")] = "imaging",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the nodes of a pipeline by stage, each with what it is."""
    from ..graph import PIPELINES
    from ..listing import listed_nodes

    if pipeline not in PIPELINES:
        from ...schemas.errors import UsageError

        msg = f"No pipeline {pipeline!r}. There is: {', '.join(PIPELINES)}."
        raise UsageError(msg, key="pipeline")
    listed = listed_nodes(pipeline)
    if as_json:
        from ..main import print_json

        print_json({"pipeline": pipeline, "nodes": listed})
        return
    _print_table(listed)


def _print_table(listed: list[dict[str, Any]]) -> None:
    width = max(len(node["name"]) for node in listed)
    stage = None
    for node in listed:
        if node["stage"] != stage:
            stage = node["stage"]
            typer.echo(f"{stage}:")
        also = f" (also: {', '.join(node['aliases'])})" if node["aliases"] else ""
        typer.echo(f"  {node['name']:{width}}  {node['summary']}{also}")
