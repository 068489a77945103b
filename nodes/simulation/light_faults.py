"""Faults in a simulated light read-out: sound channels and wishes in, faulty channels out.

A wish without a place gets one from the seed, among the active channels that no other fault
has, so that what a check finds can be told apart.
"""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag
from numpy.typing import NDArray

from ...schemas.arrays import I4, Mask, frozen
from ...schemas.errors import UsageError
from ...schemas.light_faults import (
    EVERY_FAULT_KIND,
    PLANTED_FAULTS,
    Fault,
    PlantedFault,
    planted,
)
from ...schemas.light_simulation import LightChannels, LightSegment, LightStreams, LightTones
from ...schemas.lightdqm.units import HIGHEST_ADC16, LOWEST_ADC16

_FAULTY_TONE_ADC16 = 120.0
_INACTIVE = -1
_STATUS_OF_KIND = {"baseline_band": 2, "baseline_spread": 2, "baseline_move": 2}
_STATUS_OF_OTHERS = 1


@tag(stage="faults", schema="PlantedFaults")
def planted_faults(
    faults: tuple, sound_channels: LightChannels, light_streams: LightStreams
) -> pd.DataFrame:
    """The faults (Fault) with their places and strengths, in the order of the wishes."""
    rng = np.random.default_rng(light_streams.faults)
    free = sound_channels.active.copy()
    free_adcs = np.ones(len(free), dtype=np.bool_)
    for fault in faults:
        if fault.adc is not None:
            free[fault.adc, slice(None) if fault.channel is None else fault.channel] = False
            free_adcs[fault.adc] &= EVERY_FAULT_KIND[fault.kind].target != "adc"
    places: list[tuple[int, int]] = [(-1, -1)] * len(faults)
    # Faults of whole ADCs come first: where there is room, faults of channels keep away from them.
    for target in ("adc", "channel"):
        for k, fault in enumerate(faults):
            if EVERY_FAULT_KIND[fault.kind].target == target:
                places[k] = _place(fault, free, free_adcs, rng)
    values = [EVERY_FAULT_KIND[f.kind].value if f.value is None else f.value for f in faults]
    return PLANTED_FAULTS.frame(
        {
            "kind": [f.kind for f in faults],
            "adc": [adc for adc, _ in places],
            "channel": [channel for _, channel in places],
            "value": values,
            "known": [f.known for f in faults],
            "begin": [f.begin for f in faults],
            "end": [f.end for f in faults],
        }
    )


def _place(fault: Fault, free: Mask, free_adcs: Mask, rng: np.random.Generator) -> tuple[int, int]:
    """ADC and channel (-1: all) of a fault; what it takes is no longer free."""
    if fault.adc is not None:
        return fault.adc, -1 if fault.channel is None else fault.channel
    of_adc = EVERY_FAULT_KIND[fault.kind].target == "adc"
    apart = free & free_adcs[:, None]
    places = np.argwhere(free_adcs if of_adc else apart if apart.any() else free)
    if not len(places):
        msg = f"{fault.kind}: no sound {'ADC' if of_adc else 'channel'} is left; plant fewer faults"
        raise UsageError(msg)
    place = tuple(places[int(rng.integers(len(places)))].tolist())
    if of_adc:
        free_adcs[place] = False
        return place[0], -1
    free[place] = False
    return place[0], place[1]


@tag(stage="faults")
def light_channels(sound_channels: LightChannels, planted_faults: pd.DataFrame) -> LightChannels:
    """The read-out as it is, faults and all, whenever they act."""
    return _with_faults(sound_channels, planted(planted_faults))


@tag(stage="faults")
def light_segments(
    n_events: int, sound_channels: LightChannels, planted_faults: pd.DataFrame
) -> tuple[LightSegment, ...]:
    """The read-out from one change of its faults to the next, in the order of the events."""
    faults = planted(planted_faults)
    spans = [fault.events(n_events) for fault in faults]
    edges = sorted({0, n_events, *(edge for span in spans for edge in span)})
    return tuple(
        LightSegment(
            begin,
            end,
            _with_faults(
                sound_channels,
                [f for f, (a, b) in zip(faults, spans, strict=True) if a <= begin and end <= b],
            ),
        )
        for begin, end in itertools.pairwise(edges)
    )


