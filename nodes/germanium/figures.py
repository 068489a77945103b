"""The pages of a channel, drawn from its results alone."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.failures import Failure
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
from .figure_parts import no_page
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
    aoe_model: AoEModel | Failure,
    fitted_bands: tuple[Band, ...] | Failure,
    aoe_low_cut: LowCut | Failure,
    aoe_settings: AoESettings,
    aoe_survival: pd.DataFrame | Failure,
    lq_model: LQModel | Failure,
    lq_survival: pd.DataFrame | Failure,
    classifier_counts: pd.DataFrame,
    calibrated_spectra: pd.DataFrame,
    channel: str,
) -> tuple[Sheet, ...]:
    """A/E, LQ, and what survives their cuts; of what failed a page that says why."""
    pages = []
    if isinstance(fitted_bands, Failure) or isinstance(aoe_model, Failure):
        why = next(part for part in (aoe_model, fitted_bands) if isinstance(part, Failure))
        pages.append(no_page("aoe", f"{channel}: A/E", why.message))
    else:
        high = aoe_settings.high_cut
        pages.append(
            aoe_page(aoe_model, fitted_bands, aoe_low_cut, classifier_counts, high, channel)
        )
    if isinstance(lq_model, Failure):
        pages.append(no_page("lq", f"{channel}: LQ", lq_model.message))
    else:
        pages.append(lq_page(lq_model, classifier_counts, channel))
    tables = [t for t in (aoe_survival, lq_survival) if not isinstance(t, Failure)]
    if tables:
        both = pd.concat(tables, ignore_index=True)
        pages.append(survival_page(calibrated_spectra, both, channel))
    return tuple(pages)


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
