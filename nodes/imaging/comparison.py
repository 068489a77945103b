"""Four ways to see the same cones, side by side on one scale of length. Plain functions, no nodes.

Thin back projection, back projection of cones as wide as they are known, the image of greatest
likelihood, the significance of a point source with the fitted place and its interval.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from ...schemas.arrays import F8
from ...schemas.imaging.images import PixelGrid
from ...schemas.imaging.labels import FigureLabels
from ...schemas.imaging.vis import Vis
from ..figure_style import METADATA, figure_style
from .drawing import AXES_STYLE, Format
from .figure_parts import CURVE_COLOR, GREY, ROI_COLOR
from .figure_picture import robust_maximum
from .figure_text import Coordinates, grouped, with_error

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE: Final = (11.0, 10.4)
_DPI: Final = 150
# 2 ln L of two parameters within which 68 and 95 % lie.
_LEVELS: Final = {"68 %": 2.30, "95 %": 5.99}
_INSET_SIGMAS: Final = 5.0
_ENLARGED_WIDTHS: Final = 1.8
_POINTS: Final = 121


@dataclass(frozen=True)
class Comparison:
    """What is compared: images (nv, nu) of both species together, and the fitted sources.

    ``shape`` is the row of image_shapes of the reconstructed image; ``sources`` of point_sources.
    """

    thin: Any
    weighted: F8
    reconstructed: F8
    significance: F8
    shape: pd.Series
    sources: pd.DataFrame
    grid: PixelGrid
    labels: FigureLabels


def draw_comparison(told: Comparison, vis: Vis, file_format: Format = "png") -> bytes:
    """The bytes of the figure of four panels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with figure_style(AXES_STYLE):
        figure = Figure(figsize=_SIZE, dpi=_DPI, facecolor="white")
        FigureCanvasAgg(figure)
        _draw(figure, told, vis)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=file_format, dpi=_DPI, metadata=METADATA[file_format])
    return buffer.getvalue()


def _draw(figure: Figure, told: Comparison, vis: Vis) -> None:
    at = Coordinates.of(told.grid, vis)
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    figure.subplots_adjust(
        left=0.085, right=0.925, bottom=0.085, top=0.865, wspace=0.34, hspace=0.24
    )
    thin = np.asarray(told.thin, np.float64)
    shown = (
        ("Thin back projection", _thin_words(told), thin, robust_maximum(thin), "counts / pixel"),
        ("Cones as wide as known", "all hypotheses, by weight", told.weighted, None, "events"),
        ("Maximum likelihood (MLEM)", _width_words(told, at), told.reconstructed, None,
         "events / pixel"),
        ("Significance of one point", _source_words(told, at), told.significance, None,
         "2 ln L ratio"),
    )  # fmt: skip
    for axes, (title, words, image, highest, label) in zip(panels.flat, shown, strict=True):
        _panel(figure, axes, image, highest, told.grid, at, vis, label)
        axes.set_title(title, loc="left", fontsize=11.5, weight="bold", pad=20)
        axes.text(0.0, 1.02, words, transform=axes.transAxes, fontsize=9.0, color=GREY)
        for _, source in told.sources.iterrows():
            _reticle(axes, at.at(0, source["u_cm"]), at.at(1, source["v_cm"]), told.grid, at)
    for axes in panels[1]:
        axes.set_xlabel(_axis_label("u", told.labels.u_direction, at))
    for axes in panels[:, 0]:
        axes.set_ylabel(_axis_label("v", told.labels.v_direction, at))
    for axis in (panels[0, 0].xaxis, panels[0, 0].yaxis):
        axis.get_major_locator().set_params(nbins=5)
    if len(told.sources):
        _enlarged(panels[1, 0], told, at, vis)
        _inset(panels[1, 1], told, at)
    _texts(figure, told)


