"""Bits of tracks for the cuts of the table, and what is counted of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from ...schemas.arrays import I8, U4, Mask, frozen
from ...schemas.cosmics.cuts import BIT_OF, ELECTRON, CutInEffect, CutsInEffect
from ...schemas.cut_flow import CutFlow
from .ragged import bits_of_parent

_LOWEST_HIGHEST: Final = {
    "pz_MeV": ("pz_min_MeV", ""),
    "time_ns": ("t0_min_ns", "t0_max_ns"),
    "t0err_ns": ("", "t0err_max_ns"),
    "d0_mm": ("", "d0_max_mm"),
    "slope": ("slope_min", "slope_max"),
    "maxr_mm": ("maxr_min_mm", "maxr_max_mm"),
    "p_MeV": ("p_min_MeV", "p_max_MeV"),
    "trkqual": ("trkqual", "trkqual"),
    "nactive": ("nactive", "nactive"),
    "coinc_start_ns": ("start_min_ns", "start_min_ns"),
    "coinc_end_ns": ("end_max_ns", "end_max_ns"),
}
"""By quantity the columns of the extremes that its bounds are compared with."""


def _bound(column: Any, threshold: float) -> Any:
    """A threshold in the precision of what it is compared with."""
    return np.float32(threshold) if column.dtype == np.float32 else np.float64(threshold)


def within(frame: pd.DataFrame, item: CutInEffect) -> tuple[Mask, Mask]:
    """Which rows of the extremes satisfy a cut, and which cannot since they are not a number."""
    lowest, highest = _LOWEST_HIGHEST[item.cut.quantity]
    passes, is_nan = np.ones(len(frame), bool), np.zeros(len(frame), bool)
    for name, bound, compare in ((lowest, item.lo, np.greater), (highest, item.hi, np.less)):
        if bound is not None:
            column = frame[name].to_numpy()
            passes &= compare(column, _bound(column, bound))
            is_nan |= np.isnan(column)
    return passes, is_nan


def in_window(dT_ns: Any, lo: float, hi: float) -> Mask:
    """Whether time differences lie in an open window; NaN never does."""
    return np.asarray((dT_ns > lo) & (dT_ns < hi))


def is_unvetoed(veto_times_ns: pd.DataFrame, n_events: int, lo: float, hi: float) -> Mask:
    """Whether no time difference of an event lies in the open window."""
    found = np.ones(n_events, bool)
    inside = in_window(veto_times_ns["dT_ns"].to_numpy(), lo, hi)
    found[veto_times_ns["event_row"].to_numpy()[inside]] = False
    return found


def _own_cut(
    item: CutInEffect, tracks: pd.DataFrame, events: pd.DataFrame, veto: pd.DataFrame
) -> tuple[Mask, Mask]:
    """Which rows of its level one of our own cuts lets pass, and which are not a number."""
    frame = tracks if item.cut.level == "track" else events
    none = np.zeros(len(frame), bool)
    match item.cut.name:
        case "thru_trk":
            return frame["is_through"].to_numpy(), none
        case "is_reco_electron":
            return np.asarray(frame["pdg"].to_numpy() == ELECTRON), none
        case "one_reco_electron":
            return np.asarray(frame["n_electron_fits"].to_numpy() == 1), none
        case "is_truth_electron":
            return frame["is_true_particle"].to_numpy(), none
        case "unvetoed":
            assert item.lo is not None
            assert item.hi is not None
            none[veto["event_row"].to_numpy()[np.isnan(veto["dT_ns"].to_numpy())]] = True
            return is_unvetoed(veto, len(frame), item.lo, item.hi), none
    return within(frame, item)


def own_bits(
    tracks: pd.DataFrame, events: pd.DataFrame, veto: pd.DataFrame, cuts: CutsInEffect
) -> tuple[U4, dict[str, int]]:
    """The bits of each track for the cuts of the table, and by cut how much is not a number."""
    rows = tracks["event_row"].to_numpy()
    bits, n_nan = np.zeros(len(tracks), np.uint32), {}
    for place, item in enumerate(cuts.cuts):
        if item.cut.name not in BIT_OF:
            continue
        passes, is_nan = _own_cut(item, tracks, events, veto)
        n_nan[item.cut.name] = int(np.count_nonzero(is_nan))
        of_track = passes if item.cut.level == "track" else passes[rows]
        bits |= of_track.astype(np.uint32) << np.uint32(place)
    return bits, n_nan


def mask_of(places: tuple[int, ...]) -> np.uint32:
    """The word with the bits of some cuts."""
    return np.uint32(sum(1 << place for place in places))


def passes_all(bits: U4, places: tuple[int, ...]) -> Mask:
    """Which tracks pass every one of some cuts."""
    word = mask_of(places)
    return np.asarray((bits & word) == word)


def selection_places(cuts: CutsInEffect) -> dict[str, tuple[int, ...]]:
    """The cuts that make each selection.

    Select leaves out Veto and Momentum alone: a group of a user belongs to it.
    """
    return {
        "All": (),
        "Preselect": cuts.active_in("Preselect"),
        "Select": cuts.active_outside("Veto", "Momentum"),
        "Unvetoed": cuts.active_outside("Momentum"),
    }


def n_events_with(mask: Mask, rows: I8) -> int:
    """Events with a marked track; ``rows`` is ascending."""
    of_event = rows[mask]
    return int(np.count_nonzero(np.diff(of_event, prepend=-1)))


def flow_counts(bits: U4, rows: I8, n_events: int, cuts: CutsInEffect) -> tuple[CutFlow, CutFlow]:
    """Flows of events and of tracks through the cuts that are on.

    An event passes with one track that passes every cut so far. One without tracks is in the
    first row alone.
    """
    places = cuts.active
    word = mask_of(places)
    failed = ~bits & word
    # The first cut that a track fails: their order is that of the bits.
    first = failed & (~failed + np.uint32(1))
    passes_every = failed == 0
    words = {
        "cumulative": np.where(passes_every, word, (first - np.uint32(1)) & word),
        "individual": bits & word,
        # A track that fails one cut alone counts for what passes all but that one.
        "n_minus_one": np.where(passes_every, word, np.where(failed == first, first, np.uint32(0))),
    }
    found = {
        "events": {k: _set_bits(bits_of_parent(w, rows, n_events), places)
                   for k, w in words.items()},
        "tracks": {k: _set_bits(w, places) for k, w in words.items()},
    }  # fmt: skip
    items = [cuts.cuts[place].cut for place in places]

    def flow(of: str, whole: int) -> CutFlow:
        counts = found[of]
        return CutFlow(
            of,
            tuple(c.name for c in items),
            tuple(c.group for c in items),
            tuple(c.level for c in items),
            frozen(np.append(whole, counts["cumulative"])),
            frozen(counts["individual"]),
            frozen(counts["n_minus_one"]),
        )

    return flow("events", n_events), flow("tracks", len(bits))


def _set_bits(words: U4, places: tuple[int, ...]) -> I8:
    """How many words have each of some bits set."""
    each = [np.count_nonzero((words & np.uint32(1 << place)) != 0) for place in places]
    return np.array(each, np.int64)


def places_of(cuts: CutsInEffect, name: str) -> tuple[int, ...]:
    """The place of a cut, as a tuple; empty if it does not exist here."""
    place = cuts.place(name)
    return () if place is None else (place,)


def changed_bits(
    bits: U4,
    tables: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
    cuts: CutsInEffect,
    thresholds: Mapping[str, float],
) -> U4:
    """The bits of tracks with other thresholds: only the cuts that they bound are looked at.

    ``tables`` are the extremes of tracks and of events and the time differences.
    """
    rows = tables[0]["event_row"].to_numpy()
    for place, item in enumerate(cuts.cuts):
        if item.cut.name not in BIT_OF or not {item.cut.lo, item.cut.hi} & thresholds.keys():
            continue
        lo, hi = (thresholds.get(str(key), was)
                  for key, was in ((item.cut.lo, item.lo), (item.cut.hi, item.hi)))  # fmt: skip
        passes, _ = _own_cut(replace(item, lo=lo, hi=hi), *tables)
        of_track = passes if item.cut.level == "track" else passes[rows]
        bit = np.uint32(1 << place)
        bits = np.where(of_track, bits | bit, bits & ~bit)
    return bits
