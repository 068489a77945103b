"""The imaging graph: it builds for every choice, and what its nodes promise can be kept."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from importlib import resources
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hamilton.ad_hoc_utils import create_temporary_module
from radiograph.drivers import graph
from radiograph.drivers.annotations import spelled_out
from radiograph.drivers.config import load_config
from radiograph.drivers.definition import Definition
from radiograph.drivers.engine.merging import merge_of
from radiograph.drivers.graph import (
    build_driver,
    dependencies,
    graph_nodes,
    resolved_targets,
    upstream,
    visible_nodes,
)
from radiograph.drivers.graph_inputs import Context
from radiograph.drivers.imaging.definition import IMAGING
from radiograph.drivers.imaging.inputs import graph_inputs
from radiograph.drivers.lightdqm.inputs import graph_values
from radiograph.drivers.node_records import Manifest
from radiograph.drivers.registry import definition
from radiograph.schemas.errors import UsageError
from radiograph.schemas.imaging.config import ImagingConfig

PLANE = {
    "origin": [0, 0, 0], "normal": [0, 0, 1],
    "u_min": -5, "u_max": 5, "du": 1, "v_min": -5, "v_max": 5, "dv": 1,
}  # fmt: skip
ENERGIES: dict[str, dict[str, Any]] = {
    "Edep": {"strategy": "Edep"},
    "ELUT": {"strategy": "ELUT"},
    "FixedEn": {"strategy": "FixedEn", "fixed_En_MeV": 14.8},
    "ToF, time": {"strategy": "ToF", "tof": {"source_cm": [0, 0, 0], "start_time_ns": 0}},
    "ToF, detector": {"strategy": "ToF", "tof": {"source_cm": [0, 0, 0], "start_det_id": 3}},
}
PRIORS: dict[str, dict[str, Any]] = {
    "point": {"type": "point", "point": [1, 2, 3]},
    "line": {"type": "line", "line": {"p0": [0, 0, 0], "p1": [1, 0, 0]}},
    "none": {},
}
SPECIES = ((True, True), (True, False), (False, True))
CAPS = ((0, 0), (5, 0), (0, 5), (5, 5))
DIRECTIONS = ("axis", "surface", "off")
PIPELINE = definition("imaging")

# What --target, --json and `radiograph nodes` offer. A name that goes or comes is a change of
# the contract with the user: change it here on purpose.
GOLDEN = {
    "load": ["hits", "parse_problems", "reaction_products", "reactions", "source_metadata"],
    "hits": [
        "filtered_hits", "gamma_filtered_hits", "hit_filter_code", "neutron_filtered_hits",
        "raw_event_fate",
    ],
    "events": [
        "filtered_events", "gamma_event_filter_code", "gamma_filtered_events",
        "gamma_shaped_events", "gamma_typed_events", "neutron_event_filter_code",
        "neutron_filtered_events", "neutron_shaped_events", "neutron_typed_events",
        "typed_events",
    ],
    "calibration": [
        "bar_calibration", "bars", "calibrated_events", "gamma_calibrated_events",
        "neutron_calibrated_events",
    ],
    "energies": ["energies", "gamma_energies", "neutron_energies"],
    "uncertainty": [
        "candidate_sigmas", "candidate_weights", "cone_widths", "gamma_candidate_sigmas",
        "gamma_candidate_weights", "gamma_cone_widths", "gamma_weighted_cones",
        "neutron_candidate_sigmas", "neutron_candidate_weights", "neutron_cone_widths",
        "neutron_theta_sigma_rad", "neutron_weighted_cones",
    ],
    "reconstruction": [
        "bootstrap_image_intervals", "bootstrap_images", "bootstrap_source_intervals",
        "bootstrap_sources", "bootstrap_weighted_image_intervals", "bootstrap_weighted_images",
        "calibration_shift_cm", "class_shares",
        "elsewhere_counts", "focus_curve",
        "emission_images", "focus_distance_cm", "gamma_sensitivity_map", "gamma_significance_map",
        "image_shapes",
        "iteration_history", "neutron_significance_map", "point_sources",
        "position_budget", "prior_leakage", "reconstructed_images", "residual_significance_map",
        "sensitivity_map", "sensitivity_shift_cm", "significance_map", "strategy_sources",
        "weighted_images",
    ],
    "cones": [
        "candidate_cones", "cone_scores", "direction_ok", "gamma_candidate_cones",
        "gamma_chosen_row", "gamma_cone_filter_code", "gamma_cone_scores",
        "gamma_direction_ok", "gamma_selected_cones", "neutron_candidate_cones",
        "neutron_chosen_row", "neutron_cone_filter_code", "neutron_cone_scores",
        "neutron_direction_ok", "neutron_selected_cones", "prior_target_cm", "selected_cones",
    ],
    "images": [
        "cones_through_region", "events_through_region", "footprints", "footprints_of_cones",
        "gamma_back_projection", "gamma_image", "neutron_back_projection", "neutron_image",
        "summed_images",
    ],
    "metrics": [
        "projection_metrics", "projections", "region_of_interest", "region_spectra",
    ],
    "counters": ["counters"],
    "figures": ["comparison_figure", "figures"],
}  # fmt: skip


def config_of(
    energy: str = "Edep",
    prior: str = "point",
    species: tuple[bool, bool] = (True, True),
    caps: tuple[int, int] = (0, 0),
    direction: str = "axis",
    plane: Any = PLANE,
) -> ImagingConfig:
    return ImagingConfig.model_validate(
        {
            "run": {
                "neutrons": species[0],
                "gammas": species[1],
                "max_events": caps[0],
                "max_cones": caps[1],
            },
            "energy": ENERGIES[energy],
            "prior": PRIORS[prior],
            "cones": {"directionality": direction},
            **({} if plane is None else {"plane": plane}),
        }
    )


def choices() -> Iterator[ImagingConfig]:
    """Every value of every choice, beside each energy and prior once."""
    for energy, prior in product(ENERGIES, PRIORS):
        yield config_of(energy, prior)
    for species, caps, direction in product(SPECIES, CAPS, DIRECTIONS):
        yield config_of(species=species, caps=caps, direction=direction)
    for prior, species in product(PRIORS, SPECIES):
        yield config_of(prior=prior, species=species, plane=None)


ALL_CONFIGS = list(choices())
# Graphs of equal choices are equal: each is built once.
CONFIGS = list({tuple(sorted(PIPELINE.choices_of(c).items())): c for c in ALL_CONFIGS}.values())


@pytest.fixture(scope="module")
def drivers() -> list[tuple[ImagingConfig, Any]]:
    return [(c, build_driver(PIPELINE, PIPELINE.choices_of(c))) for c in CONFIGS]


# What parts of the data and the run give, and no setting.
GIVEN_WITH_PARTS = {
    "source_file", "file_index", "event_range", "signal_file", "input_files",
    "channel", "row_range", "table_layout", "input_run",
}  # fmt: skip


def test_graph_builds_for_every_choice(drivers: list[tuple[ImagingConfig, Any]]) -> None:
    assert len(drivers) > 40
    assert {PIPELINE.choices_of(c)["prior_target"] for c in CONFIGS} == {"prior", "plane", "none"}
    assert {PIPELINE.choices_of(c)["tof_start"] for c in CONFIGS} == {"time", "detector"}
    for config, dr in drivers:
        inputs = dict.fromkeys(external(dr) - set(PIPELINE.choices_of(config)))
        dr.validate_execution(list(graph_nodes(dr)), inputs=inputs)


def external(dr: Any) -> set[str]:
    return {v.name for v in dr.list_available_variables() if v.is_external_input}


@pytest.mark.parametrize(
    "name",
    sorted(
        f.name for f in resources.files("radiograph.configs").iterdir() if f.name.endswith(".toml")
    ),
)
def test_graph_builds_for_every_shipped_config(name: str) -> None:
    path = Path(str(resources.files("radiograph.configs") / name))
    config = load_config(path).config
    if config.pipeline.name == "lightdqm":
        dr = build_driver(definition("lightdqm"), definition("lightdqm").choices_of(config))
        values = graph_values(config, path.parent)
        assert needed_inputs(dr, set(graph_nodes(dr))) == {*values, "source_file"}
        return
    if config.pipeline.name != "imaging":
        flow, context = definition(config.pipeline.name), Context(folder=path.parent)
        dr = build_driver(flow, flow.choices_of(config, context))
        known = {row.name for row in flow.inputs} | GIVEN_WITH_PARTS
        assert needed_inputs(dr, set(graph_nodes(dr))) <= known
        return
    dr = build_driver(PIPELINE, PIPELINE.choices_of(config))
    given = graph_inputs(config, path.parent)
    assert needed_inputs(dr, set(graph_nodes(dr))) <= {*given.values, "source_file", "event_range"}


def test_names_are_the_contract(drivers: list[tuple[ImagingConfig, Any]]) -> None:
    names = {name for stage in GOLDEN.values() for name in stage}
    for config, dr in drivers:
        extra = {"light_response"} if config.energy.strategy != "Edep" else set()
        visible = visible_nodes(dr)
        assert set(visible) == names | extra
        assert ("neutron_start_time_ns" in graph_nodes(dr)) == (config.energy.strategy == "ToF")
        for stage, expected in GOLDEN.items():
            mine = sorted(n for n, v in visible.items() if v.tags["stage"] == stage)
            assert mine == sorted([*expected, *(extra if stage == "load" else ())])


def test_every_tag_is_known(drivers: list[tuple[ImagingConfig, Any]]) -> None:
    allowed = {
        "module", "stage", "schema", "scope", "helper", "rows", "unit", "stored", "main"
    }  # fmt: skip
    for _, dr in drivers:
        for name, node in graph_nodes(dr).items():
            tags = node.tags
            # Hamilton's own tags have a dot.
            assert {t for t in tags if "." not in t} <= allowed, name
            assert tags["stage"] in GOLDEN, name
            assert tags.get("scope", "run") in ("run", "file"), name
            assert tags.get("helper", "true") == "true", name
            if node.type is pd.DataFrame:
                assert tags["schema"] in PIPELINE.frames(), name
            else:
                assert "schema" not in tags, name
            if "rows" in tags:
                assert tags["rows"] in dependencies(dr, name), name


def test_every_node_has_a_docstring_and_a_checked_type(
    drivers: list[tuple[ImagingConfig, Any]],
) -> None:
    for _, dr in drivers:
        for name, node in graph_nodes(dr).items():
            assert node.documentation, name
            kind = spelled_out(node.type)
            if typing.get_origin(kind) is np.ndarray:
                (dtype,) = typing.get_args(typing.get_args(kind)[1])
                assert isinstance(dtype, type), name
                assert issubclass(dtype, np.generic), name
            else:
                assert isinstance(typing.get_origin(kind) or kind, type), name


def test_every_node_of_a_range_that_the_run_needs_can_be_merged(
    drivers: list[tuple[ImagingConfig, Any]],
) -> None:
    """The definition, or the type, says how."""
    for _, dr in drivers:
        nodes = graph_nodes(dr)
        of_range = {n for n, v in nodes.items() if v.tags.get("scope", "range") == "range"}
        handed_over = {d for n in set(nodes) - of_range for d in dependencies(dr, n)} & of_range
        # Any of these may also be asked for by its name.
        for name in handed_over | set(visible_nodes(dr)) & of_range:
            if nodes[name].tags.get("helper") != "true" or name in handed_over:
                assert merge_of(IMAGING, name, spelled_out(nodes[name].type)), name


def test_both_species_have_the_same_quantities(drivers: list[tuple[ImagingConfig, Any]]) -> None:
    for _, dr in drivers:
        names = set(graph_nodes(dr))
        neutron, gamma = (
            {n.removeprefix(s) for n in names if n.startswith(s)} for s in ("neutron_", "gamma_")
        )
        assert neutron - gamma <= {"start_time_ns", "theta_sigma_rad"}
        # That of neutrons is called sensitivity_map.
        assert gamma - neutron <= {"sensitivity_map"}


def needed_inputs(dr: Any, targets: set[str]) -> set[str]:
    """The inputs that the targets need and a choice does not give."""
    found = set()
    for node in dr.what_is_upstream_of(*targets):
        if node.is_external_input:
            found.add(node.name)
    return found - set(PIPELINE.choices_of(config_of()))


def test_every_input_is_provided(drivers: list[tuple[ImagingConfig, Any]]) -> None:
    folder = Path()
    of_session = {"source_file", "event_range"}
    used: set[str] = set()
    for config, dr in drivers:
        given = graph_inputs(config, folder, source_name="x")
        assert given.choices == PIPELINE.choices_of(config)
        targets = set(graph_nodes(dr))
        if config.plane is None:
            # Without [plane] a run ends at the cones.
            of_plane = {"plane_frame", "pixel_grid"}
            targets -= {n for n in targets if needed_inputs(dr, {n}) & of_plane}
            assert {"selected_cones", "cone_counters", "direction_ok"} <= targets
        assert needed_inputs(dr, targets) <= {*given.values, *of_session}
        used |= needed_inputs(dr, targets)
    # And nothing is provided for nobody.
    for config in CONFIGS:
        assert set(graph_inputs(config, folder).values) <= used


def test_a_change_of_the_plane_reaches_images_only() -> None:
    dr = build_driver(PIPELINE, PIPELINE.choices_of(config_of(direction="axis")))

    def downstream(name: str) -> set[str]:
        found = {v.name for v in dr.what_is_downstream_of(name)} - {name}
        return {v for v in found if graph_nodes(dr)[v].tags["stage"] not in ("metrics", "figures")}

    images = {f"{s}_{n}" for s in ("neutron", "gamma") for n in ("back_projection", "image")}
    images |= {"summed_images", "footprints", "footprints_of_cones"}
    images |= {"cones_through_region", "events_through_region"}
    counted = {"image_counters", "counters"}
    sources = {"source_fit", "point_sources", "bootstrap_sources", "significance_map"}
    sources |= {"strategy_sources", "position_budget", "residual_significance_map", "class_shares"}
    sources |= {
        "sensitivity_shift_cm",
        "calibration_shift_cm",
        "focus_scan",
        "bootstrap_source_intervals",
        "focus_curve",
        "focus_distance_cm",
    }
    densities = {"centred_cones", "weighted_images", "image_fits", "reconstructed_images"}
    densities |= {"iteration_history", "image_shapes", "elsewhere_counts", "emission_images"}
    densities |= {
        "bootstrap_images",
        "bootstrap_weighted_images",
        "bootstrap_image_intervals",
        "bootstrap_weighted_image_intervals",
        "neutron_significance_map",
        "gamma_significance_map",
        "sensitivity_map",
        "gamma_sensitivity_map",
    }
    leakage = {"prior_leakage"}
    assert downstream("pixel_grid") == images | counted | sources | densities | leakage
    assert downstream("imaging_method") == images | counted | leakage
    assert "neutron_candidate_cones" not in downstream("plane_frame")
    assert "neutron_candidate_cones" not in downstream("prior")
    assert "neutron_direction_ok" in downstream("plane_frame")
    off = build_driver(PIPELINE, PIPELINE.choices_of(config_of(direction="off")))
    found = {v.name for v in off.what_is_downstream_of("plane_frame")}
    assert "neutron_direction_ok" not in found
    assert "neutron_selected_cones" not in found


def test_there_is_no_cycle_and_every_node_is_reached() -> None:
    dr = build_driver(PIPELINE, PIPELINE.choices_of(config_of()))
    for name in graph_nodes(dr):
        assert name not in {
            n for d in dependencies(dr, name) & set(graph_nodes(dr)) for n in upstream(dr, [d])
        }


# --- names of targets -------------------------------------------------------------------------


def test_targets_are_resolved_once_each() -> None:
    dr = build_driver(PIPELINE, PIPELINE.choices_of(config_of()))
    found = resolved_targets(dr, ["cones", "hits", "selected_cones", "image"], PIPELINE.aliases)
    assert found == ["selected_cones", "hits", "summed_images"]
    assert resolved_targets(dr, [], PIPELINE.aliases) == []


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("summed_image", "Did you mean summed_images"),
        ("selectd_cones", "Did you mean selected_cones"),
        ("coness", "Did you mean cones"),
        ("zzzzzz", "`radiograph nodes`"),
        ("light_response", "only with some settings"),
    ],
)
def test_an_unknown_target_is_an_error_with_a_hint(target: str, hint: str) -> None:
    dr = build_driver(PIPELINE, PIPELINE.choices_of(config_of()))
    with pytest.raises(UsageError, match=hint) as caught:
        resolved_targets(dr, ["hits", target], PIPELINE.aliases)
    assert caught.value.key == target
    assert repr(target) in str(caught.value)


def test_aliases_and_pipelines_name_what_exists() -> None:
    dr = build_driver(PIPELINE, PIPELINE.choices_of(config_of()))
    assert set(PIPELINE.aliases.values()) <= set(visible_nodes(dr))
    assert not set(PIPELINE.aliases) & set(graph_nodes(dr))
    assert definition("imaging").name == "imaging"
    assert set(PIPELINE.untracked) <= external(dr)


class TestWiredOnce:
    """Nodes are made once for the same functions and choices; who evaluates them stays apart."""

    @pytest.fixture
    def toy(self) -> tuple[Any, Definition]:
        def doubled(x: int) -> int:
            return 2 * x

        module = create_temporary_module(doubled)
        return module, Definition("wired", modules=(module.__name__,))

    def test_each_driver_has_its_own_records(self, toy: tuple[Any, Definition]) -> None:
        _, pipeline = toy
        first, second = Manifest(), Manifest()
        drivers = [build_driver(pipeline, {}, manifest) for manifest in (first, second)]
        assert drivers[0].graph.nodes["doubled"] is drivers[1].graph.nodes["doubled"]
        assert drivers[0].execute(["doubled"], inputs={"x": 2}) == {"doubled": 4}
        assert (list(first.nodes), list(second.nodes)) == (["doubled"], [])

    def test_another_function_or_choice_makes_them_anew(
        self, toy: tuple[Any, Definition], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        module, pipeline = toy
        assert build_driver(pipeline, {}).execute(["doubled"], inputs={"x": 2})["doubled"] == 4
        assert "other" in build_driver(pipeline, {"other": 1}).graph.nodes
        assert "other" not in build_driver(pipeline, {}).graph.nodes

        def doubled(x: int) -> int:
            return 20 * x

        doubled.__module__ = module.__name__
        monkeypatch.setattr(module, "doubled", doubled)
        assert build_driver(pipeline, {}).execute(["doubled"], inputs={"x": 2})["doubled"] == 40

    def test_few_are_kept(self, toy: tuple[Any, Definition]) -> None:
        _, pipeline = toy
        for k in range(40):
            build_driver(pipeline, {"k": k})
        assert len(graph._known) <= graph._MOST_KNOWN
