"""What the imaging nodes are told: the method, and how its work is spread over threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ImagingMethod:
    """Which picture is made of the cones.

    ``poly_samples`` a cone and ``poly_range_cm`` from the foot of its apex (0: as far as the
    picture goes) belong to the engine poly, and are 0 for another.
    """

    method: str = "sbp"
    engine: str = "scan"
    nappe: Literal["forward", "both"] = "forward"
    list_mode: bool = False
    poly_samples: int = 0
    poly_range_cm: float = 0.0


@dataclass(frozen=True)
class Threads:
    """How the work is spread; no result depends on it, so no cache key holds it.

    ``cones_a_task`` = 0 leaves the size of a task to the method.
    """

    count: int = 1
    cones_a_task: int = 0
