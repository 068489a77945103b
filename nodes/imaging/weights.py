"""Weights of the hypotheses of an event: physics alone, neither a plane nor a prior.

Neutron: elastic scattering, isotropic in the centre of mass, times the nuclei of the material,
times the probability of the light where the incident energy is known. Gamma: Klein-Nishina at
both scatters, flight paths, times and the Compton edge of what is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F8
from ...schemas.imaging.codes import GAMMA_ORDERS, CandidateStatus, Recoil
from ...schemas.imaging.frames import CONE_WIDTHS, WEIGHTED_CONES
from ...schemas.imaging.uncertainty import Reconstruction, Uncertainty
from ..constants import ELECTRON_MASS_MEV, SPEED_OF_LIGHT_CM_PER_NS
from .cone_geometry import columns3
from .cross_sections import elastic_probability_per_sr, klein_nishina
from .kinematics import RECOIL_MASS_MEV
from .recoil_light import recoil_light_MeVee, recoil_light_sigma_MeVee

# Atoms of hydrogen and carbon, per cent: SRIM-2013 compounds of the NOVO light response.
ATOM_SHARES: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "OGS": {"proton": 53.16, "carbon": 45.60},
        "M600": {"proton": 52.20, "carbon": 36.33},
    }
)
EDGE_TOLERANCE: Final = 1.15
BEYOND_EDGE: Final = -20.0


@tag(stage="uncertainty", rows="neutron_candidate_cones")
@config.when(light_of_recoil="known")
def neutron_candidate_weights__light(
    neutron_calibrated_events: pd.DataFrame,
    neutron_candidate_cones: pd.DataFrame,
    light_response: pd.DataFrame,
    uncertainty: Uncertainty,
    reconstruction: Reconstruction,
    protons_only: bool,
) -> F8:
    """Share of each neutron hypothesis in its event; the light tells proton from carbon."""
    events, cones = neutron_calibrated_events, neutron_candidate_cones
    log_p = _elastic_log_probability(cones, events["material1"])
    log_p += _light_log_probability(events, cones, light_response, uncertainty)
    return _shares(_allowed(cones, log_p, reconstruction, protons_only), 2, reconstruction)


@tag(stage="uncertainty", rows="neutron_candidate_cones")
@config.when(light_of_recoil="unknown")
def neutron_candidate_weights__no_light(
    neutron_calibrated_events: pd.DataFrame,
    neutron_candidate_cones: pd.DataFrame,
    reconstruction: Reconstruction,
    protons_only: bool,
) -> F8:
    """Share of each neutron hypothesis in its event; the light is what made its energy."""
    cones = neutron_candidate_cones
    log_p = _elastic_log_probability(cones, neutron_calibrated_events["material1"])
    return _shares(_allowed(cones, log_p, reconstruction, protons_only), 2, reconstruction)


@tag(stage="uncertainty", rows="gamma_candidate_cones")
def gamma_candidate_weights(
    gamma_calibrated_events: pd.DataFrame,
    gamma_energies: pd.DataFrame,
    gamma_candidate_cones: pd.DataFrame,
    line_log_weight: F8,
    uncertainty: Uncertainty,
    reconstruction: Reconstruction,
) -> F8:
    """Share of each order of the hits in its gamma event."""
    events, cones = gamma_calibrated_events, gamma_candidate_cones
    x = np.stack([columns3(events, f"{{}}{k}_cm") for k in (1, 2, 3)])
    t = np.stack([events[f"t{k}_ns"].to_numpy() for k in (1, 2, 3)])
    dE = np.stack([gamma_energies[f"deposited{k}_energy_MeV"].to_numpy() for k in (1, 2, 3)])
    incident = cones["incident_energy_MeV"].to_numpy().reshape(-1, len(GAMMA_ORDERS))
    theta = cones["theta_rad"].to_numpy().reshape(-1, len(GAMMA_ORDERS))
    sigma_t = uncertainty.sigma_of_time_ns()
    log_p = np.stack(
        [
            _order_log_probability(x, t, dE, incident[:, n], theta[:, n], order, sigma_t)
            for n, order in enumerate(GAMMA_ORDERS)
        ],
        axis=1,
    ).ravel()
    log_p += line_log_weight
    allowed = _allowed(cones, log_p, reconstruction, protons_only=False)
    return _shares(allowed, len(GAMMA_ORDERS), reconstruction)


@tag(stage="uncertainty", schema="WeightedCones")
def neutron_weighted_cones(
    neutron_candidate_cones: pd.DataFrame,
    neutron_candidate_sigmas: pd.DataFrame,
    neutron_candidate_weights: F8,
) -> pd.DataFrame:
    """Neutron hypotheses with a weight, in the order of their events."""
    return _weighted(neutron_candidate_cones, neutron_candidate_sigmas, neutron_candidate_weights)


@tag(stage="uncertainty", schema="WeightedCones")
def gamma_weighted_cones(
    gamma_candidate_cones: pd.DataFrame,
    gamma_candidate_sigmas: pd.DataFrame,
    gamma_candidate_weights: F8,
) -> pd.DataFrame:
    """Orders of gamma events with a weight, in the order of their events."""
    return _weighted(gamma_candidate_cones, gamma_candidate_sigmas, gamma_candidate_weights)


@tag(stage="uncertainty", schema="ConeWidths")
def neutron_cone_widths(
    neutron_selected_cones: pd.DataFrame, neutron_candidate_sigmas: pd.DataFrame
) -> pd.DataFrame:
    """How wide each of neutron_selected_cones is."""
    return _widths(neutron_selected_cones, neutron_candidate_sigmas)


@tag(stage="uncertainty", schema="ConeWidths")
def gamma_cone_widths(
    gamma_selected_cones: pd.DataFrame, gamma_candidate_sigmas: pd.DataFrame
) -> pd.DataFrame:
    """How wide each of gamma_selected_cones is."""
    return _widths(gamma_selected_cones, gamma_candidate_sigmas)


def _widths(cones: pd.DataFrame, sigmas: pd.DataFrame) -> pd.DataFrame:
    chosen = sigmas.take(cones["candidate_row"].to_numpy())
    return CONE_WIDTHS.frame({name: chosen[name].to_numpy() for name in CONE_WIDTHS.names})


def _elastic_log_probability(cones: pd.DataFrame, material: pd.Series) -> F8:
    theta = cones["theta_rad"].to_numpy().reshape(-1, len(RECOIL_MASS_MEV))
    names = [str(name) for name in material.cat.categories]
    columns = []
    for k, (recoil, mass) in enumerate(RECOIL_MASS_MEV.items()):
        # A material that is not known has as many of one as of the other.
        atoms = np.array([ATOM_SHARES.get(name, {}).get(recoil, 50.0) for name in names] + [50.0])
        with np.errstate(divide="ignore"):
            density = elastic_probability_per_sr(theta[:, k], mass)
            columns.append(np.log(density * atoms[material.cat.codes.to_numpy()]))
    return np.stack(columns, axis=1).ravel()


def _light_log_probability(
    events: pd.DataFrame,
    cones: pd.DataFrame,
    light_response: pd.DataFrame,
    uncertainty: Uncertainty,
) -> F8:
    """ln N(L; L(E_r), sigma_L) of each hypothesis; 0 for a material without a curve."""
    light, material = events["light1_MeVee"].to_numpy(), events["material1"]
    recoil_MeV = cones["recoil_energy_MeV"].to_numpy().reshape(-1, len(RECOIL_MASS_MEV))
    columns = []
    for k, recoil in enumerate(RECOIL_MASS_MEV):
        expected = recoil_light_MeVee(recoil_MeV[:, k], material, recoil, light_response)
        with np.errstate(divide="ignore", invalid="ignore"):
            told = (expected, material, recoil, light_response, uncertainty)
            sigma = recoil_light_sigma_MeVee(*told)
            log_p = -0.5 * ((light - expected) / sigma) ** 2 - np.log(sigma)
        # An impossible recoil has no energy; its hypothesis is left out by its status.
        columns.append(np.where(np.isnan(expected), 0.0, log_p))
    return np.stack(columns, axis=1).ravel()


def _order_log_probability(
    x_cm: F8,
    t_ns: F8,
    dE_MeV: F8,
    incident_MeV: F8,
    theta_rad: F8,
    order: tuple[int, int, int],
    sigma_t_ns: float,
) -> F8:
    """ln of the weight of one order of the hits of gamma events."""
    i, j, k = order
    first, second = x_cm[j] - x_cm[i], x_cm[k] - x_cm[j]
    d_ij, d_jk = np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        cos2 = (first * second).sum(axis=1) / (d_ij * d_jk)
        theta2 = np.arccos(np.clip(cos2, -1.0, 1.0))
        after = incident_MeV - dE_MeV[i]
        left = after - dE_MeV[j]
        scatters = np.log(klein_nishina(incident_MeV, theta_rad))
        scatters += np.log(klein_nishina(after, theta2))
        flights = -2.0 * np.log(d_ij) - 2.0 * np.log(d_jk)
        edge = left / (1.0 + ELECTRON_MASS_MEV / (2.0 * left))
        beyond = np.where(dE_MeV[k] > EDGE_TOLERANCE * edge, BEYOND_EDGE, 0.0)
    times = np.stack([t_ns[i], t_ns[j], t_ns[k]])
    flown = np.stack([np.zeros_like(d_ij), d_ij, d_ij + d_jk]) / SPEED_OF_LIGHT_CM_PER_NS
    late = times - flown
    chi2 = ((late - late.mean(axis=0)) ** 2).sum(axis=0) / sigma_t_ns**2 if sigma_t_ns else 0.0
    return np.asarray(scatters + flights + beyond - 0.5 * chi2)


def _allowed(
    cones: pd.DataFrame, log_p: F8, reconstruction: Reconstruction, protons_only: bool
) -> F8:
    """-inf for a hypothesis that cannot be, or whose energy is not looked at."""
    possible = (cones["status"] == CandidateStatus.ok).to_numpy() & np.isfinite(log_p)
    if reconstruction.energy_window_MeV is not None:
        low, high = reconstruction.energy_window_MeV
        energy = cones["incident_energy_MeV"].to_numpy()
        possible &= (energy >= low) & (energy <= high)
    if protons_only:
        possible &= (cones["recoil_code"] == Recoil.proton).to_numpy()
    return np.where(possible, log_p, -np.inf)


def _shares(log_p: F8, per_event: int, reconstruction: Reconstruction) -> F8:
    """Weights of sum 1 an event; those below min_weight are dropped; 0 where none is possible."""
    table = log_p.reshape(-1, per_event)
    best = table.max(axis=1, keepdims=True, initial=-np.inf)
    with np.errstate(invalid="ignore"):
        shares = _normalised(np.where(np.isfinite(table), np.exp(table - best), 0.0))
    return _normalised(np.where(shares < reconstruction.min_weight, 0.0, shares)).ravel()


def _normalised(shares: F8) -> F8:
    total = shares.sum(axis=1, keepdims=True)
    return np.divide(shares, total, out=np.zeros_like(shares), where=total > 0)


def _weighted(cones: pd.DataFrame, sigmas: pd.DataFrame, weights: F8) -> pd.DataFrame:
    width = sigmas["cone_sigma_rad"].to_numpy()
    rows = np.flatnonzero((weights > 0) & np.isfinite(width) & (width > 0))
    taken = cones.take(rows)
    columns = {name: taken[name].to_numpy() for name in WEIGHTED_CONES.names if name in taken}
    for name in ("theta_rad", "cone_sigma_rad", "axis_sigma_rad", "consistency"):
        columns[name] = sigmas[name].to_numpy()[rows]
    return WEIGHTED_CONES.frame({**columns, "weight": weights[rows]})
