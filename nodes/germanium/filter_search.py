"""Which shaping of an energy filter gives the narrowest lines. No nodes.

Events are chosen once; what changes with the shaping is their amplitude alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from ...schemas.arrays import F8
from ...schemas.germanium.filter_scan import FILTER_OPTIMA, FILTER_SCAN
from ...schemas.germanium.lines import ENERGY_LINES, FEP_KEV, Q_BB_KEV
from ...schemas.germanium.peaks import PeakFit
from .kernels.outputs import greatest_of_fitting
from .peak_fits import USUAL_LIMITS, FitLimits, peak_fit
from .resolution import resolution_of
from .scales import FEP, expected_sigma_keV, full_energy_fit
from .trapping import regression

# A scan goes on by this factor where its least point is the last, so many times at most.
_FACTOR: Final = 1.5
_MOST_FURTHER: Final = 13
_NEAR: Final = 5
_BLOCK_ROWS: Final = 512


def greatest_outputs(waves: Any, kernel: F8) -> F8:
    """The greatest output of a kernel on each waveform (n, samples), of those that fit, (n,).

    ValueError for a kernel that is longer than the waveforms.
    """
    x = np.asarray(waves)
    if len(kernel) > x.shape[1]:
        msg = f"a kernel of {len(kernel)} samples on waveforms of {x.shape[1]}"
        raise ValueError(msg)
    out = np.empty(len(x))
    for first in range(0, len(x), _BLOCK_ROWS):
        block = x[first : first + _BLOCK_ROWS].astype(np.float64)
        greatest_of_fitting(block, kernel, out[first : first + len(block)])
    return out


@dataclass(frozen=True)
class Merit:
    """Widths that a set of amplitudes gives; NaN with a reason where it gives none."""

    alpha_per_ns: float
    fwhm_2614_keV: float
    fwhm_2614_err_keV: float
    qbb_fwhm_keV: float
    qbb_fwhm_err_keV: float
    reason: str = ""


def merit_of(adc: F8, dt_eff_ns: F8, line_of: Any, limits: FitLimits = USUAL_LIMITS) -> Merit:
    """Width at Q_bb of amplitudes, after the correction for trapped charge by regression.

    ``line_of`` names the line near which each event lies. The curve goes through all valid lines
    without Doppler broadening; with one alone its width is scaled with the root of the energy.
    """
    names = np.asarray(line_of)
    of_fep = names == FEP.name
    rough = start_scale_of_line(adc[of_fep])
    fit = full_energy_fit(rough * adc[of_fep], limits)
    nan = float("nan")
    if not fit.valid:
        return Merit(nan, nan, nan, nan, nan, f"2614.5 keV: {fit.reason}")
    energy = adc * (rough * FEP_KEV / fit.position)
    alpha, _ = regression(energy[of_fep], dt_eff_ns[of_fep])
    alpha = alpha if alpha > 0.0 else 0.0
    x = adc * (1.0 + alpha * np.nan_to_num(dt_eff_ns))
    rough = start_scale_of_line(x[of_fep])
    fit = full_energy_fit(rough * x[of_fep], limits)
    if not fit.valid:
        return Merit(alpha, nan, nan, nan, nan, f"2614.5 keV, corrected: {fit.reason}")
    energy = x * (rough * FEP_KEV / fit.position)
    peaks: dict[str, PeakFit] = {FEP.name: fit}
    for line in ENERGY_LINES:
        mine = names == line.name
        if line.resolution and line is not FEP and mine.any():
            sigma = expected_sigma_keV(line.energy_keV)
            peaks[line.name] = peak_fit(energy[mine], *line.window_keV, line.model, sigma, limits)
    curve = resolution_of(peaks, 2)
    at_qbb, err = float(curve.fwhm_keV(Q_BB_KEV)), float(curve.fwhm_err_keV(Q_BB_KEV))
    if len(curve.lines) < 2:
        factor = float(np.sqrt(Q_BB_KEV / FEP_KEV))
        at_qbb, err = factor * fit.fwhm, factor * fit.fwhm_err
    return Merit(alpha, fit.fwhm, fit.fwhm_err, at_qbb, err)


def start_scale_of_line(adc: F8) -> float:
    """keV per ADC from events of the 2614.5 keV line alone: their highest bin is there."""
    good = adc[np.isfinite(adc) & (adc > 0.0)]
    if not len(good):
        return float("nan")
    low, high = np.quantile(good, [0.02, 0.98])
    counts, edges = np.histogram(good, max(len(good) // 20, 20), (low, high))
    top = int(np.convolve(counts, np.ones(3), "same").argmax())
    return float(FEP_KEV / (0.5 * (edges[top] + edges[top + 1])))


def about(us: float) -> tuple[float, ...]:
    """A shaping time between its neighbours: the first points where one is known to be near."""
    return (us / _FACTOR, us, us * _FACTOR)


def searched(
    name: str,
    merit: Callable[[float], Merit],
    first_us: Sequence[float],
    allowed_us: tuple[float, float],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The shaping time of least width at Q_bb: what was computed, and the best.

    ``first_us``, then further ones by factors of 1.5 until the least point has neighbours or an
    end of the allowed range is reached, then the least point of a parabola through the squares of
    the widths near it, which is computed too. The best is the least that was computed.
    """
    found: dict[float, Merit] = {}

    def at(us: float) -> float:
        us = float(np.clip(us, *allowed_us))
        if us not in found:
            found[us] = merit(us)
        return found[us].qbb_fwhm_keV

    for us in first_us:
        at(us)
    most = len(found) + _MOST_FURTHER
    while len(found) < most:
        best, times = _least(found), sorted(found)
        if best == times[0] and best > allowed_us[0]:
            at(best / _FACTOR)
        elif best == times[-1] and best < allowed_us[1]:
            at(best * _FACTOR)
        else:
            break
    vertex, error = _vertex(found)
    if np.isfinite(vertex):
        at(vertex)
    best = _least(found)
    rows = [(us, found[us]) for us in sorted(found)]
    same = [n for n in FILTER_SCAN.names if n not in ("filter", "shaping_us")]
    scan = FILTER_SCAN.frame(
        {
            "filter": [name] * len(rows),
            "shaping_us": [us for us, _ in rows],
            **{n: [getattr(m, n) for _, m in rows] for n in same},
        }
    )
    optimum = FILTER_OPTIMA.frame(
        {
            "filter": [name],
            "shaping_us": [best],
            "shaping_err_us": [error],
            "qbb_fwhm_keV": [found[best].qbb_fwhm_keV],
            "qbb_fwhm_err_keV": [found[best].qbb_fwhm_err_keV],
            "n_computed": [len(found)],
            "at_end": [best in allowed_us],
        }
    )
    return scan, optimum


