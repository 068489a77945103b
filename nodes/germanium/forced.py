"""Forced triggers: baselines without pulses, their noise, and what energy filters leave of it."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.errors import Unfit
from ...schemas.germanium.calibration_settings import QualitySettings
from ...schemas.germanium.dsp import DspParameters, PoleZeroConstants, RawTable, Waveforms
from ...schemas.germanium.lh5 import TableLayout
from ...schemas.germanium.noise import (
    BASELINE_SHAPES,
    NOISE_CHECKS,
    BaselineLimits,
    NoiseSpectrum,
)
from ...schemas.germanium.quality import QUALITY_FLAGS, QUALITY_SURVIVALS, QualityCuts
from ...schemas.germanium.settings import Filters, Noise, PoleZero
from ...schemas.sheets import Sheet
from ...schemas.sources import EventRange, FileRef
from ..peaks.modes import mode_and_width
from ..peaks.shapes import FWHM_PER_SIGMA
from . import noise
from .columns import chances_of
from .dsp_frames import dsp_frame, scalars_of
from .figure_noise import noise_sheet
from .figure_parts import no_page
from .quality import quality_survival
from .quality_passes import OF_FLAG, VETOES, cuts_of, flags_passed, inside
from .recipes import second_decay
from .waveforms import waveforms_of

FEWEST: Final = 100
_WIDTHS: Final = 4.0


@tag(stage="load", scope="forced_table", helper="true", stored="false")
@config.when(begins="raw", forced="given")
def forced_table__given(forced_file: FileRef, forced_layout: TableLayout) -> RawTable:
    """Which table of which file of forced triggers is read."""
    return RawTable(forced_file, forced_layout)


@tag(stage="load", schema="RawScalars", scope="forced_range", helper="true")
@config.when(begins="raw", forced="given")
def forced_scalars__given(forced_table: RawTable, row_range: EventRange) -> pd.DataFrame:
    """What the read-out says of each forced trigger."""
    return scalars_of(forced_table, row_range)


@tag(stage="load", scope="forced_range", helper="true", stored="false")
@config.when(begins="raw", forced="given")
def forced_waveforms__given(forced_table: RawTable, row_range: EventRange) -> Waveforms:
    """Waveforms of a range of forced triggers."""
    return waveforms_of(forced_table, row_range)


@tag(stage="noise", schema="DspColumns", scope="forced_range", main="true")
@config.when(begins="raw", forced="given")
def forced_dsp_columns__given(
    forced_waveforms: Waveforms, forced_scalars: pd.DataFrame, dsp_parameters: DspParameters
) -> pd.DataFrame:
    """The dsp columns of forced triggers, with the constants of the calibration."""
    return dsp_frame(forced_waveforms, forced_scalars, dsp_parameters)


@tag(stage="noise", schema="BaselineShapes", scope="forced_range", helper="true")
@config.when(begins="raw", forced="given")
def baseline_shapes__given(
    forced_waveforms: Waveforms,
    forced_scalars: pd.DataFrame,
    noise_settings: Noise,
    seed: int,
) -> pd.DataFrame:
    """Spread and slope of each forced trigger, by which those with a pulse are told."""
    slow = forced_waveforms.slow
    quarter = max(slow.shape[1] // 4, 1)
    begin = slow[:, :quarter].mean(axis=1, dtype=np.float64)
    end = slow[:, -quarter:].mean(axis=1, dtype=np.float64)
    at_rail = (forced_scalars["t_sat_lo"] > 0) | (forced_scalars["t_sat_hi"] > 0)
    is_tall = forced_scalars["daqenergy"] > noise_settings.threshold_adc
    return BASELINE_SHAPES.frame(
        {
            "std_adc": slow.std(axis=1, dtype=np.float64),
            "slope_adc": end - begin,
            "has_pulse": (at_rail | is_tall).to_numpy(),
            "chance": chances_of(forced_scalars["timestamp_s"].to_numpy(), seed),
            "sample_ns": np.full(len(slow), forced_waveforms.slow_ns),
        }
    )


@tag(stage="noise", scope="channel", helper="true")
@config.when(begins="raw", forced="given")
def baseline_limits__given(baseline_shapes: pd.DataFrame, noise_settings: Noise) -> BaselineLimits:
    """Four widths about the mode of spread and slope, of forced triggers without an energy.

    Unfit with fewer than 100 of them.
    """
    quiet = baseline_shapes[~baseline_shapes["has_pulse"]]
    limits = []
    within = np.ones(len(quiet), dtype=bool)
    for name in ("std_adc", "slope_adc"):
        values = quiet[name].to_numpy()
        found = mode_and_width(values)
        low, high = found.mode - _WIDTHS * found.width, found.mode + _WIDTHS * found.width
        limits.append((float(low), float(high)))
        within &= (values >= low) & (values <= high)
    n = int(within.sum())
    if n < FEWEST:
        msg = (
            f"{n} baselines among {len(baseline_shapes)} forced triggers, at least {FEWEST} "
            "are needed"
        )
        raise Unfit(code="too_few_baselines", message=msg, numbers={"n_baselines": n})
    share = min(1.0, noise_settings.n_waveforms / n)
    sample_ns = float(baseline_shapes["sample_ns"].iloc[0])
    return BaselineLimits(limits[0], limits[1], share, sample_ns, len(baseline_shapes), n)


@tag(stage="noise", scope="forced_range", helper="true", stored="false")
@config.when(begins="raw", forced="given")
def baseline_waveforms__given(
    forced_waveforms: Waveforms, baseline_shapes: pd.DataFrame, baseline_limits: BaselineLimits
) -> NDArray[np.float32]:
    """Slow waveforms of the baselines that are taken, (n, samples)."""
    std, slope = baseline_shapes["std_adc"], baseline_shapes["slope_adc"]
    taken = ~baseline_shapes["has_pulse"] & (baseline_shapes["chance"] < baseline_limits.share)
    taken &= std.between(*baseline_limits.std_adc) & slope.between(*baseline_limits.slope_adc)
    return np.asarray(forced_waveforms.slow[taken.to_numpy()], np.float32)


@tag(stage="noise", scope="channel", main="true")
@config.when(begins="raw", forced="given")
def noise_spectrum__given(
    baseline_waveforms: NDArray[np.float32], baseline_limits: BaselineLimits
) -> NoiseSpectrum:
    """Power of the baselines."""
    return noise.noise_spectrum(baseline_waveforms, baseline_limits.sample_ns)


@tag(stage="noise", scope="channel", helper="true")
@config.when(begins="raw", forced="given")
def noise_search__given(
    noise_spectrum: NoiseSpectrum,
    pole_zero_constants_ns: PoleZeroConstants,
    filters: Filters,
    noise_settings: Noise,
    pole_zero: PoleZero,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Noise by filter and shaping time, and the least of each filter, two frames."""
    first, last, step = noise_settings.shaping_us
    times = np.arange(first, last + 0.5 * step, step)
    return noise.noise_curves(
        noise_spectrum, times.tolist(), filters.flat_us, filters.kernel_us,
        pole_zero_constants_ns.tau1_ns / 1e3, pole_zero.baseline_us[1],
        second_decay(pole_zero_constants_ns, noise_spectrum.sample_ns),
    )  # fmt: skip


