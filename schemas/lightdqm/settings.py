"""Settings as the light graph takes them: each input as fine as what depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field

from ..settings import Section, Window
from .units import Units


class EventSelection(Section):
    """Which events are looked at."""

    max_evts: int
    """Most events; 0 = all."""


class PulseThreshold(Section):
    """From which height on a waveform holds a pulse."""

    adc16: float
    """Counts above (or below) the baseline."""


class NoiseWindow(Section):
    """The samples before any pulse."""

    samples: int
    """From the first sample on."""


class SpectrumSettings(Section):
    """Power spectra."""

    powspec_nevts: int
    """Most dark waveforms a channel."""
    V_per_adc16: float
    """What a count is; legacy mode has the script's factors."""


class MaskLimits(Section):
    """What makes a channel dead, stuck or its baseline wrong; in counts whatever the units."""

    baseline_band_adc16: tuple[Window, ...]
    """Allowed medians: one window for every ADC, or one each."""
    spread_adc16: float
    """Greatest distance of the 16 % and 84 % points from the median."""
    dead_adc16: float
    """A waveform that nowhere exceeds its baseline by more shows no light."""
    dead_fraction: float
    """A channel that sees a smaller share of the light of its neighbours is dead."""
    flat_adc16: float
    """A channel whose noise is below is flat."""
    rail_adc16: float
    """A baseline that is nearer than this to an end of the range is stuck there."""
    move_sigma: float
    """A baseline that moved by more standard errors, and by more than move_adc16, moved."""
    move_adc16: float
    """Least move that counts."""

    def band(self, adc: int) -> tuple[float, float]:
        """The window of one ADC."""
        return self.baseline_band_adc16[adc if len(self.baseline_band_adc16) > 1 else 0]


class LightHitSettings(Section):
    """What counts as seeing light."""

    least_adc16: float
    """Height above the baseline."""
    least_chances: int
    """Events with light on a board (or else on half an ADC, or its partner) that are enough."""


class SparkSettings(Section):
    """What a spark is."""

    step_adc16: float
    """Least step between two samples, in an event in which the rest of the board is dark."""


class BlockSettings(Section):
    """The blocks of events that are judged one by one."""

    blocks: int
    """Most blocks; each has ten events at least."""
    flat_adc16: float
    """A waveform with less noise is flat."""
    rail_adc16: float
    """A baseline that is nearer to an end of the range is at a rail."""


class ClockSettings(Section):
    """What the clocks of the ADCs may do."""

    spread_ms: int
    """Greatest difference between two of them, and greatest jump against Unix time."""
    plausible_years: Window
    """Years in which Unix times may lie."""


class VerdictLimits(Section):
    """[lightdqm.limits]: when a check fails. Fractions are of the lower end of an interval."""

    noise_high: float = 3.0
    """Noise of a channel, as a multiple of the median of all channels: more fails."""
    noise_low: float = 0.333
    """Noise of a channel, as a share of the median of all channels: less fails."""
    noise_adc16: float = Field(default=100.0, gt=0)
    """Noise of a channel, whatever that of the others: more fails. Nominal are some 35."""
    spark_fraction: float = 0.01
    """Share of dark events with a spark."""
    clipped_fraction: float = 0.2
    """Share of lit events that clip."""
    negative_fraction: float = 0.02
    """Share of events that swing below minus the threshold."""
    tone_adc16: float = 60.0
    """Amplitude of a tone in the spectrum."""
    tone_ratio: float = 10.0
    """Power of a tone over that of the bins around it."""
    missing_fraction: float = 0.01
    """Share of events in which an ADC is absent: more fails, any warns."""
    clock_spread_ms: int = 1000
    """Greatest difference of the clocks of the ADCs."""
    beam_self_ratio: Window | None = None
    """Allowed ratio of beam to self triggers; absent = any. Where set, both must be there."""
    confidence: float = 0.9999
    """Of the one-sided intervals behind the checks of fractions; stretches of a file share it."""
    judged_fraction: float = Field(default=0.8, ge=0, le=1)
    """Share of the active channels whose light could be judged: less warns."""
    stuck_fraction: float = Field(default=0.01, ge=0, le=1)
    """Share of flat or railed waveforms in a stretch of the file: more fails."""
    loud_fraction: float = Field(default=0.05, ge=0, le=1)
    """Share of waveforms in a stretch with three times the usual noise: more fails."""
    baseline_change_adc16: float = Field(default=300.0, gt=0)
    """Step or drift of a baseline in a file: more fails. Warm-up makes some 100."""
    noise_change: float = Field(default=1.5, gt=1)
    """Factor by which noise may step or drift in a file."""
    light_change: float = Field(default=1.6, gt=1)
    """Factor by which pulse heights may step or drift in a file, or since earlier files."""
    arrival_ns: float = Field(default=160.0, gt=0)
    """How much earlier or later in the waveform light may come than in earlier files."""
    light_factor: float = Field(default=3.0, gt=1)
    """Factor between the pulse heights of a channel and its board, or of an ADC and the others."""
    dark_rate: float = Field(default=0.5, gt=0, lt=1)
    """Share of events in which a channel alone sees light: more fails."""
    copied_fraction: float = Field(default=0.05, ge=0, lt=1)
    """Share of events in which two channels have the same waveform: more fails."""
    expected_adcs: int | None = Field(default=None, ge=1)
    """ADCs that a file must have; absent = as many as the earlier files have."""
    plausible_years: Window = (2015.0, 2040.0)
    """Years in which Unix times may lie."""


class PageSettings(Section):
    """What the report shows; no number depends on it."""

    units: Units = "ADC16"
    """Unit of the axes."""
    granularities: tuple[str, ...] = ()
    """Fraction pages are made for these denominators; empty = as the script does."""
    pages: tuple[str, ...] = ()
    """Pages of the report by name; empty = the usual ones."""
    plot_all_clipped: bool = False
    """Pages of clipped waveforms by channel."""
    plot_all_negatives: bool = False
    """Pages of negative waveforms by EPCB."""
    merge_grafana_plots: bool = False
    """The two masks in the PDF as well."""
    faces: bool = True
    """A frowning face marks a bad channel, else a cross."""
    time_zone: str = "America/Chicago"
    """Time zone of printed times."""


@dataclass(frozen=True)
class RunFacts:
    """What the pages print of the run, beside what the file says.

    ``arguments`` are names and values of the page of arguments; ``run_time`` is when the report
    was made, as text, empty where a page must not change from run to run.
    """

    source: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    run_time: str = ""
