"""A/E, the current amplitude over the energy: its model, the cut, and what survives it."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import F8
from ...schemas.errors import Unfit
from ...schemas.germanium.aoe import (
    AOE_BANDS,
    AoEModel,
    Band,
    DriftCorrection,
    LowCut,
    TimeCorrection,
)
from ...schemas.germanium.calibration_settings import AoESettings
from ...schemas.germanium.energy import EnergyCalibration
from ...schemas.germanium.lines import PSD_LINES, Q_BB_KEV
from ...schemas.germanium.survival import Survival
from .aoe_fits import (
    PEAK_RANGE_KEV,
    SINGLE_SITE_SIGMAS,
    band_edges,
    band_fit,
    merged_bands,
    settled_fit,
    top_of,
    trend_of,
)
from .columns import absence, column_of
from .survival import peak_survival, survival_table, survivals

DEP: Final = PSD_LINES[0]
FEWEST_BANDS: Final = 5
LOW_SIDE, TWO_SIDED = "AoE_Low_Cut", "AoE_Double_Sided_Cut"
_LEAST_CUT: Final = -10.0
_COARSE_STEP: Final = 0.5
_BISECTIONS: Final = 10
_MOST_OFF: Final = 0.01
_SIGNIFICANT: Final = 3.0
_CLIPS: Final = 20
_DEP_FWHMS: Final = 2.0
# The slope of the survival is taken over so many errors of it to both sides of the cut.
_SLOPE_STEP: Final = 1.0


@tag(stage="aoe", scope="channel", helper="true")
@config.when(constants="own")
def uncorrected_aoe(
    dsp_columns: pd.DataFrame, primary_calibration: EnergyCalibration
) -> NDArray[np.float64]:
    """A_max over the uncalibrated energy, (n,); Unfit without A_max."""
    reason = absence(dsp_columns, "A_max")
    if reason:
        msg = f"{reason}: A/E needs it"
        raise Unfit(
            code="no_current_amplitude", message=msg, numbers={"n_events": len(dsp_columns)}
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = column_of(dsp_columns, "A_max") / column_of(
            dsp_columns, primary_calibration.estimator
        )
    return np.where(np.isfinite(ratio), ratio, np.nan)


@tag(stage="aoe", scope="channel", helper="true")
@config.when(constants="own")
def aoe_drift_correction(
    dsp_columns: pd.DataFrame,
    calibration_rows: NDArray[np.bool_],
    steady_aoe: NDArray[np.float64],
    primary_energy_keV: NDArray[np.float64],
    primary_calibration: EnergyCalibration,
    aoe_settings: AoESettings,
) -> DriftCorrection:
    """The slope of A/E in the effective drift time, where it is asked for, or seen and useful.

    "auto": beyond 3 errors, and the width of the double-escape peak's A/E becomes smaller.
    """
    nan = float("nan")
    if aoe_settings.drift_correction == "off":
        return DriftCorrection(0.0, 0.0, nan, nan, nan, 'drift_correction = "off"')
    missing = absence(dsp_columns, "dt_eff")
    if missing:
        return DriftCorrection(0.0, 0.0, nan, nan, nan, missing)
    dt_eff = column_of(dsp_columns, "dt_eff")
    energy, x = primary_energy_keV, steady_aoe
    used = calibration_rows & np.isfinite(x) & np.isfinite(dt_eff)
    peak = used & (energy >= PEAK_RANGE_KEV[0]) & (energy <= PEAK_RANGE_KEV[1])
    slope, error = _single_site_slope(x[peak], dt_eff[peak])
    if not np.isfinite(slope):
        return DriftCorrection(0.0, 0.0, nan, nan, nan, f"{int(peak.sum())} events are too few")
    fwhm = _DEP_FWHMS * float(primary_calibration.linear.fwhm_keV(DEP.energy_keV))
    dep = used & (np.abs(energy - DEP.energy_keV) <= fwhm)
    before, after = (_relative_width(x[dep] * (1.0 + s * dt_eff[dep])) for s in (0.0, slope))
    reason = ""
    if aoe_settings.drift_correction == "auto":
        if abs(slope) <= _SIGNIFICANT * error:
            reason = f"the slope {slope:.3g} +- {error:.3g} per ns is within 3 errors of none"
        elif not after < before:
            reason = f"the double-escape peak is not narrower ({before:.4f}, {after:.4f})"
    kept, kept_err = (0.0, 0.0) if reason else (slope, error)
    return DriftCorrection(kept, kept_err, slope, before, after, reason)


def _single_site_slope(x: F8, dt_eff: F8) -> tuple[float, float]:
    """a of x (1 + a dt) that makes the single-site band level, and its error.

    A straight line through what lies within 3 sigma of it, begun at the top of the distribution.
    """
    if len(x) < 2 * FEWEST_BANDS:
        return float("nan"), float("nan")
    mode, sigma = top_of(x)
    line = np.array([0.0, mode])
    middle = float(np.median(dt_eff))
    of_t = dt_eff - middle
    keep = np.abs(x - mode) < SINGLE_SITE_SIGMAS * sigma
    error = float("nan")
    for _ in range(_CLIPS):
        square = float((of_t[keep] ** 2).sum())
        if keep.sum() < 2 * FEWEST_BANDS or square == 0.0:
            return float("nan"), float("nan")
        line = np.polyfit(of_t[keep], x[keep], 1)
        residual = x - np.polyval(line, of_t)
        error = float(residual[keep].std(ddof=2) / np.sqrt(square))
        inside = np.abs(residual) < SINGLE_SITE_SIGMAS * sigma
        if (inside == keep).all():
            break
        keep = inside
    at_zero = float(line[1] - line[0] * middle)
    return float(-line[0] / at_zero), float(error / abs(at_zero))


def _relative_width(x: F8) -> float:
    if len(x) < 2 * FEWEST_BANDS:
        return float("nan")
    mode, sigma = top_of(x)
    return float(sigma / mode)


@tag(stage="aoe", scope="channel", helper="true")
@config.when(constants="own")
def corrected_aoe(
    dsp_columns: pd.DataFrame,
    steady_aoe: NDArray[np.float64],
    aoe_drift_correction: DriftCorrection,
) -> NDArray[np.float64]:
    """A/E after the corrections of time and drift time, (n,)."""
    if not aoe_drift_correction.slope_per_ns:
        return steady_aoe
    factor = 1.0 + aoe_drift_correction.slope_per_ns * column_of(dsp_columns, "dt_eff")
    return np.asarray(steady_aoe * factor)


@tag(stage="aoe", scope="channel", helper="true")
@config.when(constants="own")
def fitted_bands(
    corrected_aoe: NDArray[np.float64],
    primary_energy_keV: NDArray[np.float64],
    calibration_rows: NDArray[np.bool_],
    aoe_settings: AoESettings,
) -> tuple[Band, ...]:
    """Fits of Compton bands, neighbours joined until they hold 150 events; Unfit with too few."""
    used = calibration_rows & np.isfinite(corrected_aoe) & np.isfinite(primary_energy_keV)
    energy, x = primary_energy_keV[used], corrected_aoe[used]
    edges = band_edges(aoe_settings.range_keV, aoe_settings.band_keV)
    bands = tuple(band_fit(x[r], float(energy[r].mean())) for r in merged_bands(energy, edges))
    n_good = sum(not band.reason for band in bands)
    if n_good < FEWEST_BANDS:
        msg = (
            f"{n_good} Compton bands could be fitted for A/E, at least {FEWEST_BANDS} are needed; "
            f"the channel has {len(x)} events"
        )
        raise Unfit(
            code="too_few_bands", message=msg, numbers={"n_bands": n_good, "n_events": len(x)}
        )
    return bands


@tag(stage="aoe", scope="channel", schema="AoEBands")
@config.when(constants="own")
def aoe_bands(fitted_bands: tuple[Band, ...]) -> pd.DataFrame:
    """The single-site peak of A/E in each Compton band."""
    names = [f.name for f in fields(Band)]
    return AOE_BANDS.frame({n: [getattr(b, n) for b in fitted_bands] for n in names})


@tag(stage="aoe", scope="channel", main="true")
@config.when(constants="own")
def aoe_model(
    fitted_bands: tuple[Band, ...],
    corrected_aoe: NDArray[np.float64],
    primary_energy_keV: NDArray[np.float64],
    calibration_rows: NDArray[np.bool_],
    aoe_time_correction: TimeCorrection,
    aoe_drift_correction: DriftCorrection,
    primary_calibration: EnergyCalibration,
) -> AoEModel:
    """Centre and width of the single-site band as functions of energy."""
    low, high = PEAK_RANGE_KEV
    inside = (primary_energy_keV >= low) & (primary_energy_keV <= high) & calibration_rows
    x = corrected_aoe[inside & np.isfinite(corrected_aoe)]
    nan = float("nan")
    peak = Band(nan, len(x), nan, nan, nan, nan, nan, nan, nan, nan, "no events")
    if len(x) >= 2 * FEWEST_BANDS:
        peak = settled_fit(x, float(primary_energy_keV[inside].mean()))
    return AoEModel(
        primary_calibration.estimator,
        aoe_time_correction,
        aoe_drift_correction,
        trend_of(fitted_bands),
        peak,
    )


@tag(stage="aoe", scope="channel", helper="true")
@config.when(constants="own")
def aoe_classifier(
    aoe_model: AoEModel,
    corrected_aoe: NDArray[np.float64],
    primary_energy_keV: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Distance of A/E from the single-site band in widths, (n,); NaN where A/E is."""
    return aoe_model.classifier(corrected_aoe, primary_energy_keV)


