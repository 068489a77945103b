"""What several files say together of each channel: means whose errors shrink, and summed counts.

For M files with medians c_i, distances l_i and u_i of their 16 % and 84 % points from it, and n_i
events: the mean of the c_i, the band sqrt(sum l_i^2) / M below it and sqrt(sum u_i^2) / M above it,
and the standard error sqrt(sum e_i^2) / M, where e_i = sqrt(pi / 2) (u_i + l_i) / 2 / sqrt(n_i) is
that of a median of n_i normal values. In legacy mode nothing is divided by M, as in the script, so
its errors grow as sqrt(M). Fractions sum their counts; their interval is that of the sums.
A channel whose noise or baseline failed in a file has no value of it there (not in legacy mode).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...nodes.statistics.intervals import clopper_pearson, fraction_of
from ...schemas.arrays import F8, I8
from ...schemas.lightdqm.detector import N_CHANNELS
from ...schemas.lightdqm.frames import EARLIER_RUNS, GRANULARITIES, QUANTITIES
from ...schemas.lightdqm.stored_runs import (
    LIGHT_SUMMARIES,
    STORED_TRIGGERS,
    SUMMARIES,
    SUMMARY_PARTS,
)
from .store import RunStore

# Files that are in memory at once.
_FILES_AT_ONCE: Final = 256
# Variance of the median of many normal values, in units of that of their mean.
_MEDIAN_VARIANCE: Final = np.pi / 2.0


LeftOut = Mapping[int, Sequence[tuple[int, int]]]
"""ADC and channel of what does not count, by the number of the file in the store."""
_NOTHING: Final[LeftOut] = MappingProxyType({})


@dataclass(frozen=True)
class SummarySums:
    """Sums over files, each (n_adcs, 64): of medians, squares, events and files with data."""

    median: F8
    lower_square: F8
    upper_square: F8
    error_square: F8
    n: I8
    n_files: I8

    def __add__(self, other: SummarySums) -> SummarySums:
        return SummarySums(*(_sum(vars(self)[k], vars(other)[k]) for k in vars(self)))


@dataclass(frozen=True)
class RolledUp:
    """Mean, standard error and band of each channel, NaN without files; arrays (n_adcs, 64)."""

    value: F8
    sigma: F8
    lower: F8
    upper: F8
    n: I8
    n_files: I8


def _sum(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    """Sum of two arrays; the one with fewer ADCs counts zero in the others."""
    wide, narrow = (first, second) if len(first) >= len(second) else (second, first)
    total = wide.copy()
    total[: len(narrow)] += narrow
    return total


def summary_sums(median: F8, p16: F8, p84: F8, n: I8) -> SummarySums:
    """The sums over files of arrays (file, n_adcs, 64); n is -1 where it is unknown.

    A file whose number of events is unknown enters the standard error with one event: too large
    an error rather than too small a one.
    """
    known = np.isfinite(median) & np.isfinite(p16) & np.isfinite(p84)
    lower = np.where(known, median - p16, 0.0)
    upper = np.where(known, p84 - median, 0.0)
    half = (lower + upper) / 2.0
    return SummarySums(
        np.where(known, median, 0.0).sum(axis=0),
        (lower**2).sum(axis=0),
        (upper**2).sum(axis=0),
        (_MEDIAN_VARIANCE * half**2 / np.maximum(n, 1)).sum(axis=0),
        np.where(known, np.maximum(n, 0), 0).sum(axis=0),
        known.sum(axis=0),
    )


def rolled_up(sums: SummarySums, *, legacy: bool = False) -> RolledUp:
    """Mean, standard error and band from the sums over files."""
    files = np.where(sums.n_files > 0, sums.n_files, np.nan)
    value = sums.median / files
    over = np.where(np.isnan(files), np.nan, 1.0) if legacy else files
    return RolledUp(
        value,
        np.sqrt(sums.error_square) / over,
        value - np.sqrt(sums.lower_square) / over,
        value + np.sqrt(sums.upper_square) / over,
        sums.n,
        sums.n_files,
    )


def stored_summary(
    store: RunStore,
    quantity: str,
    run_ids: Sequence[int],
    *,
    legacy: bool = False,
    left_out: LeftOut = _NOTHING,
) -> RolledUp | None:
    """Noise or baseline over some files of the store; None if none of them has it."""
    parts = []
    for some in _parts(run_ids):
        names = [f"{quantity}.{p}" for p in (*SUMMARY_PARTS, "n")]
        median, p16, p84, n = _stacks(store, names, some)
        for i, run_id in enumerate(some):
            for adc, channel in left_out.get(run_id, ()):
                if adc < median.shape[1]:
                    median[i, adc, channel] = np.nan
        parts.append(summary_sums(median, p16, p84, n))
    parts = [p for p in parts if p.n_files.any()]
    return rolled_up(reduce(SummarySums.__add__, parts), legacy=legacy) if parts else None


def stored_counts(store: RunStore, name: str, run_ids: Sequence[int]) -> tuple[I8, I8, I8] | None:
    """k, n and number of files with n > 0, summed over some files; None if none has them.

    ``name`` is quantity, trigger and granularity, e.g. ``clipped.beam.epcb``.
    """
    sums = []
    for some in _parts(run_ids):
        k, n = _stacks(store, [f"{name}.k", f"{name}.n"], some)
        if n.any():
            sums.append((k.sum(axis=0), n.sum(axis=0), (n > 0).sum(axis=0)))
    if not sums:
        return None
    k, n, files = (reduce(_sum, part) for part in zip(*sums, strict=True))
    return k, n, files


def stored_mean(store: RunStore, name: str, run_ids: Sequence[int]) -> F8 | None:
    """The plain mean of an array over some files, NaN left out; None if none has it."""
    total: list[tuple[NDArray[Any], NDArray[Any]]] = []
    for some in _parts(run_ids):
        (stack,) = _stacks(store, [name], some)
        known = np.isfinite(stack)
        total.append((np.where(known, stack, 0.0).sum(axis=0), known.sum(axis=0)))
    if not any(len(count) for _, count in total):
        return None
    values, counts = (reduce(_sum, part) for part in zip(*total, strict=True))
    return fraction_of(values, counts)


def _stacks(
    store: RunStore, names: Sequence[str], run_ids: Sequence[int]
) -> Iterator[NDArray[Any]]:
    """Each array as (file, n_adcs, 64); what a file lacks is NaN or zero."""
    found = [store.arrays(name, run_ids) for name in names]
    n_adcs = max((len(a) for arrays in found for a in arrays.values()), default=0)
    for arrays in found:
        kind = next((a.dtype for a in arrays.values()), np.dtype(float))
        empty: Any = np.nan if kind.kind == "f" else 0
        stack = np.full((len(run_ids), n_adcs, N_CHANNELS), empty, kind)
        for i, run_id in enumerate(run_ids):
            if run_id in arrays:
                stack[i, : len(arrays[run_id])] = arrays[run_id]
        yield stack


def _parts(run_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for begin in range(0, len(run_ids), _FILES_AT_ONCE):
        yield run_ids[begin : begin + _FILES_AT_ONCE]


def earlier_frame(
    store: RunStore,
    run_ids: Sequence[int],
    *,
    legacy: bool = False,
    left_out: Mapping[str, LeftOut] = MappingProxyType({}),
) -> pd.DataFrame:
    """Some files of the store as the graph takes them (EarlierRuns); empty without files.

    ``left_out`` names, for noise and for baseline, the channels of each file that do not count.
    """
    return EARLIER_RUNS.frame(_joined(_rows(store, run_ids, left_out, legacy=legacy)))


def _rows(
    store: RunStore, run_ids: Sequence[int], left_out: Mapping[str, LeftOut], *, legacy: bool
) -> Iterator[dict[str, Any]]:
    for quantity in (*SUMMARIES, *LIGHT_SUMMARIES):
        some = left_out.get(quantity, _NOTHING)
        found = stored_summary(store, quantity, run_ids, legacy=legacy, left_out=some)
        if found is not None:
            names = {"quantity": quantity, "trigger": "self", "granularity": "channel"}
            yield _channel_rows(names, {**vars(found), "k": np.zeros_like(found.n)})
    for quantity in QUANTITIES:
        for trigger in STORED_TRIGGERS:
            for granularity in GRANULARITIES:
                counts = stored_counts(store, f"{quantity}.{trigger}.{granularity}", run_ids)
                if counts is None:
                    continue
                k, n, files = counts
                names = {"quantity": quantity, "trigger": trigger, "granularity": granularity}
                grids = {**interval_of(k, n), "n": n, "k": k, "n_files": files}
                yield _channel_rows(names, grids)


def interval_of(k: I8, n: I8) -> dict[str, F8]:
    """value, sigma (half the interval), lower and upper of k of n; NaN where k > n.

    Only the script's formulas make k > n.
    """
    possible = k <= n
    lower, upper = clopper_pearson(np.where(possible, k, 0), n)
    lower, upper = np.where(possible, lower, np.nan), np.where(possible, upper, np.nan)
    value = np.where(possible, fraction_of(k, n), np.nan)
    return {"value": value, "sigma": (upper - lower) / 2.0, "lower": lower, "upper": upper}


def _channel_rows(names: dict[str, str], grids: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Columns of the channels that have files."""
    adc, channel = np.nonzero(grids["n_files"] > 0)
    columns: dict[str, Any] = {k: np.full(len(adc), v) for k, v in names.items()}
    columns |= {"adc": adc, "channel": channel}
    return columns | {k: grid[adc, channel] for k, grid in grids.items()}


def _joined(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    found = list(parts)
    if not found:
        return {name: [] for name in EARLIER_RUNS.names}
    return {name: np.concatenate([p[name] for p in found]) for name in EARLIER_RUNS.names}
