"""/meta of an imaging file: plane, bars, texts, what the input says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.reading import SourceMetadata
from ..config import LoadedConfig, resolved_path
from ..engine.run_file import Layout
from ..hdf5 import write_array, write_text
from .layout import FORMAT_VERSION

README: Final = """Radiograph imaging output. Every dataset carries 'units' and 'description'.

/images/summed      counts per pixel (rows v, columns u): n, g, all; projections and metrics
/cones              one row a cone: apex, axis, theta, energies, event_index
/candidates         every hypothesis of every event, with score and status
/lm                 events and their hits (event_index is the row), survival, footprints
/hits               every hit before the cuts, with the reason why it left
/raw_events         which raw events were read whole
/truth              true reactions of a simulation, where the input has them
/targets            other nodes that were asked for by name
/meta               plane, settings, counters, texts
/provenance         versions, input files by content, what became of each node
Positions in cm, times in ns, energies in MeV, light in MeVee, angles in rad.
"""


def layout_of(config: ImagingConfig) -> Layout:
    """What the file of a run says of itself."""
    return Layout(
        FORMAT_VERSION,
        README,
        with_config=config.hdf5.include_config,
        with_sources=config.hdf5.include_repo_bundle,
    )


def write_meta(
    meta: h5py.Group, loaded: LoadedConfig, frame: PlaneFrame | None, grid: PixelGrid | None
) -> list[dict[str, Any]]:
    """What /meta tells of the run without counters; returns problems of extra text files."""
    config = loaded.config
    if frame is not None and grid is not None:
        _write_plane(meta, frame, grid)
    meta.attrs["run_fast"] = config.run.fast
    meta.attrs["run_list"] = config.run.list
    meta.attrs["run_neutron"] = config.run.neutrons
    meta.attrs["run_gamma"] = config.run.gammas
    meta.attrs["run_stop_stage"] = config.pipeline.until
    if config.run.plot_label:
        meta.attrs["run_plot_label"] = config.run.plot_label
    if config.run.meta or config.run.plot_label:
        run_meta = meta.require_group("run_meta")
        for key, value in {**config.run.meta, "plot_label": config.run.plot_label}.items():
            if value is not None:
                write_text(run_meta, _safe(key), str(value), "from [run]")
                run_meta.attrs[_safe(key)] = value
    _write_bars(meta, config)
    return _write_extra_texts(meta, loaded)


def _write_plane(meta: h5py.Group, frame: PlaneFrame, grid: PixelGrid) -> None:
    for key, vector in (
        ("P0", frame.origin_cm),
        ("n", frame.normal),
        ("eu", grid.u_axis),
        ("ev", grid.v_axis),
    ):
        meta.attrs[f"plane.{key}"] = np.array(vector)
    for axis in ("u", "v"):
        meta.attrs[f"grid.{axis}_min"] = getattr(grid, f"{axis}_min_cm")
        meta.attrs[f"grid.{axis}_max"] = getattr(grid, f"{axis}_max_cm")
        meta.attrs[f"grid.d{axis}"] = getattr(grid, f"d{axis}_cm")
        meta.attrs[f"grid.n{axis}"] = getattr(grid, f"n{axis}")


def _write_bars(meta: h5py.Group, config: ImagingConfig) -> None:
    bars = config.detectors.geometry.bars
    if not bars:
        return
    group = meta.require_group("bars")
    write_array(group, "det_id", [b.det_id for b in bars], "", "detector of the bar")
    write_array(group, "center_cm", [b.center for b in bars], "cm", "centre of the bar")
    write_array(group, "axis", [b.axis for b in bars], "", "direction of the long side")
    write_array(group, "length_cm", [b.length for b in bars], "cm", "length of the long side")
    sizes = [b.size if isinstance(b.size, tuple) else (b.size, b.size) for b in bars]
    write_array(group, "size_cm", sizes, "cm", "width and height of the cross-section")


def _write_extra_texts(meta: h5py.Group, loaded: LoadedConfig) -> list[dict[str, Any]]:
    problems = []
    for key, value in loaded.config.io.extra_text_files.items():
        path = resolved_path(loaded, value)
        try:
            text = path.read_text("utf-8", errors="replace")
        except OSError as reason:
            why = reason.strerror or str(reason)
            message = f"[io.extra_text_files] {key}: {path}: {why}; the run goes on without it"
            problems.append(problem("missing_text_file", path, 1, message))
            continue
        write_text(meta, f"extra_text/{_safe(key)}", text, f"text of {Path(value).name}")
    return problems


def problem(kind: str, file: str | Path, count: int, message: str, **place: int) -> dict[str, Any]:
    """One entry of ``problems``; ``place`` is line=... or entry=..."""
    return {"kind": kind, "file": str(file), **place, "count": count, "message": message}


def write_source_metadata(
    file: h5py.File, name: str, source: SourceMetadata, run_number: int, number: int = 0
) -> None:
    """/meta/<format>: what the input says of itself, with a link /meta/root.

    That of the second and further input files stands beside it, with the number of the file.
    """
    if not source.values and not source.unreadable:
        return
    suffix = f"_file{number}" if number and f"meta/{name}" in file else ""
    group = file.require_group(f"meta/{name}{suffix}")
    for key, value in source.values.items():
        write_array(group, _safe(key), value, "", f"{key} of the input's metadata tree")
    for key, reason in source.unreadable.items():
        group.attrs[f"unreadable.{_safe(key)}"] = reason
    group.attrs["run_number"] = run_number
    if not suffix:
        file["meta/root"] = h5py.SoftLink(f"/meta/{name}")


def _safe(key: str) -> str:
    return str(key).replace("/", "_")
