"""The Hamilton driver of a pipeline, with what the engine adds to its graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hamilton import driver

from ..cache.execution import NodeCache
from ..graph import build_driver
from ..node_execution import Manifest
from .dataflow import Dataflow
from .keyed import asked_by_key, each_module


def driver_of(
    flow: Dataflow,
    choices: Mapping[str, Any],
    manifest: Manifest | None = None,
    cache: NodeCache | None = None,
) -> driver.Driver:
    """The driver of a graph with the algorithms that ``choices`` select."""
    dr = build_driver(flow.graph, choices, manifest, cache)
    asked = asked_by_key(dr) if flow.keyed else ()
    if not asked:
        return dr
    return build_driver(flow.graph, choices, manifest, cache, (each_module(asked),))
