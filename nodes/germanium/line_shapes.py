"""All lines of the resolution curve in one fit, with one shape that goes with the energy. No nodes.

The widths of weak lines are then held by the strong ones: the error at Q_bb is that of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ...schemas.arrays import F8
from ...schemas.germanium.lines import Q_BB_KEV, GammaLine
from ...schemas.germanium.peaks import PeakFit
from ...schemas.germanium.shared_shape import SHAPE_PARAMETERS, SharedShape
from ..statistics.propagation import propagated_error
from .kernels.peaks import add_peak_likelihood, signal_fwhm
from .peak_fits import Likelihood, minimised

_N_SHAPE: Final = len(SHAPE_PARAMETERS)
_OF_LINE: Final = ("n_sig", "n_bkg", "step")
_MIDDLE_MEV: Final = 2.0
_LOW_MEV, _HIGH_MEV = 0.5, 2.6
_FEWEST_LINES: Final = 2


def line_parameters(shape: F8, energy_keV: float) -> tuple[F8, F8]:
    """mu, sigma, h, t / sigma of a line, and their derivatives by the shape, (4,) and (4, 8)."""
    x = energy_keV / 1e3
    high = float(np.clip((x - _LOW_MEV) / (_HIGH_MEV - _LOW_MEV), 0.0, 1.0))
    offset, tilt, a, b, h_low, h_high, t_low, t_high = (float(p) for p in shape)
    s = float(np.sqrt(a + b * x))
    t = (1.0 - high) * t_low + high * t_high
    values = np.array(
        [
            energy_keV + offset + tilt * (x - _MIDDLE_MEV),
            s,
            (1.0 - high) * h_low + high * h_high,
            t / s,
        ]
    )
    of = np.zeros((4, _N_SHAPE))
    of[0, :2] = 1.0, x - _MIDDLE_MEV
    of[1, 2:4] = 0.5 / s, 0.5 * x / s
    of[2, 4:6] = 1.0 - high, high
    of[3, 2:4] = -t / s**2 * of[1, 2:4]
    of[3, 6:8] = (1.0 - high) / s, high / s
    return values, of


def shared_likelihood(events: Sequence[F8], lines: Sequence[GammaLine]) -> Likelihood:
    """Minus ln L of the events in the windows of the lines: the shape, then 3 numbers a line."""

    def likelihood(p: F8, gradient: F8, information: F8) -> float:
        value = 0.0
        for k, (x, line) in enumerate(zip(events, lines, strict=True)):
            own = slice(_N_SHAPE + 3 * k, _N_SHAPE + 3 * k + 3)
            values, of_shape = line_parameters(p[:_N_SHAPE], line.energy_keV)
            of = np.zeros((7, len(p)))
            of[:4, :_N_SHAPE] = of_shape
            of[4:, own] = np.eye(3)
            g, i = np.zeros(7), np.zeros((7, 7))
            low, high = line.window_keV
            whole = np.concatenate([values, p[own]])
            value += add_peak_likelihood(x, low, high, whole, True, g, i)
            gradient += of.T @ g
            information += of.T @ (np.tril(i) + np.tril(i, -1).T) @ of
        return value

    return likelihood


def fwhm_of(shape: F8, energy_keV: float) -> float:
    """Full width at half maximum of a line of that energy."""
    values, _ = line_parameters(shape, energy_keV)
    return float(values[1] * signal_fwhm(float(values[2]), float(values[3])))


def shared_fit(
    energy_keV: F8, lines: Sequence[GammaLine], peaks: dict[str, PeakFit]
) -> SharedShape:
    """Fit the lines together, begun at the fits of each; only those that are valid are taken.

    Parameters
    ----------
    energy_keV
        Energies of events; NaN is left out.
    lines
        Lines without Doppler broadening, their windows apart.
    peaks
        Fits of each line in keV.
    """
    used = [line for line in lines if line.name in peaks and peaks[line.name].valid]
    names = tuple(line.name for line in used)
    if len(used) < _FEWEST_LINES:
        return _none(names, f"{len(used)} lines are valid, at least {_FEWEST_LINES} are needed")
    events = [
        energy_keV[(energy_keV >= line.window_keV[0]) & (energy_keV <= line.window_keV[1])]
        for line in used
    ]
    start, bounds = _begin(used, peaks, events)
    every = (*SHAPE_PARAMETERS, *(f"{n}_{line}" for line in names for n in _OF_LINE))
    found = minimised(shared_likelihood(events, used), every, start, bounds, every)
    shape, covariance = found.parameters[:_N_SHAPE], found.covariance[:_N_SHAPE, :_N_SHAPE]
    if not found.converged or not np.isfinite(covariance).all():
        return _none(names, "the minimum was not found")

    def at_qbb(p: F8) -> float:
        inside = np.clip(p, bounds[:_N_SHAPE, 0], bounds[:_N_SHAPE, 1])
        return fwhm_of(inside, Q_BB_KEV)

    error = propagated_error(at_qbb, shape, covariance)
    return SharedShape(names, shape, covariance, at_qbb(shape), error)


def _begin(
    used: Sequence[GammaLine], peaks: dict[str, PeakFit], events: Sequence[F8]
) -> tuple[F8, F8]:
    """Where the fit begins, and its bounds."""
    energy = np.array([line.energy_keV for line in used]) / 1e3
    sigma2 = np.array([peaks[line.name].parameters[1] for line in used]) ** 2
    weight = np.array([np.sqrt(max(peaks[line.name].n_sig, 1.0)) for line in used])
    b, a = np.polyfit(energy, sigma2, 1, w=weight)
    start = [0.0, 0.0, max(a, 0.05), max(b, 0.05), 0.1, 0.15, 1.0, 1.5]
    bounds = [
        (-5.0, 5.0), (-5.0, 5.0), (1e-3, 10.0), (1e-3, 10.0), (0.0, 0.5), (0.0, 0.5),
        (0.1, 6.0), (0.1, 6.0),
    ]  # fmt: skip
    for line, x in zip(used, events, strict=True):
        _, _, _, _, n_sig, n_bkg, step = peaks[line.name].parameters
        most = 1.5 * len(x) + 10.0
        start += [float(n_sig), float(n_bkg), float(step)]
        bounds += [(0.0, most), (1e-3, most), (-0.999, 0.999)]
    return np.array(start), np.array(bounds)


def _none(names: tuple[str, ...], reason: str) -> SharedShape:
    nan = float("nan")
    blank = (np.full(_N_SHAPE, nan), np.full((_N_SHAPE, _N_SHAPE), nan))
    return SharedShape(names, *blank, nan, nan, reason)
