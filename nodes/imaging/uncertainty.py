"""Sigmas of cones: measured quantities with their resolutions in, a width a hypothesis out.

The residual of a source at X is delta = phi - theta, phi the angle of (X - apex) to the axis. Its
width has two parts: theta from energies, the axis from positions, and a factor on both. theta is
varied: half its change between +1 and -1 sigma of each measured quantity, one-sided where one
side is not physical, in quadrature.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F8
from ...schemas.imaging.codes import GAMMA_ORDERS
from ...schemas.imaging.frames import CANDIDATE_SIGMAS
from ...schemas.imaging.images import PlaneFrame
from ...schemas.imaging.physics import TofStart
from ...schemas.imaging.uncertainty import Uncertainty
from .cone_geometry import unit_vectors
from .cones import neutron_candidate_cones
from .energies import (
    neutron_energies__edep,
    neutron_energies__elut,
    neutron_energies__fixed,
    neutron_energies__tof,
)
from .gamma_hypotheses import gamma_hypothesis
from .kinematics import RECOIL_MASS_MEV, classical_scatter_cosines, exact_scatter_cosine
from .recoil_light import recoil_energies_of_light, recoil_light_sigma_MeVee
from .resolutions import (
    axis_sigma_rad,
    hit_light_sigma_MeVee,
    hit_positions_cm,
    position_covariance_cm2,
    time_sigma_ns,
)
from .variation import Theta, Variation, change, half_change

GAMMA_HITS: Final = (1, 2, 3)


@tag(stage="uncertainty", unit="rad", rows="neutron_candidate_cones")
@config.when(energy_strategy="Edep")
def neutron_theta_sigma_rad__edep(
    neutron_calibrated_events: pd.DataFrame,
    neutron_candidate_cones: pd.DataFrame,
    cone_kinematics: str,
    bars: pd.DataFrame,
    uncertainty: Uncertainty,
) -> F8:
    """Width of theta of each neutron hypothesis, from flight and deposited energy."""
    events = neutron_calibrated_events

    def theta(varied: pd.DataFrame) -> F8:
        return _theta(varied, neutron_energies__edep(varied), cone_kinematics)

    sigma = hit_light_sigma_MeVee(events, 1, uncertainty)
    varied = [*_flight(events, bars, uncertainty), _light(events, sigma)]
    return half_change(theta, neutron_candidate_cones["theta_rad"].to_numpy(), varied)


@tag(stage="uncertainty", unit="rad", rows="neutron_candidate_cones")
@config.when(energy_strategy="ELUT")
def neutron_theta_sigma_rad__elut(
    neutron_calibrated_events: pd.DataFrame,
    neutron_candidate_cones: pd.DataFrame,
    light_response: pd.DataFrame,
    cone_kinematics: str,
    bars: pd.DataFrame,
    uncertainty: Uncertainty,
) -> F8:
    """Width of theta of each neutron hypothesis, from flight and light."""
    events = neutron_calibrated_events

    def theta(varied: pd.DataFrame) -> F8:
        return _theta(varied, neutron_energies__elut(varied, light_response), cone_kinematics)

    nominal = neutron_candidate_cones["theta_rad"].to_numpy()
    of_flight = half_change(theta, nominal, _flight(events, bars, uncertainty))
    return np.hypot(of_flight, _of_light(theta, nominal, events, light_response, uncertainty))


@tag(stage="uncertainty", unit="rad", rows="neutron_candidate_cones")
@config.when(energy_strategy="FixedEn")
def neutron_theta_sigma_rad__fixed(
    neutron_calibrated_events: pd.DataFrame,
    neutron_candidate_cones: pd.DataFrame,
    fixed_energy_MeV: float,
    cone_kinematics: str,
    bars: pd.DataFrame,
    uncertainty: Uncertainty,
) -> F8:
    """Width of theta of each neutron hypothesis, from the flight between the hits."""
    events = neutron_calibrated_events

    def theta(varied: pd.DataFrame) -> F8:
        return _theta(varied, neutron_energies__fixed(varied, fixed_energy_MeV), cone_kinematics)

    varied = _flight(events, bars, uncertainty)
    return half_change(theta, neutron_candidate_cones["theta_rad"].to_numpy(), varied)


@tag(stage="uncertainty", unit="rad", rows="neutron_candidate_cones")
@config.when(energy_strategy="ToF")
def neutron_theta_sigma_rad__tof(
    neutron_calibrated_events: pd.DataFrame,
    neutron_candidate_cones: pd.DataFrame,
    neutron_start_time_ns: F8,
    tof_settings: TofStart,
    cone_kinematics: str,
    bars: pd.DataFrame,
    uncertainty: Uncertainty,
) -> F8:
    """Width of theta of each neutron hypothesis, from both flights; t1 ends one, begins one."""
    events = neutron_calibrated_events

    def theta(varied: pd.DataFrame) -> F8:
        energies = neutron_energies__tof(varied, neutron_start_time_ns, tof_settings)
        return _theta(varied, energies, cone_kinematics)

    source_cm = np.array(tof_settings.source_cm or (np.nan,) * 3)
    varied = [
        _time(events, uncertainty, 1),
        _time(events, uncertainty, 2),
        _distance(events, bars, uncertainty),
        _distance_from(events, bars, uncertainty, source_cm),
    ]
    return half_change(theta, neutron_candidate_cones["theta_rad"].to_numpy(), varied)


@tag(stage="uncertainty", helper="true")
@config.when(theta_from="time_and_light")
def neutron_light_theta(
    neutron_calibrated_events: pd.DataFrame,
    light_response: pd.DataFrame,
    fixed_energy_MeV: float,
    cone_kinematics: str,
    uncertainty: Uncertainty,
) -> pd.DataFrame:
    """theta and its width from the light alone, the incident energy being known."""
    events = neutron_calibrated_events

    def theta(varied: pd.DataFrame) -> F8:
        return _theta_of_light(varied, fixed_energy_MeV, light_response, cone_kinematics)

    found = theta(events)
    sigma = _of_light(theta, found, events, light_response, uncertainty)
    return pd.DataFrame({"theta_rad": found, "theta_sigma_rad": sigma})


@tag(stage="uncertainty", schema="CandidateSigmas")
@config.when(theta_from="strategy")
def neutron_candidate_sigmas__one(
    neutron_calibrated_events: pd.DataFrame,
    neutron_candidate_cones: pd.DataFrame,
    neutron_theta_sigma_rad: F8,
    bars: pd.DataFrame,
    uncertainty: Uncertainty,
) -> pd.DataFrame:
    """Widths of each neutron hypothesis; there is one estimate of theta."""
    axis = axis_sigma_rad(neutron_calibrated_events, neutron_candidate_cones, bars, uncertainty)
    theta = neutron_candidate_cones["theta_rad"].to_numpy()
    return _sigmas(theta, neutron_theta_sigma_rad, axis, np.full(len(theta), np.nan))


@tag(stage="uncertainty", schema="CandidateSigmas")
@config.when(theta_from="time_and_light")
def neutron_candidate_sigmas__both(
    neutron_calibrated_events: pd.DataFrame,
    neutron_candidate_cones: pd.DataFrame,
    neutron_theta_sigma_rad: F8,
    neutron_light_theta: pd.DataFrame,
    bars: pd.DataFrame,
    uncertainty: Uncertainty,
) -> pd.DataFrame:
    """Widths of each neutron hypothesis; theta is the weighted mean of flight and light.

    Where the light gives none, theta is that of the flight and consistency is NaN.
    """
    axis = axis_sigma_rad(neutron_calibrated_events, neutron_candidate_cones, bars, uncertainty)
    time, time_sigma = neutron_candidate_cones["theta_rad"].to_numpy(), neutron_theta_sigma_rad
    light, light_sigma = (neutron_light_theta[c].to_numpy() for c in neutron_light_theta)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_time, by_light = time_sigma**-2.0, light_sigma**-2.0
        both = np.isfinite(by_time) & np.isfinite(by_light) & np.isfinite(time + light)
        mean = (time * by_time + light * by_light) / (by_time + by_light)
        sigma = 1.0 / np.sqrt(by_time + by_light)
        consistency = (time - light) / np.hypot(time_sigma, light_sigma)
    return _sigmas(
        np.where(both, mean, time),
        np.where(both, sigma, time_sigma),
        axis,
        np.where(both, consistency, np.nan),
    )


@tag(stage="uncertainty", schema="CandidateSigmas")
def gamma_candidate_sigmas(
    gamma_calibrated_events: pd.DataFrame,
    gamma_energies: pd.DataFrame,
    gamma_candidate_cones: pd.DataFrame,
    plane_frame: PlaneFrame,
    bars: pd.DataFrame,
    uncertainty: Uncertainty,
) -> pd.DataFrame:
    """Widths of each order of a gamma event.

    A hit sits in the axis and in the second angle: both move together, so energies and positions
    are varied in phi - theta, seen from the generator that passes nearest to the plane's centre.
    """
    events = gamma_calibrated_events
    x = np.stack([hit_positions_cm(events, k) for k in GAMMA_HITS])
    dE = np.stack([gamma_energies[f"deposited{k}_energy_MeV"].to_numpy() for k in GAMMA_HITS])
    sigma_E = np.stack([hit_light_sigma_MeVee(events, k, uncertainty) for k in GAMMA_HITS])
    sigma_x = np.stack(
        [
            np.sqrt(
                np.diagonal(position_covariance_cm2(events, k, bars, uncertainty), axis1=1, axis2=2)
            )
            for k in GAMMA_HITS
        ]
    )
    # A row a hypothesis, as in the frame of candidates.
    n, orders = len(events), len(GAMMA_ORDERS)
    theta = gamma_candidate_cones["theta_rad"].to_numpy().reshape(n, orders)
    cone_sigma, theta_sigma = np.full((n, orders), np.nan), np.full((n, orders), np.nan)
    for number, order in enumerate(GAMMA_ORDERS):
        towards = np.asarray(plane_frame.origin_cm) - x[order[0]]
        pair = _gamma_widths(x, dE, sigma_x, sigma_E, order, towards)
        cone_sigma[:, number], theta_sigma[:, number] = pair
    axis = axis_sigma_rad(events, gamma_candidate_cones, bars, uncertainty)
    possible = np.isfinite(theta)
    sigma = np.where(possible, cone_sigma, np.nan).ravel()
    return CANDIDATE_SIGMAS.frame(
        {
            "theta_rad": theta.ravel(),
            "theta_sigma_rad": np.where(possible, theta_sigma, np.nan).ravel(),
            "axis_sigma_rad": np.where(possible.ravel(), axis, np.nan),
            "cone_sigma_rad": sigma,
            "consistency": np.full(len(sigma), np.nan),
        }
    )


def _theta(events: pd.DataFrame, energies: pd.DataFrame, kinematics: str) -> F8:
    return neutron_candidate_cones(events, energies, kinematics)["theta_rad"].to_numpy()


def _theta_of_light(
    events: pd.DataFrame, incident_MeV: float, light_response: pd.DataFrame, kinematics: str
) -> F8:
    """theta of each neutron hypothesis if only the light of the first hit is believed."""
    light = events["light1_MeVee"].to_numpy()
    angles = []
    for recoil, mass in RECOIL_MASS_MEV.items():
        energy, _ = recoil_energies_of_light(light, events["material1"], recoil, light_response)
        if kinematics == "exact":
            with np.errstate(invalid="ignore"):
                cosine = exact_scatter_cosine(incident_MeV - energy, energy, mass)
                cosine = np.where(energy < incident_MeV, cosine, np.nan)
                angles.append(np.arccos(np.where(np.abs(cosine) <= 1.0, cosine, np.nan)))
        else:
            angles.append(
                classical_scatter_cosines(energy, np.full(len(light), incident_MeV), mass)[1]
            )
    return np.stack(angles, axis=1).ravel()


def _flight(events: pd.DataFrame, bars: pd.DataFrame, uncertainty: Uncertainty) -> list[Variation]:
    """Time and distance between the two hits."""
    sigma = np.hypot(*(time_sigma_ns(events[f"det_id{k}"].to_numpy(), uncertainty) for k in (1, 2)))
    return [
        lambda n: events.assign(t2_ns=events["t2_ns"] + n * sigma),
        _distance(events, bars, uncertainty),
    ]


def _time(events: pd.DataFrame, uncertainty: Uncertainty, hit: int) -> Variation:
    sigma, column = time_sigma_ns(events[f"det_id{hit}"].to_numpy(), uncertainty), f"t{hit}_ns"
    return lambda n: events.assign(**{column: events[column] + n * sigma})


def _distance(events: pd.DataFrame, bars: pd.DataFrame, uncertainty: Uncertainty) -> Variation:
    """The second hit moved along the flight; the axis stays."""
    axis = unit_vectors(hit_positions_cm(events, 1) - hit_positions_cm(events, 2))
    both = position_covariance_cm2(events, 1, bars, uncertainty) + position_covariance_cm2(
        events, 2, bars, uncertainty
    )
    sigma = np.sqrt(np.einsum("ni,nij,nj->n", axis, both, axis))
    return lambda n: _moved(events, (2,), -axis * (n * sigma)[:, None])


def _distance_from(
    events: pd.DataFrame, bars: pd.DataFrame, uncertainty: Uncertainty, source_cm: F8
) -> Variation:
    """Both hits moved away from the source."""
    away = unit_vectors(hit_positions_cm(events, 1) - source_cm)
    covariance = position_covariance_cm2(events, 1, bars, uncertainty)
    sigma = np.sqrt(np.einsum("ni,nij,nj->n", away, covariance, away))
    return lambda n: _moved(events, (1, 2), away * (n * sigma)[:, None])


def _of_light(
    theta: Theta,
    nominal_rad: F8,
    events: pd.DataFrame,
    light_response: pd.DataFrame,
    uncertainty: Uncertainty,
) -> F8:
    """Width by the light of the first hit: each recoil has the resolution of its own curve."""
    light, material = events["light1_MeVee"].to_numpy(), events["material1"]
    if not uncertainty.use_lut_bands:
        varied = [_light(events, hit_light_sigma_MeVee(events, 1, uncertainty))]
        return half_change(theta, nominal_rad, varied)
    columns = []
    for k, recoil in enumerate(RECOIL_MASS_MEV):
        sigma = recoil_light_sigma_MeVee(light, material, recoil, light_response, uncertainty)
        of_both = half_change(theta, nominal_rad, [_light(events, sigma)])
        columns.append(of_both.reshape(-1, len(RECOIL_MASS_MEV))[:, k])
    return np.stack(columns, axis=1).ravel()


def _light(events: pd.DataFrame, sigma_MeVee: F8) -> Variation:
    sigma, light = sigma_MeVee, events["light1_MeVee"]
    return lambda n: events.assign(light1_MeVee=light + n * sigma)


def _moved(events: pd.DataFrame, hits: Sequence[int], by_cm: F8) -> pd.DataFrame:
    names = [(f"{a}{hit}_cm", k) for hit in hits for k, a in enumerate("xyz")]
    return events.assign(**{name: events[name] + by_cm[:, k] for name, k in names})


def _sigmas(theta: F8, theta_sigma: F8, axis_sigma: F8, consistency: F8) -> pd.DataFrame:
    possible = np.isfinite(theta)
    return CANDIDATE_SIGMAS.frame(
        {
            "theta_rad": theta,
            "theta_sigma_rad": np.where(possible, theta_sigma, np.nan),
            "axis_sigma_rad": np.where(possible, axis_sigma, np.nan),
            "cone_sigma_rad": np.where(possible, np.hypot(theta_sigma, axis_sigma), np.nan),
            "consistency": consistency,
        }
    )


def _gamma_widths(
    x: F8, dE: F8, sigma_x: F8, sigma_E: F8, order: tuple[int, int, int], towards: F8
) -> tuple[F8, F8]:
    """(width of phi - theta, width of theta) of one order of the hits of each event."""
    _, axis, theta, _, _, _ = gamma_hypothesis(x, dE, order)
    generator = _nearest_generator(axis, theta, unit_vectors(towards))

    def residual_and_theta(x_varied: F8, dE_varied: F8) -> tuple[F8, F8]:
        _, moved, angle, _, _, _ = gamma_hypothesis(x_varied, dE_varied, order)
        cross = np.linalg.norm(np.cross(moved, generator), axis=1)
        phi = np.arctan2(cross, (moved * generator).sum(axis=1))
        return phi - angle, angle

    zero = np.where(np.isfinite(theta), 0.0, np.nan)
    of_residual, of_theta = np.zeros(len(theta)), np.zeros(len(theta))
    for hit in order[:2]:
        shift = np.zeros_like(dE)
        shift[hit] = sigma_E[hit]
        above, below = (residual_and_theta(x, dE + n * shift) for n in (1.0, -1.0))
        of_residual += change(above[0], below[0], zero) ** 2
        of_theta += change(above[1], below[1], theta) ** 2
    for hit in order:
        for k in range(3):
            moved = np.zeros_like(x)
            moved[hit, :, k] = sigma_x[hit, :, k]
            above, below = (residual_and_theta(x + n * moved, dE) for n in (1.0, -1.0))
            of_residual += change(above[0], below[0], zero) ** 2
            of_theta += change(above[1], below[1], theta) ** 2
    return np.sqrt(of_residual), np.sqrt(of_theta)


def _nearest_generator(axis: F8, theta_rad: F8, towards: F8) -> F8:
    """The unit vector on each cone that is closest to a direction."""
    along = (towards * axis).sum(axis=1)[:, None]
    across = towards - along * axis
    # A direction along the axis has no nearest generator: any will do.
    on_axis = np.linalg.norm(across, axis=1) < 1e-12
    across[on_axis] = np.cross(axis[on_axis], np.array([0.0, 0.6, 0.8]))
    across = unit_vectors(across)
    return np.asarray(np.cos(theta_rad)[:, None] * axis + np.sin(theta_rad)[:, None] * across)
