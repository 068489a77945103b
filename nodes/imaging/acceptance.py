"""How many neutrons of a place the array sees, and what of a scatter by its angle.

The density of a double scatter of a source at X is omega(t) / (R1^2 d^2 s(X)), t the true angle:
omega = cos(t) P1 P2, elastic on protons, with the chances that both lights pass, and s(X) the sum
of it over pairs of points in two bars, the same for every X, so that it is smooth. Of an event
whose theta has the first light in it P1 is left out, not of s(X): that light is known, and what it
says of t is in theta and its width. Neither attenuation nor a selection upstream is in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F8, I8
from ...schemas.imaging.codes import Recoil
from ...schemas.imaging.sources import Acceptance
from ...schemas.imaging.uncertainty import AcceptanceSettings, Uncertainty
from ...schemas.tables import categories_of
from .bar_constants import of_bars
from .cone_geometry import unit_vectors
from .recoil_light import recoil_light_MeVee, recoil_light_sigma_MeVee

# Pairs of points of two bars at least.
FEWEST_POINTS: Final = 64
ANGLES: Final = 1025
# Of second recoils, up to that of the neutron.
ENERGIES: Final = 2048
NEAREST_CM: Final = 3.0
FEWEST_BARS: Final = 2
# A bar with fewer hits has the threshold of all.
FEWEST_HITS: Final = 50


@tag(stage="reconstruction", scope="run", helper="true")
@config.when(incident_energy="unknown")
def acceptance__unknown() -> Acceptance:
    """None: what passes is not known without the incident energy."""
    return Acceptance.none()


@tag(stage="reconstruction", scope="run", helper="true")
@config.when(incident_energy="fixed")
def acceptance__known(
    neutron_weighted_cones: pd.DataFrame,
    neutron_calibrated_events: pd.DataFrame,
    bars: pd.DataFrame,
    light_response: pd.DataFrame,
    fixed_energy_MeV: float,
    uncertainty: Uncertainty,
    bar_calibration: pd.DataFrame,
    acceptance_settings: AcceptanceSettings,
) -> Acceptance:
    """What of the neutrons of a place passes.

    Thresholds are the least lights of each bar, or those told, times the gain of the bar.
    """
    events = neutron_calibrated_events
    mine = bars.loc[bars["det_id"].isin(np.unique(events[["det_id1", "det_id2"]].to_numpy()))]
    if len(mine) < FEWEST_BARS:
        return Acceptance.none()
    lights = _least_lights(events, mine, bar_calibration, acceptance_settings)
    thresholds = tuple(_thresholds(events, mine, light) for light in lights)
    told = (thresholds, light_response, fixed_energy_MeV, uncertainty)
    angles = np.linspace(0.0, 0.5 * np.pi, ANGLES)
    omega = _passing(np.cos(angles), *told, light_is_known=uncertainty.combine_light)
    slope = np.gradient(omega, angles[1], axis=1)
    # Beyond the table omega is held.
    slope[:, [0, -1]] = 0.0
    side_cm = acceptance_settings.bar_width_cm or np.sqrt(12.0) * uncertainty.sigma_transverse_cm
    n_pairs = acceptance_settings.sensitivity_pairs
    first_cm, onward, weight, curve = _pairs_of_points(mine, side_cm, n_pairs)
    return Acceptance(
        row_curve=_curves_of_rows(neutron_weighted_cones, events, mine),
        omega=omega,
        slope=slope,
        omega_by_cosine=_passing(np.linspace(0.0, 1.0, ANGLES), *told),
        first_cm=first_cm,
        onward=onward,
        pair_weight=weight,
        pair_curve=curve,
    )


def _pairs_of_points(bars: pd.DataFrame, side_cm: float, n_pairs: int) -> tuple[F8, F8, F8, I8]:
    """Points in a bar (p, 3), unit vectors to points in another, weights, and the row of omega.

    Evenly spread, and more of them where 1 / d^2 is large. Bars are ``side_cm`` wide: lines would
    give s(X) edges where two of them are in line.
    """
    n = len(bars)
    first, second = (a.ravel() for a in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    apart = first != second
    first, second = first[apart], second[apart]
    edges = _edges_cm(bars, side_cm)
    centre = bars[["centre_x_cm", "centre_y_cm", "centre_z_cm"]].to_numpy()
    some = np.repeat(np.arange(len(first)), FEWEST_POINTS)
    one, other = _points_of(centre, edges, first, second, some, FEWEST_POINTS)
    share = _inverse_squares(one, other).reshape(-1, FEWEST_POINTS).mean(axis=1)
    counts = np.maximum(n_pairs * share / share.sum(), FEWEST_POINTS).astype(np.int64)
    pair = np.repeat(np.arange(len(first)), counts)
    one, other = _points_of(centre, edges, first, second, pair, int(counts.max()))
    weight = _inverse_squares(one, other) / counts[pair]
    return one, unit_vectors(other - one), weight, (first * n + second)[pair]


def _points_of(centre: F8, edges: F8, first: I8, second: I8, pair: I8, most: int) -> tuple[F8, F8]:
    """Points (p, 3) in the first and second bar of each ``pair``; at most so many of one pair."""
    from scipy.stats import qmc

    even = qmc.Sobol(6, scramble=False).random_base2(int(np.ceil(np.log2(most))))
    spread = 2.0 * even + 1.0 / len(even) - 1.0
    starts = np.searchsorted(pair, pair)
    rows = spread[np.arange(len(pair)) - starts]
    bars = (first[pair], second[pair])
    one, other = (
        centre[bar] + np.einsum("pk,pkx->px", rows[:, 3 * k : 3 * k + 3], edges[bar])
        for k, bar in enumerate(bars)
    )
    return one, other


def _edges_cm(bars: pd.DataFrame, side_cm: float) -> F8:
    """Half the edges (n, 3, 3) of bars: along, and two across."""
    axis = bars[["axis_x", "axis_y", "axis_z"]].to_numpy()
    across = unit_vectors(np.cross(axis, np.eye(3)[np.argmin(np.abs(axis), axis=1)]))
    half = 0.5 * side_cm
    along = axis * bars[["half_length_cm"]].to_numpy()
    return np.stack([along, half * across, half * np.cross(axis, across)], axis=1)


def _inverse_squares(one: F8, other: F8) -> F8:
    return 1.0 / np.maximum(((other - one) ** 2).sum(axis=1), NEAREST_CM**2)


def _passing(
    cosine: F8,
    thresholds: tuple[pd.DataFrame, ...],
    light_response: pd.DataFrame,
    incident_MeV: float,
    uncertainty: Uncertainty,
    *,
    light_is_known: bool = False,
) -> F8:
    """cos(t) P1 P2 (n^2 + 1, angles) of n bars, first bar times n plus second; at last 1.

    Without P1 where the light of the first hit is known.
    """
    scattered = incident_MeV * cosine**2
    step = incident_MeV / ENERGIES
    edges = np.linspace(0.0, incident_MeV, ENERGIES + 1)
    middles = edges[:-1] + 0.5 * step
    recoil = incident_MeV - scattered
    of_first, of_second = [], []
    for row in range(len(thresholds[0])):
        one, other = (_light_passes(t, row, light_response, uncertainty) for t in thresholds)
        of_first.append(np.ones_like(cosine) if light_is_known else one(recoil))
        # Isotropic in the centre of mass: the second recoil takes any energy up to E'.
        below = np.append(0.0, step * np.cumsum(other(middles)))
        of_second.append(np.interp(scattered, edges, below) / np.maximum(scattered, step))
    both = cosine * np.stack(of_first)[:, None, :] * np.stack(of_second)[None, :, :]
    return np.concatenate([both.reshape(-1, len(cosine)), np.ones((1, len(cosine)))])


def _light_passes(
    thresholds: pd.DataFrame, row: int, light_response: pd.DataFrame, uncertainty: Uncertainty
) -> Callable[[F8], F8]:
    """The chance that the light of a proton of some energies, as read, passes in a bar."""
    from scipy.special import ndtr

    least = thresholds["light_MeVee"].iloc[row]

    def passes(energy_MeV: F8) -> F8:
        material = pd.Series(_material(thresholds, row, len(energy_MeV)))
        light = recoil_light_MeVee(energy_MeV, material, "proton", light_response)
        told = (light, material, "proton", light_response, uncertainty)
        sigma = np.maximum(recoil_light_sigma_MeVee(*told), 1e-9)
        return np.asarray(np.where(np.isfinite(light), ndtr((light - least) / sigma), 1.0))

    return passes


def _material(thresholds: pd.DataFrame, row: int, n: int) -> pd.Categorical:
    column = thresholds["material"]
    return categories_of(
        np.full(n, column.cat.codes.iloc[row], np.int8), tuple(column.cat.categories)
    )


def _least_lights(
    events: pd.DataFrame,
    bars: pd.DataFrame,
    constants: pd.DataFrame,
    settings: AcceptanceSettings,
) -> list[F8]:
    """Least light of the first and of the second hit in each bar, MeVee, as corrected."""
    det_id = bars["det_id"].to_numpy()
    if settings.thresholds_MeVee is not None:
        gain = of_bars(constants, "light_gain", det_id, 1.0)
        return [light * gain for light in settings.thresholds_MeVee]
    found = []
    for hit in (1, 2):
        light = events[f"light{hit}_MeVee"]
        grouped = light.groupby(events[f"det_id{hit}"].to_numpy())
        of_bar = grouped.min()[grouped.size() >= FEWEST_HITS]
        found.append(of_bar.reindex(det_id).fillna(float(light.min())).to_numpy())
    return found


def _thresholds(events: pd.DataFrame, bars: pd.DataFrame, light_MeVee: F8) -> pd.DataFrame:
    """Least light of a hit in each bar, and the material."""
    det_id = bars["det_id"].to_numpy()
    pair = [events[f"det_id{k}"].to_numpy() for k in (1, 2)]
    material = events["material1"]
    codes = [events[f"material{k}"].cat.codes.to_numpy() for k in (1, 2)]
    code = pd.Series(np.concatenate(codes), np.concatenate(pair)).groupby(level=0).first()
    names = tuple(str(name) for name in material.cat.categories)
    seen = pd.Series(categories_of(code.loc[det_id].to_numpy(np.int8), names))
    return pd.DataFrame({"light_MeVee": light_MeVee, "material": seen})


def _curves_of_rows(cones: pd.DataFrame, events: pd.DataFrame, bars: pd.DataFrame) -> I8:
    """The row of omega of each hypothesis; that of scatters on carbon, which has no model, is 1."""
    det_id = bars["det_id"].to_numpy()
    index = cones["event_index"].to_numpy()
    first, second = (
        np.searchsorted(det_id, events[f"det_id{k}"].to_numpy()[index]) for k in (1, 2)
    )
    carbon = (cones["recoil_code"] == Recoil.carbon).to_numpy()
    return np.where(carbon, len(bars) ** 2, first * len(bars) + second).astype(np.int64)
