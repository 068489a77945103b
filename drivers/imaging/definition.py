"""The imaging pipeline as the core sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.filters import resolved
from ...schemas.settings import Section
from ..defaults import later
from ..definition import CompiledAhead, Definition, ScreenSettings, Source, StageLine
from .config_checks import faults, notices
from .fast_mode import with_fast_mode
from .inputs import CHOICES, INPUTS

if TYPE_CHECKING:
    from ..config import LoadedConfig


def _ours(place: str) -> Callable[..., Any]:
    """A function of this package, imported when it is called."""
    return later(f"{__package__}.{place}")


def effective(config: ImagingConfig) -> ImagingConfig:
    """The config with the cuts in force of each species: its own, or else those of both."""
    filters = config.filters
    in_force = {
        level: table.model_copy(
            update={s: resolved(table, getattr(table, s)) for s in ("neutron", "gamma")}
        )
        for level in type(filters).model_fields
        if isinstance(table := getattr(filters, level), Section)
    }
    return config.model_copy(update={"filters": filters.model_copy(update=in_force)})


def summary(loaded: LoadedConfig) -> dict[str, Any]:
    """What a checked file asks for, as plain values."""
    from ..input_paths import named_inputs

    config = loaded.config
    plane = config.plane
    return {
        "until": config.pipeline.until,
        "species": [s for s in ("neutrons", "gammas") if getattr(config.run, s)],
        "strategy": config.energy.strategy,
        "input": named_inputs(loaded),
        "plane": None if plane is None else plane_text(plane),
    }


def plane_text(plane: Any) -> str:
    """Pixels and ranges of the imaging plane in one line."""
    nu = round((plane.u_max - plane.u_min) / plane.du)
    nv = round((plane.v_max - plane.v_min) / plane.dv)
    return (
        f"{nu} x {nv} pixels of {plane.du:g} x {plane.dv:g} cm, "
        f"u {plane.u_min:g} to {plane.u_max:g}, v {plane.v_min:g} to {plane.v_max:g} cm"
    )


def _screen(config: ImagingConfig) -> ScreenSettings:
    return ScreenSettings(config.run.diagnostics_level, config.run.progress)


# Of an image of PHITS text: its scanner takes the longest to compile, and is needed before these.
_COMPILED_AHEAD: Final = CompiledAhead(
    "radiograph.drivers.imaging.first_compile",
    ("scan_cones", "first_by_key", "sort_rows_by_time"),
)


def _compiled_ahead(config: ImagingConfig) -> CompiledAhead | None:
    scans = config.plane is not None and config.run.sbp_engine == "scan"
    return _COMPILED_AHEAD if scans and config.pipeline.until == "image" else None


_STRATEGIES: Final[Mapping[str, str]] = {
    "ELUT": "recoil energy from the light and the material's response",
    "ToF": "energy from the flight from the source",
    "FixedEn": "known incident energy, with fixed_En_MeV",
    "Edep": "the light is the deposited energy: simulations such as PHITS",
}
_CHOOSE: Final = "write [energy] strategy = one of " + ", ".join(
    f'"{name}" ({meaning})' for name, meaning in _STRATEGIES.items()
)
_STAGES: Final = (
    "load",
    "light_curves",
    "restart",
    "hits",
    "events",
    "bars",
    "calibration",
    "energies",
    "cones",
    "selection",
    "uncertainty",
    "gamma_lines",
    "weights",
    "pulls",
    "acceptance",
    "gamma_acceptance",
    "point_fit",
    "bootstrap",
    "replica_intervals",
    "class_shares",
    "image_bootstrap",
    "reconstruction",
    "focus",
    "calibration_error",
    "bar_consistency",
    "position_budget",
    "prior_leakage",
    "images",
    "tables",
    "list_mode",
    "metrics",
    "region_spectra",
    "counters",
    "labels",
    "figures",
    "comparison_figures",
)


def _images_added() -> Any:
    from .merges import ImagesAdded

    return ImagesAdded()


def _projections_joined() -> Any:
    from .merges import ProjectionsJoined

    return ProjectionsJoined()


# Arrays have a row for each row of a frame.
_ROWS_OF_FRAMES = (
    "*_code",
    "*_row",
    "*_rows",
    "*_scores",
    "*_weights",
    "*_theta_sigma_rad",
    "*_light_theta",
    "*_ok",
    "*_max_events",
    "raw_event_*",
)

IMAGING = Definition(
    name="imaging",
    home=f"{__name__}:IMAGING",
    modules=tuple(f"radiograph.nodes.imaging.{stage}" for stage in _STAGES),
    tables="radiograph.schemas.imaging.frames:TABLES",
    settings=ImagingConfig,
    sources=(Source("source", "io.input_path", "file with raw events"),),
    inputs=INPUTS,
    choices=CHOICES,
    merges=MappingProxyType(
        {
            "*_image": _images_added,
            "*_back_projection": _projections_joined,
            **dict.fromkeys(_ROWS_OF_FRAMES, "append"),
        }
    ),
    # Readers number raw events within a file, and nodes their rows within a range.
    row_numbers=MappingProxyType(
        {
            "event_id": "file",
            "raw_event_ranges.": "file",
            "*_event_hit_rows.": "hits",
            **{
                f"{species}_{key}": f"{species}_{rows}"
                for species in ("neutron", "gamma")
                for key, rows in (
                    ("*.event_index", "filtered_events"),
                    ("*.candidate_row", "candidate_cones"),
                    ("chosen_row.", "candidate_cones"),
                    ("shaped_events.hit?_row", "filtered_hits"),
                )
            },
        }
    ),
    aliases=MappingProxyType({"cones": "selected_cones", "image": "summed_images"}),
    untracked=("threads",),
    tables_page="schemas.md",
    # Both species and a light response: it has every quantity.
    example="novo_ddaq_elut.toml",
    # Any legal choice shows every name: variants of a node share it.
    listed_choices=MappingProxyType(
        {
            "start": "hits",
            "neutrons": True,
            "gammas": True,
            "energy_strategy": "ELUT",
            "light_curves": True,
            "light_of_recoil": "unknown",
            "theta_from": "strategy",
            "width_scale": "given",
            "reference_source": "absent",
            "calibration": "off",
            "snap_to_bar": False,
            "calibration_bias": False,
            "gamma_lines": False,
            "incident_energy": "fixed",
            "tof_start": "time",
            "prior_target": "prior",
            "directionality": "axis",
            "cone_selection": "min_delta",
            "event_cap": False,
            "cone_cap": False,
        }
    ),
    faults=faults,
    notices=notices,
    missing=MappingProxyType({"energy": _CHOOSE, "energy.strategy": _CHOOSE}),
    with_fast_mode=with_fast_mode,
    effective=effective,
    run=_ours("run:run_imaging"),
    session=_ours("session:named_session"),
    summary=summary,
    screen=_screen,
    stage_lines=(
        StageLine("hits", "hits_total", "hits_after_filters", "hits"),
        StageLine("events", "shaped_events_total", "events_after_filters", "events"),
        StageLine("cones", "events_cone_build_attempted", "cones_kept", "cones"),
        StageLine("images", "cones_kept", "cones_imaged_total", "cones imaged"),
    ),
    graph_of_run=_ours("saved:graph_of_run"),
    pages=f"{__package__}.pages",
    described=_ours("file_summary:described"),
    quick_look=_ours("watching:ImagingQuickLook"),
    report=_ours("report_files:write_report"),
    verify=_ours("verifying:verify"),
    export=_ours("exporting:export"),
    check_targets=_ours("requests:check_list_mode"),
    compiled_ahead=_compiled_ahead,
    starter=_ours("starter:write_starter"),
    summary_node="projection_metrics",
    setting_aliases=MappingProxyType({"io.hdf5_overwrite": "io.overwrite"}),
    # The one section with a key that has no default.
    stand_ins=MappingProxyType({"energy": {"strategy": "Edep"}}),
)
