"""Fits made again from a fit: other weights of events, other angles of cones. Plain functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, I8, Mask
from ...schemas.imaging.sources import ConeMixture, SourceFit
from .source_likelihood import FitProblem, maximum, source_shares, weighted_maximum
from .source_likelihood import places as places_of


def order_of_sources(problem: FitProblem, fit: SourceFit) -> I8:
    """The sources of a fit, the strongest first."""
    shares = source_shares(fit.parameters, places_of(problem, len(fit.TS)))
    return np.argsort(-shares, kind="stable")


def places_with(problem: FitProblem, fit: SourceFit, weights: F8) -> F8:
    """(u, v) of the sources (n, 2) if events count as often as ``weights`` (m,) say."""
    n = len(fit.TS)
    parameters = weighted_maximum(problem, fit, n, weights)
    return parameters[: 2 * n].reshape(n, 2)


def places_from(problem: FitProblem, fit: SourceFit) -> F8:
    """(u, v) of the sources (n, 2) of another problem, from a fit next to it."""
    n = len(fit.TS)
    return maximum(problem, fit.parameters, n).parameters[: 2 * n].reshape(n, 2)


def with_angles(cones: ConeMixture, theta_rad: F8, sigma_rad: F8) -> ConeMixture:
    """Cones whose first rows have other angles and widths; those without one weigh nothing."""
    n = len(theta_rad)
    good = np.isfinite(theta_rad) & np.isfinite(sigma_rad) & (sigma_rad > 0)
    theta, sigma, weight = (
        values.copy() for values in (cones.theta_rad, cones.sigma_rad, cones.weight)
    )
    theta[:n] = np.where(good, theta_rad, 1.0)
    sigma[:n] = np.where(good, sigma_rad, 1.0)
    weight[:n] = np.where(good, weight[:n], 0.0)
    share = cones.axis_share
    if share is not None:
        # The part of the axis is what it was, and never more than the whole.
        share = np.minimum(share * (cones.sigma_rad / sigma) ** 2, 1.0)
    return replace(cones, theta_rad=theta, sigma_rad=sigma, weight=weight, axis_share=share)


def jackknife(places: Sequence[F8]) -> F8:
    """Half width (n, 2) from fits that each leave one of K bars out.

    sqrt((K - 1) / K sum (x_k - mean)^2): Efron, The Jackknife (1982), chapter 3.
    """
    x = np.stack(places)
    k = len(x)
    return np.asarray(np.sqrt((k - 1) / k * ((x - x.mean(axis=0)) ** 2).sum(axis=0)))


def with_totals(point_sources: pd.DataFrame, position_budget: pd.DataFrame) -> pd.DataFrame:
    """The sources with the half widths of their total 68 % intervals."""
    total = position_budget.loc[position_budget["component"] == "total"].set_index("source")
    rows = total.reindex(np.arange(len(point_sources)))
    widths = {f"{a}_total_cm": rows[f"{a}_cm"].to_numpy() for a in "uv"}
    return point_sources.assign(**widths)


def half_difference(problem: FitProblem, fit: SourceFit, part: Mask, other: Mask) -> F8:
    """Half of what two parts of the events differ by (n, 2)."""
    one, two = (places_with(problem, fit, m.astype(np.float64)) for m in (part, other))
    return np.abs(one - two) / 2.0
