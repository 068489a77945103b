"""``radiograph explain``: what a quantity is, where it is written, what it needs and feeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..options import AsJson

if TYPE_CHECKING:
    from ..explanations import Explanation


def explain(
    node: Annotated[str, typer.Argument(help="Name of a node (radiograph nodes lists them).")],
    config: Annotated[
        Path | None,
        typer.Argument(help="TOML file; without one, any legal settings are meant."),
    ] = None,
    pipeline: Annotated[
        str | None,
        typer.Option(help="Name of the pipeline (default: the config's, or the one that has it)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a node is: docstring, unit, columns, inputs, what depends on it, file and line."""
    found = _explanation(node, config, pipeline)
    if as_json:
        from ..answers import print_json

        print_json(found.as_json())
    else:
        typer.echo(str(found))


def _explanation(node: str, config: Path | None, name: str | None) -> Explanation:
    import difflib

    from ...schemas.errors import UsageError
    from ..explanations import explanation
    from ..graph import graph_nodes, visible_nodes
    from ..listing import example_driver
    from ..registry import definition, names

    if name is not None and name not in names():
        msg = f"No pipeline {name!r}. There is: {', '.join(names())}."
        raise UsageError(msg, key="pipeline")
    if config is not None:
        from ..api import pipeline
        from ..config import load_config

        loaded = load_config(config)
        return pipeline(loaded.config.pipeline.name, loaded).explain(node)
    others: dict[str, str] = {}
    for known in [name] if name is not None else names():
        made = definition(known)
        dr = example_driver(known)
        if made.aliases.get(node, node) in graph_nodes(dr):
            return explanation(dr, made, node)
        others |= dict.fromkeys([*visible_nodes(dr), *made.aliases], known)
    near = difflib.get_close_matches(node, sorted(others), 3, 0.5)
    hint = f" Did you mean {' or '.join(f'{n} ({others[n]})' for n in near)}?" if near else ""
    msg = f"No node {node!r} in {name or 'any pipeline'}.{hint} `radiograph nodes` lists all."
    raise UsageError(msg, key=node)
