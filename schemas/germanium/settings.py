"""Sections of [germanium]: what each part of the graph is set by. Times are in us, energies in keV.

Each section is an input of the graph, or cut further where less enters a node.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ..settings import FilePath, Section
from .calibration_settings import (
    AoESettings,
    EnergySettings,
    GateSettings,
    LQSettings,
    QualitySettings,
)

Estimator = Literal[
    "cuspEmax", "zacEmax", "trapEmax", "trapEftp", "cuspEftp", "zacEftp", "dplmsEmax"
]
DetectorStatus = Literal["on", "ac", "off"]


def _rising(window: tuple[float, float]) -> tuple[float, float]:
    if not window[0] < window[1]:
        msg = f"{list(window)}: the first number must be below the second"
        raise ValueError(msg)
    return window


Weight = Annotated[float, Field(ge=0.0)]
Interval = Annotated[tuple[float, float], AfterValidator(_rising)]


class PoleZero(Section):
    """[germanium.pole_zero]: the decay of the preamplifier."""

    model: Literal["auto", "single", "double"] = "auto"
    """One decay, two, or two only where they describe the tails better."""
    n_events: int = Field(default=5000, ge=100)
    """About so many tails at most, a seeded choice."""
    tail_us: Interval = (53.8, 99.9)
    """Where the tail of a pulse is; the fit takes as much of it from 5 us after its half."""
    baseline_us: Interval = (0.0, 44.8)
    """Where there is no pulse yet."""
    tau1_us: float = Field(default=0.0, ge=0.0)
    """The (slower) decay time as given; 0 = it is fitted."""
    tau2_us: float = Field(default=0.0, ge=0.0)
    """The faster decay time as given; 0 = there is none."""
    frac2: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Fraction of the faster decay."""

    @model_validator(mode="after")
    def _slower_first(self) -> Self:
        if self.tau2_us > 0.0 and not self.tau2_us < self.tau1_us:
            msg = (
                f"tau2_us = {self.tau2_us} is not below tau1_us = {self.tau1_us}: it is the faster"
            )
            raise ValueError(msg)
        if (self.tau2_us > 0.0) != (self.frac2 > 0.0):
            msg = (
                f"tau2_us = {self.tau2_us} and frac2 = {self.frac2} go together; give both or none"
            )
            raise ValueError(msg)
        return self


class Filters(Section):
    """[germanium.filters]: the energy filters."""

    optimise: bool = True
    """Search the shaping times of least width at Q_bb."""
    grid: int = Field(default=12, ge=3, le=64)
    """Shaping times from end to end that a search begins with, where no noise says where to."""
    cusp_sigma_us: float = Field(default=8.0, gt=0.0)
    """Width of the cusp; this and those below are taken if none is searched."""
    zac_sigma_us: float = Field(default=8.0, gt=0.0)
    """Width of the cusp of zero area."""
    trap_rise_us: float = Field(default=8.0, gt=0.0)
    """Rise of the trapezoid."""
    flat_us: float = Field(default=2.5, ge=0.0)
    """Flat top of all three."""
    kernel_us: float = Field(default=89.6, gt=0.0)
    """Length of the cusps."""


class Selection(Section):
    """[germanium.selection]: events of the lines that the filters are optimised with."""

    events_per_line: int = Field(default=4000, ge=100)
    """About so many a line at most, a seeded choice."""
    window_keV: float = Field(default=40.0, gt=0.0)
    """Half of the window about a line, in the energy of the read-out."""


class Noise(Section):
    """[germanium.noise]: what is made of forced triggers."""

    threshold_adc: float = Field(default=10.0, ge=0.0)
    """Forced triggers of which the energy of the read-out is above have a pulse."""
    shaping_us: tuple[float, float, float] = (1.0, 16.0, 1.0)
    """First and last shaping time that is looked at, and the step."""
    n_waveforms: int = Field(default=2000, ge=100)
    """About so many baselines at most, a seeded choice."""

    @model_validator(mode="after")
    def _some_times(self) -> Self:
        first, last, step = self.shaping_us
        if not (0.0 < first < last and 0.0 < step <= last - first):
            msg = (
                f"shaping_us = {list(self.shaping_us)}: give [first, last, step] with "
                "0 < first < last and a step that fits between"
            )
            raise ValueError(msg)
        return self


