"""A/E that moves with time: slices, medians, what is divided out, the same as operations."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from germanium_channel import Channel
from germanium_toy import toy_channel
from radiograph.nodes.germanium.aoe_time import aoe_time_correction, aoe_times, steady_aoe
from radiograph.nodes.germanium.expressions import evaluated
from radiograph.nodes.germanium.hit_operations import time_operations
from radiograph.schemas.germanium.aoe import TimeCorrection
from radiograph.schemas.germanium.calibration_settings import AoESettings

SLICE_S = 600.0


@cache
def _moved() -> tuple[pd.DataFrame, np.ndarray]:
    """A toy channel, 2 % more current from 1500 s on, and what each row is multiplied by."""
    frame = toy_channel(n=24_000).copy()
    factor = np.where(frame["timestamp"] - 1e9 >= 1500.0, 1.02, 1.0)
    frame["A_max"] *= factor
    return frame, factor


def _of(
    time_s: np.ndarray, aoe: np.ndarray, slice_s: float, energy_keV: float = 1100.0
) -> TimeCorrection:
    """The correction of events of one energy."""
    n = len(time_s)
    frame = pd.DataFrame({"timestamp": time_s})
    settings = AoESettings(time_slice_s=slice_s)
    return aoe_time_correction(frame, np.ones(n, bool), aoe, np.full(n, energy_keV), settings)


def test_a_step_of_the_current_is_taken_out() -> None:
    frame, truth = _moved()
    own = Channel(frame, aoe_settings=AoESettings(drift_correction="off", time_slice_s=SLICE_S))
    found = own["aoe_time_correction"]
    assert found.reason == ""
    factors = found.factors(frame["timestamp"].to_numpy()) * truth
    late = (frame["timestamp"] - 1e9 >= 1800.0).to_numpy()
    early = (frame["timestamp"] - 1e9 < 1200.0).to_numpy()
    # Medians of some 200 single-site events of 1 % each, two and three of them.
    assert factors[late].mean() / factors[early].mean() == pytest.approx(1.0, abs=3e-3)
    as_it_is = Channel(frame, aoe_settings=AoESettings(drift_correction="off"))
    assert as_it_is["aoe_time_correction"].reason == "time_slice_s = 0"
    after, before = (c["aoe_model"].peak.sigma for c in (own, as_it_is))
    # 1 % of 0.0745 is what the toy is made with; half a slice has the step in it.
    assert after == pytest.approx(7.45e-4, rel=0.15)
    assert before > 1.2 * after
    table = own["aoe_times"]
    assert len(table) == 6
    np.testing.assert_allclose(np.diff(table["begin_s"]), SLICE_S)
    assert table["end_s"].iloc[-1] <= 1e9 + 3600.0
    assert (table["n_events"] >= 100).all()


def test_the_operations_give_what_the_nodes_give() -> None:
    """Classifiers of the hit tier, by expressions, are those that the cut was found with."""
    frame, _ = _moved()
    settings = AoESettings(drift_correction="off", time_slice_s=240.0)
    own = Channel(frame, aoe_settings=settings)
    assert len(own["aoe_time_correction"].medians) > 9
    operations = time_operations(own["aoe_model"].time)
    assert [o.name for o in operations] == ["AoE_Timecorr", "AoE_Median_0", "AoE_Median_1"]
    assert all(len(o.parameters) <= 17 for o in operations)
    # Also exactly where slices begin, before the first, after the last, and without a time.
    more = np.append(own["aoe_time_correction"].begins_s, [np.nan, 0.0, 2e9])
    columns = {
        "timestamp": np.append(frame["timestamp"].to_numpy(), more),
        "AoE_Uncorr": np.append(own["uncorrected_aoe"], np.full(len(more), 0.07)),
    }
    seen = evaluated(tuple(operations), columns, len(columns["timestamp"]))["AoE_Timecorr"]
    table = pd.DataFrame({"timestamp": columns["timestamp"]})
    expected = steady_aoe(table, columns["AoE_Uncorr"], own["aoe_time_correction"])
    np.testing.assert_allclose(seen, expected, rtol=1e-12)


def test_medians_by_hand() -> None:
    """Three slices of 100, of 1, 2 and 4: the mean is 7/3; an unfinished rest joins the last."""
    time = np.concatenate([np.linspace(0.0, 9.0, 100) + 10.0 * k for k in range(3)])
    aoe = np.repeat([1.0, 2.0, 4.0], 100)
    found = _of(time, aoe, 10.0)
    assert found.begins_s.tolist() == [0.0, 10.0, 20.0]
    assert found.n_events.tolist() == [100, 100, 100]
    np.testing.assert_allclose(found.medians, [1.0, 2.0, 4.0])
    np.testing.assert_allclose(found.factors(np.array([5.0, 10.0, 25.0])), 7 / 3 / found.medians)
    found = _of(np.append(time, [31.0, 32.0]), np.append(aoe, [4.0, 4.0]), 10.0)
    assert found.n_events.tolist() == [100, 100, 102]
    assert found.ends_s.tolist() == [10.0, 20.0, 32.0]
    late = _of(
        np.append(time, np.repeat([29.0, 31.0], [50, 60])), np.append(aoe, np.full(110, 4.0)), 10.0
    )
    assert late.n_events.tolist() == [100, 100, 210]
    # Slices shorter than what holds 100 events are joined.
    joined = _of(time, aoe, 0.5)
    assert joined.n_events.min() >= 100
    assert joined.n_events.sum() == 300
    order = np.random.default_rng(1).permutation(300)
    mixed = _of(time[order], aoe[order], 10.0)
    np.testing.assert_array_equal(mixed.medians, _of(time, aoe, 10.0).medians)


def test_where_nothing_is_corrected_a_reason_stands() -> None:
    time, aoe = np.linspace(0.0, 100.0, 300), np.ones(300)
    assert _of(time, aoe, 0.0).reason == "time_slice_s = 0"
    assert "300 events from 1000 to 1300 keV are not two slices" in _of(time, aoe, 1e4).reason
    assert "0 events" in _of(time, aoe, 10.0, energy_keV=2000.0).reason
    assert "1 events" in _of(time[:1], aoe[:1], 10.0).reason
    nan = _of(np.full(300, np.nan), aoe, 10.0)
    assert nan.reason == "timestamp is NaN in all 300 rows"
    assert len(aoe_times(nan)) == 0
    assert steady_aoe(pd.DataFrame(), aoe, nan) is aoe
    assert time_operations(nan) == []
    some = np.where(np.arange(300) % 3 == 0, np.nan, time)
    assert _of(some, aoe, 50.0).n_events.sum() == 200
