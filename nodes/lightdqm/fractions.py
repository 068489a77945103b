"""Clipped and negative waveforms as fractions of lit events, by channel, EPCB, TPC and in total."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import I4, I8, Mask
from ...schemas.lightdqm.frames import (
    DQM_FRACTIONS,
    FRACTION_STATUS,
    GRANULARITIES,
    QUANTITIES,
    TRIGGERS,
)
from ...schemas.tables import categories_of
from ..statistics.intervals import clopper_pearson, fraction_of
from .columns import by_waveform, of_board
from .grouping import EPCB_OF_CHANNEL

_OK, _NO_DATA, _K_ABOVE_N = range(len(FRACTION_STATUS))


@tag(stage="fractions", schema="DqmFractions", main="true")
@config.when(legacy=False)
def dqm_fractions__of_lit(
    waveform_features: pd.DataFrame,
    selected_events: pd.DataFrame,
    active_channels: Mask,
    tpc_numbers: I4,
) -> pd.DataFrame:
    """Clipped and negative fractions of every active channel with 68 % intervals.

    The denominator is the number of valid waveforms of the channel in events in which the
    channel itself, an active channel of its EPCB or of its TPC is lit, or in any event (total);
    the numerator is how many of these waveforms are flagged. Inputs without a sensor and the
    beam monitor belong to no group.
    """
    usable = by_waveform(waveform_features, "valid") & active_channels
    lit = usable & by_waveform(waveform_features, "lit")
    board, tpc = usable & _epcb_lit(lit), usable & _tpc_lit(lit, tpc_numbers)
    counted = {
        "channel": (lit, lit),
        "epcb": (board, board),
        "tpc": (tpc, tpc),
        "total": (usable, usable),
    }
    return DQM_FRACTIONS.frame(
        _columns(counted, waveform_features, selected_events, active_channels, tpc_numbers)
    )


@tag(stage="fractions", schema="DqmFractions", main="true")
@config.when(legacy=True)
def dqm_fractions__of_script(
    waveform_features: pd.DataFrame,
    selected_events: pd.DataFrame,
    active_channels: Mask,
    tpc_numbers: I4,
) -> pd.DataFrame:
    """Clipped and negative fractions of every input as the earlier script has them.

    Numerators are flagged waveforms whether lit or not (except by EPCB), a TPC is lit by any of
    its 2 x 32 inputs, every waveform counts, and at k = 0 the upper end is 1; without events
    the fraction is 0. Where k > n the script fails; here the status says so.
    """
    lit = by_waveform(waveform_features, "lit")
    everything = np.ones_like(lit)
    sensors = np.broadcast_to(EPCB_OF_CHANNEL >= 0, lit.shape)
    board = _epcb_lit(lit) & sensors
    counted = {
        "channel": (lit, everything),
        "epcb": (board, board),
        "tpc": (_tpc_lit(lit, tpc_numbers), everything),
        "total": (everything, everything),
    }
    every_input = np.ones_like(active_channels)
    columns = _columns(counted, waveform_features, selected_events, every_input, tpc_numbers)
    columns["upper"] = np.where(columns["k"] == 0, 1.0, columns["upper"])
    columns["fraction"] = np.where(columns["n"] == 0, 0.0, columns["fraction"])
    return DQM_FRACTIONS.frame(columns)


def _columns(
    counted: Mapping[str, tuple[Mask, Mask]],
    features: pd.DataFrame,
    selected_events: pd.DataFrame,
    channels: Mask,
    tpc_numbers: I4,
) -> dict[str, Any]:
    """The columns of every fraction of these channels.

    ``counted`` holds, by granularity, the waveforms that count and those that count if flagged.
    """
    flags = {name: by_waveform(features, name) for name in QUANTITIES}
    parts = [
        _rows(
            (quantity, trigger, granularity),
            denominator[events].sum(axis=0)[channels],
            (flags[quantity] & numerator)[events].sum(axis=0)[channels],
            channels,
            tpc_numbers,
        )
        for quantity in QUANTITIES
        for trigger, events in _events_of(selected_events).items()
        for granularity, (denominator, numerator) in counted.items()
    ]
    return _with_intervals(parts)


def _events_of(selected_events: pd.DataFrame) -> dict[int, Mask]:
    """Events by code of their trigger: self and beam always, unknown if there is one."""
    codes = selected_events["trigger"].cat.codes.to_numpy()
    found = {code: np.asarray(codes == code) for code in range(len(TRIGGERS))}
    unknown = TRIGGERS.index("unknown")
    return {c: events for c, events in found.items() if c != unknown or events.any()}


def _epcb_lit(lit: Mask) -> Mask:
    """For each input whether its board is lit, (n_events, n_adcs, 64)."""
    boards = np.asarray(of_board(lit) > 0)
    return np.asarray(boards[..., np.maximum(EPCB_OF_CHANNEL, 0)] & (EPCB_OF_CHANNEL >= 0))


def _tpc_lit(lit: Mask, tpc_numbers: I4) -> Mask:
    """For each input whether its TPC is lit, (n_events, n_adcs, 64)."""
    found = np.zeros_like(lit)
    for tpc in np.unique(tpc_numbers):
        inside = tpc_numbers == tpc
        found[:, inside] = lit[:, inside].any(axis=1, keepdims=True)
    return found


def _rows(
    what: tuple[str, int, str], n: I8, k: I8, channels: Mask, tpc_numbers: I4
) -> dict[str, Any]:
    quantity, trigger, granularity = what
    adc, channel = np.nonzero(channels)
    group = {
        "channel": channel,
        "epcb": EPCB_OF_CHANNEL[channel],
        "tpc": tpc_numbers[channels],
        "total": np.zeros_like(channel),
    }[granularity]
    return {
        "quantity": np.full(len(n), QUANTITIES.index(quantity)),
        "trigger": np.full(len(n), trigger),
        "granularity": np.full(len(n), GRANULARITIES.index(granularity)),
        "adc": adc,
        "channel": channel,
        "group": group,
        "n": n,
        "k": k,
    }


def _with_intervals(parts: list[dict[str, Any]]) -> dict[str, Any]:
    columns: dict[str, NDArray[Any]] = {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0]
    }
    k, n = columns["k"], columns["n"]
    impossible = k > n
    lower, upper = clopper_pearson(np.where(impossible, 0, k), n)
    status = np.where(n == 0, _NO_DATA, _OK)
    status[impossible] = _K_ABOVE_N
    return {
        **columns,
        "quantity": categories_of(columns["quantity"], QUANTITIES),
        "trigger": categories_of(columns["trigger"], TRIGGERS),
        "granularity": categories_of(columns["granularity"], GRANULARITIES),
        "fraction": fraction_of(k, n),
        "lower": np.where(impossible, np.nan, lower),
        "upper": np.where(impossible, np.nan, upper),
        "status": categories_of(status, FRACTION_STATUS),
    }
