"""The state of every channel: dead, flat, stuck at a rail, and its baseline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import F8, I1, Mask
from ...schemas.lightdqm.frames import (
    BASELINE_BITS,
    BASELINE_STATES,
    CHANNEL_MASKS,
    FLATLINE_STATES,
)
from ...schemas.lightdqm.settings import MaskLimits
from ...schemas.lightdqm.units import HIGHEST_ADC16, LOWEST_ADC16
from ...schemas.tables import categories_of
from ..statistics.intervals import clopper_pearson
from ..statistics.widths import half_central_68
from .columns import by_waveform

# The standard error of a median of n normal values is sqrt(pi / 2) sigma / sqrt(n).
_MEDIAN_ERROR = np.sqrt(np.pi / 2.0)
# Status codes of the channel status file: 1 dead, 2 baseline deviates, 3 both.
_KNOWN_BASELINE = (2, 3)


@tag(stage="masks", schema="ChannelMasks", main="true")
@config.when(legacy=False)
def channel_masks__by_neighbours(
    light_hits: pd.DataFrame,
    noise_summary: pd.DataFrame,
    baseline_summary: pd.DataFrame,
    earlier_runs: pd.DataFrame,
    active_channels: Mask,
    known_status: I1,
    mask_limits: MaskLimits,
) -> pd.DataFrame:
    """What each channel is taken for.

    Railed: its median baseline lies at an end of the range. Flat: hardly any noise. Dead: it
    sees less than a share of the light that its neighbours see (upper end of the 68 % interval).
    Baseline: the median leaves the band, the 16 % or 84 % point is too far from it, or it moved
    against earlier files by more than so many standard errors and so many counts.
    """
    shape = active_channels.shape
    baseline, noise = (_summary(frame, shape) for frame in (baseline_summary, noise_summary))
    earlier = _earlier(earlier_runs, shape)
    railed = _railed(baseline["median_adc16"], mask_limits)
    flat = active_channels & (noise["median_adc16"] < mask_limits.flat_adc16)
    dead, judged = _missing_light(light_hits, shape, mask_limits.dead_fraction)
    dead &= (railed == 0) & ~flat
    move = baseline["median_adc16"] - earlier["value"]
    spread = np.maximum(
        baseline["p84_adc16"] - baseline["median_adc16"],
        baseline["median_adc16"] - baseline["p16_adc16"],
    )
    moved = (np.abs(move) > mask_limits.move_adc16) & (
        np.abs(move) > mask_limits.move_sigma * _move_error(baseline, earlier["sigma"])
    )
    code = BASELINE_BITS.pack(
        {
            "baseline_band": _outside_band(baseline["median_adc16"], mask_limits),
            "baseline_spread": spread > mask_limits.spread_adc16,
            "baseline_move": moved,
        }
    )
    code[~active_channels] = 0
    is_bad = active_channels & (dead | flat | (railed != 0))
    no_light = active_channels & ~judged & ~is_bad
    return _masks(
        known_status,
        active_channels,
        dead=dead,
        flat=flat,
        railed=railed,
        code=code,
        move=move,
        flatline_bad=is_bad,
        flatline_unknown=no_light,
        baseline_unknown=active_channels & (baseline["n"] == 0),
    )


@tag(stage="masks", schema="ChannelMasks", main="true")
@config.when(legacy=True)
def channel_masks__of_script(
    waveform_features: pd.DataFrame,
    baseline_summary: pd.DataFrame,
    earlier_runs: pd.DataFrame,
    active_channels: Mask,
    known_status: I1,
    mask_limits: MaskLimits,
) -> pd.DataFrame:
    """What the earlier script takes each channel for.

    Dead: no selected waveform exceeds its baseline by the limit. Baseline: outside the band, upper
    spread, moved by three of the script's sigmas (its codes -1, 1, 3); the later one stands alone.
    """
    shape = active_channels.shape
    baseline = _summary(baseline_summary, shape)
    largest = by_waveform(waveform_features, "maximum_adc16").max(axis=0)
    dead = largest < mask_limits.dead_adc16
    median = baseline["median_adc16"]
    low, high = median - baseline["p16_adc16"], baseline["p84_adc16"] - median
    earlier = _earlier(earlier_runs, shape)
    move = median - earlier["value"]
    sigma = np.where(
        move > 0,
        np.hypot(low, earlier["upper"] - earlier["value"]),
        np.hypot(high, earlier["value"] - earlier["lower"]),
    )
    code = np.zeros(shape, dtype=np.int8)
    code[_outside_band(median, mask_limits)] = BASELINE_BITS.bit("baseline_band")
    code[high > mask_limits.spread_adc16] = BASELINE_BITS.bit("baseline_spread")
    code[np.abs(move) > 3.0 * sigma] = BASELINE_BITS.bit("baseline_move")
    return _masks(
        known_status,
        active_channels,
        dead=dead,
        flat=np.zeros(shape, dtype=bool),
        railed=np.zeros(shape, dtype=np.int8),
        code=code,
        move=move,
        flatline_bad=dead,
        flatline_unknown=np.zeros(shape, dtype=bool),
        baseline_unknown=baseline["n"] == 0,
    )


def _summary(frame: pd.DataFrame, shape: tuple[int, ...]) -> dict[str, NDArray[Any]]:
    names = ("median_adc16", "p16_adc16", "p84_adc16", "n")
    return {name: frame[name].to_numpy().reshape(shape) for name in names}


def _railed(median: F8, limits: MaskLimits) -> I1:
    top = median > HIGHEST_ADC16 - limits.rail_adc16
    bottom = median < LOWEST_ADC16 + limits.rail_adc16
    return top.astype(np.int8) - bottom.astype(np.int8)


def _missing_light(
    light_hits: pd.DataFrame, shape: tuple[int, ...], least_fraction: float
) -> tuple[Mask, Mask]:
    """Which channels miss the light of their neighbours, and for which it can be told."""
    dead, judged = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    place = (light_hits["adc"].to_numpy(), light_hits["channel"].to_numpy())
    told = (light_hits["neighbours"] != "none").to_numpy()
    _, upper = clopper_pearson(light_hits["k"], light_hits["n"])
    judged[place] = told
    dead[place] = told & (upper < least_fraction)
    return dead, judged


def _outside_band(median: F8, limits: MaskLimits) -> Mask:
    bands = np.array([limits.band(adc) for adc in range(len(median))])
    return np.asarray((median < bands[:, :1]) | (median > bands[:, 1:]))


def _earlier(earlier_runs: pd.DataFrame, shape: tuple[int, ...]) -> dict[str, F8]:
    """What earlier files say of the baselines, NaN where nothing."""
    rows = earlier_runs[earlier_runs["quantity"] == "baseline"]
    rows = rows[(rows["adc"] < shape[0]) & (rows["n_files"] > 0)]
    found = {name: np.full(shape, np.nan) for name in ("value", "sigma", "lower", "upper")}
    for name, values in found.items():
        values[rows["adc"], rows["channel"]] = rows[name]
    return found


def _move_error(baseline: dict[str, NDArray[Any]], theirs: F8) -> F8:
    """Standard error of the move: of this median and of that of earlier files."""
    width = half_central_68(baseline["p16_adc16"], baseline["p84_adc16"])
    own = _MEDIAN_ERROR * width / np.sqrt(np.maximum(baseline["n"], 1))
    return np.hypot(own, np.where(np.isfinite(theirs), theirs, 0.0))


def _masks(
    status: I1,
    active: Mask,
    *,
    dead: Mask,
    flat: Mask,
    railed: I1,
    code: I1,
    move: F8,
    flatline_bad: Mask,
    flatline_unknown: Mask,
    baseline_unknown: Mask,
) -> pd.DataFrame:
    n_adcs, n_channels = active.shape
    absent = ~active | (status < 0)
    flatline = _states(FLATLINE_STATES, absent, status > 0, flatline_bad, flatline_unknown)
    known_baseline = np.isin(status, _KNOWN_BASELINE)
    baseline = _states(BASELINE_STATES, absent, known_baseline, code != 0, baseline_unknown)
    return CHANNEL_MASKS.frame(
        {
            "adc": np.repeat(np.arange(n_adcs), n_channels),
            "channel": np.tile(np.arange(n_channels), n_adcs),
            "known_status": status.ravel(),
            "active": (~absent).ravel(),
            "dead": (dead & active).ravel(),
            "flat": flat.ravel(),
            "railed": np.where(active, railed, 0).ravel(),
            "baseline_code": code.ravel(),
            "move_adc16": move.ravel(),
            "flatline_state": categories_of(flatline.ravel(), FLATLINE_STATES),
            "baseline_state": categories_of(baseline.ravel(), BASELINE_STATES),
        }
    )


def _states(
    names: tuple[str, ...], absent: Mask, known: Mask, bad: Mask, unknown: Mask
) -> NDArray[np.int64]:
    """Codes into ``names``: inactive, known, good, bad, no_data; the first that applies."""
    good, is_bad = 2, 3
    return np.select(
        [absent, known, bad, unknown],
        [names.index("inactive"), names.index("known"), is_bad, names.index("no_data")],
        good,
    )
