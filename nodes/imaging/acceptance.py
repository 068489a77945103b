"""How many neutrons of a place the array sees, and what leaving it out moves a fit by.

s(X) is a sum over pairs of points in two bars, the same for every X, so that it is smooth: elastic
scattering on protons, the solid angles of both flights, and the chance that both lights pass.
Neither attenuation nor a selection upstream is in it. Plain functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy.special import ndtr

from ...schemas.arrays import F8, I8
from ...schemas.imaging.sources import SourceFit
from ...schemas.imaging.uncertainty import Uncertainty
from ...schemas.tables import categories_of
from .recoil_light import recoil_energies_of_light, recoil_light_MeVee
from .resolutions import light_sigma_MeVee
from .source_likelihood import ISOTROPIC, FitProblem, densities, places, sigmoid

N_PAIRS: Final = 100_000
SEED: Final = 20_017
STEP_CM: Final = 1.0
NEAREST_CM: Final = 3.0
FEWEST_BARS: Final = 2


@dataclass(frozen=True)
class PairsOfPoints:
    """Points in two bars each (n, 3), the materials of the bars, and what passes.

    ``least_light_MeVee`` of the first hit, ``least_recoil_MeV`` (n,) of the second.
    """

    first_cm: F8
    second_cm: F8
    material: pd.Series
    least_light_MeVee: float
    least_recoil_MeV: F8


def pairs_of_points(
    events: pd.DataFrame, bars: pd.DataFrame, light_response: pd.DataFrame
) -> PairsOfPoints | None:
    """Seeded points in the bars of some neutron events, whose least lights are the thresholds."""
    ids, codes, names = _materials(events)
    mine = bars.loc[bars["det_id"].isin(ids)]
    if len(mine) < FEWEST_BARS:
        return None
    rng = np.random.default_rng(SEED)
    n = len(mine)
    first = rng.integers(0, n, N_PAIRS)
    second = (first + rng.integers(1, n, N_PAIRS)) % n
    of_bar = codes[np.searchsorted(ids, mine["det_id"].to_numpy())]
    centre = mine[["centre_x_cm", "centre_y_cm", "centre_z_cm"]].to_numpy()
    half = mine[["axis_x", "axis_y", "axis_z"]].to_numpy() * mine[["half_length_cm"]].to_numpy()
    one, other = (centre[b] + rng.uniform(-1, 1, (N_PAIRS, 1)) * half[b] for b in (first, second))
    material, behind = (pd.Series(categories_of(of_bar[b], names)) for b in (first, second))
    least = np.full(N_PAIRS, events["light2_MeVee"].min())
    recoil, _ = recoil_energies_of_light(least, behind, "proton", light_response)
    light = float(events["light1_MeVee"].min())
    return PairsOfPoints(one, other, material, light, np.nan_to_num(recoil))


def log_acceptance(
    pairs: PairsOfPoints,
    point_cm: F8,
    incident_MeV: float,
    light_response: pd.DataFrame,
    uncertainty: Uncertainty,
) -> float:
    """ln of the sum over pairs of 4 cos(theta) P1 P2 / (R1^2 d^2) at a point (3,)."""
    incoming, onward = pairs.first_cm - point_cm, pairs.second_cm - pairs.first_cm
    r2, d2 = (incoming**2).sum(axis=1), (onward**2).sum(axis=1)
    cosine = np.clip((incoming * onward).sum(axis=1) / np.sqrt(r2 * d2), 0.0, 1.0)
    scattered = incident_MeV * cosine**2
    light = recoil_light_MeVee(incident_MeV - scattered, pairs.material, "proton", light_response)
    sigma = np.maximum(light_sigma_MeVee(light, pairs.material, uncertainty), 1e-9)
    passes = ndtr((light - pairs.least_light_MeVee) / sigma)
    with np.errstate(divide="ignore"):
        passes *= np.maximum(1.0 - pairs.least_recoil_MeV / scattered, 0.0)
    weight = 4.0 * cosine * passes / (r2 * np.maximum(d2, NEAREST_CM**2))
    return float(np.log(np.nansum(weight)))


def acceptance_shift_cm(
    problem: FitProblem,
    fit: SourceFit,
    pairs: PairsOfPoints,
    incident_MeV: float,
    light_response: pd.DataFrame,
    uncertainty: Uncertainty,
) -> F8:
    """(du, dv) by which one Newton step moves one source if events carry 1 / (R1^2 s(X))."""
    q, _ = densities(problem, fit.parameters, 1)
    cones = problem.cones
    share = sigmoid(fit.parameters[places(problem, 1).share])[cones.group]
    is_source = (1.0 - (1.0 - share) * ISOTROPIC / q) * (cones.species == 0)
    apex = cones.apex_cm[cones.start[:-1]]
    gradient = np.zeros(2)
    for axis in range(2):
        ends = []
        for sign in (1.0, -1.0):
            uv = fit.parameters[:2].copy()
            uv[axis] += sign * STEP_CM
            point = problem.world(uv)
            r2 = ((apex - point) ** 2).sum(axis=1)
            ln_s = log_acceptance(pairs, point, incident_MeV, light_response, uncertainty)
            ends.append(float(is_source @ (-np.log(r2) - ln_s)))
        gradient[axis] = (ends[0] - ends[1]) / (2.0 * STEP_CM)
    return np.asarray(fit.covariance[:2, :2] @ gradient)


def _materials(events: pd.DataFrame) -> tuple[I8, I8, tuple[str, ...]]:
    """(detectors, their codes of material, names of materials) of some pairs."""
    names = tuple(str(name) for name in events["material1"].cat.categories)
    ids = np.concatenate([events[f"det_id{k}"].to_numpy(np.int64) for k in (1, 2)])
    codes = np.concatenate([events[f"material{k}"].cat.codes.to_numpy() for k in (1, 2)])
    of_bar = pd.Series(codes, ids).groupby(level=0).first()
    return of_bar.index.to_numpy(), of_bar.to_numpy(np.int8), names
