"""A run that begins in the middle: from every stage, after every change, from other files."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

Run = Callable[..., Any]
FIGURES = (
    "meta/log",
    "meta/config",
    "meta/README",
    "meta/readme",
    "meta/repo_bundle",
    "provenance",
)
OF_FILE = ("--input-path", "direct.h5", "--set", "io.input_format='hdf5_ngimager'", "-o", "b.h5")


def datasets(path: Path) -> dict[str, np.ndarray]:
    """Every dataset of a file, but for what tells how it was made."""
    found = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith(FIGURES):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def assert_equal_files(path: Path, other: Path, but: tuple[str, ...] = ()) -> None:
    """Bit by bit, names included."""
    mine, theirs = datasets(path), datasets(other)
    assert set(mine) == set(theirs)
    for name, value in mine.items():
        if name not in but:
            np.testing.assert_array_equal(value, theirs[name], name)
            assert np.asarray(value).dtype == np.asarray(theirs[name]).dtype, name


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, simulated: Path, settings: str, radiograph: Run
) -> Callable[..., tuple[Path, dict[str, int]]]:
    """Run with some options and give the file and its counters; each once, not to be changed."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "run.toml").write_text(settings, encoding="utf-8")
    (folder / "events.out").symlink_to(simulated / "events.out")
    made: dict[tuple[str, ...], tuple[Path, dict[str, int]]] = {}

    def run(*options: str) -> tuple[Path, dict[str, int]]:
        if options not in made:
            path = folder / f"{'_'.join(o.strip('-') for o in options)}.h5"
            done = radiograph("run", folder / "run.toml", *options, "-o", path, "--json")
            assert done.code == 0, done.err
            made[options] = path, done.json["counters"]
        return made[options]

    return run


