"""One run of the imaging pipeline: settings in, file, figures and report out.

Nothing is written before the request is known to be possible, and a file appears under its
name only when it is whole.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import pandas as pd

from ...schemas.errors import UsageError
from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.frames import TABLES
from ...schemas.imaging.images import Counts
from ...schemas.imaging.reading import SourceMetadata
from ..cache.opening import NO_CACHE, CacheOptions
from ..config import LoadedConfig
from ..engine.executors import Executor
from ..engine.parts import Part
from ..engine.plain_values import FewRows
from ..engine.report import RunReport
from ..engine.run_file import Begun, begun_run, run_file
from ..engine.session_state import Shifts
from ..files import new_output, replaced_file
from ..hdf5_values import write_value
from ..input_paths import output_file
from ..unchanged import unchanged
from . import metadata, output
from .asked_values import asked_values, place_in_file, streamed_for
from .flights import KINDS, HitChecks
from .places import check_outputs, figure_path, stale_figures
from .problems import metadata_problems, parse_problems, repeated_files, warnings_of
from .reconstruction_output import (
    COMPARISON,
    CONSTANTS,
    FRAME_TARGETS,
    WITHOUT_HYPOTHESES,
    targets_beside,
    write_density_images,
    write_widths,
)
from .requests import (
    Request,
    check_list_mode,
    request_for_stage,
    request_for_targets,
    streams_of,
)
from .restart import copy_kept
from .rows import run_number_of
from .session import ImagingSession, open_session
from .source_text import said_of_sources, warnings_of_focus
from .sources import named_files
from .statuses import node_statuses

log = logging.getLogger("radiograph.run")

OnRange = Callable[[int], None]
_FIRST_ROWS = 5
_FIRST_COLUMNS = 12


def run_imaging(
    loaded: LoadedConfig,
    *,
    targets: Sequence[str] = (),
    overwrite: bool = False,
    cache: CacheOptions = NO_CACHE,
    progress: OnRange | None = None,
    executor: Executor | None = None,
) -> RunReport:
    """Run the pipeline of a config; UsageError, ConfigError or InputError before writing.

    Parameters
    ----------
    targets
        Nodes to compute; empty = everything up to [pipeline] until.
    overwrite
        Replace an existing output, as does [io] overwrite.
    cache
        Which cache to use; none by default.
    progress
        Called with the number of raw events after each range.
    executor
        Where ranges are evaluated; in this process by default.
    """
    config = loaded.config
    with begun_run() as begun:
        sources = named_files(loaded)
        out = output_file(loaded, sources)
        draws = _draws(config, targets)
        check_outputs(loaded, sources, out, overwrite=overwrite, figures=draws)
        session = open_session(config, sources, loaded.path.parent, cache, executor)
        request = _request(session, config, targets)
        _announce(session, out)
        sink = _RunSink(config, FewRows(streamed_for(request)), progress)
        problems: list[dict[str, Any]] = []
        with ExitStack() as stack:
            temporary = stack.enter_context(new_output(out, key="io.output_path"))
            found = _write_file(temporary, session, loaded, request, sink, problems, begun)
            drawn = {**found.get("figures", {}), **found.get(COMPARISON, {})}
            figures = {figure_path(loaded, out, name): content for name, content in drawn.items()}
            for path, content in figures.items():
                stack.enter_context(replaced_file(path)).write_bytes(content)
        session.end_cache()
    counters = _all_counters(found, request).values
    asked = {target: session.resolved([target])[0] for target in targets}
    return RunReport(
        pipeline=config.pipeline.name,
        input=[str(path) for path in sources],
        output=str(out),
        files=[str(path) for path in (out, *figures)],
        targets=list(request.asked),
        start=session.restart.start if session.restart else "",
        counters=dict(counters),
        seconds=begun.seconds,
        nodes=node_statuses(session.driver, session.manifest),
        problems=problems,
        warnings=[
            *warnings_of(counters, config, {p["kind"] for p in problems}),
            *(p["message"] for p in problems if p["kind"] in KINDS),
            *stale_figures(loaded, out, list(figures)),
            *warnings_of_focus(found.get("focus_distance_cm")),
        ],
        failed=session.every_failure,
        said=said_of_sources(found.get("point_sources"), found.get("position_budget")),
        summary=found.get(session.flow.summary_node),
        values=asked_values(request, found, sink.rows_of_targets, counters),
        asked={target: (node, place_in_file(node, request)) for target, node in asked.items()},
    )


def _announce(session: ImagingSession, out: Path) -> None:
    """Say what is read and written."""
    names = [file.ref.path for file in session.files]
    shown = names[0] if len(names) == 1 else f"{len(names)} files, {names[0]} to {names[-1]}"
    n = len(session.ranges)
    log.info("%s: %s of events, to %s", shown, "1 range" if n == 1 else f"{n} ranges", out)
    if session.restart is not None:
        log.info("%s", session.restart.summary)


def _request(session: ImagingSession, config: ImagingConfig, targets: Sequence[str]) -> Request:
    if targets:
        request = request_for_targets(session.driver, session.resolved(targets))
        check_list_mode(session.driver, request.asked, config)
        if config.plane is None:
            needs = session.plan(request.targets, streams_of(request.groups)).needed
            if {"summed_images", "neutron_back_projection", "gamma_back_projection"} & needs:
                msg = "--target asks for an image but there is no [plane]; add [plane] to the file"
                raise UsageError(msg, key="plane")
        return request
    figures = config.vis.export_png_on_write
    start = session.restart.start if session.restart is not None else ""
    made = targets_beside(config, figures=figures, start=start)
    if config.uncertainty.enabled and start in WITHOUT_HYPOTHESES:
        log.warning(
            "[uncertainty] enabled = true: widths of stored cones are not made anew; "
            "restart from events, or from the data"
        )
    return request_for_stage(config.pipeline.until, figures=figures, reconstructed=made)


def _draws(config: ImagingConfig, targets: Sequence[str]) -> bool:
    if targets:
        return bool({"figures", COMPARISON} & set(targets))
    return config.pipeline.until == "image" and config.vis.export_png_on_write


def _write_file(
    path: Path,
    session: ImagingSession,
    loaded: LoadedConfig,
    request: Request,
    sink: _RunSink,
    problems: list[dict[str, Any]],
    begun: Begun,
) -> dict[str, Any]:
    config, groups = loaded.config, request.groups
    layout, asked = metadata.layout_of(config), request.named
    with run_file(path, session, loaded, layout, begun, targets=asked, problems=problems) as file:
        plane = [session.inputs.values.get(n) for n in ("plane_frame", "pixel_grid")]
        problems += metadata.write_meta(file["meta"], loaded, *plane)
        if session.restart is not None:
            if not request.loose:
                kept = [g for g in groups if session.restart.is_copied(g)]
                with unchanged(session.input_files):
                    copy_kept(file, session.restart, kept)
            groups = tuple(g for g in groups if session.restart.is_computed(g))
        with output.ImagingRows(file, groups, config) as rows:
            sink.write_to(rows)
            # Damage is told with the file it is in, so range by range.
            streams = (*streams_of(groups), "parse_problems")
            found = session.run(request.targets, streams, sink)
            found |= _with_totals(found)
            rows.finish(
                sorted({*config.detectors.material_map.values(), config.detectors.default_material})
            )
        problems += [*repeated_files(session.files_left), *sink.problems]
        counts = _all_counters(found, request).values
        problems += sink.checks.problems(session.files_left[0].ref.path, counts)
        said = session.metadata()
        _write_source_metadata(file, session, said, problems)
        if "source_metadata" in request.named:
            found["source_metadata"] = said
        output.write_counters(file, {s: found[n] for s, n in request.counters.items()})
        _write_values(file, found, request, session)
        if session.restart is not None:
            file.require_group("provenance").attrs["restart_stage"] = session.restart.start
    return found


def _with_totals(found: Mapping[str, Any]) -> dict[str, Any]:
    """The sources with their total intervals, where the budget was made."""
    if not {"point_sources", "position_budget"} <= found.keys():
        return {}
    from ...nodes.imaging.refits import with_totals

    return {"point_sources": with_totals(found["point_sources"], found["position_budget"])}


def _write_source_metadata(
    file: h5py.File,
    session: ImagingSession,
    metadata_of: Mapping[int, SourceMetadata],
    problems: list[dict[str, Any]],
) -> None:
    paths = {f.number: f.ref.path for f in session.files}
    for number, said in metadata_of.items():
        problems += metadata_problems(said, paths[number])
        run_number = run_number_of(Path(paths[number]))
        name = session.config.io.input_format
        metadata.write_source_metadata(file, name, said, run_number, number)


class _RunSink:
    """Takes the results of each range: rows to the file, damage to a list, progress to the user."""

    def __init__(
        self, config: ImagingConfig, rows_of_targets: FewRows, progress: OnRange | None
    ) -> None:
        self.problems: list[dict[str, Any]] = []
        self.checks = HitChecks(config)
        self.rows_of_targets = rows_of_targets
        self._checks_before = self.checks
        self._rows: output.ImagingRows
        self._config = config
        self._progress = progress
        self._problems_before = 0
        self._to_show = log.isEnabledFor(logging.DEBUG)

    def write_to(self, rows: output.ImagingRows) -> None:
        """Where the rows go."""
        self._rows = rows

    def begin_file(self) -> None:
        """The ranges of a further file follow."""
        self._problems_before = len(self.problems)
        self._checks_before = copy.deepcopy(self.checks)
        self._rows.begin_file()
        self.rows_of_targets.begin_file()

    def drop_file(self) -> None:
        """Forget what was given since begin_file()."""
        del self.problems[self._problems_before :]
        self.checks = self._checks_before
        self._rows.drop_file()
        self.rows_of_targets.drop_file()

    def begin_again(self) -> None:
        """Forget everything that was given."""
        self.problems.clear()
        self.checks = HitChecks(self._config)
        self._rows.begin_again()
        self.rows_of_targets.begin_again()

    def __call__(self, part: Part, results: Mapping[str, Any], shifts: Shifts) -> None:
        """Take the results of one range."""
        if self._to_show:
            self._to_show = False
            for name, value in results.items():
                if isinstance(value, pd.DataFrame) and len(value):
                    rows = value.head(_FIRST_ROWS).to_string(max_cols=_FIRST_COLUMNS)
                    log.debug("%s, first rows:\n%s", name, rows)
        frame = results["parse_problems"]
        self.problems += parse_problems(frame, part.inputs["source_file"].path, self._config)
        if "hits" in results:
            self.checks.take(results["hits"])
        self._rows(part, results, shifts)
        self.rows_of_targets.take(results, shifts)
        if self._progress is not None:
            self._progress(part.n_records)


def _write_values(
    file: h5py.File, found: Mapping[str, Any], request: Request, session: ImagingSession
) -> None:
    if "summed_images" in found:
        output.write_images(file, found["summed_images"])
    if "projections" in found:
        metrics = found.get("projection_metrics", {})
        output.write_projections(file, found["projections"], metrics, session.config)
    write_density_images(file, found, session.config)
    write_widths(file, found)
    for name in (*FRAME_TARGETS, CONSTANTS, *request.loose):
        if name not in found:
            continue
        node = session.driver.graph.nodes[name]
        summary = (node.documentation or name).strip().split("\n")[0].rstrip(".")
        table = TABLES.get(node.tags.get("schema", ""))
        group = "reconstruction" if name in FRAME_TARGETS else "targets"
        place = "calibration" if name == CONSTANTS else f"{group}/{name}"
        write_value(file, place, found[name], summary, table)


def _all_counters(found: Mapping[str, Any], request: Request) -> Counts:
    return sum((found[node] for node in request.counters.values()), Counts())
