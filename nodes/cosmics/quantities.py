"""Quantities of segments and tracks that cuts and histograms compare, in the file's precision."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...schemas.arrays import F4, I8, Mask
from ...schemas.cosmics.cuts import ELECTRON
from ...schemas.cosmics.frames import VETO_TIMES
from .ragged import any_of_parent, group_begins, pairs


def momentum_MeV(segments: pd.DataFrame) -> F4:
    """|p| of each row, in single precision as it is compared."""
    x, y, z = (segments[f"p{c}_MeV"].to_numpy() for c in "xyz")
    return np.sqrt(x * x + y * y + z * z)


def transverse_MeV(segments: pd.DataFrame) -> F4:
    """pT of each row, in single precision."""
    return np.hypot(segments["px_MeV"].to_numpy(), segments["py_MeV"].to_numpy())


def slope(segments: pd.DataFrame) -> F4:
    """pz/pT of each row, 0 where pT is 0, in single precision."""
    z, transverse = segments["pz_MeV"].to_numpy(), transverse_MeV(segments)
    is_zero = transverse == 0
    return np.where(is_zero, np.float32(0.0), z / np.where(is_zero, np.float32(1.0), transverse))


def is_true_particle(true_particles: pd.DataFrame, n_tracks: int, track_pdg: int) -> Mask:
    """Whether a true particle with the most hits of a track has a PDG code, ties all looked at."""
    rows, nhits = (true_particles[c].to_numpy() for c in ("track_row", "nhits"))
    most = np.zeros(n_tracks, np.int32)
    if len(rows):
        begins = group_begins(rows)
        most[rows[begins]] = np.maximum.reduceat(nhits, begins)
    is_wanted = (nhits == most[rows]) & (true_particles["pdg"].to_numpy() == track_pdg)
    return any_of_parent(is_wanted, rows, n_tracks)


def veto_times_at(
    surface: int,
    n_events: int,
    tracks: pd.DataFrame,
    segments: pd.DataFrame,
    coincidences: pd.DataFrame,
) -> pd.DataFrame:
    """Time of each electron fit at a surface less that of each coincidence of its event.

    In order of event, then of the time difference, NaN last; the schema VetoTimes.
    """
    rows: I8 = segments["track_row"].to_numpy()
    is_electron = tracks["pdg"].to_numpy() == ELECTRON
    at = np.flatnonzero((segments["sid"].to_numpy() == surface) & is_electron[rows])
    of_event = tracks["event_row"].to_numpy()[rows[at]]
    of_segment, of_coincidence = pairs(of_event, coincidences["event_row"].to_numpy(), n_events)
    track_time = segments["time_ns"].to_numpy()[at][of_segment]
    coincidence_time = coincidences["time_ns"].to_numpy()[of_coincidence].astype(np.float64)
    difference = track_time - coincidence_time
    order = np.lexsort((difference, of_event[of_segment]))
    return VETO_TIMES.frame(
        {
            "event_row": of_event[of_segment][order],
            "track_row": rows[at][of_segment][order],
            "coincidence_row": of_coincidence[order],
            "dT_ns": difference[order],
        }
    )


def resolution_MeV(segments: pd.DataFrame, true_particles: pd.DataFrame, n_tracks: int) -> F4:
    """Momentum of each row less that of the true electron of its track with the most hits.

    The first of several with as many hits; NaN for a track without a true electron.
    """
    is_electron = true_particles["pdg"].to_numpy() == ELECTRON
    rows = true_particles["track_row"].to_numpy()[is_electron]
    nhits = true_particles["nhits"].to_numpy()[is_electron]
    momentum = momentum_MeV(true_particles[is_electron])
    order = np.lexsort((np.arange(len(rows)), -nhits.astype(np.int64), rows))
    true = np.full(n_tracks, np.nan, np.float32)
    first = order[np.flatnonzero(np.diff(rows[order], prepend=-1))]
    true[rows[first]] = momentum[first]
    return momentum_MeV(segments) - true[segments["track_row"].to_numpy()]
