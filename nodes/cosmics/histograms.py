"""Stage histograms: distributions of tracks, events and coincidences in each selection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F4, I4, I8, U1, Mask, frozen
from ...schemas.cosmics.columns import AbsentLeaves
from ...schemas.cosmics.counts import HistogramEntries, Histograms
from ...schemas.cosmics.cuts import ELECTRON, CutsInEffect
from ...schemas.cosmics.histogram_specs import HistogramSpec
from ...schemas.histograms import Histogram
from .absent import check_leaves, lacks
from .filling import filled, places_or_nan
from .quantities import momentum_MeV, resolution_MeV, slope, transverse_MeV
from .ragged import bits_of_parent

_PARENT: Final = {
    "electron": "track_row",
    "combination": "track_row",
    "coincidence": "event_row",
}
_MADE: Final = {"p_MeV": momentum_MeV, "pT_MeV": transverse_MeV, "slope": slope}


@tag(stage="histograms", helper="true")
def histogram_entries(
    event_extremes: pd.DataFrame,
    tracks: pd.DataFrame,
    segments: pd.DataFrame,
    true_particles: pd.DataFrame,
    coincidences: pd.DataFrame,
    veto_times_ns: pd.DataFrame,
    absent_leaves: AbsentLeaves,
    histogram_specs: tuple,
) -> HistogramEntries:
    """The places of all that is filled, which no cut changes; ``histogram_specs``: HistogramSpec.

    A histogram whose leaf the file lacks is left out, InputError if the settings name it.
    """
    places: dict[str, I4] = {}
    values_of: dict[str, F4] = {}
    parents: dict[str, I8] = {}
    frames: dict[str, pd.DataFrame] = {
        "track": tracks,
        "combination": veto_times_ns,
        "event": event_extremes,
        "coincidence": coincidences,
    }
    for spec in histogram_specs:
        if spec.is_asked:
            check_leaves(absent_leaves, spec.leaves, f"the histogram {spec.name}")
        if lacks(absent_leaves, spec.leaves):
            continue
        if spec.rows == "electron" and spec.kind not in frames:
            frames[spec.kind] = _of_electrons(segments, tracks, spec.surface)
        frame = frames[spec.kind]
        if spec.rows in _PARENT:
            parents[spec.kind] = frame[_PARENT[spec.rows]].to_numpy()
        values = _values(spec, frame, true_particles, len(tracks))
        places[spec.name] = frozen(places_or_nan(spec.axis, values))
        if spec.inside:
            values_of[spec.name] = frozen(values)
    return HistogramEntries(places, values_of, parents)


@tag(stage="histograms", helper="true")
def histogram_counts(
    histogram_entries: HistogramEntries,
    track_extremes: pd.DataFrame,
    event_extremes: pd.DataFrame,
    selections: U1,
    histogram_specs: tuple,
    cuts: CutsInEffect,
) -> Histograms:
    """Counts with what lies outside of the axes, and NaN, by name; each over the selections.

    A track belongs to a selection by its own cuts, an event and its coincidences by any of its
    tracks. Momentum windows are filled with what lies strictly inside.
    """
    of_event = _event_selections(
        track_extremes["event_row"].to_numpy(), selections, len(event_extremes)
    )
    of_rows = {"track": selections, "event": of_event}
    for kind, rows in histogram_entries.parents.items():
        of_rows[kind] = (of_event if kind == "coincidence" else selections)[rows]
    found, missing = {}, {}
    for spec in histogram_specs:
        if spec.name not in histogram_entries.places:
            continue
        places, selected = histogram_entries.places[spec.name], of_rows[spec.kind]
        if spec.inside:
            inside = _inside(histogram_entries.values[spec.name], spec, cuts.thresholds)
            places, selected = places[inside], selected[inside]
        found[spec.name], missing[spec.name] = filled(spec.axis, places, selected)
    return Histograms(found, missing)


@tag(stage="histograms", scope="run", main="true")
def histograms(histogram_counts: Histograms) -> dict[str, Histogram]:
    """Histograms by name, each over its axis and the selections, with what lies outside."""
    return dict(histogram_counts.by_name)


@tag(stage="histograms", scope="run")
def not_in_histograms(histogram_counts: Histograms) -> dict[str, I8]:
    """By histogram the entries of each selection that are NaN."""
    return dict(histogram_counts.missing)


def _event_selections(rows: I8, selections: U1, n_events: int) -> U1:
    """The selections of each event: those of any of its tracks, and All."""
    return np.asarray(bits_of_parent(selections, rows, n_events) | np.uint8(1))


def _of_electrons(segments: pd.DataFrame, tracks: pd.DataFrame, surface: int) -> pd.DataFrame:
    """The segments of electron fits at a surface; -1 = every one."""
    mask = (tracks["pdg"].to_numpy() == ELECTRON)[segments["track_row"].to_numpy()]
    if surface >= 0:
        mask = mask & (segments["sid"].to_numpy() == surface)
    return segments[mask]


def _values(
    spec: HistogramSpec, frame: pd.DataFrame, true_particles: pd.DataFrame, n_tracks: int
) -> Any:
    if spec.quantity in _MADE:
        return _MADE[spec.quantity](frame)
    if spec.quantity == "resolution_MeV":
        return resolution_MeV(frame, true_particles, n_tracks)
    return frame[spec.quantity].to_numpy()


def _inside(values: F4, spec: HistogramSpec, thresholds: Mapping[str, float]) -> Mask:
    """What lies strictly between two thresholds, in the precision of the values; no NaN does."""
    lo, hi = (np.float32(thresholds[f"{end}_{spec.inside}"]) for end in ("lo", "hi"))
    return np.asarray((values > lo) & (values < hi))
