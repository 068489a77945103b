"""Ranges of events: any size of them gives the same values, and only what is needed runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.cache.opening import CacheOptions
from radiograph.drivers.engine.parts import Part
from radiograph.drivers.engine.phases import Phase, Plan, planned
from radiograph.drivers.engine.session import Session
from radiograph.drivers.engine.session_state import Shifts
from radiograph.drivers.graph import dependencies, graph_nodes, upstream, visible_nodes
from radiograph.drivers.imaging.session import ImagingSession, open_session
from radiograph.drivers.imaging.simulation import simulation_settings, write_simulation
from radiograph.schemas.errors import InputError
from radiograph.schemas.imaging.config import ImagingConfig

PLANE = {
    "origin": [0, 0, 0], "normal": [0, 0, 1],
    "u_min": -30, "u_max": 30, "du": 2, "v_min": -20, "v_max": 20, "dv": 4,
}  # fmt: skip
N_EVENTS = 60
# Drawing takes longer than all the rest, and depends on the images alone.
NOT_RUN = {"figures", "comparison_figure"}


def config_of(run: Mapping[str, Any] = {}, **sections: Any) -> ImagingConfig:
    return ImagingConfig.model_validate(
        {
            "run": {"workers": 1, "list": True, **run},
            "io": {"max_bad_fraction": 0.5},
            "shaping": {"neutron_policy": "all_combinations", "max_combinations": 2},
            "filters": {
                "hits": {"min_light_MeVee": 0.15},
                "events": {"max_hit_distance_cm": 25},
                "cones": {"max_delta_theta_deg": 40},
            },
            "energy": {"strategy": "Edep"},
            "prior": {"type": "point", "point": [0, 0, 0]},
            "plane": PLANE,
            "reconstruction": {"iterations": 2},
            "focus": {"steps": 5},
            "errors": {"replicas": 4},
            **sections,
        }
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PHITS file with damaged lines of two kinds among its events."""
    folder = tmp_path_factory.mktemp("execution")
    settings = simulation_settings({"n_neutrons": 40, "n_gammas": 20, "seed": 3})
    write_simulation(settings, folder / "whole.out")
    lines = (folder / "whole.out").read_text().splitlines()
    damaged = {9: "ne 0 1 1 2 2 ; 11 x 0 0 0 1 ,", 40: "ne 0 1 1 2 2 ; 11 0.5 nan 0 0 1 ,"}
    damaged |= {80: "ne 0 1 1 2 2 ; 11 y 0 0 0 1 ,"}
    for at, text in sorted(damaged.items(), reverse=True):
        lines.insert(at, text)
    path = folder / "damaged.out"
    path.write_text("\n".join(lines) + "\n")
    return path


def session_of(source: Path, config: ImagingConfig) -> ImagingSession:
    return open_session(config, source, source.parent)


def assert_same(a: Any, b: Any, name: str) -> None:
    assert type(a) is type(b), name
    if isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b, obj=name)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, name
        np.testing.assert_array_equal(a, b, err_msg=name)
    elif dataclasses.is_dataclass(a):
        for field in dataclasses.fields(a):
            where = f"{name}.{field.name}"
            assert_same(getattr(a, field.name), getattr(b, field.name), where)
    elif isinstance(a, Mapping):
        assert list(a) == list(b), name
        for key in a:
            assert_same(a[key], b[key], f"{name}[{key}]")
    else:
        assert a == b or (a != a and b != b), name


CAPS: dict[str, dict[str, int]] = {
    "no cap": {},
    "events": {"max_events": 13},
    "cones": {"max_cones": 9},
    "both": {"max_events": 17, "max_cones": 9},
}


def names_of(session: Session) -> list[str]:
    return [n for n in visible_nodes(session.driver) if n not in NOT_RUN]


Ran = Callable[..., tuple[ImagingSession, Mapping[str, Any]]]


@pytest.fixture(scope="module")
def ran(source: Path) -> Ran:
    """A session after all its nodes were asked for at once, and their values: made once."""
    known: dict[Any, tuple[ImagingSession, Mapping[str, Any]]] = {}

    def run(**options: int) -> tuple[ImagingSession, Mapping[str, Any]]:
        key = frozenset(options.items())
        if key not in known:
            session = session_of(source, config_of(options))
            known[key] = session, session.run(names_of(session))
        return known[key]

    return run


