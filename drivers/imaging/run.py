"""One run of the imaging pipeline: settings in, file, figures and report out.

Nothing is written before the request is known to be possible, and a file appears under its
name only when it is whole.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from ...nodes.imaging.readers import READERS
from ...schemas.errors import UsageError
from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.frames import TABLES
from ...schemas.imaging.images import Counts
from ...schemas.sources import EventRange
from ..cache.explaining import remember_settings
from ..cache.opening import NO_CACHE, CacheOptions
from ..config import LoadedConfig, input_path, output_path, resolved_path
from ..execution import RangeResults
from ..files import fault_of_place, replaced_file, writable
from ..hdf5 import new_file
from ..hdf5_values import write_value
from . import metadata, output
from .merging import RowsBefore
from .requests import Request, request_for_stage, request_for_targets
from .session import Session, Sink, open_session
from .statuses import node_statuses

log = logging.getLogger("radiograph.run")

_RUN_NUMBER = re.compile(r"(\d{1,9})\D*$")
_FIRST_ROWS = 5


@dataclass
class RunReport:
    """What a run did, as ``--json`` prints it."""

    output: str
    targets: list[str]
    counters: dict[str, int]
    seconds: float
    nodes: Mapping[str, Any]
    problems: list[dict[str, Any]]
    figures: list[str] = field(default_factory=list)
    input: str = ""
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return vars(self).copy()


def run_imaging(
    loaded: LoadedConfig,
    *,
    targets: Sequence[str] = (),
    overwrite: bool = False,
    cache: CacheOptions = NO_CACHE,
    progress: Sink | None = None,
) -> RunReport:
    """Run the pipeline of a config; UsageError, ConfigError or InputError before writing.

    Parameters
    ----------
    targets
        Nodes to compute; empty = everything up to [pipeline] until.
    overwrite
        Replace an existing output, as does [io] hdf5_overwrite.
    cache
        Which cache to use; none by default.
    progress
        Called after each range of events.
    """
    started = time.perf_counter()
    config = loaded.config
    source, out = input_path(loaded), output_path(loaded)
    check_outputs(loaded, source, out, overwrite=overwrite, figures=_draws(config, targets))
    session = open_session(config, source, loaded.path.parent, cache)
    request = _request(session, config, targets)
    ranges = "1 range" if len(session.ranges) == 1 else f"{len(session.ranges)} ranges"
    log.info("%s: %s of events, to %s", source, ranges, out)
    problems: list[dict[str, Any]] = []
    with ExitStack() as stack:
        stack.enter_context(writable(out))
        temporary = stack.enter_context(replaced_file(out))
        found = _write_file(temporary, session, loaded, request, progress, problems, started)
        drawn = found.get("figures", {})
        figures = {figure_path(loaded, out, name): content for name, content in drawn.items()}
        for path, content in figures.items():
            stack.enter_context(replaced_file(path)).write_bytes(content)
    if session.cache is not None:
        remember_settings(session)
        session.cache.close(config.cache.size_limit_GB)
    counters = _all_counters(found, request)
    return RunReport(
        output=str(out),
        targets=list(request.asked),
        counters=dict(counters.values),
        seconds=round(time.perf_counter() - started, 6),
        nodes=node_statuses(session.driver, session.manifest),
        problems=problems,
        figures=[str(path) for path in figures],
        input=str(source),
        warnings=[*warnings_of(counters.values, config), *_stale(loaded, out, list(figures))],
    )


def _stale(loaded: LoadedConfig, out: Path, drawn: list[Path]) -> list[str]:
    """Figures of an earlier run that stand beside a file they do not belong to."""
    formats = dict.fromkeys(("png", *loaded.config.vis.extra_formats))
    paths = [figure_path(loaded, out, f"{s}.{e}") for s in ("n", "g", "all") for e in formats]
    left = [str(path) for path in paths if path not in drawn and path.exists()]
    return [f"{path} is of an earlier run" for path in left]


def _request(session: Session, config: ImagingConfig, targets: Sequence[str]) -> Request:
    if targets:
        request = request_for_targets(session.driver, session.resolved(targets))
        if "footprints" in request.asked and not config.run.list:
            msg = "--target footprints needs list mode; give --list or set [run] list = true"
            raise UsageError(msg, key="run.list")
        if config.plane is None:
            needs = session.plan(request.targets, request.streams).needed
            if {"summed_images", "neutron_back_projection", "gamma_back_projection"} & needs:
                msg = "--target asks for an image but there is no [plane]; add [plane] to the file"
                raise UsageError(msg, key="plane")
        return request
    figures = config.vis.export_png_on_write
    return request_for_stage(config.pipeline.until, figures=figures)


def _draws(config: ImagingConfig, targets: Sequence[str]) -> bool:
    if targets:
        return "figures" in targets
    return config.pipeline.until == "image" and config.vis.export_png_on_write


def check_outputs(
    loaded: LoadedConfig, source: Path, out: Path, *, overwrite: bool, figures: bool
) -> None:
    """UsageError if a file cannot be written, or would replace another without consent."""
    consent = overwrite or loaded.config.io.hdf5_overwrite
    paths = [out]
    if figures:
        formats = dict.fromkeys(("png", *loaded.config.vis.extra_formats))
        images = _drawn_images(loaded.config)
        paths += [figure_path(loaded, out, f"{s}.{e}") for s in images for e in formats]
    for path in paths:
        fault = fault_of_place(path, (source, loaded.path))
        if fault:
            msg = f"{path}: {fault}. Name another output with -o."
            raise UsageError(msg, file=path, key="io.output_path")
        if path.exists() and not consent:
            msg = (
                f"{path}: exists already. Give --overwrite, set [io] hdf5_overwrite = true, or "
                "name another output with -o."
            )
            raise UsageError(msg, file=path, key="io.output_path", code="output_exists")


def _drawn_images(config: ImagingConfig) -> list[str]:
    """The images that get a figure: those that exist of the ones that [vis] names."""
    is_on = {"n": config.run.neutrons, "g": config.run.gammas, "all": True}
    present = [name for name, on in is_on.items() if on]
    if config.vis.summed_dataset is None:
        return [name for name in present if name in config.vis.species]
    wanted = config.vis.summed_dataset.rstrip("/").rsplit("/", 1)[-1]
    return [wanted] if wanted in present else present[:1]


def figure_path(loaded: LoadedConfig, out: Path, name: str) -> Path:
    """Where the figure ``<image>.<format>`` goes."""
    vis = loaded.config.vis
    species, extension = name.rsplit(".", 1)
    folder = out.parent if vis.png_dir is None else resolved_path(loaded, vis.png_dir)
    return folder / vis.filename_pattern.format(stem=out.stem, species=species, ext=extension)


def _write_file(
    path: Path,
    session: Session,
    loaded: LoadedConfig,
    request: Request,
    progress: Sink | None,
    problems: list[dict[str, Any]],
    started: float,
) -> dict[str, Any]:
    config = loaded.config
    run_number = run_number_of(Path(session.source.path))
    with new_file(path) as file:
        metadata.write_root(file, loaded)
        plane = [session.inputs.values.get(n) for n in ("plane_frame", "pixel_grid")]
        problems += metadata.write_meta(file, loaded, *plane)
        with output.ImagingRows(file, request.groups, config, run_number) as rows:
            found = session.run(request.targets, request.streams, _sink(rows, progress))
            rows.finish(
                sorted({*config.detectors.material_map.values(), config.detectors.default_material})
            )
        problems += parse_problems(found["parse_problems"], session, config)
        problems += metadata_problems(found["source_metadata"], session)
        metadata.write_source_metadata(
            file, config.io.input_format, found["source_metadata"], run_number
        )
        output.write_counters(file, {s: found[n] for s, n in request.counters.items()})
        _write_values(file, found, request, session)
        seconds = time.perf_counter() - started
        metadata.write_provenance(file, session.source, session.manifest, seconds, problems)
    return found


def _sink(rows: output.ImagingRows, progress: Sink | None) -> Sink:
    shown = False

    def sink(event_range: EventRange, results: RangeResults, before: RowsBefore) -> None:
        nonlocal shown
        if not shown and log.isEnabledFor(logging.DEBUG):
            shown = True
            for name, value in results.items():
                if isinstance(value, pd.DataFrame):
                    log.debug("%s, first rows:\n%s", name, value.head(_FIRST_ROWS).to_string())
        rows(event_range, results, before)
        if progress is not None:
            progress(event_range, results, before)

    return sink


def _write_values(
    file: h5py.File, found: Mapping[str, Any], request: Request, session: Session
) -> None:
    if "summed_images" in found:
        output.write_images(file, found["summed_images"])
    if "projections" in found:
        metrics = found.get("projection_metrics", {})
        output.write_projections(file, found["projections"], metrics, session.config)
    for name in request.loose:
        node = session.driver.graph.nodes[name]
        summary = (node.documentation or name).strip().split("\n")[0].rstrip(".")
        table = TABLES.get(node.tags.get("schema", ""))
        write_value(file, f"targets/{name}", found[name], summary, table)


def _all_counters(found: Mapping[str, Any], request: Request) -> Counts:
    return sum((found[node] for node in request.counters.values()), Counts())


def parse_problems(
    frame: pd.DataFrame, session: Session, config: ImagingConfig
) -> list[dict[str, Any]]:
    """Damaged records as problems: each with its line or entry."""
    place = READERS[config.io.input_format].record
    path = session.source.path
    return [
        metadata.problem(
            str(kind),
            path,
            int(count),
            f"{path}: {place} {at}: {str(kind).replace('_', ' ')}; the record is left out",
            **{place: int(at)},
        )
        for kind, at, count in frame.itertuples(index=False)
    ]


def metadata_problems(source: Any, session: Session) -> list[dict[str, Any]]:
    """Branches of the input's metadata that cannot be read."""
    path = session.source.path
    return [
        metadata.problem("unreadable_metadata", path, 1, f"{path}: {name}: {reason}")
        for name, reason in source.unreadable.items()
    ]


