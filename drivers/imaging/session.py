"""Input files of imaging, planned and ready to be asked for nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.reading import SourceMetadata
from ...schemas.sources import EventRange
from ..cache.opening import NO_CACHE, CacheOptions, open_cache
from ..config import LoadedConfig
from ..engine.executors import Executor, LocalExecutor
from ..engine.parts import Parts
from ..engine.phases import Plan, streamed_together
from ..engine.session import Session
from ..registry import definition
from .carry import ImagingCarry
from .input_values import reader_settings
from .inputs import graph_inputs
from .restart import Restart, opened_restart
from .sources import PlannedFile, named_files, parts_of, planned_files


@dataclass(kw_only=True)
class ImagingSession(Session):
    """A config and its input files; ``restart`` says what an earlier run gives."""

    config: ImagingConfig
    files: Sequence[PlannedFile]
    restart: Restart | None = None

    @property
    def files_left(self) -> list[PlannedFile]:
        """The files that have not failed so far."""
        gone = {f.number for f in self.failed}
        return [file for file in self.files if file.number not in gone]

    @property
    def ranges(self) -> list[EventRange]:
        """The ranges of every file, in order."""
        return [r for file in self.files for r in file.ranges]

    def plan(self, targets: Iterable[str], streams: Iterable[str] = ()) -> Plan:
        """The phases of a run; rows of a range are written together, in its last sweep."""
        streams = tuple(streams)
        plan = super().plan(targets, streams)
        numbered = self.numbered(streams).values()
        rows = {to for columns in numbered for to in columns.values()}
        return streamed_together(plan, frozenset({*rows, *self.carry.needs(plan.needed)}))

    def metadata(self) -> dict[int, SourceMetadata]:
        """What each file says of itself, by the number of the file."""
        found: dict[int, SourceMetadata] = self.run(["source_metadata"])["source_metadata"]
        return found


def open_session(
    config: ImagingConfig,
    sources: Path | Sequence[Path],
    folder: Path,
    cache: CacheOptions = NO_CACHE,
    executor: Executor | None = None,
) -> ImagingSession:
    """Plan a run over some files; InputError for missing, empty or wrong-kind files.

    Of several files those that can be read are used; the others stand in ``failed``.
    """
    paths = [sources] if isinstance(sources, Path) else list(sources)
    flow = definition("imaging")
    opened = open_cache(cache, flow.untracked, flow.packages)
    settings = reader_settings(config)
    files, failed = planned_files(config, paths, settings, opened, rehash=cache.rehash)
    restart = opened_restart(config, paths)
    session = ImagingSession(
        flow=flow,
        parts=Parts.of(parts_of(files)),
        inputs=graph_inputs(config, folder, source_name=_shown(paths), restart=restart),
        cache=opened,
        executor=executor or LocalExecutor(),
        carry=ImagingCarry.of_start(config, settings, sum(len(f.ranges) for f in files)),
        on_bad_file=config.io.on_bad_file,
        failed=failed,
        config=config,
        files=files,
        restart=restart,
    )
    session.refresh(cache.refreshed)
    return session


def named_session(loaded: LoadedConfig[ImagingConfig], cache: CacheOptions) -> ImagingSession:
    """A session of the files that settings name."""
    return open_session(loaded.config, named_files(loaded), loaded.path.parent, cache)


def _shown(paths: Sequence[Path]) -> str:
    """The input as a figure names it."""
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0].name}{more}"
