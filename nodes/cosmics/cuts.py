"""Stage cuts: bits of tracks and events, and the counts of the flow. All from the extremes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import U1, U4, frozen
from ...schemas.cosmics.columns import AbsentLeaves
from ...schemas.cosmics.counts import SELECTIONS, WINDOW_CUTS, CutCounts, CutMarks
from ...schemas.cosmics.cuts import CutsInEffect
from .absent import check_leaves
from .bits import flow_counts, n_events_with, own_bits, passes_all, places_of, selection_places
from .ragged import bits_of_parent


@tag(stage="cuts", helper="true")
def cut_marks(
    track_extremes: pd.DataFrame,
    event_extremes: pd.DataFrame,
    veto_times_ns: pd.DataFrame,
    added_cut_marks: CutMarks,
    cuts: CutsInEffect,
) -> CutMarks:
    """The bits of each track, and by cut what is not a number."""
    bits, n_nan = own_bits(track_extremes, event_extremes, veto_times_ns, cuts)
    return CutMarks(frozen(bits | added_cut_marks.bits), {**n_nan, **added_cut_marks.not_a_number})


@tag(stage="cuts", main="true")
def cut_bits(cut_marks: CutMarks) -> U4:
    """Of each track the cuts that it passes: bit i = cut i in the order of effective_cuts.

    Cuts that are off have their bits too; those on events have the same bit in all tracks.
    """
    return cut_marks.bits


@tag(stage="cuts", rows="event_extremes")
def event_bits(
    cut_bits: U4, track_extremes: pd.DataFrame, event_extremes: pd.DataFrame, cuts: CutsInEffect
) -> U4:
    """Of each event how far it comes: bit i = a track passes cut i and every cut on before it."""
    reached = np.zeros(len(cut_bits), np.uint32)
    so_far = np.ones(len(cut_bits), bool)
    for place, item in enumerate(cuts.cuts):
        passes = so_far & ((cut_bits >> np.uint32(place)) & np.uint32(1)).astype(bool)
        reached |= passes.astype(np.uint32) << np.uint32(place)
        if item.is_active:
            so_far = passes
    rows = track_extremes["event_row"].to_numpy()
    return frozen(bits_of_parent(reached, rows, len(event_extremes)))


@tag(stage="cuts", rows="cut_bits")
def selections(cut_bits: U4, cuts: CutsInEffect) -> U1:
    """Of each track its selections: bits All, Preselect, Select, Unvetoed."""
    found = np.zeros(len(cut_bits), np.uint8)
    for bit, places in enumerate(selection_places(cuts).values()):
        found |= passes_all(cut_bits, places).astype(np.uint8) << np.uint8(bit)
    return frozen(found)


@tag(stage="cuts", helper="true")
def cut_counts(
    cut_marks: CutMarks,
    track_extremes: pd.DataFrame,
    event_extremes: pd.DataFrame,
    absent_leaves: AbsentLeaves,
    cuts: CutsInEffect,
) -> CutCounts:
    """What passes the cuts, in numbers that add up over parts.

    InputError if the file lacks a leaf that a cut which is on needs.
    """
    for place in cuts.active:
        cut = cuts.cuts[place].cut
        check_leaves(absent_leaves, cut.leaves, f"the cut {cut.name}")
    cut_bits, rows = cut_marks.bits, track_extremes["event_row"].to_numpy()
    events, tracks = flow_counts(cut_bits, rows, len(event_extremes), cuts)
    places = selection_places(cuts)
    masks = {name: passes_all(cut_bits, places[name]) for name in SELECTIONS}
    selected = [(n_events_with(m, rows), int(np.count_nonzero(m))) for m in masks.values()]
    selected[0] = (len(event_extremes), len(cut_bits))
    unvetoed = passes_all(cut_bits, places_of(cuts, "unvetoed"))
    windows = []
    for name in WINDOW_CUTS:
        inside = masks["Select"] & passes_all(cut_bits, places_of(cuts, name))
        windows.append((n_events_with(inside, rows), n_events_with(inside & unvetoed, rows)))
    off = [i for i in range(len(cuts.cuts)) if i not in cuts.active]
    alone = [n_events_with(passes_all(cut_bits, (place,)), rows) for place in off]
    return CutCounts(
        events,
        tracks,
        tuple(cuts.cuts[place].cut.name for place in off),
        frozen(np.array(alone, np.int64)),
        dict(cut_marks.not_a_number),
        frozen(np.array(selected, np.int64)),
        frozen(np.array(windows, np.int64)),
    )
