"""What a reader of input files is: all that the program asks of a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ....schemas.imaging.filters import Policy
from ....schemas.imaging.images import SourceRecords
from ....schemas.imaging.reading import ReaderSettings, SourceMetadata
from ....schemas.sources import EventRange, FileRef


class PlanRanges(Protocol):
    """Splits a file into ranges of whole raw events."""

    def __call__(
        self, path: Path, events_per_range: int, settings: ReaderSettings
    ) -> list[EventRange]: ...


class Read(Protocol):
    """Reads one range of raw events; what it finds does not depend on ``threads``."""

    def __call__(
        self, source: FileRef, events: EventRange, settings: ReaderSettings, threads: int = 1
    ) -> SourceRecords: ...


class Explain(Protocol):
    """Why the record at a place may be damaged, with the repair; empty where nothing is known."""

    def __call__(self, path: Path, place: int, settings: ReaderSettings, /) -> str: ...


def nothing_known(path: Path, place: int, settings: ReaderSettings) -> str:
    """The explanation of formats that have none."""
    return ""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One format: how it is known, split, read and described, and what absent settings mean."""

    event_ranges: PlanRanges
    read: Read
    metadata: Callable[[FileRef, ReaderSettings], SourceMetadata]
    positions_in_mm: bool
    neutron_policy: Policy
    gamma_policy: Policy
    record: str
    """What ``problems`` counts places in: ``line``, ``entry`` or ``record``."""
    kinds: frozenset[str]
    """What the first bytes may say that the file is (file_kinds); they may also say nothing."""
    pattern: str
    """Names that its files arrive under in a watched folder; empty: none arrives, as it is the
    output of an earlier run."""
    light_is_deposited: bool = False
    """Its light is the deposited energy, to which no light response belongs."""
    explanation: Explain = nothing_known
    """What may explain a damaged record."""
