"""Compton bands of A/E: the width of the single-site peak beside what lies next to it."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.germanium.aoe_fits import band_fit, trend_of


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
