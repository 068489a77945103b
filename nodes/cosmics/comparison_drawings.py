"""Histograms of two runs above each other, and their ratio. Plain functions, no nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from ...schemas.cosmics.comparison import RunResults
from ...schemas.histograms import Histogram
from .drawings import saved, sheet
from .side_by_side import histogram_ratio

SHOWN: Final = ("mom_wide", "mom_z", "trkqual", "t0err", "d0", "maxr", "pitch_angle", "nactive")
_COLUMNS: Final = 4
_MOST_BINS: Final = 60


def drawn_comparison(
    a: RunResults,
    b: RunResults,
    selection: str = "Select",
    names: Sequence[str] = SHOWN,
    kind: str = "png",
) -> bytes:
    """Each histogram of a selection, of one total each, and B over A below; a file's content.

    Histograms that both do not have with the same bins are left out. ValueError if none is left.
    """
    pairs = [
        (name, a.histograms[name], b.histograms[name])
        for name in names
        if name in a.histograms
        and name in b.histograms
        and a.histograms[name].axes[0].is_like(b.histograms[name].axes[0])
    ]
    if not pairs:
        msg = f"{a.name} and {b.name} have no histogram in common"
        raise ValueError(msg)
    columns = min(_COLUMNS, len(pairs))
    rows = -(-len(pairs) // columns)
    warning = "" if a.cutset_hash == b.cutset_hash else "OTHER CUTS are in effect in A and in B"
    heights = {"gridspec_kw": {"height_ratios": [3, 1] * rows}}
    with sheet(2 * rows, columns, (3.4 * columns, 3.9 * rows), heights) as (figure, places):
        for k, (_, mine, theirs) in enumerate(pairs):
            upper, lower = places[2 * (k // columns) : 2 * (k // columns) + 2, k % columns]
            _pair(upper, lower, mine, theirs, selection, (a.name, b.name))
        for k in range(len(pairs), rows * columns):
            for place in places[2 * (k // columns) : 2 * (k // columns) + 2, k % columns]:
                place.set_axis_off()
        return saved(figure, warning, kind)


def _pair(
    upper: Any, lower: Any, a: Histogram, b: Histogram, selection: str, names: tuple[str, str]
) -> None:
    place = a.axes[1].categories.index(selection)
    a, b = _rebinned(a), _rebinned(b)
    edges = np.asarray(a.axes[0].edges)
    for histogram, name, look in (
        (a, names[0], {"color": "#0173B2", "fill": True, "alpha": 0.5}),
        (b, names[1], {"color": "black"}),
    ):
        counts = histogram.counts[:, place]
        total = max(float(counts.sum()), 1.0)
        upper.stairs(counts / total, edges, label=f"{name}: {counts.sum():.0f}", **look)
    ratio, error = histogram_ratio(a, b, place)
    centres = 0.5 * (edges[1:] + edges[:-1])
    lower.errorbar(centres, ratio, error, fmt="o", markersize=2, color="black", elinewidth=0.6)
    lower.axhline(1.0, color="#0173B2", linewidth=0.8)
    lower.set_ylim(0.0, 2.0)
    unit = f" ({a.axes[0].unit})" if a.axes[0].unit else ""
    lower.set_xlabel(f"{a.axes[0].label}{unit}")
    lower.set_ylabel("B / A")
    upper.set_ylabel(f"share, {selection}")
    upper.set_ylim(0.0, 1.35 * max(upper.dataLim.y1, 1e-3))
    upper.legend(loc="upper center", ncols=1)
    for axes in (upper, lower):
        axes.set_xlim(edges[0], edges[-1])
    upper.tick_params(labelbottom=False)


def _rebinned(histogram: Histogram) -> Histogram:
    """Neighbouring bins added where there are too many for ratios that say something."""
    axis, selections = histogram.axes
    edges = np.asarray(axis.edges)
    n = len(edges) - 1
    least = -(-n // _MOST_BINS)
    # Bins that no small number divides stay as they are.
    step = next((s for s in range(least, 3 * least + 1) if n % s == 0), 1)

    def added(values: Any) -> Any:
        inside = values[1:-1].reshape(n // step, step, -1).sum(axis=1)
        return np.concatenate([values[:1], inside, values[-1:]])

    return Histogram(
        (replace(axis, edges=edges[::step]), selections),
        added(histogram.values),
        None if histogram.variances is None else added(histogram.variances),
        histogram.missing,
    )
