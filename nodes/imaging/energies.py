"""Energies of the first scatter: filtered events in, one row an event out.

The energy after the first neutron scatter comes from the flight between the two hits, the
recoil energy from the strategy of [energy]. A gamma event keeps its three deposits: which of
them is first is a hypothesis, tried in cones.py.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F8, U1
from ...schemas.imaging.codes import EnergyStatus
from ...schemas.imaging.frames import GAMMA_ENERGIES, NEUTRON_ENERGIES
from ...schemas.imaging.physics import TofStart
from .kinematics import flight_beta, neutron_energy_MeV
from .recoil_light import recoil_energies_of_light


@tag(stage="energies", schema="NeutronEnergies")
@config.when(energy_strategy="Edep")
def neutron_energies__edep(neutron_calibrated_events: pd.DataFrame) -> pd.DataFrame:
    """Recoil energy = light, as simulations without light response write it."""
    events = neutron_calibrated_events
    scattered, status = _scattered(events)
    recoil = events["light1_MeVee"].to_numpy()
    return _neutron_energies(events, scattered, {"proton": recoil, "carbon": recoil}, status)


@tag(stage="energies", schema="NeutronEnergies")
@config.when(energy_strategy="ELUT")
def neutron_energies__elut(
    neutron_calibrated_events: pd.DataFrame, light_response: pd.DataFrame
) -> pd.DataFrame:
    """Recoil energy from the light of the first hit by the inverse response of its material.

    Light outside the table is flagged, not extrapolated.
    """
    events = neutron_calibrated_events
    scattered, status = _scattered(events)
    light = events["light1_MeVee"].to_numpy()
    recoil_energy, statuses = {}, {}
    for recoil in ("proton", "carbon"):
        energy, lookup = recoil_energies_of_light(
            light, events["material1"], recoil, light_response
        )
        recoil_energy[recoil] = energy
        statuses[recoil] = np.where(status == EnergyStatus.ok, lookup, status)
    return _neutron_energies(events, scattered, recoil_energy, statuses)


@tag(stage="energies", schema="NeutronEnergies")
@config.when(energy_strategy="FixedEn")
def neutron_energies__fixed(
    neutron_calibrated_events: pd.DataFrame, fixed_energy_MeV: float
) -> pd.DataFrame:
    """Recoil energy = known incident energy - energy after the scatter; up-scatter rejected."""
    events = neutron_calibrated_events
    scattered, status = _scattered(events)
    incident = np.full(len(events), fixed_energy_MeV)
    return _from_incident(events, scattered, incident, status)


@tag(stage="energies", schema="NeutronEnergies")
@config.when(energy_strategy="ToF")
def neutron_energies__tof(
    neutron_calibrated_events: pd.DataFrame,
    neutron_start_time_ns: F8,
    tof_settings: TofStart,
) -> pd.DataFrame:
    """Incident energy from the flight from the source to the first hit; up-scatter rejected."""
    events = neutron_calibrated_events
    scattered, status = _scattered(events)
    source_cm = tof_settings.source_cm or (np.nan, np.nan, np.nan)
    first = [events[f"{a}1_cm"].to_numpy() - s for a, s in zip("xyz", source_cm, strict=True)]
    time = events["t1_ns"].to_numpy() - neutron_start_time_ns
    incident, flight_status = _flight_energy(np.sqrt(sum(d * d for d in first)), time)
    status = np.where(status == EnergyStatus.ok, flight_status, status)
    status[np.isnan(neutron_start_time_ns)] = EnergyStatus.start_time_unknown
    return _from_incident(events, scattered, incident, status)


@tag(stage="energies", helper="true")
@config.when(energy_strategy="ToF", tof_start="time")
def neutron_start_time_ns__fixed(
    neutron_calibrated_events: pd.DataFrame, tof_settings: TofStart
) -> F8:
    """Start of each neutron's flight, ns: the same for all."""
    return np.full(len(neutron_calibrated_events), tof_settings.start_time_ns, np.float64)


