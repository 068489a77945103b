"""What a figure shows, and what its parts share while it is drawn. Plain classes, no nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from ...schemas.imaging.images import (
    AxisMetrics,
    ImageMetrics,
    PixelGrid,
    PlaneFrame,
    Projections,
    ProjectionSet,
    RegionOfInterest,
    SummedImages,
)
from ...schemas.imaging.labels import FigureLabels
from ...schemas.imaging.vis import AxisMetricSettings, Vis
from .figure_layout import Layout, layout_of
from .figure_text import Coordinates, metric_sources, panel_table, species_line, summary_lines


@dataclass(frozen=True)
class Outlines:
    """Cones drawn over an image, as lines where they meet the plane, and what led to them.

    Attributes
    ----------
    cones
        Frame with apex, axis and theta of each.
    frame
        The plane.
    both_halves
        Whether the other half of the double cone is drawn too.
    words
        What they are, for the legend.
    region, region_words
        A rectangle that is drawn with them; None = none.
    """

    cones: pd.DataFrame
    frame: PlaneFrame
    both_halves: bool = False
    words: str = ""
    region: RegionOfInterest | None = None
    region_words: str = ""


@dataclass(frozen=True)
class Picture:
    """What is drawn.

    Attributes
    ----------
    name
        n, g or all.
    counts
        Shape (nv, nu), counts per pixel, v_min in row 0.
    grid
        Its pixels.
    projections, roi, metrics
        Curves, region of interest and numbers, each None where there is none.
    labels
        Words, numbers of cones and the prior.
    outlines
        Cones drawn over the image, None for none.
    """

    name: str
    counts: Any
    grid: PixelGrid
    projections: Projections | None = None
    roi: RegionOfInterest | None = None
    metrics: ImageMetrics | None = None
    labels: FigureLabels = field(default_factory=FigureLabels)
    outlines: Outlines | None = None


def pictures_of(
    images: SummedImages,
    projections: ProjectionSet,
    metrics: Mapping[str, ImageMetrics],
    labels: FigureLabels,
) -> dict[str, Picture]:
    """What is drawn of each image that exists, by its name."""
    return {
        name: Picture(
            name=name,
            counts=counts,
            grid=images.grid,
            projections=projections.by_image.get(name),
            roi=projections.roi,
            metrics=metrics.get(name),
            # The subtitle says how the neutron energy was found.
            labels=replace(labels, subtitle="") if name == "g" else labels,
        )
        for name, counts in images.present().items()
    }


@dataclass(frozen=True)
class View:
    """What of it is shown: limits in cm on the plane's own axes, and of the colours in counts.

    None shows everything; a colour limit of None follows [vis] color_range. ``dpi`` is the
    pixels of a PNG per inch.
    """

    u_limits_cm: tuple[float, float] | None = None
    v_limits_cm: tuple[float, float] | None = None
    count_limits: tuple[float | None, float | None] = (None, None)
    scale: Literal["linear", "sqrt", "log"] = "linear"
    dpi: int = 200


@dataclass(frozen=True)
class Peak:
    """Peak of a projection in cm, and whether a fit found it or it is the largest bin."""

    position_cm: float
    fitted: bool


def peak_words(u: Peak, v: Peak) -> str:
    """What the mark of a peak is, as legends say it."""
    if u.fitted == v.fitted:
        return "Peak (fit)" if u.fitted else "Highest bins"
    fitted, other = ("u", "v") if u.fitted else ("v", "u")
    return f"Peak: {fitted} fit,\n{other} highest bin"


@dataclass(frozen=True)
class Drawing:
    """A picture with its settings, drawn limits and layout."""

    picture: Picture
    vis: Vis
    at: Coordinates
    u_limits: tuple[float, float]
    v_limits: tuple[float, float]
    count_limits: tuple[float, float]
    scale: Literal["linear", "sqrt", "log"]
    panel: list[tuple[str, ...]]
    layout: Layout

    @classmethod
    def of(cls, picture: Picture, vis: Vis, view: View) -> Drawing:
        grid, at, plot = picture.grid, Coordinates.of(picture.grid, vis), vis.projections.plot
        u_cm = view.u_limits_cm or (grid.u_min_cm, grid.u_max_cm)
        v_cm = view.v_limits_cm or (grid.v_min_cm, grid.v_max_cm)
        u, v = (at.at(0, u_cm[0]), at.at(0, u_cm[1])), (at.at(1, v_cm[0]), at.at(1, v_cm[1]))
        labels = picture.labels
        panel = panel_table(picture.metrics, at, vis) if plot.show_metrics_panel else []
        layout = layout_of(
            (u[1] - u[0], v[1] - v[0]),
            vis.projections.enabled and picture.projections is not None,
            [
                (labels.title, "headline"),
                (
                    species_line(picture.name, labels.n_cones.get(picture.name)),
                    "species" if labels.title else "headline",
                ),
                (labels.subtitle, "small"),
                *((line, "small") for line in summary_lines(picture.metrics, at, vis)),
            ],
            panel,
        )
        return cls(
            picture=picture,
            vis=vis,
            at=at,
            u_limits=u,
            v_limits=(v[1], v[0]) if vis.flip_vertical else v,
            count_limits=_count_limits(picture.counts, vis, view),
            scale=view.scale,
            panel=panel,
            layout=layout,
        )

    def u(self, positions_cm: Any) -> Any:
        """Drawn positions along u."""
        return self.at.at(0, positions_cm)

    def v(self, positions_cm: Any) -> Any:
        """Drawn positions along v."""
        return self.at.at(1, positions_cm)

    def shows(self, uv_cm: tuple[float, float]) -> bool:
        """Whether a point of the plane lies within the drawn limits."""
        u, v = self.u(uv_cm[0]), self.v(uv_cm[1])
        inside_u = min(self.u_limits) <= u <= max(self.u_limits)
        return bool(inside_u and min(self.v_limits) <= v <= max(self.v_limits))

    @property
    def limits_cm(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The drawn ends of u and of v on the plane's own axes."""
        u, v = (
            tuple(x / self.at.scale + origin for x in sorted(limits))
            for limits, origin in zip(
                (self.u_limits, self.v_limits), self.at.origin_uv_cm, strict=True
            )
        )
        return (u[0], u[1]), (v[0], v[1])

    @property
    def has_counts(self) -> bool:
        return bool(np.any(self.picture.counts))

    def curves(self, name: str) -> dict[str, Any]:
        """The projections on u or v that are drawn, by source: "" the whole plane, "_roi"."""
        projections, mode = self.picture.projections, self.vis.projections.plot.curve_mode
        if projections is None:
            return {}
        whole, roi = getattr(projections, name), getattr(projections, f"{name}_roi")
        if roi is None or mode == "all_only":
            return {"": whole}
        return {"_roi": roi} if mode == "roi_only" else {"": whole, "_roi": roi}

    def peak(self, name: str) -> Peak | None:
        """Peak of the projection on u or v whose numbers are shown, the ROI's if both are.

        Without metrics it is the largest bin, if the curve holds the counts metrics would ask.
        """
        if not self.vis.projections.plot.show_peak_markers:
            return None
        if self.picture.metrics is None:
            return self._largest_bin(name)
        m = self.picture.metrics.axes[name + metric_sources(self.picture.metrics, self.vis)[-1]]
        if m.fit_ok:
            return Peak(m.fit_pos_cm, fitted=True)
        return Peak(m.peak_pos_cm, fitted=False) if m.peak_ok else None

    def fit(self, name: str) -> AxisMetrics | None:
        """The fit of the projection on u or v, where it is believable and its curve is drawn."""
        metrics = self.picture.metrics
        if metrics is None or self.peak(name) is None:
            return None
        source = metric_sources(metrics, self.vis)[-1]
        m = metrics.axes[name + source]
        # Files of earlier versions hold position and width of a fit, but not its height.
        shown = m.fit_ok and np.isfinite(m.fit_area_counts) and source in self.curves(name)
        return m if shown else None

    def unfitted(self) -> dict[str, str]:
        """Why a projection whose numbers are shown has no fitted peak, by its axis."""
        metrics = self.picture.metrics
        if metrics is None:
            return {}
        source = metric_sources(metrics, self.vis)[-1]
        reasons = {name: metrics.axes[name + source].fit_reason for name in "uv"}
        return {name: why for name, why in reasons.items() if why}

    def _largest_bin(self, name: str) -> Peak | None:
        projections, grid = self.picture.projections, self.picture.grid
        if projections is None:
            return None
        roi = getattr(projections, f"{name}_roi")
        whole = roi is None or self.vis.projections.plot.metrics_source == "all"
        curve = getattr(projections, name) if whole else roi
        settings: AxisMetricSettings = getattr(self.vis.projections.metrics, name)
        if curve.sum() < max(settings.min_counts, 1.0):
            return None
        centers = grid.u_centers_cm if name == "u" else grid.v_centers_cm
        return Peak(float(centers[int(np.argmax(curve))]), fitted=False)


