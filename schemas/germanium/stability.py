"""How the 2614.5 keV line moves with time."""

from __future__ import annotations

from typing import Final

from ..tables import Column, TableSchema

TIME_STABILITY: Final = TableSchema(
    "TimeStability",
    "a slice of time",
    (
        Column("begin_s", "float64", "s", "begin of the slice after the first event"),
        Column("end_s", "float64", "s", "its end"),
        Column("n_events", "int64", "", "events of the line"),
        Column("median_keV", "float64", "keV", "median energy of the line", nullable=True),
        Column("median_err_keV", "float64", "keV", "its error", nullable=True),
        Column("rate_Hz", "float64", "Hz", "all events a second"),
        Column("trend_keV", "float64", "keV", "straight line through the medians", nullable=True),
        Column("drift_keV_per_h", "float64", "keV/h", "its slope, same in all rows", nullable=True),
        Column("drift_err_keV_per_h", "float64", "keV/h", "error of the slope", nullable=True),
        Column("p_value", "float64", "", "of no drift: chi2 of a constant", nullable=True),
    ),
)
