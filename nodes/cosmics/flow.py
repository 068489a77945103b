"""Stage flow: the tables of the cut flow, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8
from ...schemas.cosmics.counts import CutCounts, weights_of
from ...schemas.cosmics.cuts import CutsInEffect
from ...schemas.cosmics.frames import (
    CUT_FLOW,
    EFFECTIVE_CUTS,
    GROUP_FLOW,
    OFF_CUTS,
    WEIGHTED_FLOW,
)
from ...schemas.cosmics.statistics import StatisticsSettings
from .intervals import fraction_interval

FIRST_ROW: Final = "No cuts"


def _percent(part: Any, whole: Any) -> F8:
    """100 part / whole, 0 of nothing."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return 100.0 * np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape),
                             where=whole > 0)  # fmt: skip


def _before(counts: Any) -> Any:
    """The count of the row before; that of the first row is its own."""
    return np.concatenate([counts[:1], counts[:-1]])


def _texts(values: Sequence[str]) -> Any:
    return pd.Categorical(list(values), categories=pd.Index(dict.fromkeys(values), dtype=str))


@tag(stage="flow", schema="CosmicCutFlow", scope="run", main="true")
def cut_flow(
    cut_counts: CutCounts,
    n_distinct_events: int,
    cuts: CutsInEffect,
    statistics: StatisticsSettings,
) -> pd.DataFrame:
    """Events and tracks after each cut, alone, and without it, in percent with intervals.

    relative_pct of the first row is 100, and 0 where nothing comes to a cut.
    """
    assert n_distinct_events <= cut_counts.events.cumulative[0]
    items = [cuts.cuts[place] for place in cuts.active]
    n, n0 = cut_counts.events.cumulative, cut_counts.events.cumulative[:1]
    last = _before(n)
    absolute = fraction_interval(n, np.broadcast_to(n0, n.shape), statistics)
    relative = fraction_interval(n, last, statistics)
    assert cut_counts.events.individual is not None
    assert cut_counts.events.n_minus_one is not None
    relative_pct = _percent(n, last)
    relative_pct[0] = 100.0
    absolute_pct = _percent(n, n0)
    absolute_pct[0] = 100.0 if n0[0] else 0.0
    return CUT_FLOW.frame(
        {
            "cut": _texts([FIRST_ROW, *(i.cut.name for i in items)]),
            "group": _texts(["", *(i.cut.group for i in items)]),
            "level": _texts(["", *(i.cut.level for i in items)]),
            "events": n,
            "tracks": cut_counts.tracks.cumulative,
            "individual": np.concatenate([n0, cut_counts.events.individual]),
            "n_minus_one": np.concatenate([[np.nan], cut_counts.events.n_minus_one]),
            "absolute_pct": absolute_pct,
            "relative_pct": relative_pct,
            "absolute_lo_pct": 100.0 * absolute[0],
            "absolute_hi_pct": 100.0 * absolute[1],
            "relative_lo_pct": 100.0 * relative[0],
            "relative_hi_pct": 100.0 * relative[1],
            "not_a_number": [0, *(cut_counts.not_a_number.get(i.cut.name, 0) for i in items)],
            "description": _texts(["every event", *(i.description for i in items)]),
        }
    )


@tag(stage="flow", schema="GroupFlow", scope="run")
def group_flow(cut_flow: pd.DataFrame) -> pd.DataFrame:
    """The cut flow group by group: its row after the last cut of each."""
    groups = cut_flow["group"].astype(object).to_numpy()
    is_last = np.append(groups[1:] != groups[:-1], True)
    # A group whose cuts do not stand together ends where its last cut does.
    final = {name: i for i, name in enumerate(groups)}
    rows = np.array([i for i in np.flatnonzero(is_last) if final[groups[i]] == i], np.int64)
    frame = cut_flow.iloc[rows]
    events = frame["events"].to_numpy()
    relative = _percent(events, _before(events))
    relative[:1] = 100.0
    return GROUP_FLOW.frame(
        {
            "group": _texts([FIRST_ROW, *groups[rows[1:]]]),
            "events": events,
            "tracks": frame["tracks"],
            "absolute_pct": frame["absolute_pct"],
            "relative_pct": relative,
        }
    )


@tag(stage="flow", schema="WeightedFlow", scope="run")
def weighted_cut_flow(cut_flow: pd.DataFrame, event_weight: float) -> pd.DataFrame:
    """The cut flow with a weight of all events of the data set."""
    weighted, error = weights_of(cut_flow["events"].to_numpy(), event_weight)
    return WEIGHTED_FLOW.frame(
        {"cut": cut_flow["cut"], "weighted": weighted, "weighted_error": error}
    )


@tag(stage="flow", schema="OffCuts", scope="run")
def off_cuts(cut_counts: CutCounts, cuts: CutsInEffect) -> pd.DataFrame:
    """Cuts that are off, and the events with a track that passes each alone."""
    items = [item for item in cuts.cuts if not item.is_active]
    assert [i.cut.name for i in items] == list(cut_counts.off)
    return OFF_CUTS.frame(
        {
            "cut": _texts([i.cut.name for i in items]),
            "group": _texts([i.cut.group for i in items]),
            "level": _texts([i.cut.level for i in items]),
            "individual": cut_counts.off_individual,
            "not_a_number": [cut_counts.not_a_number.get(i.cut.name, 0) for i in items],
            "description": _texts([i.description for i in items]),
        }
    )


@tag(stage="flow", schema="EffectiveCuts", scope="run")
def effective_cuts(cuts: CutsInEffect) -> pd.DataFrame:
    """Every cut, on or off, with its bounds and where that was decided."""
    items = cuts.cuts
    return EFFECTIVE_CUTS.frame(
        {
            "cut": _texts([i.cut.name for i in items]),
            "group": _texts([i.cut.group for i in items]),
            "level": _texts([i.cut.level for i in items]),
            "active": [i.is_active for i in items],
            "source": _texts([i.source for i in items]),
            "lo": [np.nan if i.lo is None else i.lo for i in items],
            "hi": [np.nan if i.hi is None else i.hi for i in items],
            "description": _texts([i.description for i in items]),
        }
    )
