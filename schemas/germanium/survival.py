"""How many events of a sample a cut keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..tables import Column, TableSchema

COUNTED: Final = "counted"
FITTED: Final = "fitted"


@dataclass(frozen=True)
class Survival:
    """The share of a sample that passes a cut.

    Attributes
    ----------
    sample
        DEP, 1620, SEP, FEP (the signal in the peak), Qbb, Qbb35 (events in a window).
    value, error
        In 0 to 1; NaN without a result.
    low, high
        68 % interval: of the likelihood for fits, Clopper and Pearson's for counts.
    n, n_err
        Counts of the sample, passing and failing.
    method
        fitted or counted.
    reason
        Why there is no value; empty if there is one.
    """

    sample: str
    value: float
    error: float
    low: float
    high: float
    n: float
    n_err: float
    method: str
    reason: str = ""


SURVIVALS: Final = TableSchema(
    "Survivals",
    "a sample and a cut",
    (
        Column("cut", "category", "", "name of the cut"),
        Column("sample", "category", "", "DEP, 1620, SEP, FEP, Qbb, Qbb35"),
        Column("survival", "float64", "", "share that passes", nullable=True),
        Column("error", "float64", "", "its error", nullable=True),
        Column("low", "float64", "", "lower end of the 68 % interval", nullable=True),
        Column("high", "float64", "", "upper end", nullable=True),
        Column("n", "float64", "", "counts of the sample", nullable=True),
        Column("n_err", "float64", "", "their error", nullable=True),
        Column("method", "category", "", "fitted or counted", categories=(COUNTED, FITTED)),
        Column("reason", "category", "", "why there is none; empty if there is one"),
    ),
)
