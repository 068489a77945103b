"""What a reader gives of a range of events: columns, in frames that name their parents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from ..arrays import F8, frozen


@dataclass(frozen=True)
class EventColumns:
    """Columns of a range of events; every frame is sorted by its parent.

    Attributes
    ----------
    event_numbers, tracks, segments, true_particles, coincidences
        As the schemas of these names in frames.py; parents are rows of the range.
    absent
        Leaves that the file does not have; NaN, or no rows, stand in their place.
    """

    event_numbers: pd.DataFrame
    tracks: pd.DataFrame
    segments: pd.DataFrame
    true_particles: pd.DataFrame
    coincidences: pd.DataFrame
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class AbsentLeaves:
    """The leaves that files lack; added they are those that any file lacks.

    ``path`` is the first file that lacks one.
    """

    names: tuple[str, ...] = ()
    path: str = field(default="", compare=False)

    def __add__(self, other: AbsentLeaves) -> AbsentLeaves:
        """Those of both."""
        path = self.path if self.names else other.path
        return AbsentLeaves(tuple(sorted({*self.names, *other.names})), path)


SUBRUN_COLUMNS: Final = ("run", "subrun", "generated", "processed", "livetime_s")


@dataclass(frozen=True)
class FileFacts:
    """What a file says of itself beside its events.

    Attributes
    ----------
    subruns
        An array for each of SUBRUN_COLUMNS, one value a subrun; NaN where it is not told.
    totals
        ``generated``, ``processed``, ``livetime_s`` of the file, where it tells them.
    release
        As "v06_06_00"; empty if it is not told.
    """

    subruns: Mapping[str, F8]
    totals: Mapping[str, float]
    release: str = ""


NO_FACTS: Final = FileFacts({name: frozen(np.zeros(0)) for name in SUBRUN_COLUMNS}, {})
