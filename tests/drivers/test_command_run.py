"""``radiograph run``: what each option does, what is printed where; a run is all or nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from radiograph.drivers.commands.table import commands, imported_command
from radiograph.drivers.imaging import output
from radiograph.drivers.imaging import run as imaging_run
from radiograph.nodes.imaging.readers import phits_usrdef

Run = Callable[..., Any]

ALL_GROUPS = {"candidates", "cones", "hits", "images", "lm", "meta", "provenance", "truth"}
CONES = {"hits", "lm", "candidates", "cones"}


def groups(path: Path) -> set[str]:
    with h5py.File(path) as file:
        return set(file)


def dataset(path: Path, name: str) -> Any:
    with h5py.File(path) as file:
        return file[name][()]


def setting(path: Path, key: str) -> Any:
    """A setting that was in force, from the output file."""
    with h5py.File(path) as file:
        table = file["meta/config_effective"]
        keys = [k.decode() for k in table["keys"]]
        return json.loads(table["values"][keys.index(key)])


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Time of change and bytes of every file, hidden ones included."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in files}


# --- what is printed ------------------------------------------------------------------------


def test_files_on_stdout_and_the_story_on_stderr(project: Path, radiograph: Run) -> None:
    done = radiograph("run", project / "run.toml", "--set", "vis.export_png_on_write=true")
    assert done.code == 0
    names = ["image.h5", "n_image.png", "g_image.png", "all_image.png"]
    assert done.out.splitlines() == [str(project / name) for name in names]
    assert all((project / name).stat().st_size > 0 for name in names)
    lines = done.err.splitlines()
    assert lines[0] == f"{project / 'events.out'}: 1 range of events, to {project / 'image.h5'}"
    stages = [line.split()[0] for line in lines[1:5]]
    assert stages == ["hits", "events", "cones", "images"]
    assert lines[1].split() == ["hits", "580", "of", "580", "hits"]
    table = {line.split()[0]: line.split()[1:] for line in lines[5:-1]}
    assert table["counter"] == ["total", "n", "g"]
    assert table["hits_total"] == ["580", "400", "180"]
    assert table["raw_events_total"] == ["260"]
    assert "cones_missed_plane_n" not in table  # one row with its columns n and g
    assert lines[-1].endswith(f"s, {project / 'image.h5'}")


def test_chunks_are_told(project: Path, radiograph: Run) -> None:
    done = radiograph("run", project / "run.toml", "--set", "run.chunk_events=100")
    assert "events.out: 3 ranges of events, to " in done.err


def test_json_is_the_report(project: Path, radiograph: Run) -> None:
    done = radiograph("run", project / "run.toml", "--json")
    assert done.code == 0
    assert done.out.count("\n") == 1
    report = done.json
    assert {"output", "targets", "counters", "seconds", "nodes", "problems"} <= set(report)
    assert report["output"] == str(project / "image.h5")
    assert report["targets"] == ["summed_images", "projections", "projection_metrics"]
    assert report["counters"]["raw_events_total"] == 260
    assert all(type(v) is int for v in report["counters"].values())
    assert report["seconds"] > 0
    assert report["problems"] == []
    assert {frozenset(n) for n in report["nodes"].values()} == {
        frozenset({"status", "seconds", "parts"})
    }
    assert {n["status"] for n in report["nodes"].values()} <= {"executed", "hit", "skipped"}
    assert report["nodes"]["summed_images"]["status"] == "executed"
    assert report["nodes"]["figures"]["status"] == "skipped"
    assert "hits" in done.err  # the story is told beside it


def test_quiet_leaves_stderr_empty(project: Path, radiograph: Run) -> None:
    done = radiograph("run", project / "run.toml", "--quiet")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{project / 'image.h5'}\n"
    short = radiograph("run", project / "run.toml", "-q", "--json", "--overwrite")
    assert short.err == ""
    assert short.json["output"] == str(project / "image.h5")


@pytest.mark.parametrize("name", ["z.png", "z.PDF", "z.root", "z.csv", "sub/z.html"])
def test_an_output_with_the_ending_of_another_kind_is_refused(
    project: Path, radiograph: Run, name: str
) -> None:
    done = radiograph("run", project / "run.toml", "-o", project / name)
    assert done.code == 2
    assert name in done.err
    assert "Name z.h5" in done.err
    assert not (project / name).exists()


@pytest.mark.parametrize("quiet", [("-q",), ("--set", "run.diagnostics_level=0")])
def test_quiet_still_warns(project: Path, radiograph: Run, quiet: tuple[str, ...]) -> None:
    text = (project / "events.out").read_text()
    # The file is shared by tests.
    (project / "events.out").unlink()
    (project / "events.out").write_text(text.rstrip() + "\nne cut off here\n")
    far = ("--set", "plane.u_min=1e7", "--set", "plane.u_max=10000060.0")
    done = radiograph("run", project / "run.toml", *far, *quiet)
    assert done.code == 0
    lines = done.err.splitlines()
    assert all(line.startswith("warning: ") for line in lines), done.err
    assert any("damaged records" in line for line in lines)
    # The plane is named, so that the user sees what is far off.
    (zero,) = [line for line in lines if "no cone lights a pixel: the images" in line]
    assert "goes through (0, 0, 0) cm, normal (0, 0, 1), u 1e+07 to 1.00001e+07 cm" in zero


def test_diagnostics_level_zero_is_quiet_and_verbose_wins(project: Path, radiograph: Run) -> None:
    quiet = ("--set", "run.diagnostics_level=0")
    assert radiograph("run", project / "run.toml", *quiet).err == ""
    loud = radiograph("run", project / "run.toml", *quiet, "--verbose", "--overwrite")
    assert "hits, first rows:" in loud.err
    assert loud.out == f"{project / 'image.h5'}\n"


def test_verbose_shows_five_rows_of_each_frame(project: Path, radiograph: Run) -> None:
    done = radiograph("run", project / "run.toml", "-v", "--until", "hits")
    block = done.err.split("hits, first rows:\n")[1].splitlines()
    assert block[0].split()[0] == "event_id"
    assert [line.split()[0] for line in block[1:7]][:5] == ["0", "1", "2", "3", "4"]
    assert not block[6].startswith("5")


def test_no_bar_where_stderr_is_no_terminal(project: Path, radiograph: Run) -> None:
    done = radiograph("run", project / "run.toml")
    assert "raw events\r" not in done.err
    assert "\x1b" not in done.err


# --- options --------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["-o", "--output-path"])
def test_output_path(project: Path, radiograph: Run, written: Run, option: str) -> None:
    done = radiograph("run", project / "run.toml", option, project / "new" / "a.h5")
    assert done.code == 0
    assert written() == {"new", "new/a.h5"}


def test_paths_of_the_command_line_start_at_the_shell(
    project: Path, radiograph: Run, simulated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "here").mkdir()
    (project / "here" / "other.out").write_bytes((simulated / "events.out").read_bytes())
    monkeypatch.chdir(project / "here")
    argv = ("run", "../run.toml", "--input-path", "other.out", "-o", "b.h5", "--json")
    report = radiograph(*argv).json
    assert report["output"] == str(project / "here" / "b.h5")
    assert [Path(p).name for p in report["input"]] == ["other.out"]
    # Those of the file start at the file.
    assert radiograph("run", "../run.toml", "--json").json["output"] == "../image.h5"


def test_input_path(project: Path, radiograph: Run, simulated: Path) -> None:
    argv = ("--input-path", simulated / "events.root", "--set", 'io.input_format="root_novo_ddaq"')
    done = radiograph("run", project / "run.toml", *argv, "--json")
    assert done.json["input"] == [str(simulated / "events.root")]
    assert done.json["counters"]["raw_events_total"] == 260


def test_set_changes_settings_of_any_type(project: Path, radiograph: Run) -> None:
    values = {
        "plane.du": 1.0,
        "run.plot_label": "a label",
        "run.meta.shift": 3,
        "filters.events.neutron.tof_window_ns": [0.0, 30.0],
    }
    argv = [a for k, v in values.items() for a in ("--set", f"{k}={json.dumps(v)}")]
    assert radiograph("run", project / "run.toml", *argv).code == 0
    assert dataset(project / "image.h5", "images/summed/n").shape == (20, 60)
    for key, value in values.items():
        assert setting(project / "image.h5", key) == value


def test_flags_come_after_set_and_file(project: Path, radiograph: Run) -> None:
    with (project / "run.toml").open("a") as file:
        file.write("[pipeline]\nuntil = 'image'\n[run]\nlist = true\n")
    argv = ("--set", "pipeline.until='events'", "--until", "cones", "--no-list")
    assert radiograph("run", project / "run.toml", *argv).code == 0
    assert setting(project / "image.h5", "pipeline.until") == "cones"
    assert setting(project / "image.h5", "run.list") is False


FAST = "[fast]\nmax_cones = 7\nplane_downsample = 2\n"


def test_fast_mode(project: Path, radiograph: Run) -> None:
    with (project / "run.toml").open("a") as file:
        file.write(FAST)
    done = radiograph("run", project / "run.toml", "--fast", "--json")
    assert "note: fast mode replaces run.max_cones, plane.du, plane.dv" in done.err
    assert done.json["counters"]["cones_kept"] == 7
    assert dataset(project / "image.h5", "images/summed/n").shape == (10, 15)
    with h5py.File(project / "image.h5") as file:
        assert file["meta"].attrs["run_fast"]
    argv = ("--set", "run.fast=true", "--no-fast", "--overwrite", "--json")
    slow = radiograph("run", project / "run.toml", *argv)
    assert slow.json["counters"]["cones_kept"] > 7
    assert "fast mode" not in slow.err


def test_list_mode(project: Path, radiograph: Run) -> None:
    assert radiograph("run", project / "run.toml", "--list").code == 0
    assert "footprint_pixels" in h5py.File(project / "image.h5")["lm"]
    argv = ("--set", "run.list=true", "--no-list", "--overwrite")
    assert radiograph("run", project / "run.toml", *argv).code == 0
    assert "footprint_pixels" not in h5py.File(project / "image.h5")["lm"]


@pytest.mark.parametrize(
    ("option", "kept", "off"), [("--no-gammas", "n", "g"), ("--no-neutrons", "g", "n")]
)
def test_one_species(project: Path, radiograph: Run, option: str, kept: str, off: str) -> None:
    done = radiograph("run", project / "run.toml", option, "--json")
    assert done.code == 0
    counters = done.json["counters"]
    assert counters[f"cones_kept_{off}"] == 0
    assert counters["cones_kept"] == counters[f"cones_kept_{kept}"] > 0
    assert counters["raw_events_species_off"] == {"n": 60, "g": 200}[kept]
    with h5py.File(project / "image.h5") as file:
        images = file["images/summed"]
        assert {"n", "g", "all"} & set(images) == {kept, "all"}
        assert (images[kept][()] == images["all"][()]).all()
        species = {"n": 0, "g": 1}[kept]
        assert (file["cones/species"][()] == species).all()
    on = option.replace("--no-", "--")
    both = radiograph("run", project / "run.toml", option, on, "--overwrite", "--json")
    assert both.json["counters"][f"cones_kept_{off}"] > 0


@pytest.mark.parametrize(
    ("stage", "here", "target"),
    [
        ("hits", {"hits"}, "filtered_hits"),
        ("events", {"hits", "lm"}, "filtered_events"),
        ("cones", CONES, "selected_cones"),
        ("image", {*CONES, "images"}, "summed_images"),
    ],
)
def test_until(project: Path, radiograph: Run, stage: str, here: set[str], target: str) -> None:
    done = radiograph("run", project / "run.toml", "--until", stage, "--json")
    assert done.code == 0
    assert groups(project / "image.h5") == {*here, "raw_events", "truth", "meta", "provenance"}
    assert done.json["targets"][0] == target
    nodes = done.json["nodes"]
    stages = ["hits", "filtered_events", "selected_cones", "summed_images"]
    reached = ["hits", "events", "cones", "image"].index(stage)
    assert [nodes[n]["status"] for n in stages[: reached + 1]] == ["executed"] * (reached + 1)
    assert {nodes[n]["status"] for n in stages[reached + 1 :]} <= {"skipped"}
    with h5py.File(project / "image.h5") as file:
        assert file["meta"].attrs["run_stop_stage"] == stage
        names = {k.split("_")[0] for k in file["meta/counters"]}
    assert names == {f"s{k + 1}" for k in range(reached + 1)}


# --- targets --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "here", "executed", "skipped"),
    [
        ("hits", {"hits"}, ["hits"], ["filtered_hits", "filtered_events"]),
        ("filtered_events", {"lm"}, ["hits", "filtered_events"], ["energies", "selected_cones"]),
        ("energies", {"targets"}, ["energies"], ["candidate_cones"]),
        ("candidate_cones", {"candidates"}, ["candidate_cones"], ["selected_cones"]),
        (
            "cones",
            {"cones", "lm"},
            ["selected_cones"],
            ["neutron_back_projection", "summed_images"],
        ),
        (
            "summed_images",
            {"images"},
            ["summed_images", "selected_cones"],
            ["projections", "figures"],
        ),
        ("projections", {"images"}, ["projections"], ["projection_metrics", "figures"]),
        ("figures", {"images"}, ["figures", "projection_metrics"], []),
        ("counters", set(), ["counters"], ["summed_images", "figures"]),
        ("light_response", {"targets"}, ["light_response"], ["hits"]),
        ("region_of_interest", {"targets"}, ["region_of_interest"], ["hits", "summed_images"]),
        ("typed_events", {"targets"}, ["typed_events"], ["filtered_events"]),
    ],
)
def test_target_computes_and_writes_what_it_needs(
    project: Path,
    radiograph: Run,
    written: Run,
    target: str,
    here: set[str],
    executed: list[str],
    skipped: list[str],
) -> None:
    strategy = ("--set", "energy.strategy=ELUT") if target == "light_response" else ()
    done = radiograph("run", project / "run.toml", "--target", target, *strategy, "--json")
    assert done.code == 0
    assert groups(project / "image.h5") == {*here, "meta", "provenance"}
    report = done.json
    assert report["targets"] == [{"cones": "selected_cones"}.get(target, target)]
    status = {name: node["status"] for name, node in report["nodes"].items()}
    assert {status[n] for n in executed} == {"executed"}
    assert {status[n] for n in skipped} <= {"skipped"}
    if target == "figures":
        drawn = {"n_image.png", "g_image.png", "all_image.png"}
        assert written() == {"image.h5"} | drawn
        assert {Path(f).name for f in report["files"][1:]} == drawn
    else:
        assert written() == {"image.h5"}
        assert report["files"] == [report["output"]]


def test_a_target_is_what_it_is_in_a_whole_run(project: Path, radiograph: Run) -> None:
    metrics = ("--set", "vis.projections.metrics.enabled=true", "--set", "vis.species=['n']")
    asked = [a for t in ("figures", "cones", "footprints") for a in ("--target", t)]
    radiograph("run", project / "run.toml", *asked, *metrics, "--list")
    radiograph("run", project / "run.toml", "-o", project / "whole.h5", *metrics)
    with h5py.File(project / "image.h5") as part, h5py.File(project / "whole.h5") as whole:
        for name in (
            "images/summed/all",
            "images/summed/projections/n/v",
            "cones/theta_rad",
            "images/summed/projections/all/metrics/u/peak_pos_cm",
            "lm/cone_lit_pixels",
            "lm/event_cone_id",
        ):
            np.testing.assert_array_equal(part[name][()], whole[name][()])


def test_counters_of_the_stages_that_a_target_needs(project: Path, radiograph: Run) -> None:
    def counted(target: str) -> set[str]:
        argv = ("--target", target, "--json", "--overwrite")
        return set(radiograph("run", project / "run.toml", *argv).json["counters"])

    assert counted("hits") == set()
    assert "hits_total" in counted("filtered_hits")
    of_events = counted("filtered_events")
    assert {"hits_total", "events_after_filters"} <= of_events
    assert "cones_kept" not in of_events
    of_cones = counted("cones")
    assert "cones_kept" in of_cones
    assert "cones_imaged_total" not in of_cones
    assert "cones_imaged_total" in counted("counters")


def test_several_targets(project: Path, radiograph: Run) -> None:
    argv = ("--target", "energies", "--target", "image", "--target", "summed_images", "--json")
    report = radiograph("run", project / "run.toml", *argv).json
    assert report["targets"] == ["energies", "summed_images"]
    assert groups(project / "image.h5") == {"images", "targets", "meta", "provenance"}


@pytest.mark.parametrize(
    "targets",
    [
        ("neutron_filtered_events", "gamma_candidate_cones", "raw_event_fate"),
        ("neutron_cone_scores", "gamma_selected_cones", "prior_target_cm"),
        ("neutron_back_projection", "reactions"),
    ],
)
def test_a_part_of_a_group_is_written_too(
    project: Path, radiograph: Run, targets: tuple[str, ...]
) -> None:
    """Nothing that was asked for is lost: what has no place of its own goes to /targets."""
    argv = [a for target in targets for a in ("--target", target)]
    assert radiograph("run", project / "run.toml", *argv).code == 0
    with h5py.File(project / "image.h5") as file:
        assert set(targets) == set(file["targets"])


def test_a_frame_under_targets(project: Path, radiograph: Run) -> None:
    radiograph("run", project / "run.toml", "--target", "typed_events")
    with h5py.File(project / "image.h5") as file:
        events = file["targets/typed_events"]
        assert events["x1_cm"].attrs["units"] == "cm"
        assert events["light1_MeVee"].attrs["units"] == "MeVee"
        assert all(d.attrs["description"] for d in events.values())
        species = events["species"].asstr()[()]
        assert list(species) == ["n"] * 200 + ["g"] * 60
        material = events["material3"].asstr()[()]
        assert set(material[:200]) == {""}
        assert set(material[200:]) == {"OGS"}
        assert np.isnan(events["t3_ns"][:200]).all()


def test_target_and_until_exclude_each_other(project: Path, radiograph: Run, written: Run) -> None:
    done = radiograph("run", project / "run.toml", "--target", "hits", "--until", "hits")
    assert done.code == 2
    assert done.err.startswith("error: --target and --until exclude each other")
    assert written() == set()


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("summed_image", "Did you mean summed_images"),
        ("cone", "cones"),
        ("quux", "No node 'quux' in the graph of these settings. `radiograph nodes` lists all"),
        ("light_response", "some exist only with some settings"),
    ],
)
def test_unknown_target(
    project: Path, radiograph: Run, written: Run, target: str, said: str
) -> None:
    done = radiograph("run", project / "run.toml", "--target", target)
    assert done.code == 2
    assert said in done.err
    assert written() == set()


def test_targets_that_the_settings_cannot_give(
    project: Path, radiograph: Run, written: Run
) -> None:
    done = radiograph("run", project / "run.toml", "--target", "footprints")
    assert done.code == 2
    assert "give --list" in done.err
    text = (project / "run.toml").read_text()
    plane = text[text.index("[plane]") : text.index("[energy]")]
    no_plane = text.replace(
        plane, "[pipeline]\nuntil = 'cones'\n[prior]\ntype = 'point'\npoint = [0, 0, 0]\n"
    )
    (project / "run.toml").write_text(no_plane)
    done = radiograph("run", project / "run.toml", "--target", "figures")
    assert done.code == 2
    assert "there is no [plane]" in done.err
    assert written() == set()
    assert radiograph("run", project / "run.toml", "--target", "cones").code == 0


# --- all or nothing -------------------------------------------------------------------------


def test_an_existing_output_is_refused_before_anything_is_computed(
    project: Path, radiograph: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "image.h5").write_bytes(b"precious")
    before = snapshot(project)

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(imaging_run, "open_session", never)
    done = radiograph("run", project / "run.toml", "--json")
    assert done.code == 2
    error = done.json["error"]
    assert set(error) == {"code", "message", "key", "file"}
    assert error["code"] == "output_exists"
    assert error["key"] == "io.output_path"
    assert error["file"] == str(project / "image.h5")
    for repair in ("--overwrite", "[io] overwrite", "-o"):
        assert repair in error["message"]
    assert snapshot(project) == before


@pytest.mark.parametrize("consent", [["--overwrite"], ["--set", "io.overwrite=true"]])
def test_overwrite(project: Path, radiograph: Run, consent: list[str]) -> None:
    (project / "image.h5").write_bytes(b"old")
    assert radiograph("run", project / "run.toml", *consent).code == 0
    assert "images" in groups(project / "image.h5")


def test_an_existing_figure_is_refused_where_it_would_be_drawn(
    project: Path, radiograph: Run, written: Run
) -> None:
    (project / "g_image.png").write_bytes(b"precious")
    draw = ("--set", "vis.export_png_on_write=true")
    done = radiograph("run", project / "run.toml", *draw)
    assert done.code == 2
    assert "g_image.png: exists already" in done.err
    assert written() == {"g_image.png"}
    # Figures that are not drawn are not in the way: no gammas, one image only, no figures.
    assert radiograph("run", project / "run.toml", *draw, "--no-gammas", "-q").code == 0
    assert (project / "g_image.png").read_bytes() == b"precious"
    one = (*draw, "--set", "vis.summed_dataset=g", "--set", "io.overwrite=false")
    done = radiograph("run", project / "run.toml", *one, "-o", project / "image.hdf5")
    assert done.code == 2
    assert "g_image.png" in done.err


@pytest.mark.parametrize("name", ["events.out", "run.toml"])
def test_what_is_read_is_never_replaced(
    project: Path, radiograph: Run, simulated: Path, name: str
) -> None:
    before = (project / name).read_bytes()
    done = radiograph("run", project / "run.toml", "-o", project / name, "--overwrite")
    assert done.code == 2
    assert "is read by this run and would be replaced" in done.err
    assert (project / name).read_bytes() == before


def test_outputs_that_cannot_be(project: Path, radiograph: Run, written: Run) -> None:
    (project / "image.h5").mkdir()
    for out, fault in (
        (project / "image.h5", "is a folder"),
        (project / "run.toml" / "a.h5", "run.toml is a file"),
        (Path("/proc/none/a.h5"), "/proc/none/a.h5: cannot be"),
    ):
        done = radiograph("run", project / "run.toml", "--overwrite", "-o", out)
        assert done.code == 2
        assert fault in done.err
        assert "Traceback" not in done.err
    assert written() == {"image.h5"}


def test_a_full_disk_is_told(
    project: Path, radiograph: Run, written: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output, "write_images", full)
    done = radiograph("run", project / "run.toml")
    assert done.code == 2
    assert "image.h5: cannot be written ([Errno 28] No space left on device)" in done.err
    assert written() == set()


def interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (imaging_run, "open_session"),
        (phits_usrdef.kernel, "event_starts"),
        (phits_usrdef, "_hits"),
        (output.ImagingRows, "__call__"),
        (output, "write_images"),
    ],
)
@pytest.mark.parametrize("old", [None, b"old"])
def test_an_interrupt_leaves_everything_as_it_was(
    project: Path,
    radiograph: Run,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    old: bytes | None,
) -> None:
    if old is not None:
        (project / "image.h5").write_bytes(old)
    before = snapshot(project)
    monkeypatch.setattr(owner, name, interrupt)
    done = radiograph("run", project / "run.toml", "--overwrite", "--json", "-q")
    assert done.code == 130
    assert done.err == "interrupted; what was complete stays, nothing else was written\n"
    assert done.json["error"]["code"] == "interrupted"
    assert snapshot(project) == before


def test_an_interrupt_while_figures_are_written(
    project: Path, radiograph: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("image.h5", "n_image.png", "g_image.png", "all_image.png")
    for name in names:
        (project / name).write_bytes(b"old")
    before = snapshot(project)
    write = Path.write_bytes

    def second_interrupts(path: Path, data: bytes) -> int:
        return interrupt() if "g_image" in path.name else write(path, data)  # type: ignore[func-returns-value]

    monkeypatch.setattr(Path, "write_bytes", second_interrupts)
    draw = ("--set", "vis.export_png_on_write=true", "--set", 'vis.species=["n", "g"]')
    assert radiograph("run", project / "run.toml", *draw, "--overwrite").code == 130
    assert snapshot(project) == before


def test_a_failing_run_leaves_the_old_output(project: Path, radiograph: Run) -> None:
    lines = [x for x in (project / "events.out").read_text().splitlines() if x[:1] in "ng"]
    damaged = [x if i < 150 or i % 3 else x[:70] for i, x in enumerate(x for x in lines if x)]
    (project / "damaged.out").write_text("\n".join(damaged))
    (project / "image.h5").write_bytes(b"old")
    before = snapshot(project)
    argv = ("--input-path", project / "damaged.out", "--overwrite", "--set", "run.chunk_events=50")
    done = radiograph("run", project / "run.toml", *argv)
    assert done.code == 3
    assert "records are damaged" in done.err
    assert snapshot(project) == before


def test_a_bug_is_told_as_one(
    project: Path, radiograph: Run, written: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(output, "write_images", broken)
    done = radiograph("run", project / "run.toml", "--json")
    assert done.code == 1
    assert done.json["error"]["code"] == "bug"
    assert "ZeroDivisionError" in done.err
    assert "please report" in done.err
    assert written() == set()


# --- as a process ---------------------------------------------------------------------------


def process(*argv: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; sys.argv[0] = 'radiograph'; from radiograph.drivers.main import cli; cli()"
    env = {k: v for k, v in os.environ.items() if k != "RADIOGRAPH_CACHE"} | {"COLUMNS": "100"}
    env |= variables
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, argv)],
        cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [[], ["run"], ["check"], ["nodes"], ["init"], ["simulate"], ["simulate", "imaging"]],
)
def test_help(radiograph: Run, command: list[str]) -> None:
    done = radiograph(*command, "--help")
    assert done.code == 0
    assert "Usage: radiograph" in " ".join(done.out.split())
    assert done.err == ""


@pytest.mark.parametrize("argv", [["--help"], ["run", "--help"]])
def test_help_as_a_process_imports_nothing_heavy(project: Path, argv: list[str]) -> None:
    # pydantic is not among them: typer itself tries to import it.
    heavy = (
        "numpy", "pandas", "numba", "h5py", "hamilton", "matplotlib", "uproot", "diskcache",
        "jinja2", "markupsafe", "PIL",
    )  # fmt: skip
    code = (
        f"import sys; from radiograph.drivers.main import guarded; code = guarded({argv}); "
        f"print(code, [m for m in {heavy} if m in sys.modules])"
    )
    called = [sys.executable, "-c", code]
    done = subprocess.run(called, cwd=project, capture_output=True, text=True, check=True)
    assert (done.stdout.splitlines()[-1], done.stderr) == ("0 []", "")


@pytest.mark.parametrize(
    ("argv", "modules"),
    [
        (["--help"], {"table"}),
        (["check", "--help"], {"table", "check"}),
        (["cache", "why", "--help"], {"table", "cache"}),
        (["no_command"], {"table"}),
        (["inspect", "--help"], {"table", "inspect"}),
    ],
)
def test_only_the_command_that_is_called_is_imported(argv: list[str], modules: set[str]) -> None:
    code = (
        f"import sys; from radiograph.drivers.main import guarded; guarded({argv}); "
        "of_ours = [m for m in sys.modules if '.commands.' in m and m.startswith('radiograph.')]; "
        "print(); print(*sorted(m.split('.')[-1] for m in of_ours), 'rich.console' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].split() == [*sorted(modules), "False"]


def test_the_table_of_commands_says_what_the_commands_say() -> None:
    for name, place in commands().items():
        command = imported_command(name, place)
        assert (command.name, command.help.split("\n\n")[0]) == (name, place.help)


def test_the_list_of_commands_cuts_no_line(
    radiograph: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    said = " ".join(radiograph("--help").out.split())
    order = [said.index(f" {name} {place.help}") for name, place in commands().items()]
    assert order == sorted(order)


def test_the_help_of_an_option_says_type_choices_and_default(radiograph: Run) -> None:
    said = " ".join(radiograph("simulate", "imaging", "--help").out.split())
    assert "╭" not in said
    assert re.search(
        r"--events <?int(eger)?>? Accepted neutron events. \[default: 10000\]", said, re.I
    )
    assert re.search(r"--format [<\[]phits\|root[>\]] PHITS .* \[default: phits\]", said)
    said = " ".join(radiograph("run", "--help").out.split())
    assert "--fast / --no-fast Fast mode." in said
    assert re.search(r"config [^-]*TOML file with the settings. .?\[required\]", said, re.I)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["rnu"], r"No such command 'rnu'. Did you mean 'run'\?"),
        (["lightdqm", "chek"], r"No such command 'chek'. Did you mean 'check'\?"),
        (["run", "--overwrit"], r"No such option:? '?--overwrit\b.*'?--overwrite\b"),
        (["cache", "ls", "--jso"], r"No such option:? '?--jso\b.*'?--json\b"),
    ],
)
def test_a_wrong_name_gets_the_right_one(radiograph: Run, argv: list[str], said: str) -> None:
    done = radiograph(*argv)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(f"error: {said}.*\n", done.err)


@pytest.mark.parametrize("group", [[], ["cache"], ["simulate"], ["lightdqm"]])
def test_a_group_alone_shows_its_help_and_was_called_wrongly(
    radiograph: Run, group: list[str]
) -> None:
    done = radiograph(*group)
    assert (done.code, done.err) == (2, "")
    assert done.out == radiograph(*group, "--help").out


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("in", {"init", "info", "inspect"}),
        ("cache ", {"ls", "why", "prune", "clear", "verify"}),
        ("run --ov", {"--overwrite"}),
        ("lightdqm trend --js", {"--json"}),
    ],
)
def test_completion_knows_commands_and_options(
    project: Path, typed: str, offered: set[str]
) -> None:
    words = f"radiograph {typed}"
    asked = {
        "_RADIOGRAPH_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    done = process("x", cwd=project, **asked)
    assert (set(done.stdout.split()), done.stderr) == (offered, "")


def test_json_as_a_process(project: Path) -> None:
    done = process("run", "run.toml", "--json", cwd=project)
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    report = json.loads(done.stdout)
    assert report["output"] == "image.h5"
    assert "cones_imaged" in done.stderr
    with h5py.File(project / "image.h5") as file:
        argv = ["radiograph", "run", "run.toml", "--json"]
        assert json.loads(file.attrs["run_command_argv_json"]) == argv
        assert file.attrs["run_command"] == "radiograph run run.toml --json"
    again = process("run", "run.toml", "--json", "--quiet", cwd=project)
    assert again.returncode == 2
    assert json.loads(again.stdout)["error"]["code"] == "output_exists"
    assert again.stderr.startswith("error: image.h5: exists already")
    assert "Traceback" not in again.stderr


def test_a_closed_pipe_is_no_error(project: Path) -> None:
    code = (
        "import os, sys; r, w = os.pipe(); os.dup2(w, 1); os.close(r); os.close(w); "
        "from radiograph.drivers.main import guarded; sys.exit(guarded(['check', '--schema']))"
    )
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, cwd=project, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0
