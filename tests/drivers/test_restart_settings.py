"""Every setting on a restart: from where a run begins when it has changed, and that it may."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import pytest
from radiograph.drivers.cache.content import fingerprint
from radiograph.drivers.config import config_rows, load_config
from radiograph.drivers.config_fields import bare, is_section, sections
from radiograph.drivers.graph import build_driver
from radiograph.drivers.imaging.inputs import graph_inputs
from radiograph.drivers.imaging.layout import COUNTER_NODES, GROUPS
from radiograph.drivers.imaging.restart import opened_restart
from radiograph.drivers.registry import definition
from radiograph.schemas.errors import ConfigError
from radiograph.schemas.imaging.config import STAGES, ImagingConfig

Run = Callable[..., Any]
OF_FILE = "io.input_format='hdf5_ngimager'"

HIT_CUTS = {
    "min_light_MeVee": "0.3", "max_light_MeVee": "5.0", "psd_min": "0.1", "psd_max": "0.9",
    "bars_include": "[11]", "bars_exclude": "[11]", "materials_include": "['OGS']",
    "materials_exclude": "['M600']",
}  # fmt: skip
EVENT_CUTS = {
    "tof_window_ns": "[0.0, 20.0]", "min_L1_MeVee": "0.2", "min_L2_MeVee": "0.2",
    "min_L_any_MeVee": "0.2", "max_hit_distance_cm": "30.0",
}  # fmt: skip
CONE_CUTS = {"max_delta_theta_deg": "20.0", "max_incident_energy_MeV": "9.0"}


def cuts(level: str, values: Mapping[str, str]) -> dict[str, str]:
    """A case a cut: of both species, and of each."""
    tables = (f"filters.{level}", f"filters.{level}.neutron", f"filters.{level}.gamma")
    return {f"{table}.{key}": value for table in tables for key, value in values.items()}


AXIS_METRICS = {
    "compute_summary": "false", "compute_peak": "false", "compute_edges": "true",
    "edge_low_frac": "0.1", "edge_high_frac": "0.9", "min_counts": "5.0",
}  # fmt: skip

# A changed value of every setting, by the stage that a run may keep.
BEGINS: dict[str, dict[str, str]] = {
    "hits": {
        "run.neutrons": "false",
        "run.gammas": "false",
        "run.max_events": "100",
        "detectors.default_material": "'M600'",
        "detectors.material_map": "{11 = 'M600'}",
        "shaping.neutron_policy": "'energy_desc'",
        "shaping.gamma_policy": "'energy_desc'",
        "shaping.max_combinations": "7",
        **cuts("hits", HIT_CUTS),
        **cuts("events", EVENT_CUTS),
    },
    "events": {
        "run.max_cones": "40",
        "plane.origin": "[0.0, 0.0, 2.0]",
        "plane.normal": "[0.0, 0.0, -1.0]",
        **cuts("cones", CONE_CUTS),
        "energy.strategy": "'ELUT'",
        "energy.force_proton_recoils": "true",
        "prior.type": "'point'",
        "prior.point.r0": "[1.0, 2.0, 0.0]",
        "prior.line.p0": "{p0 = [0.0, 0.0, 0.0], p1 = [1.0, 0.0, 0.0]}",
        "prior.line.p1": "{p0 = [0.0, 0.0, 0.0], p1 = [2.0, 0.0, 0.0]}",
        "prior.line.r0": "{r0 = [0.0, 0.0, 0.0], direction = [1.0, 0.0, 0.0]}",
        "prior.line.direction": "{r0 = [0.0, 0.0, 0.0], direction = [2.0, 0.0, 0.0]}",
        "cones.directionality": "'off'",
        "cones.kinematics": "'exact'",
        "cones.selection": "'mixture'",
        "uncertainty.snap_to_bar": "true",
        "calibration.mode": "'self'",
        "calibration.path": "'bars.csv'",
    },
    "cones": {
        "run.list": "true",
        "run.sbp_engine": "'poly'",
        "plane.u_axis": "[0.0, 1.0, 0.0]",
        "plane.v_axis": "[0.0, -1.0, 0.0]",
        "plane.u_min": "-20.0",
        "plane.u_max": "20.0",
        "plane.du": "1.0",
        "plane.v_min": "-10.0",
        "plane.v_max": "10.0",
        "plane.dv": "1.0",
        "cones.nappe": "'both'",
        "imaging.poly_samples": "100",
        "imaging.poly_range_cm": "50.0",
        "hdf5.pair_table": "'never'",
    },
    "image": {
        # Without effect where another strategy is set, or no prior.
        "energy.fixed_En_MeV": "14.1",
        "energy.lut_paths": "{OGS = {proton = 'light.csv'}}",
        "energy.tof.source_cm": "[0.0, 0.0, -1.0]",
        "energy.tof.start_time_ns": "1.0",
        "energy.tof.start_det_id": "11",
        "prior.strength": "2.0",
        "run.source_type": "'dt'",
        "run.fast": "true",
        "run.workers": "1",
        "run.chunk_events": "50",
        "run.chunk_cones": "10",
        "run.jit": "false",
        "run.progress": "false",
        "run.diagnostics_level": "0",
        "run.plot_label": "'a title'",
        "run.meta": "{shift = 'night'}",
        "pipeline.until": "'cones'",
        "io.output_path": "'other.h5'",
        "io.overwrite": "true",
        "io.file_list": "'files.txt'",
        "io.on_bad_file": "'fail'",
        "io.max_bad_fraction": "0.5",
        "io.extra_text_files": "{note = 'run.toml'}",
        "io.adapter.type": "'other'",
        "io.adapter.style": "'other'",
        "io.adapter.tree_key": "'other'",
        "io.adapter.meta_tree_key": "'other'",
        "io.adapter.columns": "{event_id = 'evt'}",
        "io.adapter.units": "{t_ns = 'ps'}",
        "io.adapter.species": "{neutron = 'n'}",
        "detectors.geometry.bars": "[{det_id = 11, center = [0.0, 0.0, 0.0], "
        "axis = [1.0, 0.0, 0.0], length = 10.0}]",
        "fast.min_L1_MeVee": "0.1",
        "fast.min_L2_MeVee": "0.1",
        "fast.min_L_any_MeVee": "0.1",
        "fast.min_light_MeVee": "0.1",
        "fast.max_light_MeVee": "9.0",
        "fast.max_events": "10",
        "fast.max_cones": "10",
        "fast.plane_downsample": "2",
        "fast.sbp_engine": "'poly'",
        "list_mode.region_cm": "[0.0, 10.0, 0.0, 10.0]",
        "list_mode.cone_ids": "[1]",
        "cache.dir": "'elsewhere'",
        "cache.enabled": "true",
        "cache.size_limit_GB": "1.0",
        "uncertainty.enabled": "true",
        "uncertainty.smearing": "'thicken'",
        "uncertainty.sigma_doi_cm": "1.0",
        "uncertainty.sigma_transverse_cm": "1.0",
        "uncertainty.sigma_time_ns": "1.0",
        "uncertainty.scale": "2.0",
        "uncertainty.reference_source_cm": "[0.0, 0.0, 0.0]",
        **{f"uncertainty.energy.{k}": "0.3" for k in "abc"},
        "uncertainty.energy.materials": "{OGS = {a = 1}}",
        "uncertainty.time.sigma_ns": "1.0",
        "uncertainty.time.detectors": "{11 = 1.0}",
        "uncertainty.doi.sigma_cm": "1.0",
        "reconstruction.min_weight": "0.1",
        "reconstruction.consistency_edges": "[1.0]",
        "reconstruction.energy_window_MeV": "[1.0, 20.0]",
        "reconstruction.gamma_lines_MeV": "[4.4]",
        "reconstruction.sensitivity_pairs": "50000",
        "reconstruction.bar_width_cm": "1.5",
        "reconstruction.thresholds_MeVee": "[1.0, 0.5]",
        "reconstruction.iterations": "5",
        "reconstruction.max_iterations": "50",
        "reconstruction.held_out_fraction": "0.3",
        "reconstruction.tolerance": "0.001",
        "reconstruction.patience": "5",
        "reconstruction.subsets": "5",
        "reconstruction.elsewhere": "'off'",
        "reconstruction.memory_GiB": "1.0",
        "reconstruction.seed": "2",
        "focus.min_cm": "-20.0",
        "focus.max_cm": "20.0",
        "focus.steps": "5",
        "point_fit.n_sources": "2",
        "point_fit.profile": "false",
        "point_fit.free_distance": "true",
        "point_fit.bias_rad": "0.0",
        "point_fit.sensitivity": '"flat"',
        "errors.replicas": "20",
        "errors.quantities": "['point']",
        "errors.seed": "2",
        "errors.prior_shift_cm": "30.0",
        "errors.level": "0.9",
        "reconstruction.sensitivity": "'mc'",
        "calibration.steps": "['edges']",
        "calibration.simulated_pairs": "1000",
        "calibration.seed": "2",
        "hdf5.include_config": "false",
        "hdf5.include_repo_bundle": "false",
        "vis.export_png_on_write": "true",
        "vis.species": "['n']",
        "vis.center_on_plane_center": "false",
        "vis.axis_units": "'mm'",
        "vis.colormap": "'gray'",
        "vis.filename_pattern": "'{stem}-{species}.{ext}'",
        "vis.color_range": "'full'",
        "vis.extra_formats": "['pdf']",
        "vis.flip_vertical": "true",
        "vis.summed_dataset": "'/images/summed/n'",
        "vis.png_dir": "'pictures'",
        "vis.projections.enabled": "false",
        **{f"vis.projections.roi_{a}_{end}_cm": value for a in "uv"
           for end, value in (("min", "-5.0"), ("max", "5.0"))},
        "vis.projections.metrics.enabled": "true",
        "vis.projections.metrics.compute_centroid": "false",
        **{f"vis.projections.metrics.{a}.{k}": v for a in "uv" for k, v in AXIS_METRICS.items()},
        "vis.projections.plot.show_peak_markers": "false",
        "vis.projections.plot.show_edge_markers": "false",
        "vis.projections.plot.show_centroid_2d": "true",
        "vis.projections.plot.metrics_source": "'all'",
        "vis.projections.plot.curve_mode": "'all_only'",
        "vis.projections.plot.annotate_summary": "'full'",
        "vis.projections.plot.show_metrics_panel": "true",
    },
    "refused": {
        "io.adapter.unit_pos_is_mm": "true",
        "io.adapter.time_units": "'ps'",
        "detectors.geometry.detectors": "[{id = 11, origin_cm = [0.0, 0.0, 1.0]}]",
        "detectors.geometry.frame.origin_cm": "[0.0, 0.0, 5.0]",
        "detectors.geometry.frame.rotation_deg": "[0.0, 0.0, 5.0]",
    },
}  # fmt: skip
# What says that a run is a restart, and settings with one allowed value.
FIXED = {
    "io.input_path", "io.input_format", "io.restart_path", "pipeline.name", "imaging.method",
    "io.adapter.require_gamma_triples", "uncertainty.use_lut_bands",
    "uncertainty.combine_light",
}  # fmt: skip
CASES = {key: (value, begin) for begin, group in BEGINS.items() for key, value in group.items()}
# Settings that go along: a key that needs another one, or is a part of a table set as a whole.
WITH = {
    "prior.type": ["prior.point=[0.0, 0.0, 0.0]"],
    "prior.point.r0": ["prior.type='point'"],
    **{f"prior.line.{part}": ["prior.type='line'"] for part in ("p0", "p1", "r0", "direction")},
    "calibration.mode": ["calibration.steps=['edges']"],
    "calibration.path": ["calibration.mode='file'"],
    "plane.u_axis": ["plane.v_axis=[1.0, 0.0, 0.0]"],
    "plane.v_axis": ["plane.u_axis=[-1.0, 0.0, 0.0]"],
}
# Inputs of the graph that are cut coarser than what depends on them.
COARSE = {
    "detectors.geometry.bars": "detectors",
    "io.adapter.tree_key": "reader",
    "io.adapter.meta_tree_key": "reader",
    "io.adapter.columns": "reader",
    "io.adapter.units": "reader",
    "io.adapter.species": "reader",
}


def settings_of(model: type[Any]) -> Iterator[str]:
    """Dotted key of every setting; a table of any names and an array are one."""
    for name, section in sections(model):
        for key, field in section.model_fields.items():
            if not is_section(bare(field.annotation)):
                yield f"{name}.{key}"


def overrides(key: str, value: str) -> list[str]:
    table = "prior.line" if key.startswith("prior.line.") else key
    return [f"{table}={value}", *WITH.get(key, ())]


def test_every_setting_has_a_case() -> None:
    assert CASES.keys() | FIXED == set(settings_of(ImagingConfig))
    assert not CASES.keys() & FIXED
    assert sum(len(group) for group in BEGINS.values()) == len(CASES)


@pytest.fixture(scope="module")
def earlier(
    tmp_path_factory: pytest.TempPathFactory, simulated: Path, settings: str, radiograph: Run
) -> Path:
    """A folder with run.toml and direct.h5, the file of its run."""
    folder = tmp_path_factory.mktemp("earlier")
    text = settings.replace("events.out", str(simulated / "events.out"))
    (folder / "run.toml").write_text(text)
    (folder / "light.csv").write_text("light_MeVee,energy_MeV\n0.0,0.0\n10.0,20.0\n")
    (folder / "bars.csv").write_text(
        "det_id,along_offset_cm,time_offset_ns,light_gain\n11,0.1,0.2,1.1\n"
    )
    assert radiograph("run", folder / "run.toml", "-o", folder / "direct.h5").code == 0
    return folder


@cache
def graph_of(choices: tuple[tuple[str, Any], ...]) -> Mapping[str, Any]:
    nodes: Mapping[str, Any] = build_driver(definition("imaging"), dict(choices)).graph.nodes
    return nodes


class Recipes:
    """How nodes come about with some settings: by their functions down to the inputs."""

    def __init__(self, config: ImagingConfig, folder: Path, left_out: str = "") -> None:
        inputs = graph_inputs(config, folder)
        self._nodes = graph_of(tuple(inputs.choices.items()))
        self._values = {k: v for k, v in inputs.values.items() if k not in ("threads", left_out)}
        self._known: dict[str, str] = {}

    def of(self, name: str) -> str:
        """A digest; empty for a node that these settings do not have."""
        if name not in self._nodes:
            return ""
        if name not in self._known:
            node = self._nodes[name]
            if node.user_defined:
                self._known[name] = fingerprint(self._values.get(name))
            else:
                function = node.originating_functions[0].__qualname__
                below = sorted((n.name, self.of(n.name)) for n in node.dependencies)
                self._known[name] = fingerprint((function, tuple(below)))
        return self._known[name]


def kept_nodes(start: str) -> set[str]:
    """What a file holds up to a stage."""
    stages = STAGES[: STAGES.index(start) + 1]
    kept = {node for group in GROUPS if group.stage in stages for node in group.nodes}
    return kept | {COUNTER_NODES[stage] for stage in stages}


@pytest.mark.parametrize("begins", BEGINS)
@pytest.mark.slow
def test_a_run_begins_where_no_changed_setting_mattered(earlier: Path, begins: str) -> None:
    """The stage is as the table says, and nothing that is kept would come out another way."""
    path, begin = earlier / "run.toml", earlier / "begin.h5"
    plain = load_config(path, shell_folder=earlier).config
    write_start(begin, earlier, plain)
    before = {left_out: Recipes(plain, earlier, left_out) for left_out in ("", *COARSE.values())}
    for key, value in BEGINS[begins].items():
        changed = overrides(key, value)
        loaded = load_config(path, overrides=[*changed, OF_FILE], shell_folder=earlier)
        if begins == "refused":
            with pytest.raises(ConfigError, match="already"):
                opened_restart(loaded.config, [begin])
            continue
        restart = opened_restart(loaded.config, [begin])
        assert restart is not None
        assert restart.start == begins, key
        assert bool(restart.changed) == (begins != "image"), key
        if begins == "hits":
            continue  # everything after the hits as they were read is made again
        config = load_config(path, overrides=changed, shell_folder=earlier).config
        left_out = COARSE.get(key, "")
        now, known = Recipes(config, earlier, left_out), before[left_out]
        assert [n for n in sorted(kept_nodes(begins)) if now.of(n) != known.of(n)] == [], key


@pytest.mark.parametrize(
    ("kind", "first", "then", "named"),
    [
        ("point", "[0.0, 0.0, 0.0]", "[0.0, 0.0, 1.0]", "r0"),
        ("line", "{p0 = [0.0, 0.0, 0.0], p1 = [2.0, 0.0, 0.0]}",
         "{p0 = [0.0, 0.0, 0.0], p1 = [2.0, 0.0, 1.0]}", "p1"),
    ],
)  # fmt: skip
def test_a_prior_that_moves_is_seen(
    earlier: Path, tmp_path: Path, kind: str, first: str, then: str, named: str
) -> None:
    before, now = ([f"prior.type='{kind}'", f"prior.{kind}={v}"] for v in (first, then))
    start = started(earlier, tmp_path, before, now)
    assert (start.start, start.changed) == ("events", (f"prior.{kind}.{named}",))


@pytest.mark.parametrize(
    ("first", "then", "begins", "named"),
    [
        ("{}", "{11 = 'M600'}", "hits", "detectors.material_map.11"),
        ("{11 = 'M600'}", "{}", "hits", "detectors.material_map.11"),
        ("{11 = 'M600'}", "{11 = 'M600', 12 = 'M600'}", "hits", "detectors.material_map.12"),
        ("{11 = 'M600', 12 = 'M600'}", "{12 = 'M600'}", "hits", "detectors.material_map.11"),
        ("{11 = 'M600'}", "{11 = 'OGS'}", "hits", "detectors.material_map.11"),
        ("{11 = 'M600', 12 = 'OGS'}", "{12 = 'OGS', 11 = 'M600'}", "image", ""),
    ],
)
def test_entries_of_a_table_come_and_go(
    earlier: Path, tmp_path: Path, first: str, then: str, begins: str, named: str
) -> None:
    start = started(earlier, tmp_path, [f"detectors.material_map={first}"],
                    [f"detectors.material_map={then}"])  # fmt: skip
    assert start.start == begins
    assert set(start.changed) == ({named} if named else set())


@pytest.mark.parametrize(
    ("along", "first", "then"),
    [
        (["energy.strategy='FixedEn'"], "energy.fixed_En_MeV=14.1", "energy.fixed_En_MeV=2.5"),
        (["energy.strategy='ToF'"], "energy.tof.start_time_ns=1.0", "energy.tof.start_time_ns=2.0"),
        (["energy.strategy='ToF'"], "energy.tof.start_det_id=11", "energy.tof.start_det_id=12"),
        (["energy.strategy='ToF'", "energy.tof.start_time_ns=1.0"],
         "energy.tof.source_cm=[0.0, 0.0, 1.0]", "energy.tof.source_cm=[0.0, 0.0, 2.0]"),
        (["energy.strategy='ELUT'", "detectors.default_material='OGS'"],
         "energy.lut_paths={}", "energy.lut_paths={OGS = {proton = 'light.csv'}}"),
        (["prior.type='point'", "prior.point=[0.0, 0.0, 0.0]"],
         "prior.strength=1.0", "prior.strength=2.0"),
    ],
)  # fmt: skip
def test_a_setting_counts_where_it_is_used(
    earlier: Path, tmp_path: Path, along: list[str], first: str, then: str
) -> None:
    """Not with another strategy: none of these changes what cones are made of with Edep."""
    tof = ["energy.tof.source_cm=[0.0, 0.0, 1.0]"] if "energy.strategy='ToF'" in along else []
    start = started(earlier, tmp_path, [*tof, *along, first], [*tof, *along, then])
    assert start.start == "events"
    assert [key for key in start.changed if key in then or then.split("=")[0] in key]


POINT = ["prior.type='point'", "prior.point=[0.0, 0.0, 0.0]"]


@pytest.mark.parametrize(
    ("also", "begins"),
    [(POINT, "events"), ([*POINT, "cones.directionality='off'"], "cones")],
)
@pytest.mark.parametrize("added", [True, False])
def test_a_plane_comes_and_goes(
    earlier: Path, tmp_path: Path, also: list[str], begins: str, added: bool
) -> None:
    """Without one no cone is asked where it points, and the prior alone ranks hypotheses."""
    text = (earlier / "run.toml").read_text()
    head, tail = text.split("[plane]")
    until = "[pipeline]\nuntil = 'cones'\n"
    (earlier / "bare.toml").write_text(head + until + tail[tail.index("[energy]") :])
    first, then = ("bare", "run") if added else ("run", "bare")
    start = started(earlier, tmp_path, also, also, first=first, then=then)
    assert start.start == begins
    assert "plane.origin" in start.changed or begins == "cones"


def test_the_prior_of_another_programs_file_counts(earlier: Path, tmp_path: Path) -> None:
    """Its settings are text, where a point is written as a list."""
    path = tmp_path / "foreign.h5"
    with h5py.File(path, "w") as file:
        for name in ("lm/event_type", "cones/theta_rad"):
            file[name] = [0]
        file.attrs["config_text"] = (
            "[energy]\nstrategy = 'Edep'\n[prior]\ntype = 'point'\npoint = [0.0, 0.0, 0.0]\n"
        )
    for point, begins in (("[0.0, 0.0, 0.0]", "cones"), ("[0.0, 0.0, 9.0]", "events")):
        given = [OF_FILE, "prior.type='point'", f"prior.point={point}"]
        config = load_config(earlier / "run.toml", overrides=given).config
        restart = opened_restart(config, [path])
        assert restart is not None
        assert restart.start == begins


def write_start(path: Path, folder: Path, config: ImagingConfig) -> None:
    """What of a run says that it holds every stage, and the settings that it was made with."""
    rows = config_rows(config)
    with h5py.File(folder / "direct.h5") as whole, h5py.File(path, "w") as file:
        file.attrs["software"] = whole.attrs["software"]
        for name in ("hits/event_id", "lm/event_type", "cones/theta_rad", "images/summed/all"):
            whole.copy(whole[name], file.require_group(name.rpartition("/")[0]))
        kept = file.require_group("meta/config_effective")
        kept["keys"], kept["values"] = [k for k, _, _ in rows], [v for _, _, v in rows]


def started(
    folder: Path,
    tmp_path: Path,
    before: list[str],
    now: list[str],
    *,
    first: str = "run",
    then: str = "run",
) -> Any:
    """The restart of one config from a file whose settings were those of another."""
    path = tmp_path / "start.h5"
    stored = load_config(folder / f"{first}.toml", overrides=before, shell_folder=folder)
    write_start(path, folder, stored.config)
    given = [*now, OF_FILE]
    config = load_config(folder / f"{then}.toml", overrides=given, shell_folder=folder).config
    return opened_restart(config, [path])
