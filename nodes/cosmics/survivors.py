"""Stage studies: the tracks that pass every cut of selection and veto, to be looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import U1, U4
from ...schemas.cosmics.counts import SELECTIONS
from ...schemas.cosmics.cuts import TT_FRONT, TT_MID
from ...schemas.cosmics.frames import (
    UNVETOED_COINCIDENCES,
    UNVETOED_EVENTS,
    UNVETOED_PARTICLES,
    UNVETOED_SEGMENTS,
)
from ...schemas.tables import TableSchema
from .chains import code_at, first_of, most_hits_rows, primary_rows
from .quantities import momentum_MeV, slope
from .ragged import begins_of, pairs, rows_of_parents


@tag(stage="studies", schema="UnvetoedEvents", main="true")
def unvetoed_events(
    events: pd.DataFrame,
    tracks: pd.DataFrame,
    segments: pd.DataFrame,
    true_particles: pd.DataFrame,
    coincidences: pd.DataFrame,
    veto_times_ns: pd.DataFrame,
    event_extremes: pd.DataFrame,
    selections: U1,
    cut_bits: U4,
) -> pd.DataFrame:
    """Each track of Unvetoed with its quantities; NaN where there is no segment or coincidence."""
    rows = np.flatnonzero(selections >> np.uint8(SELECTIONS.index("Unvetoed")) & np.uint8(1))
    of_event = tracks["event_row"].to_numpy()[rows]
    segments = _of_tracks(segments, rows)
    true_particles = _of_tracks(true_particles, rows)
    front = _first_at(segments, rows, TT_FRONT)
    middle = _first_at(segments, rows, TT_MID)
    best = most_hits_rows(true_particles, rows)
    parent = primary_rows(true_particles, rows)
    n_coincidences = np.diff(begins_of(coincidences["event_row"].to_numpy(), len(events)))
    picked = events.iloc[of_event]
    return UNVETOED_EVENTS.frame(
        {
            **{name: picked[name].to_numpy() for name in events.columns},
            "event_row": of_event,
            "track_row": rows,
            "p_MeV": _taken(momentum_MeV(segments), front),
            "slope": _taken(slope(segments), front),
            "d0_mm": _taken(segments["d0_mm"].to_numpy(), front),
            "maxr_mm": _taken(segments["maxr_mm"].to_numpy(), front),
            "t0_ns": _taken(segments["time_ns"].to_numpy(), middle),
            "t0err_ns": _taken(segments["t0err_ns"].to_numpy(), middle),
            "trkqual": tracks["trkqual"].to_numpy()[rows],
            "nactive": tracks["nactive"].to_numpy()[rows],
            "pdg": tracks["pdg"].to_numpy()[rows],
            "true_pdg": code_at(true_particles, "pdg", best),
            "startcode": code_at(true_particles, "startcode", best),
            "parent_pdg": code_at(true_particles, "pdg", parent),
            "n_coincidences": n_coincidences[of_event],
            "nearest_dT_ns": _nearest(veto_times_ns, rows),
            "n_fits": event_extremes["n_tracks"].to_numpy()[of_event],
            "cut_bits": cut_bits[rows],
        }
    )


@tag(stage="studies", schema="UnvetoedCoincidences")
def unvetoed_coincidences(
    unvetoed_events: pd.DataFrame, events: pd.DataFrame, coincidences: pd.DataFrame
) -> pd.DataFrame:
    """Every coincidence of the events with a track of Unvetoed."""
    of_event = np.unique(unvetoed_events["event_row"].to_numpy())
    _, rows = pairs(of_event, coincidences["event_row"].to_numpy(), len(events))
    picked = coincidences.iloc[rows]
    numbers = events.iloc[picked["event_row"].to_numpy()]
    return UNVETOED_COINCIDENCES.frame(
        {
            **{name: numbers[name].to_numpy() for name in ("run", "subrun", "event")},
            **{n: picked[n].to_numpy() for n in coincidences.columns if n != "event_row"},
        }
    )


@tag(stage="studies", schema="UnvetoedSegments")
def unvetoed_segments(unvetoed_events: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Every segment of the tracks of Unvetoed; ``track`` counts these tracks."""
    return _numbered(UNVETOED_SEGMENTS, unvetoed_events, segments)


@tag(stage="studies", schema="UnvetoedParticles")
def unvetoed_particles(unvetoed_events: pd.DataFrame, true_particles: pd.DataFrame) -> pd.DataFrame:
    """Every true particle of the tracks of Unvetoed; ``track`` counts these tracks."""
    return _numbered(UNVETOED_PARTICLES, unvetoed_events, true_particles)


def _numbered(table: TableSchema, unvetoed: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of a frame that are of the unvetoed tracks, which are ascending."""
    tracks, parents = unvetoed["track_row"].to_numpy(), frame["track_row"].to_numpy()
    rows, place = rows_of_parents(parents, tracks)
    picked = frame.iloc[rows]
    columns = {name: picked[name].to_numpy() for name in table.names if name != "track"}
    return table.frame({"track": place, **columns})


def _of_tracks(frame: pd.DataFrame, tracks: Any) -> pd.DataFrame:
    """The rows of a frame whose track is one of some."""
    return frame.iloc[rows_of_parents(frame["track_row"].to_numpy(), tracks)[0]]


def _first_at(segments: pd.DataFrame, tracks: Any, surface: int) -> Any:
    """Row of the first segment of each track at a surface; -1 = none."""
    at = np.flatnonzero(segments["sid"].to_numpy() == surface)
    return first_of(segments["track_row"].to_numpy(), at, tracks)


def _taken(values: Any, rows: Any) -> Any:
    found = np.full(len(rows), np.nan, values.dtype)
    found[rows >= 0] = values[rows[rows >= 0]]
    return found


def _nearest(veto_times_ns: pd.DataFrame, tracks: Any) -> Any:
    """The time difference of least size of each track; NaN without any."""
    parents, times = (veto_times_ns[c].to_numpy() for c in ("track_row", "dT_ns"))
    is_number = np.flatnonzero(~np.isnan(times))
    order = is_number[np.lexsort((np.abs(times[is_number]), parents[is_number]))]
    return _taken(times, first_of(parents, order, tracks))