@pytest.mark.parametrize(("caps", "chunk_events"), [*((caps, 20) for caps in CAPS), ("both", 6)])
def test_any_size_of_range_gives_the_same_values(ran: Ran, caps: str, chunk_events: int) -> None:
    whole, expected = ran(**CAPS[caps])
    parts, found = ran(**CAPS[caps], chunk_events=chunk_events)
    assert len(whole.ranges) == 1
    assert len(parts.ranges) > 3
    for name in names_of(whole):
        assert_same(found[name], expected[name], name)
    counts = expected["counters"]
    assert counts["hits_after_filters"] < counts["hits_total"]
    assert counts["raw_events_damaged"] == 3
    if "max_events" in CAPS[caps]:
        assert counts["events_total_for_filters"] == CAPS[caps]["max_events"]
        assert counts["events_dropped_max_events"] > 0
    if "max_cones" in CAPS[caps]:
        assert counts["cones_dropped_max_cones"] > 0
        assert counts["cones_kept"] == len(expected["selected_cones"]) == CAPS[caps]["max_cones"]


def executed(session: Session) -> set[str]:
    return {n for n, r in session.manifest.nodes.items() if r.status == "executed"}


def evaluated_by(session: Session, plan: Plan) -> set[str]:
    """What the phases of a plan evaluate."""
    nodes, found = set(graph_nodes(session.driver)), set[str]()
    for phase in plan.phases:
        waiting = set(phase.asked)
        while waiting:
            name = waiting.pop()
            if name not in found and name not in phase.given:
                found.add(name)
                waiting |= dependencies(session.driver, name) & nodes
    return found


def one_of_each_kind(session: Session, values: Mapping[str, Any]) -> list[str]:
    """Of nodes that differ in nothing the engine looks at, that with the fewest ancestors.

    It looks at the scope, at how many sweeps lead to a node, at how values become one (their
    type, their row numbers) and at what is counted from part to part.
    """

    def kind(name: str) -> tuple[Any, ...]:
        plan = session.plan([name])
        merged = (type(values[name]), bool(session.flow.row_numbers.get(name)))
        ranges = [p for p in plan.phases if p.scope == "range"]
        counted = session.carry.needs(plan.needed)
        return plan.scope_of[name], len(ranges), merged, frozenset(counted)

    found: dict[tuple[Any, ...], str] = {}
    for name in sorted(values, key=lambda n: len(upstream(session.driver, [n]))):
        found.setdefault(kind(name), name)
    return list(found.values())


def test_a_target_alone_is_what_it_is_among_others(source: Path, ran: Ran) -> None:
    """No node counts on others being asked for: not its cap, not its row numbers."""
    # Events are dropped in the second range only, cones in both.
    caps = {"max_events": 45, "max_cones": 9}
    _, expected = ran(**caps)
    typed = expected["typed_events"]
    assert 45 < len(typed) < 45 + (typed["event_id"] >= 33).sum()
    parts = session_of(source, config_of({**caps, "chunk_events": 33}))
    assert len(parts.ranges) == 2
    # What a range keeps is counted, for the caps and row numbers of the next.
    counted = {"record_counters", "hit_counters", "event_counters", "cone_counters"}
    counted = upstream(parts.driver, counted)
    for name in names_of(parts):
        ancestors = upstream(parts.driver, [name])
        evaluated = evaluated_by(parts, parts.plan([name]))
        assert ancestors <= evaluated <= ancestors | counted
    kinds = one_of_each_kind(parts, expected)
    assert len(kinds) > 8
    for name in kinds:
        parts.manifest.nodes.clear()
        assert_same(parts.run([name])[name], expected[name], name)
        assert executed(parts) == evaluated_by(parts, parts.plan([name]))


@pytest.mark.parametrize("species", ["neutrons", "gammas"])
def test_one_species_alone(source: Path, species: str) -> None:
    off = {s: s == species for s in ("neutrons", "gammas")}
    whole = session_of(source, config_of({**off, "max_cones": 5}))
    parts = session_of(source, config_of({**off, "max_cones": 5, "chunk_events": 20}))
    names = names_of(whole)
    expected, found = whole.run(names), parts.run(names)
    for name in names:
        assert_same(found[name], expected[name], name)
    assert list(expected["summed_images"].present()) == [species[0], "all"]


