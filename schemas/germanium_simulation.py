"""Settings of simulated germanium detectors, and the truth of every event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import Field

from .settings import Section
from .tables import Column, TableSchema

BAD: Final = (
    "good",
    "pile_up",
    "earlier_tail",
    "discharge",
    "negative",
    "baseline",
    "pulser",
    "saturated",
    "late",
)
"""What is wrong with an event, by code."""
CLASSES: Final = (
    "good", "pile_up", "earlier_tail", "discharge", "saturated", "negative", "late", "baseline",
)  # fmt: skip
"""What is wrong with training pulses, by their label: from 0 as LEGEND numbers a good one."""
N_SAMPLES: Final = 6248
DT_NS: Final = 16.0
PRESUM_RATE: Final = 8
WINDOW: Final = (2625, 1400)
"""First sample of the windowed waveform, and how many there are."""

GERMANIUM_TRUTH: Final = TableSchema(
    "GermaniumTruth",
    "a trigger",
    (
        Column("energy_keV", "float64", "keV", "energy of the gamma ray or electron"),
        Column("deposited_keV", "float64", "keV", "with Doppler shift and statistics of charges"),
        Column("collected_keV", "float64", "keV", "without what was trapped"),
        Column("drift_ns", "float64", "ns", "mean drift time of its charges"),
        Column("start_ns", "float64", "ns", "start of the pulse in the waveform"),
        Column("line_keV", "float64", "keV", "its line; 0 = continuum"),
        Column("n_sites", "int16", "", "places in which it left energy"),
        Column("bad", "uint8", "", "what is wrong with it, a place in BAD"),
        Column("baseline_adc", "float64", "ADC", "baseline"),
    ),
)


class GermaniumSimulationSettings(Section):
    """What is simulated."""

    seed: int = Field(default=1, ge=0)
    """Of every random choice."""
    n_events: int = Field(default=5000, ge=0)
    """Triggers a channel."""
    n_channels: int = Field(default=1, ge=1, le=1000)
    """Detectors, each with constants of its own."""
    first_channel: int = Field(default=1104000, ge=0, le=9_999_999)
    """Number of the first."""
    two_poles: bool = False
    """A second decay of 17.6 us, 2 % of the first."""
    enriched: bool = False
    """Ten times as many double-escape events and events of 1620 keV."""
    baselines: bool = False
    """Forced triggers without pulses."""
    bad_fraction: float = Field(default=0.04, ge=0.0, le=0.9)
    """Pile-up and earlier tails, half each; discharges and negative pulses come with them."""
    gain_drift: float = Field(default=0.0, ge=-0.1, le=0.1)
    """Change of the gain over the file."""
    train: bool = False
    """Pulses of all classes alike, with their class as column dc_label: to train an SVM."""
    gain_step: float = Field(default=0.0, ge=-0.1, le=0.1)
    """Change of the gain at half of the file."""
    pulser_Hz: float = Field(default=0.0, ge=0.0)
    """Rate of a pulser of 3000 keV; 0 = none."""
    rate_Hz: float = Field(default=20.0, gt=0.0)
    """Triggers a second."""


@dataclass(frozen=True)
class DetectorConstants:
    """What one simulated detector is.

    Attributes
    ----------
    channel
        Its number.
    adc_per_keV
        Its gain.
    tau1_ns, tau2_ns, frac2
        The decay of its preamplifier.
    trapping_per_ns
        Share of the charge that is lost a ns of drift.
    white_adc, flicker_adc, walk_adc
        Noise of a sample: white; of the spectra 1/f and 1/f^2, rms over the waveform.
    baseline_adc
        Mean of the baseline.
    """

    channel: int
    adc_per_keV: float
    tau1_ns: float
    tau2_ns: float
    frac2: float
    trapping_per_ns: float
    white_adc: float
    flicker_adc: float
    walk_adc: float
    baseline_adc: float
