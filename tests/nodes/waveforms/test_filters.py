"""Waveform filters: by hand, against slow sums, what must hold, nothing and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.waveforms.filters import (
    double_pole_zero,
    pole_zero,
)

RNG = np.random.default_rng(2)
WAVES = RNG.normal(15000.0, 30.0, (3, 40))


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
        lambda w: pole_zero(w, 50.0),
        lambda w: double_pole_zero(w, 50.0, 5.0, 0.1),
    ):
        found = use(waves)
        assert np.isnan(found).any(axis=1).tolist() == [False, True, False]
        assert use(waves[:0]).shape[0] == 0
    np.testing.assert_array_equal(waves, before)
    assert pole_zero(np.zeros((2, 0)), 3.0).shape == (2, 0)


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (lambda: pole_zero(WAVES, 0.0), "decay = 0.0; it is a number of samples above zero"),
        (lambda: pole_zero(WAVES, np.nan), "decay = nan"),
        (lambda: double_pole_zero(WAVES, 5.0, 50.0, 0.1), "slow > fast"),
        (lambda: double_pole_zero(WAVES, 50.0, 5.0, 1.5), "fraction in 0 to 1"),
    ],
)
def test_what_is_refused(use, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        use()
