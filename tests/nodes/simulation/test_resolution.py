"""Errors of measurement, and the order of the hits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from radiograph.nodes.simulation.resolution import gamma_hits, neutron_hits, simulated_bars
from radiograph.nodes.simulation.streams import random_streams
from radiograph.schemas.simulation import (
    Acquisition,
    BarErrors,
    DetectorArray,
    Resolution,
    Scatters,
)

ARRAY = DetectorArray()
STREAMS = random_streams(9)
BARS = simulated_bars(ARRAY, BarErrors(), STREAMS)


def _scatters(n: int, k: int, gap_ns: float = 1.0) -> Scatters:
    bars = np.tile(np.arange(k, dtype=np.int32) * 4, (n, 1))
    position = np.array([b.center_cm for b in ARRAY.bars])[bars]
    return Scatters(
        source_cm=np.zeros((n, 3)),
        incident_energy_MeV=np.full(n, 14.1),
        theta_rad=np.full(n, 0.5),
        recoil=np.ones(n, dtype=np.uint8),
        bar=bars,
        position_cm=position,
        time_ns=np.tile(20.0 + gap_ns * np.arange(k), (n, 1)),
        deposit_MeV=np.full((n, k), 3.0),
        light_MeVee=np.full((n, k), 1.0),
    )


def test_without_resolution_the_truth_is_measured() -> None:
    true = _scatters(4, 3)
    hits = gamma_hits(true, ARRAY, BARS, Resolution.perfect(), Acquisition(), STREAMS)
    assert np.array_equal(hits.position_cm, true.position_cm)
    assert np.array_equal(hits.time_ns, true.time_ns)
    assert np.array_equal(hits.deposit_MeV, true.deposit_MeV)
    assert hits.det_id.tolist() == [[11, 21, 31]] * 4
    assert hits.hit_of_scatter.tolist() == [[0, 1, 2]] * 4
    assert np.unique(hits.psd).tolist() == [0.18]


def test_each_error_has_its_size() -> None:
    true = _scatters(20_000, 2, gap_ns=100.0)
    hits = neutron_hits(true, ARRAY, BARS, Resolution(), Acquisition(), STREAMS)
    error = hits.position_cm - true.position_cm
    # Bar 11 is long in y, bar 21 in x.
    assert error.std(axis=0) == pytest.approx(
        np.array([[0.346, 0.5, 0.346], [0.5, 0.346, 0.346]]), rel=0.03
    )
    assert (hits.time_ns - true.time_ns).std() == pytest.approx(0.25, rel=0.03)
    assert hits.light_MeVee.std() == pytest.approx(0.05, rel=0.03)
    assert hits.deposit_MeV == pytest.approx(3.0 * hits.light_MeVee)
    assert hits.psd.mean() == pytest.approx(0.30, abs=0.001)
    assert hits.psd.std() == pytest.approx(0.03, rel=0.03)


def test_hits_are_written_in_order_of_measured_time() -> None:
    true = _scatters(2000, 3, gap_ns=0.2)
    hits = gamma_hits(true, ARRAY, BARS, Resolution(), Acquisition(), STREAMS)
    assert np.all(np.diff(hits.time_ns, axis=1) >= 0.0)
    swapped = np.any(hits.hit_of_scatter != [0, 1, 2], axis=1)
    assert 200 < swapped.sum() < 1800
    # The detector of scatter k stands where hit_of_scatter says.
    assert np.array_equal(
        np.take_along_axis(hits.det_id, hits.hit_of_scatter.astype(np.int64), axis=1),
        np.tile([11, 21, 31], (2000, 1)),
    )


def test_light_is_never_negative() -> None:
    hits = neutron_hits(
        _scatters(1000, 2), ARRAY, BARS, Resolution(light_relative=2.0), Acquisition(), STREAMS
    )
    assert hits.light_MeVee.min() == 0.0
    assert hits.deposit_MeV.min() == 0.0


def test_no_events() -> None:
    hits = neutron_hits(_scatters(0, 2), ARRAY, BARS, Resolution(), Acquisition(), STREAMS)
    assert hits.position_cm.shape == (0, 2, 3)


def test_the_truth_is_left_as_it_was() -> None:
    true = _scatters(10, 2, gap_ns=0.0)
    before = true.time_ns.copy()
    neutron_hits(true, ARRAY, BARS, Resolution(), Acquisition(), STREAMS)
    assert np.array_equal(true.time_ns, before)


def test_bars_read_their_centre_across() -> None:
    true = _scatters(50, 2)
    moved = replace(true, position_cm=true.position_cm + np.array([0.3, 0.4, 0.5]))
    centres = Resolution.perfect().model_copy(update={"bar_centres": True})
    hits = neutron_hits(moved, ARRAY, BARS, centres, Acquisition(), STREAMS)
    # Bar 11 is long along y, bar 21 along x.
    off = hits.position_cm - true.position_cm
    assert off[:, 0] == pytest.approx(np.tile([0.0, 0.4, 0.0], (50, 1)))
    assert off[:, 1] == pytest.approx(np.tile([0.3, 0.0, 0.0], (50, 1)))


def test_errors_of_bars_are_in_each_of_their_hits_and_are_told() -> None:
    true = _scatters(50, 2, gap_ns=100.0)
    bars = simulated_bars(ARRAY, BarErrors(along_cm=0.4, time_ns=0.15, gain=0.12), STREAMS)
    hits = neutron_hits(true, ARRAY, bars, Resolution.perfect(), Acquisition(), STREAMS)
    told = bars.set_index("det_id").loc[[11, 21]]
    along = np.stack([hits.position_cm[:, 0, 1], hits.position_cm[:, 1, 0]], axis=1)
    expected = np.stack([true.position_cm[:, 0, 1], true.position_cm[:, 1, 0]], axis=1)
    assert along - expected == pytest.approx(np.tile(told["along_offset_cm"], (50, 1)))
    late = hits.time_ns - true.time_ns
    assert late == pytest.approx(np.tile(told["time_offset_ns"], (50, 1)), abs=1e-9)
    # As a calibration takes it: true light = read light times gain.
    assert hits.light_MeVee * told["light_gain"].to_numpy() == pytest.approx(true.light_MeVee)
    spread = simulated_bars(ARRAY, BarErrors(along_cm=0.4), STREAMS)["along_offset_cm"].std()
    assert 0.2 < spread < 0.8
    assert np.all(BARS[["along_offset_cm", "time_offset_ns"]] == 0)
    assert np.all(BARS["light_gain"] == 1)
