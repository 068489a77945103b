"""Settings to graph inputs: each input is one frozen section, cut as fine as the dependence.

CHOICES select algorithms (config.when); INPUTS are values. A setting that stands in neither
cannot change a result. Numerical libraries are imported when a value is made: the table is also
read by commands that look at settings only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.detectors import Detectors, Geometry
from ...schemas.imaging.filters import Filters, ShapingRule, resolved
from ...schemas.imaging.labels import FigureLabels
from ...schemas.imaging.physics import TofStart
from ...schemas.imaging.plane import Plane
from ...schemas.imaging.reading import ToldToReaders
from ...schemas.imaging.uncertainty import (
    AcceptanceSettings,
    ExpectationSettings,
)
from ...schemas.settings import Section
from ..engine.protocol import GraphInputs
from ..files import file_ref
from ..graph_inputs import ABSENT, Context, Input, made, of_each_part, setting
from ..library_versions import installed_version
from .input_values import (
    HYPOTHESES,
    REPLICATION,
    hypotheses,
    imaging_method,
    list_region,
    of_reconstruction,
    pixel_grid,
    plane_frame,
    reader_settings,
    replication,
    threads,
)

if TYPE_CHECKING:
    from .restart import Restart
    from .restart_stages import Start

STRATEGY_NAMES: Mapping[str, str] = {
    "Edep": "Recoil energy from deposited energy",
    "ELUT": "Recoil energy from light response",
    "FixedEn": "Known incident energy",
    "ToF": "Incident energy from time of flight",
}


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
    context = Context(folder, source_name, restart)
    return GraphInputs(made(CHOICES, config, context), made(INPUTS, config, context))


def run_labels(config: ImagingConfig, source_name: str) -> FigureLabels:
    """What the figures of a run say beside its counts, as far as the settings know it."""
    return FigureLabels(
        title=config.run.plot_label or "",
        subtitle=STRATEGY_NAMES[config.energy.strategy] if config.run.neutrons else "",
        source=source_name,
        software=f"radiograph {installed_version('radiograph')}",
    )


def _start(_config: ImagingConfig, context: Context) -> Start:
    restart: Restart | None = context.restart
    return "hits" if restart is None else restart.start


def _prior_target(config: ImagingConfig, _context: Context) -> str:
    if config.prior.target_cm is not None:
        return "prior"
    return "none" if config.plane is None else "plane"


def _directionality(config: ImagingConfig, _context: Context) -> str:
    return "off" if config.plane is None else config.cones.directionality


def _tof_start(config: ImagingConfig, _context: Context) -> str:
    return "time" if config.energy.tof.start_det_id is None else "detector"


def _detectors(config: ImagingConfig, context: Context) -> Detectors:
    if context.restart is None:
        return config.detectors
    # Stored hits are in the world frame.
    return config.detectors.model_copy(update={"geometry": Geometry()})


def _cuts_of(level: str, species: str) -> Callable[[ImagingConfig, Context], Section]:
    """The cuts in force of a species; of no species those that count for all."""

    def cuts(config: ImagingConfig, _context: Context) -> Section:
        table = setting(config.filters, level)
        own = setting(table, species) if species else type(table.neutron)()
        return resolved(table, own)

    return cuts


def _cuts(name: str, level: str, species: str = "") -> Input:
    model: type[Section] = type(setting(Filters(), f"{level}.neutron"))
    keys = tuple(f"filters.{level}.{key}" for key in model.model_fields)
    own = (f"filters.{level}.{species}",) if species else ()
    return Input(name, (*keys, *own), _cuts_of(level, species))


def _shaping(species: str) -> Input:
    key = f"shaping.{species}_policy"

    def rule(config: ImagingConfig, context: Context) -> ShapingRule:
        restart: Restart | None = context.restart
        policy = setting(config, key)
        if policy is None and restart is not None:
            # Stored hits are taken for events as the first input asks.
            policy = restart.policies[species]
        elif policy is None:
            from ...nodes.imaging.readers import READERS

            policy = setting(READERS[config.io.input_format], f"{species}_policy")
        return ShapingRule(policy=policy, max_combinations=config.shaping.max_combinations)

    return Input(f"{species}_shaping", (key, "shaping.max_combinations", "io.input_format"), rule)


def _protons_only(config: ImagingConfig, _context: Context) -> bool:
    no_target = config.plane is None and config.prior.target_cm is None
    return config.energy.force_proton_recoils or no_target


def _only_with(
    strategy: str, value: Callable[[ImagingConfig, Context], Any]
) -> Callable[[ImagingConfig, Context], Any]:
    """The value with this strategy; the graphs of the others do not have it."""
    return lambda config, context: (
        value(config, context) if config.energy.strategy == strategy else ABSENT
    )


def _light_of_recoil(config: ImagingConfig, _context: Context) -> str:
    """Whether the light of a hypothesis can be told: its recoil energy comes from elsewhere."""
    return "known" if config.energy.strategy in ("FixedEn", "ToF") else "unknown"


def _light_curves(config: ImagingConfig, _context: Context) -> bool:
    """Whether the light of recoils is looked up: of ELUT always, else for weights of hypotheses."""
    return config.energy.strategy != "Edep"


def _calibration_file(config: ImagingConfig, context: Context) -> Any:
    path = config.calibration.path
    return ABSENT if path is None else file_ref(context.folder / path)


def _theta_from(config: ImagingConfig, _context: Context) -> str:
    return "time_and_light" if config.uncertainty.combine_light else "strategy"


def _with_light_curves(
    value: Callable[[ImagingConfig, Context], Any],
) -> Callable[[ImagingConfig, Context], Any]:
    return lambda config, context: (
        value(config, context) if _light_curves(config, context) else ABSENT
    )


def _tof_settings(config: ImagingConfig, _context: Context) -> TofStart:
    tof = config.energy.tof
    return tof.model_copy(update={"source_cm": tof.source_cm or config.prior.target_cm})


def _light_tables(config: ImagingConfig, context: Context) -> Any:
    from ...schemas.light_response import LightTables

    return LightTables(
        tuple(
            (material, recoil, file_ref(context.folder / path))
            for material, paths in sorted(config.energy.lut_paths.items())
            for recoil in ("proton", "carbon")
            if (path := setting(paths, recoil)) is not None
        )
    )


def _with_plane(
    value: Callable[[ImagingConfig, Plane], Any],
) -> Callable[[ImagingConfig, Context], Any]:
    """The value where there is a plane."""
    return lambda config, _: ABSENT if config.plane is None else value(config, config.plane)


def _stopping_powers(_config: ImagingConfig, _context: Context) -> Any:
    return file_ref(Path(str(resources.files("radiograph.configs") / _STOPPING_POWERS)))


_STOPPING_POWERS: Final = "stopping_powers.csv"
_RANGE: Final = ("plane.u_min", "plane.u_max", "plane.v_min", "plane.v_max")
_GRID: Final = ("plane.normal", "plane.u_axis", "plane.v_axis", *_RANGE, "plane.du", "plane.dv")
_STRATEGY: Final = "energy.strategy"
_OF_HYPOTHESES: Final = tuple(f"reconstruction.{k}" for k in HYPOTHESES)
_OF_REPLICAS: Final = tuple(f"errors.{k}" for k in REPLICATION)
_OF_PASSES: Final = tuple(f"reconstruction.{k}" for k in ExpectationSettings.model_fields)
_OF_ACCEPTANCE: Final = tuple(f"reconstruction.{k}" for k in AcceptanceSettings.model_fields)

CHOICES: Final = (
    Input("start", (), _start),
    Input("neutrons", ("run.neutrons",)),
    Input("gammas", ("run.gammas",)),
    Input("energy_strategy", (_STRATEGY,)),
    Input("tof_start", ("energy.tof.start_det_id",), _tof_start),
    Input("prior_target", ("prior.type", "plane?"), _prior_target),
    Input("directionality", ("cones.directionality", "plane?"), _directionality),
    Input("cone_selection", ("cones.selection",)),
    Input("calibration", ("calibration.mode",)),
    Input("snap_to_bar", ("uncertainty.snap_to_bar",)),
    Input(
        "calibration_bias",
        ("calibration.steps",),
        lambda config, _: "bias" in config.calibration.steps,
    ),
    Input(
        "incident_energy",
        (_STRATEGY,),
        lambda config, _: "fixed" if config.energy.strategy == "FixedEn" else "unknown",
    ),
    Input("light_curves", (_STRATEGY,), _light_curves),
    Input("light_of_recoil", (_STRATEGY,), _light_of_recoil),
    Input("theta_from", ("uncertainty.combine_light",), _theta_from),
    Input(
        "gamma_lines",
        ("reconstruction.gamma_lines_MeV",),
        lambda config, _: len(config.reconstruction.gamma_lines_MeV) > 0,
    ),
    Input(
        "width_scale",
        ("uncertainty.scale",),
        lambda config, _: "fit" if config.uncertainty.scale == "fit" else "given",
    ),
    Input(
        "reference_source",
        ("uncertainty.reference_source_cm",),
        lambda config, _: "absent" if config.uncertainty.reference_source_cm is None else "given",
    ),
    Input("event_cap", ("run.max_events",), lambda config, _: config.run.max_events > 0),
    Input("cone_cap", ("run.max_cones",), lambda config, _: config.run.max_cones > 0),
)
INPUTS: Final = (
    Input("event_range", ("run.chunk_events",), of_each_part),
    Input(
        "reader",
        (
            "io.input_format",
            "io.adapter.unit_pos_is_mm",
            *(f"io.adapter.{name}" for name in ToldToReaders.model_fields),
        ),
        lambda config, _: reader_settings(config),
    ),
    Input("detectors", ("detectors",), _detectors),
    Input("neutrons_on", ("run.neutrons",)),
    Input("gammas_on", ("run.gammas",)),
    _cuts("neutron_hit_filters", "hits", "neutron"),
    _cuts("gamma_hit_filters", "hits", "gamma"),
    _cuts("unknown_hit_filters", "hits"),
    _shaping("neutron"),
    _shaping("gamma"),
    Input("event_budget", ("run.max_events",)),
    _cuts("neutron_event_filters", "events", "neutron"),
    _cuts("gamma_event_filters", "events", "gamma"),
    Input(
        "fixed_energy_MeV",
        (_STRATEGY, "energy.fixed_En_MeV"),
        _only_with("FixedEn", lambda config, _: config.energy.fixed_En_MeV),
    ),
    Input(
        "tof_settings",
        (_STRATEGY, "energy.tof", "prior.type", "prior.point", "prior.line"),
        _only_with("ToF", _tof_settings),
    ),
    Input("light_tables", (_STRATEGY, "energy.lut_paths"), _with_light_curves(_light_tables)),
    Input(
        "stopping_power_file",
        (_STRATEGY,),
        _with_light_curves(_stopping_powers),
        _STOPPING_POWERS,
    ),
    Input("cone_kinematics", ("cones.kinematics",)),
    Input("prior", ("prior",)),
    Input(
        "plane_frame",
        ("plane.origin", "plane.normal"),
        _with_plane(lambda _, plane: plane_frame(plane)),
    ),
    Input("pixel_grid", _GRID, _with_plane(lambda _, plane: pixel_grid(plane))),
    Input("protons_only", ("energy.force_proton_recoils", "prior.type", "plane?"), _protons_only),
    _cuts("neutron_cone_filters", "cones", "neutron"),
    _cuts("gamma_cone_filters", "cones", "gamma"),
    Input("cone_budget", ("run.max_cones",)),
    Input(
        "imaging_method",
        (
            "imaging.poly_samples",
            "imaging.poly_range_cm",
            "run.sbp_engine",
            "run.list",
            "cones.nappe",
        ),
        lambda config, _: imaging_method(config),
    ),
    Input("threads", ("run.workers", "run.chunk_cones"), lambda config, _: threads(config)),
    Input("listed_cones", ("list_mode.cone_ids",)),
    Input("list_region", ("list_mode.region_cm", *_RANGE), _with_plane(list_region)),
    Input(
        "calibration_settings",
        ("calibration",),
        lambda config, _: config.calibration if config.calibration.mode == "self" else ABSENT,
    ),
    Input("calibration_file", ("calibration.path",), _calibration_file),
    Input("uncertainty", ("uncertainty",)),
    Input("reconstruction", _OF_HYPOTHESES, lambda config, _: hypotheses(config)),
    Input("expectation", _OF_PASSES, of_reconstruction(ExpectationSettings)),
    Input(
        "acceptance_settings",
        _OF_ACCEPTANCE,
        of_reconstruction(AcceptanceSettings),
    ),
    Input("image_sensitivity", ("reconstruction.sensitivity",)),
    Input("point_fit", ("point_fit",)),
    Input("errors", _OF_REPLICAS, lambda config, _: replication(config)),
    Input("interval_level", ("errors.level",)),
    Input("focus", ("focus",)),
    Input("projection_settings", ("vis.projections",)),
    Input("vis", ("vis",)),
    Input(
        "run_labels",
        ("run.plot_label", "run.neutrons", _STRATEGY),
        lambda config, context: run_labels(config, context.source_name),
    ),
)
