"""The picture of the graph: what is shown, where it stands, and the command that draws it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import resources
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.drivers import pipeline
from radiograph.drivers.config import load_config
from radiograph.drivers.dag import (
    Dag,
    DagNode,
    pipeline_dag,
)
from radiograph.drivers.dag_layout import Layout, Rectangle, _apart, placed
from radiograph.drivers.dag_svg import STAGE_COLOURS, svg_text
from radiograph.drivers.graph import build_driver, visible_nodes
from radiograph.drivers.main import guarded
from radiograph.drivers.registry import definition
from radiograph.drivers.setting_keys import shown_sections
from radiograph.schemas.errors import UsageError

INPUT_FILE = "source_file"
SVG = "{http://www.w3.org/2000/svg}"
VIEWS = {
    "main": {},
    "all": {"everything": True},
    "neutrons": {"everything": True, "species": "neutron"},
    "gammas": {"species": "gamma"},
    "cones": {"everything": True, "targets": ["cones"]},
}
CONFIGS = sorted(
    f.name for f in resources.files("radiograph.configs").iterdir() if f.name.endswith(".toml")
)


def config(name: str) -> Path:
    return Path(str(resources.files("radiograph.configs") / name))


IMAGING, LIGHTDQM = GRAPHS = (definition("imaging"), definition("lightdqm"))
MAIN = {
    "imaging": [
        "hits", "filtered_hits", "typed_events", "filtered_events", "energies",
        "candidate_cones", "selected_cones", "summed_images", "projections",
        "projection_metrics", "counters", "figures",
    ],
    "lightdqm": [
        "light_layout", "light_events", "selected_events", "active_channels",
        "waveform_features", "noise_summary", "baseline_summary", "light_ratios",
        "channel_history", "light_hits", "spark_rates", "dqm_fractions", "power_spectra",
        "noise_tones", "channel_masks", "dqm_verdict", "light_figures",
    ],
}  # fmt: skip


@pytest.fixture(scope="module", params=VIEWS)
def dag(request: pytest.FixtureRequest) -> Dag:
    return pipeline("imaging").graph(**VIEWS[request.param]).dag


@pytest.fixture(scope="module")
def layout(dag: Dag) -> Layout:
    return placed(dag)


@pytest.fixture(scope="module")
def svg(dag: Dag) -> str:
    return svg_text(dag, "a < b & c")


def overlap(a: Rectangle, b: Rectangle) -> bool:
    return a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom


class TestWhatIsShown:
    def test_main_quantities_each_once(self):
        dag = pipeline("imaging").graph().dag
        assert [n.name for n in dag.nodes] == [INPUT_FILE, *MAIN["imaging"]]

    def test_everything_is_every_node_that_is_no_helper(self):
        loaded = pipeline("imaging").loaded
        dr = build_driver(IMAGING, IMAGING.choices_of(loaded.config))
        dag = pipeline_dag(dr, IMAGING, everything=True)
        assert sorted(n.name for n in dag.nodes) == sorted([INPUT_FILE, *visible_nodes(dr)])

    def test_edges_pass_through_helpers(self):
        edges = pipeline("imaging").graph(everything=True).dag.edges
        # source_records, neutron_hits and the codes between are helpers.
        assert (INPUT_FILE, "hits") in edges
        assert ("hits", "neutron_filtered_hits") in edges
        assert ("neutron_chosen_row", "neutron_cone_filter_code") in edges

    def test_main_picture_is_the_chain_of_the_physics(self):
        edges = pipeline("imaging").graph().dag.edges
        names = MAIN["imaging"]
        chain = names[: names.index("projection_metrics") + 1]
        assert set(pairwise(chain)) <= set(edges)

    def test_a_species_leaves_the_other_out(self):
        dag = pipeline("imaging").graph(everything=True, species="gamma").dag
        assert not [n.name for n in dag.nodes if n.name.startswith("neutron_")]
        assert "gamma_energies" in [n.name for n in dag.nodes]

    def test_species_that_are_on_are_the_default(self):
        dag = pipeline("imaging", config("tof.toml")).graph(everything=True).dag
        assert not [n.name for n in dag.nodes if n.name.startswith("gamma_")]

    def test_a_target_brings_what_it_needs_and_no_more(self):
        names = {n.name for n in pipeline("imaging").graph(targets=["energies"]).dag.nodes}
        assert {"hits", "filtered_events", "energies"} <= names
        assert not {"candidate_cones", "summed_images", "counters"} & names

    def test_an_unknown_target_names_near_ones(self):
        with pytest.raises(UsageError, match="Did you mean selected_cones"):
            pipeline("imaging").graph(targets=["selected_cone"])

    def test_a_helper_alone_cannot_be_drawn(self):
        with pytest.raises(UsageError, match="is a helper"):
            pipeline("imaging").graph(everything=True, targets=["source_records"])

    @pytest.mark.parametrize("name", CONFIGS)
    def test_every_config_can_be_drawn(self, name):
        """Whole and in short, from the files of its data on."""
        loaded = load_config(config(name))
        drawn = pipeline(loaded.config.pipeline.name, loaded)
        whole, short = drawn.graph(everything=True), drawn.graph()
        for picture in (whole, short):
            assert picture.svg
            files = {n.name for n in picture.dag.nodes if n.is_file}
            assert files & {INPUT_FILE, "source_files"}
            assert files <= {before for before, _ in picture.dag.edges}
        assert 3 <= len(short.dag.nodes) < len(whole.dag.nodes)

    def test_a_file_of_the_data_is_named_by_its_source(self):
        """Those of the campaign first; a table that only a setting names is no data."""
        boxes = {n.name: n.summary for n in pipeline("transients").graph().dag.nodes if n.is_file}
        campaign = definition("transients").sources[0].what
        assert boxes == dict.fromkeys(("fpga_files", "earlier_files", "source_files"), campaign)
        signal = pipeline("cosmics", config("cosmics_dead_time.toml")).graph().dag
        assert [(n.name, n.summary) for n in signal.nodes if n.is_file] == [
            (f"{source.role}_file", source.what) for source in definition("cosmics").sources
        ]
        elut = pipeline("imaging", config("novo_ddaq_elut.toml")).graph(everything=True).dag
        assert [n.name for n in elut.nodes if n.is_file] == [INPUT_FILE]

    def test_the_light_pipeline_is_drawn(self):
        dag = pipeline("lightdqm").graph().dag
        assert [n.name for n in dag.nodes] == [INPUT_FILE, *MAIN["lightdqm"]]
        edges = set(dag.edges)
        assert {("waveform_features", "dqm_fractions"), ("channel_masks", "dqm_verdict")} <= edges
        limited = [n.name for n in dag.nodes if "[lightdqm.limits]" in n.settings]
        assert limited == ["dqm_verdict", "light_figures"]

    def test_settings_are_sections_of_the_toml_file(self):
        sections = {}
        for name in ("imaging", "lightdqm"):
            sections |= pipeline(name).loaded.config.model_dump()
        named = {
            name
            for made in GRAPHS
            for row in (*made.inputs, *made.choices)
            for name in shown_sections(made.settings, row)
        }
        for name in named:
            if not name.startswith("["):
                assert (resources.files("radiograph.configs") / name).is_file()
                continue
            table = sections
            for key in name.strip("[]").split("."):
                table = table[key]
            assert isinstance(table, dict), name

    def test_no_section_is_named_for_an_input_that_is_gone(self):
        inputs = set()
        starts = ("hits", "hits", "events", "cones")
        for strategy, start in zip(("ELUT", "ToF", "FixedEn", "Edep"), starts, strict=True):
            choices = {
                "start": start,
                "neutrons": True,
                "gammas": True,
                "energy_strategy": strategy,
                "tof_start": "time",
                "prior_target": "prior",
                "directionality": "axis",
                "event_cap": True,
                "cone_cap": True,
                "cone_selection": "min_delta",
                "snap_to_bar": False,
                "calibration": "file" if strategy == "Edep" else "self",
                "calibration_bias": True,
                "gamma_lines": strategy == "Edep",
                "incident_energy": "fixed" if strategy == "FixedEn" else "unknown",
                "light_curves": strategy != "Edep",
                "light_of_recoil": "known" if strategy in ("FixedEn", "ToF") else "unknown",
                "theta_from": "time_and_light" if strategy == "FixedEn" else "strategy",
                "width_scale": "given",
                "reference_source": "given",
            }
            dr = build_driver(IMAGING, choices)
            inputs |= {n.name for n in dr.graph.nodes.values() if n.user_defined}
        light = {"legacy": False, "channel_status": "file"}
        dr = build_driver(LIGHTDQM, light)
        inputs |= {n.name for n in dr.graph.nodes.values() if n.user_defined}
        assert [choices.keys(), light.keys()] == [
            {row.name for row in made.choices} for made in GRAPHS
        ]
        of_settings = {row.name for made in GRAPHS for row in made.inputs}
        assert of_settings <= inputs
        assert inputs - set(choices) - set(light) <= {*of_settings, INPUT_FILE}


class TestPlaces:
    def test_boxes_and_settings_do_not_overlap(self, layout):
        shapes = list(layout.boxes.items())
        shapes += [(f"{n}: {text}", r) for n, pills in layout.pills.items() for text, r in pills]
        hits = [(a, b) for (a, ra), (b, rb) in combinations(shapes, 2) if overlap(ra, rb)]
        assert hits == []

    def test_edges_only_go_forward(self, dag, layout):
        for a, b in dag.edges:
            assert layout.rows[a] < layout.rows[b]
            assert layout.boxes[a].bottom < layout.boxes[b].y
        assert all(s.y1 + s.drop < s.y2 for s in layout.segments)

    def test_no_edge_runs_through_a_box(self, layout):
        shapes = [*layout.boxes.values(), *(r for p in layout.pills.values() for _, r in p)]
        for s in layout.segments:
            column = Rectangle(s.x1 - 1.0, s.y1, 2.0, s.drop)
            assert not s.drop or not [r for r in shapes if overlap(column, r)]

    def test_stages_follow_each_other(self, dag, layout):
        stages = layout.stages
        edges = [y for band in stages.values() for y in band]
        assert edges == sorted(edges)
        assert list(stages) == [s for s in ("", *dag.stages) if s in stages]

    def test_everything_stands_on_the_paper(self, layout):
        shapes = [*layout.boxes.values(), *(r for p in layout.pills.values() for _, r in p)]
        assert min(r.x for r in shapes) >= -1e-6
        assert max(r.right for r in shapes) <= layout.width + 1e-6
        assert max(r.bottom for r in shapes) <= layout.height + 1e-6

    def test_one_node(self):
        layout = placed(Dag("toy", ("a",), (DagNode("alone", "a"),), ()))
        assert layout.segments == ()
        assert layout.boxes["alone"].y == 0.0

    def test_a_circle_is_refused(self):
        nodes = (DagNode("x", "a"), DagNode("y", "a"))
        with pytest.raises(ValueError, match="depends on"):
            placed(Dag("toy", ("a",), nodes, (("x", "y"), ("y", "x"))))

    @given(
        st.lists(
            st.tuples(st.floats(-500, 500), st.floats(0.1, 50), st.floats(1, 200)),
            min_size=1,
            max_size=12,
        )
    )
    def test_least_distances_are_kept_and_wishes_met_where_they_can_be(self, slots):
        wanted = [w for w, _, _ in slots]
        weights = [w for _, w, _ in slots]
        offsets = [sum(g for _, _, g in slots[:k]) for k in range(len(slots))]
        x = _apart(wanted, weights, offsets)
        for k in range(1, len(x)):
            assert x[k] - x[k - 1] >= offsets[k] - offsets[k - 1] - 1e-6
        assert _apart(x, weights, offsets) == pytest.approx(x)


class TestSvg:
    def test_is_xml_with_every_node_once(self, dag, svg):
        tree = ElementTree.fromstring(svg)
        ids = [e.get("id") for e in tree.iter(f"{SVG}g") if e.get("id")]
        assert sorted(ids) == sorted(n.name for n in dag.nodes)
        labels = [e.text for e in tree.iter(f"{SVG}text") if e.get("class") == "name"]
        assert sorted(labels) == sorted("input file" if n.is_file else n.name for n in dag.nodes)

    def test_file_and_settings_have_shapes_of_their_own(self, dag, svg):
        tree = ElementTree.fromstring(svg)
        boxes = [e for e in tree.iter(f"{SVG}g") if e.find(f"{SVG}rect[@class='box']") is not None]
        assert INPUT_FILE not in [e.get("id") for e in boxes]
        pills = [e.text for e in tree.iter(f"{SVG}text") if e.get("class") == "pill"]
        assert sorted(pills) == sorted(s for n in dag.nodes for s in n.settings)

    def test_same_graph_same_text(self, dag, svg):
        assert svg_text(dag, "a < b & c") == svg

    @pytest.mark.slow
    def test_same_graph_same_text_in_every_process(self):
        code = (
            "from radiograph.drivers import pipeline; import sys; "
            "print(pipeline('imaging', sys.argv[1]).graph().dag.as_json())"
        )
        seen = {
            subprocess.run(
                [sys.executable, "-c", code, str(config("phits_edep.toml"))],
                env={**os.environ, "PYTHONHASHSEED": seed},
                capture_output=True, text=True, check=True,
            ).stdout
            for seed in "12"
        }  # fmt: skip
        assert len(seen) == 1

    def test_a_colour_for_every_stage(self):
        assert len(pipeline("imaging").graph().dag.stages) <= len(STAGE_COLOURS)


class TestFromPython:
    def test_nodes_is_a_table(self):
        table = pipeline("imaging").nodes()
        assert table.loc["selected_cones", "schema"] == "SelectedCones"
        assert table.loc["prior_target_cm", "unit"] == "cm"

    def test_explain_says_what_is_needed_and_by_whom(self):
        text = str(pipeline("imaging").explain("cones"))
        assert text.startswith("selected_cones: ")
        assert "neutron_selected_cones" in text

    def test_explain_of_a_helper_is_refused(self):
        with pytest.raises(UsageError, match="helper"):
            pipeline("imaging").explain("source_records")

    def test_a_picture_shows_itself(self):
        assert pipeline("imaging").graph()._repr_svg_().startswith("<svg")

    def test_another_pipeline_is_refused(self):
        with pytest.raises(UsageError, match="There is: imaging"):
            pipeline("muons")

    def test_without_settings_nothing_runs(self):
        with pytest.raises(UsageError, match="give pipeline"):
            pipeline("imaging").run("hits")


class TestCommand:
    def test_writes_the_picture_and_says_where(self, tmp_path, capsys):
        path = tmp_path / "dag.svg"
        assert guarded(["graph", "-o", str(path)]) == 0
        assert capsys.readouterr().out.strip() == str(path)
        assert ElementTree.parse(path).getroot().tag == f"{SVG}svg"

    def test_prints_without_a_file(self, capsys):
        assert guarded(["graph", str(config("tof.toml")), "--target", "cones"]) == 0
        assert ElementTree.fromstring(capsys.readouterr().out).tag == f"{SVG}svg"

    def test_does_not_overwrite(self, tmp_path, capsys):
        path = tmp_path / "dag.svg"
        path.write_text("mine")
        assert guarded(["graph", "-o", str(path)]) == 2
        assert path.read_text() == "mine"
        assert "--overwrite" in capsys.readouterr().err
        assert guarded(["graph", "-o", str(path), "--overwrite"]) == 0
        assert path.read_text().startswith("<svg")

    def test_another_format_is_an_error(self, tmp_path, capsys):
        assert guarded(["graph", "-o", str(tmp_path / "dag.png")]) == 2
        assert ".svg" in capsys.readouterr().err

    def test_json_is_one_object(self, capsys):
        assert guarded(["graph", "--json", "--all", "--species", "neutron"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["pipeline"] == "imaging"
        names = {n["name"] for n in found["nodes"]}
        assert {end for edge in found["edges"] for end in edge} <= names
