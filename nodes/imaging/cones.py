"""Candidate cones: every hypothesis of every event, what ranks it and whether it can be.

Apex = first scatter point, axis = unit(x1 - x2), back towards the source. A neutron event has
two hypotheses (struck proton, struck carbon), a gamma event six (orders of its hits). Neither
the plane nor the prior enters ``*_candidate_cones``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F8, U1, Mask
from ...schemas.imaging.codes import GAMMA_ORDERS, SPECIES, CandidateStatus, Recoil
from ...schemas.imaging.frames import CANDIDATE_CONES
from ...schemas.imaging.images import PlaneFrame
from ...schemas.imaging.physics import Prior
from ...schemas.tables import categories_of
from .cone_geometry import (
    axis_meets_plane,
    delta_theta_rad,
    surface_meets_plane,
    unit_vectors,
)
from .gamma_hypotheses import gamma_hypothesis
from .kinematics import (
    RECOIL_MASS_MEV,
    classical_scatter_cosines,
    exact_scatter_cosine,
)

# A cosine of a head-on or grazing scatter may round beyond 1.
COSINE_ROUNDING: Final = 1e-12


@tag(stage="cones", schema="CandidateCones")
def neutron_candidate_cones(
    neutron_calibrated_events: pd.DataFrame, neutron_energies: pd.DataFrame, cone_kinematics: str
) -> pd.DataFrame:
    """Two rows an event: proton, then carbon."""
    events = neutron_calibrated_events
    x1, x2 = _position(events, 1), _position(events, 2)
    axis = unit_vectors(x1 - x2)
    parts = [
        _neutron_hypothesis(neutron_energies, Recoil[name], axis, cone_kinematics)
        for name in RECOIL_MASS_MEV
    ]
    n = len(parts)
    theta, incident, recoil, status = (
        np.stack(column, axis=1) for column in zip(*parts, strict=True)
    )
    return _candidates(
        events,
        "n",
        recoil_code=np.tile(np.array([Recoil.proton, Recoil.carbon], np.uint8), len(events)),
        orders=[np.full(n * len(events), k, np.int8) for k in range(3)],
        apex_cm=[_each(c, n) for c in x1.T],
        axis=[_each(c, n) for c in axis.T],
        theta_rad=theta.ravel(),
        incident_MeV=incident.ravel(),
        recoil_MeV=recoil.ravel(),
        status=status.ravel(),
    )


@tag(stage="cones", schema="CandidateCones")
def gamma_candidate_cones(
    gamma_calibrated_events: pd.DataFrame, gamma_energies: pd.DataFrame
) -> pd.DataFrame:
    """Six rows an event: the orders of its hits as in codes.GAMMA_ORDERS."""
    events = gamma_calibrated_events
    x = np.stack([_position(events, k) for k in (1, 2, 3)])
    dE = np.stack([gamma_energies[f"deposited{k}_energy_MeV"].to_numpy() for k in (1, 2, 3)])
    parts = [gamma_hypothesis(x, dE, order) for order in GAMMA_ORDERS]
    apex, axis, theta, incident, recoil, status = (
        np.stack(column, axis=1) for column in zip(*parts, strict=True)
    )
    return _candidates(
        events,
        "g",
        recoil_code=np.zeros(len(GAMMA_ORDERS) * len(events), np.uint8),
        orders=list(np.tile(np.array(GAMMA_ORDERS, np.int8), (len(events), 1)).T),
        apex_cm=list(apex.reshape(-1, 3).T),
        axis=list(axis.reshape(-1, 3).T),
        theta_rad=theta.ravel(),
        incident_MeV=incident.ravel(),
        recoil_MeV=recoil.ravel(),
        status=status.ravel(),
    )


@tag(stage="cones", unit="cm", scope="run")
@config.when(prior_target="prior")
def prior_target_cm__prior(prior: Prior) -> F8:
    """The point that ranks hypotheses, shape (3,): the point prior or the line's midpoint."""
    return np.array(prior.target_cm, np.float64)


@tag(stage="cones", unit="cm", scope="run")
@config.when(prior_target="plane")
def prior_target_cm__plane(plane_frame: PlaneFrame) -> F8:
    """The point that ranks hypotheses, shape (3,): the plane's origin."""
    return np.array(plane_frame.origin_cm, np.float64)


@tag(stage="cones", unit="cm", scope="run")
@config.when(prior_target="none")
def prior_target_cm__none() -> F8:
    """No point ranks hypotheses: NaN."""
    return np.full(3, np.nan)


@tag(stage="cones", unit="rad", rows="neutron_candidate_cones")
def neutron_cone_scores(neutron_candidate_cones: pd.DataFrame, prior_target_cm: F8) -> F8:
    """|phi - theta| of each neutron hypothesis."""
    return delta_theta_rad(neutron_candidate_cones, prior_target_cm)


@tag(stage="cones", unit="rad", rows="gamma_candidate_cones")
def gamma_cone_scores(gamma_candidate_cones: pd.DataFrame, prior_target_cm: F8) -> F8:
    """|phi - theta| of each gamma hypothesis."""
    return delta_theta_rad(gamma_candidate_cones, prior_target_cm)