@pytest.fixture
def direct(project: Path, whole: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, with direct.h5 of a whole run in list mode."""
    monkeypatch.chdir(project)
    shutil.copy(whole("--list")[0], project / "direct.h5")
    return project


def stage_of(path: Path) -> str:
    with h5py.File(path) as file:
        return str(file["provenance"].attrs["restart_stage"])


@pytest.mark.parametrize("chunk_events", [10**6, 40])
@pytest.mark.parametrize("until", ["hits", "events", "cones", "image"])
def test_every_stage_gives_what_the_direct_run_gives(
    direct: Path, radiograph: Run, whole: Run, until: str, chunk_events: int
) -> None:
    part, _ = whole("--list", "--until", until)
    done = radiograph(
        "run", "run.toml", "--list", "--input-path", part,
        "--set", "io.input_format='hdf5_ngimager'",
        "--set", f"run.chunk_events={chunk_events}", "-o", "b.h5", "--json",
    )  # fmt: skip
    assert done.code == 0
    assert done.json["start"] == stage_of(direct / "b.h5") == until
    assert f"restart from the {until} of" in done.err
    assert_equal_files(direct / "direct.h5", direct / "b.h5")
    assert done.json["counters"] == whole("--list")[1]


# Settings without which another has no sense.
NEEDED = {
    "FixedEn": "energy.fixed_En_MeV=14.1",
    "imaging.poly": "run.sbp_engine='poly'",
    "'point'": "prior.point=[10.0, -5.0, 0.0]",
    "'line'": "prior.line={p0=[-20.0, 0.0, 0.0], p1=[0.0, 9.0, 5.0]}",
}


@pytest.mark.parametrize(
    ("setting", "stage"),
    [
        ("filters.hits.min_light_MeVee=0.3", "hits"),
        ("filters.events.tof_window_ns=[0.0, 20.0]", "hits"),
        ("shaping.neutron_policy='energy_desc'", "hits"),
        ("detectors.default_material='M600'", "hits"),
        ("detectors.material_map={11 = 'M600', 12 = 'UNK'}", "hits"),
        ("run.neutrons=false", "hits"),
        ("run.gammas=false", "hits"),
        ("run.max_events=100", "hits"),
        ("energy.strategy='FixedEn'", "events"),
        ("cones.kinematics='exact'", "events"),
        ("filters.cones.max_delta_theta_deg=20.0", "events"),
        ("run.max_cones=40", "events"),
        ("plane.origin=[0.0, 0.0, 2.0]", "events"),
        ("plane.normal=[0.0, 0.0, -1.0]", "events"),
        ("prior.type='point'", "events"),
        ("prior.type='line'", "events"),
        ("cones.nappe='both'", "cones"),
        ("plane.du=1.0", "cones"),
        ("run.list=false", "cones"),
        ("run.sbp_engine='poly'", "cones"),
        ("imaging.poly_samples=50", "cones"),
        ("imaging.poly_range_cm=20.0", "cones"),
        ("hdf5.pair_table='never'", "cones"),
        ("prior.strength=2.0", "image"),
        ("vis.projections.enabled=true", "image"),
        ("run.plot_label='x'", "image"),
    ],
)
def test_a_changed_setting_says_where_to_begin(
    direct: Path, radiograph: Run, setting: str, stage: str
) -> None:
    changed = ["--set", setting]
    for part, also in NEEDED.items():
        if part in setting:
            changed += ["--set", also]
    # The flag would come after the setting.
    listed = () if setting.startswith("run.list") else ("--list",)
    argv = ("run", "run.toml", *listed, *changed)
    done = radiograph(*argv, *OF_FILE, "--json")
    assert done.code == 0, done.err
    assert done.json["start"] == stage
    if stage != "image":
        assert f"{setting.split('=')[0]}" in done.err
    assert radiograph(*argv, "-o", "c.h5").code == 0
    assert_equal_files(direct / "c.h5", direct / "b.h5")


def test_origin_moves_images_only_where_neither_prior_nor_direction_looks_at_it(
    direct: Path, radiograph: Run
) -> None:
    argv = ("run", "run.toml", "--set", "cones.directionality='off'", "--set",
            "prior.type='point'", "--set", "prior.point=[0.0, 0.0, 0.0]")  # fmt: skip
    assert radiograph(*argv, "-o", "direct.h5", "--overwrite").code == 0
    argv = (*argv, "--set", "plane.origin=[0.0, 0.0, 2.0]")
    done = radiograph(*argv, *OF_FILE, "--json")
    assert done.json["start"] == "cones"
    assert radiograph(*argv, "-o", "c.h5").code == 0
    assert_equal_files(direct / "c.h5", direct / "b.h5")


def test_what_the_file_does_not_hold_is_told(direct: Path, radiograph: Run) -> None:
    with h5py.File(direct / "direct.h5", "r+") as file:
        del file["hits"]
    done = radiograph("run", "run.toml", "--set", "filters.hits.min_light_MeVee=0.3", *OF_FILE)
    assert done.code == 2
    for said in ("filters.hits.", "needs the hits", "holds only events, cones, image"):
        assert said in done.err
    assert not (direct / "b.h5").exists()
    # A cone cut needs the events only.
    done = radiograph("run", "run.toml", "--set", "run.max_cones=10", *OF_FILE, "--json")
    assert (done.code, done.json["start"]) == (0, "events")


def test_detectors_cannot_be_moved_again(direct: Path, radiograph: Run) -> None:
    frame = "detectors.geometry.frame.origin_cm=[0.0, 0.0, 5.0]"
    done = radiograph("run", "run.toml", "--set", frame, *OF_FILE)
    assert done.code == 2
    assert "world frame already" in done.err
    # The same frame as that of the file is no move.
    assert radiograph("run", "run.toml", "--set", frame, "-o", "direct.h5", "--overwrite").code == 0
    assert radiograph("run", "run.toml", "--set", frame, *OF_FILE).code == 0
    assert_equal_files(direct / "direct.h5", direct / "b.h5")
    # Left out: the hits stay where the first run put them.
    assert radiograph("run", "run.toml", *OF_FILE, "--overwrite").code == 0
    assert_equal_files(direct / "direct.h5", direct / "b.h5")


def test_events_and_cones_alone_are_taken_as_they_are_written(
    direct: Path, radiograph: Run
) -> None:
    """A file of the common layout, without what is ours: four-byte values are all there is."""
    shutil.copy(direct / "direct.h5", direct / "common.h5")
    with h5py.File(direct / "common.h5", "r+") as file:
        for name in ("hits", "truth", "candidates", "cones/exact", "lm/event_id", "raw_events",
                     "lm/event_hit_index", "meta/config_effective"):  # fmt: skip
            del file[name]
        file.attrs["software"] = "another program"
    argv = ("run", "run.toml", "--list", "--input-path", "common.h5",
            "--set", "io.input_format='hdf5_ngimager'", "-o", "b.h5", "--overwrite")  # fmt: skip
    done = radiograph(*argv, "--json")
    assert (done.code, done.json["start"]) == (0, "cones")
    mine, theirs = datasets(direct / "direct.h5"), datasets(direct / "b.h5")
    for name in ("cones/apex_xyz_cm", "cones/theta_rad", "cones/species", "lm/hit_pos_cm",
                 "cones/event_index", "cones/recoil_code", "cones/gamma_hit_order"):  # fmt: skip
        np.testing.assert_array_equal(mine[name], theirs[name], name)
    difference = np.abs(mine["images/summed/n"].astype(int) - theirs["images/summed/n"])
    assert difference.sum() <= 1e-3 * mine["images/summed/n"].sum()
    done = radiograph(*argv, "--set", "energy.strategy='FixedEn'", "--set",
                      "energy.fixed_En_MeV=14.1", "--json")  # fmt: skip
    assert (done.code, done.json["start"]) == (0, "events")
    assert {"candidates", "cones", "images"} <= set(h5py.File(direct / "b.h5"))


@pytest.mark.parametrize("kind", ["text", "cut off", "empty", "foreign", "several", "absent"])
def test_files_that_cannot_be_a_start(direct: Path, radiograph: Run, kind: str) -> None:
    path = direct / "start.h5"
    content = (direct / "direct.h5").read_bytes()
    if kind == "text":
        path.write_text("no HDF5\n")
    elif kind == "cut off":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "foreign":
        with h5py.File(path, "w") as file:
            file["numbers"] = np.arange(3)
    elif kind == "several":
        path.write_bytes(content)
        with h5py.File(path, "r+") as file:
            file.attrs["note"] = "another file"
    argv = ["run", "run.toml", "--set", "io.input_format='hdf5_ngimager'", "-o", "b.h5"]
    paths = [path, direct / "direct.h5"] if kind == "several" else [path]
    done = radiograph(*argv, *(a for p in paths for a in ("--input-path", p)))
    assert done.code == 3, done.err
    assert done.err.startswith("error: ")
    assert ".h5" in done.err
    assert "Traceback" not in done.err
    assert not (direct / "b.h5").exists()


def test_an_earlier_run_read_as_raw_data_says_what_to_set(direct: Path, radiograph: Run) -> None:
    done = radiograph("run", "run.toml", "--input-path", "direct.h5", "-o", "b.h5")
    assert done.code == 3
    assert 'input_format = "hdf5_ngimager"' in done.err


def test_units_of_the_first_input_cannot_change(direct: Path, radiograph: Run) -> None:
    argv = ("run", "run.toml", "--set", "io.adapter.unit_pos_is_mm=false")
    assert radiograph(*argv, "-o", "direct.h5", "--overwrite").code == 0
    assert radiograph(*argv, *OF_FILE).code == 0
    argv = ("run", "run.toml", "--set", "io.adapter.unit_pos_is_mm=true", "--overwrite")
    done = radiograph(*argv, *OF_FILE)
    assert done.code == 2
    assert "whose hits are in cm and ns already" in done.err


def test_restart_path_names_the_file_too(direct: Path, radiograph: Run) -> None:
    text = (direct / "run.toml").read_text().replace('input_path = "events.out"', "")
    head = 'input_format = "hdf5_ngimager"\nrestart_path = "direct.h5"\n'
    (direct / "again.toml").write_text(text.replace("[io]\n", f"[io]\n{head}"))
    done = radiograph("run", "again.toml", "--list", "-o", "b.h5", "--json")
    assert (done.code, done.json["start"]) == (0, "image")
    assert_equal_files(direct / "direct.h5", direct / "b.h5")


def test_metadata_and_damage_of_the_first_input_go_on(
    direct: Path, radiograph: Run, simulated: Path
) -> None:
    lines = (simulated / "events.out").read_text().splitlines(keepends=True)
    lines.insert(40, "ne 1 1 1 1 1 ; 1 nonsense\n")
    (direct / "damaged.out").write_text("".join(lines))
    argv = ("run", "run.toml", "--set", "io.max_bad_fraction=0.1")
    first = radiograph(*argv, "damaged.out", "-o", "direct.h5", "--overwrite", "--json")
    assert first.json["counters"]["raw_events_damaged"] == 1
    # In ranges: what was dropped before the file was written counts once.
    for setting in ("filters.hits.min_light_MeVee=0.3", "plane.du=1.0"):
        changed = (*argv, "--set", setting, "--set", "run.chunk_events=100")
        again = radiograph(*changed, *OF_FILE, "--overwrite", "--json")
        whole = radiograph(*changed, "damaged.out", "-o", "c.h5", "--overwrite", "--json")
        assert again.json["counters"] == whole.json["counters"]
        assert_equal_files(direct / "c.h5", direct / "b.h5")


@pytest.mark.parametrize(
    ("name", "until", "value"),
    [
        ("hits/det_id", "hits", 1.7),
        ("hits/det_id", "hits", 2.0**40),
        ("hits/species", "hits", 0.5),
        ("hits/event_id", "hits", np.nan),
        ("raw_events/ranges", "hits", np.nan),
        ("lm/event_hit_index", "events", 0.5),
        ("lm/event_type", "events", np.nan),
        ("cones/event_index", "cones", 1.5),
        ("cones/recoil_code", "cones", np.nan),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_should_be_whole_numbers_is_not_bent(
    direct: Path, radiograph: Run, whole: Run, name: str, until: str, value: float
) -> None:
    """Another program may write floats: values of whole numbers are read, others are told."""
    shutil.copy(whole("--until", until)[0], direct / "start.h5")
    with h5py.File(direct / "start.h5", "r+") as file:
        values = file[name][()].astype("f8")
        del file[name]
        file[name] = values
    again = ("run", "run.toml", "--input-path", "start.h5", "--overwrite", "-o", "b.h5", "--set",
             "io.input_format='hdf5_ngimager'", "--quiet")  # fmt: skip
    done = radiograph(*again)
    assert done.code == 0, done.err
    with h5py.File(direct / "start.h5", "r+") as file:
        file[name][2 if len(values) > 2 else 0] = value
    done = radiograph(*again)
    assert done.code == 3, done.err
    assert f"/{name} holds " in done.err
    assert f"row {2 if len(values) > 2 else 0}" in done.err


def test_a_start_without_hits_events_and_cones_is_told(direct: Path, radiograph: Run) -> None:
    """What to do is said for a file that is restarted from, not for a raw one."""
    with h5py.File(direct / "empty.h5", "w") as file:
        for name in ("hits/event_id", "lm/event_type", "cones/theta_rad"):
            file[name] = np.zeros(0, np.int64)
    done = radiograph("run", "run.toml", "--input-path", "empty.h5", "-o", "b.h5", "--set",
                      "io.input_format='hdf5_ngimager'")  # fmt: skip
    assert done.code == 3
    assert "holds no hit, event or cone to start from. Give the output file of a run" in done.err


def test_a_locked_file_is_locked_for_every_command(direct: Path, radiograph: Run) -> None:
    with (direct / "direct.h5").open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        argv = ("run", "run.toml", "--set", "io.input_format='hdf5_ngimager'", "-o", "b.h5")
        for command in (("info", "direct.h5"), (*argv, "--input-path", "direct.h5")):
            done = radiograph(*command)
            assert done.code == 3
            assert "direct.h5: is locked: another program has it open for writing." in done.err
