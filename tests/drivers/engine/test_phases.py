"""The order in which the scopes of a graph are evaluated: small graphs, phases by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, get_origin

import numpy as np
import pandas as pd
import pytest
from hamilton import driver
from hamilton.ad_hoc_utils import create_temporary_module
from hamilton.function_modifiers import tag
from radiograph.drivers.engine.phases import (
    Phase,
    Plan,
    UnfitScopesError,
    check_scopes,
    evaluated,
    planned,
    streamed_together,
)
from radiograph.drivers.scopes import RANGE, RUN


def is_mergeable(node: str, annotation: Any) -> bool:
    del node
    return (get_origin(annotation) or annotation) in (np.ndarray, pd.DataFrame)


PART_INPUTS = {RANGE: frozenset({"first"})}


def pulses(first: int) -> np.ndarray:
    """Heights of ten pulses: first, first + 1, ..."""
    return np.arange(first, first + 10, dtype=float)


@tag(scope="run")
def gain(pulses: np.ndarray, offset: float) -> float:
    """The mean height of all pulses."""
    return float(pulses.mean()) - offset


def energies(pulses: np.ndarray, gain: float) -> np.ndarray:
    """Heights in units of the mean of all."""
    return pulses / gain


@tag(scope="run")
def spread(energies: np.ndarray, gain: float) -> float:
    """Of all pulses, by the mean of all."""
    return float(np.ptp(energies)) * gain


def graph(*functions: Callable[..., Any]) -> driver.Driver:
    module = create_temporary_module(*functions)
    return driver.Builder().with_modules(module).build()


def swept(dr: driver.Driver, plan: Plan, firsts: Iterable[int]) -> dict[str, Any]:
    """Every phase over parts that begin at ``firsts``, arrays of parts joined."""
    found: dict[str, Any] = {}
    for phase in plan.phases:
        if phase.scope == RUN:
            found |= evaluated(dr, phase, found, {"offset": 0.0})
            continue
        parts = [evaluated(dr, phase, found, {"offset": 0.0, "first": f}) for f in firsts]
        found |= {name: np.concatenate([p[name] for p in parts]) for name in phase.kept}
    return found


CALIBRATED = (pulses, gain, energies, spread)


@pytest.mark.parametrize("firsts", [[0, 10], [10, 0], [0, 10, 20]])
def test_a_range_that_needs_the_run_waits_for_every_range(firsts: Sequence[int]) -> None:
    """Two ranges of ten pulses, 0 to 19: their mean is 9.5; that of the first range 4.5."""
    dr = graph(*CALIBRATED)
    found = swept(dr, planned(dr, ["gain", "energies"]), firsts)
    heights = np.concatenate([np.arange(f, f + 10) for f in firsts])
    assert found["gain"] == heights.mean() == {2: 9.5, 3: 14.5}[len(firsts)]
    np.testing.assert_array_equal(found["energies"], heights / heights.mean())


def test_the_phases_of_calibrate_then_apply() -> None:
    plan = planned(graph(*CALIBRATED), ["spread"])
    assert plan.phases == (
        Phase(RANGE, ("pulses",), (), ("pulses",)),
        Phase(RUN, ("gain",), ("pulses",), ("gain",)),
        Phase(RANGE, ("energies",), ("gain",), ("energies",)),
        Phase(RUN, ("spread",), ("energies", "gain"), ("spread",)),
    )
    assert plan.n_sweeps(RANGE) == 2
    assert plan.whole == {"pulses": {RUN}, "energies": {RUN}}
    assert plan.needed == {"pulses", "gain", "energies", "spread"}


def test_what_needs_one_sweep_gets_one() -> None:
    plan = planned(graph(*CALIBRATED), ["gain"], ["pulses"])
    assert [p.scope for p in plan.phases] == [RANGE, RUN]
    assert planned(graph(*CALIBRATED), []).phases == ()


def test_a_stream_is_asked_for_and_not_held() -> None:
    plan = planned(graph(*CALIBRATED), [], ["energies"])
    assert plan.phases[-1] == Phase(RANGE, ("energies",), ("gain",), (), ("energies",))


def test_what_depends_on_settings_alone_comes_first() -> None:
    @tag(scope="run")
    def scale(offset: float) -> float:
        return 2.0 + offset

    def scaled(pulses: np.ndarray, scale: float) -> np.ndarray:
        return pulses * scale

    dr = graph(pulses, scale, scaled)
    plan = planned(dr, ["scaled", "scale"])
    assert plan.phases == (
        Phase(RUN, ("scale",), (), ("scale",)),
        Phase(RANGE, ("scaled",), ("scale",), ("scaled",)),
    )
    assert swept(dr, plan, [0])["scaled"].tolist() == [2.0 * k for k in range(10)]


def test_files_stand_between_ranges_and_the_run() -> None:
    @tag(scope="file")
    def header(path: str) -> str:
        return path

    def marked(pulses: np.ndarray, header: str) -> np.ndarray:
        return pulses + len(header)

    dr = graph(pulses, header, marked)
    assert planned(dr, ["marked"]).phases == (
        Phase("file", ("header",), (), ("header",)),
        Phase(RANGE, ("marked",), ("header",), ("marked",)),
    )
    check_scopes(dr, {**PART_INPUTS, "file": frozenset({"path"})}, is_mergeable)


# --- what cannot be evaluated is an error of the graph -------------------------------------------


def test_a_node_of_the_run_that_needs_a_part() -> None:
    @tag(scope="run")
    def began(first: int) -> int:
        return first

    with pytest.raises(UnfitScopesError, match=r"began \(scope run\) needs first, which a part"):
        check_scopes(graph(pulses, began), PART_INPUTS, is_mergeable)


def test_what_cannot_be_made_one() -> None:
    def label(first: int) -> str:
        return str(first)

    @tag(scope="run")
    def title(label: str) -> str:
        return label

    with pytest.raises(UnfitScopesError, match=r"title .* needs all of label .* nothing says how"):
        check_scopes(graph(label, title), PART_INPUTS, is_mergeable)
    check_scopes(graph(label), PART_INPUTS, is_mergeable)


def test_a_graph_that_fits() -> None:
    def rows(first: int) -> pd.DataFrame:
        return pd.DataFrame({"k": [first]})

    @tag(scope="run")
    def n_rows(rows: pd.DataFrame) -> int:
        return len(rows)

    check_scopes(graph(*CALIBRATED, rows, n_rows), PART_INPUTS, is_mergeable)


def test_a_scope_that_there_is_not() -> None:
    @tag(scope="week")
    def weekly(first: int) -> int:
        return first

    with pytest.raises(
        UnfitScopesError, match="weekly: no scope 'week'; there is run, file, range"
    ):
        planned(graph(weekly), ["weekly"])


def test_scopes_side_by_side() -> None:
    scopes = {RUN: (), RANGE: ("file", "range"), "signal": ("signal", "range")}

    @tag(scope="signal")
    def dead_time(pulses: np.ndarray) -> float:
        return float(pulses.mean())

    with pytest.raises(UnfitScopesError, match="neither scope holds the other"):
        planned(graph(pulses, dead_time), ["dead_time"], (), scopes)


def test_rows_are_handed_on_in_the_last_sweep_of_their_scope() -> None:
    """Streams of two sweeps over ranges end in one; of files and ranges each stays its own."""

    def plan(first: str) -> Plan:
        phases = (Phase(first, ("a",), (), (), ("a",)), Phase(RANGE, ("b",), ("c",), (), ("b",)))
        return Plan(phases, frozenset("ab"), {"a": first, "b": RANGE}, {}, frozenset())

    early, last = streamed_together(plan(RANGE), frozenset()).phases
    assert (early.streamed, early.asked) == ((), ("a",))
    assert (last.streamed, last.asked, last.given) == (("a", "b"), ("a", "b"), ("c",))
    apart = plan("file")
    assert streamed_together(apart, frozenset()) is apart
