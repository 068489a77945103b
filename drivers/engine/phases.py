"""Phases: in which order the scopes of a graph are evaluated, derived from its edges.

A node has a scope, the axes that it still varies over (tag ``scope``): a range of a file, a
channel, or the whole run. What crosses to a coarser scope is merged, what crosses to a finer one
is handed to every part. A graph that calibrates and then applies needs its data twice: ranges,
the run, ranges again. Each phase is all that can be evaluated at one scope before another must
follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hamilton import driver

from ..annotations import spelled_out
from ..graph import dependencies, graph_nodes, upstream
from ..scopes import BY_RANGE, EACH, RANGE, RUN, Scopes


@dataclass(frozen=True)
class Phase:
    """Nodes that are evaluated together, once for each part of their scope.

    Attributes
    ----------
    scope
        Which parts: of BY_RANGE ``range``, ``file`` or ``run``.
    asked
        The nodes whose values are wanted.
    given
        Nodes that were evaluated in earlier phases: the whole value of finer ones.
    kept
        Those of ``asked`` that other phases or the caller want when its parts are gone.
    streamed
        Those that are handed on part by part; each in one phase.
    """

    scope: str
    asked: tuple[str, ...]
    given: tuple[str, ...]
    kept: tuple[str, ...]
    streamed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The phases of a run in order, and every node that it needs."""

    phases: tuple[Phase, ...]
    needed: frozenset[str]
    scope_of: Mapping[str, str]
    whole: Mapping[str, frozenset[str]]
    """To which coarser scopes the values of a node are merged, by node."""
    held: frozenset[str]
    """Nodes whose value at each part finer scopes, or the caller, want as it is."""

    def n_sweeps(self, scope: str) -> int:
        """How often the parts of a scope are gone through."""
        return sum(phase.scope == scope for phase in self.phases)


class UnfitScopesError(TypeError):
    """The scopes of a graph cannot be evaluated: a fault of the graph, not of its data."""


def scopes_of(dr: driver.Driver, scopes: Scopes = BY_RANGE) -> dict[str, str]:
    """The scope of each node of a graph; UnfitScopesError for one that the pipeline has not."""
    found = {}
    for name, node in graph_nodes(dr).items():
        scope = node.tags.get("scope", RANGE)
        if scope not in scopes:
            msg = f"{name}: no scope {scope!r}; there is {', '.join(scopes)}"
            raise UnfitScopesError(msg)
        found[name] = scope
    return found


def planned(
    dr: driver.Driver,
    targets: Iterable[str],
    streams: Iterable[str] = (),
    scopes: Scopes = BY_RANGE,
    beside: Callable[[frozenset[str]], Iterable[str]] = lambda _: (),
) -> Plan:
    """The phases that give ``targets`` as one value each, and ``streams`` part by part.

    ``beside`` tells which nodes of the same scope must be evaluated with some others in each
    sweep (what a later part has to know of it).

    Raises
    ------
    UnfitScopesError
        If a node needs one of a scope that is neither coarser nor finer than its own.
    """
    targets, streams = frozenset(targets), frozenset(streams)
    needed = frozenset(upstream(dr, targets | streams)) if targets | streams else frozenset()
    every_scope = scopes_of(dr, scopes)
    swept = {every_scope[name] for name in needed}
    also = {name for name in beside(needed) if every_scope[name] in swept}
    needed = frozenset(upstream(dr, targets | streams | also)) if needed else needed
    edges = {name: dependencies(dr, name) & needed for name in needed}
    scope_of = {name: every_scope[name] for name in needed}
    _check_edges(edges, scope_of, scopes)
    groups = _groups(edges, scope_of, scopes)
    phase_of = {name: k for k, (_, names) in enumerate(groups) for name in names}
    whole: dict[str, set[str]] = {}
    kept = set(targets)
    held = set()
    for name, deps in edges.items():
        for dep in deps:
            if set(scopes[scope_of[name]]) < set(scopes[scope_of[dep]]):
                whole.setdefault(dep, set()).add(scope_of[name])
            # A value of the whole run is there once it was asked for; one of a part is not.
            is_run = scope_of[dep] == RUN and phase_of[dep] != phase_of[name]
            if scope_of[dep] != scope_of[name] or is_run:
                kept.add(dep)
            is_other = scope_of[dep] != scope_of[name] or is_run
            if is_other and set(scopes[scope_of[dep]]) <= set(scopes[scope_of[name]]):
                held.add(dep)
    for name in targets:
        if scopes[scope_of[name]]:
            whole.setdefault(name, set()).add(RUN)
    phases = []
    for k, (scope, names) in enumerate(groups):
        asked = names & (kept | streams)
        if asked and scope != RUN:
            with_them = frozenset(beside(_within(asked, edges, scope_of)))
            asked |= {n for n in with_them if scope_of.get(n) == scope and phase_of[n] <= k}
        given = _given(asked, edges, scope_of, names if scope == RUN else None)
        sides = (asked, given, names & kept, names & streams)
        phases.append(Phase(scope, *(_sorted(side) for side in sides)))
    merged = {name: frozenset(to) for name, to in whole.items()}
    return Plan(tuple(phases), needed, scope_of, merged, frozenset(held | targets))


