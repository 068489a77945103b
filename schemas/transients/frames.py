"""The frames of the transients graph: columns with unit and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..tables import Column, TableSchema

_NUMBER: Final = Column("number", "int64", "", "number of the trigger")
_X: Final = Column("x_lsb", "int64", "LSB", "position of the beam; 999999 = unknown")
_Y: Final = Column("y_lsb", "int64", "LSB", "position of the beam; 999999 = unknown")


def _number(name: str, unit: str, what: str) -> Column:
    return Column(name, "float64", unit, what, nullable=True)


RECORDING_TABLE: Final = TableSchema(
    "RecordingTable",
    "a recording, in the order of the source",
    (
        _NUMBER,
        _X,
        _Y,
        _number("x_um", "um", "position of the beam; NaN = unknown"),
        _number("y_um", "um", "position of the beam; NaN = unknown"),
        _number("hw_time_s", "s", "time of the trigger by the receiver's clock"),
        _number("sys_time_s", "s", "time of the trigger by the computer, since 1970 UTC"),
        Column("n_bytes", "int64", "bytes", "length of the recording's file"),
    ),
)
RECORDING_QUALITY: Final = TableSchema(
    "RecordingQuality",
    "a recording, in the order of the source",
    (
        Column("quality", "uint16", "", "marks of the samples and the name, bits of QUALITY"),
        _number("amplitude_dip", "", "smallest filtered amplitude over its median"),
    ),
)
BASELINES: Final = TableSchema(
    "Baselines",
    "a recording, in the order of the source",
    (
        _number("mean_Hz", "Hz", "mean frequency before the trigger, relative to +fs/4"),
        _number("std_Hz", "Hz", "population standard deviation of one sample's frequency"),
        _number("error_Hz", "Hz", "error of the mean, from the spread of windows side by side"),
    ),
)
_TRACES: Final = (
    _number("trig_val", "ppm", "first window after the trigger"),
    _number("pretrig_min", "ppm", "least window before the trigger"),
    _number("posttrig_min", "ppm", "least window after the trigger"),
    _number("pretrig_max", "ppm", "greatest window before the trigger"),
    _number("posttrig_max", "ppm", "greatest window after the trigger"),
    _number("pretrig_std", "ppm", "population standard deviation of the windows before"),
    _number("posttrig_std", "ppm", "population standard deviation of the windows after"),
)
TRACE_FEATURES: Final = TableSchema(
    "TraceFeatures",
    "a recording, in the order of the source",
    (
        *_TRACES,
        _number("largest_step", "ppm", "largest late step away from the baseline, of windows"),
        _number("slope_ppm_per_s", "ppm/s", "straight line through the windows after"),
    ),
)
_FIT: Final = (
    _number("fit_R2", "", "explained share of the variance of the windows after the trigger"),
    _number("fit_N", "ppm", "(N - c) exp(-lambda t) + c at the trigger"),
    _number("fit_lambda", "1/s", "decay constant"),
    _number("fit_c", "ppm", "where the decay ends"),
)
_OF_FIT: Final = (
    _number("fit_N_error", "ppm", "its error"),
    _number("fit_lambda_error", "1/s", "its error"),
    _number("fit_c_error", "ppm", "its error"),
    _number("fit_amplitude", "ppm", "N - c"),
    _number("fit_amplitude_error", "ppm", "its error"),
    _number("fit_sse", "ppm^2", "sum of squares of the residuals"),
    _number("fit_residual", "ppm", "root mean square of the residuals"),
)
EXPONENTIAL_FITS: Final = TableSchema(
    "ExponentialFits",
    "a recording, in the order of the source",
    (
        *_FIT,
        *(column for column in _OF_FIT if not column.name.endswith("_error")),
        Column("fit_bits", "uint16", "", "marks of the fit, bits of QUALITY"),
    ),
)
FIT_ERRORS: Final = TableSchema(
    "FitErrors",
    "a recording, in the order of the source; errors with the correlation of the windows",
    tuple(column for column in _OF_FIT if column.name.endswith("_error")),
)
TWO_EXPONENTIAL_FITS: Final = TableSchema(
    "TwoExponentialFits",
    "a recording, in the order of the source",
    (
        _number("fit2_N1", "ppm", "amplitude of the faster part"),
        _number("fit2_lambda1", "1/s", "its decay constant"),
        _number("fit2_N2", "ppm", "amplitude of the slower part"),
        _number("fit2_lambda2", "1/s", "its decay constant"),
        _number("fit2_c", "ppm", "where the decay ends"),
        _number("fit2_sse", "ppm^2", "sum of squares of the residuals"),
        _number("fit2_bic_gain", "", "by how much BIC is better than with one part"),
        Column("fit2_preferred", "bool", "", "whether two parts are kept: BIC better by over 10"),
    ),
)
FLATTOPS: Final = TableSchema(
    "Flattops",
    "a recording, in the order of the source",
    (
        _number("flattop_ppm", "ppm", "mean of 4 to 15 us after the trigger"),
        _number("flattop_error", "ppm", "spread of such means before the trigger"),
    ),
)
PRE_CORRELATIONS: Final = TableSchema(
    "PreCorrelations",
    "a recording, in the order of the source",
    tuple(_number(f"lag_{k}", "", f"autocorrelation of the windows before, {k} apart")
          for k in range(1, 9)),
)  # fmt: skip
HIT_MATCHES: Final = TableSchema(
    "HitMatches",
    "a recording, in the order of the source",
    (
        _number("hit_delay_us", "us", "nearest hit of the FPGA minus the time of the trigger"),
        Column("no_hit", "bool", "", "no hit within the window though there is a hit log"),
    ),
)
FEATURES: Final = TableSchema(
    "Features",
    "a recording, sorted by number, x, y",
    (
        Column("source_row", "int64", "", "row of the recording in the order of the source"),
        _NUMBER,
        _X,
        _Y,
        _number("x_um", "um", "position of the beam; NaN = unknown"),
        _number("y_um", "um", "position of the beam; NaN = unknown"),
        *_TRACES,
        *_FIT,
        *_OF_FIT,
        _number("fit_chi2_ndf", "", "residuals over the spread before, squared, a degree"),
        _number("half_life_s", "s", "ln 2 / lambda"),
        _number("snr", "", "|trig_val| over the run's median of pretrig_std"),
        _number("flattop_ppm", "ppm", "mean of 4 to 15 us after the trigger"),
        _number("flattop_error", "ppm", "its error"),
        _number("largest_step", "ppm", "largest late step away from the baseline, of windows"),
        _number("slope_ppm_per_s", "ppm/s", "straight line through the windows after"),
        _number("baseline_mean_Hz", "Hz", "mean frequency before, relative to +fs/4"),
        _number("baseline_std_Hz", "Hz", "its standard deviation, of one sample"),
        _number("baseline_error_Hz", "Hz", "error of the mean"),
        _number("hw_time_s", "s", "time of the trigger by the receiver's clock"),
        _number("sys_time_s", "s", "time of the trigger by the computer, since 1970 UTC"),
        _number("amplitude_dip", "", "smallest filtered amplitude over its median"),
        Column("quality", "uint16", "", "marks, bits of QUALITY"),
        Column("usable", "bool", "", "whether it enters scores and maps"),
    ),
)
_SCORED: Final = (
    "trig_val", "posttrig_std", "posttrig_min", "posttrig_max", "fit_residual", "ln_lambda",
    "pretrig_std", "pretrig_max", "pretrig_min",
)  # fmt: skip
LOCAL_SCORES: Final = TableSchema(
    "LocalScores",
    "a recording, in the order of the features",
    tuple(_number(f"z_{name}", "", f"{name} off the local centre, as a normal score")
          for name in _SCORED),
)  # fmt: skip
LOCAL_CENTRES: Final = TableSchema(
    "LocalCentres",
    "a recording, in the order of the features",
    tuple(
        column
        for name in _SCORED
        for column in (
            _number(f"centre_{name}", "", f"local centre of {name}, its unit"),
            _number(f"scale_{name}", "", f"local scale of {name}, its unit"),
            _number(f"dof_{name}", "", f"degrees of freedom of the local scale of {name}"),
        )
    ),
)
OUTLIERS: Final = TableSchema(
    "Outliers",
    "a recording, in the order of the features",
    (
        Column("scored", "bool", "", "whether there was enough to compare it with"),
        Column("outlier", "bool", "", "whether it differs from those of its position"),
        Column("reasons", "uint16", "", "why, bits of REASONS"),
    ),
)
FOREST_SCORES: Final = TableSchema(
    "ForestScores",
    "a recording, in the order of the features",
    (_number("forest_score", "", "anomaly score of an isolation forest of its block, 0 to 1"),),
)
QUALITY_COUNTS: Final = TableSchema(
    "QualityCounts",
    "a mark",
    (
        Column("name", "category", "", "mark, or what was counted"),
        Column("count", "int64", "", "recordings that have it"),
    ),
)
CROSS_SECTIONS: Final = TableSchema(
    "CrossSections",
    "a position on a line through the map",
    (
        Column("axis", "category", "", "axis along which the line runs", categories=("x", "y")),
        Column("quantity", "category", "", "what is shown"),
        _number("at_um", "um", "place of the line on the other axis"),
        _number("position_um", "um", "position along the line"),
        _number("mean", "", "mean of the usable recordings that are no outliers, its unit"),
        _number("error", "", "error of the mean"),
        Column("count", "int64", "", "how many they are"),
    ),
)
DETECTION_QUALITY: Final = TableSchema(
    "DetectionQuality",
    "a kind of recording by the truth",
    (
        Column("kind", "category", "", "kind; all, visible = every anomaly, every visible one"),
        Column("n", "int64", "", "scored recordings of the kind"),
        Column("found", "int64", "", "those that are outliers"),
        _number("fraction", "", "share that was found (recall of an anomaly)"),
        _number("low", "", "lower end of its 68 % interval (Clopper-Pearson)"),
        _number("high", "", "upper end"),
    ),
)
ANOMALY_KINDS: Final = TableSchema(
    "AnomalyKinds",
    "a recording, in the order of the features; no rows without labels or truth",
    (
        Column("kind", "category", "", "kind by labels or truth; empty = not known"),
        Column("anomaly", "bool", "", "whether it is one"),
        Column("visible", "bool", "", "an anomaly that the noise does not hide"),
        Column("marked", "bool", "", "found by a mark of the samples, wherever it is"),
        Column("judged", "bool", "", "of a known kind, and usable or marked"),
    ),
)
FALSE_ALARMS: Final = TableSchema(
    "FalseAlarms",
    "an estimate",
    (
        Column("n", "int64", "", "scored recordings"),
        Column("found", "int64", "", "mirrored scores beyond the threshold"),
        _number("rate", "", "share of recordings that noise alone would call outliers"),
        _number("low", "", "lower end of its 68 % interval (Clopper-Pearson)"),
        _number("high", "", "upper end"),
    ),
)

TABLES: Final[Mapping[str, TableSchema]] = {
    table.name: table
    for table in (
        RECORDING_TABLE,
        RECORDING_QUALITY,
        BASELINES,
        TRACE_FEATURES,
        EXPONENTIAL_FITS,
        FIT_ERRORS,
        TWO_EXPONENTIAL_FITS,
        FLATTOPS,
        PRE_CORRELATIONS,
        HIT_MATCHES,
        FEATURES,
        LOCAL_CENTRES,
        LOCAL_SCORES,
        OUTLIERS,
        FOREST_SCORES,
        QUALITY_COUNTS,
        CROSS_SECTIONS,
        ANOMALY_KINDS,
        DETECTION_QUALITY,
        FALSE_ALARMS,
    )
}