def test_row_numbers_point_to_their_rows(source: Path) -> None:
    names = [
        f"{s}_{frame}"
        for s in ("neutron", "gamma")
        for frame in ("filtered_hits", "shaped_events", "typed_events", "filtered_events",
                      "candidate_cones", "chosen_row", "selected_cones")
    ]  # fmt: skip
    found = session_of(source, config_of({"chunk_events": 7})).run([*names, "selected_cones"])
    for s, n_hits in (("neutron", 2), ("gamma", 3)):
        hits, shaped, typed, events, candidates, chosen, cones = (
            found[n] for n in names if n.startswith(s)
        )
        for k in range(1, n_hits + 1):
            times = hits["t_ns"].to_numpy()[shaped[f"hit{k}_row"]]
            np.testing.assert_array_equal(times, typed[f"t{k}_ns"])
        np.testing.assert_array_equal(events["event_index"], np.arange(len(events)))
        ids = events["event_id"].to_numpy()
        np.testing.assert_array_equal(ids[candidates["event_index"]], candidates["event_id"])
        np.testing.assert_array_equal(ids[cones["event_index"]], cones["event_id"])
        rows = chosen[chosen >= 0]
        np.testing.assert_array_equal(
            candidates["event_index"].to_numpy()[rows], np.flatnonzero(chosen >= 0)
        )
        assert set(cones["candidate_row"]) <= set(rows.tolist())
        theta = candidates["theta_rad"].to_numpy()[cones["candidate_row"]]
        np.testing.assert_array_equal(theta, cones["theta_rad"])


def test_streams_are_handed_on_range_by_range(source: Path) -> None:
    session = session_of(source, config_of({"chunk_events": 7}))
    seen: list[tuple[int, int]] = []
    before = []

    class Kept:
        def begin_file(self) -> None:
            assert not seen

        def drop_file(self) -> None:
            raise AssertionError

        begin_again = drop_file

        def __call__(self, part: Part, results: Mapping[str, Any], shifts: Shifts) -> None:
            assert list(results) == ["neutron_filtered_events"]
            n = len(results["neutron_filtered_events"])
            seen.append((part.inputs["event_range"].first_event, n))
            before.append(shifts["neutron_filtered_events"]["event_index"])

    found = session.run(["neutron_filtered_events"], ["neutron_filtered_events"], Kept())
    assert [first for first, _ in seen] == [r.first_event for r in session.ranges]
    assert sum(n for _, n in seen) == len(found["neutron_filtered_events"])
    assert before == [0, *np.cumsum([n for _, n in seen])[:-1]]


# --- only what is needed ----------------------------------------------------------------------


def test_a_target_executes_its_ancestors_only(source: Path, ran: Ran) -> None:
    session = session_of(source, config_of())
    nodes = graph_nodes(session.driver)

    def expected(name: str) -> set[str]:
        ancestors = upstream(session.driver, [name])
        # Whoever reads records counts those that are damaged.
        reads = any(nodes[n].tags.get("scope", "range") == "range" for n in ancestors)
        return ancestors | ({"source_records", "record_counters"} if reads else set())

    for name in names_of(session):
        assert evaluated_by(session, session.plan([name])) == expected(name)
    for name in one_of_each_kind(session, ran()[1]):
        session.manifest.nodes.clear()
        session.run([name])
        assert executed(session) == expected(name)


def test_filtered_hits_need_no_event(source: Path) -> None:
    session = session_of(source, config_of({"chunk_events": 20}))
    session.run(["neutron_filtered_hits"])
    assert executed(session) == {
        "source_records", "record_counters", "hits", "neutron_hits", "neutron_hit_filter_code",
        "neutron_filtered_hits",
    }  # fmt: skip


def test_nodes_of_the_run_are_evaluated_once(ran: Ran) -> None:
    session, _ = ran(chunk_events=20)
    n_ranges = len(session.ranges)
    assert n_ranges > 2
    for name, record in session.manifest.nodes.items():
        # One file: a node of its scope is evaluated once as well.
        of_range = graph_nodes(session.driver)[name].tags.get("scope", "range") == "range"
        assert record.calls == (n_ranges if of_range else 1), name
        assert record.seconds >= 0


def test_what_is_handed_on_cannot_be_written_to(ran: Ran) -> None:
    for cut in ({"chunk_events": 20}, {}):
        for name, value in ran(**cut)[1].items():
            for array in arrays_in(value):
                assert not array.flags.writeable, (name, cut)


@pytest.mark.usefixtures("code_looked_at_once")
def test_the_cache_changes_no_value_in_any_number_of_ranges(
    source: Path, tmp_path: Path, ran: Ran
) -> None:
    expected, values = ran(max_cones=9)
    names = names_of(expected)
    options = CacheOptions(tmp_path)
    for chunk_events in (10**6, 33, 33):
        config = config_of({"max_cones": 9, "chunk_events": chunk_events})
        cached = open_session(config, source, source.parent, options)
        for name, value in cached.run(names).items():
            assert_same(value, values[name], name)
            assert all(not a.flags.writeable for a in arrays_in(value)), name
        assert cached.cache is not None
        cached.cache.close(1.0)
    # The last run repeats the one before it.
    assert executed(cached) == set()


