"""Survival of the signal in a peak: toys with known truth, bounds, counting."""

from __future__ import annotations

import numpy as np
import pytest
from germanium_channel import toy_peak
from radiograph.nodes.germanium.survival import (
    PARAMETERS,
    peak_survival,
    simultaneous_likelihood,
    survivals,
    window_survival,
)
from radiograph.schemas.germanium.lines import PSD_LINES, GammaLine

LINE = GammaLine("toy", 1000.0, 20.0, 20.0, "gos", resolution=False)


def toy(rng: np.random.Generator, n: float, eps: float, eps_bkg: float) -> tuple[np.ndarray, ...]:
    """Energies about 1000 keV, and whether each passes; the peak has sigma 1."""
    passing = toy_peak(rng, n * eps, 1.5 * n * eps_bkg)
    failing = toy_peak(rng, n * (1.0 - eps), 1.5 * n * (1.0 - eps_bkg))
    passes = np.concatenate([np.ones(len(passing), bool), np.zeros(len(failing), bool)])
    return 1000.0 + np.concatenate([passing, failing]), passes


def test_the_gradient_is_that_of_the_value() -> None:
    energy, passes = toy(np.random.default_rng(1), 200, 0.8, 0.4)
    low, high = LINE.window_keV
    likelihood = simultaneous_likelihood(energy[passes], energy[~passes], low, high, True)
    p = np.array([1000.2, 1.1, 0.2, 1.5, 190.0, 0.7, 310.0, 0.5, -0.2, -0.4])

    def value(q: np.ndarray) -> float:
        return likelihood(q, np.zeros(10), np.zeros((10, 10)))

    gradient = np.zeros(10)
    likelihood(p, gradient, np.zeros((10, 10)))
    for i, name in enumerate(PARAMETERS):
        up, down = p.copy(), p.copy()
        up[i] += 1e-5 * abs(p[i])
        down[i] -= 1e-5 * abs(p[i])
        slope = (value(up) - value(down)) / (up[i] - down[i])
        assert gradient[i] == pytest.approx(slope, rel=1e-4, abs=1e-4), name


@pytest.mark.slow
def test_pulls_of_30_toys() -> None:
    """Truth 0.15 and 0.85 at 300 counts: unbiased, and 68 % intervals that cover it."""
    rng = np.random.default_rng(8)
    pulls, inside = [], []
    for k in range(30):
        eps = 0.15 if k % 2 else 0.85
        found = peak_survival(LINE, *toy(rng, 300, eps, 0.4))
        pulls.append((found.value - eps) / found.error)
        inside.append(found.low <= eps <= found.high)
    assert abs(np.mean(pulls)) < 0.4
    assert 0.75 < np.std(pulls) < 1.25
    assert 0.5 < np.mean(inside) < 0.87


def test_the_error_is_more_than_binomial() -> None:
    """With background both yields are fitted, and the survival pays for it."""
    found = peak_survival(LINE, *toy(np.random.default_rng(2), 400, 0.9, 0.4))
    assert found.value == pytest.approx(0.9, abs=3.0 * found.error)
    assert found.error > np.sqrt(0.9 * 0.1 / 400)
    assert found.high - found.low == pytest.approx(2.0 * found.error, rel=0.1)
    assert found.n == pytest.approx(400, abs=4.0 * found.n_err)


@pytest.mark.parametrize("eps", [0.0, 1.0])
def test_at_a_bound_the_interval_has_one_side(eps: float) -> None:
    found = peak_survival(LINE, *toy(np.random.default_rng(3), 300, eps, eps))
    assert found.value == pytest.approx(eps, abs=0.02)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert 0.0 < found.error < 0.05
    assert found.error == pytest.approx(max(found.value - found.low, found.high - found.value))


def test_counting() -> None:
    """10 of 10: the lower end of Clopper and Pearson's 68 % interval is 0.16^(1/10) = 0.8326."""
    everything = np.ones(10, dtype=bool)
    found = window_survival("Qbb", everything, everything)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.8326, abs=1e-4)
    assert found.error == pytest.approx(0.1674, abs=1e-4)
    passes = np.arange(10) < 8
    assert window_survival("Qbb", passes, everything).value == 0.8
    nothing = window_survival("Qbb", passes, np.zeros(10, dtype=bool))
    assert np.isnan(nothing.value)
    assert nothing.reason == "no events in the window"


def test_without_events_every_sample_says_so() -> None:
    found = survivals(np.empty(0), np.empty(0, dtype=bool), 2.2)
    assert [s.sample for s in found] == [*(line.name for line in PSD_LINES), "Qbb", "Qbb35"]
    assert all(s.reason for s in found)


def test_without_a_peak_there_is_no_survival() -> None:
    rng = np.random.default_rng(4)
    energy = rng.uniform(980.0, 1020.0, 400)
    found = peak_survival(LINE, energy, rng.random(400) < 0.5)
    assert np.isnan(found.value)
    assert "counts in the peak" in found.reason
