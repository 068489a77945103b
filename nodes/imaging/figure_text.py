"""Metrics of an image in, the words and numbers of its figure out. Plain functions, no nodes.

A value with an error is rounded after the rules of the Particle Data Group, one without to a
tenth of a pixel. Positions are in the coordinates that are drawn (see Coordinates).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, overload

from ...schemas.arrays import F8
from ...schemas.imaging.images import AxisMetrics, ImageMetrics, PixelGrid
from ...schemas.imaging.vis import AxisMetricSettings, Vis

SPECIES_NAMES: Final = {
    "n": "Neutrons",
    "g": "Gamma rays",
    "all": "Neutrons and gamma rays",
}
_MEAN_ROW: Final = 4
ABSENT: Final = "–"
_THIN_SPACE: Final = "\u2009"
_SUPERSCRIPTS: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Coordinates:
    """From the plane's u and v in cm to what stands on the axes of a figure.

    ``origin_uv_cm`` is the point drawn as (0, 0), ``scale`` the drawn units in a cm and
    ``unit`` their name; ``steps`` is the drawn width and height of a pixel.
    """

    origin_uv_cm: tuple[float, float]
    scale: float
    unit: str
    steps: tuple[float, float]

    @classmethod
    def of(cls, grid: PixelGrid, vis: Vis) -> Coordinates:
        """Coordinates for [vis] axis_units and center_on_plane_center."""
        middle = (0.5 * (grid.u_min_cm + grid.u_max_cm), 0.5 * (grid.v_min_cm + grid.v_max_cm))
        scale = 10.0 if vis.axis_units == "mm" else 1.0
        return cls(
            origin_uv_cm=middle if vis.center_on_plane_center else (0.0, 0.0),
            scale=scale,
            unit=vis.axis_units,
            steps=(grid.du_cm * scale, grid.dv_cm * scale),
        )

    @overload
    def at(self, axis: int, position_cm: float) -> float: ...
    @overload
    def at(self, axis: int, position_cm: F8) -> F8: ...
    def at(self, axis: int, position_cm: float | F8) -> float | F8:
        """Drawn positions along u (0) or v (1)."""
        return (position_cm - self.origin_uv_cm[axis]) * self.scale


def grouped(number: float) -> str:
    """A whole number with thin spaces between groups of three digits, from five digits on."""
    text = f"{number:.0f}"
    return text if len(text) < 5 else f"{int(number):,}".replace(",", _THIN_SPACE)


def species_line(name: str, n_cones: int | None) -> str:
    """What is imaged and from how many cones."""
    species = SPECIES_NAMES.get(name, name)
    if n_cones is None:
        return species
    return f"{species}: {grouped(n_cones)} cone{'' if n_cones == 1 else 's'}"


def count_scale(greatest: float, least: float = 1e4) -> tuple[float, str]:
    """Power of a thousand that keeps tick labels short from ``least`` on, and "10³ counts"."""
    if greatest < least:
        return 1.0, "counts"
    exponent = 3 * int(math.log10(greatest) // 3)
    return 10.0**exponent, f"10{str(exponent).translate(_SUPERSCRIPTS)} counts"


def pixel_text(coordinates: Coordinates) -> str:
    """Width and height of a pixel with units."""
    u, v = coordinates.steps
    return f"{u:g} {coordinates.unit} × {v:g} {coordinates.unit}"


def rounded(value: float, step: float) -> str:
    """A value to a tenth of the pixel width ``step``; a dash for NaN."""
    if not math.isfinite(value):
        return ABSENT
    return _signed(value, max(0, -math.floor(math.log10(step / 10.0) + 1e-9)))


def with_error(value: float, error: float) -> str:
    """value ± error: two digits of the error if they are below 35, else one (PDG)."""
    if not (math.isfinite(value) and math.isfinite(error) and error > 0.0):
        return ABSENT
    exponent = math.floor(math.log10(error))
    digits = (1 if error / 10.0**exponent < 3.55 else 0) - exponent
    return f"{_signed(value, max(digits, 0))} ± {max(error, 0.0):.{max(digits, 0)}f}"


def _signed(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    # "-0.0" says nothing that "0.0" does not.
    text = text.lstrip("-") if float(text) == 0.0 else text
    return text.replace("-", "−")


def metric_sources(metrics: ImageMetrics | None, vis: Vis) -> list[str]:
    """Suffixes of the curves whose numbers are shown: "" the whole plane, "_roi" the ROI."""
    if metrics is None:
        return []
    wanted = vis.projections.plot.metrics_source
    if "u_roi" not in metrics.axes or wanted == "all":
        return [""]
    return ["", "_roi"] if wanted == "both" else ["_roi"]


def summary_lines(metrics: ImageMetrics | None, coordinates: Coordinates, vis: Vis) -> list[str]:
    """Lines above the image: what [vis.projections.plot] annotate_summary asks for."""
    style = vis.projections.plot.annotate_summary
    if metrics is None or style == "off":
        return []
    lines = []
    for source in metric_sources(metrics, vis):
        for axis, name in enumerate(("u", "v")):
            m = metrics.axes[name + source]
            label = f"{name}, ROI: " if source else f"{name}: "
            settings = _settings(vis, name)
            if m.total_counts < settings.min_counts:
                few = f"{grouped(m.total_counts)} counts, too few for numbers"
                lines += [label + few] if m.total_counts else []
                continue
            parts = list(_peak_parts(m, axis, coordinates))
            rest = list(_summary_parts(m, axis, coordinates, settings))
            if style == "full":
                lines += [label + ", ".join(group) for group in (parts, rest) if group]
            elif parts or rest:
                lines.append(label + ", ".join(parts or rest[:2]))
    return lines


def _settings(vis: Vis, name: str) -> AxisMetricSettings:
    return vis.projections.metrics.u if name == "u" else vis.projections.metrics.v


def _peak_parts(m: AxisMetrics, axis: int, c: Coordinates) -> Iterator[str]:
    if m.fit_ok:
        position = with_error(c.at(axis, m.fit_pos_cm), m.fit_pos_sigma_cm * c.scale)
        yield f"peak at {position} {c.unit}"
        width = with_error(m.fit_fwhm_cm * c.scale, m.fit_fwhm_sigma_cm * c.scale)
        yield f"FWHM {width} {c.unit}"
    elif m.peak_ok:
        yield f"highest bin at {rounded(c.at(axis, m.peak_pos_cm), c.steps[axis])} {c.unit}"


def _summary_parts(
    m: AxisMetrics, axis: int, c: Coordinates, settings: AxisMetricSettings
) -> Iterator[str]:
    step = c.steps[axis]
    if m.summary_ok:
        yield f"mean {rounded(c.at(axis, m.mean_cm), step)} {c.unit}"
        yield f"σ {rounded(m.std_cm * c.scale, step)} {c.unit}"
        yield f"median {rounded(c.at(axis, m.median_cm), step)} {c.unit}"
    if m.edges_ok:
        low, high = (rounded(c.at(axis, e), step) for e in (m.edge_low_cm, m.edge_high_cm))
        fractions = f"{100 * settings.edge_low_frac:g}–{100 * settings.edge_high_frac:g} %"
        yield f"{fractions}: {low} to {high} {c.unit}"


def panel_table(
    metrics: ImageMetrics | None, coordinates: Coordinates, vis: Vis
) -> list[tuple[str, ...]]:
    """Rows of the metrics panel, the head first; empty without metrics."""
    sources = metric_sources(metrics, vis)
    if metrics is None or not sources:
        return []
    head = [""]
    columns = []
    for source in sources:
        for axis, name in enumerate(("u", "v")):
            head.append(f"{name}, ROI" if source else name)
            centroid = getattr(metrics, f"{name}{source}_centroid_cm")
            columns.append(_panel_column(metrics.axes[name + source], axis, coordinates, centroid))
    rows = list(zip(_panel_names(coordinates.unit, vis), *columns, strict=True))
    mean, centroid = rows[_MEAN_ROW], rows[-1]
    # The centroid is the pair of means: one row says it, unless means were not asked for.
    rows = rows[:-1] if mean[1:] == centroid[1:] else rows
    return [tuple(head), *(row for row in rows if set(row[1:]) != {ABSENT})]


def _panel_names(unit: str, vis: Vis) -> list[str]:
    u, v = vis.projections.metrics.u, vis.projections.metrics.v
    fractions = (u.edge_low_frac, u.edge_high_frac)
    low, high = "Lower edge", "Upper edge"
    if fractions == (v.edge_low_frac, v.edge_high_frac):
        low, high = (f"Edge at {100 * f:g} %" for f in fractions)
    return [
        "Counts",
        f"Fitted peak ({unit})",
        f"Fitted FWHM ({unit})",
        f"Highest bin ({unit})",
        f"Mean ({unit})",
        f"Standard deviation ({unit})",
        f"Median ({unit})",
        f"{low} ({unit})",
        f"{high} ({unit})",
        f"Between edges ({unit})",
        f"Centroid ({unit})",
    ]


def _panel_column(m: AxisMetrics, axis: int, c: Coordinates, centroid_cm: float) -> list[str]:
    step = c.steps[axis]
    return [
        grouped(m.total_counts),
        with_error(c.at(axis, m.fit_pos_cm), m.fit_pos_sigma_cm * c.scale),
        with_error(m.fit_fwhm_cm * c.scale, m.fit_fwhm_sigma_cm * c.scale),
        rounded(c.at(axis, m.peak_pos_cm), step),
        rounded(c.at(axis, m.mean_cm), step),
        rounded(m.std_cm * c.scale, step),
        rounded(c.at(axis, m.median_cm), step),
        rounded(c.at(axis, m.edge_low_cm), step),
        rounded(c.at(axis, m.edge_high_cm), step),
        rounded(m.edge_width_cm * c.scale, step),
        rounded(c.at(axis, centroid_cm), step),
    ]
