"""Resolutions of the hits of an event: settings and bars in, a sigma or a covariance a hit out.

Plain functions without nodes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, I8
from ...schemas.imaging.uncertainty import Uncertainty
from .cone_geometry import columns3


def light_sigma_MeVee(light_MeVee: F8, material: pd.Series, uncertainty: Uncertainty) -> F8:
    """Resolution of the light of hits, sigma^2 = (a L)^2 + b^2 L + c^2, by material."""
    names = [str(name) for name in material.cat.categories]
    terms = [uncertainty.energy.of(name) for name in names] + [uncertainty.energy]
    # The last entry is for hits without a material, whose code is -1.
    a, b, c = (np.array([getattr(term, k) for term in terms]) for k in "abc")
    code = material.cat.codes.to_numpy()
    light = light_MeVee
    return np.sqrt((a[code] * light) ** 2 + b[code] ** 2 * light + c[code] ** 2)


def hit_positions_cm(events: pd.DataFrame, hit: int) -> F8:
    """Positions (n, 3) of a hit of each event."""
    return columns3(events, f"{{}}{hit}_cm")


def hits_of_events(neutrons: pd.DataFrame, gammas: pd.DataFrame) -> tuple[I8, F8]:
    """(detector, position (n, 3)) of every hit of some events."""
    hits = [(neutrons, k) for k in (1, 2)] + [(gammas, k) for k in (1, 2, 3)]
    return (
        np.concatenate([events[f"det_id{k}"].to_numpy(np.int64) for events, k in hits]),
        np.concatenate([hit_positions_cm(events, k) for events, k in hits]),
    )


def time_sigma_ns(det_id: I8, uncertainty: Uncertainty) -> F8:
    """Resolution of the times of some hits, by detector."""
    sigma = np.full(len(det_id), uncertainty.sigma_of_time_ns())
    for number in uncertainty.time.detectors:
        sigma[det_id == number] = uncertainty.sigma_of_time_ns(number)
    return sigma


def hit_light_sigma_MeVee(events: pd.DataFrame, hit: int, uncertainty: Uncertainty) -> F8:
    """Resolution of the light of a hit of each event."""
    return light_sigma_MeVee(
        events[f"light{hit}_MeVee"].to_numpy(), events[f"material{hit}"], uncertainty
    )


def position_covariance_cm2(
    events: pd.DataFrame, hit: int, bars: pd.DataFrame, uncertainty: Uncertainty
) -> F8:
    """Covariance (n, 3, 3) of the position of a hit: one width along its bar, one across."""
    along = bar_axes(bars, events[f"det_id{hit}"].to_numpy(np.int64))
    along = np.where(np.isnan(along), 0.0, along)
    across2 = uncertainty.sigma_transverse_cm**2
    excess = uncertainty.sigma_along_cm**2 - across2
    return across2 * np.eye(3) + excess * along[:, :, None] * along[:, None, :]


def axis_sigma_rad(
    events: pd.DataFrame,
    candidates: pd.DataFrame,
    bars: pd.DataFrame,
    uncertainty: Uncertainty,
) -> F8:
    """Width of phi from the positions of the two hits of the axis, mean over the azimuth.

    sigma^2 = (tr S - a.S.a) / (2 d^2), S the sum of both covariances, d their distance.
    """
    n_hits = 3 if "x3_cm" in events else 2
    per_event = len(candidates) // max(len(events), 1)
    x = np.stack([hit_positions_cm(events, k + 1) for k in range(n_hits)])
    s = np.stack([position_covariance_cm2(events, k + 1, bars, uncertainty) for k in range(n_hits)])
    row = np.repeat(np.arange(len(events)), per_event)
    first, second = (candidates[f"hit_order_{k}"].to_numpy() for k in (1, 2))
    apart = x[first, row] - x[second, row]
    d2 = (apart * apart).sum(axis=1)
    both = s[first, row] + s[second, row]
    with np.errstate(divide="ignore", invalid="ignore"):
        along = np.einsum("ni,nij,nj->n", apart, both, apart) / d2
        return np.sqrt((np.trace(both, axis1=1, axis2=2) - along) / (2.0 * d2))


def bar_axes(bars: pd.DataFrame, det_id: I8) -> F8:
    """Unit vectors (n, 3) along the bars of some hits; NaN for a detector without a bar."""
    known = bars["det_id"].to_numpy()
    axes = bars[["axis_x", "axis_y", "axis_z"]].to_numpy()
    if len(known) == 0:
        return np.full((len(det_id), 3), np.nan)
    place = np.minimum(np.searchsorted(known, det_id), len(known) - 1)
    return np.where((known[place] == det_id)[:, None], axes[place], np.nan)
