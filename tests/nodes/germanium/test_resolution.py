"""Resolution curves, polynomials and stability: hand values and known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from germanium_toy import toy_channel
from radiograph.nodes.germanium.peak_fits import FitLimits, no_fit
from radiograph.nodes.germanium.resolution import curve_through, resolution_of
from radiograph.nodes.germanium.scales import calibration, mapped, polynomial, scaled
from radiograph.nodes.germanium.stability import _drift, time_stability
from radiograph.nodes.germanium.trapping import least_width, regression
from radiograph.schemas.germanium.lines import ENERGY_LINES, FEP_KEV
from radiograph.schemas.germanium.peaks import PeakFit

ENERGY = np.array([583.2, 860.6, 1620.5, 2614.5])


def peak(position: float, fwhm: float) -> PeakFit:
    """A valid fit with errors of 0.01 keV and 0.05 keV."""
    blank = no_fit("gos", position - 20.0, position + 20.0, 1000, "")
    return replace(
        blank, position=position, position_err=0.01, fwhm=fwhm, fwhm_err=0.05,
        parameters=np.array([position, fwhm / 2.355, 0.0, 1.0, 500.0, 100.0, 0.0]),
        covariance=np.zeros((7, 7)),
    )  # fmt: skip


def test_a_curve_through_exact_widths() -> None:
    """a = 0.5 keV^2, b = 0.002 keV: FWHM(2039.061) = sqrt(4.578122) = 2.13966 keV."""
    fwhm = np.sqrt(0.5 + 0.002 * ENERGY)
    curve = curve_through(ENERGY, fwhm, np.full(4, 0.05), 2, "abcd")
    np.testing.assert_allclose(curve.coefficients, [0.5, 0.002], rtol=1e-8)
    assert float(curve.fwhm_keV(2039.061)) == pytest.approx(2.13966, abs=1e-5)
    assert curve.chi2 == pytest.approx(0.0, abs=1e-12)
    assert (curve.dof, curve.p_value) == (2, pytest.approx(1.0))
    bent = curve_through(ENERGY, fwhm, np.full(4, 0.05), 3, "abcd")
    assert bent.coefficients[2] == pytest.approx(0.0, abs=1e-12)


def test_the_error_at_qbb_is_the_scatter_of_toys() -> None:
    rng = np.random.default_rng(1)
    truth, error = np.sqrt(0.5 + 0.002 * ENERGY), np.array([0.1, 0.1, 0.15, 0.04])
    curves = [curve_through(ENERGY, truth + error * rng.normal(size=4), error, 2, "abcd")
              for _ in range(300)]  # fmt: skip
    at = np.array([float(c.fwhm_keV(2039.061)) for c in curves])
    assert np.std(at) == pytest.approx(float(curves[0].fwhm_err_keV(2039.061)), rel=0.15)


def test_lines_with_doppler_broadening_are_left_out() -> None:
    peaks = {line.name: peak(line.energy_keV, 2.0) for line in ENERGY_LINES}
    curve = resolution_of(peaks, 2)
    assert "2103.511" not in curve.lines
    assert "1592.511" not in curve.lines
    bad = {**peaks, "860.564": replace(peaks["860.564"], reason="not valid")}
    assert "860.564" not in resolution_of(bad, 2).lines
    few = resolution_of({"2614.511": peaks["2614.511"]}, 2)
    assert np.isnan(few.coefficients).all()
    assert np.isnan(few.fwhm_keV(2039.0))


def test_a_polynomial_through_lines() -> None:
    """Positions that are off by 1 keV + 1e-4 E come back."""
    peaks = {line.name: peak((line.energy_keV - 1.0) / 1.0001, 2.0) for line in ENERGY_LINES}
    coefficients, covariance = polynomial(peaks, 1)
    np.testing.assert_allclose(coefficients, [1.0, 1.0001], rtol=1e-9)
    assert (np.diag(covariance) > 0.0).all()
    moved = mapped(peaks["2614.511"], coefficients)
    assert moved.position == pytest.approx(FEP_KEV, abs=1e-9)
    assert moved.fwhm == pytest.approx(2.0002)
    one, _ = polynomial({"2614.511": peak(2600.0, 2.0)}, 2)
    np.testing.assert_allclose(one, [FEP_KEV, 0.0, 0.0])


def test_a_scaled_fit() -> None:
    twice = scaled(peak(1000.0, 2.0), 2.0)
    assert (twice.position, twice.fwhm, twice.position_err) == (2000.0, 4.0, 0.02)
    assert twice.parameters[4] == 500.0


def test_degree_2_keeps_the_scale_of_a_straight_detector() -> None:
    frame = toy_channel()
    found = calibration(
        "cuspEmax", frame["cuspEmax"].to_numpy(), frame["dt_eff"].to_numpy(), 6e-7, 2, 800.0,
        FitLimits(),
    )  # fmt: skip
    energy = found.energy_keV(np.array([2039.0 / 0.15]), np.zeros(1))
    assert energy[0] == pytest.approx(2039.0, abs=0.3)
    assert found.scale.shape == (3,)


def test_regression_and_least_width() -> None:
    """A line E (1 - 5e-7 dt) without noise gives alpha to first order; a parabola its minimum."""
    dt = np.linspace(200.0, 1000.0, 500)
    alpha, error = regression(2615.3 * (1.0 - 5e-7 * dt), dt)
    assert alpha == pytest.approx(5e-7, rel=1e-3)
    assert error < 1e-12
    assert np.isnan(regression(np.full(10, FEP_KEV), dt[:10])[0])
    alphas = np.linspace(0.0, 1e-6, 11)
    fwhm = np.sqrt(5.0 + 4e12 * (alphas - 4e-7) ** 2)
    assert least_width(alphas, fwhm, np.full(11, 0.05)) == pytest.approx(4e-7, rel=1e-6)
    assert np.isnan(least_width(alphas, fwhm[::-1] * 0.0 + np.sqrt(5.0 - 1e12 * alphas**2),
                                np.full(11, 0.05)))  # fmt: skip


def test_a_drift_is_seen() -> None:
    """1 keV an hour over two hours; the third has too few events."""
    rng = np.random.default_rng(2)
    time = np.sort(rng.uniform(0.0, 7200.0, 4000))
    energy = FEP_KEV - 1.0 + time / 3600.0 + rng.normal(0.0, 0.8, 4000)
    frame = pd.DataFrame({"timestamp": np.append(1e9 + time, 1e9 + 10_000.0)})
    calibrated = calibration(
        "cuspEmax", toy_channel()["cuspEmax"].to_numpy(), np.zeros(len(toy_channel())), 0.0, 0,
        800.0, FitLimits(),
    )  # fmt: skip
    rows = np.ones(4001, dtype=bool)
    table = time_stability(frame, np.append(energy, FEP_KEV), calibrated, rows)
    assert len(table) == 17
    assert table["drift_keV_per_h"][0] == pytest.approx(1.0, abs=0.1)
    assert table["p_value"][0] < 1e-6
    assert np.isnan(table["median_keV"].iloc[-1])
    assert table["n_events"].iloc[-1] == 1
    nothing = time_stability(frame, np.append(energy, FEP_KEV), calibrated, ~rows)
    assert len(nothing) == 0
    assert len(time_stability(frame.drop(columns="timestamp"), energy, calibrated, rows)) == 0


def test_a_drift_by_hand() -> None:
    # Slices at 0, 1, 2 hours with errors 1: mean 2, slope 1.5.
    hours, median = np.array([0.0, 1.0, 2.0]), np.array([0.5, 2.0, 3.5])
    slope, error, line, p_value = _drift(hours, median, np.ones(3))
    assert (slope, error) == pytest.approx((1.5, 1.0 / np.sqrt(2.0)))
    assert line == pytest.approx(median)
    # chi2 = 4.5 with two degrees of freedom: exp(-4.5 / 2).
    assert p_value == pytest.approx(np.exp(-2.25))
    assert np.isnan(_drift(hours, median, np.array([1.0, 0.0, np.nan]))[0])
