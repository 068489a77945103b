"""Counts of a range of events that add up to those of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..arrays import F4, F8, I4, I8, U4, frozen
from ..cut_flow import CutFlow
from ..errors import NotAddableError
from ..histograms import Histogram

SELECTIONS: Final = ("All", "Preselect", "Select", "Unvetoed")
WINDOWS: Final = ("Inclusive", "Wide", "Extended", "Signal")
WINDOW_CUTS: Final = ("", "within_wide_win", "within_ext_win", "within_sig_win")
UNITS_PER_NS: Final = 1 << 43


@dataclass(frozen=True)
class CutMarks:
    """Which tracks pass some cuts.

    ``bits`` has a word a track; ``not_a_number`` counts by cut what is NaN.
    """

    bits: U4
    not_a_number: Mapping[str, int]


@dataclass(frozen=True)
class CutCounts:
    """What passes the cuts of a run.

    Attributes
    ----------
    events, tracks
        Flows through the cuts that are on. An event passes with one track that passes.
    off, off_individual
        Names of the cuts that are off, and the events with a track that passes each alone.
    not_a_number
        By cut, on or off: how many tracks, or events, have a quantity that is NaN.
    selected
        Shape (selections, 2): events and tracks of All, Preselect, Select, Unvetoed.
    in_window
        Shape (windows, 2): events in Select and the window, and those of them not vetoed.
    """

    events: CutFlow
    tracks: CutFlow
    off: tuple[str, ...]
    off_individual: I8
    not_a_number: Mapping[str, int]
    selected: I8
    in_window: I8

    def __add__(self, other: CutCounts) -> CutCounts:
        """Those of both parts."""
        if self.off != other.off:
            msg = f"counts of cuts: {self.off} are off in one part, {other.off} in another"
            raise NotAddableError(msg)
        return CutCounts(
            self.events + other.events,
            self.tracks + other.tracks,
            self.off,
            frozen(self.off_individual + other.off_individual),
            {name: n + other.not_a_number[name] for name, n in self.not_a_number.items()},
            frozen(self.selected + other.selected),
            frozen(self.in_window + other.in_window),
        )


@dataclass(frozen=True)
class HistogramEntries:
    """Where the rows of a range belong on the axes of histograms, whatever the cuts say.

    Attributes
    ----------
    places
        By histogram: 0 below its axis, then the bins, last above; -1 = not a number.
    values
        What is filled only between two thresholds, by histogram.
    parents
        The track of each row, of coincidences the event, by what it is a row of; absent where
        there is a row a track or an event.
    """

    places: Mapping[str, I4]
    values: Mapping[str, F4]
    parents: Mapping[str, I8]


@dataclass(frozen=True)
class Histograms:
    """Histograms by name, each over its axis and the selections.

    ``missing`` has by name the entries that are NaN in each selection.
    """

    by_name: Mapping[str, Histogram]
    missing: Mapping[str, I8]

    def __getitem__(self, name: str) -> Histogram:
        return self.by_name[name]

    def __add__(self, other: Histograms) -> Histograms:
        """Those of both parts, without what one of them lacks since its file has no such leaf."""
        common = [name for name in self.by_name if name in other.by_name]
        return Histograms(
            {name: self.by_name[name] + other.by_name[name] for name in common},
            {name: frozen(self.missing[name] + other.missing[name]) for name in common},
        )


@dataclass(frozen=True)
class VetoCounts:
    """Events of Select and their time differences, for every window of a grid.

    Attributes
    ----------
    lo_ns, hi_ns
        Edges of the windows.
    closed
        Whether an edge belongs to the window.
    selected_events
        Events in Select.
    combinations, not_a_number
        Time differences, and those of them that are NaN.
    sum_units
        Sum of those that are numbers in units of 2^-43 ns: a whole number, so that the sum is
        the same however the events are cut into parts.
    min_ns, max_ns
        Of those that are numbers; +inf and -inf without any.
    vetoed
        Shape (lo, hi): events with a time difference in the window.
    """

    lo_ns: tuple[float, ...]
    hi_ns: tuple[float, ...]
    closed: bool
    selected_events: int
    combinations: int
    not_a_number: int
    sum_units: int
    min_ns: float
    max_ns: float
    vetoed: I8

    @property
    def sum_ns(self) -> float:
        """Sum of the time differences that are numbers."""
        return self.sum_units / UNITS_PER_NS

    def __add__(self, other: VetoCounts) -> VetoCounts:
        """Those of both parts."""
        mine, theirs = (
            (self.lo_ns, self.hi_ns, self.closed),
            (other.lo_ns, other.hi_ns, other.closed),
        )
        if mine != theirs:
            msg = f"veto study: windows {mine} in one part, {theirs} in another"
            raise NotAddableError(msg)
        return VetoCounts(
            self.lo_ns,
            self.hi_ns,
            self.closed,
            self.selected_events + other.selected_events,
            self.combinations + other.combinations,
            self.not_a_number + other.not_a_number,
            self.sum_units + other.sum_units,
            min(self.min_ns, other.min_ns),
            max(self.max_ns, other.max_ns),
            frozen(self.vetoed + other.vetoed),
        )


@dataclass(frozen=True)
class ParentCounts:
    """Shape (codes, selections): tracks by a PDG code, ascending."""

    pdg: I8
    counts: I8

    def __add__(self, other: ParentCounts) -> ParentCounts:
        """Those of both parts."""
        pdg = np.union1d(self.pdg, other.pdg)
        counts = np.zeros((len(pdg), self.counts.shape[1]), np.int64)
        for part in (self, other):
            counts[np.searchsorted(pdg, part.pdg)] += part.counts
        return ParentCounts(frozen(pdg), frozen(counts))


@dataclass(frozen=True)
class ScanCounts:
    """Shape (points, 3): events in the last row, Select and Unvetoed at each point of a scan."""

    counts: I8

    def __add__(self, other: ScanCounts) -> ScanCounts:
        """Those of both parts."""
        if self.counts.shape != other.counts.shape:
            msg = f"scan of {len(self.counts)} points: another part has {len(other.counts)}"
            raise NotAddableError(msg)
        return ScanCounts(frozen(self.counts + other.counts))


def weights_of(counts: I8, weight: float) -> tuple[F8, F8]:
    """Counts of equal weight: sums of weights, and the roots of the sums of their squares."""
    values = np.asarray(counts, np.float64)
    return values * weight, np.sqrt(values) * weight
