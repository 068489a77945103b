"""What the report of an output file says, gathered once for the page and for the PDF."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

import numpy as np
import pandas as pd

from ...nodes.imaging.comparison import Comparison
from ...nodes.imaging.figure_picture import Drawing, View
from ...nodes.imaging.figure_text import SPECIES_NAMES, grouped, with_error
from ...schemas.errors import InputError
from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.vis import Vis
from ..dag_record import time_text
from ..runfile.record import StoredInput
from .counter_flow import FlowStage, flow_of
from .inputs import STRATEGY_NAMES
from .problems import warnings_of
from .redrawing import Redraw, labels_of, redrawn_vis, saved_pictures_of, target_cm, vis_of
from .saved import SavedRun
from .saved_detectors import detector_table
from .saved_reconstruction import SavedReconstruction, saved_reconstruction
from .saved_record import ImagingRecord
from .saved_spectra import FilledSpectrum, filled_spectra

# The report shows the numbers of the projections also where the run did not ask for them.
_WITH_NUMBERS: Final = Redraw(
    vis={
        "projections": {"metrics": True, "enabled": True},
        "export_png_on_write": True,
        "summed_dataset": None,
    }
)


@dataclass(frozen=True)
class Report:
    """Everything that the report of a file shows; what the file lacks is empty or None.

    ``drawings`` are the images that exist, by name, ready to be drawn; ``summary`` holds
    names and values, ``failures`` say which input files gave nothing, and why; ``graph`` is an SVG
    of what the run did; ``reconstruction`` what methods with uncertainty left, ``comparison`` their
    images side by side.
    """

    title: str
    subtitle: str
    failures: tuple[str, ...]
    summary: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    drawings: Mapping[str, Drawing]
    flow: tuple[FlowStage, ...]
    spectra: tuple[FilledSpectrum, ...]
    detectors: pd.DataFrame | None
    bars: tuple[Any, ...]
    plane: tuple[PlaneFrame, PixelGrid] | None
    target_cm: np.ndarray | None
    graph: str
    record: ImagingRecord
    stages: tuple[str, ...]
    reconstruction: SavedReconstruction
    comparison: Comparison | None
    vis: Vis


def report_of(saved: SavedRun) -> Report:
    """Read what the report needs, rows a bounded number at a time."""
    record, config = saved.record, _config_of(saved)
    drawings = _drawings(saved) if "image" in saved.stages else {}
    flow = flow_of(record.all_counters)
    reconstruction = saved_reconstruction(saved)
    title = (config.run.plot_label if config is not None else "") or saved.path.stem
    parts = [saved.path.name, record.software]
    parts += (
        [f"run of {record.created_utc[:16].replace('T', ' ')} UTC"] if record.created_utc else []
    )
    return Report(
        title=title,
        subtitle=" · ".join(p for p in parts if p),
        failures=tuple(
            f"{PurePath(i.path).name} was left out: {i.failure}" for i in record.inputs if i.failure
        ),
        summary=tuple(_summary(saved, config, drawings)),
        warnings=tuple(_warnings(record, config, flow)),
        drawings=drawings,
        flow=tuple(flow),
        spectra=tuple(filled_spectra(saved)),
        detectors=detector_table(saved),
        bars=() if config is None else tuple(config.detectors.geometry.bars),
        plane=_plane(saved),
        target_cm=None if config is None else target_cm(saved),
        graph=saved.graph().svg if config is not None and record.nodes else "",
        record=record,
        stages=saved.stages,
        reconstruction=reconstruction,
        comparison=_comparison(saved, reconstruction),
        vis=vis_of(saved),
    )


def _comparison(saved: SavedRun, found: SavedReconstruction) -> Comparison | None:
    """The figure of all methods; None where one of them is not in the file."""
    if not found.compares or "image" not in saved.stages:
        return None
    shapes = found.frames["image_shapes"]
    return Comparison(
        thin=saved.images["all"],
        weighted=found.images["weighted"]["all"],
        reconstructed=found.images["mlem"]["all"],
        significance=found.images["significance"]["all"],
        shape=shapes[shapes["image"] == "all"].iloc[0],
        sources=found.frames["point_sources"],
        grid=saved.grid,
        labels=labels_of(saved),
    )


def _config_of(saved: SavedRun) -> ImagingConfig | None:
    """The settings; None for a file of another program."""
    try:
        return saved.config if saved.record.is_ours else None
    except InputError:
        return None


def _plane(saved: SavedRun) -> tuple[PlaneFrame, PixelGrid] | None:
    try:
        return saved.frame, saved.grid
    except InputError:
        return None


def _drawings(saved: SavedRun) -> dict[str, Drawing]:
    vis: Vis = redrawn_vis(saved, _WITH_NUMBERS)
    pictures = saved_pictures_of(saved, vis)
    view = View(dpi=110)
    return {name: Drawing.of(pictures[name], vis, view) for name in saved.images}


def _summary(
    saved: SavedRun, config: ImagingConfig | None, drawings: Mapping[str, Drawing]
) -> list[tuple[str, str]]:
    record = saved.record
    rows = [("Input", ", ".join(map(_input_words, record.inputs)) or "not said")]
    if record.restarted_from:
        stage, file = record.restarted_from
        rows.append(("Restart", f"from the {stage} of {PurePath(file).name or 'an earlier file'}"))
    if config is not None:
        on = [
            name
            for name, is_on in (
                ("neutrons", config.run.neutrons),
                ("gamma rays", config.run.gammas),
            )
            if is_on
        ]
        rows.append(("Species", " and ".join(on)))
        if config.run.neutrons:
            rows.append(("Neutron energy", STRATEGY_NAMES[config.energy.strategy]))
        rows.append(("Stages in the file", ", ".join(saved.stages) or "none"))
        if config.run.fast:
            rows.append(("Fast mode", "on: cuts and pixels are those of [fast]"))
    rows += [(SPECIES_NAMES.get(name, name), _peak_words(d)) for name, d in drawings.items()]
    if drawings:
        d = next(iter(drawings.values()))
        grid = saved.grid
        rows.append(("Plane", d.picture.labels.plane or "as in /meta"))
        rows.append(("Pixels", f"{grid.nu} × {grid.nv} of {grid.du_cm:g} cm × {grid.dv_cm:g} cm"))
    if math.isfinite(record.seconds):
        rows.append(("Took", time_text(record.seconds)))
    return rows


def _input_words(source: StoredInput) -> str:
    name = PurePath(source.path).name
    return f"{name} (left out)" if source.failure else name


def _peak_words(d: Drawing) -> str:
    """Cones, and where the fitted peak is."""
    n = d.picture.labels.n_cones.get(d.picture.name)
    words = [f"{grouped(n)} cones imaged" if n is not None else "imaged"]
    for axis, name in enumerate("uv"):
        m = d.fit(name)
        if m is not None:
            at = with_error(d.at.at(axis, m.fit_pos_cm), m.fit_pos_sigma_cm * d.at.scale)
            width = with_error(m.fit_fwhm_cm * d.at.scale, m.fit_fwhm_sigma_cm * d.at.scale)
            words.append(f"peak at {name} = {at} {d.at.unit}, FWHM {width} {d.at.unit}")
    words += [f"no peak fitted along {name}: {why}" for name, why in d.unfitted().items()]
    if not d.has_counts:
        words.append(d.picture.labels.empty.get(d.picture.name, "no counts"))
    return "; ".join(words)


def _warnings(
    record: ImagingRecord, config: ImagingConfig | None, flow: list[FlowStage]
) -> list[str]:
    told = {str(p.get("kind", "")) for p in record.problems}
    found = [] if config is None else warnings_of(record.all_counters, config, told)
    found += [
        f"the counters of {stage.title.lower()} do not add up: what entered is not what was lost "
        "and what was kept"
        for stage in flow
        if not stage.adds_up
    ]
    if not record.is_ours:
        found.append(f"the file is of another program ({record.software or 'unknown'})")
    return found
