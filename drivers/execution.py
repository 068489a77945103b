"""Execution: ranges of raw events through the graph, then the run's own nodes.

Nodes without a ``scope`` tag belong to a range; what ranges give is handed to the caller range
by range, or merged and put in the place of these nodes when the nodes of scope ``run`` are
evaluated. Memory is thus bounded by a range.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hamilton import driver

from .graph import dependencies, graph_nodes, upstream

RangeResults = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """Which nodes are evaluated where, to give the targets and the streams.

    ``constants`` depend on no range and are asked for first; ``per_range`` are asked for in
    every range; ``merged`` of them are merged for the nodes of the run; ``per_run`` are then
    asked for once.
    """

    constants: tuple[str, ...]
    per_range: tuple[str, ...]
    merged: tuple[str, ...]
    per_run: tuple[str, ...]
    needed: frozenset[str]


def planned(dr: driver.Driver, targets: Iterable[str], streams: Iterable[str] = ()) -> Plan:
    """Split what is asked for into nodes of a range and nodes of the run.

    ``targets`` are wanted as one value each, ``streams`` range by range.
    """
    nodes = graph_nodes(dr)
    of_run = {n for n, v in nodes.items() if v.tags.get("scope") == "run"}
    targets, streams = set(targets), set(streams)
    asked = targets | streams
    needed = upstream(dr, asked) if asked else set()
    merged = targets - of_run
    for name in needed & of_run:
        merged |= dependencies(dr, name) & set(nodes) - of_run
    per_range = merged | streams
    constants = upstream(dr, per_range) & of_run if per_range else set()
    return Plan(
        constants=tuple(sorted(constants)),
        per_range=tuple(sorted(per_range)),
        merged=tuple(sorted(merged)),
        per_run=tuple(sorted(targets & of_run)),
        needed=frozenset(needed),
    )


def run_constants(dr: driver.Driver, plan: Plan, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Evaluate the nodes that every range needs and none changes."""
    if not plan.constants:
        return {}
    return dict(dr.execute(list(plan.constants), inputs=dict(inputs)))


def run_range(
    dr: driver.Driver, plan: Plan, constants: Mapping[str, Any], inputs: Mapping[str, Any]
) -> RangeResults:
    """Evaluate the nodes of a range."""
    if not plan.per_range:
        return {}
    return dr.execute(list(plan.per_range), inputs=dict(inputs), overrides=dict(constants))


def run_rest(
    dr: driver.Driver, plan: Plan, merged: Mapping[str, Any], inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """Evaluate the nodes of the run; ``merged`` values stand in the place of their nodes."""
    if not plan.per_run:
        return {}
    return dict(dr.execute(list(plan.per_run), inputs=dict(inputs), overrides=dict(merged)))
