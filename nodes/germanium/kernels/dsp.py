"""All columns of the dsp tier that come from waveforms, a row a waveform.

Energies are made of the slow (presummed) waveform, times and currents of the fast one. Each row is
computed by itself, so the columns do not depend on which rows are computed together.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit

from .pulses import (
    AOE_OUTPUTS,
    AOE_SAMPLES,
    AOE_UP,
    between,
    convolved,
    corrected,
    crossing_back,
    crossing_forward,
    ends_apart,
    extremes,
    greatest_current,
    line,
    pulse_start,
    recursed,
    span_of,
    step,
    trapezoid_at,
    trapezoid_between,
    trapezoids,
)

COLUMNS: Final = (
    "tp_min", "tp_max", "wf_min", "wf_max", "t_sat_lo", "t_sat_hi", "t_discharge",
    "tp_min_win", "tp_max_win", "wf_min_win", "wf_max_win",
    "bl_mean", "bl_std", "bl_slope", "bl_intercept", "bl_slope_diff", "bl_slope_rms",
    "pz_slope", "pz_std", "pz_mean", "pz_slope_diff", "pz_slope_rms",
    "trapTmax", "trapSmax", "trapEmax", "trapEftp",
    "cuspEmax", "zacEmax", "zacEftp", "cuspEftp",
    "tp_0_est", "tp_0_atrap",
    "tp_01", "tp_10", "tp_20", "tp_50", "tp_80", "tp_90", "tp_95", "tp_99", "tp_100",
    "A_max", "tp_aoe_max", "QDrift", "dt_eff", "lq80",
    "dt_eff_invert", "trapTmax_invert", "trapTftp_invert", "tp_0_invert",
    "tp_100_invert", "tp_99_invert", "tp_90_invert", "tp_80_invert", "tp_50_invert",
    "tp_20_invert", "tp_10_invert",
    "trapTftp", "tail_slope", "dplmsEmax",
)  # fmt: skip
"""The columns of ``dsp_rows``, in the order of its output."""


class Trapezoid(NamedTuple):
    """Samples of rise and flat top, and where on it the value of a fixed time is taken."""

    rise: int
    flat: int
    pick: float


class Decay(NamedTuple):
    """What is left of a pulse a sample later, of the slower and the faster decay, and fraction."""

    a: float
    b: float
    f: float


class Recipe(NamedTuple):
    """What is done to each waveform, in samples; ``pick`` is a time from the start of the pulse.

    Attributes
    ----------
    baseline, tail
        Where the baseline of the slow waveform ends, and where its tail begins.
    decay, fast_decay
        Of both waveforms.
    energy, timing, short
        Trapezoids of the slow waveform: trapE, trapT, trapS.
    cusp_samples
        Samples that the cusps are run over.
    cusp_pick, zac_pick
        Output of the cusps of a fixed time, from the start of the pulse.
    drift
        Trapezoid of the fast waveform that integrates the drift; ``pick`` is its whole length.
    fast_baseline
        Where the baseline of the fast waveform ends.
    start, slow_start
        Rise, flat top and fall of the trapezoid that finds the start, of both waveforms.
    slow_ns, fast_ns, fast_t0_ns
        Time of a sample of both, and of the first fast one from the first slow one.
    slow_rail, drift_ns
        Greatest value of a sample, and the time over which the drift is integrated.
    tail_slope
        Whether logarithms of the tail are fitted.
    """

    baseline: int
    tail: int
    decay: Decay
    fast_decay: Decay
    energy: Trapezoid
    timing: Trapezoid
    short: Trapezoid
    cusp_samples: int
    cusp_pick: float
    zac_pick: float
    drift: Trapezoid
    fast_baseline: int
    start: tuple[int, int, int]
    slow_start: tuple[int, int, int]
    slow_ns: float
    fast_ns: float
    fast_t0_ns: float
    slow_rail: float
    drift_ns: float
    tail_slope: bool = False


_TP_MIN, _TP_MAX, _WF_MIN, _WF_MAX, _SAT_LO, _SAT_HI, _DISCHARGE = range(7)
_WIN: Final = COLUMNS.index("tp_min_win")
_BL: Final = COLUMNS.index("bl_mean")
_PZ: Final = COLUMNS.index("pz_slope")
_TRAP: Final = COLUMNS.index("trapTmax")
_CUSP: Final = COLUMNS.index("cuspEmax")
_TP0: Final = COLUMNS.index("tp_0_est")
_TP_01: Final = COLUMNS.index("tp_01")
_A: Final = COLUMNS.index("A_max")
_Q: Final = COLUMNS.index("QDrift")
_INVERT: Final = COLUMNS.index("dt_eff_invert")
_TP_INVERT: Final = COLUMNS.index("tp_0_invert")
_TFTP: Final = COLUMNS.index("trapTftp")
_DPLMS: Final = COLUMNS.index("dplmsEmax")
_LEVELS: Final = (0.01, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
_INVERTED: Final = (1.0, 0.99, 0.9, 0.8, 0.5, 0.2, 0.1)
_99, _95, _80 = 7, 6, 4


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, error_model="numpy")
def dsp_rows(slow: Any, fast: Any, cusp: Any, zac: Any, dplms: Any, recipe: Any, out: Any) -> None:
    """Fill ``out`` (len(COLUMNS), n) from waveforms (n, samples) of float32.

    ``cusp`` and ``zac`` are each a ``Recursion``, ``dplms`` is a filter, newest sample first, or
    empty. NaN where a step has no answer.
    """
    n_slow, n_fast = slow.shape[1], fast.shape[1]
    longest = max(n_slow, n_fast)
    pz = np.empty(n_slow)
    fast_pz = np.empty(n_fast)
    pad = _longest(recipe)
    sums = np.zeros(pad + n_slow + 1)
    fast_sums = np.zeros(pad + n_fast + 1)
    scratch = np.empty(longest)
    one, two = np.empty(AOE_SAMPLES), np.empty(AOE_OUTPUTS)
    coarse = np.empty(AOE_SAMPLES)
    left = np.empty(recipe.cusp_samples)
    dplms = dplms[::-1].copy()
    values = np.empty(out.shape[0], np.float32)
    for row in range(slow.shape[0]):
        values[:] = np.nan
        wave = slow[row]
        _extremes(wave, recipe.slow_ns, 0.0, recipe.slow_rail, values)
        _window_extremes(fast[row], recipe.fast_ns, recipe.fast_t0_ns, values)
        pedestal = _baseline(wave, recipe.baseline, values)
        decay, fast_decay = recipe.decay, recipe.fast_decay
        corrected(wave, pedestal, decay.a, decay.b, decay.f, pz, sums, pad)
        _tail(wave, pedestal, pz, recipe.tail, recipe.tail_slope, values)
        corrected(
            fast[row], pedestal, fast_decay.a, fast_decay.b, fast_decay.f, fast_pz, fast_sums, pad
        )
        _energies(sums, pad, n_slow, recipe, scratch, values)
        start = _times(fast_pz, fast_sums, pad, recipe, scratch, values)
        for i in range(recipe.cusp_samples):
            left[i] = wave[i] - pedestal
        _at_fixed_time(left, sums, pad, cusp, zac, recipe, scratch, values)
        if len(dplms):
            n_out = convolved(pz, recipe.cusp_samples, dplms, scratch)
            values[_DPLMS] = extremes(scratch, n_out)[0]
        _drift(fast_sums, pad, n_fast, start, recipe, values)
        if start >= 0 and start + AOE_SAMPLES <= n_fast:
            current, place = greatest_current(fast_pz, start, one, two, coarse)
            values[_A] = current
            at = start + place / AOE_UP
            values[_A + 1] = recipe.fast_t0_ns + at * recipe.fast_ns
        _inverted(pz, sums, pad, recipe, scratch, values)
        # Not out[:, row] = values: its error of a wrong shape is a second of compiling.
        for column in range(len(values)):
            out[column, row] = values[column]


@step()
def _longest(recipe: Any) -> int:
    """Samples of the longest of the filters that are made of sums."""
    longest = 0
    for shape in (recipe.energy, recipe.timing, recipe.short, recipe.drift):
        longest = max(longest, 2 * shape.rise + shape.flat)
    for rise, flat, fall in (recipe.start, recipe.slow_start):
        longest = max(longest, rise + flat + fall)
    return longest


@step()
def _extremes(wave: Any, dt: float, t0: float, rail: float, values: Any) -> None:
    least, greatest, low, high = span_of(wave)
    values[_TP_MIN], values[_TP_MAX] = t0 + low * dt, t0 + high * dt
    values[_WF_MIN], values[_WF_MAX] = least, greatest
    at_low = at_high = 0
    if least <= 0.0 or greatest >= rail:
        for i in range(len(wave) - 1, -1, -1):
            if wave[i] <= 0.0:
                at_low += 1
                values[_DISCHARGE] = t0 + i * dt
            elif wave[i] >= rail:
                at_high += 1
    values[_SAT_LO], values[_SAT_HI] = at_low * dt, at_high * dt


@step()
def _window_extremes(wave: Any, dt: float, t0: float, values: Any) -> None:
    least, greatest, low, high = span_of(wave)
    values[_WIN], values[_WIN + 1] = t0 + low * dt, t0 + high * dt
    values[_WIN + 2], values[_WIN + 3] = least, greatest


@step()
def _baseline(wave: Any, stop: int, values: Any) -> float:
    mean, deviation, slope, intercept, rms = line(wave, 0, stop)
    values[_BL], values[_BL + 1], values[_BL + 2] = mean, deviation, slope
    values[_BL + 3] = intercept
    values[_BL + 4] = ends_apart(wave, 0, stop)
    values[_BL + 5] = rms
    return mean


@step()
def _tail(wave: Any, pedestal: float, pz: Any, start: int, with_slope: bool, values: Any) -> None:
    n = len(pz)
    mean, deviation, slope, _, rms = line(pz, start, n)
    values[_PZ], values[_PZ + 1], values[_PZ + 2] = slope, deviation, mean
    values[_PZ + 3] = ends_apart(pz, start, n)
    values[_PZ + 4] = rms
    if not with_slope:
        return
    # The slope of the logarithm of the tail, where it has one.
    total = weighted = 0.0
    for i in range(n - start):
        sample = wave[start + i] - pedestal
        if not sample > 0.0:
            return
        logarithm = np.log(sample)
        total += logarithm
        weighted += logarithm * i
    m = n - start
    values[_TFTP + 1] = (weighted - 0.5 * (m - 1) * total) / (m * (m * m - 1.0) / 12.0)


@step()
def _energies(sums: Any, pad: int, n: int, recipe: Any, scratch: Any, values: Any) -> None:
    timing, short, energy = recipe.timing, recipe.short, recipe.energy
    trapezoids(sums, pad, n, timing.rise, timing.flat, timing.rise, 1.0, scratch)
    high, low = extremes(scratch, n)
    values[_TRAP] = high
    values[_INVERT + 1] = -low
    trapezoids(sums, pad, n, short.rise, short.flat, short.rise, 1.0, scratch)
    values[_TRAP + 1] = extremes(scratch, n)[0]
    if energy.rise == timing.rise and energy.flat == timing.flat:
        values[_TRAP + 2] = high
        return
    trapezoids(sums, pad, n, energy.rise, energy.flat, energy.rise, 1.0, scratch)
    values[_TRAP + 2] = extremes(scratch, n)[0]


@step()
def _times(pz: Any, sums: Any, pad: int, recipe: Any, scratch: Any, values: Any) -> int:
    """Start of the pulse and its levels; the sample of the start, -1 without one."""
    n = len(pz)
    noise = line(pz, 0, recipe.fast_baseline)[1]
    start = pulse_start(sums, pad, n, recipe.start, noise, 1.0, scratch)
    if start < 0:
        return start
    dt, t0 = recipe.fast_ns, recipe.fast_t0_ns
    values[_TP0] = t0 + start * dt
    values[_TP0 + 1] = values[_TP0]
    height = values[_TRAP]
    top = crossing_forward(pz, start, height)
    if top >= 0:
        values[_TP_01 + 8] = t0 + top * dt
    at = crossing_forward(pz, start, _LEVELS[_99] * height)
    k = _99
    while at >= 0:
        values[_TP_01 + k] = t0 + at * dt
        if k == _99:
            k = _95
            late = crossing_back(pz, at, _LEVELS[k] * height)
            if late >= 0:
                values[_TP_01 + k] = t0 + late * dt
        k -= 1
        if k < 0:
            break
        at = crossing_back(pz, at, _LEVELS[k] * height)
    return start


@step()
def _at_fixed_time(
    left: Any, sums: Any, pad: int, cusp: Any, zac: Any, recipe: Any, scratch: Any, values: Any
) -> None:
    n = len(sums) - 1 - pad
    at = values[_TP0] / recipe.slow_ns
    timing, energy = recipe.timing, recipe.energy
    values[_TFTP] = trapezoid_between(sums, pad, n, at + timing.pick, timing.rise, timing.flat)
    values[_TRAP + 3] = trapezoid_between(sums, pad, n, at + energy.pick, energy.rise, energy.flat)
    n_out = recursed(left, recipe.cusp_samples, cusp, scratch)
    values[_CUSP] = extremes(scratch, n_out)[0]
    values[_CUSP + 3] = between(scratch, n_out, at + recipe.cusp_pick)
    n_out = recursed(left, recipe.cusp_samples, zac, scratch)
    values[_CUSP + 1] = extremes(scratch, n_out)[0]
    values[_CUSP + 2] = between(scratch, n_out, at + recipe.zac_pick)


@step()
def _drift(sums: Any, pad: int, n: int, start: int, recipe: Any, values: Any) -> None:
    drift = recipe.drift
    length = int(drift.pick)
    if start >= 0 and start + length < n:
        charge = recipe.drift_ns * trapezoid_at(
            sums, pad, start + length, drift.rise, drift.flat, drift.rise
        )
        values[_Q] = charge
        values[_Q + 1] = charge / values[_TRAP]
    late = (values[_TP_01 + _80] - recipe.fast_t0_ns) / recipe.fast_ns
    if late >= 0.0 and late + length < n:
        values[_Q + 2] = recipe.drift_ns * trapezoid_at(
            sums, pad, int(late + 0.5) + length, drift.rise, drift.flat, drift.rise
        )


@step()
def _inverted(pz: Any, sums: Any, pad: int, recipe: Any, scratch: Any, values: Any) -> None:
    """The same of the slow pulse turned over."""
    n = len(pz)
    noise = line(pz, 0, recipe.baseline)[1]
    start = pulse_start(sums, pad, n, recipe.slow_start, noise, -1.0, scratch)
    if start < 0:
        return
    dt = recipe.slow_ns
    height = values[_INVERT + 1]
    values[_TP_INVERT] = start * dt
    timing = recipe.timing
    at = start + timing.pick
    values[_INVERT + 2] = -trapezoid_between(sums, pad, n, at, timing.rise, timing.flat)
    top = crossing_forward(pz, start, height, -1.0)
    if top >= 0:
        values[_TP_INVERT + 1] = top * dt
    place = crossing_forward(pz, start, 0.99 * height, -1.0)
    k = 1
    while place >= 0:
        values[_TP_INVERT + 1 + k] = place * dt
        k += 1
        if k == len(_INVERTED):
            break
        place = crossing_back(pz, place, _INVERTED[k] * height, -1.0)
    rise = int(recipe.drift.rise * recipe.fast_ns / dt + 0.5)
    flat = int(recipe.drift.flat * recipe.fast_ns / dt + 0.5)
    length = 2 * rise + flat
    if start + length < n:
        charge = -recipe.drift_ns * trapezoid_at(sums, pad, start + length, rise, flat, rise)
        values[_INVERT] = charge / height
