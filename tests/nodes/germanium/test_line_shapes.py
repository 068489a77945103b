"""One fit of several lines: its gradient, known truth, and too few lines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from radiograph.nodes.germanium.line_shapes import (
    fwhm_of,
    line_parameters,
    shared_fit,
    shared_likelihood,
)
from radiograph.nodes.germanium.peak_fits import peak_fit
from radiograph.schemas.germanium.lines import ENERGY_LINES

LINES = tuple(line for line in ENERGY_LINES if line.resolution)[1:]
TRUTH = np.array([0.05, 0.02, 0.2, 0.3, 0.0, 0.0, 1.0, 1.0])


def spectrum(seed: int) -> np.ndarray:
    """Gaussian lines of sigma^2 = 0.2 + 0.3 E (MeV) keV^2 on a level background."""
    rng = np.random.default_rng(seed)
    parts = [rng.uniform(500.0, 2700.0, 8000)]
    for line, n in zip(LINES, (2000, 500, 400, 300, 3000), strict=True):
        (mu, s, _, _), _ = line_parameters(TRUTH, line.energy_keV)
        parts.append(rng.normal(mu, s, n))
    return np.concatenate(parts)


def fitted(energy: np.ndarray) -> dict:
    return {line.name: peak_fit(energy, *line.window_keV, line.model, 0.8) for line in LINES}


def test_the_gradient_is_that_of_the_value() -> None:
    energy = spectrum(1)
    events = [energy[np.abs(energy - line.energy_keV) < 20.0] for line in LINES[:2]]
    likelihood = shared_likelihood(events, LINES[:2])
    p = np.array([0.1, 0.05, 0.2, 0.3, 0.1, 0.2, 1.0, 1.5, 1900.0, 200.0, -0.1, 450.0, 150.0, 0.2])

    def value(q: np.ndarray) -> float:
        return likelihood(q, np.zeros(14), np.zeros((14, 14)))

    gradient = np.zeros(14)
    likelihood(p, gradient, np.zeros((14, 14)))
    for i in range(14):
        up, down = p.copy(), p.copy()
        up[i] += 1e-5 * abs(p[i])
        down[i] -= 1e-5 * abs(p[i])
        slope = (value(up) - value(down)) / (up[i] - down[i])
        assert gradient[i] == pytest.approx(slope, rel=1e-4, abs=1e-4)


def test_truth_is_found() -> None:
    """At Q_bb: 2.3548 sqrt(0.2 + 0.3 x 2.039061) = 2.12158 keV."""
    assert fwhm_of(TRUTH, 2039.061) == pytest.approx(2.12158, abs=1e-4)
    found = [shared_fit(energy, LINES, fitted(energy)) for energy in map(spectrum, (1, 2, 3))]
    for shape in found:
        assert shape.reason == ""
        assert shape.qbb_fwhm_keV == pytest.approx(2.1216, abs=3.0 * shape.qbb_fwhm_err_keV)
        assert 0.01 < shape.qbb_fwhm_err_keV < 0.1
        assert len(shape.errors) == 8


def test_too_few_lines() -> None:
    energy = spectrum(4)
    peaks = fitted(energy)
    bad = {name: replace(peak, reason="not valid") for name, peak in peaks.items()}
    none = shared_fit(energy, LINES, {**bad, "2614.511": peaks["2614.511"]})
    assert none.reason.startswith("1 lines are valid")
    assert np.isnan(none.qbb_fwhm_keV)
