"""What goes into the dsp tier of a channel: its table, its waveforms, its constants."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..arrays import F4
from ..sources import FileRef
from .lh5 import TableLayout


@dataclass(frozen=True)
class RawTable:
    """A table of a channel in a file, by the content of the file. Nothing of it is open."""

    file: FileRef
    layout: TableLayout


@dataclass(frozen=True)
class Waveforms:
    """Waveforms of some triggers, a row each.

    Attributes
    ----------
    slow, fast
        Shapes (n, samples): of the energy, in ADC a 16 ns sample, and of times and currents.
    slow_ns, fast_ns
        Time of a sample.
    fast_t0_ns
        Time of the first fast sample, from the first slow one.
    rail_adc
        The greatest value that a slow sample can have.
    """

    slow: F4
    fast: F4
    slow_ns: float
    fast_ns: float
    fast_t0_ns: float
    rail_adc: float = 65535.0


@dataclass(frozen=True)
class PoleZeroConstants:
    """The decay of the preamplifier: (1 - f) exp(-t / tau1) + f exp(-t / tau2).

    Attributes
    ----------
    tau1_ns, tau2_ns, frac2
        The slower and the faster decay and the fraction of the faster; 0 for a single decay.
    tau1_err_ns, tau2_err_ns, frac2_err
        Their errors; 0 of constants that were given.
    chi2_per_ndf
        Of the fit; NaN without one.
    origin
        "fitted", "settings" or "parameters".
    """

    tau1_ns: float
    tau2_ns: float = 0.0
    frac2: float = 0.0
    tau1_err_ns: float = 0.0
    tau2_err_ns: float = 0.0
    frac2_err: float = 0.0
    chi2_per_ndf: float = float("nan")
    n_pulses: int = 0
    origin: str = "settings"

    @property
    def model(self) -> str:
        """How many decays there are."""
        return "double" if self.tau2_ns > 0.0 else "single"


@dataclass(frozen=True)
class FilterSettings:
    """The energy filters of a channel, in us, and where they come from."""

    cusp_sigma_us: float
    cusp_flat_us: float
    zac_sigma_us: float
    zac_flat_us: float
    trap_rise_us: float
    trap_flat_us: float
    kernel_us: float
    origin: str = "settings"


@dataclass(frozen=True)
class DspParameters:
    """All constants that the dsp columns of a channel are made with.

    ``baseline_us`` and ``tail_us`` say where a waveform has no pulse yet and where it has its tail;
    ``dplms`` are the coefficients of that filter, newest sample first, none without it.
    """

    pole_zero: PoleZeroConstants
    filters: FilterSettings
    baseline_us: tuple[float, float]
    tail_us: tuple[float, float]
    version: int = field(default=1)
    dplms: tuple[float, ...] = ()
