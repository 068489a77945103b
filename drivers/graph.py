"""Graphs: node modules in, a Hamilton driver with checked outputs and a record of each node out."""

from __future__ import annotations

import inspect
import logging
import types
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from hamilton import driver
from hamilton.graph import FunctionGraph
from hamilton.lifecycle.base import LifecycleAdapterSet

from ..schemas.errors import UsageError
from .keyed import asked_by_key, each_module
from .node_execution import NodeExecution
from .node_records import Manifest

if TYPE_CHECKING:
    from .cache.execution import NodeCache
    from .definition import Definition


# Hamilton prints a banner with every argument of a node that fails; our errors say it shorter.
logging.getLogger("hamilton").setLevel(logging.CRITICAL)

_MOST_KNOWN: Final = 16
_known: dict[Any, driver.Driver] = {}
# Hamilton describes each node anew whenever it is asked, and a run asks ten times.
_listed: WeakKeyDictionary[driver.Driver, dict[str, Any]] = WeakKeyDictionary()


def build_driver(
    pipeline: Definition,
    choices: Mapping[str, Any],
    manifest: Manifest | None = None,
    cache: NodeCache | None = None,
) -> driver.Driver:
    """The Hamilton driver of a pipeline with the algorithms that ``choices`` select."""
    execution = NodeExecution(pipeline.frames(), manifest or Manifest(), cache)
    modules = tuple(pipeline.node_modules())
    dr = _wired(modules, choices)
    asked = asked_by_key(dr, graph_nodes(dr)) if pipeline.keyed else ()
    return _executing(_wired((*modules, each_module(asked)), choices) if asked else dr, execution)


def _wired(modules: tuple[types.ModuleType, ...], choices: Mapping[str, Any]) -> driver.Driver:
    """The driver of some modules, made once for the same functions and choices.

    A worker is told each part by itself, and a run opens a second driver for its second sweep: to
    make a hundred nodes anew takes longer than to evaluate a small part.
    """
    functions = tuple(
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, types.FunctionType)
    )
    key = (modules, functions, repr(sorted(choices.items())))
    if key not in _known:
        builder = driver.Builder().with_modules(*modules).with_config(dict(choices))
        made = builder.with_adapters(NodeExecution({}, Manifest())).build()
        while len(_known) >= _MOST_KNOWN:
            _known.pop(next(iter(_known)), None)
        _known[key] = made
    return _known[key]


def _executing(wired: driver.Driver, execution: NodeExecution) -> driver.Driver:
    """A driver with the nodes of another one and an execution of its own."""
    # A driver is copied as it is pickled, by names of modules, of which each_<node> has none.
    dr = object.__new__(driver.Driver)
    vars(dr).update(vars(wired))
    dr.adapter = LifecycleAdapterSet(execution)
    dr.config = dict(wired.config)
    dr.graph = FunctionGraph(wired.graph.nodes, dr.config, dr.adapter)
    dr.graph_executor = driver.DefaultGraphExecutor(dr.adapter)
    return dr


def graph_nodes(dr: driver.Driver) -> dict[str, Any]:
    """The computed nodes of a driver by name (inputs and settings left out)."""
    if dr not in _listed:
        listed = dr.list_available_variables()
        _listed[dr] = {v.name: v for v in listed if not v.is_external_input}
    return dict(_listed[dr])


def visible_nodes(dr: driver.Driver) -> dict[str, Any]:
    """The nodes that are quantities: without helpers, in order of the stages."""
    return {n: v for n, v in graph_nodes(dr).items() if v.tags.get("helper") != "true"}


def nodes_in_order(dr: driver.Driver, pipeline: Definition) -> list[str]:
    """Visible nodes in order of stages, then as their functions stand in the modules."""
    modules = list(pipeline.modules)

    def place(name: str) -> tuple[int, int]:
        function = function_of(dr, name)
        return modules.index(function.__module__), inspect.getsourcelines(function)[1]

    nodes = visible_nodes(dr)
    as_written = sorted(nodes, key=place)
    stages = list(dict.fromkeys(nodes[n].tags.get("stage", "") for n in as_written))
    return sorted(as_written, key=lambda n: stages.index(nodes[n].tags.get("stage", "")))


def function_of(dr: driver.Driver, name: str) -> Any:
    """The function that a node was written as."""
    return dr.graph.nodes[name].originating_functions[0]


def summary_of(dr: driver.Driver, name: str) -> str:
    """The first line of a node's docstring."""
    return (inspect.getdoc(function_of(dr, name)) or "").split("\n")[0].rstrip(".")


def upstream(dr: driver.Driver, targets: Iterable[str]) -> set[str]:
    """Names of the computed nodes that the targets need, themselves included."""
    found = dr.what_is_upstream_of(*targets)
    return {v.name for v in found if not v.is_external_input}


def dependencies(dr: driver.Driver, node: str) -> set[str]:
    """Names of the direct inputs of a node."""
    return {n.name for n in dr.graph.nodes[node].dependencies}


def resolved_targets(
    dr: driver.Driver, targets: Iterable[str], aliases: Mapping[str, str]
) -> list[str]:
    """Target names with aliases replaced; UsageError with the nearest names for an unknown one."""
    import difflib

    known = graph_nodes(dr)
    resolved = []
    for target in targets:
        name = aliases.get(target, target)
        if name not in known:
            names = sorted([*visible_nodes(dr), *aliases])
            near = difflib.get_close_matches(target, names, 3, 0.5)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            msg = (
                f"No node {target!r} in the graph of these settings.{hint} "
                "`radiograph nodes` lists all; some exist only with some settings."
            )
            raise UsageError(msg, key=target)
        resolved.append(name)
    return list(dict.fromkeys(resolved))
