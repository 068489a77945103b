"""Faults that are planted in simulated light read-out files: kinds, settings, what was planted.

Units: ADC16 counts (14-bit codes times four, -32768 to 32764), samples of 16 ns, MHz.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Final, Literal, NamedTuple

import pandas as pd
from pydantic import Field, model_validator

from .lightdqm.detector import N_CHANNELS
from .lightdqm.units import HIGHEST_ADC16, LOWEST_ADC16
from .settings import Section
from .tables import Column, TableSchema


class FaultKind(NamedTuple):
    """What a fault acts on, its usual strength with its unit, what it does, who names it."""

    target: Literal["channel", "adc", "file"]
    value: float
    unit: str
    effect: str
    check: str
    """Check of the light data quality that must name it."""


FAULT_KINDS: Final = MappingProxyType(
    {
        "dead": FaultKind("channel", 0.0, "of the light", "noise but no light", "dead"),
        "flatline": FaultKind(
            "channel", 0.0, "adc16", "neither noise nor light: a constant", "flat"
        ),
        "railed_top": FaultKind(
            "channel", HIGHEST_ADC16, "adc16", "stuck at the top rail", "railed"
        ),
        "railed_bottom": FaultKind(
            "channel", LOWEST_ADC16, "adc16", "stuck at the bottom rail", "railed"
        ),
        "sparking": FaultKind(
            "channel", 0.2, "of the events", "discharges of 1 to 3 samples", "sparks"
        ),
        "negative": FaultKind("channel", 0.2, "of the events", "negative excursions", "negative"),
        "undershoot": FaultKind(
            "channel", 0.3, "of the peak", "pulses swing below the baseline", "negative"
        ),
        "clipping": FaultKind("channel", 60.0, "x", "light too bright for the range", "clipped"),
        "noisy": FaultKind("channel", 12.0, "x", "noise too large", "noise"),
        "baseline_band": FaultKind(
            "channel", 4500.0, "adc16", "baseline outside the band", "baseline_band"
        ),
        "baseline_spread": FaultKind(
            "channel", 1800.0, "adc16", "baseline differs by event", "baseline_spread"
        ),
        "baseline_move": FaultKind(
            "channel", 600.0, "adc16", "baseline moved, inside the band", "baseline_move"
        ),
        "tone": FaultKind("adc", 12.5, "MHz", "a coherent tone on all channels of an ADC", "tones"),
        "missing_adc": FaultKind("adc", 0.25, "of the events", "an ADC is absent", "missing_adcs"),
        "clock": FaultKind("adc", 5000.0, "ms", "the clock of an ADC is ahead", "timestamps"),
    }
)
"""The faults of channels and ADCs that can stand side by side in one file."""

FILE_FAULT_KINDS: Final = MappingProxyType(
    {
        "gain": FaultKind("channel", 0.25, "of the light", "light too weak or too bright", "light"),
        "dark_rate": FaultKind(
            "channel", 8.0, "an event", "pulses that no neighbour sees", "dark_rate"
        ),
        "drift": FaultKind(
            "channel", 2500.0, "adc16", "baseline drifts over the span", "baseline_change"
        ),
        "copy": FaultKind("channel", 0.0, "", "the waveforms of the next channel", "copies"),
        "off_by_one": FaultKind("adc", 1.0, "events", "waveforms of the event before", "alignment"),
        "swapped": FaultKind("adc", 2.0, "ADC", "exchanged with another ADC", "alignment"),
        "stuck_buffer": FaultKind(
            "adc", 0.0, "", "the waveforms of one event again and again", "repeats"
        ),
        "reversed": FaultKind("adc", 0.0, "", "its inputs in reverse order", "channel_order"),
        "tai_frozen": FaultKind("adc", 0.0, "", "its TAI stands still", "timestamps"),
        "tai_ahead": FaultKind("adc", 5000.0, "ms", "its TAI alone is ahead", "timestamps"),
        "zeros": FaultKind("file", 0.0, "adc16", "zeros in all ADCs", "unwritten"),
        "dark": FaultKind("file", 0.0, "of the light", "no light anywhere", "dark"),
        "duplicated": FaultKind(
            "file", 0.1, "of the events", "events that stand there twice", "order"
        ),
        "lost": FaultKind("file", 1000.0, "numbers", "event numbers lost at the begin", "order"),
        "permuted": FaultKind(
            "file", 0.0, "", "waveform rows in another order, as the references say", ""
        ),
        "late_trigger": FaultKind(
            "file", 0.15, "of the waveform", "light comes so much earlier", "arrival"
        ),
        "seconds": FaultKind("file", 1000.0, "", "Unix times in seconds", "timestamps"),
        "future": FaultKind("file", 20.0, "years", "Unix times in the future", "timestamps"),
        "gap": FaultKind("file", 7.2e6, "ms", "a gap in time at the begin", "timestamps"),
        "unshifted": FaultKind("file", 0.0, "", "14-bit codes that are not shifted", "coding"),
        "offset_binary": FaultKind("file", 0.0, "", "codes counted from the low end", "coding"),
        "byte_order": FaultKind("file", 0.0, "", "bytes of each sample exchanged", "coding"),
    }
)
"""The faults that change what others do: of light against a rule, of order, clocks and coding."""

EVERY_FAULT_KIND: Final = MappingProxyType({**FAULT_KINDS, **FILE_FAULT_KINDS})
"""All faults that can be planted."""

WITHOUT_SPAN: Final = frozenset({"tone", "clock", "permuted"})
"""Faults that a file has throughout."""

Kind = Literal[
    "dead",
    "flatline",
    "railed_top",
    "railed_bottom",
    "sparking",
    "negative",
    "undershoot",
    "clipping",
    "noisy",
    "baseline_band",
    "baseline_spread",
    "baseline_move",
    "tone",
    "missing_adc",
    "clock",
    "gain",
    "dark_rate",
    "drift",
    "copy",
    "off_by_one",
    "swapped",
    "stuck_buffer",
    "reversed",
    "tai_frozen",
    "tai_ahead",
    "zeros",
    "dark",
    "duplicated",
    "lost",
    "permuted",
    "late_trigger",
    "seconds",
    "future",
    "gap",
    "unshifted",
    "offset_binary",
    "byte_order",
]
Share = Annotated[float, Field(ge=0, le=1)]


class Fault(Section):
    """A fault to plant. Without a place the seed chooses one among the sound channels."""

    kind: Kind
    """What is wrong."""
    adc: int | None = Field(default=None, ge=0)
    """ADC; none: chosen."""
    channel: int | None = Field(default=None, ge=0, lt=N_CHANNELS)
    """Channel; none: chosen with the ADC, or all active channels of a given ADC."""
    value: float | None = None
    """Strength in the unit of the kind; none: the usual one."""
    known: bool = False
    """The channel status file tells of it."""
    begin: Share = 0.0
    """Where it begins, as a share of the events."""
    end: Share = 1.0
    """Where it ends."""

    @model_validator(mode="after")
    def _placed(self) -> Fault:
        if self.channel is not None and self.adc is None:
            msg = f"{self.kind}: channel {self.channel} of no ADC; give the ADC as well"
            raise ValueError(msg)
        target = EVERY_FAULT_KIND[self.kind].target
        if self.adc is not None and target == "file":
            msg = f"{self.kind} acts on all ADCs; leave the ADC {self.adc} out"
            raise ValueError(msg)
        if not self.begin < self.end:
            msg = f"{self.kind} from {self.begin:g} to {self.end:g} of the events: ends too early"
            raise ValueError(msg)
        if self.kind in WITHOUT_SPAN and (self.begin, self.end) != (0.0, 1.0):
            msg = f"{self.kind} acts on all events; leave the span out"
            raise ValueError(msg)
        if self.channel is not None and target == "adc":
            msg = f"{self.kind} acts on a whole ADC; leave the channel {self.channel} out"
            raise ValueError(msg)
        return self


PLANTED_FAULTS: Final = TableSchema(
    "PlantedFaults",
    "a planted fault",
    (
        Column("kind", "category", "", "what is wrong", categories=tuple(EVERY_FAULT_KIND)),
        Column("adc", "int32", "", "ADC, -1 for all", at_least=-1, at_most=7),
        Column("channel", "int32", "", "channel, -1 for all active ones", at_least=-1, at_most=63),
        Column("value", "float64", "", "strength, in the unit of the kind"),
        Column("known", "bool", "", "the channel status file tells of it"),
        Column("begin", "float64", "", "where it begins, share of the events", at_least=0),
        Column("end", "float64", "", "where it ends", at_most=1),
    ),
)


class PlantedFault(NamedTuple):
    """A row of PlantedFaults."""

    kind: str
    adc: int
    channel: int
    value: float
    known: bool
    begin: float = 0.0
    end: float = 1.0

    def events(self, n_events: int) -> tuple[int, int]:
        """The first event that has it, and the first one after it."""
        return round(self.begin * n_events), round(self.end * n_events)

    @property
    def throughout(self) -> bool:
        """Whether every event has it."""
        return (self.begin, self.end) == (0.0, 1.0)


def planted(frame: pd.DataFrame) -> list[PlantedFault]:
    """The rows of PlantedFaults."""
    columns = (frame[name].tolist() for name in PLANTED_FAULTS.names)
    return [PlantedFault(*row) for row in zip(*columns, strict=True)]
