"""Golden numbers of rates and efficiencies, veto windows against a loop, filling against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.cosmics.filling import filled, places_on, places_or_nan
from radiograph.nodes.cosmics.intervals import count_interval, fraction_interval
from radiograph.nodes.cosmics.window_grid import vetoed
from radiograph.schemas.cosmics.statistics import StatisticsSettings
from radiograph.schemas.cosmics.veto import VetoGrid
from radiograph.schemas.histograms import Axis

PEER = StatisticsSettings(poisson_cl=0.68)
LIVETIME_S = 1.06887e7
PER_DAY = 86400 * (1 - 0.322) / LIVETIME_S


@pytest.mark.parametrize(
    ("k", "below", "above", "rate", "rate_below", "rate_above"),
    [
        (19428, -0.003463779376989152, 0.0034885365207998516,
         106.47475348732773, -0.7596731921908599, 0.7651328406872011),
        (292, -0.00041486915979434936, 0.00043986550354526446,
         1.600299980353083, -0.09309824138796641, 0.09869804581629293),
    ],
)  # fmt: skip
def test_published_selection_efficiencies_and_rates(
    k: int, below: float, above: float, rate: float, rate_below: float, rate_above: float
) -> None:
    lo, hi = (100 * float(e) for e in fraction_interval(k, 4_000_000, PEER))
    at = 100 * k / 4_000_000
    assert [lo - at, hi - at] == pytest.approx([below, above], rel=1e-9)
    counts = np.array([*count_interval(np.array(k), PEER)]) * PER_DAY
    assert k * PER_DAY == pytest.approx(rate, rel=1e-9)
    assert list(counts - k * PER_DAY) == pytest.approx([rate_below, rate_above], rel=1e-9)


@pytest.mark.parametrize(
    ("u", "k", "percent", "below", "above"),
    [
        (7, 19428, 99.96396952851553, -0.016427781716876755, 0.011284545366219145),
        (0, 292, 100.0, -0.34129692832765013, 0.0),
    ],
)
def test_published_veto_efficiencies(
    u: int, k: int, percent: float, below: float, above: float
) -> None:
    lo, hi = (float(e) for e in fraction_interval(u, k, PEER))
    efficiency = 100 * (1 - u / k)
    assert efficiency == pytest.approx(percent, rel=1e-12)
    assert 100 * (1 - hi) - efficiency == pytest.approx(below, rel=1e-9)
    assert 100 * (1 - lo) - efficiency == pytest.approx(above, rel=1e-9, abs=1e-12)


def test_upper_end_of_no_counts() -> None:
    assert float(count_interval(np.array(0), PEER)[1]) == pytest.approx(1.1394342832, rel=1e-10)
    assert pytest.approx(0.4269, abs=5e-5) == 1 - 332013 / 579348


@pytest.mark.parametrize("true", [0.02, 0.05, 0.4])
def test_wilson_intervals_cover(true: float) -> None:
    """2,000 toys of 5,000 events: the interval holds the truth as often as it says."""
    rng = np.random.default_rng(20261129)
    k = rng.binomial(5000, true, 2000)
    lo, hi = fraction_interval(k, np.full(2000, 5000), StatisticsSettings())
    assert 0.65 <= np.mean((lo <= true) & (true <= hi)) <= 0.71


@given(
    st.lists(st.lists(st.floats(-200, 200), max_size=4), max_size=8),
    st.lists(st.integers(-50, 50), min_size=1, max_size=4, unique=True),
    st.booleans(),
)
def test_windows_equal_a_loop(events: list[list[float]], los: list[int], closed: bool) -> None:
    grid = VetoGrid(tuple(float(lo) for lo in sorted(los)), (-10.0, 0.0, 60.0), closed)
    times = np.array([t for e in events for t in sorted(e)])
    rows = np.repeat(np.arange(len(events)), [len(e) for e in events])

    def inside(t: float, lo: float, hi: float) -> bool:
        return lo <= t <= hi if closed else lo < t < hi

    want = [[sum(any(inside(t, lo, hi) for t in e) for e in events) for hi in grid.hi_ns]
            for lo in grid.lo_ns]  # fmt: skip
    assert vetoed(times, rows, grid).tolist() == want


@given(st.lists(st.floats(-1, 2, width=32), max_size=50))
def test_filling_counts_as_numpy_does(values: list[float]) -> None:
    axis = Axis("x", edges=np.linspace(0.0, 0.7, 8))
    array = np.array(values, np.float32)
    places = places_on(axis, array)
    want = np.searchsorted(axis.edges, array.astype(np.float64), side="right")
    assert places.tolist() == want.tolist()


def test_nan_and_what_lies_outside_are_kept() -> None:
    axis = Axis("x", edges=np.array([0.0, 1.0, 2.0]))
    values = np.array([-1.0, 0.0, 1.5, 2.0, np.nan])
    found, missing = filled(axis, places_or_nan(axis, values), np.array([1, 3, 7, 15, 9], np.uint8))
    assert found.values[:, 0].tolist() == [1, 1, 1, 1]
    assert found.values[:, 2].tolist() == [0, 0, 1, 1]
    assert missing.tolist() == [1, 0, 0, 1]
    assert found.missing == 1