def _count_limits(counts: Any, vis: Vis, view: View) -> tuple[float, float]:
    """Counts of the first and the last colour; a logarithmic scale begins above zero."""
    low, high = (float(counts.min()), float(counts.max())) if counts.size else (0.0, 0.0)
    if vis.color_range == "robust":
        high = robust_maximum(counts)
    # One value everywhere would leave the colours without a range.
    low, high = (low, high) if high > low else (0.0, max(high, 1.0))
    low = low if view.count_limits[0] is None else view.count_limits[0]
    high = high if view.count_limits[1] is None else view.count_limits[1]
    if view.scale == "log" and low <= 0.0:
        positive = counts[counts > 0]
        low = float(positive.min()) if positive.size else 0.1
    return (low, high) if high > low else (low, low + max(abs(low), 1.0))


def robust_maximum(counts: Any) -> float:
    """The largest count, unless it is that of a few single pixels far above all others.

    Then it is what three sigma above the largest median of 3 x 3 pixels would be: such pixels
    would leave the rest of the picture dark.
    """
    from scipy.ndimage import median_filter

    highest = float(counts.max()) if counts.size else 0.0
    top = float(median_filter(counts, size=3, mode="nearest").max()) if counts.size else 0.0
    sigma = max(top, 1.0) ** 0.5
    return top + 3.0 * sigma if highest > max(1.5 * top, top + 5.0 * sigma) else highest
