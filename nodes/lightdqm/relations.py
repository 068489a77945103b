"""Light of a channel against its neighbours: heights, copies, and ADCs that go together."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag
from numpy.typing import NDArray

from ...schemas.arrays import F8, Mask
from ...schemas.lightdqm.arrays import LightHeights, WaveformNumbers
from ...schemas.lightdqm.detector import EPCB_CHANNELS, N_CHANNELS
from ...schemas.lightdqm.history_frames import COPIED_CHANNELS, LIGHT_PARTNERS, LIGHT_RATIOS
from ...schemas.lightdqm.settings import PulseThreshold
from .columns import by_waveform, masked_percentiles, of_board, others_on_side
from .grouping import CHANNELS_OF_EPCB, EPCB_OF_CHANNEL

_HALF: Final = N_CHANNELS // 2
# Neighbours must be well lit: near the threshold noise adds to both heights.
_WELL_LIT: Final = 2.0
_SIDE_LIT: Final = 4


@tag(stage="relations", helper="true")
def light_heights(
    waveform_features: pd.DataFrame, active_channels: Mask, pulse_threshold: PulseThreshold
) -> LightHeights:
    """Pulse heights over those of the others of the board, and of the half ADC over its partner.

    Compared where the others have light of twice the threshold on average and nothing clips.
    """
    usable = by_waveform(waveform_features, "valid") & active_channels
    height = np.where(usable, by_waveform(waveform_features, "maximum_adc16"), 0.0)
    clipped = usable & by_waveform(waveform_features, "clipped")
    least = _WELL_LIT * pulse_threshold.adc16
    board = np.maximum(EPCB_OF_CHANNEL, 0)
    sums = height[..., CHANNELS_OF_EPCB].sum(axis=-1)[..., board] - height
    n = of_board(usable)[..., board] - usable
    others = sums / np.maximum(n, 1)
    whole = (of_board(clipped) == 0)[..., board]
    good = usable & whole & (n >= EPCB_CHANNELS // 2) & (others > least)
    found = np.full(height.shape, np.nan)
    np.divide(height, others, out=found, where=good)
    return LightHeights(found, _sides(height, usable, clipped, least))


def _sides(height: F8, usable: Mask, clipped: Mask, least: float) -> F8:
    """Mean height of the half of the ADC over that of the partner, for each input."""
    shape = (*height.shape[:2], 2, _HALF)
    n = usable.reshape(shape).sum(axis=-1)
    mean = height.reshape(shape).sum(axis=-1) / np.maximum(n, 1)
    whole = (n > 0) & ~clipped.reshape(shape).any(axis=-1)
    partner = np.arange(height.shape[1]) ^ 1
    there = (partner < height.shape[1])[:, np.newaxis]
    partner = np.where(partner < height.shape[1], partner, 0)
    good = there & whole & whole[:, partner] & (mean[:, partner] > least)
    found = np.full(mean.shape, np.nan)
    np.divide(mean, mean[:, partner], out=found, where=good)
    return np.repeat(found, _HALF, axis=-1).reshape(height.shape)


@tag(stage="relations", schema="LightRatios", main="true")
def light_ratios(
    light_heights: LightHeights,
    waveform_numbers: WaveformNumbers,
    waveform_features: pd.DataFrame,
    selected_events: pd.DataFrame,
    active_channels: Mask,
) -> pd.DataFrame:
    """How much light each active channel sees of what its neighbours see, and when, in the file."""
    adc, channel = np.nonzero(active_channels)
    columns: dict[str, NDArray[np.generic]] = {"adc": adc, "channel": channel}
    lit = by_waveform(waveform_features, "valid") & by_waveform(waveform_features, "lit")
    measured: dict[str, tuple[F8, Mask]] = {
        name: (values, np.isfinite(values)) for name, values in vars(light_heights).items()
    }
    peak = waveform_numbers.peak.astype(np.float64)
    for trigger in ("self", "beam"):
        chosen = (selected_events["trigger"] == trigger).to_numpy()
        measured[f"{trigger}_peak"] = (peak, lit & chosen[:, np.newaxis, np.newaxis])
    for name, (values, known) in measured.items():
        points = masked_percentiles(values, known, (50.0, 16.0, 84.0))
        columns[f"n_{name}"] = known.sum(axis=0)[active_channels]
        for end, part in zip(("", "_p16", "_p84"), points, strict=True):
            columns[f"{name}{end}"] = part[active_channels]
    return LIGHT_RATIOS.frame(columns)


@tag(stage="relations", schema="CopiedChannels")
def copied_channels(
    waveform_features: pd.DataFrame, selected_events: pd.DataFrame, active_channels: Mask
) -> pd.DataFrame:
    """Pairs of channels that agree in noise, baseline and extremes to the last bit.

    Two waveforms with noise do so by chance hardly ever. Constant waveforms do not count.
    """
    names = ("noise_adc16", "baseline_adc16", "maximum_adc16", "minimum_adc16")
    noise, baseline, maximum, minimum = (by_waveform(waveform_features, n) for n in names)
    usable = by_waveform(waveform_features, "valid") & active_channels & (noise > 0)
    # Sums of irrational multiples: equal only where all four are.
    mixed = noise + np.sqrt(2.0) * baseline + np.sqrt(3.0) * maximum + np.sqrt(5.0) * minimum
    n_events, n_adcs, _ = mixed.shape
    key = np.where(usable, mixed, np.nan).reshape(n_events, -1)
    order = np.argsort(key, axis=1)
    sorted_key = np.take_along_axis(key, order, axis=1)
    event, place = np.nonzero(sorted_key[:, 1:] == sorted_key[:, :-1])
    pair = np.sort(np.stack([order[event, place], order[event, place + 1]], axis=1), axis=1)
    code = pair[:, 0] * n_adcs * N_CHANNELS + pair[:, 1]
    codes, first, k = np.unique(code, return_index=True, return_counts=True)
    one, other = np.divmod(codes, max(n_adcs * N_CHANNELS, 1))
    at = usable.reshape(n_events, -1)
    rows = selected_events["event_row"].to_numpy()
    return COPIED_CHANNELS.frame(
        {
            "adc": one // N_CHANNELS,
            "channel": one % N_CHANNELS,
            "other_adc": other // N_CHANNELS,
            "other_channel": other % N_CHANNELS,
            "n": (at[:, one] & at[:, other]).sum(axis=0),
            "k": k,
            "first_row": rows[event[first]],
        }
    )


@tag(stage="relations", schema="LightPartners")
def light_partners(
    waveform_features: pd.DataFrame, selected_events: pd.DataFrame, active_channels: Mask
) -> pd.DataFrame:
    """With which ADC each goes in light: its partner, or one of another module, now or later.

    Halves of the ADCs are lit or not; correlations are means over the two halves.
    """
    usable = by_waveform(waveform_features, "valid") & active_channels
    lit = np.asarray(usable & by_waveform(waveform_features, "lit"))
    n_events, n_adcs, _ = lit.shape
    sides = np.asarray(others_on_side(lit)[..., [0, _HALF]] >= _SIDE_LIT)
    there = np.asarray(by_waveform(waveform_features, "valid").any(axis=2))
    x = _standardised(sides, there)
    same = np.einsum("eas,ebs->ab", x, x) / max(2 * n_events, 1)
    rows = selected_events["event_row"].to_numpy()
    follows = np.flatnonzero(np.diff(rows) == 1)
    lagged = np.einsum("eas,ebs->ab", x[follows + 1], x[follows]) / max(2 * len(follows), 1)
    adc = np.arange(n_adcs)
    partner = np.where((adc ^ 1) < n_adcs, adc ^ 1, -1)
    others = np.where((adc[:, None] // 2 == adc // 2), -np.inf, same)
    best = others.argmax(axis=1) if n_adcs else adc
    has_best = np.isfinite(others.max(axis=1, initial=-np.inf))
    place = np.where(partner >= 0, partner, 0)
    return LIGHT_PARTNERS.frame(
        {
            "adc": adc,
            "partner": partner,
            "n": there.sum(axis=0),
            "same": np.where(partner >= 0, same[adc, place], np.nan),
            "best": np.where(has_best, best, -1),
            "best_same": np.where(has_best, same[adc, best], np.nan),
            "n_next": np.full(n_adcs, len(follows)),
            "late": np.where(partner >= 0, lagged[adc, place], np.nan),
            "early": np.where(partner >= 0, lagged.T[adc, place], np.nan),
        }
    )


def _standardised(sides: Mask, there: Mask) -> F8:
    """Mean 0 and variance 1 over the events in which the ADC is there, else 0."""
    n = np.maximum(there.sum(axis=0), 1)[:, np.newaxis]
    mean = (sides & there[..., np.newaxis]).sum(axis=0) / n
    width = np.sqrt(mean * (1.0 - mean) * n / max(len(sides), 1))
    centred = np.where(there[..., np.newaxis], sides - mean, 0.0)
    return np.divide(centred, width, out=np.zeros(centred.shape), where=width > 0)
