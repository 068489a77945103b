"""The inputs of a simulated light read-out: seed and settings in, sound channels out.

The map of the detector: schemas/lightdqm/detector.py.
"""

from __future__ import annotations

import numpy as np
from hamilton.function_modifiers import tag

from ...schemas.arrays import frozen
from ...schemas.light_simulation import (
    LightChannels,
    LightStreams,
    PulseShapes,
    Readout,
    Scintillation,
)
from ...schemas.lightdqm.detector import HAS_SENSOR, N_CHANNELS
from ...schemas.lightdqm.units import SAMPLE_NS

_RISE_SAMPLES = 2.0
_FAST_SAMPLES = 7.0
# The triplet of liquid argon: 1.5 us.
_SLOW_SAMPLES = 1500.0 / SAMPLE_NS
_SLOW_SHARE = 0.2
_SWING_RISE_SAMPLES = 40.0
_SWING_FALL_SAMPLES = 300.0


@tag(stage="channels")
def light_streams(seed: int, run: int, subrun: int) -> LightStreams:
    """Streams of the set-up from the seed alone, of the events from seed, run and sub-run."""
    set_up = np.random.SeedSequence(seed).spawn(2)
    file = np.random.SeedSequence((seed, run, subrun, 1)).spawn(4)
    return LightStreams(*set_up, *file)


@tag(stage="channels")
def sound_channels(
    n_adcs: int, readout: Readout, scintillation: Scintillation, light_streams: LightStreams
) -> LightChannels:
    """The read-out without faults."""
    rng = np.random.default_rng(light_streams.channels)
    # All eight ADCs are drawn: fewer ADCs leave the first ones as they are.
    normal = np.clip(rng.standard_normal((3, 8, N_CHANNELS)), -3.0, 3.0)[:, :n_adcs]
    shape = (n_adcs, N_CHANNELS)
    active = np.tile(HAS_SENSOR, (n_adcs, 1))
    pedestal = readout.pedestal_adc16 + readout.baseline_shift_adc16
    return LightChannels(
        active=frozen(active),
        pedestal_adc16=frozen(pedestal + readout.pedestal_scatter_adc16 * normal[0]),
        pedestal_jitter_adc16=frozen(np.full(shape, readout.pedestal_jitter_adc16)),
        noise_adc16=frozen(readout.noise_adc16 * (1.0 + readout.noise_scatter * normal[1])),
        light_gain=frozen(active * (1.0 + scintillation.gain_scatter * normal[2])),
        undershoot=frozen(np.full(shape, scintillation.undershoot)),
        tone_gain=frozen(np.ones(shape)),
        rail=frozen(np.zeros(shape, dtype=np.int8)),
        spark_rate=frozen(np.zeros(shape)),
        negative_rate=frozen(np.zeros(shape)),
        dark_rate=frozen(np.zeros(shape)),
    )


@tag(stage="channels")
def pulse_shapes(n_samples: int) -> PulseShapes:
    """Fast and slow light behind the shaper, and the swing of the coupling after it."""
    t = np.arange(n_samples, dtype=np.float64)
    rise = 1.0 - np.exp(-(t + 1.0) / _RISE_SAMPLES)
    light = rise * (
        (1.0 - _SLOW_SHARE) * np.exp(-t / _FAST_SAMPLES) + _SLOW_SHARE * np.exp(-t / _SLOW_SAMPLES)
    )
    swing = (1.0 - np.exp(-t / _SWING_RISE_SAMPLES)) * np.exp(-t / _SWING_FALL_SAMPLES)
    return PulseShapes(
        light=frozen((light / light.max()).astype(np.float32)),
        swing=frozen((swing / swing.max()).astype(np.float32)),
    )
