"""The DPLMS filter of a channel: of its noise in forced triggers and its pulses of 2614.5 keV."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import F8
from ...schemas.errors import Unfit
from ...schemas.germanium.dplms import DplmsFilter
from ...schemas.germanium.dsp import PoleZeroConstants
from ...schemas.germanium.lines import ENERGY_LINES
from ...schemas.germanium.noise import BaselineLimits
from ...schemas.germanium.settings import Dplms, PoleZero
from . import dplms
from .dplms import FLAT_SAMPLES, aligned_pulses, steps_of
from .filter_search import Merit, greatest_outputs, merit_of
from .recipes import whole_samples

FEWEST: Final = 100
_FEP: Final = len(ENERGY_LINES) - 1


@tag(stage="filters", scope="channel", helper="true", stored="false")
@config.when(begins="raw", dplms="made")
def noise_covariance__made(
    baseline_waveforms: NDArray[np.float32],
    baseline_limits: BaselineLimits,
    pole_zero_constants_ns: PoleZeroConstants,
    pole_zero: PoleZero,
    dplms_settings: Dplms,
) -> NDArray[np.float64]:
    """Covariance of neighbouring samples of pole-zero corrected baselines, ADC^2.

    Unfit if the filter is longer than the waveforms.
    """
    length, n = dplms_settings.length, baseline_waveforms.shape[1]
    if length >= n:
        msg = f"a DPLMS filter of {length} samples does not fit into waveforms of {n}"
        raise Unfit(code="long_filter", message=msg, numbers={"n_samples": n})
    dt = baseline_limits.sample_ns
    n_baseline = whole_samples(1e3 * pole_zero.baseline_us[1], dt)
    pedestal = baseline_waveforms[:, :n_baseline].mean(axis=1, keepdims=True, dtype=np.float64)
    steps = steps_of(baseline_waveforms - pedestal, pole_zero_constants_ns, dt)
    return dplms.noise_covariance(steps, length)


@tag(stage="filters", scope="channel", helper="true")
@config.when(begins="raw", dplms="made")
def dplms_search__made(
    noise_covariance: NDArray[np.float64],
    baseline_limits: BaselineLimits,
    peak_waves: NDArray[np.float32],
    peak_drift_ns: NDArray[np.float32],
    peak_lines: NDArray[np.int8],
    pole_zero_constants_ns: PoleZeroConstants,
    dplms_settings: Dplms,
) -> tuple:
    """Every product of the weights with its width, and the filter of the least.

    Unfit with fewer than 100 pulses at 2614.5 keV, and where no filter has a width.
    """
    length, dt = dplms_settings.length, baseline_limits.sample_ns
    steps = steps_of(peak_waves, pole_zero_constants_ns, dt)
    lines = peak_lines[peak_lines >= 0]
    of_fep = steps[lines == _FEP]
    pulses = aligned_pulses(of_fep, length)
    if len(pulses) < FEWEST:
        msg = (
            f"{len(pulses)} pulses at 2614.5 keV have {length + FLAT_SAMPLES} samples about their "
            f"rise, at least {FEWEST} are needed for the DPLMS filter"
        )
        raise Unfit(code="too_few_pulses", message=msg, numbers={"n_pulses": len(pulses)})
    begin = FLAT_SAMPLES // 2
    mean = pulses.mean(axis=0)[begin : begin + length]
    # As the noise, in ADC^2: what moves the output of a pulse counts as noise does.
    height = float(np.median(of_fep[:, -of_fep.shape[1] // 4 :]))
    flat_top = height**2 * dplms.flat_top_covariance(pulses, length)
    names = np.array([line.name for line in ENERGY_LINES])[lines]
    drift = peak_drift_ns.astype(np.float64)

    def merit(coefficients: F8) -> Merit:
        return merit_of(greatest_outputs(steps, coefficients), drift, names)

    s = dplms_settings
    table, best = dplms.dplms_grid(
        noise_covariance, mean / mean.max(), flat_top, pole_zero_constants_ns.tau1_ns / dt,
        (s.nm, s.za, s.pl, s.ft), merit,
    )  # fmt: skip
    if best is None:
        msg = f"no DPLMS filter of {len(table)} gives a width at Q_bb: {table['reason'].iloc[0]}"
        raise Unfit(code="no_filter", message=msg, numbers={"n_filters": len(table)})
    return table, best


@tag(stage="filters", scope="channel", schema="DplmsGrid")
@config.when(begins="raw", dplms="made")
def dplms_grid__made(dplms_search: tuple) -> pd.DataFrame:
    """Every set of weights that was tried, with the widths that its filter gives."""
    table: pd.DataFrame = dplms_search[0]
    return table


@tag(stage="filters", scope="channel", main="true")
@config.when(begins="raw", dplms="made")
def dplms_filter__made(dplms_search: tuple) -> DplmsFilter:
    """The DPLMS filter of least width at Q_bb."""
    best: DplmsFilter = dplms_search[1]
    return best
