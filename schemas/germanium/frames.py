"""The frames of the dsp stage: one row a trigger of a channel, in the order of its raw table.

Names, units and order are those of LEGEND's tables, so that its tools find what they look for.
A column that the input has not is NaN (0 of whole numbers) in every row.
"""

from __future__ import annotations

from typing import Final

from ..tables import Column, TableSchema
from .aoe import AOE_BANDS, AOE_TIMES, FILE_TIMES
from .channel_settings import CHANNEL_SETTINGS
from .dplms import DPLMS_GRID
from .energy import (
    ENERGY_PEAKS,
    ENERGY_SCALES,
    QBB_WIDTHS,
    RESOLUTION_CURVES,
    TRAPPING_ALPHAS,
)
from .filter_scan import FILTER_OPTIMA, FILTER_SCAN
from .noise import BASELINE_SHAPES, NOISE_CHECKS, NOISE_CURVES, NOISE_OPTIMA
from .pictures import (
    CLASSIFIER_COUNTS,
    DRIFT_POINTS,
    ENERGY_SPECTRUM,
    PEAK_HISTOGRAMS,
    QUALITY_HISTOGRAMS,
    SPECTRA,
)
from .pulse_classes import SVM_CONFUSION
from .quality import QUALITY_FLAGS, QUALITY_SURVIVALS
from .stability import TIME_STABILITY
from .survival import SURVIVALS

_PERCENT: Final = ("01", "10", "20", "50", "80", "90", "95", "99", "100")


def _adc(name: str, what: str) -> Column:
    return Column(name, "float32", "ADC", what, nullable=True)


def _ns(name: str, what: str) -> Column:
    return Column(name, "float32", "ns", what, nullable=True)


def _slope(name: str, what: str) -> Column:
    return Column(name, "float32", "ADC/sample", what, nullable=True)


def _line(prefix: str, where: str) -> dict[str, Column]:
    """The straight line through some samples."""
    return {
        "mean": _adc(f"{prefix}_mean", f"mean of {where}"),
        "std": _adc(f"{prefix}_std", f"standard deviation of {where}"),
        "slope": _slope(f"{prefix}_slope", f"slope of {where}"),
        "slope_diff": _adc(
            f"{prefix}_slope_diff", f"mean of the last less the first tenth of {where}"
        ),
        "slope_rms": _adc(f"{prefix}_slope_rms", f"rms of {where} about its line"),
    }


def _percent_times() -> list[Column]:
    return [_ns(f"tp_{p}", f"{int(p)} % of the pulse") for p in _PERCENT]


_BL = _line("bl", "the baseline")
_PZ = _line("pz", "the pole-zero corrected tail")
_INVERTED: Final = ("100", "99", "90", "80", "50", "20", "10")

RAW_SCALARS = TableSchema(
    "RawScalars",
    "a trigger of a channel",
    (
        Column("daqenergy", "uint16", "ADC", "energy of the read-out; 0 of forced triggers"),
        Column("timestamp_s", "float64", "s", "Unix time of the trigger", nullable=True),
        Column("baseline_adc", "uint16", "ADC", "baseline of the read-out"),
        Column("t_sat_lo", "uint16", "sample", "samples at the lower rail"),
        Column("t_sat_hi", "uint16", "sample", "samples at the upper rail"),
    ),
)
"""What the read-out says of each trigger."""