class Dplms(Section):
    """[germanium.dplms]: the filter that is made of measured noise and pulses, with fft_path."""

    enabled: bool = True
    """Whether it is made."""
    length: int = Field(default=500, ge=50)
    """Its presummed samples."""
    nm: tuple[Weight, ...] = Field(default=(1.0,), min_length=1)
    """Weights of the noise that are tried."""
    za: tuple[Weight, ...] = Field(default=(1.0,), min_length=1)
    """Of its area."""
    ft: tuple[Weight, ...] = Field(default=(1.0,), min_length=1)
    """Of its flat top."""
    pl: tuple[Weight, ...] = Field(default=(0.0,), min_length=1)
    """Of earlier pulses."""


class Svm(Section):
    """[germanium.svm]: the machine that classes pulse shapes, with svm_path."""

    C: float = Field(default=100.0, gt=0.0)
    """Weight of pulses on the wrong side; of 1 a faint earlier tail passes as good."""
    gamma: Literal["scale"] | Annotated[float, Field(gt=0.0)] = "scale"
    """Of the kernel exp(-gamma |x - y|^2); "scale" = 1 / (coefficients x their variance)."""
    levels: int = Field(default=4, ge=3, le=5)
    """Shapes are averages over 2 to this power of presummed samples."""


class Germanium(Section):
    """[germanium]: detectors, what is made, and how."""

    channels: tuple[int | str, ...] = ()
    """Channels by number, table or detector; [] = all."""
    detectors: dict[str, str] = Field(default_factory=dict)
    """Detector of a table: its key in parameter files; the table's name without."""
    status: dict[str, DetectorStatus] = Field(default_factory=dict)
    """What is done of a table or detector: "on", "ac" (calibrated, no gate) or "off" (left out)."""
    tiers: tuple[Literal["dsp", "hit"], ...] = ("dsp", "hit")
    """The tiers that are written."""
    parameters_path: FilePath | tuple[FilePath, ...] = ""
    """par_dsp and par_hit files whose constants are used: nothing is calibrated then."""
    fft_path: FilePath | tuple[FilePath, ...] = ""
    """Raw files of forced triggers: a file, folder, pattern or array; "" = no noise is seen."""
    svm_path: FilePath | tuple[FilePath, ...] = ""
    """Pulses of known class, that train a machine for pulse shapes; "" = none."""
    settings_path: FilePath = ""
    """Folder of settings by channel and time, with validity.yaml; "" = the same for all."""
    pulser_path: FilePath | tuple[FilePath, ...] = ""
    """Files {mask: [true, ...]} of events of a pulser, one an input file; these are left out."""
    find_pulser: bool = False
    """Leave out the events of a line that comes with one period; without it is only told of."""
    estimators: tuple[Estimator, ...] = ("cuspEmax", "zacEmax", "trapEmax", "trapEftp")
    """Energy columns that are calibrated; those that are not there are told of."""
    primary: Estimator = "cuspEmax"
    """The energy that A/E and LQ take."""
    threshold_keV: float = Field(default=300.0, ge=0.0)
    """Lines whose window begins below are not fitted."""
    pole_zero: PoleZero = PoleZero()
    """The decay of the preamplifier."""
    seed: int = Field(default=1, ge=0)
    """Of every random choice."""
    selection: Selection = Selection()
    """Events that optimise the filters."""
    filters: Filters = Filters()
    """The energy filters."""
    noise: Noise = Noise()
    """Noise of forced triggers."""
    dplms: Dplms = Dplms()
    """The filter of measured noise and pulses."""
    svm: Svm = Svm()
    """Classes of pulse shapes."""
    quality: QualitySettings = QualitySettings()
    """Quality cuts."""
    energy: EnergySettings = EnergySettings()
    """ADC to keV."""
    aoe: AoESettings = AoESettings()
    """Multi-site events."""
    lq: LQSettings = LQSettings()
    """Late charge."""
    gates: GateSettings = GateSettings()
    """Limits of the verdict."""

    @model_validator(mode="after")
    def _primary_is_calibrated(self) -> Self:
        if self.primary not in self.estimators:
            among = ", ".join(self.estimators)
            msg = f'primary = "{self.primary}" is not among estimators ({among}); add it'
            raise ValueError(msg)
        return self
