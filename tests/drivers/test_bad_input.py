"""What the user can get wrong: one clear message, the right exit code, nothing written.

And what is no error: damage below the limit, and runs that leave no cone.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import uproot

Run = Callable[..., Any]

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
ROOT_INPUT = ("--set", "io.input_format=root_novo_ddaq")


def refused(done: Any, code: int, *said: object) -> None:
    """One message on stderr that says all of ``said``; nothing on stdout, no traceback."""
    assert done.code == code, done.err
    assert done.out == ""
    started = "of events, to "  # the only other line: reading had begun
    lines = [line for line in done.err.splitlines() if started not in line]
    assert len(lines) == 1, done.err
    assert lines[0].startswith("error: ")
    for text in said:
        assert str(text) in lines[0]


# --- input files (exit 3) -------------------------------------------------------------------


def test_a_missing_file(project: Path, radiograph: Run, written: Run) -> None:
    path = project / "none.out"
    done = radiograph("run", project / "run.toml", "--input-path", path)
    refused(done, 3, f"{path}: no such file", "[io] input_path", "--input-path")
    assert written() == set()
    error = radiograph("run", project / "run.toml", "--input-path", path, "--json").json["error"]
    assert error == {
        "code": "input",
        "message": done.err.removeprefix("error: ").strip(),
        "key": "io.input_path",
        "file": str(path),
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty (0 bytes)"),
        (PNG, "no raw event in the format phits_usrdef"),
        (b"root\x00\x00\xf2\xa8" + bytes(500), 'Set [io] input_format = "root_novo_ddaq"'),
        (b"\x28\xb5\x2f\xfd" + bytes(500), "is compressed (zstd). Unpack it first (unzstd)."),
        ("ne 0 1 2 3 4 ; 7 1.0 1 2 3 4\n".encode("utf-16"), "is text in UTF-16. Save it as"),
        (b"hello\nworld\n", "Give another file, or set [io] input_format"),
        (b"!only\n!comments\n", "phits_usrdef, root_novo_ddaq"),
        (b"\n" * 100, "no raw event"),
    ],
)
def test_files_that_are_no_phits_text(
    project: Path, radiograph: Run, content: bytes, said: str
) -> None:
    path = project / "wrong.out"
    path.write_bytes(content)
    done = radiograph("run", project / "run.toml", "--input-path", path)
    refused(done, 3, f"{path}: ", said)
    assert {p.name for p in project.iterdir()} == {"run.toml", "events.out", "wrong.out"}


@pytest.mark.parametrize("content", [PNG, b"ne 0 1 1 2 2 ;", b"root"])
def test_files_that_are_no_root_file(project: Path, radiograph: Run, content: bytes) -> None:
    path = project / "wrong.root"
    path.write_bytes(content)
    done = radiograph("run", project / "run.toml", "--input-path", path, *ROOT_INPUT)
    refused(done, 3, f"{path}: ", "ROOT file", "Give a")
    assert not (project / "image.h5").exists()


def test_a_real_root_file_for_phits_text(
    project: Path, radiograph: Run, written: Run, simulated: Path
) -> None:
    path = simulated / "events.root"
    done = radiograph("run", project / "run.toml", "--input-path", path)
    refused(done, 3, path, "root_novo_ddaq")
    done = radiograph("run", project / "run.toml", *ROOT_INPUT)
    refused(done, 3, "events.out: cannot be opened as a ROOT file", "phits_usrdef")
    assert written() == set()


@pytest.mark.parametrize("argv", [(), ROOT_INPUT])
def test_a_folder(
    project: Path, radiograph: Run, written: Run, argv: tuple[str, ...], tmp_path: Path
) -> None:
    done = radiograph("run", project / "run.toml", "--input-path", tmp_path, *argv)
    refused(done, 3, f"{tmp_path}: is a folder")
    assert written() == set()


@pytest.mark.parametrize("argv", [(), ROOT_INPUT, ("--set", "io.input_format=hdf5_ngimager")])
def test_a_pipe_is_told_and_not_waited_for(
    project: Path, radiograph: Run, argv: tuple[str, ...]
) -> None:
    path = project / "pipe.out"
    os.mkfifo(path)
    done = radiograph("run", project / "run.toml", "--input-path", path, *argv)
    refused(done, 3, f"{path}: is a pipe, a socket or a device", "into a file")


@pytest.mark.parametrize(
    ("input_format", "content", "said"),
    [
        (
            "root_novo_ddaq",
            gzip.compress(b"root", mtime=0),
            "is compressed (gzip). Unpack it first",
        ),
        ("hdf5_ngimager", gzip.compress(b"HDF", mtime=0), "is compressed (gzip). Unpack it first"),
        ("hdf5_ngimager", b"root\x00" + bytes(90), "is a ROOT file, not hdf5_ngimager. Set [io] i"),
        ("hdf5_ngimager", b"ne 0 1 2 3 4 ;", "is no HDF5 file. Give the output file of an earl"),
        ("root_novo_ddaq", b"\x89HDF\r\n\x1a\n", "is an HDF5 file, not root_novo_ddaq. To begin"),
    ],
)
def test_a_file_of_another_kind_is_named(
    project: Path, radiograph: Run, input_format: str, content: bytes, said: str
) -> None:
    path = project / "other"
    path.write_bytes(content)
    argv = ("--input-path", path, "--set", f"io.input_format={input_format}")
    refused(radiograph("run", project / "run.toml", *argv), 3, f"{path}: {said}")


def test_compressed_text_gives_what_the_text_gives(project: Path, radiograph: Run) -> None:
    """Known by the compressed bytes."""
    path = project / "events.out.gz"
    path.write_bytes(gzip.compress((project / "events.out").read_bytes()))
    argv = ("run", project / "run.toml", "--overwrite", "--json")
    plain = radiograph(*argv).json
    packed = radiograph(*argv, "--input-path", path).json
    assert packed["counters"] == plain["counters"]
    with h5py.File(project / "image.h5") as file:
        inputs = file["provenance/inputs"]
        assert inputs["path"].asstr()[0] == str(path)
        assert inputs["size"][0] == path.stat().st_size


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_root_file_that_is_cut_off(
    project: Path, radiograph: Run, simulated: Path, share: float
) -> None:
    whole = (simulated / "events.root").read_bytes()
    path = project / "cut.root"
    path.write_bytes(whole[: int(share * len(whole))])
    done = radiograph("run", project / "run.toml", "--input-path", path, *ROOT_INPUT)
    refused(done, 3, path, "cut off or damaged", "give another file")
    assert not (project / "image.h5").exists()


def test_a_root_file_with_a_damaged_basket(project: Path, radiograph: Run, simulated: Path) -> None:
    content = bytearray((simulated / "events.root").read_bytes())
    with uproot.open(simulated / "events.root") as file:
        seek = int(file["image_tree"]["x1"].member("fBasketSeek")[0])
    content[seek + 80 : seek + 400] = b"\x55" * 320
    path = project / "damaged.root"
    path.write_bytes(content)
    done = radiograph("run", project / "run.toml", "--input-path", path, *ROOT_INPUT)
    refused(done, 3, path, "cut off or damaged")
    assert not (project / "image.h5").exists()


def root_columns(path: Path) -> dict[str, np.ndarray]:
    with uproot.open(path) as file:
        tree = file["image_tree"]
        return {key: tree[key].array(library="np") for key in tree.keys()}  # noqa: SIM118


def test_a_missing_tree(project: Path, radiograph: Run, written: Run, simulated: Path) -> None:
    source = ("--input-path", simulated / "events.root", *ROOT_INPUT)
    other = ("--set", "io.adapter.tree_key=image_trees")
    done = radiograph("run", project / "run.toml", *source, *other)
    refused(done, 3, "no tree 'image_trees'", "image_tree, meta", "Did you mean 'image_tree'?",
            "tree_key")  # fmt: skip
    assert written() == set()
    machine = radiograph("run", project / "run.toml", *source, *other, "--json")
    assert machine.json["error"]["key"] == "io.adapter.tree_key"


@pytest.mark.parametrize("name", ["x1", "t2", "particle3", "clipped1"])
def test_a_missing_branch(project: Path, radiograph: Run, simulated: Path, name: str) -> None:
    path = project / "less.root"
    columns = root_columns(simulated / "events.root")
    with uproot.recreate(path) as file:
        file.mktree("image_tree", {k: v.dtype for k, v in columns.items() if k != name})
        file["image_tree"].extend({k: v for k, v in columns.items() if k != name})
    done = radiograph("run", project / "run.toml", "--input-path", path, *ROOT_INPUT)
    refused(done, 3, path, f"'image_tree' has no branch {name}", "each hit needs x y z t")
    assert not (project / "image.h5").exists()


def test_a_tree_without_entries(project: Path, radiograph: Run, simulated: Path) -> None:
    path = project / "none.root"
    columns = root_columns(simulated / "events.root")
    with uproot.recreate(path) as file:
        file.mktree("image_tree", {k: v.dtype for k, v in columns.items()})
    done = radiograph("run", project / "run.toml", "--input-path", path, *ROOT_INPUT)
    refused(done, 3, f"{path}: 'image_tree' has every branch but no entry", "tree_key")


def event_lines(path: Path) -> list[str]:
    return [x for x in path.read_text().splitlines() if x.startswith(("ne", "ge"))]


def damaged_file(project: Path, *rows: int) -> Path:
    """The events of the project, those of ``rows`` cut off after the first number."""
    path = project / "damaged.out"
    lines = event_lines(project / "events.out")
    path.write_text("\n".join(x[:70] if i in rows else x for i, x in enumerate(lines)))
    return path


def test_too_much_damage(project: Path, radiograph: Run) -> None:
    path = damaged_file(project, *range(0, 260, 10))
    done = radiograph("run", project / "run.toml", "--input-path", path)
    refused(done, 3, path, "26 of 260 records are damaged (10.00%)", "allowed 1.00%; most often "
            "truncated hit: 26, the first in line 1.", "max_bad_fraction")  # fmt: skip
    assert not (project / "image.h5").exists()
    argv = ("--set", "io.max_bad_fraction=0.2", "--json")
    report = radiograph("run", project / "run.toml", "--input-path", path, *argv).json
    assert report["counters"]["raw_events_damaged"] == 26


def test_all_damaged(project: Path, radiograph: Run) -> None:
    path = damaged_file(project, *range(260))
    argv = ("--input-path", path, "--set", "io.max_bad_fraction=1.0")
    done = radiograph("run", project / "run.toml", *argv)
    refused(done, 3, path, "none of its 260 records can be read (260 damaged; most often "
            "truncated hit: 260, the first in line 1). Repair the file")  # fmt: skip
    assert {p.name for p in project.iterdir()} == {"run.toml", "events.out", "damaged.out"}


def test_the_commonest_damage_is_told_over_all_ranges(project: Path, radiograph: Run) -> None:
    """Its first place is that of the file, not of a range."""
    lines = event_lines(project / "events.out")
    texts = [x.replace(";", "; nan") if i % 3 == 1 else x[:70] for i, x in enumerate(lines)]
    (project / "bad.out").write_text(
        "\n".join(["! head", lines[0][:20].replace("ne", "nx"), *texts])
    )
    argv = ("--input-path", project / "bad.out", "--set", "run.chunk_events=50")
    done = radiograph("run", project / "run.toml", *argv)
    refused(
        done, 3, "none of its 261 records", "most often truncated hit: 173, the first in line 3)"
    )


def test_decimal_commas_are_named_with_line_and_repair(project: Path, radiograph: Run) -> None:
    lines = event_lines(project / "events.out")
    (project / "comma.out").write_text("! x\n" + "\n".join(x.replace(".", ",") for x in lines))
    done = radiograph("run", project / "run.toml", "--input-path", project / "comma.out")
    refused(done, 3, "none of its 260 records can be read", "first in line 2). Line 2 has decimal "
            "commas", "Write numbers with a point")  # fmt: skip


def test_damage_below_the_limit_is_counted_and_listed(project: Path, radiograph: Run) -> None:
    path = damaged_file(project, 7, 200)
    done = radiograph("run", project / "run.toml", "--input-path", path, "--json")
    assert done.code == 0
    report = done.json
    assert report["counters"]["raw_events_total"] == 258
    assert report["counters"]["raw_events_damaged"] == 2
    assert sum(n for k, n in report["counters"].items() if k.startswith("problems_")) == 2
    found = [(p["file"], p["line"], p["count"]) for p in report["problems"]]
    assert found == [(str(path), 8, 1), (str(path), 201, 1)]
    assert all(p["kind"] in p["message"].replace(" ", "_") for p in report["problems"])
    assert "warning: damaged records left out: 2" in done.err
    assert f"warning: {path}: line 8: " in done.err
    with h5py.File(project / "image.h5") as file:
        assert "line 201" in file["provenance/problems"].asstr()[()]


def test_damage_of_a_root_file_is_listed_by_entry(
    project: Path, radiograph: Run, simulated: Path
) -> None:
    path = project / "damaged.root"
    columns = root_columns(simulated / "events.root")
    columns["x1"] = columns["x1"].copy()
    columns["x1"][5] = np.nan
    with uproot.recreate(path) as file:
        file.mktree("image_tree", {k: v.dtype for k, v in columns.items()})
        file["image_tree"].extend(columns)
    done = radiograph("run", project / "run.toml", "--input-path", path, *ROOT_INPUT, "--json")
    assert done.code == 0
    listed = {p["kind"]: p for p in done.json["problems"]}
    assert listed["not_finite"]["entry"] == 5
    assert done.json["counters"]["problems_not_finite"] == 1


@pytest.mark.parametrize(
    ("name", "value", "dtype", "said"),
    [
        ("det1", np.nan, "f8", "not finite: 20, the first in entry 4. Entry 4 has det1 = nan."),
        ("det1", 1.7, "f4", "not whole: 20, the first in entry 4. Entry 4 has det1 = 1.7"),
        ("particle1", 1.9, "f8", "not whole: 20, the first in entry 4"),
        ("clipped2", 0.5, "f8", "not whole: 20, the first in entry 4"),
        ("det2", 2**32 + 7, "i8", "out of range: 20, the first in entry 4. Entry 4 has det2 = 42"),
        ("det2", 65535, "u2", "branch det2 of 'image_tree' is of the type uint16"),
    ],
)
def test_whole_numbers_of_a_root_file_are_not_bent(
    project: Path, radiograph: Run, simulated: Path, name: str, value: float, dtype: str, said: str
) -> None:
    path = project / "bent.root"
    columns = root_columns(simulated / "events.root")
    columns[name] = np.maximum(columns[name], 0).astype(dtype)
    columns[name][4:24] = value
    with uproot.recreate(path) as file:
        file.mktree("image_tree", {k: v.dtype for k, v in columns.items()})
        file["image_tree"].extend(columns)
    done = radiograph("run", project / "run.toml", "--input-path", path, *ROOT_INPUT)
    refused(done, 3, path, said)


def test_many_problems_are_shown_in_part(project: Path, radiograph: Run) -> None:
    path = damaged_file(project, *range(0, 260, 10))
    argv = ("--input-path", path, "--set", "io.max_bad_fraction=0.2", "--until", "hits")
    done = radiograph("run", project / "run.toml", *argv)
    assert done.err.count(": line ") == 5
    assert "21 more problems stand in the output and in --json" in done.err


# --- settings (exit 2) ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("plane.duu=1.0", ("unknown key 'duu'", "did you mean 'du'", "Allowed: origin")),
        ("planes.du=1.0", ("[planes]", "did you mean [plane]")),
        ("plane.du='wide'", ('du = "wide" is a string', "allowed: a number above 0")),
        ("run.fast=1", ("[run] fast = 1", "allowed: true or false")),
        ("plane.u_axis=[1, 0.5, 0]", ("u_axis", "v_axis", "orthogonal")),
        ("plane.u_axis=[1, 0, 0.3]", ("u_axis", "normal")),
        ("plane.normal=[0, 0, 0]", ("normal",)),
        ("plane.du=0.7", ("60 cm", "du = 0.7", "whole number", "e.g. u_max")),
        ("plane.v_min=30", ("v_min", "v_max")),
        ("energy.strategy=FixedEn", ("FixedEn", "fixed_En_MeV")),
        ("energy.strategy=ToF", ("ToF", "start_time_ns", "start_det_id")),
        ("run.neutrons=false", ("neutrons = false and gammas = false", "set one of them true")),
        ("uncertainty.scale=0", ("uncertainty", "scale", "not above 0")),
        ("io.output_path=''", ("missing key 'output_path'", "add output_path")),
        ("io.input_path=''", ("missing key 'input_path'", "add input_path")),
    ],
)
def test_wrong_settings(
    project: Path, radiograph: Run, written: Run, setting: str, said: tuple[str, ...]
) -> None:
    off = ("--no-gammas",) if setting == "run.neutrons=false" else ()
    done = radiograph("run", project / "run.toml", "--set", setting, *off)
    refused(done, 2, "--set" if "_path=''" not in setting else "run.toml", *said)
    assert written() == set()


def test_light_of_a_material_without_response(project: Path, radiograph: Run, written: Run) -> None:
    argv = ("--set", "energy.strategy=ELUT", "--set", "detectors.default_material=EJ309")
    done = radiograph("run", project / "run.toml", *argv)
    refused(done, 2, '"EJ309"', "built in: OGS, M600", "[energy.lut_paths.EJ309]")
    assert written() == set()


def test_files_that_are_no_settings(project: Path, radiograph: Run, written: Run) -> None:
    done = radiograph("run", project / "none.toml")
    refused(done, 2, "none.toml: there is no such file; there: run.toml")
    refused(radiograph("run", project), 2, "is a folder")
    done = radiograph("run", project / "run.yaml")
    refused(done, 2, "run.yaml: is a YAML file by its name", ".toml")
    assert written() == set()
    (project / "broken.toml").write_text("[run\n")
    refused(radiograph("run", project / "broken.toml"), 2, "broken.toml: not TOML in line 1")


def test_a_light_table_that_is_none(project: Path, radiograph: Run) -> None:
    (project / "light.csv").write_text("light_MeVee,energy_MeV\n1,2\n0.5,3\n")
    argv = ("--set", "energy.strategy=ELUT", "--set", "energy.lut_paths.OGS.proton=light.csv")
    done = radiograph("run", project / "run.toml", *argv[:3], argv[3].replace("=", f"={project}/"))
    refused(done, 3, "light.csv: light_MeVee must rise strictly; row 1 holds 0.5")
    assert not (project / "image.h5").exists()


# --- little or nothing to see (exit 0) ------------------------------------------------------


def check_zero(path: Path) -> None:
    """A whole file whose images are zero."""
    with h5py.File(path) as file:
        images = file["images/summed"]
        for name in {"n", "g", "all"} & set(images):
            assert images[name].shape == (20, 30)
            assert images[name].dtype == np.uint32
            assert not images[name][()].any()
            for axis in ("u", "v"):
                assert not images[f"projections/{name}/{axis}"][()].any()
        survival = file["lm/event_survival"][()]
        assert survival.shape == (len(file["lm/event_type"]), 3)
        assert (survival[:, 2] == -1).all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["filters.hits.min_light_MeVee=1000"], "no hit passes the cuts of [filters.hits]"),
        (["filters.hits.bars_include=[99]"], "no hit passes"),
        (["filters.events.tof_window_ns=[1e8, 1e9]"], "no event passes"),
        (["filters.cones.max_incident_energy_MeV=1e-6"], "no cone is kept"),
        (["plane.u_min=1e7", "plane.u_max=10000060.0"], "no cone lights a pixel"),
    ],
)
def test_everything_filtered(
    project: Path, radiograph: Run, settings: list[str], said: str
) -> None:
    argv = [a for s in settings for a in ("--set", s)]
    extra = ("--list", "--set", "vis.export_png_on_write=true", "--set", "vis.species=['all']",
             "--set", "vis.projections.metrics.enabled=true")  # fmt: skip
    done = radiograph("run", project / "run.toml", *argv, *extra, "--json")
    assert done.code == 0, done.err
    assert f"warning: {said}" in done.err
    assert any(said in w for w in done.json["warnings"])
    check_zero(project / "image.h5")
    assert (project / "all_image.png").stat().st_size > 0


def test_no_gamma_in_the_file(project: Path, radiograph: Run) -> None:
    lines = [x for x in event_lines(project / "events.out") if x.startswith("ne")]
    (project / "n.out").write_text("\n".join(lines))
    done = radiograph("run", project / "run.toml", "--input-path", project / "n.out", "--json")
    assert done.code == 0
    assert "warning: no gamma cone lights a pixel: the gamma image is zero" in done.err
    with h5py.File(project / "image.h5") as file:
        images = file["images/summed"]
        assert not images["g"][()].any()
        assert (images["n"][()] == images["all"][()]).all()
    # The other way round nothing is left.
    argv = ("--no-neutrons", "--overwrite", "-o", project / "none.h5", "--json")
    done = radiograph("run", project / "run.toml", "--input-path", project / "n.out", *argv)
    assert done.code == 0
    assert "warning: " in done.err
    check_zero(project / "none.h5")
    assert "n" not in h5py.File(project / "none.h5")["images/summed"]
    assert done.json["counters"]["raw_events_species_off"] == 200


@pytest.mark.parametrize("kind", ["ne", "ge"])
def test_one_event(project: Path, radiograph: Run, kind: str) -> None:
    line = next(x for x in event_lines(project / "events.out") if x.startswith(kind))
    (project / "one.out").write_text(line)
    argv = ("--input-path", project / "one.out", "--list", "--json")
    done = radiograph("run", project / "run.toml", *argv)
    assert done.code == 0, done.err
    assert done.json["counters"]["raw_events_total"] == 1
    with h5py.File(project / "image.h5") as file:
        assert file["lm/event_type"][()].tolist() == [{"ne": 0, "ge": 1}[kind]]
        n_cones = len(file["cones/cone_id"])
        assert file["lm/footprint_offsets"].shape == (n_cones + 1,)
        assert len(file["lm/footprint_pixels"]) == file["images/summed/all"][()].sum()


def test_one_root_event(project: Path, radiograph: Run, simulated: Path) -> None:
    columns = root_columns(simulated / "events.root")
    with uproot.recreate(project / "one.root") as file:
        file.mktree("image_tree", {k: v.dtype for k, v in columns.items()})
        file["image_tree"].extend({k: v[:1] for k, v in columns.items()})
    argv = ("--input-path", project / "one.root", *ROOT_INPUT, "--json")
    done = radiograph("run", project / "run.toml", *argv)
    assert done.code == 0, done.err
    assert done.json["counters"]["raw_events_total"] == 1
    kinds = {p["kind"] for p in done.json["problems"]}
    assert kinds == {"unreadable_metadata"}  # it has no metadata tree
