"""Pictures of maps and of lines through them, drawn from what the file of a run holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np

from ...schemas.arrays import F8
from ...schemas.transients.recordings import PositionMaps
from ...schemas.transients.stored_run import StoredRun

LABELS: Final = {
    "amplitude_ppm": ("amplitude", "amplitude (ppm)"),
    "lambda_per_s": ("decay", "decay constant (1/s)"),
    "half_life_s": ("half_life", "half life (ms)"),
}
COLOURS: Final = "viridis"
_SCALES: Final = {"half_life_s": 1e3}
# A mean of fits with a larger error, relative, has a colour but no say in the scale of colours.
_SURE: Final = 1 / 3


def map_figure(run: StoredRun, k: int, figure: Any) -> None:
    """A quantity by position: all usable recordings beside those that are no outliers."""
    both = [m for m in (run.maps, run.filtered_maps) if m is not None]
    statistic = run.config.transients.maps.statistic
    quantity = both[0].quantities[k]
    scale = _SCALES.get(quantity, 1.0)
    values = [scale * getattr(m, statistic)[k] for m in both]
    errors = [scale * m.error[k] for m in both]
    low, high, beyond = colour_limits(values, None if quantity == "amplitude_ppm" else errors)
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    titles = (f"all usable ({statistic})", f"without outliers ({statistic})")
    mesh = None
    for place, maps, value, title in zip(axes, both, values, titles, strict=True):
        mesh = place.pcolormesh(
            maps.x_edges_um, maps.y_edges_um, value, cmap=COLOURS, vmin=low, vmax=high
        )
        hatch_empty(place, maps, value)
        if maps.filled[k].any():
            y, x = np.nonzero(maps.filled[k])
            place.plot(maps.x_um[x], maps.y_um[y], "w+", ms=5, label="filled from neighbours")
            place.legend(fontsize=8)
        place.set(title=title, xlabel="x (um)", aspect="equal")
        crop = run.config.transients.maps.crop_um
        if crop:
            place.set(xlim=(-crop, crop), ylim=(-crop, crop))
    axes[0].set_ylabel("y (um)")
    label = LABELS[quantity][1]
    figure.colorbar(mesh, ax=list(axes), label=label, shrink=0.8, extend=beyond)


def colour_limits(
    values: Sequence[F8], errors: Sequence[F8] | None = None
) -> tuple[float, float, Literal["neither", "min", "max", "both"]]:
    """Least and largest value of all maps, and at which ends values lie beyond.

    With ``errors`` those of the values that are known to a third, if there are any: one decay of
    noise would take all colours.
    """
    every = np.concatenate([v[np.isfinite(v)] for v in values])
    if not every.size:
        return 0.0, 1.0, "neither"
    known = every
    if errors is not None:
        pairs = zip(values, errors, strict=True)
        sure = np.concatenate([v[e <= _SURE * np.abs(v)] for v, e in pairs])
        known = sure if sure.size else every
    low, high = float(known.min()), float(known.max())
    below, above = bool(every.min() < low), bool(every.max() > high)
    if low == high:
        low, high = low - 0.5, high + 0.5
    if below and above:
        return low, high, "both"
    return low, high, "min" if below else "max" if above else "neither"


def hatch_empty(place: Any, maps: PositionMaps, value: F8) -> None:
    """Positions without a value are hatched, not white."""
    from matplotlib.patches import Rectangle

    for j, i in zip(*np.nonzero(~np.isfinite(value)), strict=True):
        x, y = maps.x_edges_um[i], maps.y_edges_um[j]
        width, height = maps.x_edges_um[i + 1] - x, maps.y_edges_um[j + 1] - y
        place.add_patch(
            Rectangle((x, y), width, height, fill=False, hatch="////", lw=0, edgecolor="0.6")
        )


def sections_figure(run: StoredRun, figure: Any) -> None:
    """Amplitude and decay along the row and the column, with errors."""
    assert run.sections is not None
    axes = figure.subplots(2, 2, squeeze=False)
    for row, quantity in enumerate(("amplitude_ppm", "lambda_per_s")):
        for column, axis in enumerate(("x", "y")):
            some = run.sections[
                (run.sections["axis"] == axis) & (run.sections["quantity"] == quantity)
            ]
            place = axes[row][column]
            place.errorbar(
                some["position_um"], some["mean"], some["error"], fmt="o", ms=4, capsize=2
            )
            other = "y" if axis == "x" else "x"
            at = f"{some['at_um'].iloc[0]:.4g}" if len(some) else "?"
            place.set(xlabel=f"{axis} (um)", ylabel=LABELS[quantity][1], title=f"{other} = {at} um")
            place.grid(alpha=0.3)