def streamed_together(plan: Plan, counted: frozenset[str]) -> Plan:
    """The plan with all that is handed on part by part handed on in the last sweep that does so.

    For who writes all rows of a part at once. Earlier sweeps evaluate what they did; the last one
    takes it from the cache. ``counted`` are nodes whose rows number those of what is handed on.
    """
    streaming = [k for k, phase in enumerate(plan.phases) if phase.streamed]
    if len(streaming) < 2:
        return plan
    *_, last = streaming
    phases = list(plan.phases)
    earlier = [phases[k] for k in streaming[:-1]]
    if {phase.scope for phase in earlier} != {phases[last].scope}:
        return plan
    given, streamed = (
        {name for phase in (*earlier, phases[last]) for name in getattr(phase, side)}
        for side in ("given", "streamed")
    )
    beside = {name for phase in earlier for name in phase.asked} & counted
    asked = {*phases[last].asked, *streamed, *beside}
    phases[last] = replace(
        phases[last], asked=_sorted(asked), given=_sorted(given), streamed=_sorted(streamed)
    )
    for k in streaming[:-1]:
        phases[k] = replace(phases[k], streamed=())
    return replace(plan, phases=tuple(phases))


def check_scopes(
    dr: driver.Driver,
    part_inputs: Mapping[str, frozenset[str]],
    is_mergeable: Callable[[str, Any], bool],
    scopes: Scopes = BY_RANGE,
    keyed: frozenset[str] = frozenset(),
) -> None:
    """Whether a whole graph can be evaluated scope by scope, looked at when it is built.

    Parameters
    ----------
    part_inputs
        The inputs that the parts of each scope add; those of another scope are not there.
    is_mergeable
        Whether values of a node with an annotation, one a part, can be made one.
    keyed
        Axes whose values are never merged: what is coarser asks for ``each_NODE``.

    Raises
    ------
    UnfitScopesError
        If a node needs an input that its scope has not, or the whole of one that cannot be merged.
    """
    scope_of = scopes_of(dr, scopes)
    every = frozenset().union(*part_inputs.values())
    for name, scope in scope_of.items():
        absent = every - part_inputs.get(scope, frozenset())
        for dep in dr.graph.nodes[name].dependencies:
            if dep.user_defined and dep.name in absent:
                msg = (
                    f"{name} (scope {scope}) needs {dep.name}, which a part of scope "
                    f"{' or '.join(s for s, i in part_inputs.items() if dep.name in i)} has only"
                )
                raise UnfitScopesError(msg)
            lost = set(scopes[scope_of.get(dep.name, scope)]) - set(scopes[scope])
            if not lost or dr.graph.nodes[name].tags.get(EACH):
                continue
            if lost & keyed:
                msg = (
                    f"{name} (scope {scope}) needs all of {dep.name}, which stays apart by "
                    f"{', '.join(sorted(lost & keyed))}: ask for each_{dep.name}, a mapping by key"
                )
                raise UnfitScopesError(msg)
            if not is_mergeable(dep.name, spelled_out(dep.type)):
                msg = (
                    f"{name} (scope {scope}) needs all of {dep.name} (scope "
                    f"{scope_of[dep.name]}), and nothing says how values of {dep.type} become one"
                )
                raise UnfitScopesError(msg)