@tag(stage="cones", rows="neutron_candidate_cones")
@config.when(directionality="axis")
def neutron_direction_ok__axis(
    neutron_candidate_cones: pd.DataFrame, plane_frame: PlaneFrame
) -> Mask:
    """Whether the axis ray of each neutron hypothesis meets the plane."""
    return axis_meets_plane(neutron_candidate_cones, plane_frame)


@tag(stage="cones", rows="gamma_candidate_cones")
@config.when(directionality="axis")
def gamma_direction_ok__axis(gamma_candidate_cones: pd.DataFrame, plane_frame: PlaneFrame) -> Mask:
    """Whether the axis ray of each gamma hypothesis meets the plane."""
    return axis_meets_plane(gamma_candidate_cones, plane_frame)


@tag(stage="cones", rows="neutron_candidate_cones")
@config.when(directionality="surface")
def neutron_direction_ok__surface(
    neutron_candidate_cones: pd.DataFrame, plane_frame: PlaneFrame
) -> Mask:
    """Whether the forward cone of each neutron hypothesis meets the plane."""
    return surface_meets_plane(neutron_candidate_cones, plane_frame)


@tag(stage="cones", rows="gamma_candidate_cones")
@config.when(directionality="surface")
def gamma_direction_ok__surface(
    gamma_candidate_cones: pd.DataFrame, plane_frame: PlaneFrame
) -> Mask:
    """Whether the forward cone of each gamma hypothesis meets the plane."""
    return surface_meets_plane(gamma_candidate_cones, plane_frame)


@tag(stage="cones", rows="neutron_candidate_cones")
@config.when(directionality="off")
def neutron_direction_ok__off(neutron_candidate_cones: pd.DataFrame) -> Mask:
    """No demand on the direction of a neutron hypothesis."""
    return np.ones(len(neutron_candidate_cones), bool)


@tag(stage="cones", rows="gamma_candidate_cones")
@config.when(directionality="off")
def gamma_direction_ok__off(gamma_candidate_cones: pd.DataFrame) -> Mask:
    """No demand on the direction of a gamma hypothesis."""
    return np.ones(len(gamma_candidate_cones), bool)


def _each(values: np.ndarray, n: int) -> np.ndarray:
    """Every value ``n`` times, one after the other."""
    out = np.empty((len(values), n), values.dtype)
    out[:] = values[:, None]
    return out.ravel()


def _position(events: pd.DataFrame, number: int) -> F8:
    return np.column_stack([events[f"{a}{number}_cm"].to_numpy() for a in "xyz"])


def _neutron_hypothesis(
    energies: pd.DataFrame, recoil: Recoil, axis: F8, kinematics: str
) -> tuple[F8, F8, F8, U1]:
    """(theta, incident energy, recoil energy, status) if ``recoil`` was struck."""
    incident = energies[f"{recoil.name}_incident_energy_MeV"].to_numpy()
    struck = energies[f"{recoil.name}_recoil_energy_MeV"].to_numpy()
    status = energies[f"{recoil.name}_energy_status"].to_numpy().copy()
    mass = RECOIL_MASS_MEV[recoil.name]
    if kinematics == "exact":
        cosine = exact_scatter_cosine(energies["scattered_energy_MeV"].to_numpy(), struck, mass)
        theta = np.arccos(np.clip(cosine, -1.0, 1.0))
    else:
        cosine, theta = classical_scatter_cosines(struck, incident, mass)
    possible = np.abs(cosine) <= 1.0 + (COSINE_ROUNDING if kinematics == "exact" else 0.0)
    status[(status == CandidateStatus.ok) & ~possible] = CandidateStatus.cosine_outside
    status[np.isnan(axis[:, 0])] = CandidateStatus.coincident_points
    return np.where(status == CandidateStatus.ok, theta, np.nan), incident, struck, status


def _candidates(
    events: pd.DataFrame,
    species: str,
    *,
    recoil_code: np.ndarray,
    orders: Sequence[np.ndarray],
    apex_cm: Sequence[F8],
    axis: Sequence[F8],
    theta_rad: F8,
    incident_MeV: F8,
    recoil_MeV: F8,
    status: U1,
) -> pd.DataFrame:
    per_event = len(theta_rad) // len(events) if len(events) else 0
    code = np.full(len(theta_rad), SPECIES.index(species), np.int8)
    return CANDIDATE_CONES.frame(
        {
            "event_index": _each(events["event_index"].to_numpy(), per_event),
            "event_id": _each(events["event_id"].to_numpy(), per_event),
            "species": categories_of(code, SPECIES),
            "recoil_code": recoil_code,
            **{f"hit_order_{k + 1}": order for k, order in enumerate(orders)},
            **{f"apex_{a}_cm": np.ascontiguousarray(apex_cm[k]) for k, a in enumerate("xyz")},
            **{f"axis_{a}": np.ascontiguousarray(axis[k]) for k, a in enumerate("xyz")},
            "theta_rad": theta_rad,
            "incident_energy_MeV": incident_MeV,
            "recoil_energy_MeV": recoil_MeV,
            "status": status,
        }
    )
