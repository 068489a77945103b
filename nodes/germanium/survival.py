"""How much of the signal in a peak, and of the events in a window, survives a cut. No nodes.

The spectra of passing and failing events are fitted together, with one shape of the signal, so
the survival is a parameter of the fit and its error includes that of all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, Mask
from ...schemas.germanium.lines import PSD_LINES, Q_BB_KEV, GammaLine
from ...schemas.germanium.survival import COUNTED, FITTED, SURVIVALS, Survival
from ..statistics.intervals import clopper_pearson
from .kernels.peaks import add_peak_likelihood
from .peak_fits import FEWEST_EVENTS, Likelihood, Minimum, minimised, peak_start
from .scales import expected_sigma_keV

PARAMETERS: Final = (
    "mu", "sigma", "h_tail", "tail_per_sigma", "n_sig", "survival", "n_bkg", "bkg_survival",
    "step_passing", "step_failing",
)  # fmt: skip
_SURVIVAL: Final = PARAMETERS.index("survival")
QBB_HALF_WIDTH_KEV: Final = 35.0
_QBB_FWHMS: Final = 2.0
_HALF: Final = 0.5
_NEAR: Final = 0.01
_MOST_TRIES: Final = 20
_LEAST_SIGNAL: Final = 3.0


@dataclass(frozen=True)
class SurvivalFit:
    """A simultaneous fit: the window, the events of both kinds, and the minimum."""

    line: GammaLine
    passing_keV: F8
    failing_keV: F8
    found: Minimum


def _chained(p: F8, at: int) -> tuple[F8, F8]:
    """The 7 parameters of the passing (0) or failing (1) events, and their derivatives (7, 10)."""
    mu, s, h, v, n_sig, eps, n_bkg, eps_bkg, step_passing, step_failing = p
    share, share_bkg = (eps, eps_bkg) if at == 0 else (1.0 - eps, 1.0 - eps_bkg)
    sign = 1.0 if at == 0 else -1.0
    step = step_passing if at == 0 else step_failing
    of = np.zeros((7, 10))
    of[0, 0] = of[1, 1] = of[2, 2] = of[3, 3] = of[6, 8 + at] = 1.0
    of[4, 4], of[4, 5] = share, sign * n_sig
    of[5, 6], of[5, 7] = share_bkg, sign * n_bkg
    return np.array([mu, s, h, v, n_sig * share, n_bkg * share_bkg, step]), of


def simultaneous_likelihood(
    passing: F8, failing: F8, low: float, high: float, has_tail: bool
) -> Likelihood:
    """Minus ln L of both kinds of events, of the parameters PARAMETERS."""

    def likelihood(p: F8, gradient: F8, information: F8) -> float:
        value = 0.0
        for at, x in enumerate((passing, failing)):
            own, of = _chained(p, at)
            g, i = np.zeros(7), np.zeros((7, 7))
            value += add_peak_likelihood(x, low, high, own, has_tail, g, i)
            gradient += of.T @ g
            information += of.T @ (np.tril(i) + np.tril(i, -1).T) @ of
        return value

    return likelihood


def _prepared(line: GammaLine, passing: F8, failing: F8) -> tuple[Likelihood, F8, F8, Any]:
    low, high = line.window_keV
    both = np.concatenate([passing, failing])
    seed, limits = peak_start(both, low, high, expected_sigma_keV(line.energy_keV))
    has_tail = line.model == "hpge"
    share = float(np.clip(len(passing) / max(len(both), 1), 0.02, 0.98))
    h = seed[2] if has_tail else 0.0
    start = np.array(
        [seed[0], seed[1], h, seed[3], seed[4], share, seed[5], share, seed[6], seed[6]]
    )
    unit = (0.0, 1.0)
    bounds = np.array([*limits[:5], unit, limits[5], (1e-4, 1.0 - 1e-4), limits[6], limits[6]])
    # A line of few counts is looked for where the scale puts it.
    bounds[0] = np.clip((line.energy_keV - 3.0, line.energy_keV + 3.0), low, high)
    free = tuple(n for n in PARAMETERS if has_tail or n not in ("h_tail", "tail_per_sigma"))
    return simultaneous_likelihood(passing, failing, low, high, has_tail), start, bounds, free


def survival_fit(line: GammaLine, energy_keV: F8, passes: Mask) -> SurvivalFit | None:
    """The simultaneous fit of a line; None with fewer than 20 events in its window."""
    low, high = line.window_keV
    inside = (energy_keV >= low) & (energy_keV <= high)
    passing, failing = energy_keV[inside & passes], energy_keV[inside & ~passes]
    if len(passing) + len(failing) < FEWEST_EVENTS:
        return None
    likelihood, start, bounds, free = _prepared(line, passing, failing)
    return SurvivalFit(
        line, passing, failing, minimised(likelihood, PARAMETERS, start, bounds, free)
    )


def peak_survival(
    line: GammaLine, energy_keV: F8, passes: Mask, *, interval: bool = True
) -> Survival:
    """The share of the signal of a line that passes, with its 68 % likelihood interval.

    The interval is that in which minus ln L, all else free, is within 0.5 of its minimum; without
    ``interval`` the value and its error from the covariance.
    """
    fit = survival_fit(line, energy_keV, passes)
    if fit is None:
        return no_survival(line.name, f"fewer than {FEWEST_EVENTS} events in the window")
    p, c = fit.found.parameters, fit.found.covariance
    value, error = float(p[_SURVIVAL]), float(np.sqrt(c[_SURVIVAL, _SURVIVAL]))
    n, n_err = float(p[4]), float(np.sqrt(c[4, 4]))
    if not fit.found.converged or not np.isfinite(c).all():
        return no_survival(line.name, "the minimum was not found")
    if not n >= _LEAST_SIGNAL * n_err:
        return no_survival(line.name, f"{n:.1f} +- {n_err:.1f} counts in the peak")
    if not interval:
        return Survival(line.name, value, error, np.nan, np.nan, n, n_err, FITTED)
    low, high = likelihood_interval(fit)
    # At a bound the second derivative tells nothing of the error.
    if error == 0.0 or value - error < 0.0 or value + error > 1.0:
        error = max(value - low, high - value)
    return Survival(line.name, value, error, low, high, n, n_err, FITTED)


def likelihood_interval(fit: SurvivalFit) -> tuple[float, float]:
    """Where minus ln L of the survival, all other parameters free, is 0.5 above its minimum."""
    likelihood, _, bounds, free = _prepared(fit.line, fit.passing_keV, fit.failing_keV)
    others = tuple(name for name in free if name != "survival")
    best = fit.found
    value = float(best.parameters[_SURVIVAL])

    def above(survival: float, start: F8) -> tuple[float, F8]:
        at = start.copy()
        at[_SURVIVAL] = survival
        found = minimised(likelihood, PARAMETERS, at, bounds, others, with_errors=False)
        return found.value - best.value, found.parameters

    error = float(np.sqrt(best.covariance[_SURVIVAL, _SURVIVAL]))
    ends = []
    for bound in (0.0, 1.0):
        sign = 1.0 if bound > value else -1.0
        room = abs(bound - value)
        low, high = 0.0, room
        away, start = min(error if error > 0.0 else 0.1, room), best.parameters
        for _ in range(_MOST_TRIES):
            rise, found = above(value + sign * away, start)
            if abs(rise - _HALF) < _NEAR or (away == room and rise <= _HALF):
                break
            low, high = (away, high) if rise < _HALF else (low, away)
            if rise < _HALF:
                start = found
            # A parabola through the minimum; where it leaves the bracket, the middle of that.
            guess = away * np.sqrt(_HALF / rise) if rise > 0.0 else high
            away = guess if low < guess < high else (high if guess >= room else 0.5 * (low + high))
        ends.append(float(value + sign * away))
    return ends[0], ends[1]


def window_survival(sample: str, passes: Mask, inside: Mask) -> Survival:
    """The share of the events in a window that passes, with Clopper and Pearson's interval."""
    n, k = int(inside.sum()), int((passes & inside).sum())
    if n == 0:
        return no_survival(sample, "no events in the window", COUNTED)
    low, high = clopper_pearson(k, n)
    value = k / n
    error = max(value - float(low), float(high) - value)
    return Survival(
        sample, value, error, float(low), float(high), float(n), float(np.sqrt(n)), COUNTED
    )