def _panel(
    figure: Figure,
    axes: Axes,
    image: Any,
    highest: float | None,
    grid: PixelGrid,
    at: Coordinates,
    vis: Vis,
    label: str,
) -> None:
    import matplotlib as mpl

    top = float(np.max(image, initial=0.0)) if highest is None else highest
    mesh = axes.imshow(
        image,
        extent=(
            at.at(0, grid.u_min_cm), at.at(0, grid.u_max_cm),
            at.at(1, grid.v_min_cm), at.at(1, grid.v_max_cm),
        ),
        origin="lower",
        aspect="equal",
        cmap=mpl.colormaps[vis.colormap],
        vmin=float(np.min(image, initial=0.0)) if image.size else 0.0,
        vmax=top if top > 0 else 1.0,
        interpolation="antialiased",
    )  # fmt: skip
    figure.colorbar(mesh, ax=axes, label=label, fraction=0.046, pad=0.03)


def _reticle(axes: Axes, u: float, v: float, grid: PixelGrid, at: Coordinates) -> None:
    """Four strokes around a fitted place, which itself stays free."""
    from matplotlib.patheffects import Normal, withStroke

    reach = 0.07 * (grid.u_max_cm - grid.u_min_cm) * at.scale
    style: dict[str, Any] = {
        "color": ROI_COLOR, "lw": 1.3, "solid_capstyle": "butt",
        "path_effects": [withStroke(linewidth=2.6, foreground="black"), Normal()],
    }  # fmt: skip
    for sign in (-1.0, 1.0):
        near, far = sign * 0.55 * reach, sign * reach
        axes.plot([u + near, u + far], [v, v], **style)
        axes.plot([u, u], [v + near, v + far], **style)


def _enlarged(axes: Axes, told: Comparison, at: Coordinates, vis: Vis) -> None:
    """The peak of the reconstructed image, with the line at half of its height."""
    import matplotlib as mpl

    s, grid, image = told.shape, told.grid, told.reconstructed
    reach = _ENLARGED_WIDTHS * max(s["fwhm_u_cm"], s["fwhm_v_cm"])
    if not (np.isfinite(reach) and reach < 0.25 * (grid.u_max_cm - grid.u_min_cm)):
        return
    box = _inset_axes(axes, told, s["u_peak_cm"])
    u, v = at.at(0, grid.u_centers_cm), at.at(1, grid.v_centers_cm)
    du, dv = at.steps
    box.imshow(
        image, extent=(u[0] - du / 2, u[-1] + du / 2, v[0] - dv / 2, v[-1] + dv / 2),
        origin="lower", cmap=mpl.colormaps[vis.colormap], interpolation="nearest",
    )  # fmt: skip
    box.contour(u, v, image, levels=[0.5 * image.max()], colors=["white"], linewidths=[1.2])
    for axis, name in ((0, "u"), (1, "v")):
        middle, half = at.at(axis, s[f"{name}_peak_cm"]), reach * at.scale
        (box.set_xlim if axis == 0 else box.set_ylim)(middle - half, middle + half)
    box.text(
        0.03, 0.03, "line at half height", transform=box.transAxes, fontsize=7.5, color="white"
    )
    for spine in box.spines.values():
        spine.set_color("white")


def _inset_axes(axes: Axes, told: Comparison, u_cm: float) -> Axes:
    """A small frame in the corner above that is farther from a place."""
    from matplotlib.ticker import MaxNLocator

    right = u_cm < 0.5 * (told.grid.u_min_cm + told.grid.u_max_cm)
    box = axes.inset_axes((0.58 if right else 0.13, 0.6, 0.39, 0.37))
    box.set_aspect("equal")
    box.tick_params(labelsize=7.5, length=2.5, pad=2, colors="white")
    for axis in (box.xaxis, box.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=3))
    return box


