"""Two runs side by side: settings, cut flows, histograms, surviving events.

The two are taken for independent: of two runs over the same files the significances are too
small, for they have events in common. No graph module: plain functions below the nodes.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, frozen
from ...schemas.cosmics.comparison import (
    FLOW_COMPARISON,
    HISTOGRAM_COMPARISON,
    SURVIVORS,
    RunResults,
)
from ...schemas.histograms import Histogram
from ..statistics.two_samples import same_shape_chi2, same_shape_ks, two_fractions

_EVENT: Final = ("run", "subrun", "event")
_OFF: Final = "off"
# Where a run reads and writes says nothing of its numbers.
_NOT_COMPARED: Final = ("io.output_path", "io.overwrite", "cache.", "run.workers", "run.chunk")


def compared_cuts(a: pd.DataFrame, b: pd.DataFrame) -> tuple[tuple[str, str, str], ...]:
    """Cuts that are not the same in both: name, and how each is told in A and in B."""
    told_a, told_b = _told(a), _told(b)
    return tuple(
        (name, told_a.get(name, _OFF), told_b.get(name, _OFF))
        for name in {**told_a, **told_b}
        if told_a.get(name, _OFF) != told_b.get(name, _OFF)
    )


def _told(cuts: pd.DataFrame) -> dict[str, str]:
    active = cuts["active"].to_numpy()
    names, texts = (cuts[name].astype(str).tolist() for name in ("cut", "description"))
    return {name: text if on else _OFF for name, text, on in zip(names, texts, active, strict=True)}


def compared_settings(a: RunResults, b: RunResults) -> tuple[tuple[str, Any, Any], ...]:
    """Settings that differ, in order of their names."""
    return tuple(
        (name, a.settings.get(name), b.settings.get(name))
        for name in sorted({*a.settings, *b.settings})
        if a.settings.get(name) != b.settings.get(name) and not name.startswith(_NOT_COMPARED)
    )


def compared_flows(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """The flows row by row, by the name of the cut; rows of B that A lacks where B has them."""
    events_a, events_b = (
        dict(zip(flow["cut"].astype(str), flow["events"].tolist(), strict=True)) for flow in (a, b)
    )
    names = _merged(list(events_a), list(events_b))
    k_a, k_b = (np.asarray([events.get(n, -1) for n in names]) for events in (events_a, events_b))
    n_a, n_b = (np.full(len(names), flow["events"].iloc[0]) for flow in (a, b))
    both = (k_a >= 0) & (k_b >= 0)
    significance, exact = two_fractions(
        np.where(both, k_a, 0),
        np.where(both, n_a, 0),
        np.where(both, k_b, 0),
        np.where(both, n_b, 0),
    )
    share_a, share_b = (_percent(k, n) for k, n in ((k_a, n_a), (k_b, n_b)))
    return FLOW_COMPARISON.frame(
        {
            "cut": names,
            "events_a": k_a,
            "events_b": k_b,
            "absolute_a_pct": share_a,
            "absolute_b_pct": share_b,
            "difference_pct": share_b - share_a,
            "significance": np.where(both, significance, np.nan),
            "exact": exact,
        }
    )


def _percent(k: np.ndarray, n: np.ndarray) -> F8:
    there = (k >= 0) & (n > 0)
    return np.divide(100.0 * k, n, out=np.full(len(k), np.nan), where=there)


def _merged(first: list[str], second: list[str]) -> list[str]:
    """All names; those of the second that the first lacks follow what they follow there."""
    names = list(first)
    place = 0
    for name in second:
        if name in names:
            place = names.index(name) + 1
        else:
            names.insert(place, name)
            place += 1
    return names


def compared_histograms(a: RunResults, b: RunResults) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Chi-square and Kolmogorov's distance of every histogram and selection that both have.

    Beside it the histograms that both have with other bins.
    """
    rows: list[tuple[Any, ...]] = []
    other: list[str] = []
    for name, mine in a.histograms.items():
        theirs = b.histograms.get(name)
        if theirs is None:
            continue
        if not all(x.is_like(y) for x, y in zip(mine.axes, theirs.axes, strict=True)):
            other.append(name)
            continue
        for k, selection in enumerate(mine.axes[1].categories):
            (x, dx), (y, dy) = (_of_selection(h, k) for h in (mine, theirs))
            chi2, ks = same_shape_chi2(x, y, dx, dy), same_shape_ks(x, y, dx, dy)
            rows.append((name, selection, x.sum(), y.sum(), *chi2, ks.statistic, ks.p_value))
    columns = zip(*rows, strict=True) if rows else ([] for _ in HISTOGRAM_COMPARISON.names)
    order = (
        "histogram",
        "selection",
        "entries_a",
        "entries_b",
        "chi2",
        "ndf",
        "chi2_p",
        "ks",
        "ks_p",
    )
    named = dict(zip(order, (list(values) for values in columns), strict=True))
    return HISTOGRAM_COMPARISON.frame(named), tuple(other)


def _of_selection(histogram: Histogram, selection: int) -> tuple[F8, F8]:
    """Values and variances of the bins of one selection, without what lies outside."""
    values = np.asarray(histogram.counts[:, selection], dtype=np.float64)
    if histogram.variances is None:
        return values, values
    bins = tuple(axis.bins for axis in histogram.axes)
    return values, np.asarray(histogram.variances[bins][:, selection])


def histogram_ratio(a: Histogram, b: Histogram, selection: int) -> tuple[F8, F8]:
    """B over A in each bin, each of its own total, and the error; NaN where A has nothing."""
    (x, dx), (y, dy) = (_of_selection(h, selection) for h in (a, b))
    scale = x.sum() / y.sum() if y.sum() > 0 else np.nan
    filled = x > 0
    ratio = np.divide(y * scale, x, out=np.full(len(x), np.nan), where=filled)
    relative = np.divide(dx, x * x, out=np.full(len(x), np.nan), where=filled)
    relative += np.divide(dy, y * y, out=np.zeros(len(x)), where=y > 0)
    return frozen(ratio), frozen(np.abs(ratio) * np.sqrt(relative))


def compared_survivors(a: pd.DataFrame | None, b: pd.DataFrame | None) -> pd.DataFrame | None:
    """Unvetoed events of A only, of B only, of both, in order of their numbers."""
    if a is None or b is None:
        return None
    events = [frame[list(_EVENT)].drop_duplicates().astype(np.int64) for frame in (a, b)]
    joined = events[0].merge(events[1], how="outer", on=list(_EVENT), indicator=True)
    joined = joined.sort_values(list(_EVENT), kind="stable", ignore_index=True)
    where = joined["_merge"].astype(str).map({"left_only": "A", "right_only": "B", "both": "both"})
    return SURVIVORS.frame(
        {name: joined[name].to_numpy() for name in _EVENT} | {"survives": where.tolist()}
    )