DSP_COLUMNS = TableSchema(
    "DspColumns",
    "a trigger of a channel",
    (
        Column("baseline", "uint16", "ADC", "baseline of the read-out"),
        Column("timestamp", "float64", "s", "Unix time of the trigger", nullable=True),
        _ns("tp_min", "least sample"),
        _ns("tp_max", "greatest sample"),
        _adc("wf_min", "least sample"),
        _adc("wf_max", "greatest sample"),
        _ns("t_sat_lo", "time at the lower rail"),
        _ns("t_sat_hi", "time at the upper rail"),
        _ns("t_discharge", "first sample at the lower rail; NaN = none"),
        _ns("tp_min_win", "least sample of the 16 ns pulse"),
        _ns("tp_max_win", "greatest sample of the 16 ns pulse"),
        _adc("wf_min_win", "least sample of the 16 ns pulse"),
        _adc("wf_max_win", "greatest sample of the 16 ns pulse"),
        _BL["mean"],
        _BL["std"],
        _BL["slope"],
        _adc("bl_intercept", "line of the baseline at the first sample"),
        _BL["slope_diff"],
        _BL["slope_rms"],
        _PZ["slope"],
        _PZ["std"],
        _PZ["mean"],
        _PZ["slope_diff"],
        _PZ["slope_rms"],
        _adc("trapTmax", "greatest value of the trapezoid of 8 and 2.5 us"),
        _adc("trapSmax", "greatest value of the trapezoid of 1 and 0.1 us"),
        _adc("trapEmax", "greatest value of the trapezoid of the energy"),
        _adc("trapEftp", "trapezoid of the energy at a fixed time"),
        _adc("cuspEmax", "greatest value of the cusp"),
        _adc("zacEmax", "greatest value of the cusp of zero area"),
        _adc("zacEftp", "cusp of zero area at a fixed time"),
        _adc("cuspEftp", "cusp at a fixed time"),
        _ns("tp_0_est", "start of the pulse"),
        _ns("tp_0_atrap", "start of the pulse by the asymmetric trapezoid: the same here"),
        *_percent_times(),
        Column("A_max", "float32", "ADC/sample", "greatest current", nullable=True),
        _ns("tp_aoe_max", "time of the greatest current"),
        Column("QDrift", "float32", "ADC*ns", "charge integrated over the drift", nullable=True),
        _ns("dt_eff", "effective drift time"),
        Column("lq80", "float32", "ADC*ns", "charge that is late after 80 %", nullable=True),
        _ns("dt_eff_invert", "effective drift time of the inverted pulse"),
        _adc("trapTmax_invert", "trapTmax of the inverted pulse"),
        _adc("trapTftp_invert", "trapezoid of the inverted pulse at a fixed time"),
        _ns("tp_0_invert", "start of the inverted pulse"),
        *(_ns(f"tp_{p}_invert", f"{int(p)} % of the inverted pulse") for p in _INVERTED),
        Column("daqenergy", "uint16", "ADC", "energy of the read-out; 0 of forced triggers"),
        _adc("trapTftp", "trapezoid of 8 and 2.5 us at a fixed time"),
        Column("tail_slope", "float32", "1/sample", "slope of ln of the tail", nullable=True),
        _adc("dplmsEmax", "greatest value of the DPLMS filter"),
        Column("svm_label", "int16", "", "class of the pulse shape; -1 = not classified"),
    ),
)
"""Columns of the dsp tier."""

TABLES: Final = {
    table.name: table
    for table in (
        CHANNEL_SETTINGS,
        RAW_SCALARS,
        FILTER_SCAN,
        DPLMS_GRID,
        FILTER_OPTIMA,
        BASELINE_SHAPES,
        NOISE_CURVES,
        NOISE_OPTIMA,
        NOISE_CHECKS,
        SVM_CONFUSION,
        DSP_COLUMNS,
        QUALITY_FLAGS,
        QUALITY_SURVIVALS,
        TRAPPING_ALPHAS,
        ENERGY_SCALES,
        ENERGY_PEAKS,
        RESOLUTION_CURVES,
        QBB_WIDTHS,
        AOE_BANDS,
        FILE_TIMES,
        AOE_TIMES,
        SURVIVALS,
        TIME_STABILITY,
        ENERGY_SPECTRUM,
        SPECTRA,
        PEAK_HISTOGRAMS,
        DRIFT_POINTS,
        CLASSIFIER_COUNTS,
        QUALITY_HISTOGRAMS,
    )
}
