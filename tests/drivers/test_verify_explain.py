"""verify runs a file's settings again; explain says what a node is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from radiograph.drivers import pipeline
from radiograph.drivers.explanations import Written
from radiograph.drivers.runfile import verifying

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def original(
    tmp_path_factory: pytest.TempPathFactory, radiograph: Run, simulated: Path, settings: str
) -> Path:
    folder = tmp_path_factory.mktemp("original")
    (folder / "run.toml").write_text(settings, encoding="utf-8")
    (folder / "events.out").symlink_to(simulated / "events.out")
    argv = ("--set", "run.chunk_events=70", "--list")
    done = radiograph("run", folder / "run.toml", "-q", *argv)
    assert done.code == 0, done.err
    return folder / "image.h5"


@pytest.fixture
def made(original: Path, tmp_path: Path) -> Path:
    """A copy of a file in a folder of its own."""
    (tmp_path / "made").mkdir()
    return Path(shutil.copy(original, tmp_path / "made"))


def test_a_file_equals_what_its_settings_give(
    radiograph: Run, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {p.name: p.stat().st_mtime_ns for p in made.parent.iterdir()}
    monkeypatch.chdir("/")
    done = radiograph("verify", made, "--json")
    assert done.code == 0, done.err
    found = done.json
    assert {p.name: p.stat().st_mtime_ns for p in made.parent.iterdir()} == before
    assert found["equal"]
    assert found["compared"] > 200
    assert found["differing"] == found["missing"] == found["added"] == []


def test_every_difference_is_named(radiograph: Run, made: Path) -> None:
    with h5py.File(made, "r+") as file:
        file["images/summed/n"][2, 3] += 1
        file["cones/theta_rad"][5] *= 1.0001
        labels = file["cones/species_labels"]
        labels[0] = "0=other"
        del file["lm/event_id"]
        file["lm/surplus"] = [1]
        file["provenance/versions/values"][2] = "0.1"
        file["meta/README"][()] = "another text"
    done = radiograph("verify", made)
    assert done.code == 4
    assert "NOT equal" in done.out
    for line in (
        "differs: /images/summed/n",
        "differs: /cones/theta_rad",
        "differs: /cones/species_labels",
        "only in the file: /lm/surplus",
        "only in the new run: /lm/event_id",
        "apache-hamilton was 0.1, is",
    ):
        assert line in done.out
    assert done.out.count("differs: ") == 3


def test_fast_mode_is_not_applied_twice(radiograph: Run, project: Path) -> None:
    with (project / "run.toml").open("a") as file:
        file.write("[run]\nfast = true\n[fast]\nplane_downsample = 2\nmin_light_MeVee = 0.3\n")
    assert radiograph("run", project / "run.toml", "-q").code == 0
    done = radiograph("verify", project / "image.h5")
    assert done.code == 0
    assert "image.h5: equal, " in done.out


def test_targets_and_restarts_are_run_as_they_were(radiograph: Run, project: Path) -> None:
    config = project / "run.toml"
    assert radiograph("run", config, "-q", "--list", "--target", "cones_through_region").code == 0
    done = radiograph("verify", project / "image.h5", "--json")
    assert done.code == 0, done.out + done.err
    assert radiograph("run", config, "-q", "--overwrite").code == 0
    again = ("--input-path", project / "image.h5", "-o", project / "again.h5", "--list")
    restart = ("--set", "io.input_format=hdf5_ngimager", "--set", "plane.du=1.0")
    assert radiograph("run", config, "-q", *restart, *again).code == 0
    done = radiograph("verify", project / "again.h5")
    assert done.code == 0, done.out + done.err


def test_several_files(radiograph: Run, project: Path, simulated: Path) -> None:
    text = (project / "run.toml").read_text("utf-8")
    shutil.copy(simulated / "events.out", project / "more.out")
    (project / "none.out").write_text("no event\n")
    text = text.replace(
        'input_path = "events.out"', 'input_path = ["events.out", "none.out", "more.out"]'
    )
    (project / "run.toml").write_text(text, "utf-8")
    assert radiograph("run", project / "run.toml", "-q").code in (0, 3)
    done = radiograph("verify", project / "image.h5")
    assert done.code == 0, done.out + done.err


def test_what_cannot_be_verified(
    radiograph: Run, original: Path, made: Path, tmp_path: Path
) -> None:
    argv = ("run", original.parent / "run.toml", "-q", "--until", "hits")
    out = tmp_path / "other.h5"
    assert radiograph(*argv, "-o", out, "--set", "hdf5.include_config=false").code == 0
    done = radiograph("verify", out)
    assert done.code == 3
    assert "holds no config, since it was run with [hdf5] include_config = false" in done.err
    with h5py.File(made, "r+") as file:
        file.attrs["software"] = "ngimager 1.2.1"
    assert "only files of radiograph can be verified" in radiograph("verify", made).err


def test_the_input_must_be_the_one_it_was(radiograph: Run, project: Path, tmp_path: Path) -> None:
    made = project / "image.h5"
    assert radiograph("run", project / "run.toml", "-q", "--until", "events").code == 0
    (project / "events.out").rename(tmp_path / "moved.out")
    done = radiograph("verify", made)
    assert done.code == 3
    assert "is no longer there. Give it with --input-path" in done.err
    assert radiograph("verify", made, "--input-path", tmp_path / "moved.out").code == 0
    text = (tmp_path / "moved.out").read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "changed.out").write_text("".join(text[:-1]), "utf-8")
    done = radiograph("verify", made, "--input-path", tmp_path / "changed.out")
    assert done.code == 3
    assert "its content has changed" in done.err
    two = ("--input-path", tmp_path / "moved.out", "--input-path", tmp_path / "moved.out")
    done = radiograph("verify", made, *two)
    assert done.code == 3
    assert "was run over 1 input files; 2 are given" in done.err


def test_a_hash_is_of_type_shape_and_content(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, value in {
            "a": [1, 2], "b": [[1, 2]], "c": [1.0, 2.0], "d": [1, 3], "e": [1, 2],
            "provenance/a": [1], "f": "12", "g": ["1", "2"], "h": ["12", ""],
        }.items():  # fmt: skip
            file[name] = value
        hashes = verifying.dataset_hashes(file)
    assert "/provenance/a" not in hashes
    assert hashes.pop("/e") == hashes["/a"]
    assert len(set(hashes.values())) == len(hashes)


# --- explain ------------------------------------------------------------------------------------


def test_explain_says_all_about_a_node(radiograph: Run) -> None:
    text = radiograph("explain", "neutron_candidate_cones").out
    for part in ("stage      cones", "written in ", "cones.py:", "theta_rad", "opening half-angle"):
        assert part in text
    assert "schema     CandidateCones (docs/schemas.md)" in text
    light = radiograph("explain", "noise_summary").out
    assert "schema     NoiseSummary (docs/lightdqm_schemas.md)" in light
    found = radiograph("explain", "cones", "--json").json
    assert found["name"] == "selected_cones"
    assert found["pipeline"] == "imaging"
    assert "cones_through_region" in found["needed_by"]
    source = Path(found["file"]).read_text("utf-8").splitlines()[found["line"] - 1 :]
    assert any(line.startswith("def selected_cones(") for line in source[:4])
    theta = next(c for c in found["columns"] if c["name"] == "theta_rad")
    assert theta["meaning"] == "opening half-angle"
    assert theta["unit"] == "rad"


def test_explain_names_the_settings_themselves(radiograph: Run) -> None:
    """Not their sections alone; one of which everything enters stands in brackets."""
    for node, settings in {
        "neutron_candidate_cones": ["cones.kinematics"],
        "projections": ["[vis.projections]"],
        "neutron_shaped_events": ["io.input_format", "run.neutrons",
                                  "shaping.max_combinations", "shaping.neutron_policy"],
        "spark_rates": ["lightdqm.spark_step_adc16"],
    }.items():  # fmt: skip
        found = radiograph("explain", node, "--json").json["settings"]
        assert found == settings
        assert f"  settings   {', '.join(found)}\n" in radiograph("explain", node).out
    chosen = radiograph("explain", "neutron_chosen_row").out
    assert "energy.force_proton_recoils" in chosen
    assert "whether there is [plane]" in chosen


def test_a_plain_name_leads_to_where_the_work_is_done(radiograph: Run) -> None:
    text = radiograph("explain", "selected_cones").out
    found = radiograph("explain", "selected_cones", "--json").json
    names = [part["name"] for part in found["made_of"]]
    assert names == ["neutron_selected_cones", "gamma_selected_cones"]
    for part in found["made_of"]:
        source = Path(part["file"]).read_text("utf-8").splitlines()[part["line"] - 1 :]
        assert any(line.startswith(f"def {part['name']}__chosen(") for line in source[:4])
        assert re.search(rf"\b{part['name']} +nodes/imaging/selection.py:{part['line']}\n", text)
    assert text.count("made of ") == 1
    alone = radiograph("explain", "neutron_selected_cones")
    assert "made of" not in alone.out
    assert radiograph("explain", "hits", "--json").json["made_of"] == []


def test_light_response_is_found_where_its_physics_is(radiograph: Run) -> None:
    found = radiograph("explain", "light_response").out
    assert "written in nodes/imaging/light_curves.py:" in found


def test_explain_with_settings(radiograph: Run, project: Path) -> None:
    with (project / "run.toml").open("a") as file:
        file.write("[run]\ngammas = false\n")
    config = project / "run.toml"
    found = radiograph("explain", "neutron_energies", config, "--json").json
    assert found["needs"] == ["neutron_calibrated_events"]
    gamma = radiograph("explain", "gamma_energies", config)
    assert gamma.code == 0, gamma.err
    assert str(pipeline("imaging", config).explain("projections")).startswith("projections: ")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("conez",), "Did you mean cones"),
        (("source_records",), "source_records is a helper"),
        (("hits", "--pipeline", "imagin"), "No pipeline 'imagin'"),
        (("hits", "absent.toml"), "there is no such file"),
    ],
)
def test_what_cannot_be_explained(radiograph: Run, argv: tuple[str, ...], said: str) -> None:
    done = radiograph("explain", *argv)
    assert done.code == 2
    assert said in done.err


def test_where_a_node_is_written() -> None:
    """From the folder of the nodes on; of a package without one the whole path."""
    assert str(Written("hits", "/a/nodes/imaging/load.py", 3)) == "nodes/imaging/load.py:3"
    assert str(Written("pulses", "/a/b/toy.py", 3)) == "/a/b/toy.py:3"
