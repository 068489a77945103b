"""The graph of a pipeline as it is shown: driver in, nodes and edges of the picture out.

Helpers are hidden and edges pass through them. The compact form has the main quantities only,
both species under their plain name; what stands between is taken in by the first quantity that
needs it. Placing: dag_layout.py; drawing: dag_svg.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from hamilton import driver

from ..schemas.errors import UsageError
from ..schemas.sources import FileRef, FileRefs
from .definition import Definition
from .graph import (
    function_of,
    graph_nodes,
    nodes_in_order,
    resolved_targets,
    summary_of,
    upstream,
    visible_nodes,
)
from .graph_inputs import Input, of_each_part
from .setting_keys import shown_keys, shown_sections

Species = Literal["neutron", "gamma", "both"]
SPECIES: Final = ("neutron", "gamma")


@dataclass(frozen=True)
class DagNode:
    """A box of the picture: a quantity, or an input file (``members`` empty).

    ``settings`` are the sections of the TOML file that enter here, through helpers included, and
    ``keys`` the very settings; ``members`` the nodes of the graph that it stands for. ``status``
    and ``note`` say what became of it in a run (dag_record.py); empty = not said.
    """

    name: str
    stage: str = ""
    summary: str = ""
    unit: str = ""
    schema: str = ""
    settings: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    status: str = ""
    note: str = ""

    @property
    def is_file(self) -> bool:
        """Whether it is an input file."""
        return not self.members


@dataclass(frozen=True)
class Dag:
    """What is shown: nodes in order of the stages, edges from a node to one that needs it.

    ``stages`` are those of the whole pipeline, shown or not.
    """

    pipeline: str
    stages: tuple[str, ...]
    nodes: tuple[DagNode, ...]
    edges: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """Nodes and edges as plain values."""
        return {
            "pipeline": self.pipeline,
            "stages": list(self.stages),
            "nodes": [
                {
                    **{name: value for name, value in vars(n).items() if name != "keys"},
                    "settings": list(n.settings),
                    "members": list(n.members),
                }
                for n in self.nodes
            ],
            "edges": [list(edge) for edge in self.edges],
        }


def pipeline_dag(
    dr: driver.Driver,
    pipeline: Definition,
    *,
    everything: bool = False,
    targets: Iterable[str] = (),
    species: Species = "both",
) -> Dag:
    """The graph of a driver as it is shown.

    Parameters
    ----------
    everything
        Every node that is no helper; otherwise the main quantities under their plain names.
    targets
        Only these nodes and what they need; empty = all.
    species
        Leave the nodes of the other species out.
    """
    asked = resolved_targets(dr, targets, pipeline.aliases)
    nodes = upstream(dr, asked) if asked else set(graph_nodes(dr))
    others = tuple(f"{s}_" for s in SPECIES if species not in (s, "both"))
    nodes = {n for n in nodes if not n.startswith(others)} if others else nodes
    shown = _shown_names(dr, pipeline, nodes, asked, everything=everything)
    if not shown:
        msg = f"nothing to draw: {', '.join(asked)} is a helper; radiograph nodes lists the others"
        raise UsageError(msg, key="target")
    files = input_files(dr, pipeline)
    members: dict[str, list[str]] = {}
    for node, name in shown.items():
        members.setdefault(name, []).append(node)
    edges: set[tuple[str, str]] = set()
    rows: dict[str, list[Input]] = {}
    for name, group in members.items():
        reached = _reached(dr, group, shown, nodes)
        before = reached.names | (files.keys() & reached.inputs)
        edges |= {(b, name) for b in before if b != name}
        inputs = reached.inputs - {*pipeline.untracked}
        chosen = {key for n in (*group, *reached.hidden) for key in chosen_by(dr, n)}
        rows[name] = [row for row in pipeline.inputs if row.name in inputs]
        rows[name] += [row for row in pipeline.choices if row.name in chosen]
    order = [n for n in nodes_in_order(dr, pipeline) if n in members]
    order += [n for n in members if n not in order]
    taken = _taken_in(dr, order, members, nodes)
    described = [
        replace(_described(dr, n, members[n], pipeline, rows[n]), members=taken[n]) for n in order
    ]
    needed = {before for before, _ in edges}
    described[:0] = [DagNode(n, summary=what) for n, what in files.items() if n in needed]
    rank = {n.name: k for k, n in enumerate(described)}
    in_order = sorted(edges, key=lambda e: (rank[e[0]], rank[e[1]]))
    return Dag(pipeline.name, _stages(dr, pipeline), tuple(described), tuple(in_order))


def _shown_names(
    dr: driver.Driver,
    pipeline: Definition,
    nodes: set[str],
    asked: list[str],
    *,
    everything: bool,
) -> dict[str, str]:
    """{node: name under which it is shown}; what is hidden is left out."""
    main = main_quantities(dr)
    if everything or not main:
        return {n: n for n in visible_nodes(dr) if n in nodes}
    own = {n: _plain_name(n) if _plain_name(n) in main else n for n in visible_nodes(dr)}
    names = [n for n in main if n in own.values()]
    names += [n for n in asked if n in visible_nodes(dr) and own[n] not in names]
    names.sort(key=nodes_in_order(dr, pipeline).index)
    needed = {
        name: upstream(dr, [n for n in nodes if own.get(n) == name]) & nodes
        for name in names
        if any(own.get(n) == name for n in nodes)
    }
    # The first quantity that needs a hidden node takes it in: so no edge can go back. A node
    # that comes from settings alone is passed through.
    files = input_files(dr, pipeline).keys()
    of_data = [n for n in sorted(nodes) if _needs(dr, n, files)]
    first = {n: next((s for s in needed if n in needed[s]), None) for n in of_data}
    return {n: name for n, name in first.items() if name is not None}


def main_quantities(dr: driver.Driver) -> list[str]:
    """What the compact picture shows: the nodes that are tagged ``main``, by their plain names.

    A graph without such a tag is small enough to be shown whole.
    """
    return [n for n, node in visible_nodes(dr).items() if node.tags.get("main") == "true"]


def _taken_in(
    dr: driver.Driver, order: Iterable[str], members: Mapping[str, list[str]], nodes: set[str]
) -> dict[str, tuple[str, ...]]:
    """The nodes that each name stands for: its own, and helpers that it is the first to need."""
    shown = {n for group in members.values() for n in group}
    free = nodes - shown
    taken = {}
    for name in order:
        helpers = upstream(dr, members[name]) & free
        free -= helpers
        taken[name] = (*members[name], *sorted(helpers))
    return taken


def input_files(dr: driver.Driver, pipeline: Definition) -> dict[str, str]:
    """The inputs by which the parts of the data name their files, and what each file is.

    That of a source begins with its role; a file that only a setting names is none of them.
    """
    of_settings = {row.name for row in pipeline.inputs if row.make is not of_each_part}
    first, what = pipeline.sources[0].what, {s.role: s.what for s in pipeline.sources}
    found = {
        v.name: what.get(v.name.partition("_")[0], first)
        for v in dr.list_available_variables()
        if v.is_external_input and v.type in (FileRef, FileRefs) and v.name not in of_settings
    }
    return dict(sorted(found.items(), key=lambda item: item[1] != first))


def _needs(dr: driver.Driver, node: str, inputs: Set[str]) -> bool:
    return any(v.name in inputs for v in dr.what_is_upstream_of(node))


def _plain_name(node: str) -> str:
    for species in SPECIES:
        if node.startswith(f"{species}_"):
            return node[len(species) + 1 :]
    return node


@dataclass(frozen=True)
class _Reached:
    """Names shown, inputs of the graph and hidden nodes that some nodes need."""

    names: set[str]
    inputs: set[str]
    hidden: set[str]


def _reached(
    dr: driver.Driver, group: Iterable[str], shown: Mapping[str, str], nodes: set[str]
) -> _Reached:
    """What the nodes of a group need, directly or through hidden nodes."""
    reached = _Reached(set(), set(), set())
    seen: set[str] = set()
    stack = [d for n in group for d in dr.graph.nodes[n].dependencies]
    while stack:
        node = stack.pop()
        if node.name in seen:
            continue
        seen.add(node.name)
        if node.user_defined:
            reached.inputs.add(node.name)
        elif node.name in shown:
            reached.names.add(shown[node.name])
        elif node.name in nodes:
            reached.hidden.add(node.name)
            stack += node.dependencies
    return reached


def chosen_by(dr: driver.Driver, node: str) -> set[str]:
    """The choices that decide the variant of a node (its ``config.when``)."""
    rules = getattr(function_of(dr, node), "resolve", ())
    return {key for rule in rules for key in rule.optional_config()}


def _stages(dr: driver.Driver, pipeline: Definition) -> tuple[str, ...]:
    nodes = visible_nodes(dr)
    return tuple(
        dict.fromkeys(nodes[n].tags.get("stage", "") for n in nodes_in_order(dr, pipeline))
    )


def _described(
    dr: driver.Driver, name: str, group: list[str], pipeline: Definition, rows: list[Input]
) -> DagNode:
    node = name if name in graph_nodes(dr) else group[0]
    tags = graph_nodes(dr)[node].tags
    return DagNode(
        name=name,
        stage=tags.get("stage", ""),
        summary=summary_of(dr, node),
        unit=tags.get("unit", ""),
        schema=tags.get("schema", ""),
        settings=tuple(sorted({s for row in rows for s in shown_sections(pipeline.settings, row)})),
        keys=shown_keys(pipeline.settings, rows),
    )
