"""Values of graph inputs that are more than one setting: method, region, plane, what readers need.

Numerical libraries are imported when a value is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.imaging_method import ImagingMethod, Threads
from ...schemas.imaging.plane import Plane
from ...schemas.imaging.reading import ReaderSettings, ToldToReaders
from ...schemas.imaging.uncertainty import (
    AcceptanceSettings,
    Errors,
    ExpectationSettings,
    Reconstruction,
)
from ...schemas.settings import Section
from ..defaults import cores
from ..graph_inputs import Context, setting

if TYPE_CHECKING:
    from ...schemas.imaging.images import PixelGrid, PlaneFrame, RegionOfInterest

Told = TypeVar("Told", bound=Section)
REPLICATION: Final = tuple(k for k in Errors.model_fields if k != "level")
HYPOTHESES: Final = tuple(
    k
    for k in Reconstruction.model_fields
    if k not in {*ExpectationSettings.model_fields, *AcceptanceSettings.model_fields}
)


def reader_settings(config: ImagingConfig) -> ReaderSettings:
    """Units and trees of the input; what is absent follows the format."""
    from ...nodes.imaging.readers import READERS

    adapter = config.io.adapter
    in_mm = adapter.unit_pos_is_mm
    if in_mm is None:
        in_mm = READERS[config.io.input_format].positions_in_mm
    return ReaderSettings(
        input_format=config.io.input_format,
        cm_per_position_unit=0.1 if in_mm else 1.0,
        **{name: setting(adapter, name) for name in ToldToReaders.model_fields},
    )


def imaging_method(config: ImagingConfig) -> ImagingMethod:
    """How cones become images."""
    imaging, engine = config.imaging, config.run.sbp_engine
    method = ImagingMethod("sbp", engine, config.cones.nappe, config.run.list)
    if engine != "poly":
        return method
    reach = imaging.poly_range_cm if isinstance(imaging.poly_range_cm, float) else 0.0
    return replace(method, poly_samples=imaging.poly_samples, poly_range_cm=reach)


def of_reconstruction(part: type[Told]) -> Callable[[ImagingConfig, Context], Told]:
    """What makes those settings of [reconstruction] that a part of it holds."""

    def value(config: ImagingConfig, _context: Context) -> Told:
        told = config.reconstruction
        return part.model_construct(**{k: getattr(told, k) for k in part.model_fields})

    return value


def replication(config: ImagingConfig) -> Errors:
    """What of [errors] replicas and priors depend on: not the level of what is told of them."""
    told = config.errors
    return Errors.model_construct(**{k: getattr(told, k) for k in REPLICATION})


def hypotheses(config: ImagingConfig) -> Reconstruction:
    """What of [reconstruction] hypotheses and classes depend on."""
    told = config.reconstruction
    return Reconstruction.model_construct(**{k: getattr(told, k) for k in HYPOTHESES})


def threads(config: ImagingConfig) -> Threads:
    """How many threads, and cones a task; 0 or auto = all cores, and the method's choice."""
    task = config.run.chunk_cones if isinstance(config.run.chunk_cones, int) else 0
    return Threads(cores(config.run.workers), task)


def list_region(config: ImagingConfig, plane: Plane) -> RegionOfInterest:
    """The region that list mode is asked for; the whole plane without one."""
    from ...schemas.imaging.images import RegionOfInterest

    whole = (plane.u_min, plane.u_max, plane.v_min, plane.v_max)
    return RegionOfInterest(*(config.list_mode.region_cm or whole))


def plane_frame(plane: Plane) -> PlaneFrame:
    """Where the plane lies."""
    from ...nodes.imaging.plane import unit
    from ...schemas.imaging.images import PlaneFrame

    return PlaneFrame(plane.origin, _vector(unit(plane.normal)))


def pixel_grid(plane: Plane) -> PixelGrid:
    """Axes and pixels of the plane."""
    from ...nodes.imaging.plane import plane_axes
    from ...schemas.imaging.images import PixelGrid

    u_axis, v_axis = plane_axes(plane.normal, plane.u_axis, plane.v_axis)
    return PixelGrid(
        u_min_cm=plane.u_min,
        u_max_cm=plane.u_max,
        du_cm=plane.du,
        nu=round((plane.u_max - plane.u_min) / plane.du),
        v_min_cm=plane.v_min,
        v_max_cm=plane.v_max,
        dv_cm=plane.dv,
        nv=round((plane.v_max - plane.v_min) / plane.dv),
        u_axis=_vector(u_axis),
        v_axis=_vector(v_axis),
    )


def _vector(array: Any) -> tuple[float, float, float]:
    x, y, z = (float(a) for a in array)
    return (x, y, z)
