"""A run of any pipeline: settings in, one HDF5 file out, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_args, get_origin

import h5py
import numpy as np
import pandas as pd

from ...nodes.addresses import shown
from ...schemas.errors import InputError
from ...schemas.failures import Failure
from ...schemas.sources import FileRef
from ...schemas.tables import TableSchema
from ..cache.opening import NO_CACHE, CacheOptions, open_cache
from ..config import LoadedConfig
from ..definition import Companion, Definition
from ..files import check_new_files, new_output
from ..files_of_settings import files_of_settings
from ..graph import graph_nodes, visible_nodes
from ..graph_inputs import Context
from ..hdf5_values import write_value
from ..input_paths import output_file
from ..registry import definition_of
from ..runfile.writing import RunRows, Streamed
from ..unchanged import check_unchanged
from .artifacts import (
    Artifact,
    GrowingFiles,
    check_together,
    temporary_places,
    write_hashes,
    write_whole,
)
from .executors import Executor, LocalExecutor, ProcessExecutor
from .failed_files import FailedFile, tell_left_out
from .input_files import NumberedFiles, found_paths, known_files
from .merging import Appended, merge_of, shifted
from .parts import Part, Parts
from .plain_values import plain_value
from .protocol import GraphInputs, NoCarry
from .report import RunReport, node_table
from .run_file import Begun, Layout, begun_run, run_file
from .session import Session

FORMAT_VERSION: Final = "1.1"


@dataclass(frozen=True)
class Asked:
    """Nodes of a run: streamed to the file as parts are done, or wanted whole."""

    streamed: tuple[Streamed, ...]
    whole: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*(item.node for item in self.streamed), *self.whole)


def open_session(
    loaded: LoadedConfig[Any], cache: CacheOptions = NO_CACHE, executor: Executor | None = None
) -> Session:
    """The input of a config, planned; InputError if nothing of it can be used."""
    flow = definition_of(loaded.config)
    opened = open_cache(cache, flow.untracked, flow.packages)
    files: dict[str, NumberedFiles] = {}
    failed: list[FailedFile] = []
    for source, axis in zip(flow.sources, flow.file_axes, strict=True):
        paths = found_paths(loaded, source)
        found, of_role = known_files(
            paths, source, axis, opened, config=loaded.config, rehash=cache.rehash
        )
        files[source.role] = found
        failed += of_role
    context = Context(folder=loaded.path.parent, source_name=loaded.path.stem)
    session = Session(
        flow=flow,
        parts=_parts(flow, loaded.config, files, failed),
        inputs=GraphInputs(
            flow.choices_of(loaded.config, context), flow.values_of(loaded.config, context)
        ),
        cache=opened,
        executor=executor or LocalExecutor(),
        carry=flow.carry(loaded.config) if flow.carry else NoCarry(),
        on_bad_file=loaded.config.io.on_bad_file,
        failed=failed,
        config=loaded.config,
    )
    session.refresh(cache.refreshed)
    return session


def _parts(
    flow: Definition, config: Any, files: Mapping[str, NumberedFiles], failed: list[FailedFile]
) -> Parts:
    """The parts of the files; one that cannot be planned is left out."""
    axes = dict(zip((source.role for source in flow.sources), flow.file_axes, strict=True))
    left = {role: dict(numbered) for role, numbered in files.items()}
    while True:
        try:
            return Parts.of(flow.parts(config, left))
        except InputError as error:
            at_fault = [
                (role, number)
                for role, numbered in left.items()
                for number, ref in numbered.items()
                if ref.path == error.file
            ]
            if not at_fault:
                raise
            role, number = at_fault[0]
            ref = left[role].pop(number)
            reason = _changed(ref) or error
            gone = FailedFile(ref.path, number, reason.message, reason.code, axes[role])
            if not left[role] or config.io.on_bad_file == "fail":
                raise reason from None
            failed.append(gone)
            tell_left_out(gone)


def _changed(ref: FileRef) -> InputError | None:
    """What looks damaged may be a file that is being written."""
    try:
        check_unchanged(ref)
    except InputError as error:
        return error
    return None


def run_pipeline(
    loaded: LoadedConfig[Any],
    *,
    targets: Sequence[str] = (),
    overwrite: bool = False,
    cache: CacheOptions = NO_CACHE,
    progress: Callable[[int], None] | None = None,
    executor: Executor | None = None,
) -> RunReport:
    """Run a config; UsageError, ConfigError or InputError before anything is written.

    Parameters
    ----------
    targets
        Nodes to compute; empty = the outputs of the pipeline up to [pipeline] until.
    overwrite
        Replace an existing output, as does [io] overwrite.
    progress
        Called with the number of records of each part that was done.
    """
    flow = definition_of(loaded.config)
    read = [p for source in flow.sources for p in found_paths(loaded, source)]
    out = output_file(loaded, read)
    is_whole = not targets and loaded.config.pipeline.until == flow.stages[-1]
    asked = flow.companions(loaded.config, loaded.path.parent) if is_whole else ()
    companions = {c.beside(out): c for c in asked}
    artifacts = () if targets else flow.artifacts(loaded.config)
    check_new_files(
        [out, *companions, *(item.place(loaded.config, out) for item in artifacts)],
        [*read, *files_of_settings(loaded)],
        overwrite=overwrite or loaded.config.io.overwrite,
        key="io.output_path",
        setting="[io] overwrite",
    )
    with ExitStack() as stack:
        begun = stack.enter_context(begun_run())
        workers = flow.processes(loaded) if executor is None else 1
        if workers != 1:
            executor = stack.enter_context(ProcessExecutor(workers, cache).lasting())
        return write_run(
            open_session(loaded, cache, executor),
            loaded,
            read,
            out,
            begun,
            companions=companions,
            targets=targets,
            progress=progress,
        )


def write_run(
    session: Session,
    loaded: LoadedConfig[Any],
    read: Sequence[Path],
    out: Path,
    begun: Begun,
    *,
    companions: Mapping[Path, Companion] = MappingProxyType({}),
    targets: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
) -> RunReport:
    """Run a session and write its file, of which nothing is there before it is whole.

    Parameters
    ----------
    read
        The input files as they were named, for the report.
    companions
        Files beside it that are made of it, by place.
    """
    flow = session.flow
    asked = _asked(session, targets)
    artifacts = () if targets else flow.artifacts(loaded.config)
    made = [_with_further(session, i) for i in artifacts if _is_reached(session, i.nodes)]
    with ExitStack() as outputs:
        temporary = outputs.enter_context(new_output(out, key="io.output_path"))
        places = outputs.enter_context(temporary_places(made, loaded.config, out))
        layout = Layout(FORMAT_VERSION, flow.readme)
        with run_file(temporary, session, loaded, layout, begun, targets=targets) as file:
            found = _written(file, session, asked, progress, targets, places)
        for path, companion in companions.items():
            companion.write(temporary, outputs.enter_context(new_output(path)), out)
    session.end_cache()
    named = {target: session.resolved([target])[0] for target in targets}
    report = RunReport(
        pipeline=flow.name,
        input=[shown(path) for path in read],
        output=str(out),
        files=[
            str(out),
            *(str(item.place(loaded.config, out)) for item in made),
            *(str(path) for path in companions),
        ],
        targets=list(asked.names),
        seconds=begun.seconds,
        nodes=node_table(session.manifest, visible_nodes(session.driver), {}),
        failed=session.every_failure,
        values=found,
        asked={t: (node, f"/{place_of(session, node)}") for t, node in named.items()},
    )
    return with_judgement(report, session)


def with_judgement(report: RunReport, session: Session) -> RunReport:
    """The report with the verdict and the summary of a pipeline that has such nodes."""
    flow, values = session.flow, report.values
    verdict = values.get(flow.verdict_node)
    if isinstance(verdict, pd.DataFrame):
        report = replace(report, verdict=plain_value(verdict))
    report = replace(report, summary=values.get(flow.summary_node, report.summary))
    return replace(report, said=list(flow.said(report)))


def _written(
    file: h5py.File,
    session: Session,
    asked: Asked,
    progress: Callable[[int], None] | None,
    targets: Sequence[str],
    places: Sequence[tuple[Artifact, Path]],
) -> dict[str, Any]:
    """Run, and write all that is asked for; the values of what is whole, or asked by name."""
    growing = GrowingFiles(places)
    whole = [name for item, _ in places if item.write is not None for name in item.nodes]
    grown = [name for item, _ in places if item.opened is not None for name in item.nodes]
    with RunRows(file, asked.streamed) as rows, closing(growing):
        sink = _Progress(rows, growing, progress)
        # What is asked for by name is told in the answer too.
        told = asked.names if targets else asked.whole
        wanted = dict.fromkeys((*told, *whole, *session.judging))
        streams = dict.fromkeys((*(item.node for item in asked.streamed), *grown))
        if grown:
            check_together((item for item, _ in places), session.plan(wanted, streams))
        found = session.run(tuple(wanted), tuple(streams), sink)
        rows.finish()
    write_whole(places, found, session.failures)
    write_hashes(file, places)
    for name in asked.whole:
        _write_whole(file, session, name, found[name])
    return found


class _Progress:
    """Hands the parts on and tells how far the run is."""

    def __init__(
        self, rows: RunRows, growing: GrowingFiles, tell: Callable[[int], None] | None
    ) -> None:
        self._rows = rows
        self._growing = growing
        self._tell = tell
        self.begin_file = rows.begin_file
        self.drop_file = rows.drop_file

    def begin_again(self) -> None:
        self._rows.begin_again()
        self._growing.begin_again()

    def __call__(
        self, part: Part, values: Mapping[str, Any], shifts: Mapping[str, Mapping[str, int]]
    ) -> None:
        moved = {name: shifted(v, shifts[name]) for name, v in values.items()}
        self._growing.append(part, moved)
        self._rows.append({name: v for name, v in moved.items() if name in self._rows.nodes})
        if self._tell is not None:
            self._tell(part.n_records)


def _asked(session: Session, targets: Sequence[str]) -> Asked:
    """The nodes that are written: those asked for, or the outputs up to the last stage."""
    flow, nodes = session.flow, graph_nodes(session.driver)
    if targets:
        names = session.resolved(targets)
    else:
        last = flow.stages.index(session.config.pipeline.until)
        there = [n for n in flow.outputs if n in nodes]
        names = [n for n in there if flow.stages.index(nodes[n].tags["stage"]) <= last]
    streamed = {name: _streamed(session, name) for name in names}
    rows = tuple(item for item in streamed.values() if item is not None)
    return Asked(rows, tuple(name for name, item in streamed.items() if item is None))


def _is_reached(session: Session, names: Sequence[str]) -> bool:
    """Whether the graph has some nodes, none of a stage after the last one."""
    flow, nodes = session.flow, graph_nodes(session.driver)
    last = flow.stages.index(session.config.pipeline.until)
    return all(n in nodes and flow.stages.index(nodes[n].tags["stage"]) <= last for n in names)


def _with_further(session: Session, item: Artifact) -> Artifact:
    """An artifact of all its nodes that the graph has."""
    there = tuple(name for name in item.where_there if _is_reached(session, (name,)))
    return replace(item, nodes=(*item.nodes, *there))


def place_of(session: Session, node: str) -> str:
    """Where a node stands in the file: /<stage>/<node>, or where its pipeline says."""
    if node in session.flow.places:
        return session.flow.places[node]
    return f"{graph_nodes(session.driver)[node].tags['stage']}/{node}"


def _streamed(session: Session, name: str) -> Streamed | None:
    """How a node is written part by part; None if it is wanted whole."""
    annotation, table = session.annotation_of(name), session.table_of(name)
    axes = session.flow.scopes[graph_nodes(session.driver)[name].tags.get("scope", "range")]
    if not axes or merge_of(session.flow, name, annotation) is not Appended:
        return None
    if set(axes) & session.flow.keyed:
        return None
    if table is None and get_origin(annotation) is not np.ndarray:
        return None
    dtype = "" if table is not None else np.dtype(get_args(get_args(annotation)[1])[0]).str
    packed = session.flow.packed.get(name)
    return Streamed(
        name,
        f"/{place_of(session, name)}",
        table,
        packed or dtype,
        _summary(session, name),
        str(session.driver.graph.nodes[name].tags.get("unit", "")),
        packed is not None,
    )


def _summary(session: Session, name: str) -> str:
    text = session.driver.graph.nodes[name].documentation or name
    return str(text).strip().split("\n")[0].rstrip(".")


def _write_whole(file: h5py.File, session: Session, name: str, value: Any) -> None:
    """The value of a node; of one that stays apart by key a group a key, without those failed."""
    if isinstance(value, Failure):
        return
    table: TableSchema | None = session.table_of(name)
    values = value if isinstance(value, Mapping) else {"": value}
    for key, item in values.items():
        path = f"{place_of(session, name)}/{str(key).replace('/', '_')}".rstrip("/")
        if isinstance(item, pd.DataFrame) or not isinstance(item, Failure):
            write_value(file, path, item, _summary(session, name), table)
