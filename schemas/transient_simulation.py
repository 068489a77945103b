"""Settings of a simulated campaign of transients, what flows on their edges, and the truth.

Units: ppm of the tuned frequency, samples at fs, 1/s; codes are those of a 12-bit digitiser.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final, Literal, get_args

import numpy as np
from pydantic import Field, model_validator

from .arrays import F8, I8
from .settings import Section
from .tables import Column, TableSchema

AnomalyKind = Literal[
    "amplitude",
    "decay",
    "no_event",
    "pileup",
    "pretrig_burst",
    "step",
    "dropout",
    "carrier_loss",
]
ANOMALIES: Final[tuple[AnomalyKind, ...]] = get_args(AnomalyKind)
ANOMALY_EFFECTS: Final = MappingProxyType(
    {
        "amplitude": "amplitude twice as large",
        "decay": "decays 2.5 times faster",
        "no_event": "no strike",
        "pileup": "a second strike before the end",
        "pretrig_burst": "a short strike before the trigger",
        "step": "the frequency steps and stays",
        "dropout": "a gap of zeros after the trigger",
        "carrier_loss": "the carrier is weak for some time",
    }
)

DamageKind = Literal[
    "empty",
    "header_cut",
    "mid_sample",
    "half",
    "two_short",
    "too_long",
    "bad_time",
    "clipped",
    "zeros_all",
    "duplicate",
    "no_hit",
]
DAMAGES: Final[tuple[DamageKind, ...]] = get_args(DamageKind)
DAMAGE_EFFECTS: Final = MappingProxyType(
    {
        "empty": "no byte",
        "header_cut": "10 bytes",
        "mid_sample": "ends in the middle of a sample",
        "half": "half of the samples",
        "two_short": "two samples short",
        "too_long": "100 samples more",
        "bad_time": "seconds 0, microseconds 2,000,000",
        "clipped": "too loud for the digitiser",
        "zeros_all": "every sample 0",
        "duplicate": "two recordings with one number",
        "no_hit": "missing in the hit list of the FPGA",
    }
)
CLIPPED: Final[DamageKind] = "clipped"
"""The damage that changes samples of a recording which can still be used: a kind of the truth."""
OVERWRITTEN: Final = "duplicate_overwritten_id"
"""What is said of the recording that carries the number of a duplicate."""

TRUTH_KINDS: Final = ("inlier", *ANOMALIES, CLIPPED)

NoiseModel = Literal["slow", "white", "flicker", "random_walk"]

STRIKE_LEAD_SAMPLES: Final = 10
"""The ion strikes so many samples before the trigger."""

Share = Annotated[float, Field(ge=0, le=1)]


class FrequencyNoise(Section):
    """Noise of the frequency and of the samples."""

    model: NoiseModel = "slow"
    """What is added to white noise: slow (first order, correlated over slow_us), nothing, 1/f, or a
    random walk."""
    white_Hz: float = Field(default=1500.0, ge=0)
    """White frequency noise, standard deviation of a sample."""
    level_ppm: float = Field(default=0.4, ge=0)
    """Standard deviation of what is added; of a random walk at the end of the recording."""
    slow_us: float = Field(default=60.0, gt=0)
    """Time constant of the slow noise."""
    iq_codes: float = Field(default=8.0, ge=0)
    """White noise of I and of Q, codes."""


class Planted(Section):
    """An anomaly to plant; without a number the seed chooses a recording with a strike."""

    kind: AnomalyKind
    """What is wrong."""
    number: int | None = Field(default=None, ge=0)
    """Number of the trigger."""


class TransientSimulationSettings(Section):
    """Everything that a run of a simulated campaign depends on."""

    seed: int = Field(default=1, ge=0)
    """Seed of all random numbers."""
    run: int = Field(default=26, ge=0, le=999)
    """Number of the run."""
    steps: int = Field(default=9, ge=1, le=999)
    """Positions of the beam in x and in y."""
    hits: int = Field(default=5, ge=1)
    """Recordings a position."""
    half_width_um: float = Field(default=20.0, gt=0, le=300)
    """The scan goes so far from the middle."""
    n_pre: int = Field(default=3000, ge=1000)
    """Samples before the trigger."""
    n_post: int = Field(default=9000, ge=4000)
    """Samples from the trigger on."""
    fs_MHz: float = Field(default=20.0, gt=0)
    """Sample rate."""
    cf_MHz: float = Field(default=1275.0, gt=0)
    """Tuned frequency."""
    dut: Literal["ADPLL", "LJPLL"] = "ADPLL"
    """Type of the oscillator."""
    peak_ppm: float = 20.0
    """Amplitude in the middle, signed."""
    decay_per_s: float = Field(default=8000.0, ge=0)
    """Decay constant in the middle."""
    fast_share: Share = 0.3
    """Part of the amplitude that decays fast_ratio times faster."""
    fast_ratio: float = Field(default=9.0, ge=1)
    """How much faster."""
    offset_share: Share = 0.08
    """Part of the amplitude that does not decay."""
    spread: float = Field(default=0.04, ge=0, lt=0.3)
    """Relative standard deviation of amplitude and decay constant from hit to hit."""
    carrier_codes: float = Field(default=1200.0, gt=0, le=2000)
    """Amplitude of the carrier."""
    noise: FrequencyNoise = FrequencyNoise()
    """Noise."""
    anomaly_share: Share = 0.02
    """Probability that a recording is an anomaly, beside those that are planted."""
    planted: tuple[Planted, ...] = tuple(Planted(kind=kind) for kind in ANOMALIES)
    """Anomalies."""
    damage: tuple[DamageKind, ...] = DAMAGES
    """What is done to a recording each."""
    stray: int = Field(default=2, ge=0)
    """Recordings whose position is not known."""
    parts: int = Field(default=3, ge=1, le=26)
    """Parts of the archive; 1 = whole."""
    gz: bool = True
    """Whether the archive is compressed (its name ends in .tar all the same)."""
    foreign: bool = True
    """Whether a file that is no recording lies among them."""

    @property
    def n_recordings(self) -> int:
        """Recordings, stray ones included."""
        return self.steps**2 * self.hits + self.stray

    @model_validator(mode="after")
    def _enough_recordings(self) -> TransientSimulationSettings:
        scanned = self.steps**2 * self.hits
        for one in self.planted:
            if one.number is not None and one.number >= scanned:
                msg = f"{one.kind} at {one.number}: the scan has recordings 0 to {scanned - 1}"
                raise ValueError(msg)
        needed = len(self.planted) + len(self.damage) + ("duplicate" in self.damage)
        if needed > scanned:
            msg = (
                f"{needed} recordings are to be anomalous or damaged, and the scan has {scanned}; "
                "take more positions or hits, or less of what is wrong"
            )
            raise ValueError(msg)
        return self


@dataclass(frozen=True)
class Strikes:
    """What the frequency and the carrier of each recording do, arrays of shape (N,).

    Attributes
    ----------
    base_Hz, drift_Hz_per_s
        Frequency relative to +fs/4 at the first sample, and its slope.
    amplitude_ppm, offset_ppm, fast_ppm, decay_per_s, fast_per_s
        ``(amplitude - offset - fast) e^(-decay t) + fast e^(-fast_per_s t) + offset`` from the
        strike on.
    second_sample, second_ppm, second_per_s
        A further strike, at a sample of the recording, of one exponential; 0 ppm = none.
    weak_first, weak_end, weak_factor
        Samples of which the carrier is multiplied with the factor (0: I and Q are exactly 0).
    loudness
        Factor of the carrier.
    """

    base_Hz: F8
    drift_Hz_per_s: F8
    amplitude_ppm: F8
    offset_ppm: F8
    fast_ppm: F8
    decay_per_s: F8
    fast_per_s: F8
    second_sample: F8
    second_ppm: F8
    second_per_s: F8
    weak_first: I8
    weak_end: I8
    weak_factor: F8
    loudness: F8


@dataclass(frozen=True)
class TransientStreams:
    """Independent seed sequences of a run: positions and strikes, anomalies, damage, noise."""

    strikes: np.random.SeedSequence
    anomalies: np.random.SeedSequence
    damage: np.random.SeedSequence
    noise: np.random.SeedSequence


TRANSIENT_TRUTH: Final = TableSchema(
    "TransientTruth",
    "a simulated recording, as it was before anything was done to its file",
    (
        Column("kind", "category", "", "what it is", categories=TRUTH_KINDS),
        Column("amp_ppm", "float64", "ppm", "amplitude at the strike, 10 samples early"),
        Column("lam", "float64", "1/s", "decay constant", at_least=0),
        Column("off_ppm", "float64", "ppm", "part of the amplitude that does not decay"),
        Column("fast_ppm", "float64", "ppm", "part of it that decays faster"),
        Column("base_hz", "float64", "Hz", "frequency relative to +fs/4 at the first sample"),
        Column("number", "int64", "", "number of the trigger", at_least=0),
        Column("x_lsb", "int64", "LSB", "position of the beam, 999999 = not known"),
        Column("y_lsb", "int64", "LSB", "position of the beam, 999999 = not known"),
        Column("hw_ticks", "int64", "1/fs", "time of the trigger", at_least=0),
    ),
)

DAMAGED_RECORDINGS: Final = TableSchema(
    "DamagedRecordings",
    "a recording to whose file, or to whose hit, something was done",
    (
        Column("number", "int64", "", "number of the trigger as it was", at_least=0),
        Column("damage", "category", "", "what", categories=(*DAMAGES, OVERWRITTEN)),
        Column("new_number", "int64", "", "the number that the file carries", at_least=0),
    ),
)