@tag(stage="aoe", scope="channel")
@config.when(constants="own")
def aoe_low_cut(
    aoe_classifier: NDArray[np.float64],
    primary_energy_keV: NDArray[np.float64],
    calibration_rows: NDArray[np.bool_],
    aoe_settings: AoESettings,
) -> LowCut:
    """The loosest cut at which the double-escape peak survives with the wanted share.

    Cuts of -10, -9.5, ... until the survival falls below the share, then bisection. Unfit where
    the peak cannot be fitted, at an end of the range, or if the survival is off by more than 0.01
    and by more than one event of the peak counts: no cut comes nearer than that.
    """
    low, high = DEP.window_keV
    inside = calibration_rows & (primary_energy_keV >= low) & (primary_energy_keV <= high)
    energy, x = primary_energy_keV[inside], aoe_classifier[inside]
    wanted = aoe_settings.acceptance
    tried: list[tuple[float, Survival]] = []

    def at(cut: float) -> Survival:
        found = peak_survival(DEP, energy, x > cut, interval=False)
        if found.reason:
            msg = f"double-escape peak at the A/E cut {cut:.2f}: {found.reason}"
            raise Unfit(
                code="no_double_escape_peak",
                message=msg,
                numbers={"n_events": len(energy), "cut": cut},
            )
        tried.append((cut, found))
        return found

    above = _LEAST_CUT
    share = at(above)
    if share.value < wanted:
        raise _at_border(above, share, wanted)
    while share.value >= wanted and above < 0.0:
        below, above = above, above + _COARSE_STEP
        share = at(above)
    if share.value >= wanted:
        raise _at_border(above, share, wanted)
    best, worse = tried[-2][1], share
    for _ in range(_BISECTIONS):
        middle = 0.5 * (below + above)
        found = at(middle)
        if found.value >= wanted:
            below, best = middle, found
        else:
            above, worse = middle, found
    cut = below
    if abs(worse.value - wanted) < abs(best.value - wanted):
        cut, best = above, worse
    most_off = max(_MOST_OFF, 1.0 / best.n)
    if abs(best.value - wanted) > most_off:
        msg = (
            f"the double-escape peak survives the A/E cut {cut:.2f} with {_told(best)}, "
            f"{wanted:.2f} +- {most_off:.3g} is wanted"
        )
        raise Unfit(
            code="acceptance_not_reached", message=msg, numbers={"survival": best.value, "cut": cut}
        )
    slope = (at(cut - _SLOPE_STEP).value - at(cut + _SLOPE_STEP).value) / (2.0 * _SLOPE_STEP)
    error = best.error / slope if slope > 0.0 else float("nan")
    tried.sort(key=lambda t: t[0])
    return LowCut(
        cut, error, best.value, best.error,
        np.array([c for c, _ in tried]), np.array([s.value for _, s in tried]),
    )  # fmt: skip


