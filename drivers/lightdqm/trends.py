"""A quantity of a channel, EPCB or TPC over the files of the store, and its reference.

The value of a group is the mean over its channels with a sensor; its interval that of a mean, as
in roll_up.py. A fraction of a group sums the counts of its channels; as these look at the same
events, its interval is the mean of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...nodes.lightdqm.grouping import EPCB_OF_CHANNEL, HAS_SENSOR, N_CHANNELS
from ...schemas.arrays import F8, Mask
from ...schemas.lightdqm.stored_runs import SUMMARY_PARTS, roi_label
from ...schemas.lightdqm.trends import TREND, ChannelGroup, ReferenceBand, TrendRequest
from .history import stored_failures
from .roll_up import (
    interval_of,
    rolled_up,
    stored_counts,
    stored_mean,
    stored_summary,
    summary_sums,
)
from .store import RunStore, StoredRun

Point = dict[str, float]
_EMPTY: Final[Point] = {
    "value": np.nan,
    "lower": np.nan,
    "upper": np.nan,
    "sigma": np.nan,
    "k": 0,
    "n": 0,
}


def channels_of(group: ChannelGroup, n_adcs: int) -> Mask:
    """(n_adcs, 64): the channels with a sensor that belong to a group."""
    mask = np.zeros((n_adcs, N_CHANNELS), dtype=bool)
    if group.kind == "all":
        mask[:] = HAS_SENSOR
    elif group.kind == "tpc":
        half = slice(N_CHANNELS // 2) if group.number % 2 == 0 else slice(N_CHANNELS // 2, None)
        mask[2 * (group.number // 2) : 2 * (group.number // 2) + 2, half] = HAS_SENSOR[half]
    elif group.adc < n_adcs and group.kind == "epcb":
        mask[group.adc] = group.number == EPCB_OF_CHANNEL
    elif group.adc < n_adcs:
        mask[group.adc, group.number] = True
    return mask


def trend_frame(store: RunStore, runs: Sequence[StoredRun], request: TrendRequest) -> pd.DataFrame:
    """One row a file (Trend), in the order of ``runs``; NaN where a file has no such number."""
    points = _POINTS[request.quantity](store, [run.run_id for run in runs], request)
    failing = failing_checks(store, runs, request.group)
    columns: dict[str, Any] = {
        "name": [run.identity.name for run in runs],
        "run": [run.identity.run for run in runs],
        "subrun": [run.identity.subrun for run in runs],
        "start_ms": [-1 if (t := run.identity.start_ms) is None else t for run in runs],
        "failing": [" ".join(failing[run.run_id]) for run in runs],
    }
    rows = [points.get(run.run_id, _EMPTY) for run in runs]
    return TREND.frame(columns | {key: [row[key] for row in rows] for key in _EMPTY})


def reference_band(
    store: RunStore, runs: Sequence[StoredRun], request: TrendRequest, label: str
) -> ReferenceBand | None:
    """What some files say together; None if they hold nothing of it."""
    point = _TOGETHER[request.quantity](store, [run.run_id for run in runs], request)
    if point is None or not np.isfinite(point["value"]):
        return None
    return ReferenceBand(point["value"], point["lower"], point["upper"], len(runs), label)


def _summary_points(
    store: RunStore, run_ids: Sequence[int], request: TrendRequest
) -> dict[int, Point]:
    names = [f"{request.quantity}.{part}" for part in (*SUMMARY_PARTS, "n")]
    found = [store.arrays(name, run_ids) for name in names]
    points = {}
    for run_id, median in found[0].items():
        mask = channels_of(request.group, len(median))
        grids = [arrays[run_id][mask] for arrays in found]
        points[run_id] = _mean_point(*grids)
    return points


def _mean_point(median: F8, p16: F8, p84: F8, n: NDArray[Any]) -> Point:
    """Mean over channels: the same formulas as over files."""
    if not median.size:
        return _EMPTY
    whole = rolled_up(summary_sums(median, p16, p84, n))
    numbers = {k: float(getattr(whole, k)) for k in ("value", "lower", "upper", "sigma")}
    return {**numbers, "k": 0, "n": int(n.max(initial=0))}


def _count_points(
    store: RunStore, run_ids: Sequence[int], request: TrendRequest
) -> dict[int, Point]:
    name = f"{request.quantity}.{request.trigger}.{request.granularity}"
    successes, trials = (store.arrays(f"{name}.{part}", run_ids) for part in ("k", "n"))
    return {
        run_id: _count_point(k, trials[run_id], channels_of(request.group, len(k)))
        for run_id, k in successes.items()
    }


def _count_point(k: NDArray[Any], n: NDArray[Any], mask: Mask) -> Point:
    k, n = k[mask & (n > 0)], n[mask & (n > 0)]
    if not n.size:
        return _EMPTY
    intervals = interval_of(k, n)
    share = {key: float(np.average(v, weights=n)) for key, v in intervals.items()}
    return {**share, "k": int(k.sum()), "n": int(n.sum())}


def _power_points(
    store: RunStore, run_ids: Sequence[int], request: TrendRequest
) -> dict[int, Point]:
    found = store.arrays(_power_name(request), run_ids)
    return {
        run_id: _EMPTY | {"value": _finite_mean(grid[channels_of(request.group, len(grid))])}
        for run_id, grid in found.items()
    }


def _power_name(request: TrendRequest) -> str:
    return f"spectrum.{roi_label(request.roi_MHz)}.median"


def _finite_mean(values: F8) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan


def _summary_together(
    store: RunStore, run_ids: Sequence[int], request: TrendRequest
) -> Point | None:
    over_files = stored_summary(store, request.quantity, run_ids)
    if over_files is None:
        return None
    mask = channels_of(request.group, len(over_files.value))
    value, lower, upper = (
        grid[mask] for grid in (over_files.value, over_files.lower, over_files.upper)
    )
    return _mean_point(value, lower, upper, over_files.n[mask])


def _counts_together(
    store: RunStore, run_ids: Sequence[int], request: TrendRequest
) -> Point | None:
    name = f"{request.quantity}.{request.trigger}.{request.granularity}"
    counts = stored_counts(store, name, run_ids)
    if counts is None:
        return None
    k, n, _ = counts
    return _count_point(k, n, channels_of(request.group, len(k)))


def _power_together(store: RunStore, run_ids: Sequence[int], request: TrendRequest) -> Point | None:
    grid = stored_mean(store, _power_name(request), run_ids)
    if grid is None:
        return None
    return _EMPTY | {"value": _finite_mean(grid[channels_of(request.group, len(grid))])}


_POINTS: Final[Mapping[str, Callable[..., dict[int, Point]]]] = {
    "baseline": _summary_points,
    "noise": _summary_points,
    "clipped": _count_points,
    "negative": _count_points,
    "power": _power_points,
}
_TOGETHER: Final[Mapping[str, Callable[..., Point | None]]] = {
    "baseline": _summary_together,
    "noise": _summary_together,
    "clipped": _counts_together,
    "negative": _counts_together,
    "power": _power_together,
}


def failing_checks(
    store: RunStore, runs: Sequence[StoredRun], group: ChannelGroup
) -> dict[int, list[str]]:
    """Checks that fail in a group of channels, by the number of the file in the store."""
    return {
        run.run_id: [check for check, channels in failing.items() if _concerns(channels, group)]
        for run, failing in zip(runs, stored_failures(store, runs), strict=True)
    }


def _concerns(channels: Sequence[str], group: ChannelGroup) -> bool:
    """Whether one of adc/channel, or of bare ADC numbers, belongs to a group."""
    if group.kind == "all":
        return True
    named = [tuple(map(int, text.split("/"))) for text in channels]
    mask = channels_of(group, max((n[0] + 1 for n in named), default=0))
    return any(bool(mask[place].any()) for place in named)
