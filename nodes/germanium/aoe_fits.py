"""The distribution of the current amplitude over the energy, and its change with energy. No nodes.

Single-site events make a narrow peak, multi-site events a tail below it: a normal distribution and
an exponential smeared with it, without a background.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ...schemas.arrays import F8
from ...schemas.germanium.aoe import Band, EnergyTrend
from ...schemas.germanium.lines import AVOIDED_BY_KEV, AVOIDED_KEV
from ...schemas.germanium.peaks import PEAK_PARAMETERS
from .kernels.peaks import add_peak_likelihood
from .peak_fits import minimised

FEWEST_IN_A_BAND: Final = 150
SINGLE_SITE_SIGMAS: Final = 3.0
"""Events within so many widths of the mode of A/E count as single-site."""
PEAK_RANGE_KEV: Final = (1000.0, 1300.0)
"""Where A/E is followed in time and drift time: no line, many events."""
_BELOW, _ABOVE = 15.0, 5.0
# Pulses that begin beside the contact have far more current, some a little more: in the few events
# of a band those from 3 to 5 sigma above would decide on its width.
_ABOVE_OF_FEW: Final = 3.0
_FREE: Final = ("mu", "sigma", "h_tail", "tail_per_sigma", "n_sig")
_MOST_STEPS: Final = 50
# Of a normal distribution half of what is above its mode is within so many sigma of it.
_MEDIAN_OF_HALF: Final = 0.6745
_FARTHEST: Final = 3.0
_MOST_FITS: Final = 8
_SETTLED: Final = 0.02


def band_edges(range_keV: tuple[float, float], width_keV: float) -> F8:
    """Lower and upper ends of Compton bands, (n, 2), without those within 5 keV of a line."""
    n = int(np.floor((range_keV[1] - range_keV[0]) / width_keV + 1e-9))
    low = range_keV[0] + width_keV * np.arange(n)
    edges = np.stack([low, low + width_keV], axis=1)
    lines = np.array(AVOIDED_KEV)
    near = (lines > edges[:, :1] - AVOIDED_BY_KEV) & (lines < edges[:, 1:] + AVOIDED_BY_KEV)
    return edges[~near.any(axis=1)]


def merged_bands(energy_keV: F8, edges: F8) -> list[Any]:
    """Rows of the events of each band, neighbours joined until there are 150 in it."""
    order = np.argsort(energy_keV, kind="stable")
    of_band = np.searchsorted(energy_keV[order], edges)
    bands, gathered = [], np.empty(0, dtype=np.int64)
    for first, last in of_band:
        gathered = np.concatenate([gathered, order[first:last]])
        if len(gathered) >= FEWEST_IN_A_BAND:
            bands.append(gathered)
            gathered = np.empty(0, dtype=np.int64)
    return bands


def top_of(x: F8) -> tuple[float, float]:
    """Mode and sigma of the narrow upper peak of values with a tail below it.

    The mode is the middle of the shortest interval that holds a quarter of the values; sigma is
    of the values above it, by their median, without those beyond 3 of it: events near the contact
    have far more current.
    """
    ordered = np.sort(x)
    n = len(ordered)
    take = max(n // 4, 2)
    widths = ordered[take - 1 :] - ordered[: n - take + 1]
    first = int(widths.argmin())
    mode = float(0.5 * (ordered[first] + ordered[first + take - 1]))
    above = ordered[ordered > mode] - mode
    sigma = _upper_sigma(above) if len(above) else float(widths.min())
    return mode, max(sigma, 1e-9 * abs(mode))


def _upper_sigma(above: F8) -> float:
    """Sigma of ascending distances above a mode, the far ones left out."""
    n = len(above)
    sigma = float("inf")
    for _ in range(_MOST_STEPS):
        sigma = float(np.median(above[:n])) / _MEDIAN_OF_HALF
        kept = int(np.searchsorted(above, _FARTHEST * sigma, side="right"))
        if kept == n or not kept:
            break
        n = kept
    return sigma


def settled_fit(x: F8, energy_keV: float) -> Band:
    """``band_fit`` of many events, its window that of the sigma that is found.

    Of a single band the few events of high current would widen it from fit to fit.
    """
    mode, sigma = top_of(x)
    band = _fit_about(x, energy_keV, mode, sigma)
    for _ in range(_MOST_FITS):
        if band.reason or abs(band.sigma - sigma) < _SETTLED * sigma:
            break
        mode, sigma = band.mu, band.sigma
        band = _fit_about(x, energy_keV, mode, sigma)
    return band


def band_fit(x: F8, energy_keV: float) -> Band:
    """The peak of single-site events in the values x of one band, mean ``energy_keV``.

    An extended unbinned fit in [mu - 15 s, mu + 3 s] of the mode and sigma that are seen.
    """
    mode, sigma = top_of(x)
    return _fit_about(x, energy_keV, mode, sigma, _ABOVE_OF_FEW)


def _fit_about(x: F8, energy_keV: float, mode: float, sigma: float, above: float = _ABOVE) -> Band:
    low, high = mode - _BELOW * sigma, mode + above * sigma
    used = x[(x >= low) & (x <= high)]
    n = float(len(used))
    start = np.array([mode, sigma, 0.5, 5.0, n, 0.0, 0.0])
    bounds = np.array(
        [
            (mode - 3.0 * sigma, mode + 3.0 * sigma),
            (0.2 * sigma, 3.0 * sigma),
            (0.0, 0.99),
            (0.1, 50.0),
            (0.0, 2.0 * n + 10.0),
            (0.0, 1.0),
            (-1.0, 1.0),
        ]
    )

    def likelihood(p: F8, gradient: F8, information: F8) -> float:
        return add_peak_likelihood(used, low, high, p, True, gradient, information)

    found = minimised(likelihood, PEAK_PARAMETERS, start, bounds, _FREE)
    errors = np.sqrt(np.diag(found.covariance))
    good = found.converged and bool(np.isfinite(errors).all() and errors[0] > 0.0 < errors[1])
    reason = "" if good else "the minimum was not found"
    p = found.parameters
    return Band(
        energy_keV, len(x), float(p[0]), float(errors[0]), float(p[1]), float(errors[1]),
        float(p[2]), float(p[3]), low, high, reason,
    )  # fmt: skip


def trend_of(bands: tuple[Band, ...]) -> EnergyTrend:
    """mu(E) = p0 + p1 E and sigma(E) = sqrt(q0 + (q1 / E)^2) through the valid bands, weighted.

    The likelihood of some hundred single-site events is not yet a parabola: on 3,200 toys of 160
    events of this very shape the errors of a band give chi2 / dof 1.35 for mu and 1.22 for sigma,
    whether a tail ends at its bound or not. Covariances are therefore times chi2 / dof where that
    is above 1.
    """
    good = [band for band in bands if not band.reason]
    energy = np.array([band.energy_keV for band in good])
    mu = np.array([band.mu for band in good])
    mu_err = np.array([band.mu_err for band in good])
    sigma = np.array([band.sigma for band in good])
    sigma_err = np.array([band.sigma_err for band in good])
    powers = np.stack([np.ones(len(good)), energy / 1e3], axis=1)
    p, p_cov, p_chi2 = _line(powers, mu, mu_err)
    q, q_cov, q_chi2 = _width(
        np.stack([np.ones(len(good)), (1e3 / energy) ** 2], 1), sigma, sigma_err
    )
    to = np.array([1.0, 1e-3])
    dof = len(good) - 2
    p_cov, q_cov = (
        cov * max(chi2 / dof if dof > 0 else 1.0, 1.0)
        for cov, chi2 in ((p_cov, p_chi2), (q_cov, q_chi2))
    )
    return EnergyTrend(
        p * to, p_cov * np.outer(to, to), p_chi2, q / to**2, q_cov / np.outer(to**2, to**2), q_chi2,
        dof,
    )  # fmt: skip


def _line(powers: F8, y: F8, error: F8) -> tuple[F8, F8, float]:
    rows = powers / error[:, None]
    p: F8 = np.asarray(np.linalg.lstsq(rows, y / error, rcond=None)[0], dtype=np.float64)
    covariance: F8 = np.asarray(np.linalg.pinv(rows.T @ rows), dtype=np.float64)
    return p, covariance, float((((y - powers @ p) / error) ** 2).sum())


def _width(terms: F8, sigma: F8, error: F8) -> tuple[F8, F8, float]:
    """Coefficients q >= 0 of the squares, by least squares on sigma itself.

    An error goes with the width that was found, so a band that is narrow by chance would weigh
    most: the relative error, times the curve, is used.
    """
    relative = error / sigma
    q = np.array([np.median(sigma) ** 2, 0.0])
    for _ in range(_MOST_STEPS):
        curve = np.sqrt(np.maximum(terms @ q, 1e-30))
        rows = terms / (2.0 * curve**2 * relative)[:, None]
        # sigma - curve of the new q, linear in it.
        wanted = (sigma - 0.5 * curve) / (curve * relative)
        moved = _not_negative(rows, wanted)
        close = np.abs(moved - q).max() <= 1e-12 * np.abs(moved).max()
        q = moved
        if close:
            break
    curve = np.sqrt(np.maximum(terms @ q, 1e-30))
    rows = terms / (2.0 * curve**2 * relative)[:, None]
    free = q > 0.0
    covariance = np.zeros((2, 2))
    covariance[np.ix_(free, free)] = np.linalg.pinv(rows[:, free].T @ rows[:, free])
    return q, covariance, float((((sigma - curve) / (curve * relative)) ** 2).sum())


def _not_negative(rows: F8, wanted: F8) -> F8:
    from scipy.optimize import nnls

    scale = np.linalg.norm(rows, axis=0)
    return np.asarray(nnls(rows / scale, wanted)[0] / scale)
