"""Operations of a hit tier, as parameter files hold them: names, expressions, parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
