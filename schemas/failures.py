"""What could not be made, and why: a file that gives nothing, a channel that cannot be calibrated.

One form for all of them, in an answer as JSON, in the run file and in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import RadiographError, Unfit


@dataclass(frozen=True)
class Failure:
    """One key (a file, a channel) that a node could not be evaluated for.

    Attributes
    ----------
    at
        Where: axis to value, as {"channel": "V02160A", "file": 0}; empty for the whole run.
    node
        The node that failed; empty where the input failed before any node.
    code
        A short name of the kind, for machines: "too_few_events".
    message
        What failed, the value seen and what is allowed, for a person.
    numbers
        What was measured, by name with its unit: {"n_events": 12}. Python's int and float.
    """

    at: Mapping[str, int | str]
    node: str
    code: str
    message: str
    numbers: Mapping[str, int | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Numbers of numpy would be other values to the cache, and none that JSON knows.
        object.__setattr__(self, "at", {axis: _plain(v) for axis, v in self.at.items()})
        object.__setattr__(self, "numbers", {name: _plain(v) for name, v in self.numbers.items()})

    @classmethod
    def of(cls, error: RadiographError, at: Mapping[str, int | str], node: str = "") -> Failure:
        """The failure that an error of a node, or of the reading of a file, stands for."""
        numbers = error.numbers if isinstance(error, Unfit) else {}
        return cls(at, node, error.code, error.message, numbers)

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON: NaN and infinity are null."""
        return {
            "at": dict(self.at),
            "node": self.node,
            "code": self.code,
            "message": self.message,
            "numbers": {n: v if math.isfinite(v) else None for n, v in self.numbers.items()},
        }

    def __str__(self) -> str:
        where = ", ".join(f"{axis} {value}" for axis, value in self.at.items())
        return ": ".join(part for part in (where, self.node, self.message) if part)


def _plain(value: Any) -> Any:
    """A number or text of numpy as Python's own."""
    return value.item() if isinstance(value, np.generic) else value
