"""The input files of a run: found, checked, known by content and split into ranges.

A file that cannot be used stands in a list with its reason while the others go on; a run of one
file, or of none that can be used, ends with the reason.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from ...nodes.imaging.readers import READERS
from ...schemas.errors import InputError
from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.reading import ReaderSettings
from ...schemas.sources import EventRange, FileRef
from ..cache.content import fingerprint
from ..cache.execution import NodeCache
from ..cache.opening import known_file
from ..unchanged import unchanged

log = logging.getLogger("radiograph.run")

_RANGES: Final = "ranges:"
_HDF5_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class PlannedFile:
    """One input file: its content, its ranges of raw events, its place among all that were given.

    ``number`` counts from 0 over every file of the run, also those that failed.
    """

    ref: FileRef
    ranges: tuple[EventRange, ...]
    number: int = 0

    @property
    def n_events(self) -> int:
        """How many raw events its ranges hold."""
        return sum(r.n_events for r in self.ranges)


@dataclass(frozen=True)
class Chunk:
    """The unit of execution: a range of raw events of one file."""

    file: PlannedFile
    event_range: EventRange


@dataclass(frozen=True)
class FailedFile:
    """An input file that gives nothing, and why."""

    path: str
    number: int
    message: str


def planned_files(
    config: ImagingConfig,
    paths: Sequence[Path],
    settings: ReaderSettings,
    cache: NodeCache | None,
    *,
    rehash: bool = False,
) -> tuple[list[PlannedFile], list[FailedFile]]:
    """The files that can be read and those that cannot; InputError if none can."""
    planned: list[PlannedFile] = []
    failed: list[FailedFile] = []
    for number, path in enumerate(paths):
        try:
            _check_place(path)
            _check_kind(path, settings)
            file = known_file(path, cache, rehash=rehash)
            ranges = _ranges(config, file, settings, cache)
        except InputError as error:
            if len(paths) == 1:
                raise
            failed.append(FailedFile(str(path), number, error.message))
            continue
        planned.append(PlannedFile(file, tuple(ranges), number))
    if not planned:
        raise none_left(failed)
    for left in failed:
        tell_left_out(left)
    return planned, failed


def tell_left_out(file: FailedFile) -> None:
    """Say that a run goes on without a file: as an error, so that --quiet says it too."""
    log.error("left out: %s", file.message)


def none_left(failed: Sequence[FailedFile]) -> InputError:
    """What is raised when no file of several could be used."""
    reasons = "\n".join(f"  {f.message}" for f in failed)
    msg = f"none of the {len(failed)} input files can be used:\n{reasons}"
    return InputError(msg, file=failed[0].path, key="io.input_path")


def _check_place(path: Path) -> None:
    if path.is_dir():
        msg = f"{path}: is a folder. Give a file in it."
        raise InputError(msg, file=path, key="io.input_path")
    if not path.exists():
        msg = f"{path}: no such file. Set [io] input_path or give --input-path."
        raise InputError(msg, file=path, key="io.input_path")
    if path.stat().st_size == 0:
        msg = f"{path}: the file is empty (0 bytes). Give another file."
        raise InputError(msg, file=path, key="io.input_path")


def _check_kind(path: Path, settings: ReaderSettings) -> None:
    with path.open("rb") as stream:
        is_hdf5 = stream.read(len(_HDF5_SIGNATURE)) == _HDF5_SIGNATURE
    if is_hdf5 and settings.input_format != "hdf5_ngimager":
        msg = (
            f"{path}: is an HDF5 file, not {settings.input_format}. To begin from an earlier run, "
            'set [io] input_format = "hdf5_ngimager".'
        )
        raise InputError(msg, file=path, key="io.input_format")


def _ranges(
    config: ImagingConfig, file: FileRef, settings: ReaderSettings, cache: NodeCache | None
) -> Sequence[EventRange]:
    """The ranges of a file; with a cache they are looked for once for the same content."""
    event_ranges = READERS[settings.input_format].event_ranges
    events, name = config.run.chunk_events, ""
    if cache is not None:
        identity = [(file.content_hash, str(file.size)), (fingerprint(settings), str(events))]
        name = _RANGES + cache.derived(event_ranges, "event_ranges", identity)
        known = cache.remembered(name)
        if isinstance(known, list):
            return [EventRange(*numbers) for numbers in known]
    with unchanged([file]):
        ranges = event_ranges(Path(file.path), events, settings)
    if not ranges:
        msg = (
            f"{file.path}: holds no raw event in the format {settings.input_format}. Give another "
            f"file, or set [io] input_format to its format: {', '.join(READERS)}."
        )
        raise InputError(msg, file=Path(file.path), key="io.input_format")
    if cache is not None:
        cache.remember(name, [astuple(r) for r in ranges])
    return ranges
