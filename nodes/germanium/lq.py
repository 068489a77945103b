"""LQ, the charge that comes after 80 % of the rise, over the energy: model and survival."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import F8, Mask
from ...schemas.errors import Unfit
from ...schemas.germanium.aoe import LowCut
from ...schemas.germanium.calibration_settings import LQSettings
from ...schemas.germanium.energy import EnergyCalibration
from ...schemas.germanium.lines import PSD_LINES, Q_BB_KEV
from ...schemas.germanium.lq import LQModel
from .columns import absence, column_of
from .survival import survival_table, survivals

LQ_CUT: Final = "LQ_Cut"
FEWEST_EVENTS: Final = 30
_DEP: Final = PSD_LINES[0]
_FWHMS: Final = 2.0
# Sidebands of the peak: so far from it, in FWHM, and so wide.
_SIDE: Final = (4.0, 8.0)
_CLIP: Final = 3.0
_CLIPS: Final = 50
# Standard deviation of a normal distribution that is cut at 3 sigma.
_CLIPPED_SIGMA: Final = 0.98658


@tag(stage="lq", scope="channel", helper="true")
@config.when(constants="own")
def lq_per_keV(
    dsp_columns: pd.DataFrame, primary_energy_keV: NDArray[np.float64]
) -> NDArray[np.float64]:
    """lq80 over the energy, (n,), NaN where lq80 is; Unfit without lq80 or dt_eff."""
    for name in ("lq80", "dt_eff"):
        reason = absence(dsp_columns, name)
        if reason:
            msg = f"{reason}: LQ needs it"
            raise Unfit(code="no_late_charge", message=msg, numbers={"n_events": len(dsp_columns)})
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = column_of(dsp_columns, "lq80") / primary_energy_keV
    return np.where(np.isfinite(ratio), ratio, np.nan)


@tag(stage="lq", scope="channel", main="true")
@config.when(constants="own")
def lq_model(
    dsp_columns: pd.DataFrame,
    lq_per_keV: NDArray[np.float64],
    primary_energy_keV: NDArray[np.float64],
    primary_calibration: EnergyCalibration,
    calibration_rows: NDArray[np.bool_],
    aoe_classifier: NDArray[np.float64],
    aoe_low_cut: LowCut,
    lq_settings: LQSettings,
) -> LQModel:
    """Median, line in drift time and width of LQ, of double-escape events that pass A/E.

    Unfit with fewer than 30 of them, or where the sidebands leave none.
    """
    dt_eff = column_of(dsp_columns, "dt_eff")
    good = calibration_rows & (aoe_classifier > aoe_low_cut.value)
    good &= np.isfinite(lq_per_keV) & np.isfinite(dt_eff)
    fwhm = float(primary_calibration.linear.fwhm_keV(_DEP.energy_keV))
    away = np.abs(primary_energy_keV - _DEP.energy_keV) / fwhm
    dep, side = good & (away <= _FWHMS), good & (away >= _SIDE[0]) & (away <= _SIDE[1])
    n = int(dep.sum())
    if n < FEWEST_EVENTS:
        msg = f"{n} double-escape events pass A/E, at least {FEWEST_EVENTS} are needed for LQ"
        raise Unfit(code="too_few_events", message=msg, numbers={"n_events": n})
    median = float(np.median(lq_per_keV[dep]))
    scaled = lq_per_keV / median
    (slope, offset), covariance, spread = _clipped_line(dt_eff[dep], scaled[dep])
    residual = scaled - offset - slope * dt_eff
    weight = -_FWHMS / (_SIDE[1] - _SIDE[0])
    mean, sigma, n_signal = _subtracted_width(residual[dep], residual[side], weight, spread)
    if not sigma > 0.0 or not n_signal > 0.0:
        msg = f"{n} double-escape events leave no peak of LQ over the background beside it"
        raise Unfit(
            code="no_double_escape_peak", message=msg, numbers={"n_events": n, "n_signal": n_signal}
        )
    n_missing = int((calibration_rows & ~np.isfinite(lq_per_keV)).sum())
    return LQModel(
        median, offset, slope, covariance, mean, sigma, sigma / float(np.sqrt(2.0 * n_signal)),
        lq_settings.cut_sigma, n, n_signal, n_missing,
    )  # fmt: skip


def _clipped_line(t: F8, y: F8) -> tuple[tuple[float, float], F8, float]:
    """(slope, offset) through the values within 3 standard deviations, covariance, and these.

    The covariance is of (offset, slope).
    """
    keep = np.ones(len(t), dtype=bool)
    middle = float(t.mean())
    line, spread = np.zeros(2), 0.0
    for _ in range(_CLIPS):
        line = np.polyfit(t[keep] - middle, y[keep], 1)
        residual = y - np.polyval(line, t - middle)
        spread = float(residual[keep].std(ddof=2))
        inside = np.abs(residual) <= _CLIP * spread
        if (inside == keep).all() or inside.sum() < FEWEST_EVENTS // 2:
            break
        keep = inside
    design = np.stack([np.ones(int(keep.sum())), t[keep]], axis=1)
    covariance = np.linalg.pinv(design.T @ design) * spread**2
    return (float(line[0]), float(line[1] - line[0] * middle)), covariance, spread


def _subtracted_width(
    inside: F8, beside: F8, weight: float, start: float
) -> tuple[float, float, float]:
    """Mean and sigma of the values inside the peak less those beside it, and how many remain.

    Each value beside counts ``weight`` < 0. Moments within 3 sigma, until they stay.
    """
    x = np.concatenate([inside, beside])
    w = np.concatenate([np.ones(len(inside)), np.full(len(beside), weight)])
    mean, sigma = float(np.median(inside)), start
    total = 0.0
    for _ in range(_CLIPS):
        near = np.abs(x - mean) < _CLIP * sigma
        total = float(w[near].sum())
        if total <= 0.0:
            return float("nan"), float("nan"), total
        new_mean = float((w * x)[near].sum() / total)
        square = float((w * (x - new_mean) ** 2)[near].sum() / total)
        if square <= 0.0:
            return float("nan"), float("nan"), total
        new_sigma = float(np.sqrt(square)) / _CLIPPED_SIGMA
        still = abs(new_mean - mean) + abs(new_sigma - sigma) < 1e-9 * sigma
        mean, sigma = new_mean, new_sigma
        if still:
            break
    return mean, sigma, total


@tag(stage="lq", scope="channel", helper="true")
@config.when(constants="own")
def lq_classifier(
    dsp_columns: pd.DataFrame, lq_model: LQModel, lq_per_keV: NDArray[np.float64]
) -> NDArray[np.float64]:
    """LQ in widths above that of single-site events, (n,); NaN where LQ is."""
    return lq_model.classifier(lq_per_keV, column_of(dsp_columns, "dt_eff"))


@tag(stage="lq", scope="channel", schema="Survivals")
@config.when(constants="own")
def lq_survival(
    lq_classifier: NDArray[np.float64],
    lq_model: LQModel,
    primary_energy_keV: NDArray[np.float64],
    primary_calibration: EnergyCalibration,
    calibration_rows: NDArray[np.bool_],
) -> pd.DataFrame:
    """What survives the LQ cut; NaN of LQ fails."""
    passes: Mask = lq_classifier[calibration_rows] < lq_model.cut
    qbb = float(primary_calibration.linear.fwhm_keV(Q_BB_KEV))
    return survival_table({LQ_CUT: survivals(primary_energy_keV[calibration_rows], passes, qbb)})
