"""The flow of the pipeline against a loop over what was drawn, for every kind and cut set.

The loop is plain Python over the columns of the simulation, written from the table of cuts; it
shares no code with the nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from radiograph.drivers.cosmics.cuts_in_effect import cuts_in_effect
from radiograph.drivers.cosmics.cutset_files import read_cutsets, shipped
from radiograph.drivers.cosmics.simulation import simulated_block, write_cosmics_simulation
from radiograph.nodes.cosmics import cuts as cut_nodes
from radiograph.nodes.cosmics import extremes, flow
from radiograph.nodes.cosmics.added_cuts import added_cut_marks__none
from radiograph.nodes.cosmics.readers import read_columns
from radiograph.schemas.cosmics.columns import AbsentLeaves, EventColumns
from radiograph.schemas.cosmics.config import Cuts
from radiograph.schemas.cosmics.statistics import StatisticsSettings
from radiograph.schemas.cosmics_simulation import CosmicsSimulationSettings
from radiograph.schemas.sources import EventRange, FileRef

F4 = np.float32
N = 150
SETS = tuple(read_cutsets(shipped()).sets)


@dataclass
class Track:
    """A fit, its segments (sid and columns) and its true particles (nhits, pdg)."""

    pdg: int
    nactive: int
    quality: Any
    segments: list[dict[str, Any]] = field(default_factory=list)
    particles: list[tuple[int, int]] = field(default_factory=list)

    def at(self, *surfaces: int) -> list[dict[str, Any]]:
        return [s for s in self.segments if s["sid"] in surfaces]


@dataclass
class Event:
    """Tracks and coincidences (time, start, end)."""

    tracks: list[Track] = field(default_factory=list)
    coincidences: list[tuple[Any, Any, Any]] = field(default_factory=list)


def events_of(drawn: dict[str, Any]) -> list[Event]:
    events = [Event() for _ in range(len(drawn["simulated_events"]))]
    tracks = []
    fits = drawn["simulated_fits"]
    for event, pdg, nactive, quality in zip(
        fits["event"], fits["pdg"], fits["nactive"], fits["quality"], strict=True
    ):
        tracks.append(Track(pdg, nactive, F4(quality)))
        events[event].tracks.append(tracks[-1])
    segments = drawn["simulated_segments"]
    columns = {name: segments[name].to_numpy() for name in segments}
    for row in range(len(segments)):
        tracks[columns["fit"][row]].segments.append({n: v[row] for n, v in columns.items()})
    particles = drawn["simulated_particles"]
    for fit, nhits, pdg in zip(particles["fit"], particles["nhits"], particles["pdg"], strict=True):
        tracks[fit].particles.append((nhits, pdg))
    coincidences = drawn["simulated_coincidences"]
    times = [coincidences[name].to_numpy() for name in ("event", "time_ns", "start_ns", "end_ns")]
    for event, *three in zip(*times, strict=True):
        events[event].coincidences.append(tuple(three))
    return events


def momentum(s: dict[str, Any]) -> Any:
    x, y, z = s["mom_x_MeV"], s["mom_y_MeV"], s["mom_z_MeV"]
    return np.sqrt(x * x + y * y + z * z)


def slope(s: dict[str, Any]) -> Any:
    transverse = np.hypot(s["mom_x_MeV"], s["mom_y_MeV"])
    return s["mom_z_MeV"] / transverse if transverse != 0 else F4(0)


def is_vetoed(event: Event, t: Any) -> bool:
    return any(
        t["lo_veto_dt_ns"] < s["time_ns"] - float(time) < t["hi_veto_dt_ns"]
        for track in event.tracks
        if track.pdg == 11
        for s in track.at(1)
        for time, _, _ in event.coincidences
    )


def passes(name: str, track: Track, event: Event, t: Any) -> bool:
    """One cut as the table of cuts says it; ``t`` are the thresholds."""
    front, middle = track.at(0), track.at(1)
    window = {"within_wide_win": "wide", "within_ext_win": "ext", "within_sig_win": "sig"}.get(name)
    if window:
        lo, hi = F4(t[f"lo_{window}_win_mevc"]), F4(t[f"hi_{window}_win_mevc"])
        return all(lo < momentum(s) < hi for s in front)
    most = max((nhits for nhits, _ in track.particles), default=None)
    answers: dict[str, Callable[[], bool]] = {
        "thru_trk": lambda: all(track.at(sid) for sid in (0, 1, 2)),
        "is_reco_electron": lambda: track.pdg == 11,
        "one_reco_electron": lambda: sum(x.pdg == 11 for x in event.tracks) == 1,
        "is_downstream": lambda: all(s["mom_z_MeV"] > 0 for s in track.at(0, 1, 2)),
        "is_truth_electron": lambda: any(
            nhits == most and pdg == t["track_pdg"] for nhits, pdg in track.particles
        ),
        "good_trkqual": lambda: track.quality > F4(t["lo_trkqual"]),
        "within_t0": lambda: all(t["lo_t0_ns"] < s["time_ns"] < t["hi_t0_ns"] for s in middle),
        "within_t0err": lambda: all(s["t0err_ns"] < F4(t["hi_t0err"]) for s in middle),
        "has_hits": lambda: track.nactive > t["lo_nactive"],
        "within_d0": lambda: all(s["d0_mm"] < F4(t["hi_d0_mm"]) for s in front),
        "within_pitch_angle_lo": lambda: all(slope(s) > F4(t["lo_pitch_angle"]) for s in front),
        "within_pitch_angle_hi": lambda: all(slope(s) < F4(t["hi_pitch_angle"]) for s in front),
        "within_lhr_max_lo": lambda: all(s["maxr_mm"] > F4(t["lo_maxr_mm"]) for s in front),
        "within_lhr_max_hi": lambda: all(s["maxr_mm"] < F4(t["hi_maxr_mm"]) for s in front),
        "within_coinc_start_time": lambda: all(
            start > F4(t["lo_crv_start_ns"]) for _, start, _ in event.coincidences
        ),
        "within_coinc_end_time": lambda: all(
            end < F4(t["hi_crv_end_ns"]) for _, _, end in event.coincidences
        ),
        "unvetoed": lambda: not is_vetoed(event, t),
    }
    return bool(answers[name]())


def looped(events: list[Event], cutset: str, *, on_spill: bool) -> list[tuple[str, int, int]]:
    """Name, events and tracks of each row of the flow."""
    cuts = cuts_in_effect(Cuts(cutset=cutset, on_spill=on_spill), Path())
    left = {id(track) for event in events for track in event.tracks}
    rows = [("No cuts", len(events), len(left))]
    for place in cuts.active:
        name = cuts.cuts[place].cut.name
        for event in events:
            left -= {
                id(x) for x in event.tracks
                if id(x) in left and not passes(name, x, event, cuts.thresholds)
            }  # fmt: skip
        n = sum(any(id(x) in left for x in event.tracks) for event in events)
        rows.append((name, n, len(left)))
    return rows


def flow_of(columns: EventColumns, cutset: str, *, on_spill: bool) -> list[tuple[str, int, int]]:
    """The same of the nodes."""
    cuts = cuts_in_effect(Cuts(cutset=cutset, on_spill=on_spill), Path())
    numbers, tracks, hits = columns.event_numbers, columns.tracks, columns.coincidences
    of_tracks = extremes.track_extremes(tracks, columns.segments, columns.true_particles, 11)
    of_events = extremes.event_extremes(numbers, tracks, hits)
    veto = extremes.veto_times_ns(numbers, tracks, columns.segments, hits)
    added = added_cut_marks__none(tracks)
    marks = cut_nodes.cut_marks(of_tracks, of_events, veto, added, cuts)
    absent = AbsentLeaves(columns.absent, "")
    counts = cut_nodes.cut_counts(marks, of_tracks, of_events, absent, cuts)
    table = flow.cut_flow(counts, len(numbers), cuts, StatisticsSettings())
    return [*zip(table["cut"], table["events"], table["tracks"], strict=True)]


def columns_of(path: Path) -> EventColumns:
    return read_columns(FileRef(str(path), 0, ""), EventRange(0, N), "EventNtuple/ntuple", "auto")


@pytest.mark.parametrize("kind", ["cosmic", "signal", "mix", "edge", "odd"])
def test_the_flow_is_that_of_a_loop_over_what_was_drawn(tmp_path: Path, kind: Any) -> None:
    settings = CosmicsSimulationSettings(
        kind=kind, n_events=N, basket_events=40, seed=11, veto_inefficiency=0.3
    )
    columns = columns_of(write_cosmics_simulation(settings, tmp_path).out)
    events = events_of(simulated_block(settings, 0, N))
    with np.errstate(invalid="ignore"):
        for cutset in SETS:
            expected = looped(events, cutset, on_spill=True)
            assert flow_of(columns, cutset, on_spill=True) == expected, cutset


def test_the_command_gives_the_same(radiograph: Callable[..., Any], tmp_path: Path) -> None:
    settings = CosmicsSimulationSettings(kind="mix", n_events=N, basket_events=40, seed=12)
    out = write_cosmics_simulation(settings, tmp_path).out
    expected = looped(events_of(simulated_block(settings, 0, N)), "dev", on_spill=True)
    done = radiograph("cosmics", "flow", out, "--cutset", "dev", "--json", "--no-cache")
    assert done.code == 0, done.err
    rows = done.json["values"]["cut_flow"]
    assert [(r["cut"], r["events"], r["tracks"]) for r in rows] == expected


@pytest.mark.parametrize(("release", "format"), [("v6_03", "ttree"), ("v6_06", "rntuple")])
def test_off_spill_of_the_other_release_and_format(
    tmp_path: Path, release: Any, format: Any
) -> None:
    settings = CosmicsSimulationSettings(
        n_events=N, on_spill=False, release=release, format=format, totals="histograms"
    )
    columns = columns_of(write_cosmics_simulation(settings, tmp_path).out)
    expected = looped(events_of(simulated_block(settings, 0, N)), "dev", on_spill=False)
    assert flow_of(columns, "dev", on_spill=False) == expected


LOOSE = {"is_truth_electron": False, "within_d0": False, "within_lhr_max_hi": False}


def windows_looped(events: list[Event], grid: list[tuple[float, float]]) -> Any:
    """Events of Select, and how many of them each window vetoes."""
    cuts = cuts_in_effect(Cuts(cutset="SU2020e", toggle_cuts=LOOSE), Path())
    items = [cuts.cuts[k].cut for k in cuts.active]
    names = [cut.name for cut in items if cut.group not in ("Veto", "Momentum")]
    selected = [
        e for e in events
        if any(all(passes(n, x, e, cuts.thresholds) for n in names) for x in e.tracks)
    ]  # fmt: skip
    vetoed = [
        sum(is_vetoed(e, {"lo_veto_dt_ns": lo, "hi_veto_dt_ns": hi}) for e in selected)
        for lo, hi in grid
    ]
    return len(selected), np.asarray(vetoed)


@pytest.mark.slow
def test_the_curve_of_dead_time_is_that_of_a_loop_over_windows(
    radiograph: Callable[..., Any], tmp_path: Path
) -> None:
    outs, events = [], []
    for kind in ("cosmic", "mix"):
        settings = CosmicsSimulationSettings(kind=kind, n_events=400, seed=4)
        outs.append(write_cosmics_simulation(settings, tmp_path).out)
        events.append(events_of(simulated_block(settings, 0, 400)))
    (tmp_path / "c.toml").write_text(
        f'[pipeline]\nname = "cosmics"\n[io]\ninput_path = "{outs[0].name}"\n'
        f'[veto]\nsignal_input = "{outs[1].name}"\ntarget = 0.9\n[cuts]\ncutset = "SU2020e"\n'
        f"toggle_cuts = {{{', '.join(f'{name} = false' for name in LOOSE)}}}\n"
    )
    done = radiograph("run", tmp_path / "c.toml", "--target", "dead_time_curve", "--json")
    assert done.code == 0, done.err
    rows = done.json["values"]["dead_time_curve"]
    grid = [(row["lo_ns"], row["hi_ns"]) for row in rows]
    assert len(grid) == 66
    (n_cosmic, vetoed), (n_signal, dead) = (windows_looped(e, grid) for e in events)
    assert n_cosmic > 20
    assert n_signal > 50
    assert [row["vetoed"] for row in rows] == vetoed.tolist()
    assert [row["dead"] for row in rows] == dead.tolist()
    efficiency, dead_time = vetoed / n_cosmic, dead / n_signal
    assert [row["efficiency"] for row in rows] == pytest.approx(efficiency)
    assert [row["dead_time"] for row in rows] == pytest.approx(dead_time)
    good = [k for k in range(66) if efficiency[k] >= 0.9]
    assert good
    width = {k: grid[k][1] - grid[k][0] for k in good}
    (narrowest,) = [k for k in range(66) if rows[k]["is_narrowest"]]
    assert width[narrowest] == min(width.values())
    (least,) = [k for k in range(66) if rows[k]["is_least_dead"]]
    assert dead_time[least] == min(dead_time[k] for k in good)
    # Windows are nested: a wider one takes no less.
    for k, (lo, hi) in enumerate(grid):
        for other, (low, high) in enumerate(grid):
            if low <= lo and high >= hi:
                assert vetoed[other] >= vetoed[k]
