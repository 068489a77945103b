"""Operations of a hit tier, as parameter files hold them: names, expressions, parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True)
class Operation:
    """A column of the hit tier.

    Attributes
    ----------
    name
        The column.
    expression
        In columns of the dsp tier, results of other operations and parameters.
    parameters
        Numbers by the name that the expression uses.
    """

    name: str
    expression: str
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class HitParameters:
    """What turns the dsp tier of a channel into its hit tier.

    Attributes
    ----------
    operations
        In the order in which they are written; each may use others.
    outputs
        The columns of the tier, in their order.
    absent
        Columns that there are not, each with why.
    """

    operations: tuple[Operation, ...]
    outputs: tuple[str, ...]
    absent: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HitTier:
    """The table of a channel, as it is written.

    Attributes
    ----------
    columns
        One row a row of the dsp tier.
    absent
        Columns that there are not, each with why.
    """

    columns: pd.DataFrame
    absent: Mapping[str, str]
