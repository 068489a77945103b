"""What is absent or alone: ADCs that miss, light that a channel misses, sparks that only it has."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag
from numpy.typing import NDArray

from ...schemas.arrays import F8, Mask
from ...schemas.lightdqm.arrays import EventTable
from ...schemas.lightdqm.frames import (
    LIGHT_HITS,
    MISSING_ADCS,
    NEIGHBOURS,
    SPARK_RATES,
    TRIGGERS,
)
from ...schemas.lightdqm.settings import LightHitSettings, SparkSettings
from ...schemas.tables import categories_of
from ..statistics.intervals import clopper_pearson, fraction_of
from .columns import by_waveform, others_on_board, others_on_side, partner_side

# Light reaches a board as a whole; one bright neighbour may be a fault of its own.
_BOARD_NEIGHBOURS: Final = 2
_SIDE_NEIGHBOURS: Final = 4
_BOARD, _SIDE, _PARTNER, _EARLIER, _NONE = range(5)
_FARTHER: Final = (_SIDE, _PARTNER, _EARLIER)


@tag(stage="rates", schema="MissingAdcs")
def missing_adcs(event_table: EventTable, active_channels: Mask) -> pd.DataFrame:
    """How often each ADC is absent, and how many of its channels never have a waveform."""
    valid = event_table.valid
    missing = np.asarray(~valid.any(axis=2))
    n = len(missing)
    silent = active_channels & ~valid.any(axis=0)
    return MISSING_ADCS.frame(
        {
            "adc": np.arange(missing.shape[1]),
            "n_events": np.full(missing.shape[1], n),
            "n_missing": missing.sum(axis=0),
            "n_silent_channels": silent.sum(axis=1),
            "fraction": fraction_of(missing.sum(axis=0), n),
        }
    )


@tag(stage="rates", schema="LightHits", main="true")
def light_hits(
    waveform_features: pd.DataFrame,
    selected_events: pd.DataFrame,
    earlier_runs: pd.DataFrame,
    active_channels: Mask,
    light_hit_settings: LightHitSettings,
) -> pd.DataFrame:
    """How often each active channel sees light when its neighbours do.

    Neighbours are two others of its board; where these see light too rarely, four others of its
    half of the ADC; where these are dark, too, four inputs of the same TPC in the other ADC, so
    that half an ADC without light is told from a file without light. Where a whole TPC is dark
    and others are not, n is how often the channel would be lit if it were as in earlier files. One
    spark does not revive a dead channel here, and one dark file kills none.
    """
    maximum = by_waveform(waveform_features, "maximum_adc16")
    usable = by_waveform(waveform_features, "valid") & active_channels
    hit = usable & (maximum > light_hit_settings.least_adc16)
    chances = {
        _BOARD: usable & (others_on_board(hit) >= _BOARD_NEIGHBOURS),
        _SIDE: usable & (others_on_side(hit) >= _SIDE_NEIGHBOURS),
        _PARTNER: usable & (partner_side(hit) >= _SIDE_NEIGHBOURS),
    }
    n = {kind: chance.sum(axis=0) for kind, chance in chances.items()}
    k = {kind: (chance & hit).sum(axis=0) for kind, chance in chances.items()}
    n[_EARLIER] = _lit_as_earlier(usable, selected_events, earlier_runs)
    lit = usable & by_waveform(waveform_features, "lit")
    k[_EARLIER] = np.minimum(lit.sum(axis=0), n[_EARLIER])
    kind = np.full(active_channels.shape, _NONE)
    for nearer in (_PARTNER, _SIDE, _BOARD):
        kind[n[nearer] >= light_hit_settings.least_chances] = nearer
    if (kind != _NONE).any():  # the file has light
        enough = n[_EARLIER] >= light_hit_settings.least_chances
        kind[(kind == _NONE) & enough] = _EARLIER
    used = [kind == one for one in _FARTHER]
    largest = np.where(usable, maximum, -np.inf).max(axis=0)
    return LIGHT_HITS.frame(
        {
            **_places(active_channels),
            "n": np.select(used, [n[one] for one in _FARTHER], n[_BOARD])[active_channels],
            "k": np.select(used, [k[one] for one in _FARTHER], k[_BOARD])[active_channels],
            "neighbours": categories_of(kind[active_channels], NEIGHBOURS),
            "largest_adc16": _finite(largest)[active_channels],
        }
    )


def _lit_as_earlier(
    usable: Mask, selected_events: pd.DataFrame, earlier_runs: pd.DataFrame
) -> NDArray[np.int64]:
    """How often each channel would be lit in these events if it were as often as in earlier files.

    By trigger, since beam and self triggers are not lit equally often; rounded down.
    """
    expected = np.zeros(usable.shape[1:])
    # The denominators of any flag: lit waveforms by channel, all of them in total.
    rows = earlier_runs[earlier_runs["quantity"] == "clipped"]
    rows = rows[rows["adc"] < len(expected)]
    for trigger in TRIGGERS:
        now = usable[(selected_events["trigger"] == trigger).to_numpy()].sum(axis=0)
        counts = {}
        for granularity in ("channel", "total"):
            some = rows[(rows["trigger"] == trigger) & (rows["granularity"] == granularity)]
            counts[granularity] = np.zeros(expected.shape)
            counts[granularity][some["adc"], some["channel"]] = some["n"]
        expected += now * counts["channel"] / np.maximum(counts["total"], 1)
    return np.floor(expected).astype(np.int64)


def _finite(values: F8) -> F8:
    return np.where(np.isfinite(values), values, np.nan)


@tag(stage="rates", schema="SparkRates", main="true")
def spark_rates(
    waveform_features: pd.DataFrame,
    active_channels: Mask,
    spark_settings: SparkSettings,
) -> pd.DataFrame:
    """How often each active channel makes a great step up while its neighbours are dark.

    Dark: at most one other channel of its board and two of its half of the ADC are lit. Light is
    seen by several channels at once, a discharge by one. Only steps up above the baseline count:
    what swings below it, and back, is no discharge.
    """
    step = by_waveform(waveform_features, "rise_adc16")
    usable = by_waveform(waveform_features, "valid") & active_channels
    lit = usable & by_waveform(waveform_features, "lit")
    alone = usable & (others_on_board(lit) < _BOARD_NEIGHBOURS)
    alone &= others_on_side(lit) < _SIDE_NEIGHBOURS - 1
    n = alone.sum(axis=0)[active_channels]
    k = (alone & (step > spark_settings.step_adc16)).sum(axis=0)[active_channels]
    lower, upper = clopper_pearson(k, n)
    return SPARK_RATES.frame(
        {
            **_places(active_channels),
            "n": n,
            "k": k,
            "fraction": fraction_of(k, n),
            "lower": lower,
            "upper": upper,
            "largest_step_adc16": np.where(usable, step, 0).max(axis=0)[active_channels],
        }
    )


def _places(active_channels: Mask) -> dict[str, Any]:
    """ADC and channel of every active channel, in order."""
    adc, channel = np.nonzero(active_channels)
    return {"adc": adc, "channel": channel}
