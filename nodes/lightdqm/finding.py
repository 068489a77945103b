"""What a check of the verdict is made of: the numbers it looks at, and the finding it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...schemas.arrays import F8, Mask
from ...schemas.lightdqm.settings import MaskLimits, VerdictLimits
from ..statistics.intervals import clopper_pearson

ACTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing_adcs": "See whether the ADC is powered and in the event builder; restart it.",
        "timestamps": "Check the clock distribution (White Rabbit) and the event builder.",
        "triggers": "Check the beam monitor, the beam and the trigger thresholds.",
        "dead": "Check bias and cable of the channel; call the light read-out expert.",
        "railed": "Check the offset and the amplifier of the channel; call the expert.",
        "flat": "Check power and cable of the channel; call the expert.",
        "baseline_band": "Call the light read-out expert; set the offset again if told so.",
        "baseline_spread": "Look for pick-up or an unstable supply; call the expert.",
        "baseline_move": "Find out what was changed since the earlier files; call the expert.",
        "noise": "Look at the spectrum of the channel; check grounding and bias.",
        "tones": "Find what emits at this frequency (pumps, supplies, lights); call the expert.",
        "sparks": "Lower or switch off the bias of the channel; call the expert at once.",
        "clipped": "Check gain and bias of the channel.",
        "negative": "Look at the waveforms of the channel; call the expert.",
        "coding": "Correct the event builder or its settings and make the file again.",
        "unwritten": "See whether the event builder was stopped; make the file again.",
        "order": "Check the event builder and the cables of the ADCs; make the file again.",
        "alignment": "Check the event builder and the cables of the ADCs; call the expert.",
        "copies": "Check the map of the channels in the event builder; call the expert.",
        "repeats": "The buffer of the ADC is stuck: restart it; call the light read-out expert.",
        "channel_order": "Check the map of the channels in the event builder, and the cables.",
        "dark": "Check bias, trigger latency and the status file; call the expert.",
        "arrival": "Check the delay of the trigger and the latency of the read-out.",
        "light": "Check gain and bias; call the light read-out expert.",
        "dark_rate": "Check the bias and light leaks; call the light read-out expert.",
        "light_change": "Find out what changed bias or gain at this event; call the expert.",
        "baseline_change": "Find out what changed at this event (supply, offset); call the expert.",
        "noise_change": "Find out what was switched on at this event; look at the spectrum.",
    }
)

# A check that saw a smaller share of the watched channels has not passed them.
_LEAST_JUDGED: Final = 0.5


@dataclass(frozen=True)
class Finding:
    """One row of the verdict."""

    check: str
    status: str
    value: float
    limit: float
    unit: str
    failing: tuple[str, ...]
    reason: str
    spans: tuple[tuple[int, int], ...] = ()
    """First and last row of each stretch of events that it tells of; none: the whole file."""

    @property
    def action(self) -> str:
        """What to do; empty if nothing."""
        return ACTIONS[self.check] if self.status in ("warn", "fail") else ""


@dataclass(frozen=True)
class Numbers:
    """What the checks look at: frames of the graph and limits."""

    light_events: pd.DataFrame
    trigger_counts: pd.DataFrame
    missing_adcs: pd.DataFrame
    adc_clocks: pd.DataFrame
    channel_masks: pd.DataFrame
    light_hits: pd.DataFrame
    noise_summary: pd.DataFrame
    baseline_summary: pd.DataFrame
    earlier_runs: pd.DataFrame
    spark_rates: pd.DataFrame
    dqm_fractions: pd.DataFrame
    noise_tones: pd.DataFrame
    channel_history: pd.DataFrame
    light_ratios: pd.DataFrame
    copied_channels: pd.DataFrame
    light_partners: pd.DataFrame
    channel_orders: pd.DataFrame
    sample_coding: pd.DataFrame
    unwritten_events: pd.DataFrame
    event_order: pd.DataFrame
    clock_faults: pd.DataFrame
    mask_limits: MaskLimits
    limits: VerdictLimits

    @cached_property
    def watched(self) -> Mask:
        """(n_adcs, 64): active channels that are not known to be bad."""
        masks = self.channel_masks
        sound = (masks["active"] & (masks["known_status"] == 0)).to_numpy()
        return np.asarray(sound.reshape(-1, int(masks["channel"].max()) + 1))

    @cached_property
    def blocks(self) -> pd.DataFrame:
        """Blocks of events with their first and last row, in order; none without a history."""
        if not len(self.channel_history):
            return pd.DataFrame({"first_row": [], "last_row": []}, dtype=np.int64)
        return self.channel_history.drop_duplicates("block")[["first_row", "last_row"]]

    def by_block(self, name: str) -> NDArray[Any]:
        """A column of the history as (n_blocks, n_adcs, 64); 0 or NaN where there is no channel."""
        frame = self.channel_history
        values = frame[name].to_numpy()
        empty = np.nan if values.dtype.kind == "f" else 0
        found = np.full((len(self.blocks), *self.watched.shape), empty, dtype=values.dtype)
        found[frame["block"], frame["adc"], frame["channel"]] = values
        return found

    @property
    def alpha(self) -> float:
        """Error probability of one check of one channel; all stretches of a file share it."""
        return 1.0 - self.limits.confidence

    def of(self, frame: pd.DataFrame, values: Any) -> F8:
        """Values of a frame with one row a channel as (n_adcs, 64), NaN where there is no row."""
        found = np.full(self.watched.shape, np.nan)
        found[frame["adc"], frame["channel"]] = values
        return found

    def lower(self, k: NDArray[Any], n: NDArray[Any]) -> F8:
        """What a fraction surely exceeds: the lower end of the one-sided interval."""
        return clopper_pearson(k, n, 1.0 - self.limits.confidence)[0]


def of_channels(
    numbers: Numbers,
    check: str,
    values: F8,
    bad: Mask,
    limit: float,
    unit: str,
    what: str,
    *,
    worst: Callable[[F8], Any] = np.max,
    note: str = "",
) -> Finding:
    """The finding of a check that looks at each watched channel; NaN is no value."""
    seen = values[numbers.watched & np.isfinite(values)]
    names = places(bad)
    if bad.any():
        status, reason = "fail", f"{counted(len(names))} {what}"
    elif 0 < len(seen) < _LEAST_JUDGED * numbers.watched.sum():
        status = "no_data"
        reason = f"only {counted(len(seen))} of {numbers.watched.sum()} could be judged"
    elif len(seen):
        status, reason = "pass", f"nothing found in {counted(len(seen))}"
    else:
        status, reason = "no_data", "no channel has a value"
    reason = f"{reason}; {note}" if note else reason
    value = float(worst(seen)) if len(seen) else np.nan
    return Finding(check, status, value, limit, unit, names, reason)


def passed_by_few(found: Finding) -> Finding:
    """A finding of few channels has passed: other checks say how much light there is.

    One of no channel at all keeps having no data.
    """
    few = found.status == "no_data" and np.isfinite(found.value)
    return replace(found, status="pass") if few else found


def surely_text(numbers: Numbers, k: NDArray[Any], n: NDArray[Any], limit: float) -> str:
    """The fraction that is compared, of the channel in which it is greatest, and its interval."""
    if not (numbers.watched & (n > 0)).any():
        return ""
    sure = np.where(numbers.watched & (n > 0), numbers.lower(k, n), -1.0)
    adc, channel = np.unravel_index(int(sure.argmax()), sure.shape)
    place, lower = f"{adc}/{channel}", float(sure[adc, channel])
    counts = f"{k[adc, channel]} of {n[adc, channel]}"
    level = f"{100.0 * numbers.limits.confidence:g} %"
    return f"most surely {place}: {counts}, at least {lower:.3g} ({level}), limit {limit:g}"


def places(marked: Mask) -> tuple[str, ...]:
    """Names adc/channel of what is marked."""
    return tuple(f"{adc}/{channel}" for adc, channel in np.argwhere(marked).tolist())


def counted(n: int) -> str:
    return f"{n} channel{'' if n == 1 else 's'}"
