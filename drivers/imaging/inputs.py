"""Settings to graph inputs: each input is one frozen section, cut as fine as the dependence.

``choices`` select algorithms (config.when); ``inputs`` are values. A setting that stands in
neither cannot change a result.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ...nodes.imaging.plane import plane_axes, unit
from ...nodes.imaging.readers import READERS
from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.detectors import Geometry
from ...schemas.imaging.filters import ShapingRule, resolved
from ...schemas.imaging.images import PixelGrid, PlaneFrame, RegionOfInterest, Vector3
from ...schemas.imaging.imaging_method import ImagingMethod, Threads
from ...schemas.imaging.labels import FigureLabels
from ...schemas.imaging.plane import Plane
from ...schemas.imaging.reading import ReaderSettings
from ...schemas.light_response import LightTables
from ...schemas.sources import FileRef
from ..files import file_ref
from .restart import Restart, Start

STRATEGY_NAMES: Mapping[str, str] = {
    "Edep": "Recoil energy from deposited energy",
    "ELUT": "Recoil energy from light response",
    "FixedEn": "Known incident energy",
    "ToF": "Incident energy from time of flight",
}


@dataclass(frozen=True)
class GraphInputs:
    """What a run gives to the graph: algorithm choices and values, without file and range."""

    choices: Mapping[str, Any]
    values: Mapping[str, Any]


def graph_inputs(
    config: ImagingConfig,
    folder: Path,
    *,
    source_name: str = "",
    restart: Restart | None = None,
) -> GraphInputs:
    """The choices and values of a config whose relative paths start at ``folder``.

    ``source_name`` is printed in the figures; ``restart`` says what an earlier run gives.
    """
    values = {**_values(config, folder), "run_labels": run_labels(config, source_name)}
    if restart is None:
        return GraphInputs(graph_choices(config), values)
    # Stored hits are in the world frame, and were taken for events as the first input asks.
    values["detectors"] = config.detectors.model_copy(update={"geometry": Geometry()})
    for species, policy in restart.policies.items():
        rule = values[f"{species}_shaping"]
        if getattr(config.shaping, f"{species}_policy") is None:
            values[f"{species}_shaping"] = rule.model_copy(update={"policy": policy})
    return GraphInputs(graph_choices(config, restart.start), values)


def run_labels(config: ImagingConfig, source_name: str) -> FigureLabels:
    """What the figures of a run say beside its counts, as far as the settings know it."""
    return FigureLabels(
        title=config.run.plot_label or "",
        subtitle=STRATEGY_NAMES[config.energy.strategy] if config.run.neutrons else "",
        source=source_name,
        software=f"radiograph {version('radiograph')}",
    )


def graph_choices(config: ImagingConfig, start: Start = "hits") -> dict[str, Any]:
    """Which variant of a node a config selects; ``start`` is where a restart begins."""
    target = "prior" if config.prior.target_cm is not None else "plane"
    if config.plane is None and target == "plane":
        target = "none"
    return {
        "start": start,
        "neutrons": config.run.neutrons,
        "gammas": config.run.gammas,
        "energy_strategy": config.energy.strategy,
        "tof_start": "detector" if config.energy.tof.start_det_id is not None else "time",
        "prior_target": target,
        "directionality": "off" if config.plane is None else config.cones.directionality,
        "event_cap": config.run.max_events > 0,
        "cone_cap": config.run.max_cones > 0,
    }


def _values(config: ImagingConfig, folder: Path) -> dict[str, Any]:
    filters = config.filters
    reader = READERS[config.io.input_format]
    shaping = config.shaping
    most = shaping.max_combinations
    no_target = config.plane is None and config.prior.target_cm is None
    values: dict[str, Any] = {
        "reader": reader_settings(config),
        "detectors": config.detectors,
        "neutron_hit_filters": resolved(filters.hits, filters.hits.neutron),
        "gamma_hit_filters": resolved(filters.hits, filters.hits.gamma),
        "unknown_hit_filters": resolved(filters.hits, type(filters.hits.neutron)()),
        "neutrons_on": config.run.neutrons,
        "gammas_on": config.run.gammas,
        "neutron_shaping": ShapingRule(
            policy=shaping.neutron_policy or reader.neutron_policy, max_combinations=most
        ),
        "gamma_shaping": ShapingRule(
            policy=shaping.gamma_policy or reader.gamma_policy, max_combinations=most
        ),
        "event_budget": config.run.max_events,
        "neutron_event_filters": resolved(filters.events, filters.events.neutron),
        "gamma_event_filters": resolved(filters.events, filters.events.gamma),
        "cone_kinematics": config.cones.kinematics,
        "prior": config.prior,
        "cone_selection": config.cones.selection,
        "protons_only": config.energy.force_proton_recoils or no_target,
        "neutron_cone_filters": resolved(filters.cones, filters.cones.neutron),
        "gamma_cone_filters": resolved(filters.cones, filters.cones.gamma),
        "cone_budget": config.run.max_cones,
        "imaging_method": imaging_method(config),
        "threads": threads(config),
        "listed_cones": config.list_mode.cone_ids,
        "projection_settings": config.vis.projections,
        "vis": config.vis,
    }
    if config.plane is not None:
        values["plane_frame"], values["pixel_grid"] = plane_frame_and_grid(config.plane)
        values["list_region"] = list_region(config, config.plane)
    return values | _energy_values(config, folder)


def _energy_values(config: ImagingConfig, folder: Path) -> dict[str, Any]:
    energy = config.energy
    if energy.strategy == "FixedEn":
        return {"fixed_energy_MeV": energy.fixed_En_MeV}
    if energy.strategy == "ToF":
        source = energy.tof.source_cm or config.prior.target_cm
        return {"tof_settings": energy.tof.model_copy(update={"source_cm": source})}
    if energy.strategy == "ELUT":
        return {
            "stopping_power_file": _shipped("stopping_powers.csv"),
            "light_tables": LightTables(
                tuple(
                    (material, recoil, file_ref(folder / path))
                    for material, paths in sorted(energy.lut_paths.items())
                    for recoil in ("proton", "carbon")
                    if (path := getattr(paths, recoil)) is not None
                )
            ),
        }
    return {}


def _shipped(name: str) -> FileRef:
    return file_ref(Path(str(resources.files("radiograph.configs") / name)))


def reader_settings(config: ImagingConfig) -> ReaderSettings:
    """Units and trees of the input; what is absent follows the format."""
    adapter = config.io.adapter
    in_mm = adapter.unit_pos_is_mm
    if in_mm is None:
        in_mm = READERS[config.io.input_format].positions_in_mm
    return ReaderSettings(
        input_format=config.io.input_format,
        cm_per_position_unit=0.1 if in_mm else 1.0,
        time_units=adapter.time_units,
        tree_key=adapter.tree_key,
        meta_tree_key=adapter.meta_tree_key,
    )


def imaging_method(config: ImagingConfig) -> ImagingMethod:
    """How cones become images."""
    imaging, engine = config.imaging, config.run.sbp_engine
    method = ImagingMethod(imaging.method, engine, config.cones.nappe, config.run.list)
    if engine != "poly":
        return method
    reach = imaging.poly_range_cm if isinstance(imaging.poly_range_cm, float) else 0.0
    return replace(method, poly_samples=imaging.poly_samples, poly_range_cm=reach)


def threads(config: ImagingConfig) -> Threads:
    """How many threads, and cones a task; 0 or auto = all cores, and the method's choice."""
    count = config.run.workers if isinstance(config.run.workers, int) else 0
    task = config.run.chunk_cones if isinstance(config.run.chunk_cones, int) else 0
    return Threads(count or len(os.sched_getaffinity(0)), task)


def list_region(config: ImagingConfig, plane: Plane) -> RegionOfInterest:
    """The region that list mode is asked for; the whole plane without one."""
    whole = (plane.u_min, plane.u_max, plane.v_min, plane.v_max)
    return RegionOfInterest(*(config.list_mode.region_cm or whole))


def plane_frame_and_grid(plane: Plane) -> tuple[PlaneFrame, PixelGrid]:
    """The plane as the graph takes it: where it lies, and its axes and pixels."""
    u_axis, v_axis = plane_axes(plane.normal, plane.u_axis, plane.v_axis)
    grid = PixelGrid(
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
    return PlaneFrame(plane.origin, _vector(unit(plane.normal))), grid


def _vector(array: Any) -> Vector3:
    x, y, z = (float(a) for a in array)
    return (x, y, z)
