"""Grids of veto windows."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..arrays import F8, I8
from .columns import AbsentLeaves
from .counts import CutMarks


@dataclass(frozen=True)
class VetoGrid:
    """Every window from an edge of ``lo_ns`` to one of ``hi_ns``; an edge belongs if ``closed``."""

    lo_ns: tuple[float, ...]
    hi_ns: tuple[float, ...]
    closed: bool = False


@dataclass(frozen=True)
class SignalExtremes:
    """What the cuts look at of a range of signal events: the frames of these names."""

    tracks: pd.DataFrame
    events: pd.DataFrame
    veto: pd.DataFrame
    added: CutMarks
    absent: AbsentLeaves


@dataclass(frozen=True)
class VetoStudy:
    """What each window vetoes.

    Attributes
    ----------
    selected_events, combinations, not_a_number
        Events of Select, their time differences, and those of them that are NaN.
    lo_ns, hi_ns, closed
        The windows.
    sum_ns, min_ns, max_ns
        Of the time differences; infinite ends without any.
    vetoed
        Shape (lo, hi): events with a time difference in the window.
    fraction, fraction_lo, fraction_hi
        The same as a fraction of the selected events (of cosmic rays: the veto efficiency; of
        signal: the dead time) with the ends of its interval; NaN without events.
    """

    selected_events: int
    combinations: int
    not_a_number: int
    lo_ns: F8
    hi_ns: F8
    closed: bool
    sum_ns: float
    min_ns: float
    max_ns: float
    vetoed: I8
    fraction: F8
    fraction_lo: F8
    fraction_hi: F8