def no_survival(sample: str, reason: str, method: str = FITTED) -> Survival:
    """What stands for a survival that cannot be told."""
    nan = float("nan")
    return Survival(sample, nan, nan, nan, nan, nan, nan, method, reason)


def survivals(energy_keV: F8, passes: Mask, qbb_fwhm_keV: float) -> tuple[Survival, ...]:
    """DEP, 1620, SEP and FEP by fits; Q_bb within 2 FWHM and within 35 keV by counting."""
    away = np.abs(energy_keV - Q_BB_KEV)
    return (
        *(peak_survival(line, energy_keV, passes) for line in PSD_LINES),
        window_survival("Qbb", passes, away <= _QBB_FWHMS * qbb_fwhm_keV),
        window_survival("Qbb35", passes, away <= QBB_HALF_WIDTH_KEV),
    )


def survival_table(found: dict[str, tuple[Survival, ...]]) -> pd.DataFrame:
    """Survivals by the name of the cut, as one frame."""
    rows = [(cut, s) for cut, of_cut in found.items() for s in of_cut]
    same = ("sample", "error", "low", "high", "n", "n_err", "method", "reason")
    data: dict[str, Any] = {name: [getattr(s, name) for _, s in rows] for name in same}
    return SURVIVALS.frame(
        {"cut": [cut for cut, _ in rows], "survival": [s.value for _, s in rows], **data}
    )
