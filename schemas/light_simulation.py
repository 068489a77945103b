"""Settings of simulated light read-out files, what flows on their edges, and their truth.

Units: ADC16 counts (14-bit codes times four, -32768 to 32764), samples of 16 ns, MHz.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from pydantic import Field, model_validator

from .arrays import F4, F8, I1, Mask
from .light_faults import Fault, Share
from .lightdqm.units import HIGHEST_ADC16, LOWEST_ADC16
from .settings import Section
from .tables import Column, TableSchema

RWM_CHANNEL: Final = (0, 18)
"""ADC and input of the beam monitor (resistive wall monitor)."""
RWM_THRESHOLD_ADC16: Final = 10000
"""An event with a higher sample at the beam monitor has trigger type 1."""

TRIGGERS: Final = ("self", "beam")
"""By trigger type."""


class Readout(Section):
    """Pedestals and noise of sound channels."""

    pedestal_adc16: float = Field(default=-28000.0, ge=LOWEST_ADC16, le=HIGHEST_ADC16)
    """Mean of the pedestals."""
    pedestal_scatter_adc16: float = Field(default=300.0, ge=0)
    """Standard deviation of the pedestals of the channels; three of them at most."""
    pedestal_jitter_adc16: float = Field(default=8.0, ge=0)
    """Standard deviation of the pedestal of a channel from event to event."""
    noise_adc16: float = Field(default=35.0, ge=0)
    """White noise, standard deviation of a sample."""
    noise_scatter: float = Field(default=0.1, ge=0, lt=0.3)
    """Relative standard deviation of the noise of the channels."""
    baseline_shift_adc16: float = 0.0
    """Added to every pedestal: a file whose baselines all moved."""


class Scintillation(Section):
    """Light of the interactions in a TPC."""

    interactions_beam: float = Field(default=3.0, ge=1)
    """Mean number of interactions in a beam event; a self-triggered event has one."""
    median_adc16: float = Field(default=8000.0, gt=0)
    """Median of the brightest amplitude of an interaction."""
    log_sigma: float = Field(default=0.9, ge=0)
    """Standard deviation of the logarithm of the amplitude."""
    gain_scatter: float = Field(default=0.1, ge=0, lt=0.3)
    """Relative standard deviation of the light response of the channels."""
    crosstalk: Share = 0.001
    """Share of the light that the other TPC of the module sees."""
    undershoot: Share = 0.003
    """Depth of the swing below the baseline after a pulse, of the peak."""


class Triggers(Section):
    """Which events there are, and when."""

    beam_fraction: Share = 0.5
    """Probability that an event is a beam event; the others trigger themselves."""
    start_utime_ms: int = Field(default=1_762_516_800_000, ge=0)
    """Unix time of the first sub-run of run 0, ms; default 2025-11-07 12:00 UTC. The runs after it
    follow every 2 hours, run 500 has the time of run 0."""
    interval_ms: float = Field(default=600.0, gt=0)
    """Mean time between events."""


class Tone(Section):
    """A sine on all channels of an ADC, in phase."""

    adc: int = Field(ge=0)
    """ADC."""
    frequency_MHz: float = Field(gt=0, le=31.25)
    """Frequency."""
    amplitude_adc16: float = Field(default=40.0, ge=0)
    """Amplitude."""


class LightSimulationSettings(Section):
    """Everything that a simulated light read-out file depends on."""

    seed: int = Field(default=1, ge=0)
    """Seed of all random numbers. Sub-runs of one seed have the same channels and faults."""
    tag: str = Field(default="data", pattern=r"^[A-Za-z0-9-]+$")
    """Tag in the file name."""
    run: int = Field(default=50014, ge=0)
    """Run number."""
    subrun: int = Field(default=0, ge=0)
    """Number of the file in the run."""
    n_events: int = Field(default=500, ge=0)
    """Events."""
    n_adcs: int = Field(default=8, ge=2, le=8, multiple_of=2)
    """ADCs: 8 in the 2x2, 2 in a single module."""
    n_samples: int = Field(default=1000, ge=100, le=100_000)
    """Samples of a waveform."""
    layout: Literal["mpd", "adc64"] = "mpd"
    """mpd: files of today; adc64: older files, without trigger type, times a channel."""
    readout: Readout = Readout()
    """Pedestals and noise."""
    scintillation: Scintillation = Scintillation()
    """Light."""
    triggers: Triggers = Triggers()
    """Events."""
    tones: tuple[Tone, ...] = ()
    """Coherent tones that belong to the set-up (a fault of kind tone is one that does not)."""
    faults: tuple[Fault, ...] = ()
    """What is wrong."""

    @property
    def stem(self) -> str:
        """Name of the file without ``.FLOW.hdf5``."""
        return f"mpd_run_{self.tag}_rctl_{self.run}_p{self.subrun}"

    @model_validator(mode="after")
    def _in_the_read_out(self) -> LightSimulationSettings:
        placed = [*((f.kind, f.adc) for f in self.faults), *(("tone", t.adc) for t in self.tones)]
        for what, adc in placed:
            if adc is not None and adc >= self.n_adcs:
                msg = (
                    f"{what} at ADC {adc}: there are {self.n_adcs} ADCs, counted from 0 to "
                    f"{self.n_adcs - 1}"
                )
                raise ValueError(msg)
        return self


@dataclass(frozen=True)
class LightStreams:
    """Independent seed sequences: the set-up is that of the seed, the events that of a file."""

    channels: np.random.SeedSequence
    faults: np.random.SeedSequence
    events: np.random.SeedSequence
    pulses: np.random.SeedSequence
    discharges: np.random.SeedSequence
    samples: np.random.SeedSequence


@dataclass(frozen=True)
class LightChannels:
    """What each input of the read-out does, arrays of shape (n_adcs, 64).

    Attributes
    ----------
    active
        Inputs with a sensor; the others have noise only.
    pedestal_adc16, pedestal_jitter_adc16, noise_adc16
        Mean pedestal, its standard deviation from event to event, and that of a sample.
    light_gain, undershoot
        Response to light (0: none), and depth of the swing after a pulse, of its peak.
    tone_gain
        0: no tone reaches the channel.
    rail
        1 stuck at the top rail, -1 at the bottom, 0 not stuck.
    spark_rate, negative_rate
        Probability of a discharge and of a negative excursion in an event.
    dark_rate
        Mean number of pulses in an event that no other channel sees.
    """

    active: Mask
    pedestal_adc16: F8
    pedestal_jitter_adc16: F8
    noise_adc16: F8
    light_gain: F8
    undershoot: F8
    tone_gain: F8
    rail: I1
    spark_rate: F8
    negative_rate: F8
    dark_rate: F8


@dataclass(frozen=True)
class LightSegment:
    """The read-out in the events from ``first_event`` to before ``end_event``."""

    first_event: int
    end_event: int
    channels: LightChannels


@dataclass(frozen=True)
class LightTones:
    """Coherent tones, shapes (n_tones,): ADC, frequency and amplitude."""

    adc: I1
    frequency_MHz: F8
    amplitude_adc16: F8


@dataclass(frozen=True)
class PulseShapes:
    """Shape of a pulse with peak 1, and of the swing after it with depth 1; (n_samples,)."""

    light: F4
    swing: F4


LIGHT_EVENT_TRUTH: Final = TableSchema(
    "LightEventTruth",
    "a simulated event of the light read-out",
    (
        Column("event", "int64", "", "row in the file, from 0", at_least=0),
        Column("trigger", "category", "", "what triggered", categories=TRIGGERS),
        Column("utime_ms", "int64", "ms", "Unix time", at_least=0),
        Column("tai_ns", "int64", "ns", "TAI time", at_least=0),
        Column("n_interactions", "int32", "", "interactions with light", at_least=0),
        Column("lit_tpcs", "int32", "", "TPCs with an interaction, bit t for TPC t", at_least=0),
        Column("missing_adcs", "int32", "", "absent ADCs, bit a for ADC a", at_least=0),
        Column("n_sparks", "int32", "", "discharges in the event", at_least=0),
        Column("n_negatives", "int32", "", "negative excursions in the event", at_least=0),
    ),
)

LIGHT_PULSES: Final = TableSchema(
    "LightPulses",
    "an interaction with light in a TPC, by event",
    (
        Column("event", "int64", "", "row in the file", at_least=0),
        Column("tpc", "int32", "", "TPC", at_least=0, at_most=7),
        Column("start_sample", "int32", "", "first sample of the pulse, below 0 before the first"),
        Column("intensity_adc16", "float64", "adc16", "amplitude of the brightest board"),
        Column("position", "float64", "", "place along the four boards", at_least=0, at_most=4),
    ),
)

RECTANGLES: Final = TableSchema(
    "Rectangles",
    "a few samples moved by a height: beam monitor, discharge, negative excursion; by event",
    (
        Column("event", "int64", "", "row in the file", at_least=0),
        Column("adc", "int32", "", "ADC", at_least=0, at_most=7),
        Column("channel", "int32", "", "channel", at_least=0, at_most=63),
        Column("start_sample", "int32", "", "first sample", at_least=0),
        Column("n_samples", "int32", "", "how many", at_least=1),
        Column("height_adc16", "float64", "adc16", "added to the samples"),
        Column(
            "cause",
            "category",
            "",
            "where from",
            categories=("monitor", "spark", "negative", "dark"),
        ),
    ),
)
