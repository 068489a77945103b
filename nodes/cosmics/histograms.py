"""Stage histograms: distributions of tracks, events and coincidences in each selection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import I8, U1
from ...schemas.cosmics.columns import AbsentLeaves
from ...schemas.cosmics.counts import Histograms
from ...schemas.cosmics.cuts import ELECTRON, CutsInEffect
from ...schemas.cosmics.histogram_specs import HistogramSpec
from ...schemas.histograms import Histogram
from .absent import check_leaves, lacks
from .filling import filled
from .quantities import momentum_MeV, resolution_MeV, slope, transverse_MeV
from .ragged import bits_of_parent

_MADE: Final = {"p_MeV": momentum_MeV, "pT_MeV": transverse_MeV, "slope": slope}


@tag(stage="histograms", helper="true")
def histogram_counts(
    event_extremes: pd.DataFrame,
    tracks: pd.DataFrame,
    segments: pd.DataFrame,
    true_particles: pd.DataFrame,
    coincidences: pd.DataFrame,
    veto_times_ns: pd.DataFrame,
    selections: U1,
    absent_leaves: AbsentLeaves,
    histogram_specs: tuple,
    cuts: CutsInEffect,
) -> Histograms:
    """Counts with what lies outside of the axes, and NaN, by name; each over the selections.

    ``histogram_specs`` are HistogramSpec.

    A track belongs to a selection by its own cuts, an event and its coincidences by any of its
    tracks. Momentum windows are filled with what lies strictly inside. One whose leaf the file
    lacks is left out, InputError if the settings name it.
    """
    tables = {
        "electron": segments,
        "track": tracks,
        "combination": veto_times_ns,
        "event": event_extremes,
        "coincidence": coincidences,
    }
    of_event = _event_selections(tracks, selections, len(event_extremes))
    by_surface: dict[int, tuple[pd.DataFrame, Any]] = {}
    found, missing = {}, {}
    for spec in histogram_specs:
        if spec.is_asked:
            check_leaves(absent_leaves, spec.leaves, f"the histogram {spec.name}")
        if lacks(absent_leaves, spec.leaves):
            continue
        frame = tables[spec.rows]
        if spec.rows == "electron":
            if spec.surface not in by_surface:
                by_surface[spec.surface] = _of_electrons(segments, tracks, spec.surface)
            frame, rows = by_surface[spec.surface]
            selected = selections[rows]
        elif spec.rows == "combination":
            selected = selections[veto_times_ns["track_row"].to_numpy()]
        elif spec.rows == "track":
            selected = selections
        elif spec.rows == "event":
            selected = of_event
        else:
            selected = of_event[coincidences["event_row"].to_numpy()]
        values = _values(spec, frame, true_particles, len(tracks))
        if spec.inside:
            values, selected = _inside(values, selected, spec, cuts.thresholds)
        found[spec.name], missing[spec.name] = filled(spec.axis, values, selected)
    return Histograms(found, missing)


@tag(stage="histograms", scope="run", main="true")
def histograms(histogram_counts: Histograms) -> dict[str, Histogram]:
    """Histograms by name, each over its axis and the selections, with what lies outside."""
    return dict(histogram_counts.by_name)


@tag(stage="histograms", scope="run")
def not_in_histograms(histogram_counts: Histograms) -> dict[str, I8]:
    """By histogram the entries of each selection that are NaN."""
    return dict(histogram_counts.missing)


def _event_selections(tracks: pd.DataFrame, selections: U1, n_events: int) -> U1:
    """The selections of each event: those of any of its tracks, and All."""
    found = bits_of_parent(selections, tracks["event_row"].to_numpy(), n_events)
    return np.asarray(found | np.uint8(1))


def _of_electrons(
    segments: pd.DataFrame, tracks: pd.DataFrame, surface: int
) -> tuple[pd.DataFrame, Any]:
    """The segments of electron fits at a surface, and the rows of their tracks."""
    rows = segments["track_row"].to_numpy()
    mask = (tracks["pdg"].to_numpy() == ELECTRON)[rows]
    if surface >= 0:
        mask = mask & (segments["sid"].to_numpy() == surface)
    return segments[mask], rows[mask]


def _values(
    spec: HistogramSpec, frame: pd.DataFrame, true_particles: pd.DataFrame, n_tracks: int
) -> Any:
    if spec.quantity in _MADE:
        return _MADE[spec.quantity](frame)
    if spec.quantity == "resolution_MeV":
        return resolution_MeV(frame, true_particles, n_tracks)
    return frame[spec.quantity].to_numpy()


def _inside(
    values: Any, selected: U1, spec: HistogramSpec, thresholds: Mapping[str, float]
) -> tuple[Any, U1]:
    """What lies strictly between two thresholds, in the precision of the values; NaN stay."""
    lo, hi = (np.float32(thresholds[f"{end}_{spec.inside}"]) for end in ("lo", "hi"))
    inside = (values > lo) & (values < hi)
    return values[inside], selected[inside]