def arrays_in(value: Any) -> list[np.ndarray]:
    if isinstance(value, np.ndarray):
        return [value]
    if dataclasses.is_dataclass(value):
        return arrays_in([getattr(value, f.name) for f in dataclasses.fields(value)])
    if isinstance(value, Mapping):
        return arrays_in(list(value.values()))
    if isinstance(value, (list, tuple)):
        return [array for item in value for array in arrays_in(item)]
    if isinstance(value, pd.DataFrame):
        # What a node gets of a column is a view that cannot be written to; pandas 3.0 lets one
        # without rows pass for writable.
        columns = (value[c] for c in value if len(value) and value[c].dtype != "category")
        return [column.to_numpy() for column in columns]
    return []


def test_an_alias_is_the_node(source: Path) -> None:
    session = session_of(source, config_of())
    assert session.resolved(["cones", "image", "cones"]) == ["selected_cones", "summed_images"]
    assert list(session.run(["image"])) == ["summed_images"]
    found = open_session(config_of(), source, source.parent).run(["cones"])["selected_cones"]
    assert_same(found, session.run(["selected_cones"])["selected_cones"], "selected_cones")


# --- the plan ---------------------------------------------------------------------------------


def test_the_plan_of_an_image(source: Path) -> None:
    session = session_of(source, config_of())
    plan = planned(session.driver, ["summed_images"], ["hits"])
    assert plan.phases == (
        Phase("run", ("prior_target_cm",), (), ("prior_target_cm",)),
        Phase(
            "range",
            ("gamma_image", "hits", "neutron_image"),
            ("prior_target_cm",),
            ("gamma_image", "neutron_image"),
            ("hits",),
        ),
        Phase("run", ("summed_images",), ("gamma_image", "neutron_image"), ("summed_images",)),
    )
    assert "energies" not in plan.needed


def test_a_constant_may_be_a_target_and_nothing_may_be_asked_for(source: Path) -> None:
    session = session_of(source, config_of())
    assert session.run(["prior_target_cm"])["prior_target_cm"].tolist() == [0, 0, 0]
    assert planned(session.driver, []).phases == ()
    assert session.run([]) == {}


def test_metadata_are_of_each_file(source: Path) -> None:
    session = open_session(config_of(), [source, source], source.parent)
    found = session.run(["source_metadata"])["source_metadata"]
    assert {number: said.values for number, said in found.items()} == {0: {}, 1: {}}


def test_a_constant_depends_on_no_range(source: Path) -> None:
    """A node of the run that a range needs is evaluated before any range."""
    for strategy in ({"strategy": "Edep"}, {"strategy": "ELUT"}):
        session = session_of(source, config_of(energy=strategy))
        nodes = graph_nodes(session.driver)
        of_range = {n for n, v in nodes.items() if v.tags.get("scope") != "run"}
        # Bars are what all hits say: what they widen is evaluated in a second sweep.
        for name in upstream(session.driver, of_range) - of_range - {"bars"}:
            assert not upstream(session.driver, [name]) & of_range, name


# --- error branches ---------------------------------------------------------------------------


@pytest.mark.parametrize("chunk_events", [7, 10**6])
def test_too_much_damage_counts_over_all_ranges(source: Path, chunk_events: int) -> None:
    config = config_of({"chunk_events": chunk_events}, io={"max_bad_fraction": 0.04})
    with pytest.raises(InputError, match=r"3 of 63 records are damaged \(4\.76%\), allowed 4"):
        open_session(config, source, source.parent).run(["hits"])


def test_a_file_in_which_nothing_survives(tmp_path: Path) -> None:
    path = tmp_path / "bad.out"
    path.write_text("ne 0 1 1 2 2 ; 11 x 0 0 0 1 ,\n" * 3)
    with pytest.raises(InputError, match="none of its 3 records can be read"):
        open_session(config_of(io={"max_bad_fraction": 1.0}), path, tmp_path).run(["hits"])


def test_one_event(tmp_path: Path) -> None:
    path = tmp_path / "one.out"
    path.write_text("ne 0 1 1 2 2 ; 11 7.0 0 0 100 20 , 12 1.0 0 5 110 23 ,\n")
    session = session_of(path, config_of())
    found = session.run(names_of(session))
    assert found["counters"]["raw_events_total"] == 1
    assert len(found["typed_events"]) == 1