def _least(found: Mapping[float, Merit]) -> float:
    """The time of least width; of none with a width the first."""
    widths: Sequence[tuple[float, float]] = [
        (m.qbb_fwhm_keV if np.isfinite(m.qbb_fwhm_keV) else np.inf, us) for us, m in found.items()
    ]
    return min(widths)[1]


def _vertex(found: Mapping[float, Merit]) -> tuple[float, float]:
    """Where the parabola of FWHM^2 in ln t through the points near the least is least, and error.

    (NaN, NaN) where it has no minimum between these points.
    """
    best = _least(found)
    good = sorted(us for us, m in found.items() if np.isfinite(m.qbb_fwhm_keV))
    near = sorted(good, key=lambda us: abs(np.log(us / best)))[:_NEAR]
    if len(near) < 3:
        return float("nan"), float("nan")
    x = np.log(np.array(near) / best)
    y = np.array([found[us].qbb_fwhm_keV for us in near])
    e = np.array([found[us].qbb_fwhm_err_keV for us in near])
    c = np.polyfit(x, y**2, 2)
    at = -0.5 * c[1] / c[0] if c[0] > 0.0 else np.nan
    if not x.min() < at < x.max():
        return float("nan"), float("nan")
    # The same events everywhere: only a small part of the error is one of the difference.
    rise = 2.0 * y.min() * e.min()
    return float(best * np.exp(at)), float(best * np.exp(at) * np.sqrt(rise / c[0]))
