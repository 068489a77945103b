"""``radiograph transients status``: how far each run of a campaign is. Nothing is read whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ....schemas.errors import InputError
from ....schemas.transients.layout import run_name
from ....schemas.transients.manifest import Archive
from .extracting import MEMBERS
from .ledger import Ledger
from .partial import PART
from .places import CampaignPlaces

_FEATURES: Final = "features/features"
_INPUTS: Final = "provenance/inputs"


@dataclass(frozen=True)
class RunStatus:
    """How far a run is.

    Attributes
    ----------
    parts, fetched, verified
        Files of the archive; those that have their name; those whose md5 was found right and that
        have not changed since (without an md5: that were read whole).
    bytes
        Of all that is here, unfinished transfers included.
    joined
        Whether the joined parts were verified; None where there is nothing to join.
    extracted, recordings
        Whether the archive is unpacked, and how many files it gave; None where not known.
    features
        Rows of features in the run file; None without one.
    output, output_at_utc
        The run file and when it was written; empty without one.
    stale
        Whether a file that the run read is gone, of another size, or younger than the run file;
        None without one.
    """

    run: str
    parts: int
    bytes: int
    fetched: int
    verified: int
    joined: bool | None
    extracted: bool
    recordings: int | None
    features: int | None
    output: str
    output_at_utc: str
    stale: bool | None

    def plain(self) -> dict[str, Any]:
        """As an answer to a machine."""
        return dict(vars(self))


def statuses(archives: Sequence[Archive], places: CampaignPlaces) -> list[RunStatus]:
    """The state of each archive, in the order of the manifest."""
    ledger = Ledger(places.ledger, read_only=True)
    return [_status(archive, places, ledger) for archive in archives]


def _status(archive: Archive, places: CampaignPlaces, ledger: Ledger) -> RunStatus:
    paths = [places.file(part) for part in archive.parts]
    here = [path for path in paths if path.is_file()]
    unfinished = [path.with_name(path.name + PART) for path in paths]
    known = [ledger.known(path) for path in paths]
    right = [
        one is not None and part.md5 in ("", one.md5)
        for part, one in zip(archive.parts, known, strict=True)
    ]
    joined = None
    if archive.split and archive.md5:
        sums = tuple(one.md5 for one in known if one is not None)
        joined = all(right) and ledger.joined_md5(archive.name, sums) == archive.md5
    target = places.unpacked(archive)
    extracted = (target / MEMBERS).is_file()
    unpacked = ledger.unpacked(archive.name) if extracted else None
    output = (
        places.outputs / f"{run_name(archive.number)}.h5" if archive.number is not None else None
    )
    written = output is not None and output.is_file()
    at = output.stat().st_mtime if written and output is not None else 0.0
    return RunStatus(
        archive.name,
        parts=len(paths),
        bytes=sum(p.stat().st_size for p in (*here, *(u for u in unfinished if u.is_file()))),
        fetched=len(here),
        verified=sum(right),
        joined=joined,
        extracted=extracted,
        recordings=None if unpacked is None else unpacked.members,
        features=_feature_rows(output) if written and output is not None else None,
        output=str(output) if written else "",
        output_at_utc=f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}" if written else "",
        stale=_is_stale(output, at, here) if written and output is not None else None,
    )


def _is_stale(output: Path, written_s: float, archive: Sequence[Path]) -> bool:
    """Whether what a run file was made of has changed; its inputs are those that it names."""
    for path, size in _inputs(output) or [(path, None) for path in archive]:
        try:
            state = path.stat()
        except OSError:
            return True
        if state.st_mtime > written_s or size not in (None, state.st_size):
            return True
    return False


def _inputs(output: Path) -> list[tuple[Path, int | None]]:
    """Paths and sizes of the files that a run file names as its inputs."""
    from ....nodes.hdf5_heaps import opened_hdf5

    try:
        with opened_hdf5(output) as file:
            paths, sizes = file[f"{_INPUTS}/path"].asstr()[:], file[f"{_INPUTS}/size"][:]
            return [(Path(path), int(n)) for path, n in zip(paths, sizes, strict=True)]
    except (OSError, KeyError, TypeError, ValueError, InputError):
        return []


def _feature_rows(path: Path) -> int | None:
    """Rows of the features of a run file; None if it has none, or cannot be read."""
    import h5py

    from ....nodes.hdf5_heaps import opened_hdf5

    try:
        with opened_hdf5(path) as file:
            group = file.get(_FEATURES)
            if isinstance(group, h5py.Group):
                columns = [one for one in group.values() if isinstance(one, h5py.Dataset)]
                return len(columns[0]) if columns and columns[0].shape else None
            return len(group) if isinstance(group, h5py.Dataset) and group.shape else None
    except (OSError, InputError):
        return None


def table(found: Sequence[RunStatus]) -> str:
    """One line a run under a header."""
    header = (
        "run",
        "parts",
        "fetched",
        "verified",
        "bytes",
        "extracted",
        "files",
        "features",
        "output",
    )
    rows = [header, *(_row(one) for one in found)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _row(one: RunStatus) -> tuple[str, ...]:
    verified = f"{one.verified}/{one.parts}"
    if one.joined is not None:
        verified += " joined" if one.joined else " not joined"
    output = f"{one.output_at_utc}{' (stale)' if one.stale else ''}" if one.output else "no"
    return (
        one.run,
        str(one.parts),
        f"{one.fetched}/{one.parts}",
        verified,
        f"{one.bytes:,}",
        "yes" if one.extracted else "no",
        "-" if one.recordings is None else str(one.recordings),
        "-" if one.features is None else str(one.features),
        output,
    )
