"""Arrays of the light graph. Waveforms have the axes (event, ADC, input, sample)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import F8, I1, I4, I8, Mask

I2 = NDArray[np.int16]


@dataclass(frozen=True)
class LightLayout:
    """The shape of a light file, and what it says of itself.

    Attributes
    ----------
    n_events, n_adcs, n_channels, n_samples
        Shape of its waveforms; ``n_channels`` is 64.
    rwm_adc, rwm_channel
        Input of the beam monitor (resistive wall monitor), -1 without.
    sample_ns
        Time between two samples.
    fields
        Names of the event fields that the file has (older files lack some).
    attributes
        Attributes of the group ``light/events``.
    """

    n_events: int
    n_adcs: int
    n_channels: int
    n_samples: int
    rwm_adc: int
    rwm_channel: int
    sample_ns: float
    fields: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def event_bytes(self) -> int:
        """Size of the waveforms of one event."""
        return self.n_adcs * self.n_channels * self.n_samples * 2


@dataclass(frozen=True)
class EventTable:
    """What the file says of its events.

    Attributes
    ----------
    event_id, event_number
        (n_events,); the number is -1 where the file has none.
    trigger
        Codes of ``frames.TRIGGERS`` as the file gives them, (n_events,).
    valid
        Whether a waveform is there, (n_events, n_adcs, 64).
    utime_ms, tai_ns
        Times of each ADC, (n_events, n_adcs); -1 where unknown.
    """

    event_id: I8
    event_number: I8
    trigger: I1
    valid: Mask
    utime_ms: I8
    tai_ns: I8


@dataclass(frozen=True)
class ChosenWaveforms:
    """Raw samples of the selected events, if they are few enough to be kept.

    Attributes
    ----------
    event_rows
        Rows of the selected events in the file, (n,).
    samples
        (n, n_adcs, 64, n_samples) as stored, or None: then they are read in blocks.
    """

    event_rows: I8
    samples: I2 | None


@dataclass(frozen=True)
class SpectrumWaveforms:
    """Raw samples of the events that spectra are made of.

    ``places`` (m,) are places among the selected events, ``samples`` (m, n_adcs, 64, n_samples).
    """

    places: I8
    samples: I2


@dataclass(frozen=True)
class WaveformNumbers:
    """One pass over the waveforms of the selected events, arrays (n_events, n_adcs, 64).

    Attributes
    ----------
    window_sum, window_square_sum
        Sum and sum of squares of the samples of the noise window.
    window
        Samples in the window.
    highest, lowest
        Greatest and least sample.
    step
        Greatest step between two neighbouring samples, up or down, in counts.
    rise
        Greatest step up, as far as it is above the mean of the window.
    peak
        First of the samples that are the highest, from 0.
    """

    window: int
    window_sum: I4
    window_square_sum: I8
    highest: I2
    lowest: I2
    step: I4
    rise: I4
    peak: I4


@dataclass(frozen=True)
class PowerSpectra:
    """One-sided power spectra of each channel: V^2 per bin, a sine of amplitude A gives A^2/2.

    Attributes
    ----------
    frequency_MHz
        Centre of each bin, (n_bins,).
    mean_V2, median_V2
        Mean and median over dark waveforms, (n_adcs, 64, n_bins); NaN without any.
    n_events
        Dark waveforms of each channel, (n_adcs, 64).
    V_per_adc16
        What a count was taken for.
    """

    frequency_MHz: F8
    mean_V2: F8
    median_V2: F8
    n_events: I4
    V_per_adc16: float


@dataclass(frozen=True)
class EpcbSpectra:
    """Spectra of the boards: mean over their channels that are not known to be bad.

    ``mean_V2`` and ``median_V2`` (n_adcs, 8, n_bins) are means of the channels' means and
    medians; ``n_channels`` (n_adcs, 8) says of how many.
    """

    frequency_MHz: F8
    mean_V2: F8
    median_V2: F8
    n_channels: I4


@dataclass(frozen=True)
class PickedWaveforms:
    """For each board the event that shows it best: the first with light, else the steepest.

    Attributes
    ----------
    event_row, event_id
        Which event, (n_adcs, 8); -1 where the board has no valid waveform.
    is_light
        Whether two of its channels or more show light, (n_adcs, 8).
    channels
        Inputs of each board, (8, 6).
    samples
        (n_adcs, 8, 6, n_samples), counts as stored.
    """

    event_row: I8
    event_id: I8
    is_light: Mask
    channels: I4
    samples: I2


@dataclass(frozen=True)
class LightHeights:
    """Pulse heights against neighbours, (n_events, n_adcs, 64); NaN where nothing is compared.

    ``height`` is the height of a channel over the mean of the others of its board, ``side`` that
    of its half of the ADC over the half of the partner, which sees the same TPC.
    """

    height: F8
    side: F8