def _told(share: Survival) -> str:
    return f"{share.value:.3f} +- {share.error:.3f} ({share.n:.0f} counts)"


def _at_border(cut: float, share: Survival, wanted: float) -> Unfit:
    msg = (
        f"the double-escape peak survives with {_told(share)} at the end {cut:g} of the A/E "
        f"cuts that are tried, {wanted:.2f} is wanted"
    )
    return Unfit(code="cut_at_border", message=msg, numbers={"survival": share.value, "cut": cut})


@tag(stage="aoe", scope="channel", schema="Survivals", main="true")
@config.when(constants="own")
def aoe_survival(
    aoe_classifier: NDArray[np.float64],
    aoe_low_cut: LowCut,
    primary_energy_keV: NDArray[np.float64],
    calibration_rows: NDArray[np.bool_],
    primary_calibration: EnergyCalibration,
    aoe_settings: AoESettings,
) -> pd.DataFrame:
    """What survives the low cut, and the low and the high cut; NaN of A/E fails."""
    energy, x = primary_energy_keV[calibration_rows], aoe_classifier[calibration_rows]
    qbb = float(primary_calibration.linear.fwhm_keV(Q_BB_KEV))
    low_side = x > aoe_low_cut.value
    two_sided = low_side & (x < aoe_settings.high_cut)
    cuts = {LOW_SIDE: low_side, TWO_SIDED: two_sided}
    return survival_table({name: survivals(energy, passes, qbb) for name, passes in cuts.items()})
