"""A toy whose parts depend on those before them: of all numbers only the first few are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from hamilton.function_modifiers import tag
from numpy.typing import NDArray
from radiograph.drivers.cache.lazy import resolved
from radiograph.drivers.definition import Definition
from radiograph.drivers.engine.parts import Part
from radiograph.schemas.errors import InputError
from radiograph.schemas.sources import EventRange

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]


@tag(stage="cut")
def kept(event_range: EventRange, offset: float, budget: int) -> F8:
    """The numbers of a range, moved by the offset of its file, as far as the budget reaches."""
    first, n = event_range.first_event, event_range.n_events
    if first < 0:
        raise InputError("a range before the first", file=f"file {-first}")
    return np.arange(first, first + min(n, budget)) + offset


@tag(stage="cut")
def first_kept(kept: F8) -> str:
    """The first number of a range, as a text: nothing says how texts become one."""
    return f"{kept[0]:g}"


@tag(stage="cut")
def record_number(event_range: EventRange) -> I8:
    """The records of a range by their number in the file: files begin at a multiple of ten."""
    return np.arange(event_range.n_events) + event_range.first_event % 10


@tag(stage="sum", scope="file")
def total(kept: F8) -> float:
    """The sum of a file."""
    return float(kept.sum())


@dataclass(frozen=True)
class Budget:
    """How many numbers may still be kept."""

    left: int

    def needs(self, asked: frozenset[str]) -> frozenset[str]:
        """What says how many were."""
        return frozenset({"kept"}) & asked

    def inputs(self) -> Mapping[str, Any]:
        """What is left."""
        return {"budget": self.left}

    def in_order(self, asked: frozenset[str]) -> bool:
        """Each range waits for those before it."""
        return "kept" in asked

    def after(self, part: Part, values: Mapping[str, Any]) -> Budget:
        """With one more range."""
        del part
        n_kept = len(resolved(values["kept"])) if "kept" in values else 0
        return replace(self, left=self.left - n_kept)

    def after_file(self) -> Budget:
        """The same."""
        return self


BUDGET = Definition(
    "budget",
    home=f"{__name__}:BUDGET",
    modules=(__name__,),
    stages=("cut", "sum"),
    outputs=("kept", "total"),
    merges=MappingProxyType({"kept": "append", "record_number": "append"}),
    row_numbers=MappingProxyType({"record_number.": "file"}),
)
