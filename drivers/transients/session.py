"""A run of a campaign as parts: ranges of recordings, known beforehand or while they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from ...nodes.transients.frequencies import check_rate
from ...nodes.transients.readers.archive import ArchiveStream, End, RecordingStreams
from ...nodes.transients.readers.older_hdf5 import older_members
from ...schemas.errors import InputError
from ...schemas.failures import Failure
from ...schemas.sources import FileRef, FileRefs
from ...schemas.transients.config import TransientsConfig
from ...schemas.transients.layout import parsed_recording, run_name
from ...schemas.transients.recordings import RecordingRange
from ..cache.execution import NodeCache
from ..cache.opening import NO_CACHE, CacheOptions, known_file, open_cache
from ..config import LoadedConfig
from ..engine.executors import Executor, LocalExecutor
from ..engine.parts import Part, Parts
from ..engine.protocol import GraphInputs
from ..engine.session import Session
from ..files import sampled_file_ref
from ..graph_inputs import Context
from ..input_paths import check_place
from ..registry import definition_of
from ..unchanged import check_unchanged
from .campaign import Campaign, RunFiles, opened_campaign, runs_of
from .restarting import Earlier, earlier_run
from .run_inputs import guard_samples, run_inputs

_INDEX: Final = "recordings:"
_ALL: Final = 1 << 62
# Rows of an earlier run that are read at a time: of windows alone a row is small.
_WINDOW_ROWS: Final = 4096


def first_session(loaded: LoadedConfig[TransientsConfig], cache: CacheOptions) -> Session:
    """The session of the first run that the settings ask for."""
    campaign = opened_campaign(loaded)
    return run_session(loaded, campaign, runs_of(campaign)[0], cache)


def run_session(
    loaded: LoadedConfig[TransientsConfig],
    campaign: Campaign,
    run: RunFiles,
    cache: CacheOptions = NO_CACHE,
    executor: Executor | None = None,
) -> Session:
    """A run of a campaign, ready to be asked for nodes; InputError if its data cannot be read."""
    config = loaded.config
    flow = definition_of(config)
    earlier = earlier_run(run.paths[0], config) if run.kind == "radiograph_hdf5" else None
    row = campaign.metadata(run)
    opened = open_cache(cache, flow.untracked, flow.packages)
    context = Context(loaded.path.parent, run_name(run.number), restart=run.number)
    fpga = tuple(known_file(path, opened) for path in run.fpga_files)
    values = {
        **flow.values_of(config, context),
        "run_number": run.number,
        "logbook_row": row,
        "fpga_files": FileRefs(fpga),
    }
    parts: Iterable[Part] = ()
    cut: list[Failure] = []
    choices = flow.choices_of(config, context)
    values["earlier_files"] = FileRefs()
    if earlier is not None:
        values["earlier_files"] = FileRefs((known_file(earlier.path, opened),))
        choices["start"] = earlier.start
    if row.sdr_data:
        _check_lengths(campaign, run, config)
        values |= run_inputs(row, config)
        check_rate(values["recording_form"], config.transients.demodulation)
        limits = _Limits(config.run.chunk_events, config.run.max_events or _ALL)
        ranges = _Ranges(run, limits, opened, values["recording_streams"], earlier)
        parts = ranges.parts(rehash=cache.rehash)
        cut = ranges.cut
    session = Session(
        flow=flow,
        parts=Parts.of(parts),
        inputs=GraphInputs(choices, values),
        cache=opened,
        executor=executor or LocalExecutor(),
        on_bad_file=config.io.on_bad_file,
        config=config,
    )
    for failure in cut:
        session.note_cut(failure)
    session.refresh(cache.refreshed)
    return session


def _check_lengths(campaign: Campaign, run: RunFiles, config: TransientsConfig) -> None:
    if campaign.logbook is not None:
        transients = config.transients
        campaign.logbook.check_lengths(
            campaign.metadata(run),
            guard=guard_samples(config),
            taps=transients.demodulation.taps,
            window=transients.windows.length,
            step=transients.windows.step,
        )


class _Limits(NamedTuple):
    """Recordings of a range, and of the whole run, at most."""

    chunk: int
    most: int


class _Ranges:
    """The ranges of a run: of an archive known while it is read once, then remembered."""

    def __init__(
        self,
        run: RunFiles,
        limits: _Limits,
        cache: NodeCache | None,
        streams: RecordingStreams,
        earlier: Earlier | None,
    ) -> None:
        self._run = run
        self._chunk, self._most = limits
        self._cache = cache
        self._streams = streams
        self._earlier = earlier
        self._known_as = ""
        self._files: tuple[FileRef, ...] = ()
        self.cut: list[Failure] = []

    def parts(self, *, rehash: bool = False) -> list[Part]:
        """The parts that are known; InputError if the source cannot be read."""
        if self._run.kind == "archive":
            for path in self._run.paths:
                check_place(path, "io.input_path")
            paths = self._run.paths
            self._files = tuple(
                known_file(p, self._cache, rehash=True) if rehash else sampled_file_ref(p)
                for p in paths
            )
            return self._of_archive()
        if self._run.kind == "folder":
            return self._of_folder(rehash=rehash)
        if self._earlier is not None:
            return self._of_earlier_run(self._earlier, rehash=rehash)
        return self._of_older_file(rehash=rehash)

    def _of_archive(self) -> list[Part]:
        known = None
        if self._cache is not None:
            identity = [(f.content_hash for f in self._files), (str(self._run.number),)]
            self._known_as = _INDEX + self._cache.derived(
                ArchiveStream, "recordings", [tuple(part) for part in identity]
            )
            known = self._cache.remembered(self._known_as)
        if known is None:
            return [self._archive_part(0, is_open=True)]
        self._note(known["n"], End(0, known["problem"], known["at_byte"]))
        firsts = range(0, max(min(known["n"], self._most), 1), self._chunk)
        return [self._archive_part(first, is_open=False) for first in firsts]

    def _archive_part(self, first: int, *, is_open: bool) -> Part:
        place = RecordingRange("archive", (), first, min(self._chunk, self._most - first))

        def then() -> Iterator[Part | Failure]:
            yield from self._after(first)

        return self._part(place, self._files, then if is_open else None)

    def _part(self, place: RecordingRange, files: Sequence[FileRef], then: Any = None) -> Part:
        at = {"file": self._run.number, "range": place.first // self._chunk}
        inputs = {"source_files": FileRefs(tuple(files)), "recording_range": place}
        affinity = run_name(self._run.number) if place.kind == "archive" else ""
        return Part(at, inputs, place.count, then, affinity)

    def _after(self, first: int) -> Iterator[Part | Failure]:
        """What follows a range of an archive that is read for the first time."""
        following = first + self._chunk
        if following >= self._most:
            return
        paths = [f.path for f in self._files]
        stream = self._streams.at(paths, self._run.number, following)
        found = stream.peek()
        if not isinstance(found, End):
            yield self._archive_part(following, is_open=True)
            return
        n = stream.position
        if self._cache is not None:
            # What was read since the last node compared them may be of another content.
            for file in self._files:
                check_unchanged(file)
            record = {"n": n, "problem": found.problem, "at_byte": found.at_byte}
            self._cache.remember(self._known_as, record)
        self._note(n, found)
        yield from self.cut

    def _note(self, n: int, end: End) -> None:
        if end.problem:
            msg = (
                f"{self._run.paths[-1]}: the archive is cut in member {n} from byte {end.at_byte} "
                f"of its content ({end.problem}); the {n} recordings before are used. Fetch it "
                "again."
            )
            self.cut = [Failure({"run": run_name(self._run.number)}, "", "archive_cut", msg)]

    def _of_folder(self, *, rehash: bool) -> list[Part]:
        root = self._run.root
        assert root is not None
        paths = sorted(p for p in root.rglob("*") if p.is_file())
        members = [f"{root.name}/{p.relative_to(root).as_posix()}" for p in paths]
        found = [
            (path, member)
            for path, member in zip(paths, members, strict=True)
            if (name := parsed_recording(member)) is not None and name.run == self._run.number
        ]
        if not found:
            msg = f"{root}: holds no recordings (x_NNNNNN/y_NNNNNN/trig_NNNNNN.dat)."
            raise InputError(msg, file=root, code="no_recordings")
        found, n_foreign_files = found[: self._most], len(paths) - len(found)
        parts = []
        for first in range(0, len(found), self._chunk):
            some = found[first : first + self._chunk]
            names = tuple(member for _, member in some)
            files = [known_file(path, self._cache, rehash=rehash) for path, _ in some]
            n_foreign = 0 if first else n_foreign_files
            place = RecordingRange("folder", names, first, len(some), n_foreign)
            parts.append(self._part(place, files))
        return parts

    def _of_earlier_run(self, earlier: Earlier, *, rehash: bool) -> list[Part]:
        check_place(earlier.path, "io.input_path")
        file = known_file(earlier.path, self._cache, rehash=rehash)
        n = min(earlier.count, self._most)
        chunk = self._chunk if earlier.has_samples else max(self._chunk, _WINDOW_ROWS)
        return [
            self._part(
                RecordingRange(
                    "radiograph_hdf5", (), first, min(chunk, n - first),
                    0 if first else earlier.n_foreign,
                ),
                [file],
            )
            for first in range(0, max(n, 1), chunk)
        ]  # fmt: skip

    def _of_older_file(self, *, rehash: bool) -> list[Part]:
        (path,) = self._run.paths
        check_place(path, "io.input_path")
        file = known_file(path, self._cache, rehash=rehash)
        members = older_members(path)[: self._most]
        return [
            self._part(
                RecordingRange("ml4see_hdf5", tuple(some), first, len(some)),
                [file],
            )
            for first in range(0, max(len(members), 1), self._chunk)
            if (some := members[first : first + self._chunk]) or first == 0
        ]
