"""What became of each node, under the plain names that users know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hamilton import driver

from ..graph import dependencies, visible_nodes
from ..node_execution import Manifest, NodeRecord

_ORDER = ("executed", "hit", "skipped")


def node_statuses(dr: driver.Driver, manifest: Manifest) -> Mapping[str, Any]:
    """{node: {status, seconds}} of every visible node.

    A plain name (``selected_cones``) that was not put together in memory has the status of its
    two species: their rows went to the file one after the other.
    """
    nodes = visible_nodes(dr)
    records = {name: manifest.nodes.get(name, NodeRecord()) for name in nodes}
    for name in nodes:
        parts = [p for p in (f"neutron_{name}", f"gamma_{name}") if p in nodes]
        if records[name].status == "skipped" and parts and set(parts) <= dependencies(dr, name):
            best = min((records[p].status for p in parts), key=_ORDER.index)
            seconds = sum(records[p].seconds for p in parts)
            records[name] = NodeRecord(best, seconds)
    return {
        name: {"status": record.status, "seconds": round(record.seconds, 6)}
        for name, record in records.items()
    }
