"""Numbers of CSV files read to the last bit, by whatever version of pandas is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

EXACT: Final[Mapping[str, Any]] = (
    {}
    if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1)
    else {"float_precision": "round_trip"}
)
"""What read_csv must be told: the parser of pandas 2 is off by a last digit, later ones are not."""