def run_number_of(path: Path) -> int:
    """The trailing digits of a file's name; -1 without."""
    found = _RUN_NUMBER.search(path.stem)
    number = int(found.group(1)) if found and path.stem.endswith(found.group(1)) else -1
    return number if number <= np.iinfo(np.int32).max else -1


def warnings_of(counters: Mapping[str, int], config: ImagingConfig) -> list[str]:
    """What a user should know of a run that went through but shows little."""
    warnings = []
    if counters.get("raw_events_total") and not counters.get("hits_after_filters", 1):
        warnings.append("no hit passes the cuts of [filters.hits]")
    elif not counters.get("events_after_filters", 1):
        warnings.append("no event passes: see the counters of [shaping] and [filters.events]")
    elif not counters.get("cones_kept", 1):
        warnings.append("no cone is kept: see candidates_rejected_* and cones_rejected_*")
    if not counters.get("cones_imaged_total", 1):
        warnings.append("no cone lights a pixel: the images are zero")
    for key, species, is_on in (
        ("cones_imaged_n", "neutron", config.run.neutrons),
        ("cones_imaged_g", "gamma", config.run.gammas),
    ):
        if is_on and counters.get("cones_imaged_total") and counters.get(key) == 0:
            warnings.append(f"no {species} cone lights a pixel: the {species} image is zero")
    if counters.get("raw_events_damaged"):
        warnings.append(f"damaged records left out: {counters['raw_events_damaged']}")
    return warnings
