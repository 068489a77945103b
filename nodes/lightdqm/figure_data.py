"""From the frames of the graph to what its pages show: arrays by ADC and channel. No nodes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...schemas.arrays import F8, Mask
from ...schemas.lightdqm.frames import BASELINE_BITS
from ...schemas.lightdqm.pages import FractionPage
from ...schemas.lightdqm.units import PER_ADC16, Units
from .figure_masks import KIND_NAMES, MaskGrid
from .figure_points import Points
from .grouping import N_CHANNELS

_OF_UNIT: Final = {"ADC16": "ADC16 counts", "ADC14": "ADC14 counts", "V": "V"}
_WHOSE_LIGHT: Final = {
    "channel": " with light in the channel",
    "epcb": " with light on the EPCB",
    "tpc": " with light in the TPC",
    "total": "",
}
_LETTERS: Final = {"baseline_band": "b", "baseline_spread": "s", "baseline_move": "m"}
LETTERS_NOTE: Final = "b: outside of the band  ·  s: too wide a spread  ·  m: moved"


def drawn_unit(units: Units, greatest_adc16: float) -> tuple[float, str]:
    """What one count is in the drawn unit, and its name; mV where volts would be small."""
    if units == "V" and greatest_adc16 * PER_ADC16["V"] < 0.1:
        return 1000.0 * PER_ADC16["V"], "mV"
    return PER_ADC16[units], _OF_UNIT[units]


def by_channel(frame: pd.DataFrame, column: str, n_adcs: int, missing: Any = np.nan) -> Any:
    """A column of a frame with one row a channel as an array (n_adcs, 64)."""
    values = np.full((n_adcs, N_CHANNELS), missing)
    values[frame["adc"].to_numpy(), frame["channel"].to_numpy()] = frame[column].to_numpy()
    return values


def summary_points(
    name: str,
    title: str,
    summary: pd.DataFrame,
    channel_masks: pd.DataFrame,
    earlier: pd.DataFrame,
    allowed_adc16: F8,
    units: Units,
) -> Points:
    """Medians with 16 and 84 % points; ``earlier`` are the rows of EarlierRuns of this page."""
    n_adcs = len(allowed_adc16)
    value, lower, upper = (
        by_channel(summary, f"{column}_adc16", n_adcs) for column in ("median", "p16", "p84")
    )
    active = by_channel(channel_masks, "active", n_adcs, missing=False)
    size = np.abs(np.concatenate([value[active], [0.0]]))
    scale, unit = drawn_unit(units, float(np.nanmax(size)))
    return Points(
        name=name,
        title=title,
        unit=unit,
        value=value * scale,
        lower=lower * scale,
        upper=upper * scale,
        n=by_channel(summary, "n", n_adcs, missing=0),
        drawn=active | np.isfinite(value),
        faded=_known(channel_masks, n_adcs) | ~active,
        earlier=_earlier(earlier, n_adcs) * scale,
        allowed=allowed_adc16 * scale,
        notes=_sources(summary, n_adcs),
    )


def fraction_points(
    page: FractionPage, fractions: pd.DataFrame, channel_masks: pd.DataFrame, earlier: pd.DataFrame
) -> Points:
    """Fractions in percent with their intervals, of the active channels."""
    n_adcs = int(channel_masks["adc"].max()) + 1
    rows = _rows_of(fractions, page)
    active = by_channel(channel_masks, "active", n_adcs, missing=False)
    value, lower, upper = (
        100.0 * by_channel(rows, column, n_adcs) for column in ("fraction", "lower", "upper")
    )
    among = f"% of {page.trigger} triggers{_WHOSE_LIGHT[page.granularity]}"
    return Points(
        name=page.file_name,
        title=f"{page.quantity.capitalize()} waveforms: {among}",
        unit="%",
        value=value,
        lower=lower,
        upper=upper,
        n=by_channel(rows, "n", n_adcs, missing=0),
        drawn=active,
        faded=_known(channel_masks, n_adcs),
        earlier=100.0 * _earlier(_rows_of(earlier, page), n_adcs),
        allowed=np.full((n_adcs, 2), np.nan),
        notes=tuple(_highest(value[adc], active[adc]) for adc in range(n_adcs)),
        percent=True,
    )


def flatline_grid(name: str, channel_masks: pd.DataFrame, sparking: Mask) -> MaskGrid:
    """Dead channels, with what else makes a channel useless: stuck, without noise, sparking."""
    n_adcs = len(sparking)
    state = _states(channel_masks, "flatline_state", n_adcs)
    kinds = _kinds(state, {"dead": "bad"})
    good_or_dead = np.isin(state, ("good", "dead"))
    railed = by_channel(channel_masks, "railed", n_adcs, missing=0)
    flat = by_channel(channel_masks, "flat", n_adcs, missing=False)
    for chosen, kind in (
        (sparking & (state == "good"), "sparking"),
        (flat, "flat"),
        (railed > 0, "railed_high"),
        (railed < 0, "railed_low"),
    ):
        kinds[chosen & good_or_dead] = KIND_NAMES.index(kind)
    words = {
        "good": "living",
        "bad": "dead: contact LRS expert",
        "no_data": "too little light to tell",
    }
    return MaskGrid(name, "Dead channels", kinds, np.full(kinds.shape, ""), words)


def baseline_grid(name: str, channel_masks: pd.DataFrame, letters: NDArray[np.str_]) -> MaskGrid:
    """Channels whose baseline deviates, with ``letters`` (n_adcs, 64) that say why.

    A channel at a rail has no baseline: it is marked as stuck, and counts as in the verdict.
    """
    state = _states(channel_masks, "baseline_state", len(letters))
    kinds = _kinds(state, {"deviates": "bad"})
    railed = by_channel(channel_masks, "railed", len(letters), missing=0)
    for chosen, kind in ((railed > 0, "railed_high"), (railed < 0, "railed_low")):
        kinds[chosen & (state == "deviates")] = KIND_NAMES.index(kind)
    shown = np.where((state == "deviates") & (railed == 0), letters, "")
    words = {"good": "stable", "bad": "deviates: contact LRS expert"}
    note = LETTERS_NOTE if (shown != "").any() else ""
    return MaskGrid(name, "Baselines", kinds, shown, words, note)


def code_letters(channel_masks: pd.DataFrame) -> NDArray[np.str_]:
    """The bits of ``baseline_code`` as letters, (n_adcs, 64); see LETTERS_NOTE."""
    n_adcs = int(channel_masks["adc"].max()) + 1
    code = by_channel(channel_masks, "baseline_code", n_adcs, missing=0)
    letters = np.full(code.shape, "", dtype="U3")
    for name, letter in _LETTERS.items():
        there = BASELINE_BITS.is_set(code, name)
        letters[there] = np.strings.add(letters[there], letter)
    return letters


def _states(channel_masks: pd.DataFrame, column: str, n_adcs: int) -> NDArray[np.str_]:
    state = np.full((n_adcs, N_CHANNELS), "inactive", dtype="U10")
    at = (channel_masks["adc"].to_numpy(), channel_masks["channel"].to_numpy())
    state[at] = channel_masks[column].to_numpy().astype(str)
    return state


def _kinds(state: NDArray[np.str_], renamed: dict[str, str]) -> NDArray[np.uint8]:
    kinds = np.zeros(state.shape, dtype=np.uint8)
    for name in np.unique(state):
        kinds[state == name] = KIND_NAMES.index(renamed.get(name, name))
    return kinds


def _known(channel_masks: pd.DataFrame, n_adcs: int) -> Mask:
    return np.asarray(by_channel(channel_masks, "known_status", n_adcs, missing=0) > 0)


def _rows_of(frame: pd.DataFrame, page: FractionPage) -> pd.DataFrame:
    chosen = (
        (frame["quantity"] == page.quantity)
        & (frame["trigger"] == page.trigger)
        & (frame["granularity"] == page.granularity)
    )
    return frame[chosen]


def _earlier(rows: pd.DataFrame, n_adcs: int) -> F8:
    """Centre, lower and upper end of the earlier files; ADCs that this file lacks are left out."""
    here = rows[rows["adc"] < n_adcs]
    return np.stack([by_channel(here, name, n_adcs) for name in ("value", "lower", "upper")])


def _sources(summary: pd.DataFrame, n_adcs: int) -> tuple[str, ...]:
    """Of which events the numbers of an ADC are."""
    notes = []
    for adc in range(n_adcs):
        rows = summary[(summary["adc"] == adc) & (summary["n"] > 0)]
        if rows.empty:
            notes.append("no data")
            continue
        most = int(rows["n"].max())
        kind = "self triggers" if (rows["source"] == "self").any() else "events (no self triggers)"
        notes.append(f"{most} {kind}")
    return tuple(notes)


def _highest(value: F8, active: Mask) -> str:
    known = active & np.isfinite(value)
    if not known.any():
        return "no data"
    channel = int(np.nanargmax(np.where(known, value, np.nan)))
    n = f"{int(known.sum())} of {int(active.sum())} channels with data"
    if value[channel] == 0.0:
        return f"0 % in every channel  ·  {n}"
    return f"highest {value[channel]:.3g} % in channel {channel}  ·  {n}"
