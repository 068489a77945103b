"""Readers of detector and simulation files: one per format, in one table.

A reader turns a file and its settings into rows, problems and metadata. Everything that knows
a facility or a program stands in its module and in the configs, nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from ....schemas.imaging.filters import Policy
from ....schemas.imaging.images import SourceRecords
from ....schemas.imaging.reading import ReaderSettings, SourceMetadata
from ....schemas.sources import EventRange, FileRef
from ...file_kinds import HDF5, ROOT, UNPACKED
from . import ngimager_hdf5, novo_ddaq_root, phits_usrdef


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


@dataclass(frozen=True)
class Reader:
    """One format: how it is split, read and described, and what absent settings mean."""

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
    explanation: Explain = nothing_known
    """What may explain a damaged record."""


READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        "phits_usrdef": Reader(
            phits_usrdef.event_ranges,
            phits_usrdef.read,
            phits_usrdef.metadata,
            positions_in_mm=False,
            neutron_policy="time_asc",
            gamma_policy="time_asc",
            record="line",
            kinds=frozenset(UNPACKED),
            explanation=phits_usrdef.explanation,
        ),
        "root_novo_ddaq": Reader(
            novo_ddaq_root.event_ranges,
            novo_ddaq_root.read,
            novo_ddaq_root.metadata,
            positions_in_mm=True,
            neutron_policy="time_asc",
            gamma_policy="energy_desc",
            record="entry",
            kinds=frozenset({ROOT}),
            explanation=novo_ddaq_root.explanation,
        ),
        "hdf5_ngimager": Reader(
            ngimager_hdf5.event_ranges,
            ngimager_hdf5.read,
            ngimager_hdf5.metadata,
            positions_in_mm=False,
            neutron_policy="time_asc",
            gamma_policy="time_asc",
            record="record",
            kinds=frozenset({HDF5}),
        ),
    }
)
