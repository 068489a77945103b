"""The page of trends: every file is a mark, failures stand out, times are local and round."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.lightdqm.figure_trend import TrendPanel, time_ticks, trend_sheet
from radiograph.schemas.lightdqm.trends import (
    TREND,
    ChannelGroup,
    ReferenceBand,
    TrendRequest,
)
from radiograph.schemas.sheets import Fills, Marks, Sheet, Words

START = 1_757_246_400_000  # 2025-09-07 12:00 UTC, 07:00 in Chicago
ZONE = "America/Chicago"


def frame(values: Any, failing: Any = None, start_ms: Any = None) -> pd.DataFrame:
    value = np.asarray(values, float)
    n = len(value)
    return TREND.frame(
        {
            "name": [f"x_rctl_5_p{i}.FLOW.hdf5" for i in range(n)],
            "run": np.full(n, 5),
            "subrun": np.arange(n),
            "start_ms": START + 3_600_000 * np.arange(n) if start_ms is None else start_ms,
            "value": value,
            "lower": value - 1.0,
            "upper": value + 1.0,
            "sigma": np.full(n, 0.1),
            "k": np.zeros(n),
            "n": np.full(n, 400),
            "failing": [""] * n if failing is None else failing,
        }
    )


def marks(sheet: Sheet) -> dict[tuple[str, str], list[str]]:
    """Texts of the marks by symbol and colour, those of the legend left out."""
    found: dict[tuple[str, str], list[str]] = {}
    for shape in sheet.shapes:
        if isinstance(shape, Marks) and shape.texts:
            found.setdefault((shape.symbol, shape.color), []).extend(shape.texts)
    return found


def words(sheet: Sheet) -> list[str]:
    return [shape.text for shape in sheet.shapes if isinstance(shape, Words)]


def test_every_file_is_a_mark_and_failures_stand_out() -> None:
    values = [10.0, 10.5, 9.5, 10.0, np.nan, 900.0]
    panel = TrendPanel(TrendRequest("noise"), frame(values, ["", "noise", "", "", "", ""]))
    found = marks(trend_sheet([panel], "title", ZONE))
    kinds = {symbol: len(texts) for (symbol, _), texts in found.items() if symbol != "dot"}
    assert kinds == {"cross": 1, "up": 1}
    dots = [texts for (symbol, _), texts in found.items() if symbol == "dot"]
    assert sorted(map(len, dots)) == [1, 3]
    (failing,) = min(dots, key=len)
    assert failing == "x_rctl_5_p1.FLOW.hdf5, 2025-09-07 08:00:00 CDT: 10.5 ADC16; fails: noise"
    assert found["cross", "#595959"][0].endswith("no data")


@pytest.mark.parametrize(
    ("values", "n_off"),
    [
        ([0.0, 0.1, -0.1, 400.0, 410.0, 0.0, 0.05], 0),  # two of them: no slip of one file
        ([0.0, 0.1, -0.1, 0.0, 150.0], 0),
        ([0.0, 0.1, -0.1, 0.0, 250.0], 1),
        ([0.0, 0.1, -0.1, 0.0, -250.0], 1),
        ([0.0, 40000.0], 0),
    ],
)
def test_only_a_single_point_a_hundred_times_as_far_is_off_the_scale(
    values: list[float], n_off: int
) -> None:
    sheet = trend_sheet([TrendPanel(TrendRequest("noise"), frame(values))], "title", ZONE)
    found = marks(sheet)
    off = [texts for (symbol, _), texts in found.items() if symbol in ("up", "down")]
    assert sum(map(len, off)) == n_off
    assert ("off the scale" in words(sheet)) == bool(n_off)


def test_a_band_is_drawn_and_told() -> None:
    band = ReferenceBand(10.0, 9.0, 12.0, 4, "reference run 5")
    panel = TrendPanel(TrendRequest("noise"), frame([10.0, 11.0]), band)
    with_band = trend_sheet([panel], "title", ZONE)
    without = trend_sheet([TrendPanel(panel.request, panel.frame)], "title", ZONE)
    assert "reference run 5: 10 (−1 +2) ADC16" in words(with_band)
    assert "no reference" in words(without)
    n_fills = [sum(isinstance(s, Fills) for s in sheet.shapes) for sheet in (with_band, without)]
    assert n_fills == [2, 0]  # one in the legend


def test_fractions_are_shown_in_percent_and_power_in_powers_of_ten() -> None:
    share = TrendPanel(TrendRequest("clipped", ChannelGroup("tpc", -1, 2)), frame([0.5, 0.25]))
    power = TrendPanel(TrendRequest("power"), frame([2e-8, 3e-8]))
    sheet = trend_sheet([share, power], "title", ZONE)
    assert "%" in words(sheet)
    assert "10⁻⁸ V²" in words(sheet)
    texts = [t for group in marks(sheet).values() for t in group]
    assert any(": 50 %" in t for t in texts)
    assert any(": 2 10⁻⁸ V²" in t for t in texts)


@pytest.mark.parametrize(
    "values", [[], [5.0], [np.nan, np.nan], [5.0, 5.0], [-28000.0, 32764.0], [0.0, 0.0]]
)
def test_any_values_can_be_drawn(values: list[float]) -> None:
    if not values:
        panel = TrendPanel(TrendRequest("noise"), frame([]))
        assert marks(trend_sheet([panel], "title", ZONE)) == {}
        return
    sheet = trend_sheet([TrendPanel(TrendRequest("power"), frame(values))], "title", ZONE)
    assert sum(map(len, marks(sheet).values())) == len(values)
    for shape in sheet.shapes:
        if isinstance(shape, Marks):
            assert np.isfinite(shape.xy).all()


def test_files_of_unknown_time_are_counted() -> None:
    panel = TrendPanel(TrendRequest("noise"), frame([1.0, 2.0], start_ms=[-1, START]))
    sheet = trend_sheet([panel], "title", ZONE)
    assert "file, in order (run, sub-run)" in words(sheet)
    assert "5 p1" in words(sheet)
    texts = [t for group in marks(sheet).values() for t in group]
    assert "x_rctl_5_p0.FLOW.hdf5: 1 ADC16" in texts


def test_ticks_are_round_local_times() -> None:
    ticks, labels = time_ticks((START / 1e3, START / 1e3 + 6 * 3600), ZONE)
    assert labels[0] == "09-07 07:00"
    assert np.diff(ticks).tolist() == [3600.0] * 6


@given(st.floats(1e9, 2e9), st.floats(1.0, 3e8), st.sampled_from([ZONE, "UTC", "Asia/Kolkata"]))
def test_ticks_lie_within_the_limits_and_are_few(start: float, length: float, zone: str) -> None:
    ticks, labels = time_ticks((start, start + length), zone)
    assert len(ticks) == len(labels) <= 11
    # Wall clocks jump by an hour twice a year.
    assert (ticks >= start - 3601).all()
    assert (ticks <= start + length + 3601).all()


def test_the_frame_is_left_as_it_was() -> None:
    panel = TrendPanel(TrendRequest("noise"), frame([10.0, np.nan]))
    before = panel.frame.copy()
    trend_sheet([panel], "title", ZONE)
    pd.testing.assert_frame_equal(panel.frame, before)
