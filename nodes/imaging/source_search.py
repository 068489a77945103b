"""Where the search of point sources begins, and the maximum that it ends at. Plain functions."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from ...schemas.arrays import F8
from ...schemas.imaging.sources import SourceFit
from ...schemas.imaging.uncertainty import PointFit
from .source_likelihood import (
    ISOTROPIC,
    FitProblem,
    cost,
    densities,
    maximum,
    places,
    significance,
)

# Steps of the map where the fit begins: cones are far wider.
START_STEPS: Final = 40
# Pairs of sources that a search begins with: how far apart, and the share of the first.
PAIR_DISTANCES_CM: Final = (10.0, 20.0, 30.0)
PAIR_SHARES: Final = (0.5, 0.85)
PAIRS_TRIED: Final = 2


def fit_start(problem: FitProblem, known: F8) -> tuple[F8, float]:
    """((u, v), share) of the most significant source on a coarse grid of the plane."""
    grid = problem.grid
    u = np.linspace(grid.u_min_cm, grid.u_max_cm, START_STEPS + 1)
    v = np.linspace(grid.v_min_cm, grid.v_max_cm, START_STEPS + 1)
    places_cm = np.stack([a.ravel() for a in np.meshgrid(u, v)], axis=1)
    statistic, fraction = significance(problem, places_cm, known)
    best = int(np.argmax(statistic))
    return places_cm[best], float(np.clip(fraction[best], 0.01, 0.99))


def fitted_sources(problem: FitProblem) -> SourceFit:
    """The maximum of the likelihood, from the maximum of a coarse map of significance.

    Without events there is no source.
    """
    if problem.cones.n_events == 0:
        return SourceFit(np.zeros(0), np.zeros((0, 0)), 0.0, ())
    groups, n_species = problem.n_groups, len(problem.present)
    isotropic = np.full(problem.cones.n_events, ISOTROPIC)
    nuisance = np.zeros(2 * n_species)
    nuisance[:n_species] = _bias_start(problem.settings)
    uv, fraction = fit_start(problem, isotropic)
    free = np.zeros(int(problem.settings.free_distance))
    first = np.concatenate([uv, nuisance, np.full(groups, _logit(fraction)), free])
    fit = maximum(problem, first, 1)
    alone = problem.cones.n_events * np.log(ISOTROPIC)
    strengths = (2.0 * (fit.log_likelihood - alone),)
    if problem.settings.n_sources == 1:
        return replace(fit, TS=strengths)
    two = min(
        (maximum(problem, start, 2) for start in _starts_of_two(problem, fit)),
        key=lambda found: cost(problem, found.parameters, 2, None)[0],
    )
    return replace(two, TS=(*strengths, 2.0 * (two.log_likelihood - fit.log_likelihood)))


def _starts_of_two(problem: FitProblem, one: SourceFit) -> list[F8]:
    """Where the search of two sources begins: one source alone hides a near one in its width.

    The highest point of the map beside the one, and the likeliest of the pairs around it, with the
    widths as they are given.
    """
    known, _ = densities(problem, one.parameters, 1)
    uv, fraction = fit_start(problem, known)
    at, rest = one.parameters[:2], one.parameters[2:].copy()
    share = float(np.clip(1.0 - fraction, 0.05, 0.95))
    starts = [np.concatenate([at, uv, [_logit(share)], rest])]
    rest[places(problem, 1).scale.start - 2 : places(problem, 1).scale.stop - 2] = 0.0
    angle = np.pi / 4.0 * np.arange(8)
    away = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    pairs = [
        np.concatenate([at - (1.0 - r) * d * e, at + r * d * e, [_logit(r)], rest])
        for d in PAIR_DISTANCES_CM
        for r in PAIR_SHARES
        for e in away
    ]
    costs = [cost(problem, p, 2, None)[0] for p in pairs]
    return starts + [pairs[k] for k in np.argsort(costs)[:PAIRS_TRIED]]


def _bias_start(settings: PointFit) -> float:
    return 0.0 if settings.bias_rad == "fit" else float(settings.bias_rad)


def _logit(p: float) -> float:
    return float(np.log(p / (1.0 - p)))
