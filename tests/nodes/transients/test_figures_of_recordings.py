"""Error bars of a million recordings are lines, not a million objects."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from radiograph.nodes.transients import figure_recordings

X, Y, ERRORS = np.array([1.0, 2.0, 4.0]), np.array([5.0, 6.0, 7.0]), np.array([0.5, 0.25, 0.0])
NO = np.nan


def test_bars_are_lines_with_gaps() -> None:
    place = Figure().subplots()
    figure_recordings._level_bars(place, X, Y, ERRORS, "C0")
    (line,) = place.lines
    assert not place.collections
    np.testing.assert_array_equal(line.get_xdata(), [0.5, 1.5, NO, 1.75, 2.25, NO, 4.0, 4.0, NO])
    np.testing.assert_array_equal(line.get_ydata(), np.repeat(Y, 3))
    assert place.dataLim.intervalx.tolist() == [0.5, 4.0]


def test_no_line_is_longer_than_the_renderer_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure_recordings, "_BARS_A_LINE", 2)
    place = Figure().subplots()
    figure_recordings._level_bars(place, X, Y, ERRORS, "C0")
    assert [len(line.get_xdata()) for line in place.lines] == [6, 3]
    assert place.lines[1].get_xdata()[:2].tolist() == [4.0, 4.0]


def test_no_recording_gives_no_bar() -> None:
    place = Figure().subplots()
    figure_recordings._level_bars(place, X[:0], Y[:0], ERRORS[:0], "C0")
    assert not place.lines
