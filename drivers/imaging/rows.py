"""Frames of one range of events as columns of the file: types narrowed, numbers made run-wide."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ...schemas.imaging.codes import GAMMA, NEUTRON
from ...schemas.imaging.images import BackProjection
from ..hdf5 import rows_of_frame
from .layout import (
    CANDIDATE_DATASETS,
    CONE_DATASETS,
    EVENT_DATASETS,
    HIT_DATASETS,
    MOST_HITS,
    TRUTH_DATASETS,
)

Columns = dict[str, Any]
SPECIES_CODE = {"neutron": NEUTRON, "gamma": GAMMA}
N_HITS = {"neutron": 2, "gamma": 3}
_RUN_NUMBER: Final = re.compile(r"(\d{1,9})\D*$")


@dataclass(frozen=True)
class RowNumbers:
    """Rows in the file before this range: hits and raw events, events and cones of one species.

    ``file_ix`` is the place of its input among the files, ``run_number`` that in its name.
    """

    hits: int = 0
    raw_events: int = 0
    events: int = 0
    cones: int = 0
    file_ix: int = 0
    run_number: int = -1


def run_number_of(path: Path) -> int:
    """The trailing digits of a file's name; -1 without."""
    found = _RUN_NUMBER.search(path.stem)
    number = int(found.group(1)) if found and path.stem.endswith(found.group(1)) else -1
    return number if number <= np.iinfo(np.int32).max else -1


def hit_rows(results: Mapping[str, Any], at: RowNumbers) -> Columns:
    """Rows of /hits."""
    hits = results["hits"]
    return rows_of_frame(HIT_DATASETS, hits) | {"/hits/event_id": _event_id(hits, at)}


def truth_rows(results: Mapping[str, Any], at: RowNumbers) -> Columns:
    """Rows of /truth."""
    columns: Columns = {}
    for name, node in (("reactions", "reactions"), ("products", "reaction_products")):
        place, frame = f"/truth/{name}/", results[node]
        columns |= rows_of_frame((d for d in TRUTH_DATASETS if d.path.startswith(place)), frame)
        columns[f"{place}event_id"] = _event_id(frame, at)
    return columns


def event_hit_rows(species: str, results: Mapping[str, Any], at: RowNumbers) -> Columns:
    """Rows of /lm/event_hit_index."""
    found: np.ndarray = results[f"{species}_event_hit_rows"]
    rows = np.full((len(found), MOST_HITS), -1, np.int64)
    rows[:, : N_HITS[species]] = found + at.hits
    return {"/lm/event_hit_index": rows}


def event_rows(species: str, results: Mapping[str, Any], at: RowNumbers) -> Columns:
    """Rows of /lm/event_* and /lm/hit_*."""
    events: pd.DataFrame = results[f"{species}_filtered_events"]
    n = len(events)
    return rows_of_frame(EVENT_DATASETS, events) | {
        "/lm/event_type": np.full(n, SPECIES_CODE[species], np.uint8),
        "/lm/event_id": _event_id(events, at),
        "/lm/event_meta_run_id": np.full(n, at.run_number, np.int32),
        "/lm/event_meta_file_ix": np.full(n, at.file_ix, np.int32),
    }


def cone_rows(species: str, results: Mapping[str, Any], at: RowNumbers) -> Columns:
    """Rows of /cones, and of /lm what says which event has which."""
    cones: pd.DataFrame = results[f"{species}_selected_cones"]
    n = len(cones)
    return (
        rows_of_frame(CONE_DATASETS, cones)
        | _survival_rows(species, results, at)
        | {
            "/cones/cone_id": np.arange(at.cones, at.cones + n, dtype=np.uint32),
            "/cones/species": np.full(n, SPECIES_CODE[species], np.uint8),
            "/cones/event_index": cones["event_index"].to_numpy() + at.events,
            "/cones/gamma_hit_order": _hit_order(species, cones),
        }
    )


def _survival_rows(species: str, results: Mapping[str, Any], at: RowNumbers) -> Columns:
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
    return rows_of_frame(CANDIDATE_DATASETS, cones) | {
        "/candidates/event_index": cones["event_index"].to_numpy() + at.events,
        "/candidates/species": np.full(len(cones), SPECIES_CODE[species], np.uint8),
    }


def _event_id(frame: pd.DataFrame, at: RowNumbers) -> np.ndarray:
    ids = frame["event_id"].to_numpy()
    return ids + at.raw_events if at.raw_events else ids


def _hit_order(species: str, cones: pd.DataFrame) -> np.ndarray:
    if species == "neutron":
        return np.full((len(cones), MOST_HITS), -1, np.int8)
    return cones[[f"hit_order_{k}" for k in (1, 2, 3)]].to_numpy(np.int8)


def _imaged_rows(species: str, results: Mapping[str, Any], _at: RowNumbers) -> Columns:
    projection: BackProjection = results[f"{species}_back_projection"]
    columns: Columns = {"/lm/cone_lit_pixels": projection.lit_pixels}
    if projection.footprints is not None:
        columns["/lm/footprint_pixels"] = projection.footprints.pixels
    return columns


def _as_it_is(node: str, path: str) -> Callable[[str, Mapping[str, Any], RowNumbers], Columns]:
    """The rows of a dataset that is an array of a node of each species."""
    return lambda species, results, _at: {path: results[f"{species}_{node}"]}


ROWS_OF_BOTH: Final[Mapping[str, Callable[[Mapping[str, Any], RowNumbers], Columns]]] = {
    "hits": hit_rows,
    "raw_events": lambda results, at: {
        "/raw_events/ranges": results["raw_event_ranges"] + at.raw_events
    },
    "hit_filter": lambda results, _: {"/hits/filter_code": results["hit_filter_code"]},
    "truth": truth_rows,
}
"""By group of the layout: the rows of a range of events."""
ROWS_OF_SPECIES: Final[Mapping[str, Callable[[str, Mapping[str, Any], RowNumbers], Columns]]] = {
    "events": event_rows,
    "event_hits": event_hit_rows,
    "candidates": candidate_rows,
    "candidate_scores": _as_it_is("cone_scores", "/candidates/delta_theta_rad"),
    "candidate_directions": _as_it_is("direction_ok", "/candidates/direction_ok"),
    "cones": cone_rows,
    "cone_filter": _as_it_is("cone_filter_code", "/lm/event_cone_filter_code"),
    "imaged": _imaged_rows,
}
"""The same of a species; those of the second follow when all of the first are there."""
