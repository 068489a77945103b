"""What each channel does in blocks of events: counts, medians and intervals, from the features."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag
from numpy.typing import NDArray

from ...schemas.arrays import F8, I8, Mask
from ...schemas.lightdqm.arrays import LightHeights
from ...schemas.lightdqm.history_frames import CHANNEL_HISTORY
from ...schemas.lightdqm.settings import (
    BlockSettings,
    LightHitSettings,
    SparkSettings,
)
from ...schemas.lightdqm.units import HIGHEST_ADC16, LOWEST_ADC16
from ..statistics.intervals import clopper_pearson
from .columns import (
    by_waveform,
    masked_percentiles,
    others_on_board,
    others_on_side,
    partner_side,
)

_LEAST_EVENTS: Final = 10
# A waveform with more than so many times the usual noise of its channel is loud.
_LOUD: Final = 3.0
_POINTS: Final = (50.0, 16.0, 84.0)
_ENDS: Final = ("", "_p16", "_p84")
_BOARD_NEIGHBOURS: Final = 2
_SIDE_NEIGHBOURS: Final = 4


@tag(stage="blocks", helper="true")
def block_edges(selected_events: pd.DataFrame, block_settings: BlockSettings) -> I8:
    """Places among the selected events at which blocks begin, and the number of events.

    Blocks have equal numbers of events, ten at least: a short file has fewer blocks.
    """
    n = len(selected_events)
    blocks = max(min(block_settings.blocks, n // _LEAST_EVENTS), 1)
    return np.asarray(-(-np.arange(blocks + 1) * n // blocks), dtype=np.int64)


@tag(stage="blocks", schema="ChannelHistory", main="true")
def channel_history(
    waveform_features: pd.DataFrame,
    selected_events: pd.DataFrame,
    block_edges: I8,
    light_heights: LightHeights,
    active_channels: Mask,
    light_hit_settings: LightHitSettings,
    spark_settings: SparkSettings,
    block_settings: BlockSettings,
) -> pd.DataFrame:
    """Baseline, noise, light and flags of every active channel in every block of events.

    Baselines and noise are those of waveforms that are neither flat nor at a rail, of whatever
    trigger. A neighbour sees light: two others of the board, four of the half of the ADC, or
    four of the TPC in the other ADC.
    """
    states = _states(waveform_features, active_channels, block_settings)
    repeated = _repeated(waveform_features, selected_events, states["n_sound"])
    states["n_repeated"] = repeated
    usable = by_waveform(waveform_features, "valid") & active_channels
    light = _light(waveform_features, usable, ~repeated, light_hit_settings, spark_settings)
    edges = block_edges
    counts = {name: _summed(marked, edges) for name, marked in (states | light).items()}
    sound = states["n_sound"]
    points: dict[str, F8] = {}
    for name in ("baseline_adc16", "noise_adc16"):
        points |= _block_points(name, by_waveform(waveform_features, name), sound, edges)
    for name in ("height", "side"):
        values: F8 = vars(light_heights)[name]
        known = np.isfinite(values)
        counts[f"n_{name}"] = _summed(known, edges)
        points |= _block_points(name, values, known, edges)
    rows = selected_events["event_row"].to_numpy()
    blocks = len(edges) - 1
    adc, channel = np.nonzero(active_channels)
    flat = {name: values[:, active_channels].ravel() for name, values in (counts | points).items()}
    lower, upper = clopper_pearson(flat["k_near"], flat["n_near"])
    first, last = (np.append(rows, 0)[edges[:-1]], np.append(rows, 0)[edges[1:] - 1])
    return CHANNEL_HISTORY.frame(
        {
            "block": np.repeat(np.arange(blocks), len(adc)),
            "first_row": np.repeat(first, len(adc)),
            "last_row": np.repeat(last, len(adc)),
            "adc": np.tile(adc, blocks),
            "channel": np.tile(channel, blocks),
            "near_lower": lower,
            "near_upper": upper,
            **flat,
        }
    )


def _states(features: pd.DataFrame, active: Mask, settings: BlockSettings) -> dict[str, Mask]:
    """Which waveforms are valid, flat, at a rail, sound, and loud."""
    valid = by_waveform(features, "valid") & active
    noise, baseline = (by_waveform(features, n) for n in ("noise_adc16", "baseline_adc16"))
    railed = baseline > HIGHEST_ADC16 - settings.rail_adc16
    railed |= baseline < LOWEST_ADC16 + settings.rail_adc16
    railed &= valid
    flat = valid & ~railed & (noise < settings.flat_adc16)
    sound = valid & ~railed & ~flat
    (usual,) = masked_percentiles(noise, sound, (50.0,))
    return {
        "n_valid": valid,
        "n_railed": railed,
        "n_flat": flat,
        "n_sound": sound,
        "n_loud": sound & (noise > _LOUD * usual),
        "k_negative": valid & by_waveform(features, "negative"),
    }


def _repeated(features: pd.DataFrame, events: pd.DataFrame, sound: Mask) -> Mask:
    """Waveforms with noise that agree to the last bit with the one before, of another event."""
    number = events["event_number"].to_numpy()
    same = sound.copy()
    same[:1] = False
    same[1:] &= sound[:-1] & ((number[1:] < 0) | (np.diff(number) != 0))[:, np.newaxis, np.newaxis]
    for name in ("noise_adc16", "baseline_adc16", "maximum_adc16", "minimum_adc16"):
        values = by_waveform(features, name)
        same[1:] &= values[1:] == values[:-1]
    return same


def _light(
    features: pd.DataFrame,
    usable: Mask,
    new: Mask,
    hits: LightHitSettings,
    sparks: SparkSettings,
) -> dict[str, Mask]:
    """Light where neighbours have it, and where they have none; what is not ``new`` tells none."""
    hit = usable & (by_waveform(features, "maximum_adc16") > hits.least_adc16)
    lit = usable & by_waveform(features, "lit")
    seen = hit & new
    board, side = others_on_board(seen), others_on_side(seen)
    near = usable & (
        (board >= _BOARD_NEIGHBOURS)
        | (side >= _SIDE_NEIGHBOURS)
        | (partner_side(seen) >= _SIDE_NEIGHBOURS)
    )
    alone = usable & ~near & (side < _SIDE_NEIGHBOURS - 1)
    # Sparks are told as in the check of the whole file: by neighbours with a pulse.
    quiet = usable & (others_on_board(lit) < _BOARD_NEIGHBOURS)
    quiet &= others_on_side(lit) < _SIDE_NEIGHBOURS - 1
    rise = by_waveform(features, "rise_adc16")
    return {
        "n_near": near,
        "k_near": near & hit,
        "n_alone": alone,
        "k_alone": alone & hit,
        "n_quiet": quiet,
        "k_spark": quiet & (rise > sparks.step_adc16),
        "n_lit": lit,
        "k_clipped": lit & by_waveform(features, "clipped"),
    }


def _summed(marked: Mask, edges: I8) -> NDArray[np.int32]:
    """How many events of each block are marked, (n_blocks, n_adcs, 64)."""
    parts = [marked[a:b].sum(axis=0, dtype=np.int32) for a, b in _stretches(edges)]
    return np.stack(parts)


def _block_points(name: str, values: F8, used: Mask, edges: I8) -> dict[str, F8]:
    """Median and 16 % and 84 % points of each block, (n_blocks, n_adcs, 64)."""
    parts = [masked_percentiles(values[a:b], used[a:b], _POINTS) for a, b in _stretches(edges)]
    return {f"{name}{end}": np.stack([p[k] for p in parts]) for k, end in enumerate(_ENDS)}


def _stretches(edges: I8) -> list[tuple[int, int]]:
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
