"""Settings of what is calibrated from the dsp tier, each section a graph input of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from ..settings import Section, Window

DriftCorrection = Literal["auto", "on", "off"]
SliceBy = Literal["input", "run", "file"]


def _pair(limits: object) -> object:
    return tuple(limits) if isinstance(limits, list) else limits


def _cut(limits: tuple[float, float]) -> tuple[float, float]:
    if not limits[0] < limits[1]:
        msg = f"the lower end {limits[0]} is not below the upper end {limits[1]}; swap them"
        raise ValueError(msg)
    return limits


# One-sided cuts have an infinite end.
_End = Annotated[float, Field(allow_inf_nan=True)]
CutLimits = Annotated[tuple[_End, _End], BeforeValidator(_pair), AfterValidator(_cut)]


class QualitySettings(Section):
    """[germanium.quality]: cuts on (parameter - mode) / width."""

    n_sigma: Annotated[float, Field(gt=0)] | Mapping[str, CutLimits] = 4.0
    """Widths to each side, or by parameter [lower, upper], as {pz_std = [-inf, 5.0]}; others 4."""
    min_survival: float = Field(default=0.5, ge=0.0, le=1.0)
    """A cut that keeps a smaller share of the events is a warning."""

    def limits(self, parameter: str) -> tuple[float, float]:
        """Lower and upper cut of a parameter, in widths."""
        if isinstance(self.n_sigma, Mapping):
            low, high = self.n_sigma.get(parameter, (-4.0, 4.0))
            return (low, high)
        return (-self.n_sigma, self.n_sigma)


class EnergySettings(Section):
    """[germanium.energy]: the energy scale and its resolution."""

    degree: int = Field(default=0, ge=0, le=2)
    """0: E = b x through the 2614.5 keV line; 1, 2: a polynomial through all lines."""
    trapping: bool = True
    """Correct for trapped charge, E (1 + alpha dt_eff), where that improves the width."""
    alpha_max_per_ns: float = Field(default=3.5e-6, gt=0.0)
    """Greatest alpha that is looked at."""
    min_counts: float = Field(default=50.0, ge=0.0)
    """Fewest counts in a line of which the fit is valid."""


class AoESettings(Section):
    """[germanium.aoe]: the classifier of the current amplitude over the energy."""

    acceptance: float = Field(default=0.90, gt=0.0, lt=1.0)
    """Share of the double-escape peak that survives the low cut."""
    high_cut: float = Field(default=3.0, gt=0.0)
    """Upper cut of the two-sided verdict, in widths."""
    drift_correction: DriftCorrection = "auto"
    """A slope in dt_eff is divided out: always, never, or where it is significant and helps."""
    slice_by: SliceBy = "input"
    """A/E is divided by its median in slices of time: of all input, of each run, or each file."""
    time_slice_s: float = Field(default=0.0, ge=0.0)
    """Length of such slices; 0 = as long as what they are of, and of all input none."""
    band_keV: float = Field(default=20.0, gt=0.0)
    """Width of a Compton band."""
    range_keV: Window = (900.0, 2350.0)
    """Energies in which bands lie."""


class LQSettings(Section):
    """[germanium.lq]: the classifier of the late charge."""

    cut_sigma: float = Field(default=3.0, gt=0.0)
    """Events above so many widths are cut."""


class GateSettings(Section):
    """[germanium.gates]: what a channel must satisfy; otherwise the exit code is 4."""

    qbb_fwhm_keV: float = Field(default=4.0, gt=0.0)
    """Greatest width at Q_bb of the primary estimator."""
    p_value: float = Field(default=1e-6, ge=0.0, lt=1.0)
    """A fit below this, and of chi2 above 10 a degree of freedom, is refused."""
