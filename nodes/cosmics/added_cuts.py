"""Cuts that a user adds: conditions on known quantities, evaluated from the columns.

They are looked at segment by segment, or coincidence by coincidence, since "any" and "exactly"
cannot be told from extremes.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import I8, Mask, frozen
from ...schemas.cosmics.counts import CutMarks
from ...schemas.cosmics.cuts import SEGMENT_QUANTITIES, TRACK_QUANTITIES, CutInEffect
from .quantities import momentum_MeV, slope, transverse_MeV, veto_times_at

_COINCIDENCE_COLUMN: Final = "coinc_"


_MADE: Final = {"p_MeV": momentum_MeV, "slope": slope, "pT_MeV": transverse_MeV}


def _satisfied(values: Any, lo: float | None, hi: float | None) -> Mask:
    """lo < value < hi, bounds in the precision of the values; false for NaN."""
    kind = np.float32 if values.dtype == np.float32 else np.float64
    found = np.ones(len(values), bool)
    if lo is not None:
        found &= values > kind(lo)
    if hi is not None:
        found &= values < kind(hi)
    return found & ~np.isnan(values)


def _quantified(good: Mask, parents: I8, n_parents: int, item: CutInEffect) -> Mask:
    """Whether so many of the rows of each parent are good as a cut asks for.

    All of none is true, any of none is false.
    """
    n_good = np.bincount(parents[good], minlength=n_parents)
    match item.cut.quantifier:
        case "all":
            return np.asarray(n_good == np.bincount(parents, minlength=n_parents))
        case "any":
            return np.asarray(n_good > 0)
        case "none":
            return np.asarray(n_good == 0)
    return np.asarray(n_good == item.cut.times)


@tag(stage="cuts", helper="true")
@config.when(added="none")
def added_cut_marks__none(tracks: pd.DataFrame) -> CutMarks:
    """No cut is added."""
    return CutMarks(frozen(np.zeros(len(tracks), np.uint32)), {})


@tag(stage="cuts", helper="true")
@config.when(added="some")
def added_cut_marks__some(
    event_numbers: pd.DataFrame,
    tracks: pd.DataFrame,
    segments: pd.DataFrame,
    coincidences: pd.DataFrame,
    added_cuts: tuple,
) -> CutMarks:
    """Which tracks pass the cuts that a user adds: pairs of place (bit) and CutInEffect."""
    n_events, rows = len(event_numbers), tracks["event_row"].to_numpy()
    bits, n_nan = np.zeros(len(tracks), np.uint32), {}
    for place, item in added_cuts:
        name = item.cut.quantity
        if name in TRACK_QUANTITIES:
            values, parents, n = tracks[name].to_numpy(), np.arange(len(tracks)), len(tracks)
        elif name in SEGMENT_QUANTITIES:
            at = segments[np.isin(segments["sid"].to_numpy(), item.cut.surfaces)]
            values = _MADE[name](at) if name in _MADE else at[name].to_numpy()
            parents, n = at["track_row"].to_numpy(), len(tracks)
        elif name == "nfits":
            values = np.bincount(rows, minlength=n_events)
            parents, n = np.arange(n_events), n_events
        elif name == "dT_ns":
            tables = [
                veto_times_at(surface, n_events, tracks, segments, coincidences)
                for surface in item.cut.surfaces
            ]
            values = np.concatenate([t["dT_ns"].to_numpy() for t in tables])
            parents, n = np.concatenate([t["event_row"].to_numpy() for t in tables]), n_events
        else:
            values = coincidences[name.removeprefix(_COINCIDENCE_COLUMN)].to_numpy()
            parents, n = coincidences["event_row"].to_numpy(), n_events
        passes = _quantified(_satisfied(values, item.lo, item.hi), parents, n, item)
        n_nan[item.cut.name] = len(np.unique(parents[np.isnan(values)]))
        of_track = passes if n == len(tracks) and item.cut.level == "track" else passes[rows]
        bits |= of_track.astype(np.uint32) << np.uint32(place)
    return CutMarks(frozen(bits), n_nan)
