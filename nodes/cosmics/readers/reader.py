"""What a reader of event files is, and the leaves that columns are made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from ....schemas.cosmics.columns import EventColumns, FileFacts
from ....schemas.errors import InputError, RadiographError
from ....schemas.sources import EventRange
from ...addresses import shown

_XYZ: Final = ("fX", "fY", "fZ")
SCALARS: Final = ("evtinfo.run", "evtinfo.subrun", "evtinfo.event")
PER_TRACK: Final = ("trk.pdg", "trk.nactive", "trkqual.result")
PER_SEGMENT: Final = (
    "trksegs.sid",
    "trksegs.time",
    *(f"trksegs.mom.fCoordinates.{c}" for c in _XYZ),
    "trksegs.momerr",
)
HELIX: Final = ("trksegpars_lh.maxr", "trksegpars_lh.d0", "trksegpars_lh.t0err")
HELIX_CIRCLE: Final = ("trksegpars_lh.rad", "trksegpars_lh.cx", "trksegpars_lh.cy")
"""What maxr and d0 are made of where a file has none."""
PER_TRUE_PARTICLE: Final = (
    *(f"trkmcsim.{n}" for n in ("nhits", "pdg", "rank", "startCode", "gen")),
    *(f"trkmcsim.mom.fCoordinates.{c}" for c in _XYZ),
)
PER_COINCIDENCE: Final = (
    *(f"crvcoincs.{n}" for n in ("time", "timeStart", "timeEnd")),
    *(f"crvcoincs.pos.fCoordinates.{c}" for c in _XYZ),
    *(f"crvcoincs.{n}" for n in ("PEs", "nHits", "nLayers", "sectorType")),
)
ALWAYS: Final = SCALARS
"""Leaves that every use needs: an event without its number is none."""


class Read(Protocol):
    """Reads a range of events."""

    def __call__(self, path: Path, events: EventRange, tree: str) -> EventColumns: ...


class NEvents(Protocol):
    """Counts the events of a file."""

    def __call__(self, path: Path, tree: str) -> int: ...


class Facts(Protocol):
    """Reads what a file says of itself."""

    def __call__(self, path: Path, tree: str) -> FileFacts: ...


@dataclass(frozen=True)
class EventReader:
    """One format."""

    n_events: NEvents
    read: Read
    facts: Facts


@contextmanager
def damage_told(path: Path, what: str) -> Iterator[None]:
    """InputError, with file and place, for whatever a library raises at damaged bytes."""
    try:
        yield
    except RadiographError:
        raise
    except MemoryError:
        raise
    except Exception as reason:  # damaged bytes raise anything from zlib.error to IndexError
        kind = type(reason)
        name = (
            kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
        )
        msg = (
            f"{shown(path)}: {what} cannot be read ({name}): cut off or damaged. "
            "Copy the file again, or leave it out."
        )
        raise InputError(msg, file=path, code="damaged") from None
