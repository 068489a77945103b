"""The filter that is made of measured noise and pulses (DPLMS)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..arrays import F8
from ..tables import Column, TableSchema


@dataclass(frozen=True)
class DplmsFilter:
    """A kernel on pole-zero corrected samples, newest sample first.

    Attributes
    ----------
    coefficients
        (length,); the mean pulse gives an output of height 1.
    nm, za, pl, ft
        Weights of noise, area, pile-up and flat top.
    condition
        Condition number of the matrix that was solved.
    """

    coefficients: F8
    nm: float
    za: float
    pl: float
    ft: float
    condition: float


DPLMS_GRID: Final = TableSchema(
    "DplmsGrid",
    "a set of weights",
    (
        Column("nm", "float64", "", "weight of the noise"),
        Column("za", "float64", "", "weight of the area"),
        Column("pl", "float64", "", "weight of pile-up"),
        Column("ft", "float64", "", "weight of the flat top"),
        Column("condition", "float64", "", "condition number of the matrix"),
        Column("qbb_fwhm_keV", "float64", "keV", "width at Q_bb", nullable=True),
        Column("qbb_fwhm_err_keV", "float64", "keV", "its error", nullable=True),
        Column("fwhm_2614_keV", "float64", "keV", "width of the 2614.5 keV line", nullable=True),
        Column("reason", "category", "", "why there is no width; empty if there is one"),
    ),
)
