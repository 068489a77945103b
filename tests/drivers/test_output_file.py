"""The HDF5 file: every dataset described, names and types as other tools read them, sums right."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import uproot
import xxhash
from radiograph.drivers import hdf5

Run = Callable[..., Any]

NAMES = ("n", "g", "all")
AXES = ("u", "v", "u_roi", "v_roi")
METRICS = (
    "total_counts", "mean_cm", "std_cm", "median_cm", "summary_ok", "peak_pos_cm", "peak_value",
    "peak_ok", "edge_low_cm", "edge_high_cm", "edge_width_cm", "edges_ok",
)  # fmt: skip
# Path, type, shape behind the rows.
ROWS = {
    "cones/cone_id": ("u4", ()),
    "cones/apex_xyz_cm": ("f4", (3,)),
    "cones/axis_xyz": ("f4", (3,)),
    "cones/theta_rad": ("f4", ()),
    "cones/incident_energy_MeV": ("f4", ()),
    "cones/species": ("u1", ()),
    "cones/recoil_code": ("u1", ()),
    "cones/event_index": ("i4", ()),
    "cones/gamma_hit_order": ("i1", (3,)),
    "lm/event_type": ("u1", ()),
    "lm/event_meta_run_id": ("i4", ()),
    "lm/event_meta_file_ix": ("i4", ()),
    "lm/hit_pos_cm": ("f4", (3, 3)),
    "lm/hit_t_ns": ("f8", (3,)),
    "lm/hit_L_mevee": ("f4", (3,)),
    "lm/hit_det_id": ("i4", (3,)),
    "lm/hit_material_id": ("i2", (3,)),
    "lm/event_survival": ("i4", (3,)),
    "lm/event_cone_id": ("i4", ()),
    "lm/event_imaged_cone_id": ("i4", ()),
    "lm/event_recoil_code": ("u1", ()),
    "lm/event_gamma_hit_order": ("i1", (3,)),
    "lm/footprint_pixels": ("u4", ()),
    "lm/footprint_offsets": ("u8", ()),
    "lm/cone_pixel_indices": ("u4", (2,)),
    "hits/filter_code": ("u1", ()),
}
LABELS = (
    "cones/species_labels", "cones/recoil_code_labels", "lm/event_type_labels",
    "lm/hit_material_id_labels", "hits/filter_code_labels",
)  # fmt: skip

EXTRA = """
[run]
list = true
plot_label = "a label"
chunk_events = 70
[run.meta]
campaign = "autumn"
distance_cm = 100
[io.extra_text_files]
deck = "deck.inp"
log = "missing.log"
[vis.projections]
roi_u_min_cm = -10.0
roi_u_max_cm = 12.0
[vis.projections.metrics]
enabled = true
[vis.projections.metrics.u]
compute_edges = true
[filters.hits]
min_light_MeVee = 0.2
[filters.cones]
max_incident_energy_MeV = 30.0
[[detectors.geometry.bars]]
det_id = 11
center = [-9.0, 0.0, 100.0]
axis = [0.0, 1.0, 0.0]
length = 20.0
size = [1.2, 1.1]
"""


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, radiograph: Run, simulated: Path, settings: str
) -> Path:
    """A run with everything on, in four ranges of events."""
    folder = tmp_path_factory.mktemp("everything")
    everything = settings.replace("_bundle = false", "_bundle = true") + EXTRA
    (folder / "run.toml").write_text(everything, encoding="utf-8")
    (folder / "deck.inp").write_text("the deck: 3 µm\n", encoding="utf-8")
    (folder / "events.out").write_bytes((simulated / "events.out").read_bytes())
    done = radiograph("run", folder / "run.toml", "--json")
    assert done.code == 0, done.err
    (folder / "report.json").write_text(done.out)
    return folder


@pytest.fixture
def report(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


@pytest.fixture
def file(folder: Path) -> Iterator[h5py.File]:
    with h5py.File(folder / "image.h5") as opened:
        yield opened


def datasets(group: h5py.Group) -> dict[str, h5py.Dataset]:
    found: dict[str, h5py.Dataset] = {}
    group.visititems(lambda n, o: found.update({n: o} if isinstance(o, h5py.Dataset) else {}))
    return found


def texts(dataset: h5py.Dataset) -> list[str]:
    return list(dataset.asstr()[()])


# --- what stands where ----------------------------------------------------------------------


def test_every_dataset_has_a_unit_and_a_description(file: h5py.File) -> None:
    found = datasets(file)
    assert len(found) > 150
    for name, dataset in found.items():
        assert isinstance(dataset.attrs.get("units"), str), name
        assert dataset.attrs.get("description"), name
    for name, dataset in found.items():
        last = name.rsplit("_", 1)[-1]
        if last in ("cm", "ns", "MeV", "rad") and "run_meta" not in name:
            assert dataset.attrs["units"] == last, name


@pytest.mark.parametrize(("name", "expected"), ROWS.items())
def test_rows(file: h5py.File, name: str, expected: tuple[str, tuple[int, ...]]) -> None:
    dtype, tail = expected
    assert file[name].dtype == np.dtype(dtype)
    assert file[name].shape[1:] == tail
    assert len(file[name]) > 0


def test_rows_agree(file: h5py.File, report: dict[str, Any]) -> None:
    counters = report["counters"]
    n_cones, n_events = counters["cones_kept"], counters["events_after_filters"]
    for name in ROWS:
        if name.startswith("cones/"):
            assert len(file[name]) == n_cones
        elif name.startswith(("lm/event_", "lm/hit_")):
            assert len(file[name]) == n_events
    assert len(file["hits/x_cm"]) == len(file["hits/filter_code"]) == counters["hits_total"] == 580


@pytest.mark.parametrize("name", LABELS)
def test_labels(file: h5py.File, name: str) -> None:
    labels = texts(file[name])
    codes = file[name.removesuffix("_labels")][()]
    assert len(labels) > codes.max()
    if "material" not in name:
        assert [int(label.split("=")[0]) for label in labels] == list(range(len(labels)))


def test_images_and_projections(file: h5py.File) -> None:
    images = file["images/summed"]
    for name in NAMES:
        assert images[name].dtype == np.uint32
        assert images[name].shape == (20, 30)  # rows are v
        curves = images[f"projections/{name}"]
        image = images[name][()]
        assert (curves["u"][()] == image.sum(axis=0)).all()
        assert (curves["v"][()] == image.sum(axis=1)).all()
        inside = np.abs(-30 + 2 * (np.arange(30) + 0.5) - 1) <= 11
        assert (curves["u_roi"][()] == np.where(inside, image.sum(axis=0), 0)).all()
        assert (curves["v_roi"][()] == image[:, inside].sum(axis=1)).all()
        for axis in AXES:
            assert set(METRICS) <= set(curves[f"metrics/{axis}"])
            total = curves[f"metrics/{axis}/total_counts"][()]
            assert total == curves[axis][()].sum()
        centroid = curves["metrics/centroid"]
        u = -30 + 2 * (np.arange(30) + 0.5)
        assert centroid["u_centroid"][()] == pytest.approx(np.average(u, weights=image.sum(axis=0)))
        assert centroid["total_counts"][()] == image.sum()
        assert {"u_centroid", "v_centroid", "total_counts"} <= set(centroid)
    assert (images["n"][()] + images["g"][()] == images["all"][()]).all()
    assert images["projections/n/metrics/u/edges_ok"][()]
    assert not images["projections/n/metrics/v/edges_ok"][()]


def test_root_attributes(file: h5py.File, folder: Path) -> None:
    attributes = file.attrs
    assert {"format_version", "created_utc", "software", "run_command", "run_command_argv_json",
            "config_text", "readme", "docs_url"} <= set(attributes)  # fmt: skip
    assert attributes["software"] == f"radiograph {metadata.version('radiograph')}"
    assert attributes["config_text"] == (folder / "run.toml").read_text()
    assert isinstance(json.loads(attributes["run_command_argv_json"]), list)


def test_plane_and_run_in_meta(file: h5py.File) -> None:
    attributes = file["meta"].attrs
    expected = {
        "plane.P0": [0, 0, 0], "plane.n": [0, 0, 1], "plane.eu": [1, 0, 0], "plane.ev": [0, 1, 0],
        "grid.u_min": -30, "grid.u_max": 30, "grid.du": 2, "grid.nu": 30, "grid.v_min": -20,
        "grid.v_max": 20, "grid.dv": 2, "grid.nv": 20, "run_fast": False, "run_list": True,
        "run_neutron": True, "run_gamma": True, "run_stop_stage": "image",
        "run_plot_label": "a label",
    }  # fmt: skip
    for key, value in expected.items():
        found = attributes[key]
        assert (found.tolist() if isinstance(value, list) else found) == value


def test_texts_in_meta(file: h5py.File, folder: Path, report: dict[str, Any]) -> None:
    meta = file["meta"]
    assert meta["config_toml"].asstr()[()] == (folder / "run.toml").read_text()
    assert meta["README"].asstr()[()].splitlines() == texts(meta["readme"])
    assert meta["extra_text/deck"].asstr()[()] == "the deck: 3 µm\n"
    assert "log" not in meta["extra_text"]
    (missing,) = report["problems"]
    assert missing["kind"] == "missing_text_file"
    assert missing["file"] == str(folder / "missing.log")
    assert "the run goes on without it" in missing["message"]
    assert meta["run_meta"].attrs["campaign"] == "autumn"
    assert meta["run_meta"].attrs["distance_cm"] == 100
    assert meta["run_meta/plot_label"].asstr()[()] == "a label"
    assert meta["bars/det_id"][()].tolist() == [11]
    assert meta["bars/size_cm"][()].tolist() == [[1.2, 1.1]]


def test_effective_settings(file: h5py.File) -> None:
    table = {k: texts(file[f"meta/config_effective/{k}"]) for k in ("keys", "types", "values")}
    found = dict(zip(table["keys"], map(json.loads, table["values"]), strict=True))
    assert found["plane.du"] == 2.0
    assert found["cones.nappe"] == "forward"  # a default
    assert found["filters.hits.gamma.min_light_MeVee"] == 0.2  # in force for the species
    assert found["run.meta.campaign"] == "autumn"
    assert len(table["types"]) == len(table["keys"]) > 80


def test_counters(file: h5py.File, report: dict[str, Any]) -> None:
    group = file["meta/counters"]
    values = dict(group.items())
    assert {d.dtype for d in values.values()} == {np.dtype("i8")}
    plain = {name.split("_", 1)[1]: int(d[()]) for name, d in values.items()}
    assert plain == report["counters"]
    assert {name.split("_")[0] for name in values} == {"s1", "s2", "s3", "s4"}
    for name, dataset in values.items():
        assert group.attrs[f"S{name[1:]}"] == dataset[()]
    for name in ("s1_hits_total_n", "s2_events_after_filters_g", "s3_cones_kept",
                 "s4_cones_imaged_total", "s4_pixels_lit_total"):  # fmt: skip
        assert name in values


def test_provenance(file: h5py.File, folder: Path, report: dict[str, Any]) -> None:
    group = file["provenance"]
    versions = dict(zip(texts(group["versions/names"]), texts(group["versions/values"]),
                        strict=True))  # fmt: skip
    for name in ("radiograph", "numpy", "numba", "pandas", "apache-hamilton"):
        assert versions[name] == metadata.version(name)
    assert "python" in versions
    source = folder / "events.out"
    assert texts(group["inputs/path"]) == [str(source)]
    assert group["inputs/size"][()].tolist() == [source.stat().st_size]
    assert texts(group["inputs/xxh3_128"]) == [xxhash.xxh3_128(source.read_bytes()).hexdigest()]
    nodes = dict(zip(texts(group["nodes/name"]), texts(group["nodes/status"]), strict=True))
    assert nodes["hits"] == "executed"
    assert nodes["summed_images"] == "executed"
    assert set(nodes.values()) <= {"executed", "hit", "skipped"}
    assert json.loads(group["problems"].asstr()[()]) == report["problems"]


def test_source_of_the_nodes(file: h5py.File) -> None:
    bundle = datasets(file["meta/repo_bundle"])
    root = resources.files("radiograph.nodes")
    text = bundle["imaging/cones.py"].asstr()[()]
    assert text == root.joinpath("imaging", "cones.py").read_text("utf-8")
    assert "imaging/kernels/back_projection.py" in bundle
    # What it rests on comes with it, and nothing of another pipeline.
    assert "light_response.py" in bundle
    folders = {name.partition("/")[0] for name in bundle if "/" in name}
    assert folders & {"lightdqm", "cosmics", "transients", "germanium", "simulation"} == set()
    assert not any("__pycache__" in name for name in bundle)


def test_config_and_sources_can_be_left_out(project: Path, radiograph: Run) -> None:
    argv = ("--set", "hdf5.include_config=false", "--set", "hdf5.include_repo_bundle=false")
    assert radiograph("run", project / "run.toml", *argv, "--until", "hits").code == 0
    with h5py.File(project / "image.h5") as file:
        assert "config_text" not in file.attrs
        assert not {"config_toml", "repo_bundle"} & set(file["meta"])
        assert "config_effective" in file["meta"]


# --- rows that belong together --------------------------------------------------------------


def test_events_hold_their_hits_in_order_of_time(file: h5py.File) -> None:
    lm = file["lm"]
    species, time = lm["event_type"][()], lm["hit_t_ns"][()]
    assert species.tolist() == sorted(species)  # neutrons first
    neutron = species == 0
    assert neutron.any()
    assert not neutron.all()
    assert np.isnan(time[neutron, 2]).all()
    assert (lm["hit_det_id"][()][neutron, 2] == -1).all()
    assert (lm["hit_material_id"][()][neutron, 2] == -1).all()
    assert np.isnan(lm["hit_pos_cm"][()][neutron, 2]).all()
    assert np.isnan(lm["hit_L_mevee"][()][neutron, 2]).all()
    assert (np.diff(time[neutron, :2]) >= 0).all()
    assert (np.diff(time[~neutron]) >= 0).all()
    assert texts(lm["hit_material_id_labels"]) == ["OGS"]
    assert (lm["event_meta_run_id"][()] == -1).all()  # events.out ends with no number


def test_survival_follows_from_cones_and_footprints(file: h5py.File) -> None:
    lm, cones = file["lm"], file["cones"]
    event = cones["event_index"][()]
    n = len(lm["event_type"])
    assert (cones["cone_id"][()] == np.arange(len(event))).all()
    assert (np.diff(event) > 0).all()  # one cone an event, in order
    first = np.full(n, -1)
    first[event] = cones["cone_id"][()]
    lit = np.diff(lm["footprint_offsets"][()].astype(int))
    assert (lit == lm["cone_lit_pixels"][()]).all()
    imaged = np.full(n, -1)
    imaged[event[lit > 0]] = cones["cone_id"][()][lit > 0]
    expected = np.column_stack([np.arange(n), first, imaged])
    assert (lm["event_survival"][()] == expected).all()
    assert (lm["event_cone_id"][()] == first).all()
    assert (lm["event_imaged_cone_id"][()] == imaged).all()
    assert (lm["event_type"][()][event] == cones["species"][()]).all()
    has = first >= 0
    assert (lm["event_recoil_code"][()][has] == cones["recoil_code"][()]).all()
    assert not lm["event_recoil_code"][()][~has].any()
    assert (lm["event_gamma_hit_order"][()][has] == cones["gamma_hit_order"][()]).all()
    assert (lm["event_gamma_hit_order"][()][~has] == -1).all()


def test_cones_start_at_their_hits(file: h5py.File) -> None:
    cones, lm = file["cones"], file["lm"]
    event = cones["event_index"][()]
    gamma = cones["species"][()] == 1
    order = cones["gamma_hit_order"][()]
    assert (order[~gamma] == -1).all()
    assert (np.sort(order[gamma], axis=1) == [0, 1, 2]).all()
    hits = lm["hit_pos_cm"][()][event].astype(float)
    rows = np.arange(len(event))
    first, second = (np.where(gamma, order[:, k], k) for k in (0, 1))
    apex, other = hits[rows, first], hits[rows, second]
    np.testing.assert_allclose(cones["apex_xyz_cm"][()], apex, atol=1e-4)
    axis = apex - other
    axis /= np.linalg.norm(axis, axis=1)[:, None]
    np.testing.assert_allclose(cones["axis_xyz"][()], axis, atol=1e-4)
    assert set(cones["recoil_code"][()][~gamma]) <= {1, 2}
    assert set(cones["recoil_code"][()][gamma]) == {0}


def test_footprints_make_the_images(file: h5py.File) -> None:
    lm = file["lm"]
    pairs = lm["cone_pixel_indices"][()]
    assert (file["images/list_mode/cone_pixel_indices"][()] == pairs).all()
    link = file["images/list_mode"].get("cone_pixel_indices", getlink=True)
    assert isinstance(link, h5py.SoftLink)
    assert link.path == "/lm/cone_pixel_indices"
    assert (pairs[:, 1] == lm["footprint_pixels"][()]).all()
    counts = np.diff(lm["footprint_offsets"][()].astype(int))
    assert (pairs[:, 0] == np.repeat(np.arange(len(counts)), counts)).all()
    species = file["cones/species"][()][pairs[:, 0]]
    for code, name in enumerate(("n", "g")):
        image = np.bincount(pairs[species == code, 1], minlength=600).reshape(20, 30)
        assert (file[f"images/summed/{name}"][()] == image).all()


def test_candidates_hold_every_hypothesis(file: h5py.File, report: dict[str, Any]) -> None:
    rows = {name: d[()] for name, d in file["candidates"].items() if "labels" not in name}
    counters = report["counters"]
    assert {len(r) for r in rows.values()} == {counters["candidates_total"]}
    n, g = counters["events_after_filters_n"], counters["events_after_filters_g"]
    assert len(rows["event_index"]) == 2 * n + 6 * g
    assert (rows["event_index"] == np.repeat(np.arange(n + g), [2] * n + [6] * g)).all()
    labels = [x.split("=")[1] for x in texts(file["candidates/status_labels"])]
    for code, name in enumerate(labels):
        if code:
            counted = counters[f"candidates_rejected_{name}"]
            assert (rows["status"] == code).sum() == counted
    # The cone of an event is its possible candidate closest to the prior that points right.
    possible = (rows["status"] == 0) & rows["direction_ok"]
    best = np.full(n + g, np.inf)
    np.minimum.at(best, rows["event_index"][possible], rows["delta_theta_rad"][possible])
    cones = file["cones"]
    np.testing.assert_array_equal(cones["delta_theta_rad"][()], best[cones["event_index"][()]])


def test_hit_filter_codes(file: h5py.File, report: dict[str, Any]) -> None:
    code, light = file["hits/filter_code"][()], file["hits/light_MeVee"][()]
    labels = [x.split("=")[1] for x in texts(file["hits/filter_code_labels"])]
    assert (np.array(labels)[code] == np.where(light < 0.2, "threshold", "kept")).all()
    assert (code != 0).sum() == report["counters"]["hits_rejected_threshold"] > 0


def test_ranges_of_events_change_nothing(
    folder: Path, file: h5py.File, radiograph: Run, tmp_path: Path
) -> None:
    """Four ranges and one range give the same bytes in every dataset that is a result."""
    whole = tmp_path / "whole.h5"
    argv = ("--set", "run.chunk_events=100000", "--set", "run.workers=1", "-o", whole)
    assert radiograph("run", folder / "run.toml", *argv).code == 0
    with h5py.File(whole) as other:
        for group in ("images", "cones", "candidates", "lm", "hits", "truth", "meta/counters"):
            one, four = datasets(other[group]), datasets(file[group])
            assert list(one) == list(four)
            for name in one:
                np.testing.assert_array_equal(one[name][()], four[name][()], err_msg=name)


# --- list mode ------------------------------------------------------------------------------


@pytest.mark.parametrize(("wish", "limit", "there"), [
    ("auto", 10**9, True), ("auto", 10, False), ("always", 10, True), ("never", 10**9, False),
])  # fmt: skip
def test_pair_table(
    project: Path,
    radiograph: Run,
    monkeypatch: pytest.MonkeyPatch,
    wish: str,
    limit: int,
    there: bool,
) -> None:
    monkeypatch.setattr("radiograph.drivers.imaging.output._PAIRS_AUTO_LIMIT", limit)
    argv = ("--list", "--set", f"hdf5.pair_table={wish}")
    assert radiograph("run", project / "run.toml", *argv).code == 0
    with h5py.File(project / "image.h5") as file:
        assert {"footprint_offsets", "footprint_pixels"} <= set(file["lm"])
        assert ("cone_pixel_indices" in file["lm"]) == there
        assert ("list_mode" in file["images"]) == there


def test_without_list_mode(project: Path, radiograph: Run) -> None:
    assert radiograph("run", project / "run.toml").code == 0
    with h5py.File(project / "image.h5") as file:
        assert not {"footprint_offsets", "footprint_pixels", "cone_pixel_indices"} & set(file["lm"])
        assert "list_mode" not in file["images"]
        assert (file["lm/event_imaged_cone_id"][()] >= 0).any()


def test_survival_before_images(project: Path, radiograph: Run) -> None:
    assert radiograph("run", project / "run.toml", "--until", "cones").code == 0
    with h5py.File(project / "image.h5") as file:
        survival = file["lm/event_survival"][()]
        assert (survival[:, 1] >= 0).any()
        assert (survival[:, 2] == -1).all()


# --- ROOT input -----------------------------------------------------------------------------


def test_metadata_of_a_root_file(project: Path, radiograph: Run, simulated: Path) -> None:
    source = project / "detector_DT_000041.root"
    source.write_bytes((simulated / "events.root").read_bytes())
    argv = ("--input-path", source, "--set", "io.input_format=root_novo_ddaq")
    assert radiograph("run", project / "run.toml", *argv, "--until", "events").code == 0
    with uproot.open(source) as root, h5py.File(project / "image.h5") as file:
        tree = root["meta"]
        group = file["meta/root_novo_ddaq"]
        assert set(tree.keys()) == set(group)
        for name in group:
            first = tree[name].array(library="np")[0]
            np.testing.assert_array_equal(group[name][()], first)
        link = file["meta"].get("root", getlink=True)
        assert isinstance(link, h5py.SoftLink)
        assert file["meta/root"] == group
        assert group.attrs["run_number"] == 41
        assert set(file["lm/event_meta_run_id"][()]) == {41}
        assert (file["hits/psd"][()] > 0).all()


def test_truth_of_a_simulation_with_reactions(project: Path, radiograph: Run, written: Run) -> None:
    source = Path(__file__).resolve().parents[3] / "shared" / "data" / "imaging"
    source /= "phits_simple_reactions.usrdef.out"
    if not source.exists():
        pytest.skip("the published imaging data are not beside the checkout")
    argv = ("--input-path", source, "--until", "hits", "--json")
    report = radiograph("run", project / "run.toml", *argv).json
    assert report["problems"] == []
    with h5py.File(project / "image.h5") as file:
        reactions = file["truth/reactions"]
        assert len(reactions["x_cm"]) > 100
        assert reactions["x_cm"].attrs["units"] == "cm"
        hits = file["hits/event_id"][()]
        assert set(reactions["event_id"][()]) <= set(hits)
    assert written() == {"image.h5"}


def test_a_disk_without_room_is_told_before_hdf5_dies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """HDF5 swallows the error of a full disk and ends the process later."""
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr("radiograph.drivers.hdf5.shutil.disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="No space left"), hdf5.new_file(tmp_path / "x.h5"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_given_up_closes_without_its_rest(tmp_path: Path) -> None:
    with pytest.raises(KeyError), hdf5.new_file(tmp_path / "x.h5") as file:
        file["a"] = np.zeros(1000)
        raise KeyError
    assert not file
