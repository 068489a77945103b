"""Cuts as reason codes, windows as offsets, caps in file order. Plain functions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ...schemas.arrays import I8, U1, Mask
from ...schemas.imaging.codes import EventFilter, HitFilter
from ...schemas.imaging.filters import HitFilters


def window_offsets(event_id: I8) -> I8:
    """Where each run of equal event_id begins, and the end: shape (n_windows + 1,)."""
    if len(event_id) == 0:
        return np.zeros(1, np.int64)
    starts = np.flatnonzero(np.diff(event_id, prepend=event_id[:1] - 1))
    return np.append(starts, len(event_id)).astype(np.int64)


def first_in_file_order(
    neutron_events: pd.DataFrame, gamma_events: pd.DataFrame, most: int
) -> tuple[Mask, Mask]:
    """Masks of the first ``most`` rows of both frames by event_id, neutrons first within one."""
    ids = np.concatenate([neutron_events["event_id"], gamma_events["event_id"]])
    first = np.zeros(len(ids), bool)
    first[np.argsort(ids, kind="stable")[: max(most, 0)]] = True
    return first[: len(neutron_events)], first[len(neutron_events) :]


def first_reason(reasons: Mapping[EventFilter, Mask] | Mapping[HitFilter, Mask]) -> U1:
    """The code of the first mask, in the order given, that is true in each row; 0 for none."""
    code = np.zeros(len(next(iter(reasons.values()))), np.uint8)
    for reason, mask in reasons.items():
        code[mask & (code == 0)] = reason
    return code


def hit_filter_codes(hits: pd.DataFrame, cuts: HitFilters) -> U1:
    """The first reason of HitFilter, in its order, that each hit meets; 0 for none."""
    light = hits["light_MeVee"].to_numpy()
    psd = hits["psd"].to_numpy()
    det_id = hits["det_id"].to_numpy()
    too_dark = light < cuts.min_light_MeVee
    too_bright = light > (np.inf if cuts.max_light_MeVee is None else cuts.max_light_MeVee)
    # A comparison with NaN is false: a hit without a pulse shape passes.
    psd_low = psd < (-np.inf if cuts.psd_min is None else cuts.psd_min)
    psd_high = psd > (np.inf if cuts.psd_max is None else cuts.psd_max)
    reasons = {
        HitFilter.threshold: too_dark | too_bright,
        HitFilter.psd: psd_low | psd_high,
        HitFilter.bar_exclude: np.isin(det_id, cuts.bars_exclude),
        HitFilter.bar_include: _outside(det_id, cuts.bars_include),
        HitFilter.material_exclude: _in_materials(hits, cuts.materials_exclude),
        HitFilter.material_include: (
            ~_in_materials(hits, cuts.materials_include)
            if cuts.materials_include
            else np.zeros(len(hits), bool)
        ),
    }
    return first_reason(reasons)


def _outside(det_id: np.ndarray, allowed: tuple[int, ...]) -> Mask:
    return ~np.isin(det_id, allowed) if allowed else np.zeros(len(det_id), bool)


def _in_materials(hits: pd.DataFrame, names: tuple[str, ...]) -> Mask:
    of_category = np.isin(np.asarray(hits["material"].cat.categories, dtype=str), names)
    codes = hits["material"].cat.codes.to_numpy()
    if not len(of_category):
        return np.zeros(len(hits), bool)
    return of_category[codes]