@tag(stage="energies", helper="true")
@config.when(energy_strategy="ToF", tof_start="detector")
def neutron_start_time_ns__detector(
    neutron_calibrated_events: pd.DataFrame, hits: pd.DataFrame, tof_settings: TofStart
) -> F8:
    """Start of each neutron's flight, ns: the first hit of the start detector in its window.

    NaN where the raw event has none.
    """
    start = hits.loc[hits["det_id"] == tof_settings.start_det_id]
    first = start.groupby("event_id")["t_ns"].min()
    return first.reindex(neutron_calibrated_events["event_id"]).to_numpy(np.float64)


@tag(stage="energies", schema="GammaEnergies")
def gamma_energies(gamma_calibrated_events: pd.DataFrame) -> pd.DataFrame:
    """Energies given to electrons at the three hits: their light, calibrated in MeVee."""
    events = gamma_calibrated_events
    deposits = {f"deposited{k}_energy_MeV": events[f"light{k}_MeVee"].to_numpy() for k in (1, 2, 3)}
    return GAMMA_ENERGIES.frame({"event_index": events["event_index"], **deposits})


def _flight_energy(distance_cm: F8, time_ns: F8) -> tuple[F8, U1]:
    """(kinetic energy, EnergyStatus) of neutrons that fly ``distance_cm`` in ``time_ns``."""
    beta = flight_beta(distance_cm, time_ns)
    status = np.full(len(beta), EnergyStatus.ok, np.uint8)
    status[beta >= 1] = EnergyStatus.faster_than_light
    status[~(time_ns > 0)] = EnergyStatus.tof_not_positive
    return np.where(status == EnergyStatus.ok, neutron_energy_MeV(beta), np.nan), status


def _scattered(events: pd.DataFrame) -> tuple[F8, U1]:
    """(energy after the first scatter, EnergyStatus) from the flight between the two hits."""
    flight = [(events[f"{a}2_cm"] - events[f"{a}1_cm"]).to_numpy() for a in "xyz"]
    distance = np.sqrt(sum(d * d for d in flight))
    return _flight_energy(distance, (events["t2_ns"] - events["t1_ns"]).to_numpy())


def _from_incident(
    events: pd.DataFrame, scattered_MeV: F8, incident_MeV: F8, status: U1
) -> pd.DataFrame:
    recoil = incident_MeV - scattered_MeV
    with np.errstate(invalid="ignore"):
        up = (status == EnergyStatus.ok) & (scattered_MeV >= incident_MeV)
    status = np.where(up, EnergyStatus.up_scatter, status)
    return _neutron_energies(
        events,
        scattered_MeV,
        {"proton": recoil, "carbon": recoil},
        status,
        {"proton": incident_MeV, "carbon": incident_MeV},
    )


def _neutron_energies(
    events: pd.DataFrame,
    scattered_MeV: F8,
    recoil_MeV: dict[str, F8],
    status: U1 | dict[str, U1],
    incident_MeV: dict[str, F8] | None = None,
) -> pd.DataFrame:
    columns: dict[str, object] = {
        "event_index": events["event_index"],
        "scattered_energy_MeV": scattered_MeV,
        "recoil_energy_sigma_MeV": np.full(len(events), np.nan),
    }
    for recoil, energy in recoil_MeV.items():
        own = (status[recoil] if isinstance(status, dict) else status).astype(np.uint8)
        own = np.where((own == EnergyStatus.ok) & ~(energy > 0), _NOT_POSITIVE, own)
        good = own == EnergyStatus.ok
        incident = scattered_MeV + energy if incident_MeV is None else incident_MeV[recoil]
        columns[f"{recoil}_recoil_energy_MeV"] = np.where(good, energy, np.nan)
        columns[f"{recoil}_incident_energy_MeV"] = np.where(good, incident, np.nan)
        columns[f"{recoil}_energy_status"] = own
    return NEUTRON_ENERGIES.frame(columns)


_NOT_POSITIVE = np.uint8(EnergyStatus.recoil_not_positive)
