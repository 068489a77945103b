"""Events in every window of a grid: for each lower edge one sorted list of first times.

An event is vetoed by (lo, hi) if its first time difference above lo is below hi.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, I8, U1, frozen
from ...schemas.cosmics.counts import SELECTIONS, UNITS_PER_NS, VetoCounts
from ...schemas.cosmics.statistics import StatisticsSettings
from ...schemas.cosmics.veto import VetoGrid, VetoStudy
from ..statistics.intervals import fraction_of
from .intervals import fraction_interval
from .ragged import any_of_parent, group_begins

# So many units of less than 1 ns each do not overflow.
_A_BLOCK = 1 << 19
_SELECT = SELECTIONS.index("Select")


def vetoed(dT_ns: F8, events: I8, grid: VetoGrid) -> I8:
    """Shape (lo, hi): events with a time difference in each window.

    ``dT_ns`` is ascending in each event, without NaN; ``events`` is ascending.
    """
    side: Literal["left", "right"] = "right" if grid.closed else "left"
    hi = np.asarray(grid.hi_ns)
    found = np.zeros((len(grid.lo_ns), len(hi)), np.int64)
    for k, lo in enumerate(grid.lo_ns):
        above = dT_ns >= lo if grid.closed else dT_ns > lo
        first = dT_ns[above][group_begins(events[above])]
        found[k] = np.searchsorted(np.sort(first), hi, side=side)
        # A window that ends where it begins, or before, holds nothing.
        found[k][hi < lo if grid.closed else hi <= lo] = 0
    return found


def _units(times: F8) -> int:
    """The sum in whole units of 2^-43 ns, which is the same in any order."""
    whole = np.floor(times)
    parts = np.round((times - whole) * UNITS_PER_NS).astype(np.int64)
    blocks = np.array_split(parts, len(parts) // _A_BLOCK + 1)
    return int(whole.sum()) * UNITS_PER_NS + sum(int(block.sum()) for block in blocks)


def veto_counts_of(
    veto_times_ns: pd.DataFrame, parents: I8, selections: U1, n_events: int, grid: VetoGrid
) -> VetoCounts:
    """Counts of a range: ``parents`` are the events of the tracks, ``selections`` their bits."""
    is_selected = (selections >> np.uint8(_SELECT) & np.uint8(1)).astype(bool)
    selected = any_of_parent(is_selected, parents, n_events)
    events, times = (veto_times_ns[c].to_numpy() for c in ("event_row", "dT_ns"))
    of_selected = selected[events]
    events, times = events[of_selected], times[of_selected]
    is_nan = np.isnan(times)
    events, times = events[~is_nan], times[~is_nan]
    return VetoCounts(
        grid.lo_ns,
        grid.hi_ns,
        grid.closed,
        int(np.count_nonzero(selected)),
        len(is_nan),
        int(np.count_nonzero(is_nan)),
        _units(times),
        float(times.min()) if len(times) else float("inf"),
        float(times.max()) if len(times) else float("-inf"),
        frozen(vetoed(times, events, grid)),
    )


def studied(counts: VetoCounts, statistics: StatisticsSettings) -> VetoStudy:
    """The fraction of events in each window with its interval."""
    n = np.broadcast_to(np.int64(counts.selected_events), counts.vetoed.shape)
    lower, upper = fraction_interval(counts.vetoed, n, statistics)
    return VetoStudy(
        counts.selected_events,
        counts.combinations,
        counts.not_a_number,
        frozen(np.asarray(counts.lo_ns, np.float64)),
        frozen(np.asarray(counts.hi_ns, np.float64)),
        counts.closed,
        counts.sum_ns,
        counts.min_ns,
        counts.max_ns,
        counts.vetoed,
        frozen(fraction_of(counts.vetoed, n)),
        frozen(lower),
        frozen(upper),
    )
