"""Frozen arrays of the imaging pipeline: images, footprints, projections, what a reader gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..arrays import F8, U4, U8


@dataclass(frozen=True)
class SourceRecords:
    """What a reader found in one range of raw events, in the frame and units of the graph.

    Attributes
    ----------
    hits
        Columns of Hits without ``material``, rows in file order; positions still in the
        frame of the detectors.
    n_raw_events
        Raw events read whole; ``n_damaged_records`` were not and are listed in ``problems``.
    raw_event_ids
        Shape (n_raw_events,), the event_id of each raw event read, ascending.
    n_hits_clipped, n_hits_particle
        Hits per species (n, g, unknown) dropped because their pulse was clipped, or because
        they are marked as neither neutron nor gamma.
    reactions, products
        The truth of a simulation; empty frames where the format has none.
    """

    hits: pd.DataFrame
    raw_event_ids: np.ndarray
    n_damaged_records: int
    problems: pd.DataFrame
    n_hits_clipped: tuple[int, int, int]
    n_hits_particle: tuple[int, int, int]
    reactions: pd.DataFrame
    products: pd.DataFrame

    @property
    def n_raw_events(self) -> int:
        return len(self.raw_event_ids)


Vector3 = tuple[float, float, float]


@dataclass(frozen=True)
class PlaneFrame:
    """The imaging plane without its grid: a point of it (cm) and its unit normal."""

    origin_cm: Vector3
    normal: Vector3


@dataclass(frozen=True)
class PixelGrid:
    """Axes and pixels of the plane.

    Pixel (row v, column u) has flat index v * nu + u; row 0 is at v_min. The axes are unit
    vectors in the plane, orthogonal to each other.
    """

    u_min_cm: float
    u_max_cm: float
    du_cm: float
    nu: int
    v_min_cm: float
    v_max_cm: float
    dv_cm: float
    nv: int
    u_axis: Vector3 = (1.0, 0.0, 0.0)
    v_axis: Vector3 = (0.0, 1.0, 0.0)

    @property
    def u_centers_cm(self) -> F8:
        return np.asarray(self.u_min_cm + (np.arange(self.nu) + 0.5) * self.du_cm)

    @property
    def v_centers_cm(self) -> F8:
        return np.asarray(self.v_min_cm + (np.arange(self.nv) + 0.5) * self.dv_cm)

    @property
    def shape(self) -> tuple[int, int]:
        return (self.nv, self.nu)


@dataclass(frozen=True)
class Footprints:
    """The lit pixels of each cone as compressed rows (CSR).

    Cone i lights ``pixels[offsets[i]:offsets[i + 1]]``, flat indices v * nu + u.
    """

    offsets: U8
    pixels: U4

    @classmethod
    def of_counts(cls, lit_pixels: U4, pixels: U4) -> Footprints:
        """Footprints from the number of pixels of each cone, in order."""
        offsets = np.zeros(len(lit_pixels) + 1, np.uint64)
        np.cumsum(lit_pixels, out=offsets[1:])
        return cls(offsets, pixels)

    @property
    def n_cones(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True)
class BackProjection:
    """The cones of one species thrown back on the plane.

    Attributes
    ----------
    image
        Shape (nv, nu), how many cones light each pixel.
    lit_pixels
        Shape (n_cones,), how many pixels each cone lights.
    footprints
        Which pixels, where list mode asks for them.
    """

    image: U4
    lit_pixels: U4
    footprints: Footprints | None = None


@dataclass(frozen=True)
class PixelCounts:
    """How many cones of one species light each pixel: ``image``, shape (nv, nu).

    Those of several ranges of events are added.
    """

    image: U4


@dataclass(frozen=True)
class SummedImages:
    """Counts per pixel, shape (nv, nu): ``n`` neutrons, ``g`` gammas, ``all`` their sum.

    A species that is switched off has no image (None).
    """

    grid: PixelGrid
    n: U4 | None
    g: U4 | None
    all: U4

    def present(self) -> dict[str, U4]:
        """The images that exist, by name, neutrons first."""
        images = {"n": self.n, "g": self.g, "all": self.all}
        return {name: image for name, image in images.items() if image is not None}


@dataclass(frozen=True)
class RegionOfInterest:
    """A rectangle on the plane, cm; pixels whose centres lie inside belong to it."""

    u_min_cm: float
    u_max_cm: float
    v_min_cm: float
    v_max_cm: float


@dataclass(frozen=True)
class Projections:
    """Sums of an image along v and u. The ROI curves keep the full axis and are 0 outside.

    ``u`` has shape (nu,), ``v`` (nv,); ``u_roi`` and ``v_roi`` are None without a ROI.
    """

    u: U8
    v: U8
    u_roi: U8 | None = None
    v_roi: U8 | None = None


@dataclass(frozen=True)
class ProjectionSet:
    """The projections of every image that exists, and the ROI they were made with."""

    grid: PixelGrid
    roi: RegionOfInterest | None
    by_image: Mapping[str, Projections]


@dataclass(frozen=True)
class AxisMetrics:
    """Numbers of one projection curve; NaN and ``*_ok`` False below ``min_counts``.

    Positions in cm. ``peak_pos_cm`` is the centre of the highest bin; ``fit_*`` are the
    position and full width at half maximum of a Gaussian on a flat ground, with one sigma, the
    counts of the peak and of a bin of the ground, and the ends of the bins that were fitted.
    ``fit_reason`` says why there is no such fit; empty where there is one, or none was asked for.
    """

    total_counts: float
    mean_cm: float = np.nan
    std_cm: float = np.nan
    median_cm: float = np.nan
    summary_ok: bool = False
    peak_pos_cm: float = np.nan
    peak_value: float = np.nan
    peak_ok: bool = False
    fit_pos_cm: float = np.nan
    fit_pos_sigma_cm: float = np.nan
    fit_fwhm_cm: float = np.nan
    fit_fwhm_sigma_cm: float = np.nan
    fit_ok: bool = False
    edge_low_cm: float = np.nan
    edge_high_cm: float = np.nan
    edge_width_cm: float = np.nan
    edges_ok: bool = False
    fit_area_counts: float = np.nan
    fit_ground_counts: float = np.nan
    fit_low_cm: float = np.nan
    fit_high_cm: float = np.nan
    fit_reason: str = ""


@dataclass(frozen=True)
class ImageMetrics:
    """Metrics of one image: curves ``u``, ``v`` and, with a ROI, ``u_roi``, ``v_roi``."""

    axes: Mapping[str, AxisMetrics]
    u_centroid_cm: float = np.nan
    v_centroid_cm: float = np.nan
    u_roi_centroid_cm: float = np.nan
    v_roi_centroid_cm: float = np.nan
    total_counts: float = 0.0
    roi_total_counts: float = 0.0


@dataclass(frozen=True)
class Counts:
    """Counters by name. Adding two gives the counters of both parts together."""

    values: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Counts) -> Counts:
        names = [*self.values, *(n for n in other.values if n not in self.values)]
        return Counts({n: self.values.get(n, 0) + other.values.get(n, 0) for n in names})

    def __getitem__(self, name: str) -> int:
        return self.values[name]
