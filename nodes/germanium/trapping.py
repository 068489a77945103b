"""Charge that is trapped on its way: E (1 + alpha dt_eff). No nodes."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...schemas.arrays import F8
from ...schemas.germanium.energy import Trapping
from ...schemas.germanium.lines import FEP_KEV
from .peak_fits import FitLimits
from .scales import full_energy_fit

SCAN_POINTS: Final = 11
_WINDOW_KEV: Final = 6.0
_OUTLIER_WIDTHS: Final = 3.0
_CLIPS: Final = 10
_FEWEST: Final = 50
# The scan reaches at least so many errors of the regression to both sides.
_SCAN_ERRORS: Final = 4.0


def regression(energy_keV: F8, dt_eff_ns: F8) -> tuple[float, float]:
    """alpha and its error from the line of energy on dt_eff within 6 keV of 2614.5 keV.

    Events beyond 3 standard deviations, in residual or drift time, are left out. (NaN, NaN) with
    fewer than 50 events.
    """
    used = (np.abs(energy_keV - FEP_KEV) < _WINDOW_KEV) & np.isfinite(dt_eff_ns)
    e, t = energy_keV[used], dt_eff_ns[used]
    keep = np.ones(len(e), dtype=bool)
    slope = constant = error = float("nan")
    for _ in range(_CLIPS):
        if keep.sum() < _FEWEST:
            return float("nan"), float("nan")
        middle = t[keep].mean()
        of_t = t - middle
        square = float((of_t[keep] ** 2).sum())
        if square == 0.0:
            return float("nan"), float("nan")
        constant = float(e[keep].mean())
        slope = float((of_t[keep] * e[keep]).sum() / square)
        residual = e - constant - slope * of_t
        width = float(residual[keep].std(ddof=2))
        error = width / np.sqrt(square)
        inside = np.abs(residual) < _OUTLIER_WIDTHS * width
        inside &= np.abs(of_t) < _OUTLIER_WIDTHS * np.sqrt(square / keep.sum())
        if (inside == keep).all():
            break
        keep = inside
    at_zero = constant - slope * middle
    return -slope / at_zero, error / at_zero


def trapping(energy_keV: F8, dt_eff_ns: F8, alpha_max_per_ns: float, limits: FitLimits) -> Trapping:
    """The alpha of least width of the 2614.5 keV line, kept where the width gains by it.

    A parabola through the squares of the fitted widths of 11 values about that of the regression.
    """
    before = full_energy_fit(energy_keV, limits)
    seed, error = regression(energy_keV, dt_eff_ns)
    nothing = np.empty(0)

    def none(
        reason: str, scan: float = np.nan, points: tuple[F8, F8, F8] | None = None
    ) -> Trapping:
        table = points or (nothing, nothing, nothing)
        return Trapping(
            0.0, error, seed, scan, before.fwhm, before.fwhm_err, np.nan, np.nan, *table, reason
        )

    if not before.valid:
        return none(f"2614.5 keV: {before.reason}")
    if not np.isfinite(seed):
        return none(f"fewer than {_FEWEST} events within {_WINDOW_KEV:g} keV of the line")
    if not 0.0 < seed < alpha_max_per_ns:
        return none(f"the regression gives {seed:.3g} per ns, not 0 to {alpha_max_per_ns:.3g}")
    reach = max(seed, _SCAN_ERRORS * error)
    alphas = np.linspace(max(seed - reach, 0.0), min(seed + reach, alpha_max_per_ns), SCAN_POINTS)
    fits = [full_energy_fit(corrected(energy_keV, dt_eff_ns, a), limits, before) for a in alphas]
    points = (alphas, np.array([f.fwhm for f in fits]), np.array([f.fwhm_err for f in fits]))
    good = np.array([f.valid for f in fits])
    if good.sum() < 4:
        return none("the line could not be fitted in the scan", points=points)
    scan = least_width(alphas[good], points[1][good], points[2][good])
    if not alphas[0] < scan < alphas[-1]:
        return none("the width has no minimum within the scan", points=points)
    after = full_energy_fit(corrected(energy_keV, dt_eff_ns, scan), limits, before)
    gain = before.fwhm - after.fwhm
    # The same events before and after: the gain, quadratic in alpha, has the error of alpha.
    gain_err = 2.0 * abs(gain) * error / scan
    if not after.valid or gain <= gain_err:
        return none(f"the width gains {gain:.3f} +- {gain_err:.3f} keV", scan, points)
    return Trapping(
        scan, error, seed, scan, before.fwhm, before.fwhm_err, after.fwhm, after.fwhm_err, *points
    )


def corrected(energy_keV: F8, dt_eff_ns: F8, alpha: float) -> F8:
    """Corrected energies; those of median drift time near 2614.5 keV stay where they are."""
    near = (np.abs(energy_keV - FEP_KEV) < _WINDOW_KEV) & np.isfinite(dt_eff_ns)
    middle = float(np.median(dt_eff_ns[near])) if near.any() else 0.0
    return energy_keV * (1.0 + alpha * dt_eff_ns) / (1.0 + alpha * middle)


def least_width(alphas: F8, fwhm: F8, error: F8) -> float:
    """Where the parabola through the squares of the widths is least; NaN if it has no minimum."""
    middle, scale = alphas.mean(), np.ptp(alphas)
    c = np.polyfit((alphas - middle) / scale, fwhm**2, 2, w=1.0 / (2.0 * fwhm * error))
    return float(middle - 0.5 * scale * c[1] / c[0]) if c[0] > 0.0 else float("nan")
