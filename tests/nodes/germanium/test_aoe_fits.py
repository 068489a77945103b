"""Compton bands of A/E: the width of the single-site peak beside what lies next to it."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.germanium.aoe_fits import band_fit, trend_of
from radiograph.schemas.germanium.aoe import Band


def _band(rng: np.random.Generator, sigma: float, n: int = 190) -> np.ndarray:
    """Half single-site, of which some have more current; the others multi-site below."""
    single = rng.normal(0.07, sigma, n // 2)
    few = rng.random(n // 2) < 0.12
    single[few] += rng.uniform(0.0, 15.0, few.sum()) * sigma
    multi = 0.07 - rng.exponential(20.0 * sigma, n - n // 2)
    return np.concatenate([single, multi])


def test_widths_of_bands_agree_with_their_curve() -> None:
    """Events of high current, 3 to 5 sigma above the peak, do not decide on the width of a band."""
    rng = np.random.default_rng(8)
    energies = np.linspace(920.0, 2330.0, 40)
    true = np.sqrt(4e-8 + (0.5 / energies) ** 2)
    bands = tuple(band_fit(_band(rng, s), float(e)) for e, s in zip(energies, true, strict=True))
    trend = trend_of(bands)
    assert trend.q_chi2 < 1.7 * trend.dof
    assert trend.p_chi2 < 1.7 * trend.dof
    assert np.median(trend.sigma(energies) / true) == pytest.approx(1.0, abs=0.15)


def test_errors_of_a_trend_follow_the_scatter_of_its_bands() -> None:
    """Errors of bands that are too small by a factor do not shrink those of the trend."""
    energies = np.linspace(920.0, 2330.0, 30)

    def trend(quoted: float) -> tuple[np.ndarray, np.ndarray, float]:
        draws = np.random.default_rng(9).normal(size=(30, 2))
        found = trend_of(
            tuple(
                Band(
                    float(e),
                    160,
                    1.0 + 0.002 * a,
                    0.002 * quoted,
                    0.01 * (1.0 + 0.1 * b),
                    0.001 * quoted * (1.0 + 0.1 * b),
                    0.5,
                    8.0,
                    0.8,
                    1.1,
                )
                for e, (a, b) in zip(energies, draws, strict=True)
            )
        )
        return found.p_covariance, found.q_covariance, found.q_chi2 / found.dof

    p, q, chi2 = trend(0.5)
    p_less, q_less, chi2_less = trend(0.25)
    assert chi2 > 2.0
    assert chi2_less == pytest.approx(4.0 * chi2)
    np.testing.assert_allclose(p_less, p, rtol=1e-9)
    np.testing.assert_allclose(q_less, q, rtol=1e-6)
    # Where the bands scatter less than their errors, these count.
    p_more, q_more, chi2_more = trend(2.0)
    assert chi2_more < 1.0
    p_most, q_most, _ = trend(4.0)
    np.testing.assert_allclose(p_most, 4.0 * p_more, rtol=1e-9)
    np.testing.assert_allclose(q_most, 4.0 * q_more, rtol=1e-6)