def evaluated(
    dr: driver.Driver, phase: Phase, given: Mapping[str, Any], inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """The nodes of a phase for one part; ``given`` holds what earlier phases gave."""
    if not phase.asked:
        return {}
    overrides = {name: given[name] for name in phase.given}
    return dict(dr.execute(list(phase.asked), inputs=dict(inputs), overrides=overrides))


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _check_edges(
    edges: Mapping[str, set[str]], scope_of: Mapping[str, str], scopes: Scopes
) -> None:
    for name, deps in edges.items():
        own = set(scopes[scope_of[name]])
        for dep in sorted(deps):
            other = set(scopes[scope_of[dep]])
            if not (own <= other or other <= own):
                msg = (
                    f"{name} (scope {scope_of[name]}) needs {dep} (scope {scope_of[dep]}): neither "
                    "scope holds the other; bring both together in a node of the run"
                )
                raise UnfitScopesError(msg)


def _groups(
    edges: Mapping[str, set[str]], scope_of: Mapping[str, str], scopes: Scopes
) -> list[tuple[str, set[str]]]:
    """Scope and nodes of each phase: coarse scopes first, each taking all that it can."""
    coarse_first = sorted(scopes, key=lambda s: len(scopes[s]))
    order = _topological(edges)
    done: set[str] = set()
    groups: list[tuple[str, set[str]]] = []
    while len(done) < len(order):
        for scope in coarse_first:
            names: set[str] = set()
            for name in order:
                if name not in done and scope_of[name] == scope and edges[name] <= done | names:
                    names.add(name)
            if names:
                done |= names
                groups.append((scope, names))
    return groups


def _topological(edges: Mapping[str, set[str]]) -> list[str]:
    order: list[str] = []
    seen: set[str] = set()
    for start in sorted(edges):
        stack = [(start, iter(sorted(edges[start])))]
        while stack:
            name, rest = stack[-1]
            if name in seen:
                stack.pop()
                continue
            following = next((d for d in rest if d not in seen), None)
            if following is None:
                seen.add(name)
                order.append(name)
                stack.pop()
            else:
                stack.append((following, iter(sorted(edges[following]))))
    return order


def _within(
    asked: set[str], edges: Mapping[str, set[str]], scope_of: Mapping[str, str]
) -> frozenset[str]:
    """The nodes of one scope that are evaluated for the asked ones at a part."""
    seen: set[str] = set()
    stack = list(asked)
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            stack += [dep for dep in edges[name] if scope_of[dep] == scope_of[name]]
    return frozenset(seen)


def _given(
    asked: set[str],
    edges: Mapping[str, set[str]],
    scope_of: Mapping[str, str],
    of_phase: set[str] | None,
) -> set[str]:
    """What the asked nodes take from other phases.

    A part is forgotten after its phase, so its own nodes are evaluated again where they are
    needed again; those of the run (``of_phase`` given) are kept.
    """
    given: set[str] = set()
    seen: set[str] = set()
    stack = list(asked)
    while stack:
        name = stack.pop()
        if name in seen:
            continue
        seen.add(name)
        for dep in edges[name]:
            if scope_of[dep] != scope_of[name] or (of_phase is not None and dep not in of_phase):
                given.add(dep)
            else:
                stack.append(dep)
    return given
