"""Nodes of a pipeline as rows of text: what the command lists and the documentation prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hamilton import driver

from .graph import (
    build_driver,
    dependencies,
    nodes_in_order,
    summary_of,
    visible_nodes,
)
from .registry import definition


def example_driver(name: str) -> driver.Driver:
    """The graph of a pipeline with choices that show every name."""
    return build_driver(definition(name), definition(name).listed_choices)


def listed_nodes(name: str, choices: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Name, stage, unit, schema, first line of the docstring, inputs and aliases of each node.

    ``choices`` are those of a config; by default those that show every name.
    """
    pipeline = definition(name)
    dr = example_driver(name) if choices is None else build_driver(pipeline, choices)
    nodes = visible_nodes(dr)
    return [
        {
            "name": name,
            "stage": nodes[name].tags.get("stage", ""),
            "unit": nodes[name].tags.get("unit", ""),
            "schema": nodes[name].tags.get("schema", ""),
            "summary": summary_of(dr, name),
            "inputs": sorted(dependencies(dr, name)),
            "aliases": [a for a, n in pipeline.aliases.items() if n == name],
        }
        for name in nodes_in_order(dr, pipeline)
    ]
