"""The nodes of the simulated EventNtuple: shares, helices, planted veto, edges and oddities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.cosmics.simulation import cosmics_simulation_pipeline, simulated_block
from radiograph.drivers.graph import build_driver
from radiograph.nodes.simulation.cosmics_events import (
    cosmics_streams,
    drawn_fits,
    simulated_passages,
    veto_seen,
)
from radiograph.nodes.simulation.cosmics_tracks import drawn_segments
from radiograph.nodes.simulation.cosmics_veto import (
    drawn_coincidences,
    expected_vetoed,
    particle_time_ns,
)
from radiograph.schemas.cosmics_simulation import (
    FITS,
    PASSAGES,
    CosmicsSimulationSettings,
)
from radiograph.schemas.sources import EventRange

N = 4000
RANGE = EventRange(0, N)
STREAMS = cosmics_streams(7, 1202, 0, RANGE)


def block(kind: Any, n: int = 1500, **changed: Any) -> dict[str, Any]:
    return simulated_block(CosmicsSimulationSettings(kind=kind, n_events=n, **changed), 0, n)


def within(k: int, n: int, share: float) -> bool:
    """Whether a count lies within five standard deviations of its mean."""
    return abs(k - n * share) < 5.0 * np.sqrt(n * share * (1.0 - share)) + 1e-9


class TestEvents:
    def test_shares_of_cosmic_particles(self) -> None:
        passages = simulated_passages(RANGE, "cosmic", True, STREAMS)
        reflected = passages["direction"] < 0
        assert within(reflected.sum(), N, 0.30)
        per_event = passages.groupby("event").size()
        assert len(per_event) == N
        assert within(len(passages) - N - reflected.sum(), N, 0.08)
        assert within((passages["pdg"] == 11).sum(), len(passages), 0.25)
        assert passages["p_MeV"].between(70.0, 220.0).all()
        down = passages[~reflected]
        assert down["t0_ns"].between(475.0, 1690.0).all()

    def test_a_reflected_particle_comes_by_earlier_and_is_the_same(self) -> None:
        passages = simulated_passages(RANGE, "cosmic", True, STREAMS)
        rows = np.flatnonzero(passages["direction"].to_numpy() < 0)
        assert (passages["event"].to_numpy()[rows] == passages["event"].to_numpy()[rows - 1]).all()
        earlier = passages["t0_ns"].to_numpy()[rows - 1] - passages["t0_ns"].to_numpy()[rows]
        assert earlier.min() >= 30.0
        assert earlier.max() <= 90.0
        for name in ("pdg", "p_MeV", "slope", "primary_pdg"):
            assert np.array_equal(
                passages[name].to_numpy()[rows], passages[name].to_numpy()[rows - 1]
            )

    def test_signal_is_electrons_of_the_end_of_the_spectrum(self) -> None:
        passages = simulated_passages(RANGE, "signal", True, STREAMS)
        assert (passages["pdg"] == 11).all()
        assert (passages["startcode"] == 167).all()
        assert (passages["p_MeV"] == 104.97).all()

    def test_off_spill_times_go_on(self) -> None:
        times = simulated_passages(RANGE, "signal", False, STREAMS)["t0_ns"]
        assert times.max() > 9.0e4

    def test_four_percent_of_fits_fail(self) -> None:
        passages = simulated_passages(RANGE, "signal", True, STREAMS)
        fits = drawn_fits(passages, STREAMS)
        assert within(len(fits), 4 * len(passages), 0.96)
        assert set(fits["pdg"]) == {11, -11, 13, -13}
        assert fits["event"].is_monotonic_increasing
        assert (fits["nactive"] >= 8).all()

    def test_no_event_and_no_fit(self) -> None:
        none = EventRange(5, 0)
        streams = cosmics_streams(7, 1202, 0, none)
        passages = simulated_passages(none, "cosmic", True, streams)
        assert len(passages) == len(drawn_fits(passages, streams)) == 0
        assert len(drawn_segments(passages, FITS.empty(), streams)) == 0


class TestTracks:
    def segments(self, **changed: Any) -> pd.DataFrame:
        passage = {
            "event": [0], "direction": [1], "t0_ns": [1000.0], "p_MeV": [105.0], "slope": [0.75],
            "d0_mm": [30.0], "outside": [False], "phi0_rad": [0.3], "centre_rad": [1.0],
            "pdg": [11], "startcode": [167], "primary_pdg": [13],
        }  # fmt: skip
        passages = PASSAGES.frame(passage | changed)
        n = 400
        fits = FITS.frame(
            {
                **{name: np.zeros(n) for name in FITS.names},
                "pdg": np.full(n, 11),
                "valid": np.ones(n, dtype=bool),
            }
        )
        return drawn_segments(passages, fits, STREAMS)

    def test_surfaces_of_the_tracker_and_others(self) -> None:
        segments = self.segments()
        for sid, z in ((0, -1632.0), (1, 4.0), (2, 1635.0)):
            here = segments[segments["sid"] == sid]
            assert within(len(here), 400, 0.992)
            assert (here["pos_z_mm"] == z).all()
        others = segments[segments["sid"] > 2]
        assert set(others["sid"]) == {90, 95, 100, 101, 102, 103, 104}
        assert abs(len(others) / 400 - 2.5) < 0.5
        assert (segments.loc[segments["sid"] != 104, "sindex"] == 0).all()

    def test_the_helix_holds_together(self) -> None:
        segments = self.segments().astype(float)
        transverse = np.hypot(segments["mom_x_MeV"], segments["mom_y_MeV"])
        # In 1 T a transverse momentum of 0.2998 MeV/c turns in 1 mm; slope is pz over pT.
        assert np.allclose(transverse, 0.299792458 * segments["rad_mm"], rtol=1e-5)
        assert np.allclose(segments["mom_z_MeV"] / transverse, 0.75, rtol=1e-5)
        centre = np.hypot(segments["cx_mm"], segments["cy_mm"])
        assert np.allclose(segments["maxr_mm"], centre + segments["rad_mm"], atol=1e-3)
        assert np.allclose(segments["d0_mm"], np.abs(centre - segments["rad_mm"]), atol=1e-3)
        assert abs(segments["d0_mm"].mean() - 30.0) < 0.5
        radius = np.hypot(
            segments["pos_x_mm"] - segments["cx_mm"], segments["pos_y_mm"] - segments["cy_mm"]
        )
        assert np.allclose(radius, segments["rad_mm"], rtol=1e-5)

    def test_times_follow_the_flight(self) -> None:
        for direction in (1, -1):
            segments = self.segments(direction=[direction])
            middle = segments[segments["sid"] == 1]["time_ns"].mean()
            front = segments[segments["sid"] == 0]["time_ns"].mean()
            # 1636 mm at 0.6 c, which is the share along the axis of a slope of 0.75.
            assert middle - front == pytest.approx(direction * 1636 / (0.6 * 299.792458), abs=0.1)

    def test_the_chain_begins_with_the_particle_and_ends_with_the_primary(self) -> None:
        drawn = block("cosmic")
        particles, fits = drawn["simulated_particles"], drawn["simulated_fits"]
        first = particles[particles["place"] == 0]
        assert np.array_equal(first["nhits"], fits["nactive"])
        assert (first["rank"] == 0).all()
        last = particles.groupby("fit").tail(1)
        assert (last["rank"] == -1).all()
        assert (last["nhits"] == -1).all()
        assert (last["gen"] == 38).all()
        assert set(last["pdg"]) == {13, -13}


class TestVeto:
    def test_the_planted_inefficiency_is_drawn(self) -> None:
        seen = veto_seen(RANGE, "cosmic", 0.1, STREAMS)
        assert within(seen.sum(), N, 0.9)
        assert not veto_seen(RANGE, "signal", 0.1, STREAMS).any()
        assert veto_seen(RANGE, "cosmic", 0.0, STREAMS).all()
        assert not veto_seen(RANGE, "cosmic", 1.0, STREAMS).any()

    def test_only_what_was_seen_has_coincidences_and_they_come_before(self) -> None:
        passages = simulated_passages(RANGE, "cosmic", True, STREAMS)
        time = particle_time_ns(RANGE, passages)
        seen = veto_seen(RANGE, "cosmic", 0.04, STREAMS)
        found = drawn_coincidences("cosmic", seen, time, 2.2, STREAMS)
        assert set(found["event"]) == set(np.flatnonzero(seen))
        ahead = time[found["event"]] - found["time_ns"]
        # Mean of the normal and of its tail to 160 ns.
        assert abs(ahead.mean() - (0.96 * 48 + 0.04 * 104)) < 2.0
        assert (found["start_ns"] < found["time_ns"]).all()
        assert (found["end_ns"] > found["time_ns"]).all()

    def test_the_beam_is_spread_over_its_range(self) -> None:
        none = np.zeros(N, dtype=np.bool_)
        found = drawn_coincidences("mix", none, np.full(N, np.nan), 3.0, STREAMS)
        assert abs(len(found) - 3.0 * N) < 5.0 * np.sqrt(3.0 * N)
        assert found["time_ns"].between(350.0, 1750.0).all()
        assert found["event"].is_monotonic_increasing

    def test_time_is_that_of_the_first_passage(self) -> None:
        rows = {name: np.zeros(3) for name in PASSAGES.names}
        rows |= {"event": [0, 0, 2], "t0_ns": [700.0, 650.0, 900.0], "outside": [False] * 3}
        times = particle_time_ns(EventRange(0, 4), PASSAGES.frame(rows))
        assert np.array_equal(times, [700.0, np.nan, 900.0, np.nan], equal_nan=True)

    def test_expectations_by_hand(self) -> None:
        times = np.asarray([1000.0, np.nan, 400.0])
        # 300 ns of 1400 at 1.4 coincidences: 1 - e^-0.3; 50 + 150 ns at 400 ns: 1 - e^-0.2.
        mix = expected_vetoed("mix", 0.1, 1.4, times)
        assert mix == pytest.approx(2.0 - np.exp(-0.3) - np.exp(-0.2), rel=1e-12)
        assert expected_vetoed("signal", 0.1, 1.4, times) == 0.0
        # 150 ns is 4.25 sigma above 48, -150 is 8.25 below; the tail ends at 160.
        cosmic = expected_vetoed("cosmic", 0.1, 1.4, times)
        assert cosmic == pytest.approx(
            2 * 0.9 * (0.96 * (1 - 1.0689e-5) + 0.04 * 102 / 112), abs=1e-7
        )


@pytest.mark.parametrize("kind", ["cosmic", "mix"])
def test_what_a_window_takes_is_what_was_planted(kind: Any) -> None:
    drawn = block(kind, 3000, veto_inefficiency=0.2)
    fits, segments = drawn["simulated_fits"], drawn["simulated_segments"]
    coincidences = drawn["simulated_coincidences"]
    # A loop over events: the first passage's middle against every coincidence.
    passage = fits["passage"].to_numpy()
    first_of_event = pd.Series(passage).groupby(fits["event"].to_numpy()).transform("min")
    middle = segments[segments["sid"] == 1]
    of_first = (passage == first_of_event.to_numpy())[middle["fit"]]
    times = dict(
        zip(
            fits["event"].to_numpy()[middle["fit"][of_first]],
            middle["time_ns"][of_first],
            strict=True,
        )
    )
    vetoed = {
        event
        for event, time in zip(coincidences["event"], coincidences["time_ns"], strict=True)
        if event in times and -150.0 < times[event] - time < 150.0
    }
    expected = drawn["simulated_sums"].expected_vetoed
    assert abs(len(vetoed) - expected) < 5.0 * np.sqrt(expected * (1 - expected / 3000)) + 15


class TestEdge:
    def test_values_stand_exactly_on_thresholds(self) -> None:
        drawn = block("edge")
        fits, segments = drawn["simulated_fits"], drawn["simulated_segments"]
        front, middle = segments[segments["sid"] == 0], segments[segments["sid"] == 1]
        for values, edge in (
            (fits["quality"], np.float32(0.8)),
            (fits["quality"], np.float32(0.2)),
            (fits["nactive"], 20),
            (middle["time_ns"], 640.0),
            (middle["time_ns"], 1650.0),
            (middle["t0err_ns"], np.float32(0.9)),
            (front["d0_mm"], 100.0),
            (front["maxr_mm"], 450.0),
            (front["maxr_mm"], 680.0),
            (drawn["simulated_coincidences"]["start_ns"], 420.0),
            (drawn["simulated_coincidences"]["end_ns"], 1700.0),
        ):
            assert (values == edge).sum() > 50, edge

    def test_momenta_and_slopes_are_exact_in_float32(self) -> None:
        segments = block("edge")["simulated_segments"]
        x, y, z = (segments[f"mom_{axis}_MeV"].to_numpy() for axis in "xyz")
        assert x.dtype == np.float32
        momentum, slope = np.sqrt(x * x + y * y + z * z), z / np.hypot(x, y)
        for edge in (85.0, 100.0, 110.0, 200.0, 103.6, 104.9):
            assert (momentum == np.float32(edge)).sum() > 20, edge
        for edge in (0.5, 1.0):
            assert (slope == np.float32(edge)).sum() > 20, edge

    def test_coincidences_lie_exactly_a_window_off(self) -> None:
        drawn = block("edge")
        segments, fits = drawn["simulated_segments"], drawn["simulated_fits"]
        coincidences = drawn["simulated_coincidences"]
        middle = segments[segments["sid"] == 1]
        electron = middle[fits["pdg"].to_numpy()[middle["fit"]] == 11]
        event = fits["event"].to_numpy()[electron["fit"]]
        pairs = pd.DataFrame({"event": event, "time": electron["time_ns"]}).merge(
            coincidences[["event", "time_ns"]], on="event"
        )
        apart = pairs["time"] - pairs["time_ns"].astype(float)
        for edge in (-150.0, 0.0, 150.0):
            assert (apart == edge).sum() > 50, edge


class TestOdd:
    def test_what_a_reader_trips_over_is_there(self) -> None:
        drawn = block("odd")
        fits, segments = drawn["simulated_fits"], drawn["simulated_segments"]
        particles = drawn["simulated_particles"]
        assert within(1500 - fits["event"].nunique(), 1500, 0.12)
        assert within(len(fits) - segments["fit"].nunique(), len(fits), 0.15)
        assert (segments.groupby(["fit", "sid"]).size() == 2).sum() > 200
        assert within(len(fits) - particles["fit"].nunique(), len(fits), 0.15)
        top = particles[particles["rank"] == 0].groupby("fit")["nhits"].agg(["size", "nunique"])
        assert set(top["size"]) == {1, 2}
        assert (top["nunique"] == 1).all()
        assert (particles.groupby("fit")["place"].diff().dropna() == 1).all()
        nan = [fits["quality"], segments["time_ns"], segments["maxr_mm"], segments["t0err_ns"]]
        assert all(within(v.isna().sum(), len(v), 0.05) for v in nan)
        still = (segments["mom_x_MeV"] == 0) & (segments["mom_y_MeV"] == 0)
        assert within(still.sum(), len(segments), 0.05)
        assert drawn["simulated_coincidences"]["time_ns"].isna().any()


def test_a_range_of_events_is_the_same_whenever_it_is_asked_for() -> None:
    one, again = block("odd", 50), block("odd", 50)
    for name, value in one.items():
        if isinstance(value, pd.DataFrame):
            pd.testing.assert_frame_equal(value, again[name])
    assert one["simulated_sums"] == again["simulated_sums"]
    sums = one["simulated_sums"]
    assert (sums + sums).n_fits == 2 * sums.n_fits


def test_the_graph_has_a_node_for_each_quantity() -> None:
    driver = build_driver(cosmics_simulation_pipeline(), {})
    names = {v.name for v in driver.list_available_variables() if not v.is_external_input}
    assert {"veto_seen", "simulated_passages", "expected_vetoed", "simulated_sums"} <= names
