"""each_NODE: the values of a node that stays apart by key, as one mapping for a coarser node.

A node of the run that asks for ``each_gain`` is given the gain of every channel. The engine adds
the node ``each_gain`` to the graph, so that the edge is seen in pictures and known to the cache.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from hamilton import driver
from hamilton.ad_hoc_utils import create_temporary_module
from hamilton.function_modifiers import parameterize, source, tag

from .scopes import EACH, RANGE

PREFIX: Final = "each_"


@dataclass(frozen=True)
class AskedByKey:
    """A node whose values are wanted by key: of which type, and at which scope."""

    node: str
    annotation: Any
    scope: str


def asked_by_key(dr: driver.Driver, nodes: Mapping[str, Any]) -> tuple[AskedByKey, ...]:
    """What nodes of a graph ask for as ``each_NODE`` where it has NODE and not each_NODE."""
    found = {}
    for asker in nodes:
        for dep in dr.graph.nodes[asker].dependencies:
            name = dep.name.removeprefix(PREFIX)
            if dep.user_defined and dep.name != name and name in nodes:
                scope = nodes[asker].tags.get("scope", RANGE)
                found[name] = AskedByKey(name, dep.type, scope)
    return tuple(found.values())


@cache
def each_module(asked: tuple[AskedByKey, ...]) -> types.ModuleType:
    """A module with the nodes each_NODE; made once a process."""
    nodes = []
    for item in asked:
        # A function of its own for each: a decorator writes on what it is put on.
        name = PREFIX + item.node
        passed_on = types.FunctionType(_values.__code__, _values.__globals__, name)
        passed_on.__doc__ = f"{item.node} of every key that has one."
        passed_on.__annotations__ = {"values": Any, "return": item.annotation}
        decorated = parameterize(**{name: {"values": source(item.node)}})(passed_on)
        tags = {EACH: item.node, "scope": item.scope, "helper": "true", "stored": "false"}
        nodes.append(tag(**tags)(decorated))
    module: types.ModuleType = create_temporary_module(*nodes)
    return module


def _values(values: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return values
