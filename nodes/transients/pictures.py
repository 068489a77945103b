"""Every picture of a run as a PNG, drawn from what its file holds."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ...schemas.transients.stored_run import StoredRun
from ..figure_style import METADATA, figure_style
from . import figure_maps, figure_recordings


def run_pictures(run: StoredRun) -> Iterator[tuple[str, bytes]]:
    """Name and PNG of each picture that the run has the numbers for."""
    for name, draw, size in _wanted(run):
        yield name, drawn(run, draw, size)


Drawing = Callable[[StoredRun, Any], None]


def _wanted(run: StoredRun) -> Iterator[tuple[str, Drawing, tuple[float, float]]]:
    if run.maps is not None and run.filtered_maps is not None and run.maps.x_um.size:
        for k, quantity in enumerate(run.maps.quantities):
            draw = partial(_map, k)
            yield f"map_{figure_maps.LABELS[quantity][0]}", draw, (10.0, 5.0)
        if run.sections is not None and len(run.sections):
            yield "cross_sections", figure_maps.sections_figure, (9.0, 6.5)
    if run.features is None or not len(run.features):
        return
    if run.shown is not None and run.times_s is not None:
        yield "gallery", figure_recordings.gallery_figure, (12.0, 10.0)
    yield "baselines", figure_recordings.baseline_figure, (8.0, 5.5)
    yield "amplitude_decay", figure_recordings.decay_figure, (7.0, 5.5)
    if run.counts is not None:
        yield "quality_counts", figure_recordings.counts_figure, (7.5, 5.5)
    if run.scores is not None:
        yield "scores", figure_recordings.scores_figure, (9.0, 7.5)
    if run.detection is not None and len(run.detection):
        yield "detection", figure_recordings.detection_figure, (13.0, 4.5)


def _map(k: int, run: StoredRun, figure: Any) -> None:
    figure_maps.map_figure(run, k, figure)


def drawn(run: StoredRun, draw: Drawing, size: tuple[float, float]) -> bytes:
    """One picture as a PNG, with the title of the run."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with figure_style():
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        draw(run, figure)
        figure.suptitle(run.title, fontsize=9)
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=110, metadata=METADATA["png"])
    return content.getvalue()