def _with_faults(sound_channels: LightChannels, faults: list[PlantedFault]) -> LightChannels:
    arrays = {f.name: getattr(sound_channels, f.name).copy() for f in fields(LightChannels)}
    for fault in faults:
        chosen = _chosen(sound_channels.active, fault.adc, fault.channel)
        _plant(arrays, fault.kind, chosen, fault.value)
    return replace(sound_channels, **{name: frozen(values) for name, values in arrays.items()})


def _chosen(active: Mask, adc: int, channel: int) -> Mask:
    """The inputs that a fault acts on, shape (n_adcs, 64)."""
    chosen = np.zeros_like(active)
    if adc < 0:
        chosen[:] = active
    elif channel < 0:
        chosen[adc] = active[adc]
    else:
        chosen[adc, channel] = True
    return chosen


def _plant(arrays: dict[str, NDArray[Any]], kind: str, chosen: Mask, value: float) -> None:
    """Change the arrays of LightChannels where ``chosen`` says."""
    if kind in ("dead", "gain", "dark"):
        arrays["light_gain"][chosen] *= value
    elif kind == "flatline":
        for name in ("light_gain", "noise_adc16", "pedestal_jitter_adc16", "tone_gain"):
            arrays[name][chosen] = 0.0
    elif kind in ("railed_top", "railed_bottom"):
        arrays["rail"][chosen] = 1 if kind == "railed_top" else -1
    elif kind == "clipping":
        arrays["light_gain"][chosen] *= value
    elif kind == "noisy":
        arrays["noise_adc16"][chosen] *= value
    elif kind in ("baseline_band", "baseline_move"):
        moved = arrays["pedestal_adc16"][chosen] + value
        arrays["pedestal_adc16"][chosen] = np.clip(moved, LOWEST_ADC16, HIGHEST_ADC16)
    elif kind in _SET_BY:
        arrays[_SET_BY[kind]][chosen] = value


_SET_BY = {
    "sparking": "spark_rate",
    "negative": "negative_rate",
    "undershoot": "undershoot",
    "dark_rate": "dark_rate",
    "baseline_spread": "pedestal_jitter_adc16",
}


@tag(stage="faults")
def light_tones(tones: tuple, planted_faults: pd.DataFrame) -> LightTones:
    """Coherent tones (Tone) of the set-up, and those that are faults."""
    faulty = planted_faults[planted_faults["kind"] == "tone"]
    adc = [*(t.adc for t in tones), *faulty["adc"]]
    frequency = [*(t.frequency_MHz for t in tones), *faulty["value"]]
    amplitude = [*(t.amplitude_adc16 for t in tones), *([_FAULTY_TONE_ADC16] * len(faulty))]
    return LightTones(
        adc=frozen(np.asarray(adc, dtype=np.int8)),
        frequency_MHz=frozen(np.asarray(frequency, dtype=np.float64)),
        amplitude_adc16=frozen(np.asarray(amplitude, dtype=np.float64)),
    )


@tag(stage="faults")
def channel_status(sound_channels: LightChannels, planted_faults: pd.DataFrame) -> I4:
    """What a channel status file tells, shape (n_adcs, 64).

    -1 inactive, 0 good, 1 dead, 2 baseline deviates, 3 both; known faults only.
    """
    status = np.where(sound_channels.active, 0, _INACTIVE)
    for fault in planted(planted_faults):
        if fault.known and EVERY_FAULT_KIND[fault.kind].target == "channel":
            chosen = _chosen(sound_channels.active, fault.adc, fault.channel)
            bit = _STATUS_OF_KIND.get(fault.kind, _STATUS_OF_OTHERS)
            status[chosen & (status >= 0)] |= bit
    return np.asarray(frozen(status.astype(np.int32)))
