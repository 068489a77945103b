"""Profile-likelihood intervals of the coordinates of point sources. Plain functions."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...schemas.arrays import F8
from ...schemas.imaging.sources import SourceFit
from .source_likelihood import FitProblem, cost, search_scales

LEVELS: Final = {68: 1.0, 95: 3.84}
PROFILE_STEPS: Final = 8


def profile_intervals(problem: FitProblem, fit: SourceFit, n_sources: int) -> dict[str, F8]:
    """Ends of the 68 and 95 % intervals of u and v, where 2 ln L falls by 1.00 and 3.84.

    The other parameters are at their best for each value; NaN where no profile is asked for.
    """
    ends: dict[str, F8] = {
        f"{a}_{end}{level}_cm": np.full(n_sources, np.nan)
        for a in "uv"
        for level in LEVELS
        for end in ("low", "high")
    }
    if not problem.settings.profile:
        return ends
    for source in range(n_sources):
        for k, a in enumerate("uv"):
            for level, drop in LEVELS.items():
                for end, sign in (("low", -1.0), ("high", 1.0)):
                    value = _profile_end(problem, fit, n_sources, 2 * source + k, sign, drop)
                    ends[f"{a}_{end}{level}_cm"][source] = value
    return ends


def _profile_end(
    problem: FitProblem, fit: SourceFit, n_sources: int, index: int, sign: float, drop: float
) -> float:
    """Where the profile of one coordinate has fallen by ``drop``, on one side."""
    best, sigma = fit.parameters[index], float(np.sqrt(max(fit.covariance[index, index], 0.0)))
    if not sigma > 0:
        return float("nan")
    top = cost(problem, fit.parameters, n_sources, None)[0]
    rest = np.delete(np.arange(len(fit.parameters)), index)
    scales = search_scales(problem, n_sources)[rest]
    # Along the direction in which the others follow, for a start next to each minimum.
    follow = fit.covariance[rest, index] / fit.covariance[index, index]
    inverse = np.linalg.pinv(fit.covariance, rcond=1e-12, hermitian=True)
    step = np.linalg.pinv(inverse[np.ix_(rest, rest)], rcond=1e-9, hermitian=True)

    def deficit(away: float) -> float:
        p = fit.parameters.copy()
        p[index] = best + away
        p[rest] += follow * away
        for _ in range(3):
            _, gradient = cost(problem, p, n_sources, None)
            move = step @ gradient[rest]
            p[rest] -= np.clip(move, -5.0 * scales, 5.0 * scales)
        return 2.0 * (cost(problem, p, n_sources, None)[0] - top) - drop

    # Secant from the parabola's answer.
    a, fa = 0.0, -drop
    b = sign * sigma * np.sqrt(drop)
    for _ in range(PROFILE_STEPS):
        fb = deficit(b)
        if abs(fb) < 1e-3 * drop or fb == fa:
            break
        # Nearly a parabola: linear in the square root.
        ra, rb = np.sqrt(max(fa + drop, 0.0)), np.sqrt(max(fb + drop, 1e-12))
        target = np.sqrt(drop)
        a, b, fa = b, b + (target - rb) * (b - a) / (rb - ra), fb
    return float(best + b)
