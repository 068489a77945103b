"""Widths at Q_bb as a function of the shaping of an energy filter."""

from __future__ import annotations

from typing import Final

from ..tables import Column, TableSchema
from .noise import FILTERS

FILTER_SCAN: Final = TableSchema(
    "FilterScan",
    "a filter and a shaping time that was computed",
    (
        Column("filter", "category", "", "name of the filter", categories=FILTERS),
        Column("shaping_us", "float64", "us", "rise of the trapezoid, sigma of the cusps"),
        Column("alpha_per_ns", "float64", "1/ns", "correction of trapped charge", nullable=True),
        Column("fwhm_2614_keV", "float64", "keV", "width of the 2614.5 keV line", nullable=True),
        Column("fwhm_2614_err_keV", "float64", "keV", "its error", nullable=True),
        Column("qbb_fwhm_keV", "float64", "keV", "width at Q_bb", nullable=True),
        Column("qbb_fwhm_err_keV", "float64", "keV", "its error", nullable=True),
        Column("reason", "category", "", "why there is no width; empty if there is one"),
    ),
)

FILTER_OPTIMA: Final = TableSchema(
    "FilterOptima",
    "a filter",
    (
        Column("filter", "category", "", "name of the filter", categories=FILTERS),
        Column("shaping_us", "float64", "us", "of least width at Q_bb"),
        Column("shaping_err_us", "float64", "us", "its error, of the parabola", nullable=True),
        Column("qbb_fwhm_keV", "float64", "keV", "width there"),
        Column("qbb_fwhm_err_keV", "float64", "keV", "its error"),
        Column("n_computed", "int64", "", "shaping times that were computed"),
        Column("at_end", "bool", "", "whether it lies at an end of the allowed range"),
    ),
)
