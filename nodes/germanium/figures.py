"""The pages of a channel, drawn from its results alone."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.germanium.aoe import AoEModel, Band, LowCut
from ...schemas.germanium.calibration_settings import AoESettings
from ...schemas.germanium.energy import EnergyCalibration, Trapping
from ...schemas.germanium.lq import LQModel
from ...schemas.germanium.quality import QualityCuts
from ...schemas.sheets import Sheet
from .figure_energy import (
    drift_page,
    peaks_page,
    resolution_page,
    spectrum_page,
    stability_page,
)
from .figure_psd import aoe_page, lq_page, quality_page, survival_page


@tag(stage="figures", scope="channel", helper="true")
@config.when(constants="own")
def energy_pages(
    energy_spectrum: pd.DataFrame,
    peak_histograms: pd.DataFrame,
    drift_points: pd.DataFrame,
    time_stability: pd.DataFrame,
    primary_calibration: EnergyCalibration,
    uncorrected_energies: dict[str, EnergyCalibration],
    corrected_energies: dict[str, EnergyCalibration],
    trapping_corrections: dict[str, Trapping],
    channel: str,
) -> tuple[Sheet, ...]:
    """Spectrum, lines, resolution, trapped charge and stability of the primary estimator."""
    estimator = primary_calibration.estimator
    return (
        spectrum_page(energy_spectrum, primary_calibration, channel),
        peaks_page(peak_histograms, primary_calibration, channel),
        resolution_page(
            uncorrected_energies[estimator], corrected_energies.get(estimator), channel
        ),
        drift_page(drift_points, trapping_corrections[estimator], estimator, channel),
        stability_page(time_stability, channel),
    )


@tag(stage="figures", scope="channel", helper="true")
@config.when(constants="own")
def pulse_shape_pages(
    aoe_model: AoEModel,
    fitted_bands: tuple[Band, ...],
    aoe_low_cut: LowCut,
    aoe_settings: AoESettings,
    aoe_survival: pd.DataFrame,
    lq_model: LQModel,
    lq_survival: pd.DataFrame,
    classifier_counts: pd.DataFrame,
    calibrated_spectra: pd.DataFrame,
    channel: str,
) -> tuple[Sheet, ...]:
    """A/E, LQ, and what survives their cuts."""
    both = pd.concat([aoe_survival, lq_survival], ignore_index=True)
    high = aoe_settings.high_cut
    return (
        aoe_page(aoe_model, fitted_bands, aoe_low_cut, classifier_counts, high, channel),
        lq_page(lq_model, classifier_counts, channel),
        survival_page(calibrated_spectra, both, channel),
    )


@tag(stage="figures", scope="channel", helper="true")
@config.when(constants="own")
def quality_pages(
    quality_histograms: pd.DataFrame,
    quality_cuts: QualityCuts,
    quality_survival: pd.DataFrame,
    channel: str,
) -> tuple[Sheet, ...]:
    """Quality cuts and what survives them."""
    return (quality_page(quality_histograms, quality_cuts, quality_survival, channel),)


@tag(stage="figures", scope="run")
@config.when(constants="own")
def calibration_pages(
    each_energy_pages: Mapping[str, tuple[Sheet, ...]],
    each_pulse_shape_pages: Mapping[str, tuple[Sheet, ...]],
    each_quality_pages: Mapping[str, tuple[Sheet, ...]],
) -> dict[str, dict[str, Sheet]]:
    """By channel, its pages by their names in the order of a report; what failed has none."""
    kinds = (each_energy_pages, each_pulse_shape_pages, each_quality_pages)
    channels = sorted({channel for kind in kinds for channel in kind})
    return {
        channel: {page.name: page for kind in kinds for page in kind.get(channel, ())}
        for channel in channels
    }
