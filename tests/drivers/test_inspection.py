"""inspect, info and the conversions of list mode, as a user gives them and from Python."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from radiograph.drivers import pipeline
from radiograph.drivers.config import load_config
from radiograph.drivers.imaging.inspection import plain
from radiograph.drivers.imaging.list_mode import with_footprints, without_footprints
from radiograph.drivers.imaging.saved import open_run
from radiograph.drivers.imaging.tracing import cones_through, footprints, region_of
from radiograph.drivers.runfile.verifying import dataset_hashes
from radiograph.schemas.errors import InputError, UsageError
from radiograph.schemas.imaging.codes import ConeFilter

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, radiograph: Run, simulated: Path, settings: str
) -> Path:
    """listed.h5 (list mode), plain.h5 (without) and cones.h5 (no plane, no image)."""
    folder = tmp_path_factory.mktemp("inspected")
    text = settings + "[filters.cones]\nmax_delta_theta_deg = 60\n"
    (folder / "run.toml").write_text(text, encoding="utf-8")
    (folder / "events.out").symlink_to(simulated / "events.out")
    config = folder / "run.toml"
    for argv in (
        ("--list", "-o", folder / "listed.h5"),
        ("--no-list", "-o", folder / "plain.h5"),
        ("--until", "cones", "-o", folder / "cones.h5"),
    ):
        done = radiograph("run", config, "-q", *argv)
        assert done.code == 0, done.err
    return folder


def test_the_trace_of_a_cone(radiograph: Run, folder: Path) -> None:
    done = radiograph("inspect", folder / "listed.h5", "--cone", 7, "--json")
    assert done.code == 0, done.err
    trace = done.json
    with open_run(folder / "listed.h5") as saved:
        cone = saved.cones.iloc[7]
        event = saved.events.iloc[int(cone["event_index"])]
        own = saved.footprints_at(np.array([7])).pixels
    assert trace["cone"]["cone_id"] == 7
    assert trace["cone"]["theta_rad"] == pytest.approx(cone["theta_rad"])
    assert trace["event_index"] == cone["event_index"]
    assert [h["det_id"] for h in trace["hits"]] == [event["det_id1"], event["det_id2"]]
    assert [h["hit_row"] for h in trace["hits"]] == [event["hit1_row"], event["hit2_row"]]
    assert {h["filter"] for h in trace["raw_event_hits"]} == {"kept"}
    assert [h["recoil"] for h in trace["hypotheses"]] == ["proton", "carbon"]
    [selected] = [h for h in trace["hypotheses"] if h["selected"]]
    assert selected["status"] == "ok"
    assert selected["theta_rad"] == pytest.approx(cone["theta_rad"], rel=1e-6)
    assert selected["delta_theta_rad"] == pytest.approx(cone["delta_theta_rad"], rel=1e-6)
    assert trace["footprint"]["n_pixels"] == len(own)
    column = own.astype(int) % 30
    assert trace["footprint"]["u_cm"] == [-30 + 2 * column.min(), -28 + 2 * column.max()]
    assert trace["footprint"]["from"] == "list mode"
    text = radiograph("inspect", folder / "listed.h5", "--cone", 7).out
    assert f"lights {len(own)} pixels" in text
    assert "hypotheses" in text
    assert "* " in text


def test_six_hypotheses_of_a_gamma_and_why_an_event_has_no_cone(
    radiograph: Run, folder: Path
) -> None:
    with open_run(folder / "plain.h5") as saved:
        gamma = int(saved.events.query("species == 'g' and cone_id >= 0").index[0])
        none = saved.events.query("cone_id < 0")
        lonely = [int(k) for k in none.index]
    trace = radiograph("inspect", folder / "plain.h5", "--event", gamma, "--json").json
    assert len(trace["hypotheses"]) == 6
    assert sum(h["selected"] for h in trace["hypotheses"]) == 1
    assert len(trace["hits"]) == 3
    reasons = set()
    for k in lonely:
        trace = radiograph("inspect", folder / "plain.h5", "--event", k, "--json").json
        assert trace["cone"] is None
        assert not any(h["selected"] for h in trace["hypotheses"])
        ok = [h for h in trace["hypotheses"] if h["status"] == "ok"]
        reasons.add(trace["no_cone_because"])
        if "cut by" in trace["no_cone_because"]:
            assert any(h["direction_ok"] for h in ok)
    assert reasons
    assert "no cone: " in radiograph("inspect", folder / "plain.h5", "--event", lonely[0]).out


def test_a_region_with_list_mode_and_without(radiograph: Run, folder: Path) -> None:
    argv = ("--region", "-6,6,-6,6", "--json")
    listed, computed = (
        radiograph("inspect", folder / name, *argv).json for name in ("listed.h5", "plain.h5")
    )
    assert listed["from"] == "list mode"
    assert computed["from"] == "cones"
    for key in ("pixels", "counts", "n_cones", "energies_MeV", "cones", "events"):
        assert listed[key] == computed[key]
    assert listed["pixels"] == 36
    assert sum(listed["cones"]["lit_in_region"]) == listed["counts"]["all"]
    with h5py.File(folder / "listed.h5") as file:
        pairs = file["lm/cone_pixel_indices"][()].astype(int)
    u, v = -29 + 2 * (pairs[:, 1] % 30), -19 + 2 * (pairs[:, 1] // 30)
    inside = (np.abs(u) <= 6) & (np.abs(v) <= 6)
    assert listed["cones"]["cone_id"] == np.unique(pairs[inside, 0]).tolist()
    assert len(listed["events"]["hits_t_ns"]) == len(listed["cones"]["cone_id"])
    text = radiograph("inspect", folder / "plain.h5", "--region", "-6,6,-6,6", "--limit", 2).out
    assert f"and {len(listed['cones']['cone_id']) - 2:,} cones more" in text


def test_a_pixel_is_the_one_that_holds_the_place(radiograph: Run, folder: Path) -> None:
    found = radiograph("inspect", folder / "listed.h5", "--pixel", "-0.1,1.9", "--json").json
    assert found["region_cm"] == [-2.0, 0.0, 0.0, 2.0]
    assert found["pixels"] == 1
    assert len(found["cones"]["cone_id"]) == found["counts"]["all"]
    last = radiograph("inspect", folder / "listed.h5", "--pixel", "30,20", "--json").json
    assert last["region_cm"] == [28.0, 30.0, 18.0, 20.0]


def test_a_region_that_no_cone_crosses(radiograph: Run, folder: Path, tmp_path: Path) -> None:
    few = ("--set", "run.max_cones=1", "-o", tmp_path / "few.h5")
    assert radiograph("run", folder / "run.toml", "-q", *few).code == 0
    with open_run(tmp_path / "few.h5") as saved:
        row, column = np.argwhere(saved.images["all"] == 0)[0]
    argv = ("inspect", tmp_path / "few.h5", "--pixel", f"{-29 + 2 * column},{-19 + 2 * row}")
    assert "no cone goes through it" in radiograph(*argv).out
    found = radiograph(*argv, "--plot", tmp_path / "p.png", "--json").json
    assert found["counts"]["all"] == found["n_cones"]["n"] == 0
    assert found["energies_MeV"] == {"n": None, "g": None}


def test_the_picture_of_cones(radiograph: Run, folder: Path, tmp_path: Path) -> None:
    picture = tmp_path / "cone.png"
    done = radiograph("inspect", folder / "listed.h5", "--cone", 3, "--plot", picture)
    assert done.code == 0, done.err
    assert done.out.strip().endswith(str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")
    again = radiograph("inspect", folder / "listed.h5", "--cone", 3, "--plot", picture)
    assert again.code == 2
    assert "exists already. Give --overwrite" in again.err
    region = ("inspect", folder / "listed.h5", "--region", "-4,4,-4,4", "--plot", picture)
    assert radiograph(*region, "--overwrite").code == 0
    assert [p.name for p in tmp_path.iterdir()] == ["cone.png"]


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        ((), 2, "--budget, --pulls and --prior-leakage; given: none of them"),
        (("--cone", "1", "--pixel", "0,0"), 2, "given: --cone and --pixel"),
        (("--cone", "9999"), 2, "there is no cone 9999: there are the cones 0 to"),
        (("--cone", "-1"), 2, "there is no cone -1"),
        (("--event", "9999"), 2, "there is no event 9999"),
        (("--pixel", "0"), 2, "give U,V, numbers in cm"),
        (("--pixel", "0,nan"), 2, "give U,V, numbers in cm"),
        (("--pixel", "0,a"), 2, "give U,V"),
        (("--pixel", "31,0"), 2, "u = 31 cm is outside of the picture (-30 to 30 cm)"),
        (("--region", "0,1,2"), 2, "give U0,U1,V0,V1"),
        (("--region", "0.1,0.2,0.1,0.2"), 2, "holds no centre of a pixel"),
        (("--cone", "1", "--plot", "a.jpg"), 2, "the picture is PNG"),
    ],
)
def test_what_cannot_be_inspected(
    radiograph: Run, folder: Path, argv: tuple[str, ...], code: int, said: str
) -> None:
    done = radiograph("inspect", folder / "listed.h5", *argv)
    assert done.code == code
    assert said in done.err
    assert done.out == ""
    as_json = radiograph("inspect", folder / "listed.h5", *argv, "--json")
    assert as_json.json["error"]["message"] in as_json.err


def test_a_file_without_images(radiograph: Run, folder: Path, tmp_path: Path) -> None:
    path = folder / "cones.h5"
    assert radiograph("inspect", path, "--cone", 0, "--json").json["footprint"]["n_pixels"] > 0
    assert radiograph("inspect", path, "--region", "-6,6,-6,6", "--json").json["counts"] == {}
    done = radiograph("inspect", path, "--cone", 0, "--plot", tmp_path / "a.png")
    assert done.code == 3
    assert "holds no images" in done.err
    missing = radiograph("inspect", folder / "absent.h5", "--cone", 0)
    assert missing.code == 3


def test_not_a_number_is_null_in_json() -> None:
    value = {
        "a": [np.float32("nan"), np.int64(3)],
        "b": (np.inf, np.array([[1.5, np.nan]])),
        3: None,
    }
    assert plain(value) == {"a": [None, 3], "b": [None, [[1.5, None]]], "3": None}
    assert json.dumps(plain(value))


def test_functions_from_python(folder: Path) -> None:
    with open_run(folder / "plain.h5") as plain_file, open_run(folder / "listed.h5") as listed:
        for ids in ([5, 0, 5], []):
            a, b = (footprints(f, np.array(ids, np.int64)) for f in (plain_file, listed))
            np.testing.assert_array_equal(a.pixels, b.pixels)
            np.testing.assert_array_equal(a.offsets, b.offsets)
        area = region_of(listed, (4.0, -4.0, -4.0, 4.0))
        assert cones_through(plain_file, area).equals(cones_through(listed, area))
        with pytest.raises(UsageError, match="no cone 5000"):
            footprints(listed, np.array([5000]))


# --- list mode made of a file, and taken away ---------------------------------------------------


def results(path: Path) -> dict[str, str]:
    with h5py.File(path) as file:
        return dataset_hashes(file)


def test_list_mode_made_of_a_file_equals_a_run_in_list_mode(folder: Path, tmp_path: Path) -> None:
    with_footprints(folder / "plain.h5", tmp_path / "made.h5")
    assert results(tmp_path / "made.h5") == results(folder / "listed.h5")
    without_footprints(folder / "listed.h5", tmp_path / "less.h5")
    assert results(tmp_path / "less.h5") == results(folder / "plain.h5")
    with h5py.File(tmp_path / "made.h5") as file:
        assert file.attrs["config_text"]
        assert file["meta"].attrs["run_list"]
        assert file["images/list_mode/cone_pixel_indices"].shape[1] == 2
        assert file["lm/footprint_pixels"].attrs["description"]
    with open_run(tmp_path / "made.h5") as saved:
        assert saved.config.run.list
    with open_run(tmp_path / "less.h5") as saved:
        assert not saved.config.run.list
        assert not saved.has_list_mode
    again = tmp_path / "again.h5"
    with_footprints(tmp_path / "made.h5", again, pair_table="never")
    assert "/lm/cone_pixel_indices" not in results(again)
    assert {p.name for p in tmp_path.iterdir()} == {"made.h5", "less.h5", "again.h5"}


def test_conversions_lose_and_invent_nothing(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    out.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        with_footprints(folder / "plain.h5", out)
    assert out.read_text() == "mine"
    with pytest.raises(InputError, match="holds no images"):
        with_footprints(folder / "cones.h5", out, overwrite=True)
    wrong = tmp_path / "wrong.h5"
    wrong.write_bytes((folder / "plain.h5").read_bytes())
    with h5py.File(wrong, "r+") as file:
        file["images/summed/n"][0, 0] += 1
    with pytest.raises(InputError, match="do not give back its images"):
        with_footprints(wrong, out, overwrite=True)
    with h5py.File(wrong, "r+") as file:
        file["images/summed/n"][0, 0] -= 1
        file["lm/cone_lit_pixels"][3] += 1
    with pytest.raises(InputError, match="do not give back its images"):
        with_footprints(wrong, out, overwrite=True)
    with h5py.File(wrong, "r+") as file:
        file.attrs["software"] = "ngimager 1.2.1"
    with pytest.raises(InputError, match=r"was written by ngimager 1\.2\.1\. Start a run from it"):
        without_footprints(wrong, out, overwrite=True)
    assert out.read_text() == "mine"
    assert {p.name for p in tmp_path.iterdir()} == {"out.h5", "wrong.h5"}


def test_conversions_from_the_command_line(radiograph: Run, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes((folder / "plain.h5").read_bytes())
    for _ in range(2):
        done = radiograph("export", path, "--to", "list")
        assert done.code == 0, done.err
        assert done.out.strip() == str(path)
        assert results(path) == results(folder / "listed.h5")
    done = radiograph("export", path, "--to", "no-list")
    assert done.code == 2
    assert "exists already" in done.err
    assert radiograph("export", path, "--to", "no-list", "-o", tmp_path / "b.h5").code == 0
    assert results(tmp_path / "b.h5") == results(folder / "plain.h5")
    assert radiograph("export", path, "--to", "no-list", "--overwrite").code == 0
    assert results(path) == results(folder / "plain.h5")


# --- info ---------------------------------------------------------------------------------------


def test_info_says_what_is_in_a_file(radiograph: Run, folder: Path) -> None:
    found = radiograph("info", folder / "listed.h5", "--json").json
    with open_run(folder / "listed.h5") as saved:
        assert found["rows"]["cones"] == saved.n_cones
        assert found["rows"]["events"] == saved.n_events
        assert found["images"]["all"]["counts"] == saved.images["all"].sum()
        assert found["counters"]["cones"]["cones_kept"] == saved.n_cones
    assert found["stages"] == ["hits", "events", "cones", "image"]
    assert found["inputs"][0]["path"] == str(folder / "events.out")
    assert found["settings"]["energy.strategy"] == "Edep"
    assert found["versions"]["numpy"] == np.__version__
    assert found["problems"] == []
    text = radiograph("info", folder / "listed.h5").out
    for part in ("30 x 20 pixels of 2 x 2 cm", "energy Edep", "lit pixels as footprints and pair"):
        assert part in text
    assert "list mode off" in radiograph("info", folder / "plain.h5").out
    assert "image" not in radiograph("info", folder / "cones.h5", "--json").json["stages"]
    assert radiograph("info", folder / "run.toml").code == 3


# --- the nodes of list mode, as targets ---------------------------------------------------------


def test_a_region_as_target_of_a_run(radiograph: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "region.h5"
    targets = ("cones_through_region", "events_through_region", "footprints_of_cones")
    argv = [a for t in targets for a in ("--target", t)]
    argv += ["--set", "list_mode.region_cm=[-6,6,-6,6]", "--set", "list_mode.cone_ids=[4,2]"]
    run = ("run", folder / "run.toml", "-q", "-o", out, *argv)
    done = radiograph(*run)
    assert done.code == 2
    assert "--target cones_through_region needs list mode; give --list" in done.err
    done = radiograph(*run, "--list")
    assert done.code == 0, done.err
    found = radiograph("inspect", folder / "listed.h5", "--region", "-6,6,-6,6", "--json").json
    with h5py.File(out) as file, open_run(folder / "listed.h5") as saved:
        cones = file["targets/cones_through_region"]
        assert cones["cone_id"][()].tolist() == found["cones"]["cone_id"]
        assert cones["lit_in_region"][()].tolist() == found["cones"]["lit_in_region"]
        assert cones["incident_energy_MeV"].attrs["units"] == "MeV"
        events = file["targets/events_through_region/event_index"][()]
        assert events.tolist() == found["cones"]["event_index"]
        pixels = file["targets/footprints_of_cones/pixels"][()]
        np.testing.assert_array_equal(pixels, saved.footprints_at(np.array([4, 2])).pixels)


def test_list_mode_is_asked_for_in_python_too(folder: Path) -> None:
    with pytest.raises(UsageError, match="footprints_of_cones needs list mode"):
        pipeline("imaging", folder / "run.toml").run("footprints_of_cones")
    loaded = load_config(folder / "run.toml", overrides=["list_mode.cone_ids=[1]"])
    assert "[list_mode] is unused: [run] list is false" in loaded.notices


CUTS = {
    "delta_theta": "[filters.cones]\nmax_delta_theta_deg = 40\n",
    "incident_energy": "[filters.cones]\nmax_incident_energy_MeV = 2.5\n",
    "max_cones": "[run]\nmax_cones = 30\n",
}
RANGES = [(), ("--set", "run.chunk_events=40")]


@pytest.mark.parametrize("cut", CUTS)
def test_a_trace_names_the_cut_that_left_an_event_without_a_cone(
    radiograph: Run, project: Path, cut: str
) -> None:
    config = project / "run.toml"
    with config.open("a", encoding="utf-8") as text:
        text.write(CUTS[cut])
    codes = {}
    for number, options in enumerate(RANGES):
        out = project / f"{number}.h5"
        done = radiograph("run", config, "-q", "--list", "-o", out, *options)
        assert done.code == 0, done.err
        with open_run(out) as saved:
            codes[number] = saved.events["cone_filter_code"].to_numpy()
            has_cone = saved.events["cone_id"].to_numpy() >= 0
            n_of_each = np.bincount(codes[number], minlength=len(ConeFilter))
            counted = saved.record.all_counters
        np.testing.assert_array_equal(codes[number] == ConeFilter.kept, has_cone)
        verb = "dropped" if cut == "max_cones" else "rejected"
        assert n_of_each[ConeFilter[cut]] == counted[f"cones_{verb}_{cut}"] > 0
        np.testing.assert_array_equal(codes[number], codes[0])
    event = int(np.flatnonzero(codes[0] == ConeFilter[cut])[0])
    trace = radiograph("inspect", out, "--event", event, "--json").json
    assert cut in trace["no_cone_because"]
    assert trace["no_cone_because"] in radiograph("inspect", out, "--event", event).out


def test_a_cut_is_copied_by_a_restart_and_unknown_in_older_files(
    radiograph: Run, folder: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.h5"
    argv = ("--input-path", folder / "listed.h5", "--set", "io.input_format='hdf5_ngimager'")
    done = radiograph("run", folder / "run.toml", "-q", *argv, "-o", again)
    assert done.code == 0, done.err
    with open_run(folder / "listed.h5") as saved, open_run(again) as copied:
        codes = saved.events["cone_filter_code"]
        np.testing.assert_array_equal(codes, copied.events["cone_filter_code"])
        labels = saved.data.texts("/lm/event_cone_filter_code_labels")
        assert labels == copied.data.texts("/lm/event_cone_filter_code_labels")
        assert labels[:2] == ["0=kept", "1=no_candidate"]
    cut = int(np.flatnonzero(codes == ConeFilter.delta_theta)[0])
    older = tmp_path / "older.h5"
    shutil.copy(folder / "listed.h5", older)
    with h5py.File(older, "r+") as file:
        del file["lm/event_cone_filter_code"]
    trace = radiograph("inspect", older, "--event", cut, "--json").json
    assert trace["no_cone_because"].endswith("cut by [filters.cones], protons only, or max_cones")
