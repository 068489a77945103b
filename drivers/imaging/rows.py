"""Frames of one range of events as columns of the file: types narrowed, numbers made run-wide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...nodes.imaging.cone_geometry import columns3
from ...schemas.imaging.codes import GAMMA, NEUTRON
from ...schemas.imaging.frames import HITS

Columns = dict[str, Any]
SPECIES_CODE = {"neutron": NEUTRON, "gamma": GAMMA}
N_HITS = {"neutron": 2, "gamma": 3}
MOST_HITS = 3


@dataclass(frozen=True)
class RowNumbers:
    """Rows in the file before this range: hits and raw events, events and cones of one species."""

    hits: int = 0
    raw_events: int = 0
    events: int = 0
    cones: int = 0


@dataclass(frozen=True)
class FileNumbers:
    """The input file of a range: its place among the files, and the run number in its name."""

    file_ix: int
    run_number: int


def hit_rows(results: Mapping[str, Any], at: RowNumbers) -> Columns:
    """Rows of /hits."""
    hits = results["hits"]
    columns = {
        f"/hits/{c}": _codes(hits[c]) if c == "species" else hits[c].to_numpy()
        for c in HITS.names
        if c not in ("material", "event_id")
    }
    columns["/hits/event_id"] = _event_id(hits, at)
    columns["/hits/material_id"] = _codes(hits["material"])
    return columns


def truth_rows(results: Mapping[str, Any], at: RowNumbers) -> Columns:
    """Rows of /truth."""
    return {
        f"/truth/{name}/{c}": _event_id(results[node], at)
        if c == "event_id"
        else results[node][c].to_numpy()
        for name, node in (("reactions", "reactions"), ("products", "reaction_products"))
        for c in results[node].columns
    }


def event_hit_rows(species: str, results: Mapping[str, Any], at: RowNumbers) -> Columns:
    """Rows of /lm/event_hit_index."""
    found: np.ndarray = results[f"{species}_event_hit_rows"]
    rows = np.full((len(found), MOST_HITS), -1, np.int64)
    rows[:, : N_HITS[species]] = found + at.hits
    return {"/lm/event_hit_index": rows}


def event_rows(
    species: str, results: Mapping[str, Any], at: RowNumbers, file: FileNumbers
) -> Columns:
    """Rows of /lm/event_* and /lm/hit_*."""
    events: pd.DataFrame = results[f"{species}_filtered_events"]
    n = len(events)
    position = np.full((n, MOST_HITS, 3), np.nan, np.float32)
    time = np.full((n, MOST_HITS), np.nan)
    light = np.full((n, MOST_HITS), np.nan, np.float32)
    det_id = np.full((n, MOST_HITS), -1, np.int32)
    material = np.full((n, MOST_HITS), -1, np.int16)
    for k in range(N_HITS[species]):
        position[:, k] = np.column_stack([events[f"{a}{k + 1}_cm"] for a in "xyz"])
        time[:, k] = events[f"t{k + 1}_ns"]
        light[:, k] = events[f"light{k + 1}_MeVee"]
        det_id[:, k] = events[f"det_id{k + 1}"]
        material[:, k] = _codes(events[f"material{k + 1}"])
    return {
        "/lm/event_type": np.full(n, SPECIES_CODE[species], np.uint8),
        "/lm/event_id": _event_id(events, at),
        "/lm/event_meta_run_id": np.full(n, file.run_number, np.int32),
        "/lm/event_meta_file_ix": np.full(n, file.file_ix, np.int32),
        "/lm/hit_pos_cm": position,
        "/lm/hit_t_ns": time,
        "/lm/hit_L_mevee": light,
        "/lm/hit_det_id": det_id,
        "/lm/hit_material_id": material,
    }


def cone_rows(species: str, results: Mapping[str, Any], at: RowNumbers) -> Columns:
    """Rows of /cones."""
    cones: pd.DataFrame = results[f"{species}_selected_cones"]
    n = len(cones)
    apex, axis = columns3(cones, "apex_{}_cm"), columns3(cones, "axis_{}")
    return {
        "/cones/cone_id": np.arange(at.cones, at.cones + n, dtype=np.uint32),
        "/cones/apex_xyz_cm": apex,
        "/cones/axis_xyz": axis,
        "/cones/theta_rad": cones["theta_rad"].to_numpy(),
        "/cones/incident_energy_MeV": cones["incident_energy_MeV"].to_numpy(),
        "/cones/species": np.full(n, SPECIES_CODE[species], np.uint8),
        "/cones/recoil_code": cones["recoil_code"].to_numpy(),
        "/cones/event_index": cones["event_index"].to_numpy() + at.events,
        "/cones/gamma_hit_order": _hit_order(species, cones),
        "/cones/recoil_energy_MeV": cones["recoil_energy_MeV"].to_numpy(),
        "/cones/delta_theta_rad": cones["delta_theta_rad"].to_numpy(),
        "/cones/exact/apex_cm": apex,
        "/cones/exact/axis": axis,
        "/cones/exact/theta_rad": cones["theta_rad"].to_numpy(),
    }


def survival_rows(species: str, results: Mapping[str, Any], at: RowNumbers) -> Columns:
    """Rows of /lm/event_cone_id and what stands beside it, one an event."""
    cones: pd.DataFrame = results[f"{species}_selected_cones"]
    n = len(results[f"{species}_filtered_events"])
    event = cones["event_index"].to_numpy()
    cone_id = np.arange(at.cones, at.cones + len(cones))
    cone = np.full(n, -1, np.int32)
    cone[event] = cone_id
    recoil = np.zeros(n, np.uint8)
    recoil[event] = cones["recoil_code"]
    order = np.full((n, MOST_HITS), -1, np.int8)
    order[event] = _hit_order(species, cones)
    return {
        "/lm/event_cone_id": cone,
        "/lm/event_recoil_code": recoil,
        "/lm/event_gamma_hit_order": order,
    }


def candidate_rows(species: str, results: Mapping[str, Any], at: RowNumbers) -> Columns:
    """Rows of /candidates."""
    cones: pd.DataFrame = results[f"{species}_candidate_cones"]
    return {
        "/candidates/event_index": cones["event_index"].to_numpy() + at.events,
        "/candidates/species": np.full(len(cones), SPECIES_CODE[species], np.uint8),
        "/candidates/recoil_code": cones["recoil_code"].to_numpy(),
        "/candidates/hit_order": cones[[f"hit_order_{k}" for k in (1, 2, 3)]].to_numpy(),
        "/candidates/theta_rad": cones["theta_rad"].to_numpy(),
        "/candidates/incident_energy_MeV": cones["incident_energy_MeV"].to_numpy(),
        "/candidates/recoil_energy_MeV": cones["recoil_energy_MeV"].to_numpy(),
        "/candidates/status": cones["status"].to_numpy(),
    }


def _event_id(frame: pd.DataFrame, at: RowNumbers) -> np.ndarray:
    ids = frame["event_id"].to_numpy()
    return ids + at.raw_events if at.raw_events else ids


def _hit_order(species: str, cones: pd.DataFrame) -> np.ndarray:
    if species == "neutron":
        return np.full((len(cones), MOST_HITS), -1, np.int8)
    return cones[[f"hit_order_{k}" for k in (1, 2, 3)]].to_numpy(np.int8)


def _codes(column: pd.Series) -> np.ndarray:
    return np.asarray(column.cat.codes)
