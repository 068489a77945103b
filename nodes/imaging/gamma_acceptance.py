"""How many gamma rays of a place the array sees as three hits.

s(X) is the sum over triples of points in three bars, the same for every X so that it is smooth, of
Klein-Nishina at both scatters over (R1^2 d12^2 d23^2), times the chances that all three deposits
pass the least ones of the data. The third leaves anything up to its Compton edge alike. Energies
are those of the hypotheses, by their weights: the spectrum that was seen, not the one that was
born. Attenuation is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.uncertainty import Uncertainty
from ..constants import ELECTRON_MASS_MEV
from .cone_geometry import unit_vectors
from .cross_sections import klein_nishina
from .plane import plane_to_world

N_TRIPLES: Final = 20_000
SEED: Final = 1
NODES: Final = 15
NEAREST_CM: Final = 3.0
FEWEST_BARS: Final = 3
HITS: Final = (1, 2, 3)


@tag(stage="reconstruction", scope="run")
def gamma_sensitivity_map(
    gamma_weighted_cones: pd.DataFrame,
    gamma_calibrated_events: pd.DataFrame,
    bars: pd.DataFrame,
    uncertainty: Uncertainty,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    image_sensitivity: str,
) -> F8:
    """ln of the acceptance of gamma rays in each pixel over its mean on the plane, (nv, nu).

    0 where it is not counted, and where fewer than three bars have hits of gamma rays.
    """
    from scipy.interpolate import RectBivariateSpline

    ids = [gamma_calibrated_events[f"det_id{k}"].to_numpy() for k in HITS]
    mine = bars.loc[bars["det_id"].isin(np.unique(np.concatenate(ids)))]
    cones = gamma_weighted_cones
    if image_sensitivity != "mc" or len(cones) == 0 or len(mine) < FEWEST_BARS:
        return np.zeros(pixel_grid.shape)
    triples = _triples(mine, cones, gamma_calibrated_events, uncertainty)
    grid = pixel_grid
    u = np.linspace(grid.u_min_cm, grid.u_min_cm + grid.nu * grid.du_cm, NODES)
    v = np.linspace(grid.v_min_cm, grid.v_min_cm + grid.nv * grid.dv_cm, NODES)
    uu, vv = np.meshgrid(u, v, indexing="ij")
    points = plane_to_world(uu.ravel(), vv.ravel(), plane_frame, grid)
    found = np.array([triples.seen_from(point) for point in points]).reshape(NODES, NODES)
    ln_s = np.log(np.maximum(found, np.finfo(np.float64).tiny))
    of_pixels = RectBivariateSpline(u, v, ln_s)(grid.u_centers_cm, grid.v_centers_cm).T
    highest = of_pixels.max()
    return np.asarray(of_pixels - highest - np.log(np.exp(of_pixels - highest).mean()))


@dataclass(frozen=True)
class _Triples:
    """Ways of a gamma ray through the array, with the energy that it is to have.

    ``first_cm`` and the unit vector ``onward`` to the second point (n, 3), ``cosine`` of the second
    scatter, ``weight``, ``energy_MeV``, and the least deposits (3, n).
    """

    first_cm: F8
    onward: F8
    cosine: F8
    weight: F8
    energy_MeV: F8
    least_MeV: F8
    uncertainty: Uncertainty

    def seen_from(self, source_cm: F8) -> float:
        """The sum over the ways of what a source at ``source_cm`` (3,) gives."""
        come = self.first_cm - source_cm
        squared = (come**2).sum(axis=1)
        cosine = (come * self.onward).sum(axis=1) / np.sqrt(squared)
        after, first = _scattered(self.energy_MeV, cosine)
        left, second = _scattered(after, self.cosine)
        edge = left / (1.0 + ELECTRON_MASS_MEV / (2.0 * left))
        passes = np.maximum(1.0 - self.least_MeV[2] / edge, 0.0)
        for deposit, least in ((self.energy_MeV - after, 0), (after - left, 1)):
            passes *= self._chance(deposit, self.least_MeV[least])
        return float((self.weight * first * second * passes / squared).sum())

    def _chance(self, deposit_MeV: F8, least_MeV: F8) -> F8:
        """That a deposit is read above the least one."""
        from scipy.special import ndtr

        told = self.uncertainty.energy
        variance = (told.a * deposit_MeV) ** 2 + told.b**2 * deposit_MeV + told.c**2
        sigma = np.sqrt(np.maximum(variance, 1e-18))
        return np.asarray(ndtr((deposit_MeV - least_MeV) / sigma))


def _scattered(energy_MeV: F8, cosine: F8) -> tuple[F8, F8]:
    """(energy after a Compton scatter, Klein-Nishina)."""
    after = energy_MeV / (1.0 + energy_MeV / ELECTRON_MASS_MEV * (1.0 - cosine))
    return after, klein_nishina(energy_MeV, np.arccos(np.clip(cosine, -1.0, 1.0)))


def _triples(
    bars: pd.DataFrame, cones: pd.DataFrame, events: pd.DataFrame, uncertainty: Uncertainty
) -> _Triples:
    """Seeded ways from bar to bar to bar, never twice in one, and energies by their weights."""
    rng = np.random.default_rng(SEED)
    order = np.argsort(rng.random((N_TRIPLES, len(bars))), axis=1)[:, : len(HITS)]
    centre = bars[["centre_x_cm", "centre_y_cm", "centre_z_cm"]].to_numpy()
    axis = bars[["axis_x", "axis_y", "axis_z"]].to_numpy()
    half = bars["half_length_cm"].to_numpy()
    points = []
    for k in range(len(HITS)):
        bar = order[:, k]
        along = rng.uniform(-1.0, 1.0, N_TRIPLES) * half[bar]
        across = rng.uniform(-1.0, 1.0, (N_TRIPLES, 3)) * np.sqrt(3.0)
        across *= uncertainty.sigma_transverse_cm
        across -= (across * axis[bar]).sum(axis=1)[:, None] * axis[bar]
        points.append(centre[bar] + along[:, None] * axis[bar] + across)
    first, second = points[1] - points[0], points[2] - points[1]
    squares = [np.maximum((way**2).sum(axis=1), NEAREST_CM**2) for way in (first, second)]
    onward, last = unit_vectors(first), unit_vectors(second)
    weights = cones["weight"].to_numpy()
    energy = cones["incident_energy_MeV"].to_numpy()
    drawn = rng.choice(len(energy), N_TRIPLES, p=weights / weights.sum())
    return _Triples(
        first_cm=points[0],
        onward=onward,
        cosine=(onward * last).sum(axis=1),
        weight=1.0 / (squares[0] * squares[1]),
        energy_MeV=energy[drawn],
        least_MeV=_least_deposits_MeV(bars, events)[order.T],
        uncertainty=uncertainty,
    )


def _least_deposits_MeV(bars: pd.DataFrame, events: pd.DataFrame) -> F8:
    """The least deposit of a hit in each bar, whichever of the three it is."""
    ids = np.concatenate([events[f"det_id{k}"].to_numpy() for k in HITS])
    light = np.concatenate([events[f"light{k}_MeVee"].to_numpy() for k in HITS])
    of_bar = pd.Series(light, ids).groupby(level=0).min()
    return np.asarray(of_bar.loc[bars["det_id"].to_numpy()].to_numpy())
