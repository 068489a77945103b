"""Scales, ticks and numbers of a panel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.sheets.frames import (
    Frame,
    bars,
    decades,
    lines,
    log_labels,
    number,
    tick_labels,
    ticks_of,
)
from radiograph.schemas.sheets import Strokes, Words

FRAME = Frame(1.0, 2.0, 4.0, 3.0, (0.0, 10.0), (-1.0, 1.0))


def test_values_lie_where_they_belong_and_beyond_the_frame_on_its_edge():
    np.testing.assert_allclose(FRAME.at([0, 5, 10], [-1, 0, 1]), [[1, 2], [3, 3.5], [5, 5]])
    np.testing.assert_allclose(FRAME.at([-7, 70], [-9, 9]), [[1, 2], [5, 5]])
    np.testing.assert_allclose(FRAME.at([2, 4], 0.0), [[1.8, 3.5], [2.6, 3.5]])
    assert np.isnan(FRAME.at([1.0], [np.nan])[0, 1])


def test_a_logarithmic_frame_has_equal_decades_and_no_zero():
    frame = Frame(0.0, 0.0, 1.0, 4.0, (0.0, 1.0), (1e-9, 1e-5), log_y=True)
    np.testing.assert_allclose(frame.at([0, 0, 0], [1e-9, 1e-8, 1e-5])[:, 1], [0, 1, 4])
    np.testing.assert_allclose(frame.at([0], [0.0])[:, 1], [0.0])
    np.testing.assert_allclose(decades(frame.y_limits), [1e-9, 1e-8, 1e-7, 1e-6, 1e-5])
    assert len(decades((1e-20, 1.0))) <= 9
    assert log_labels(np.array([1e-9, 1.0, 100.0])) == ["10⁻⁹", "10⁰", "10²"]


def test_a_level_line_outside_of_the_frame_is_not_drawn():
    assert FRAME.row(0.5).tolist() == [[1.0, 4.25], [5.0, 4.25]]
    assert FRAME.row(1.5).shape == (0, 2)


def test_a_frame_has_a_border_ticks_and_labels_where_wanted():
    ticks = np.array([0.0, 5.0, 10.0])
    shapes = FRAME.shapes(ticks, np.array([-1.0, 0.0, 1.0]))
    assert [s.text for s in shapes if isinstance(s, Words)] == ["−1", "0", "1", "0", "5", "10"]
    (border,) = [s for s in shapes if isinstance(s, Strokes)]
    assert border.xy[:4].tolist() == [[1, 2], [5, 2], [5, 5], [1, 5]]
    bare = FRAME.shapes(ticks, ticks[:0], x_labels=False, y_labels=False)
    assert not [s for s in bare if isinstance(s, Words)]


def test_lines_and_bars_are_parted_by_nan():
    joined = lines([np.zeros((2, 2)), np.ones((3, 2))])
    assert joined.shape == (6, 2)
    assert np.isnan(joined[2]).all()
    assert lines([]).shape == (0, 2)
    drawn = bars(FRAME, np.array([0, 10]), np.array([-1.0, 0.0]), np.array([1.0, 0.5]))
    np.testing.assert_allclose(drawn[[0, 1]], [[1, 2], [1, 5]])
    assert np.isnan(drawn[[2, 5]]).all()


@given(
    st.floats(-1e6, 1e6),
    st.floats(1e-3, 1e9),
    st.integers(2, 8),
)
def test_ticks_are_round_inside_and_not_too_many(low, span, at_most):
    high = low + span
    if not high > low:
        return
    ticks = ticks_of((low, high), at_most)
    assert len(ticks) <= at_most + 1
    if len(ticks) > 1:
        step = ticks[1] - ticks[0]
        slack = 1e-6 * step
        assert ticks[0] >= low - slack
        assert ticks[-1] <= high + slack
        mantissa = step / 10.0 ** np.floor(np.log10(step) + 1e-9)
        assert min(abs(mantissa - m) for m in (1, 2, 5, 10)) < 1e-3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (31.234567, "31.23"), (-28000.4, "−28\u2009000"), (1234.0, "1234"),
        (62.5, "62.5"), (1.5e-9, "1.5·10⁻⁹"), (float("nan"), "–"), (float("inf"), "–"),
        (-0.5, "−0.5"), (123456789.0, "123\u2009456\u2009789"),
    ],
)  # fmt: skip
def test_numbers_are_short_and_grouped(value, text):
    assert number(value) == text


def test_tick_labels_have_the_decimals_of_their_step():
    assert tick_labels(np.array([-0.5, 0.0, 0.5])) == ["−0.5", "0.0", "0.5"]
    assert tick_labels(np.array([-30000.0, -29000.0])) == ["−30\u2009000", "−29\u2009000"]
    assert tick_labels(np.array([0.02, 0.04])) == ["0.02", "0.04"]
    assert tick_labels(np.array([7.0])) == ["7"]
    assert tick_labels(np.array([])) == []
