"""Counts that the pages of a channel are drawn from, small and stored with the results."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import F8
from ...schemas.failures import Failure
from ...schemas.germanium.aoe import LowCut
from ...schemas.germanium.calibration_settings import AoESettings
from ...schemas.germanium.energy import EnergyCalibration
from ...schemas.germanium.lines import FEP_KEV
from ...schemas.germanium.lq import LQModel
from ...schemas.germanium.peaks import PeakFit
from ...schemas.germanium.pictures import (
    CLASSIFIER_COUNTS,
    DRIFT_POINTS,
    ENERGY_SPECTRUM,
    PEAK_HISTOGRAMS,
    QUALITY_HISTOGRAMS,
    SPECTRA,
)
from ...schemas.germanium.quality import QualityCuts
from ..peaks.shapes import step_below, tailed_below
from .columns import absence, column_of
from .quality_parameters import classifier_values

_HIGHEST_KEV: Final = 2700.0
_EDGES_KEV: Final = np.arange(0.0, _HIGHEST_KEV + 1.0, 2.0)
_NEAR_KEV: Final = 12.0
_CELL_KEV: Final = 25.0
_CELLS: Final = (-15.0, 10.0, 0.25)
_QUALITY_BINS: Final = np.linspace(-10.0, 10.0, 81)
_DRIFT_TIME: Final = "dt_eff"


@tag(stage="figures", scope="channel", schema="EnergySpectrum")
@config.when(constants="own")
def energy_spectrum(
    primary_energy_keV: NDArray[np.float64], calibration_rows: NDArray[np.bool_]
) -> pd.DataFrame:
    """The spectrum of the primary estimator, in bins of 2 keV."""
    counts = np.histogram(primary_energy_keV[calibration_rows], _EDGES_KEV)[0]
    return ENERGY_SPECTRUM.frame(
        {"low_keV": _EDGES_KEV[:-1], "high_keV": _EDGES_KEV[1:], "counts": counts}
    )


@tag(stage="figures", scope="channel", schema="CalibratedSpectra")
@config.when(constants="own")
def calibrated_spectra(
    primary_energy_keV: NDArray[np.float64],
    calibration_rows: NDArray[np.bool_],
    aoe_classifier: NDArray[np.float64] | Failure,
    aoe_low_cut: LowCut | Failure,
    aoe_settings: AoESettings,
    lq_classifier: NDArray[np.float64] | Failure,
    lq_model: LQModel | Failure,
) -> pd.DataFrame:
    """Spectra of 2 keV bins: all, and after the cuts of A/E and of LQ.

    Where a cut could not be made there is -1 throughout.
    """
    energy = primary_energy_keV[calibration_rows]
    kept = {"all": np.ones(len(energy), dtype=bool)}
    if not isinstance(aoe_classifier, Failure) and not isinstance(aoe_low_cut, Failure):
        aoe = aoe_classifier[calibration_rows]
        kept["single_site"] = aoe > aoe_low_cut.value
        kept["two_sided"] = kept["single_site"] & (aoe < aoe_settings.high_cut)
    if not isinstance(lq_classifier, Failure) and not isinstance(lq_model, Failure):
        kept["early"] = lq_classifier[calibration_rows] < lq_model.cut
    counts = {name: np.full(len(_EDGES_KEV) - 1, -1) for name in SPECTRA.names[2:]}
    counts |= {name: np.histogram(energy[k], _EDGES_KEV)[0] for name, k in kept.items()}
    return SPECTRA.frame({"low_keV": _EDGES_KEV[:-1], "high_keV": _EDGES_KEV[1:], **counts})


@tag(stage="figures", scope="channel", schema="PeakHistograms")
@config.when(constants="own")
def peak_histograms(
    primary_energy_keV: NDArray[np.float64],
    calibration_rows: NDArray[np.bool_],
    primary_calibration: EnergyCalibration,
) -> pd.DataFrame:
    """Events and fit of each line, in bins of half a sigma (at least 0.25 keV)."""
    energy = primary_energy_keV[calibration_rows]
    data: dict[str, list[Any]] = {name: [] for name in PEAK_HISTOGRAMS.names}
    for line, peak in primary_calibration.peaks.items():
        sigma = float(peak.parameters[1])
        width = max(0.5 * sigma, 0.25) if np.isfinite(sigma) else 0.5
        n_bins = int(np.clip(np.ceil((peak.high - peak.low) / width), 10, 400))
        edges = np.linspace(peak.low, peak.high, n_bins + 1)
        whole, background = _expected_counts(peak, edges)
        data["line"] += [line] * n_bins
        data["low_keV"].append(edges[:-1])
        data["high_keV"].append(edges[1:])
        data["counts"].append(np.histogram(energy, edges)[0])
        data["expected"].append(whole)
        data["background"].append(background)
    if not data["line"]:
        return PEAK_HISTOGRAMS.empty()
    joined = {name: np.concatenate(parts) for name, parts in data.items() if name != "line"}
    return PEAK_HISTOGRAMS.frame({"line": data["line"], **joined})


def _expected_counts(peak: PeakFit, edges: F8) -> tuple[F8, F8]:
    """Counts of the fit in each bin, and of its background alone."""
    mu, s, h, v, n_sig, n_bkg, k = (float(p) for p in peak.parameters)
    if not np.isfinite(mu):
        nothing = np.full(len(edges) - 1, np.nan)
        return nothing, nothing
    background = np.diff(n_bkg * step_below(edges, mu, s, k, peak.low, peak.high))
    return background + np.diff(n_sig * tailed_below(edges, mu, s, h, v * s)), background


@tag(stage="figures", scope="channel", schema="DriftPoints")
@config.when(constants="own")
def drift_points(
    dsp_columns: pd.DataFrame,
    calibration_rows: NDArray[np.bool_],
    uncorrected_energies: dict[str, EnergyCalibration],
    primary_calibration: EnergyCalibration,
) -> pd.DataFrame:
    """Events near 2614.5 keV against drift time, before and after the correction."""
    if absence(dsp_columns, _DRIFT_TIME):
        return DRIFT_POINTS.empty()
    estimator = primary_calibration.estimator
    adc = column_of(dsp_columns, estimator)[calibration_rows]
    dt_eff = column_of(dsp_columns, _DRIFT_TIME)[calibration_rows]
    before = uncorrected_energies[estimator].energy_keV(adc, dt_eff)
    after = primary_calibration.energy_keV(adc, dt_eff)
    near = (np.abs(before - FEP_KEV) < _NEAR_KEV) & np.isfinite(dt_eff) & np.isfinite(after)
    return DRIFT_POINTS.frame(
        {"dt_eff_ns": dt_eff[near], "before_keV": before[near], "after_keV": after[near]}
    )


@tag(stage="figures", scope="channel", schema="ClassifierCounts")
@config.when(constants="own")
def classifier_counts(
    primary_energy_keV: NDArray[np.float64],
    calibration_rows: NDArray[np.bool_],
    aoe_classifier: NDArray[np.float64] | Failure,
    lq_classifier: NDArray[np.float64] | Failure,
) -> pd.DataFrame:
    """Events by energy and classifier, in cells of 25 keV and a quarter of a width.

    Of a classifier that there is not no cell.
    """
    energy = primary_energy_keV[calibration_rows]
    x_edges = np.arange(0.0, _HIGHEST_KEV + _CELL_KEV, _CELL_KEV)
    y_edges = np.arange(_CELLS[0], _CELLS[1] + 0.5 * _CELLS[2], _CELLS[2])
    x, y = (0.5 * (e[1:] + e[:-1]) for e in (x_edges, y_edges))
    frames: dict[str, list[Any]] = {name: [] for name in CLASSIFIER_COUNTS.names}
    for name, values in (("AoE", aoe_classifier), ("LQ", lq_classifier)):
        if isinstance(values, Failure):
            continue
        v = values[calibration_rows]
        good = np.isfinite(v) & np.isfinite(energy)
        counts, _, _ = np.histogram2d(energy[good], v[good], (x_edges, y_edges))
        i, j = np.nonzero(counts)
        frames["classifier"] += [name] * len(i)
        frames["energy_keV"].append(x[i])
        frames["value"].append(y[j])
        frames["counts"].append(counts[i, j])
    if not frames["counts"]:
        return CLASSIFIER_COUNTS.empty()
    joined = {n: np.concatenate(p) for n, p in frames.items() if n != "classifier"}
    return CLASSIFIER_COUNTS.frame({"classifier": frames["classifier"], **joined})


@tag(stage="figures", scope="channel", schema="QualityHistograms")
@config.when(constants="own")
def quality_histograms(dsp_columns: pd.DataFrame, quality_cuts: QualityCuts) -> pd.DataFrame:
    """Each parameter in widths from its mode, -10 to 10."""
    middles = 0.5 * (_QUALITY_BINS[1:] + _QUALITY_BINS[:-1])
    names: list[str] = []
    counts: list[Any] = []
    for name, values in classifier_values(dsp_columns, quality_cuts):
        known = np.clip(values[np.isfinite(values)], _QUALITY_BINS[0], _QUALITY_BINS[-1])
        names += [name] * len(middles)
        counts.append(np.histogram(known, _QUALITY_BINS)[0])
    if not names:
        return QUALITY_HISTOGRAMS.empty()
    return QUALITY_HISTOGRAMS.frame(
        {
            "parameter": names,
            "value": np.tile(middles, len(counts)),
            "counts": np.concatenate(counts),
        }
    )