@tag(stage="noise", scope="channel", schema="NoiseCurves")
@config.when(begins="raw", forced="given")
def noise_curves__given(noise_search: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    """FWHM of the noise by filter and shaping time."""
    return noise_search[0]


@tag(stage="noise", scope="channel", schema="NoiseOptima", main="true")
@config.when(begins="raw", forced="given")
def noise_optimum__given(noise_search: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    """The shaping time of least noise of each filter."""
    return noise_search[1]


@tag(stage="noise", scope="channel", schema="NoiseChecks")
@config.when(begins="raw", forced="given")
def noise_check__given(
    noise_optimum: pd.DataFrame,
    baseline_waveforms: NDArray[np.float32],
    baseline_limits: BaselineLimits,
    pole_zero_constants_ns: PoleZeroConstants,
    filters: Filters,
    pole_zero: PoleZero,
) -> pd.DataFrame:
    """The least noise of each filter beside that of the filter run on the waveforms."""
    sample_ns, decay_us = baseline_limits.sample_ns, pole_zero_constants_ns.tau1_ns / 1e3
    second = second_decay(pole_zero_constants_ns, sample_ns)
    made = noise.kernels_of(filters.flat_us, filters.kernel_us, decay_us, sample_ns, second)
    n_baseline = int(np.round(pole_zero.baseline_us[1] * 1e3 / sample_ns))
    found = []
    for name, us in zip(noise_optimum["filter"], noise_optimum["shaping_us"], strict=True):
        kernel = made[name](us)
        sigma, error = noise.filtered_sigma(kernel, baseline_waveforms, n_baseline)
        gain = noise.gain_of(kernel, decay_us * 1e3 / sample_ns, second)
        factor = FWHM_PER_SIGMA / gain
        found.append((factor * sigma, factor * error))
    values = np.array(found, dtype=np.float64).reshape(-1, 2)
    same = {name: noise_optimum[name] for name in ("filter", "shaping_us", "fwhm_adc")}
    return NOISE_CHECKS.frame(
        {**same, "of_waveforms_adc": values[:, 0], "of_waveforms_err_adc": values[:, 1]}
    )


@tag(stage="quality", scope="channel", helper="true")
@config.when(begins="raw", forced="given")
def forced_cuts__given(
    forced_dsp_columns: pd.DataFrame, noise_settings: Noise, quality_settings: QualitySettings
) -> QualityCuts:
    """Cuts on the baseline of forced triggers without a pulse; none of fewer than 100."""
    rows = forced_dsp_columns["daqenergy"].to_numpy() <= noise_settings.threshold_adc
    if rows.sum() < FEWEST:
        return QualityCuts()
    baseline = OF_FLAG["is_valid_baseline"]
    coarse = cuts_of(forced_dsp_columns, rows, quality_settings, baseline)
    return cuts_of(
        forced_dsp_columns, inside(forced_dsp_columns, coarse, rows), quality_settings, baseline
    )


@tag(stage="quality", scope="channel", helper="true")
@config.when(begins="dsp", forced="given")
def forced_cuts__not_read() -> QualityCuts:
    """No cuts of forced triggers: they are read with waveforms only."""
    return QualityCuts()


@tag(stage="quality", scope="channel", schema="QualitySurvivals")
@config.when(begins="raw", forced="given", constants="own")
def forced_survival__given(
    forced_dsp_columns: pd.DataFrame,
    quality_cuts: QualityCuts,
    noise_settings: Noise,
    quality_settings: QualitySettings,
) -> pd.DataFrame:
    """What vetoes and the cut on the baseline keep of forced triggers without a pulse."""
    quiet = forced_dsp_columns["daqenergy"].to_numpy() <= noise_settings.threshold_adc
    flags = flags_passed(forced_dsp_columns[quiet], quality_cuts, 1.0)
    table = quality_survival(QUALITY_FLAGS.frame(flags), quality_cuts, quality_settings)
    return QUALITY_SURVIVALS.frame({n: table[n][: len(VETOES) + 1] for n in table.columns})


@tag(stage="figures", scope="channel", helper="true")
@config.when(begins="raw", forced="given")
def noise_page__given(
    noise_spectrum: NoiseSpectrum,
    noise_curves: pd.DataFrame,
    noise_check: pd.DataFrame,
    channel: str,
) -> Sheet:
    """Power of the baselines, and the noise by shaping time with that of the waveforms."""
    return noise_sheet(noise_spectrum, noise_curves, noise_check, channel)


@tag(stage="figures", scope="channel", helper="true")
@config.when(begins="dsp", forced="given")
def noise_page__not_read(channel: str) -> Sheet:
    """Says that forced triggers are read with waveforms only."""
    return no_page("noise", f"{channel}: noise of forced triggers", "the input has no waveforms")
