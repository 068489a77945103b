"""Settings of the figures and of the projection metrics: [vis]."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, Field, field_validator, model_validator

from ..settings import OutputPath, Section

ImageName = Literal["n", "g", "all"]
DEFAULT_COLORMAP = "cividis"


class AxisMetricSettings(Section):
    """[vis.projections.metrics.u] or .v: which numbers of a projection are computed."""

    compute_summary: bool = True
    """Total, mean, standard deviation, median."""
    compute_peak: bool = True
    """Position and height of the highest bin, and the fitted peak."""
    compute_edges: bool = False
    """Positions where the cumulative sum crosses two fractions."""
    edge_low_frac: float = Field(default=0.2, gt=0, lt=1)
    """Lower fraction."""
    edge_high_frac: float = Field(default=0.8, gt=0, lt=1)
    """Upper fraction."""
    min_counts: float = Field(default=100.0, ge=0)
    """Fewest counts for a valid number."""

    @model_validator(mode="after")
    def _ordered(self) -> AxisMetricSettings:
        if self.edge_low_frac >= self.edge_high_frac:
            msg = f"edge_low_frac {self.edge_low_frac} is not below {self.edge_high_frac}"
            raise ValueError(msg)
        return self


class ProjectionMetricSettings(Section):
    """[vis.projections.metrics]."""

    enabled: bool = False
    """Compute metrics at all."""
    compute_centroid: bool = True
    """Centroid of the image in both directions."""
    u: AxisMetricSettings = AxisMetricSettings()
    """Along u."""
    v: AxisMetricSettings = AxisMetricSettings()
    """Along v."""


class ProjectionPlot(Section):
    """[vis.projections.plot]: what is drawn beside the image."""

    show_peak_markers: bool = True
    """Mark the peak on curve and image."""
    show_edge_markers: bool = True
    """Mark the edges on the curve."""
    show_centroid_2d: bool = False
    """Mark the centroid on the image."""
    metrics_source: Literal["auto", "all", "roi", "both"] = "auto"
    """Whose numbers: of the whole image, the ROI, both; auto = the ROI if there is one."""
    curve_mode: Literal["all+roi", "all_only", "roi_only"] = "all+roi"
    """Which curves."""
    annotate_summary: Literal["off", "compact", "full"] = "compact"
    """How many numbers stand beside a curve."""
    show_metrics_panel: bool = False
    """Table of the numbers."""


class ProjectionsSettings(Section):
    """[vis.projections]."""

    enabled: bool = True
    """Draw projections beside the image."""
    roi_u_min_cm: float | None = None
    """Left edge of the region of interest, cm; absent = the plane's."""
    roi_u_max_cm: float | None = None
    """Right edge, cm."""
    roi_v_min_cm: float | None = None
    """Lower edge, cm."""
    roi_v_max_cm: float | None = None
    """Upper edge, cm."""
    metrics: ProjectionMetricSettings = ProjectionMetricSettings()
    """Numbers."""
    plot: ProjectionPlot = ProjectionPlot()
    """Drawing."""

    @model_validator(mode="after")
    def _ordered(self) -> ProjectionsSettings:
        for axis in ("u", "v"):
            low, high = (getattr(self, f"roi_{axis}_{end}_cm") for end in ("min", "max"))
            if low is not None and high is not None and low >= high:
                msg = f"roi_{axis}_min_cm {low:g} is not below roi_{axis}_max_cm {high:g}"
                raise ValueError(msg)
        return self

    @property
    def has_roi(self) -> bool:
        """Whether any edge of a region of interest is set."""
        return any(
            getattr(self, f"roi_{axis}_{end}_cm") is not None
            for axis in ("u", "v")
            for end in ("min", "max")
        )


class Vis(Section):
    """[vis]: figures."""

    export_png_on_write: bool = True
    """Draw figures beside the HDF5 file."""
    species: tuple[ImageName, ...] = ("n", "g", "all")
    """Images to draw."""
    center_on_plane_center: bool = True
    """Count u and v from the middle of the plane's range instead of its origin."""
    axis_units: Literal["cm", "mm"] = "cm"
    """Unit of the axes."""
    colormap: str = Field(
        default=DEFAULT_COLORMAP, validation_alias=AliasChoices("colormap", "cmap")
    )
    """Matplotlib colour map; also written cmap."""
    filename_pattern: str = "{species}_{stem}.{ext}"
    """Names of the figures; {stem} is that of the HDF5 file."""
    color_range: Literal["robust", "full"] = "robust"
    """Colours up to the largest count, or robust: not to that of a few single pixels."""
    extra_formats: tuple[Literal["pdf", "svg", "png"], ...] = ()
    """Formats beside PNG."""
    flip_vertical: bool = False
    """Draw v downwards."""
    summed_dataset: str | None = None
    """Legacy: draw this dataset instead of those in species."""
    png_dir: OutputPath | None = None
    """Folder of the figures; absent = that of the HDF5 file."""
    projections: ProjectionsSettings = ProjectionsSettings()
    """Projections and their numbers."""

    @field_validator("filename_pattern")
    @classmethod
    def _fields(cls, pattern: str) -> str:
        try:
            one = pattern.format(stem="s", species="n", ext="png")
            other = pattern.format(stem="s", species="g", ext="pdf")
        except (KeyError, IndexError, ValueError, AttributeError):
            msg = f"{pattern!r} has an unknown field; allowed: {{stem}}, {{species}}, {{ext}}"
            raise ValueError(msg) from None
        if one == other:
            msg = f"{pattern!r} gives every figure one name; use {{species}} and {{ext}}"
            raise ValueError(msg)
        return pattern

    @field_validator("colormap")
    @classmethod
    def _known_map(cls, name: str) -> str:
        if name == DEFAULT_COLORMAP:
            return name  # most runs need no matplotlib here, and its import takes 0.15 s
        from matplotlib import colormaps

        if name not in colormaps:
            msg = f"unknown colour map {name!r}; e.g. cividis, viridis, magma, gray"
            raise ValueError(msg)
        return name
