"""Nodes of a pipeline as rows of text: what the command lists and the documentation prints."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from hamilton import driver

from .graph import PIPELINES, build_driver, dependencies, visible_nodes
from .pipelines import definition


def example_driver(name: str) -> driver.Driver:
    """The graph of a pipeline with choices that show every name."""
    return build_driver(PIPELINES[name](), definition(name).listed_choices)


def listed_nodes(name: str, choices: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Name, stage, unit, schema, first line of the docstring, inputs and aliases of each node.

    ``choices`` are those of a config; by default those that show every name.
    """
    pipeline = PIPELINES[name]()
    dr = example_driver(name) if choices is None else build_driver(pipeline, choices)
    stages = list(dict.fromkeys(v.tags.get("stage", "") for v in _in_order(dr, pipeline)))
    rows = []
    for node in _in_order(dr, pipeline):
        function = dr.graph.nodes[node.name].originating_functions[0]
        rows.append(
            {
                "name": node.name,
                "stage": node.tags.get("stage", ""),
                "unit": node.tags.get("unit", ""),
                "schema": node.tags.get("schema", ""),
                "summary": (inspect.getdoc(function) or "").split("\n")[0].rstrip("."),
                "inputs": sorted(dependencies(dr, node.name)),
                "aliases": [a for a, n in pipeline.aliases.items() if n == node.name],
            }
        )
    return sorted(rows, key=lambda row: stages.index(row["stage"]))


def _in_order(dr: Any, pipeline: Any) -> list[Any]:
    """Visible nodes in the order in which their modules and functions stand."""
    modules = list(pipeline.module_names)

    def place(node: Any) -> tuple[int, int]:
        function = dr.graph.nodes[node.name].originating_functions[0]
        return modules.index(function.__module__), inspect.getsourcelines(function)[1]

    return sorted(visible_nodes(dr).values(), key=place)
