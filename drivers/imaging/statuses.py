"""What became of each node, under the plain names that users know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hamilton import driver

from ..engine.report import node_table
from ..graph import dependencies, visible_nodes
from ..node_records import Manifest


def node_statuses(dr: driver.Driver, manifest: Manifest) -> Mapping[str, Any]:
    """{node: {status, seconds, parts}} of every visible node.

    A plain name (``selected_cones``) that was not put together in memory has the status of its
    two species: their rows went to the file one after the other.
    """
    nodes = visible_nodes(dr)
    of_species = {name: {f"neutron_{name}", f"gamma_{name}"} & set(nodes) for name in nodes}
    made_of = {n: sorted(p) for n, p in of_species.items() if p and p <= dependencies(dr, n)}
    return node_table(manifest, nodes, made_of)