def _inset(axes: Axes, told: Comparison, at: Coordinates) -> None:
    """The strongest source enlarged, with the ellipses of its errors."""
    source = told.sources.iloc[0]
    su, sv = source["u_sigma_cm"], source["v_sigma_cm"]
    if not (np.isfinite([su, sv]).all() and su > 0 and sv > 0):
        return
    half = _INSET_SIGMAS * max(su, sv)
    box = _inset_axes(axes, told, source["u_cm"])
    line = np.linspace(-half, half, _POINTS)
    du, dv = np.meshgrid(line, line)
    rho = float(np.nan_to_num(source["uv_correlation"]))
    distance = ((du / su) ** 2 - 2 * rho * du * dv / (su * sv) + (dv / sv) ** 2) / (1 - rho**2)
    u, v = at.at(0, source["u_cm"] + line), at.at(1, source["v_cm"] + line)
    box.contour(
        u, v, distance, levels=list(_LEVELS.values()), colors=[CURVE_COLOR, GREY],
        linewidths=[1.6, 1.1],
    )  # fmt: skip
    box.plot(
        [at.at(0, source["u_cm"])], [at.at(1, source["v_cm"])], "+", color=ROI_COLOR, ms=9, mew=1.6
    )
    box.set_facecolor("white")
    box.text(0.03, 0.03, "68, 95 %, statistical", transform=box.transAxes, fontsize=7.5, color=GREY)


def _thin_words(told: Comparison) -> str:
    n = told.labels.n_cones.get("all")
    return "one hypothesis an event" + (f", {grouped(n)} cones" if n is not None else "")


def _width_words(told: Comparison, at: Coordinates) -> str:
    s = told.shape
    if not np.isfinite([s["fwhm_u_cm"], s["fwhm_v_cm"]]).all():
        return f"{s['iterations']} iterations"
    text = f"{s['iterations']} iterations, FWHM {_pair(s, 'fwhm', at)} {at.unit}"
    if np.isfinite([s["psf_fwhm_u_cm"], s["psf_fwhm_v_cm"]]).all():
        text += f" (a point: {_pair(s, 'psf_fwhm', at)})"
    return text


def _pair(shape: pd.Series, name: str, at: Coordinates) -> str:
    digits = 0 if at.scale > 1 else 1
    u, v = (shape[f"{name}_{a}_cm"] * at.scale for a in "uv")
    return f"{u:.{digits}f} × {v:.{digits}f}"


def _source_words(told: Comparison, at: Coordinates) -> str:
    if not len(told.sources):
        return "no source"
    s = told.sources.iloc[0]
    u, v = (
        with_error(at.at(k, s[f"{a}_cm"]), s[f"{a}_sigma_cm"] * at.scale)
        for k, a in enumerate("uv")
    )
    return f"fit: u {u}, v {v} {at.unit} (stat.)"


def _axis_label(name: str, to: str, at: Coordinates) -> str:
    return f"{name} along {to} ({at.unit})" if to else f"{name} ({at.unit})"


def _texts(figure: Figure, told: Comparison) -> None:
    labels = told.labels
    left = 0.085
    if labels.title:
        figure.text(left, 0.965, labels.title, fontsize=14, weight="bold", color=CURVE_COLOR)
    figure.text(left, 0.938, _events_words(told), fontsize=10, color=CURVE_COLOR)
    made = [labels.source, labels.plane, labels.software, labels.date and f"run of {labels.date}"]
    figure.text(0.015, 0.014, "  ·  ".join(p for p in made if p), fontsize=7.5, color=GREY)


def _events_words(told: Comparison) -> str:
    if not len(told.sources):
        return told.labels.subtitle
    counts = told.sources["counts"].sum()
    total = counts + told.sources["elsewhere_counts"].iloc[0]
    parts = [told.labels.subtitle] if told.labels.subtitle else []
    share = 100.0 * (1.0 - counts / total)
    parts.append(
        f"{grouped(counts)} of {grouped(total)} events from the fitted source"
        f"{'s' if len(told.sources) > 1 else ''}, {share:.0f} % from elsewhere"
    )
    return "  ·  ".join(parts)
