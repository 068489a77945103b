"""Stage extremes: what the cuts look at, whatever their thresholds are.

``every segment at S has lo < v < hi`` is ``least v > lo and greatest v < hi``; without a segment
there the least is +inf and the greatest -inf, and the cut passes. A NaN stays NaN and fails.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import I8
from ...schemas.cosmics.cuts import ELECTRON, TT_BACK, TT_FRONT, TT_MID
from ...schemas.cosmics.frames import EVENT_EXTREMES, TRACK_EXTREMES
from .quantities import is_true_particle, momentum_MeV, slope, veto_times_at
from .ragged import any_of_parent, extremes


@tag(stage="extremes", schema="TrackExtremes", rows="tracks")
def track_extremes(
    tracks: pd.DataFrame, segments: pd.DataFrame, true_particles: pd.DataFrame, track_pdg: int
) -> pd.DataFrame:
    """Least and greatest of what the cuts on tracks look at, one row a track."""
    n = len(tracks)
    sid, rows = segments["sid"].to_numpy(), segments["track_row"].to_numpy()
    at = {surface: sid == surface for surface in (TT_FRONT, TT_MID, TT_BACK)}
    inside = np.flatnonzero(at[TT_FRONT] | at[TT_MID] | at[TT_BACK])
    front, middle = np.flatnonzero(at[TT_FRONT]), np.flatnonzero(at[TT_MID])

    def of(values: Any, where: I8) -> tuple[Any, Any]:
        return extremes(values[where], rows[where], n)

    def column(name: str) -> Any:
        return segments[name].to_numpy()

    at_front = segments[["px_MeV", "py_MeV", "pz_MeV"]].iloc[front]
    t0, maxr = of(column("time_ns"), middle), of(column("maxr_mm"), front)
    slopes = extremes(slope(at_front), rows[front], n)
    momenta = extremes(momentum_MeV(at_front), rows[front], n)
    has = [any_of_parent(mask, rows, n) for mask in at.values()]
    return TRACK_EXTREMES.frame(
        {
            **{name: tracks[name] for name in ("event_row", "pdg", "nactive", "trkqual")},
            "is_through": has[0] & has[1] & has[2],
            "is_true_particle": is_true_particle(true_particles, n, track_pdg),
            "pz_min_MeV": of(column("pz_MeV"), inside)[0],
            "t0_min_ns": t0[0],
            "t0_max_ns": t0[1],
            "t0err_max_ns": of(column("t0err_ns"), middle)[1],
            "d0_max_mm": of(column("d0_mm"), front)[1],
            "slope_min": slopes[0],
            "slope_max": slopes[1],
            "maxr_min_mm": maxr[0],
            "maxr_max_mm": maxr[1],
            "p_min_MeV": momenta[0],
            "p_max_MeV": momenta[1],
        }
    )


@tag(stage="extremes", schema="EventExtremes", rows="event_numbers")
def event_extremes(
    event_numbers: pd.DataFrame, tracks: pd.DataFrame, coincidences: pd.DataFrame
) -> pd.DataFrame:
    """Fits of each event, and the first and last times of its coincidences."""
    n = len(event_numbers)
    parents = coincidences["event_row"].to_numpy()
    of_tracks = tracks["event_row"].to_numpy()
    electrons = of_tracks[tracks["pdg"].to_numpy() == ELECTRON]
    return EVENT_EXTREMES.frame(
        {
            "n_tracks": np.bincount(of_tracks, minlength=n),
            "n_electron_fits": np.bincount(electrons, minlength=n),
            "start_min_ns": extremes(coincidences["start_ns"].to_numpy(), parents, n)[0],
            "end_max_ns": extremes(coincidences["end_ns"].to_numpy(), parents, n)[1],
        }
    )


@tag(stage="extremes", schema="VetoTimes", unit="ns")
def veto_times_ns(
    event_numbers: pd.DataFrame,
    tracks: pd.DataFrame,
    segments: pd.DataFrame,
    coincidences: pd.DataFrame,
) -> pd.DataFrame:
    """Time of each electron fit at the middle less that of each coincidence of its event.

    Of every electron fit of the event, before all cuts; in order of event, then of the time
    difference, NaN last. Single precision of the coincidence, all else double.
    """
    return veto_times_at(TT_MID, len(event_numbers), tracks, segments, coincidences)
