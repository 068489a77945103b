"""Events of both species in file order, and the truth about them.

Scatters and hits of each species come in; padded arrays of all events and a SimulationTruth
frame (schemas/simulation.py) go out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag
from numpy.typing import NDArray

from ...schemas.arrays import F8, I4, U1, frozen
from ...schemas.imaging.codes import GAMMA, NEUTRON, SPECIES
from ...schemas.simulation import (
    TRUTH,
    Acquisition,
    DetectorArray,
    MeasuredHits,
    RandomStreams,
    Scatters,
    SimulatedEvents,
)


@tag(stage="records")
def event_species(n_neutrons: int, n_gammas: int, random_streams: RandomStreams) -> U1:
    """Species code of each event in file order, shape (n_events,): both species mixed."""
    species = np.repeat(np.asarray([NEUTRON, GAMMA], dtype=np.uint8), [n_neutrons, n_gammas])
    return np.asarray(frozen(np.random.default_rng(random_streams.order).permutation(species)))


@tag(stage="records", unit="ns", rows="event_species")
def event_start_ns(
    event_species: U1, acquisition: Acquisition, random_streams: RandomStreams
) -> F8:
    """Clock of the data acquisition at the birth of each particle, shape (n_events,), rising."""
    uniform = np.random.default_rng(random_streams.clock).random(len(event_species))
    return np.asarray(frozen(acquisition.start_ns + acquisition.duration_ns * np.sort(uniform)))


@tag(stage="records")
def simulated_events(
    event_species: U1, event_start_ns: F8, neutron_hits: MeasuredHits, gamma_hits: MeasuredHits
) -> SimulatedEvents:
    """All events in file order with three hit slots."""
    n = len(event_species)
    row = np.zeros(n, dtype=np.int64)
    slots: dict[str, NDArray[Any]] = {
        "det_id": np.full((n, 3), -1, dtype=np.int32),
        "position_cm": np.zeros((n, 3, 3)),
        **{name: np.zeros((n, 3)) for name in ("time_ns", "deposit_MeV", "light_MeVee", "psd")},
    }
    for code, hits in ((NEUTRON, neutron_hits), (GAMMA, gamma_hits)):
        chosen = np.flatnonzero(event_species == code)
        row[chosen] = np.arange(len(chosen))
        for name, values in slots.items():
            measured = getattr(hits, name)
            values[chosen, : measured.shape[1]] = measured
    return SimulatedEvents(
        species=event_species,
        row=frozen(row),
        start_ns=event_start_ns,
        **{name: frozen(values) for name, values in slots.items()},
    )


@tag(stage="records", schema="SimulationTruth")
def simulation_truth(
    simulated_events: SimulatedEvents,
    detector: DetectorArray,
    neutron_scatters: Scatters,
    neutron_hits: MeasuredHits,
    gamma_scatters: Scatters,
    gamma_hits: MeasuredHits,
) -> pd.DataFrame:
    """SimulationTruth: one row per event, in file order; third scatter of a neutron NaN and -1."""
    n = len(simulated_events.species)
    det_ids = np.asarray([b.det_id for b in detector.bars], dtype=np.int32)
    parts = {
        NEUTRON: _truth_columns(neutron_scatters, neutron_hits, det_ids),
        GAMMA: _truth_columns(gamma_scatters, gamma_hits, det_ids),
    }
    rows = {code: np.flatnonzero(simulated_events.species == code) for code in parts}
    codes = simulated_events.species.astype(np.int64)
    data: dict[str, Any] = {
        "event_id": np.arange(n),
        "species": pd.Categorical.from_codes(codes, categories=pd.Index(SPECIES)),
        "start_ns": simulated_events.start_ns,
    }
    for column in TRUTH.columns:
        if column.name in data:
            continue
        absent = np.nan if column.dtype == "float64" else -1
        values = np.full(n, absent, dtype=np.float64 if column.dtype == "float64" else np.int64)
        for code, columns in parts.items():
            if column.name in columns:
                values[rows[code]] = columns[column.name]
        data[column.name] = values
    return TRUTH.frame(data)


def _truth_columns(scatters: Scatters, hits: MeasuredHits, det_ids: I4) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {
        **{f"source_{a}_cm": scatters.source_cm[:, i] for i, a in enumerate("xyz")},
        "incident_energy_MeV": scatters.incident_energy_MeV,
        "recoil_code": scatters.recoil,
        "theta_rad": scatters.theta_rad,
    }
    for k in range(scatters.bar.shape[1]):
        columns |= {
            f"det_id{k + 1}": det_ids[scatters.bar[:, k]],
            **{f"{a}{k + 1}_cm": scatters.position_cm[:, k, i] for i, a in enumerate("xyz")},
            f"t{k + 1}_ns": scatters.time_ns[:, k],
            f"energy_deposited{k + 1}_MeV": scatters.deposit_MeV[:, k],
            f"light{k + 1}_MeVee": scatters.light_MeVee[:, k],
            f"hit_of_scatter{k + 1}": hits.hit_of_scatter[:, k],
        }
    return columns
