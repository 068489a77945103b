"""The input files of a run: found, checked, known by content and split into ranges.

A file that cannot be used stands in a list with its reason while the others go on; a run of one
file, or of none that can be used, ends with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from ...nodes.file_kinds import UNPACKED, kind_of, what_it_is
from ...nodes.imaging.readers import READERS
from ...schemas.errors import InputError
from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.reading import ReaderSettings
from ...schemas.sources import EventRange, FileRef
from ..cache.content import fingerprint
from ..cache.execution import NodeCache
from ..cache.opening import known_file
from ..config import LoadedConfig
from ..engine.failed_files import FailedFile, usable_files
from ..engine.parts import Part
from ..input_paths import check_place, files_matching, input_paths, key_of_names
from ..unchanged import unchanged

_RANGES: Final = "ranges:"


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


def named_files(loaded: LoadedConfig[ImagingConfig]) -> list[Path]:
    """The input files that the settings name, whether they can be read or not."""
    io = loaded.config.io
    pattern = READERS[io.input_format].pattern

    def of_folder(folder: Path) -> Sequence[Path]:
        # A folder without such files is told of as a file that gives nothing.
        return (files_matching(folder, pattern) if pattern else ()) or [folder]

    return input_paths(loaded, of_folder, otherwise=io.restart_path or "")


def planned_files(
    config: ImagingConfig,
    paths: Sequence[Path],
    settings: ReaderSettings,
    cache: NodeCache | None,
    *,
    rehash: bool = False,
) -> tuple[list[PlannedFile], list[FailedFile]]:
    """The files that can be read and those that cannot.

    InputError if none can; with [io] on_bad_file "fail", if one cannot.
    """

    key = key_of_names(config.io)

    def planned(number: int, path: Path) -> PlannedFile:
        check_place(path, key)
        _check_kind(path, settings)
        file = known_file(path, cache, rehash=rehash)
        return PlannedFile(file, tuple(_ranges(config, file, settings, cache)), number)

    files, failed = usable_files(paths, planned, must_all=config.io.on_bad_file == "fail")
    return list(files.values()), failed


def parts_of(files: Sequence[PlannedFile]) -> Iterator[Part]:
    """The files and their ranges."""
    for file in files:
        yield Part({"file": file.number}, {"source_file": file.ref})
        for k, events in enumerate(file.ranges):
            at = {"file": file.number, "range": k}
            yield Part(at, {"event_range": events}, events.n_events)


def _check_kind(path: Path, settings: ReaderSettings) -> None:
    """InputError if the first bytes say that a file is of another kind than its format."""
    kind, name = kind_of(path), settings.input_format
    if not kind or kind in READERS[name].kinds:
        return
    takers = {n: r for n, r in READERS.items() if kind in r.kinds and kind not in UNPACKED}
    msg = f"{path}: {what_it_is(kind)}{f', not {name}' if takers else ''}."
    for begin, is_raw in (("Set", True), ("To begin from an earlier run, set", False)):
        offered = [f'"{n}"' for n, r in takers.items() if bool(r.pattern) == is_raw]
        if offered:
            msg += f" {begin} [io] input_format = {' or '.join(offered)}."
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
