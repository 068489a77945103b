"""A quantity of a channel or group over files: the frame, its band, what is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ..tables import Column, TableSchema

TrendQuantity = Literal["baseline", "noise", "clipped", "negative", "power"]
GroupKind = Literal["channel", "epcb", "tpc", "all"]

TREND: Final = TableSchema(
    "Trend",
    "a file, in the order of the data",
    (
        Column("name", "category", "", "file name"),
        Column("run", "int64", "", "run, -1 where the name says none"),
        Column("subrun", "int64", "", "sub-run, -1 where the name says none"),
        Column("start_ms", "int64", "ms", "first event, since 1970 UTC; -1 where unknown"),
        Column("value", "float64", "", "mean of the medians, fraction, or mean power", True),
        Column("lower", "float64", "", "lower end of its bar (16 %)", True),
        Column("upper", "float64", "", "upper end (84 %)", True),
        Column("sigma", "float64", "", "standard error of the value", True),
        Column("k", "int64", "", "numerator of a fraction, else 0", at_least=0),
        Column("n", "int64", "", "events, or denominator; 0 where unknown", at_least=0),
        Column("failing", "category", "", "checks that fail there, separated by blanks"),
    ),
)


@dataclass(frozen=True)
class ChannelGroup:
    """A channel, an EPCB of an ADC, a TPC, or all channels; ``adc`` is -1 for TPC and all."""

    kind: GroupKind
    adc: int = -1
    number: int = -1

    def __str__(self) -> str:
        if self.kind == "all":
            return "all channels"
        if self.kind == "tpc":
            return f"TPC {self.number}"
        return f"{'EPCB' if self.kind == 'epcb' else 'channel'} {self.adc}/{self.number}"


@dataclass(frozen=True)
class TrendRequest:
    """What is followed over files.

    ``trigger`` and ``granularity`` are those of a fraction, ``roi_MHz`` the frequency of power.
    """

    quantity: TrendQuantity
    group: ChannelGroup = ChannelGroup("all")
    trigger: str = "self"
    granularity: str = "total"
    roi_MHz: float = 0.5

    @property
    def unit(self) -> str:
        """Unit of value and interval: a fraction has none."""
        return {"baseline": "ADC16", "noise": "ADC16", "power": "V^2"}.get(self.quantity, "")

    def __str__(self) -> str:
        if self.quantity == "power":
            return f"power at {self.roi_MHz:g} MHz of {self.group}"
        if self.quantity in ("clipped", "negative"):
            share = f"{self.quantity} share of {self.trigger} events"
            return f"{share}, {self.group} (events with light: {self.granularity})"
        return f"{self.quantity} of {self.group}"


@dataclass(frozen=True)
class ReferenceBand:
    """What a trend is drawn against: value with its interval, and of which files."""

    value: float
    lower: float
    upper: float
    n_files: int
    label: str
