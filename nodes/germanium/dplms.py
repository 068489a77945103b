"""A filter from the covariance of the noise and the mean pulse (DPLMS). No nodes.

E. Gatti et al., NIM A 523 (2004) 167; V. D'Andrea et al., Eur. Phys. J. C 83 (2023) 149.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, Final

import numpy as np
import pandas as pd

from ...schemas.arrays import F8
from ...schemas.germanium.dplms import DPLMS_GRID, DplmsFilter
from ...schemas.germanium.dsp import PoleZeroConstants
from ..waveforms.filters import double_pole_zero, pole_zero
from .filter_search import Merit
from .recipes import second_decay

FLAT_SAMPLES: Final = 10
"""Samples by which a pulse may move while the output stays: its charge comes in so late."""
_MOST_AWAY: Final = 2.0


def steps_of(waves: Any, constants: PoleZeroConstants, sample_ns: float) -> F8:
    """Waveforms less their baseline, pole-zero corrected, (n, samples)."""
    decay = constants.tau1_ns / sample_ns
    faster, fraction = second_decay(constants, sample_ns)
    if fraction > 0.0:
        return double_pole_zero(waves, decay, faster, fraction)
    return pole_zero(waves, decay)


def aligned_pulses(steps: F8, length: int) -> F8:
    """Pulses that begin to stay in the middle of ``length`` + FLAT_SAMPLES samples, (n, ...).

    Aligned on the half of their height, of height 1 each. Those whose stretch is not in the
    waveform are left out, and those twice as far from the median pulse as is usual: piled up.
    """
    top = np.median(steps[:, -steps.shape[1] // 4 :], axis=1)
    good = top > 0.0
    half = (steps > 0.5 * top[:, np.newaxis]).argmax(axis=1)
    begin = half - length // 2
    span = length + FLAT_SAMPLES
    good &= (begin >= 0) & (begin + span <= steps.shape[1])
    rows = np.flatnonzero(good)
    found = steps[rows[:, np.newaxis], begin[rows, np.newaxis] + np.arange(span)]
    found /= top[rows, np.newaxis]
    if not len(found):
        return found
    away = np.sqrt(((found - np.median(found, axis=0)) ** 2).mean(axis=1))
    return np.asarray(found[away <= _MOST_AWAY * np.median(away)])


def noise_covariance(baselines: Any, length: int) -> F8:
    """Covariance of ``length`` neighbouring samples, (length, length), symmetric.

    Of baselines (n, samples), pole-zero corrected and less their baseline as pulses are: how they
    walk away from it counts. The mean of the covariances of every stretch of that length, from
    cumulative sums along the diagonals.
    ValueError if the baselines are shorter, or there is none.
    """
    x = np.asarray(baselines, dtype=np.float64)
    if x.ndim != 2 or len(x) == 0 or x.shape[1] < length:
        msg = f"baselines of shape {x.shape}; at least one of {length} samples is needed"
        raise ValueError(msg)
    whole = x.T @ x / len(x)
    n_places = x.shape[1] - length + 1
    out = np.empty((length, length))
    for k in range(length):
        sums = np.concatenate([[0.0], np.cumsum(np.diagonal(whole, k))])
        i = np.arange(length - k)
        out[i, i + k] = out[i + k, i] = (sums[i + n_places] - sums[i]) / n_places
    return out


def flat_top_covariance(pulses: Any, length: int) -> F8:
    """Mean of d d' over pulses and shifts, d the steps of a pulse from one shift to the next.

    ``pulses`` (n, length + shifts), aligned and of height 1: a filter that gives little for d has
    an output that stays while the pulse moves by the shifts. ValueError without a shift.
    """
    x = np.asarray(pulses, dtype=np.float64)
    n_shifts = x.shape[1] - length
    if n_shifts < 1:
        msg = f"pulses of {x.shape[1]} samples leave no shift of a filter of {length}"
        raise ValueError(msg)
    steps = np.diff(x, axis=1)
    total = np.zeros((length, length))
    for shift in range(n_shifts):
        part = steps[:, shift : shift + length]
        total += part.T @ part
    return total / (len(x) * n_shifts)


def dplms_filter(
    noise: F8, pulse: F8, flat_top: F8, decay: float, nm: float, za: float, pl: float, ft: float
) -> DplmsFilter:
    """The kernel x = (nm N + r r' + za 1 1' + pl p p' + ft F)^-1 r, newest sample first.

    Parameters
    ----------
    noise, flat_top
        N and F, (length, length).
    pulse
        r, the mean pulse, (length,), its greatest sample 1.
    decay
        Of the tail p of an earlier pulse, exp(-i / decay), in samples.
    nm, za, pl, ft
        Weights.
    """
    from scipy.linalg import solve

    ones = np.ones(len(pulse))
    tail = np.exp(-np.arange(len(pulse)) / decay)
    matrix = nm * noise + np.outer(pulse, pulse) + za * np.outer(ones, ones)
    matrix += pl * np.outer(tail, tail) + ft * flat_top
    x = solve(matrix, pulse, assume_a="sym")
    height = float(np.convolve(pulse, x[::-1]).max())
    condition = float(np.linalg.cond(matrix))
    return DplmsFilter(np.asarray(x[::-1] / height), nm, za, pl, ft, condition)


def dplms_grid(
    noise: F8,
    pulse: F8,
    flat_top: F8,
    decay: float,
    weights: tuple[Sequence[float], Sequence[float], Sequence[float], Sequence[float]],
    merit: Callable[[F8], Merit],
) -> tuple[pd.DataFrame, DplmsFilter | None]:
    """Every product of the weights (nm, za, pl, ft) with its width, and the filter of the least.

    None where no filter has a width.
    """
    filters = [dplms_filter(noise, pulse, flat_top, decay, *w) for w in product(*weights)]
    merits = [merit(made.coefficients) for made in filters]
    of_filter = ("nm", "za", "pl", "ft", "condition")
    of_merit = ("qbb_fwhm_keV", "qbb_fwhm_err_keV", "fwhm_2614_keV", "reason")
    table = DPLMS_GRID.frame(
        {
            **{name: [getattr(f, name) for f in filters] for name in of_filter},
            **{name: [getattr(m, name) for m in merits] for name in of_merit},
        }
    )
    widths = table["qbb_fwhm_keV"].to_numpy()
    if not np.isfinite(widths).any():
        return table, None
    return table, filters[int(np.nanargmin(widths))]
