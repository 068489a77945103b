"""A/E that moves with time: slices, medians, what is divided out, the same as operations."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from germanium_channel import Channel
from germanium_toy import toy_channel
from radiograph.nodes.germanium.aoe_time import (
    aoe_slice_starts,
    aoe_time_correction,
    aoe_times,
    file_times,
    steady_aoe,
)
from radiograph.nodes.germanium.expressions import evaluated
from radiograph.nodes.germanium.hit_operations import time_operations
from radiograph.schemas.errors import Unfit
from radiograph.schemas.germanium.aoe import FILE_TIMES, SliceStarts, TimeCorrection
from radiograph.schemas.germanium.calibration_settings import AoESettings
from radiograph.schemas.germanium.lh5 import InputRun

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
    energy, whole = np.full(n, energy_keV), SliceStarts(np.empty(0))
    return aoe_time_correction(frame, np.ones(n, bool), aoe, energy, whole, settings)


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
    assert as_it_is["aoe_time_correction"].reason == 'slice_by = "input", time_slice_s = 0'
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
    assert _of(time, aoe, 0.0).reason == 'slice_by = "input", time_slice_s = 0'
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


# Three runs of which the second has two files: their names, and the times and A/E of their events.
RUNS = (
    (InputRun("l200-p03-r000", "a"), np.linspace(10.0, 19.0, 120), 1.0),
    (InputRun("l200-p03-r001", "b"), np.linspace(30.0, 34.0, 130), 2.0),
    (InputRun("l200-p03-r001", "c"), np.linspace(36.0, 39.0, 150), 2.1),
    (InputRun("l200-p03-r002", "d"), np.linspace(50.0, 59.0, 200), 4.0),
)


def _by(
    slice_by: str,
    time_slice_s: float = 0.0,
    runs: tuple[Any, ...] = RUNS,
    not_used_before: float = 0,
) -> tuple[SliceStarts, TimeCorrection]:
    settings = AoESettings.model_validate({"slice_by": slice_by, "time_slice_s": time_slice_s})
    frames = [pd.DataFrame({"timestamp": time}) for _, time, _ in runs]
    # Files in another order than that of their times.
    told = [file_times(f, run) for f, (run, _, _) in zip(frames, runs, strict=True)][::-1]
    starts = aoe_slice_starts(pd.concat(told, ignore_index=True), settings)
    frame = pd.concat(frames, ignore_index=True)
    aoe = np.concatenate([np.full(len(time), value) for _, time, value in runs])
    good = (frame["timestamp"] >= not_used_before).to_numpy()
    energy = np.full(len(frame), 1100.0)
    return starts, aoe_time_correction(frame, good, aoe, energy, starts, settings)


def test_slices_follow_the_runs() -> None:
    """120 of 1, 280 of 2 or 2.1 (150 of these: median 2.1), 200 of 4: mean 1508 / 600."""
    starts, found = _by("run")
    assert starts.names == ("l200-p03-r000", "l200-p03-r001", "l200-p03-r002")
    assert found.begins_s.tolist() == [10.0, 30.0, 50.0]
    assert found.n_events.tolist() == [120, 280, 200]
    np.testing.assert_allclose(found.medians, [1.0, 2.1, 4.0])
    assert found.reference == pytest.approx((120 * 1.0 + 280 * 2.1 + 200 * 4.0) / 600)
    # Between two runs that before holds.
    factors = found.factors(np.array([9.0, 29.9, 30.0, 49.9, 50.0, 99.0])) / found.reference
    np.testing.assert_allclose(1.0 / factors, [1.0, 1.0, 2.1, 2.1, 4.0, 4.0])
    table = aoe_times(found)
    assert table["of"].tolist() == list(starts.names)
    np.testing.assert_allclose(table["factor"] * table["median"], found.reference)


def test_slices_follow_the_files() -> None:
    starts, found = _by("file")
    assert starts.names == found.names == ("a", "b", "c", "d")
    assert found.begins_s.tolist() == [10.0, 30.0, 36.0, 50.0]
    np.testing.assert_allclose(found.medians, [1.0, 2.0, 2.1, 4.0])


def test_slices_of_a_length_begin_anew_with_each_run() -> None:
    """4 s of 130 events, 1 s without one, then 150 events: two slices of 6 s of the second run."""
    _, found = _by("run", 6.0)
    assert found.begins_s.tolist() == [10.0, 30.0, 36.0, 50.0]
    assert found.names == tuple(f"l200-p03-r00{k}" for k in (0, 1, 1, 2))
    np.testing.assert_allclose(found.medians, [1.0, 2.0, 2.1, 4.0])


def test_a_run_of_few_events_is_joined_with_the_next() -> None:
    few = (RUNS[0], (RUNS[1][0], RUNS[1][1][:40], 2.0), RUNS[3])
    _, found = _by("run", runs=few)
    assert found.begins_s.tolist() == [10.0, 30.0]
    assert found.names == ("l200-p03-r000", "l200-p03-r001 to l200-p03-r002")
    np.testing.assert_allclose(found.medians, [1.0, 4.0])
    last = (RUNS[0], RUNS[1], (RUNS[3][0], RUNS[3][1][:40], 4.0))
    _, found = _by("run", runs=last)
    assert found.names == ("l200-p03-r000", "l200-p03-r001 to l200-p03-r002")
    alone = _by("run", runs=RUNS[:1])[1]
    assert "120 events from 1000 to 1300 keV are not two slices" in alone.reason


def test_a_run_begins_with_its_first_row_whether_that_is_used_or_not() -> None:
    """Nothing before 14 s, and in the second run not its first 2 s: its slice begins at 30 s."""
    late = (RUNS[0], (RUNS[1][0], np.linspace(30.0, 39.0, 400), 2.0), RUNS[3])
    for time_slice_s in (0.0, 1.5):
        _, found = _by("run", time_slice_s, runs=late, not_used_before=32.0)
        assert found.begins_s[0] == 30.0
    cut = [(*RUNS[0][:2], 1.0), (InputRun("r1", "b"), np.linspace(30.0, 39.0, 400), 2.0)]
    frame = pd.DataFrame({"timestamp": np.concatenate([cut[0][1], cut[1][1]])})
    good = ((frame["timestamp"] < 30.0) | (frame["timestamp"] > 33.5)).to_numpy()
    starts = SliceStarts(np.array([10.0, 30.0]), ("r0", "r1"))
    found = aoe_time_correction(
        frame, good, np.repeat([1.0, 2.0], [120, 400]), np.full(520, 1100.0), starts,
        AoESettings(slice_by="run", time_slice_s=1.0),
    )  # fmt: skip
    assert found.begins_s[1] == 30.0


def test_runs_that_overlap_are_no_slices() -> None:
    both = (RUNS[0], (InputRun("l200-p03-r009", "x"), np.linspace(19.0, 29.0, 150), 2.0))
    with pytest.raises(
        Unfit, match=r"r009 begins at 19\.000 s, before l200-p03-r000 ends"
    ) as raised:
        _by("run", runs=both)
    assert raised.value.code == "slices_overlap"
    # All input as one needs no order.
    assert _by("input", runs=both)[0].names == ()


def test_files_without_a_time_begin_nothing() -> None:
    no_time = pd.DataFrame({"timestamp": np.full(3, np.nan)})
    table = file_times(no_time, InputRun("r", "f"))
    assert table["first_s"].isna().all()
    assert len(file_times(no_time.head(0), InputRun("r", "f"))) == 1
    assert file_times(pd.DataFrame({"x": [1.0]}), InputRun("r", "f"))["last_s"].isna().all()
    settings = AoESettings(slice_by="file")
    for empty in (table, FILE_TIMES.empty()):
        assert aoe_slice_starts(empty, settings).names == ()
    frame, aoe = pd.DataFrame({"timestamp": np.full(300, np.nan)}), np.ones(300)
    starts = SliceStarts(np.empty(0))
    nothing = aoe_time_correction(frame, np.ones(300, bool), aoe, 1100.0 * aoe, starts, settings)
    assert nothing.reason == "timestamp is NaN in all 300 rows"
