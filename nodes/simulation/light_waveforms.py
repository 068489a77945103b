"""Waveforms of a range of events of a simulated light read-out: frames in, samples out."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag
from numpy.typing import NDArray

from ...schemas.arrays import F4, Mask, frozen
from ...schemas.light_faults import planted
from ...schemas.light_simulation import LightStreams, LightTones, PulseShapes, Scintillation
from ...schemas.lightdqm.detector import EPCB_OF_CHANNEL, N_CHANNELS, tpc_of_inputs
from ...schemas.lightdqm.units import SAMPLE_NS
from ...schemas.sources import EventRange
from .kernels.light_waveforms import fill_waveforms
from .light_edits import with_edits

_MHZ_NS = 1e-3
_BOARDS_A_TPC = 4
_PULSE_COLUMNS = ("tpc", "start_sample", "intensity_adc16", "position")
_RECTANGLE_COLUMNS = ("adc", "channel", "start_sample", "n_samples", "height_adc16")


@tag(stage="waveforms", unit="adc16")
def light_samples(
    event_range: EventRange,
    light_segments: tuple,
    planted_faults: pd.DataFrame,
    light_tones: LightTones,
    recorded_pulses: pd.DataFrame,
    recorded_rectangles: pd.DataFrame,
    pulse_shapes: PulseShapes,
    adc_missing: Mask,
    scintillation: Scintillation,
    light_streams: LightStreams,
) -> NDArray[np.int16]:
    """Digitised samples of the events of a range, shape (n, n_adcs, 64, n_samples)."""
    n_events, n_adcs = adc_missing.shape
    t = light_tones
    key = light_streams.samples.generate_state(1, np.uint64)[0]

    def made(first: int, last: int) -> NDArray[np.int16]:
        shape = (max(last - first, 0), n_adcs, N_CHANNELS, len(pulse_shapes.light))
        out = np.empty(shape, dtype=np.int16)
        for segment in light_segments:
            begin, end = max(segment.first_event, first), min(segment.end_event, last)
            if begin >= end:
                continue
            c = segment.channels
            fill_waveforms(
                begin,
                adc_missing,
                key,
                (
                    c.pedestal_adc16,
                    c.pedestal_jitter_adc16,
                    c.noise_adc16,
                    c.light_gain,
                    c.undershoot,
                    c.tone_gain,
                    c.rail,
                ),
                (t.adc, t.frequency_MHz * SAMPLE_NS * _MHZ_NS, t.amplitude_adc16),
                _by_event(recorded_pulses, n_events, *_PULSE_COLUMNS),
                _by_event(recorded_rectangles, n_events, *_RECTANGLE_COLUMNS),
                (pulse_shapes.light, pulse_shapes.swing),
                (tpc_of_inputs(n_adcs), EPCB_OF_CHANNEL % _BOARDS_A_TPC),
                normal_quantiles(),
                scintillation.crosstalk,
                out[begin - first : end - first],
            )
        return out

    # The event before is made as well: an ADC that lags has its waveforms.
    first = max(event_range.first_event - 1, 0)
    faults = planted(planted_faults)
    begins = {f.events(n_events)[0] for f in faults if f.kind == "stuck_buffer"}
    held = {begin: made(begin, begin + 1)[0] for begin in begins if begin < n_events}
    samples = made(first, event_range.first_event + event_range.n_events)
    edited = with_edits(samples, first, n_events, faults, held)
    return np.asarray(frozen(edited[event_range.first_event - first :]))


def _by_event(frame: pd.DataFrame, n_events: int, *columns: str) -> tuple[Any, ...]:
    """Offsets of the rows of each event, and the columns."""
    offsets = np.searchsorted(frame["event"], np.arange(n_events + 1))
    return (offsets, *(frame[name].to_numpy() for name in columns))


@cache
def normal_quantiles() -> F4:
    """65536 equally probable values of the standard normal distribution, variance 1 exactly."""
    from scipy.special import ndtri

    values = ndtri((np.arange(1 << 16) + 0.5) / (1 << 16))
    return np.asarray(frozen((values / values.std()).astype(np.float32)))
