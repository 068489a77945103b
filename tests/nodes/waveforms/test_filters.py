"""Waveform filters: by hand, against slow sums, what must hold, nothing and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.waveforms.filters import (
    double_pole_zero,
    moving_average,
    pole_zero,
    trapezoid,
)

RNG = np.random.default_rng(2)
WAVES = RNG.normal(15000.0, 30.0, (3, 40))


def test_moving_average_by_hand() -> None:
    """3, 6, 9: before the window is full the first value pads it."""
    assert moving_average([3, 6, 9], 2).tolist() == [3.0, 4.5, 7.5]
    assert moving_average([3, 6, 9], 2, "forward").tolist() == [4.5, 7.5, 9.0]
    assert moving_average([3, 6, 9], 5).tolist() == pytest.approx([3.0, 3.6, 4.8])


@given(st.integers(1, 60), st.sampled_from(["backward", "forward"]))
def test_moving_average_against_a_slow_sum(width: int, direction: str) -> None:
    found = moving_average(WAVES, width, direction)  # type: ignore[arg-type]
    reach = np.arange(width) - (width - 1 if direction == "backward" else 0)
    places = np.clip(np.arange(40)[:, np.newaxis] + reach, 0, 39)
    np.testing.assert_allclose(found, WAVES[:, places].mean(axis=2), rtol=1e-13)
    constant = moving_average(np.full(9, 7.25), width, direction)  # type: ignore[arg-type]
    assert constant.tolist() == [7.25] * 9


def test_a_step_becomes_a_trapezoid_of_its_height() -> None:
    """Rise 3, flat 2: three samples up, three at the top, three down."""
    step = np.where(np.arange(20) < 8, 100.0, 160.0)
    found = trapezoid(step, 3, 2)
    assert len(found) == 20 - 8 + 1
    assert found.tolist() == pytest.approx([0, 20, 40, 60, 60, 60, 40, 20, 0, 0, 0, 0, 0])


@given(st.integers(1, 12), st.integers(0, 12))
def test_trapezoid_against_a_slow_sum(rise: int, flat: int) -> None:
    found = trapezoid(WAVES, rise, flat)
    late = np.arange(2 * rise + flat - 1, 40)
    expected = np.stack(
        [
            WAVES[:, i - rise + 1 : i + 1].mean(axis=1)
            - WAVES[:, i - 2 * rise - flat + 1 : i - rise - flat + 1].mean(axis=1)
            for i in late
        ],
        axis=1,
    )
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(trapezoid(WAVES + 500.0, rise, flat), found, atol=1e-9)
    np.testing.assert_allclose(trapezoid(3.0 * WAVES, rise, flat), 3.0 * found, atol=1e-9)


def test_pole_zero_makes_a_step_of_a_decay() -> None:
    """439 us at 128 ns a sample; the height of the step is that of the pulse."""
    decay = 439.0 / 0.128
    i = np.arange(700)
    pulse = np.where(i >= 50, 1234.0 * np.exp(-(i - 50) / decay), 0.0)
    corrected = pole_zero(np.stack([pulse, 2.0 * pulse]), decay)
    assert corrected[:, :50].tolist() == np.zeros((2, 50)).tolist()
    np.testing.assert_allclose(corrected[0, 50:], 1234.0, rtol=1e-11)
    np.testing.assert_allclose(corrected[1], 2.0 * corrected[0], rtol=1e-12)


def test_pole_zero_is_its_recursion() -> None:
    x, factor = WAVES[0] - 15000.0, np.exp(-1 / 55.0)
    y = [x[0]]
    for n in range(1, len(x)):
        y.append(y[-1] + x[n] - x[n - 1] * factor)
    np.testing.assert_allclose(pole_zero(x, 55.0), y, rtol=1e-9)


def test_two_poles_make_a_step_of_two_decays() -> None:
    """439 us, 17.6 us and a share of 0.02 at 128 ns a sample."""
    slow, fast, share = 439.0 / 0.128, 17.6 / 0.128, 0.02
    i = np.arange(600)
    pulse = 900.0 * ((1.0 - share) * np.exp(-i / slow) + share * np.exp(-i / fast))
    np.testing.assert_allclose(double_pole_zero(pulse, slow, fast, share), 900.0, rtol=1e-9)
    single = double_pole_zero(WAVES, slow, fast, 0.0)
    np.testing.assert_allclose(single, pole_zero(WAVES, slow), rtol=1e-9)


def test_nan_and_nothing_and_inputs_stay() -> None:
    waves = WAVES.copy()
    waves[1, 5] = np.nan
    before = waves.copy()
    for use in (
        lambda w: moving_average(w, 3),
        lambda w: trapezoid(w, 3, 1),
        lambda w: pole_zero(w, 50.0),
        lambda w: double_pole_zero(w, 50.0, 5.0, 0.1),
    ):
        found = use(waves)
        assert np.isnan(found).any(axis=1).tolist() == [False, True, False]
        assert use(waves[:0]).shape[0] == 0
    np.testing.assert_array_equal(waves, before)
    assert moving_average(np.zeros((2, 0)), 3).shape == (2, 0)
    assert pole_zero(np.zeros((2, 0)), 3.0).shape == (2, 0)


def test_integer_samples_are_not_wrapped() -> None:
    waves = np.array([[65535, 65535, 0, 0]], np.uint16)
    assert trapezoid(waves, 1, 0).tolist() == [[0.0, -65535.0, 0.0]]


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (lambda: moving_average([1.0], 0), "width = 0; it is a number of samples from 1 on"),
        (lambda: trapezoid(WAVES, 0, 2), "rise = 0"),
        (lambda: trapezoid(WAVES, 3, -1), "flat = -1"),
        (lambda: trapezoid(WAVES, 20, 1), "rise 20 and flat 1 needs 41 samples, not 40"),
        (lambda: pole_zero(WAVES, 0.0), "decay = 0.0; it is a number of samples above zero"),
        (lambda: pole_zero(WAVES, np.nan), "decay = nan"),
        (lambda: double_pole_zero(WAVES, 5.0, 50.0, 0.1), "slow > fast"),
        (lambda: double_pole_zero(WAVES, 50.0, 5.0, 1.5), "fraction in 0 to 1"),
    ],
)
def test_what_is_refused(use, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        use()
