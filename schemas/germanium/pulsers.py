"""Events of a pulser among those of a channel."""

from __future__ import annotations

from dataclasses import dataclass

from ..arrays import F8


@dataclass(frozen=True)
class PulserLine:
    """A line of which the events come with one period; none where ``times_s`` is empty.

    Attributes
    ----------
    times_s
        When its events are, ascending, (n,).
    period_s
        Between two of them; NaN without a line.
    energy_adc, width_adc
        The line, in the energy of the read-out (of trapEmax where the graph begins with dsp).
    is_cut
        Whether calibrations leave them out.
    """

    times_s: F8
    period_s: float = float("nan")
    energy_adc: float = float("nan")
    width_adc: float = float("nan")
    is_cut: bool = False
