"""Amplitude by position of several runs, side by side, drawn from what their files hold."""

from __future__ import annotations

import io
from collections.abc import Sequence

from ...schemas.transients.stored_run import StoredRun
from ..figure_style import METADATA, figure_style
from .figure_maps import COLOURS, LABELS, hatch_empty

_COLUMNS = 4
_QUANTITY = "amplitude_ppm"


def overview_picture(runs: Sequence[StoredRun]) -> bytes:
    """Maps without outliers as one PNG, each on a colour scale of its own: devices differ.

    Runs without a map are left out; of none at all the picture is empty bytes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = [run for run in runs if run.filtered_maps is not None and run.filtered_maps.x_um.size]
    if not drawn:
        return b""
    n_columns = min(len(drawn), _COLUMNS)
    n_rows = -(-len(drawn) // n_columns)
    with figure_style():
        figure = Figure(figsize=(3.6 * n_columns, 3.2 * n_rows), layout="constrained")
        FigureCanvasAgg(figure)
        places = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        for place in places[len(drawn) :]:
            place.set_axis_off()
        for place, run in zip(places, drawn, strict=False):
            maps = run.filtered_maps
            assert maps is not None
            k = maps.quantities.index(_QUANTITY)
            statistic = run.config.transients.maps.statistic
            value = getattr(maps, statistic)[k]
            mesh = place.pcolormesh(maps.x_edges_um, maps.y_edges_um, value, cmap=COLOURS)
            hatch_empty(place, maps, value)
            place.set(xlabel="x (um)", ylabel="y (um)", aspect="equal")
            place.set_title(f"{run.name}  {run.dut}  ({statistic})", fontsize=9)
            figure.colorbar(mesh, ax=place, label=LABELS[_QUANTITY][1], shrink=0.85)
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=110, metadata=METADATA["png"])
    return content.getvalue()
