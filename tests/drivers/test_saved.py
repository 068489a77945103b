"""An output file read back: what was computed comes back, what is wrong is said."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from radiograph.drivers import pipeline
from radiograph.drivers.config import load_config
from radiograph.drivers.imaging.saved import SavedRun, open_run
from radiograph.schemas.errors import InputError

Run = Callable[..., Any]
EXTRA = """
[run]
list = true
plot_label = "a label"
[run.meta]
campaign = "autumn"
[filters.hits]
min_light_MeVee = 0.2
[vis.projections]
roi_u_min_cm = -10.0
roi_u_max_cm = 12.0
[vis.projections.metrics]
enabled = true
"""


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, radiograph: Run, simulated: Path, settings: str
) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    (folder / "run.toml").write_text(settings + EXTRA, encoding="utf-8")
    (folder / "events.out").symlink_to(simulated / "events.out")
    done = radiograph("run", folder / "run.toml", "--quiet")
    assert done.code == 0, done.err
    return folder


@pytest.fixture(scope="module")
def nodes(folder: Path) -> dict[str, Any]:
    """The same quantities straight from the graph."""
    names = ["hits", "hit_filter_code", "filtered_events", "candidate_cones", "cone_scores"]
    names += ["direction_ok", "selected_cones", "footprints", "summed_images", "projections"]
    names += ["projection_metrics", "counters"]
    return pipeline("imaging", folder / "run.toml").run(names)


@pytest.fixture
def saved(folder: Path) -> Iterator[SavedRun]:
    with open_run(folder / "image.h5") as opened:
        yield opened


@pytest.fixture
def broken(folder: Path, tmp_path: Path) -> Callable[[Callable[[h5py.File], None]], Path]:
    """A copy of the file, changed."""

    def make(change: Callable[[h5py.File], None]) -> Path:
        path = tmp_path / "broken.h5"
        shutil.copy(folder / "image.h5", path)
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    return make


def test_cones_come_back_as_they_were_computed(saved: SavedRun, nodes: dict[str, Any]) -> None:
    computed = nodes["selected_cones"]
    assert saved.stages == ("hits", "events", "cones", "image")
    assert saved.cones_are_exact
    assert saved.n_cones == len(computed) > 50
    for name in ("event_index", "species", "recoil_code", "theta_rad"):
        assert saved.cones[name].tolist() == computed[name].tolist()
    for a in "xyz":
        np.testing.assert_array_equal(saved.cones[f"apex_{a}_cm"], computed[f"apex_{a}_cm"])
        np.testing.assert_array_equal(saved.cones[f"axis_{a}"], computed[f"axis_{a}"])
    np.testing.assert_allclose(
        saved.cones["incident_energy_MeV"], computed["incident_energy_MeV"], rtol=1e-6
    )
    gammas = saved.cones["species"] == "g"
    assert gammas.any()
    for k in (1, 2, 3):
        name = f"hit_order_{k}"
        np.testing.assert_array_equal(saved.cones[name][gammas], computed[name][gammas])


def test_events_and_hits_come_back(saved: SavedRun, nodes: dict[str, Any]) -> None:
    events, hits = nodes["filtered_events"], nodes["hits"]
    assert saved.events["event_id"].tolist() == events["event_id"].tolist()
    np.testing.assert_array_equal(saved.events["t2_ns"], events["t2_ns"])
    assert saved.events["material1"].tolist() == events["material1"].tolist()
    np.testing.assert_allclose(saved.events["x1_cm"], events["x1_cm"], rtol=1e-6)
    np.testing.assert_array_equal(saved.hits["light_MeVee"], hits["light_MeVee"])
    np.testing.assert_array_equal(saved.hits["filter_code"], nodes["hit_filter_code"])
    assert saved.hits["material"].tolist() == hits["material"].tolist()
    # An event's rows of /hits are its hits.
    first = saved.hits.take(saved.events["hit1_row"])
    np.testing.assert_array_equal(first["t_ns"], saved.events["t1_ns"])
    np.testing.assert_array_equal(first["event_id"], saved.events["event_id"])


def test_hypotheses_come_back(saved: SavedRun, nodes: dict[str, Any]) -> None:
    computed = nodes["candidate_cones"]
    assert saved.candidates["event_index"].tolist() == computed["event_index"].tolist()
    assert saved.candidates["status"].tolist() == computed["status"].tolist()
    assert saved.candidates["direction_ok"].tolist() == nodes["direction_ok"].tolist()
    np.testing.assert_allclose(
        saved.candidates["delta_theta_rad"], nodes["cone_scores"], rtol=1e-6, atol=1e-7
    )


def test_pictures_come_back(saved: SavedRun, nodes: dict[str, Any]) -> None:
    summed, projections = nodes["summed_images"], nodes["projections"]
    assert saved.grid == summed.grid
    assert list(saved.images) == ["n", "g", "all"]
    for name, image in summed.present().items():
        np.testing.assert_array_equal(saved.images[name], image)
        for axis in ("u", "v", "u_roi", "v_roi"):
            np.testing.assert_array_equal(
                getattr(saved.projections.by_image[name], axis),
                getattr(projections.by_image[name], axis),
            )
    assert saved.projections.roi == projections.roi
    for name, metrics in nodes["projection_metrics"].items():
        for axis, numbers in metrics.axes.items():
            for key, value in vars(numbers).items():
                np.testing.assert_equal(vars(saved.metrics[name].axes[axis])[key], value)
        np.testing.assert_equal(saved.metrics[name].u_centroid_cm, metrics.u_centroid_cm)


def test_footprints_in_every_form(
    saved: SavedRun, nodes: dict[str, Any], broken: Callable[..., Path]
) -> None:
    whole = nodes["footprints"]
    np.testing.assert_array_equal(saved.footprints.pixels, whole.pixels)
    np.testing.assert_array_equal(saved.footprints.offsets, whole.offsets)
    parts = list(saved.footprint_blocks(700))
    assert len(parts) > 3
    assert all(len(f.pixels) <= 700 for _, f in parts)
    np.testing.assert_array_equal(np.concatenate([f.pixels for _, f in parts]), whole.pixels)
    assert [first for first, _ in parts] == np.cumsum(
        [0, *(f.n_cones for _, f in parts[:-1])]
    ).tolist()
    some = saved.footprints_at(np.array([9, 2]))
    begin = whole.offsets.astype(int)
    expected = [*whole.pixels[begin[9] : begin[10]], *whole.pixels[begin[2] : begin[3]]]
    assert some.pixels.tolist() == expected

    def pairs_in_disorder(file: h5py.File) -> None:
        del file["lm/footprint_pixels"], file["lm/footprint_offsets"]
        table = file["lm/cone_pixel_indices"][()]
        cones = np.random.default_rng(1).permutation(int(table[:, 0].max()) + 1)
        file["lm/cone_pixel_indices"][...] = np.concatenate(
            [table[table[:, 0] == c] for c in cones]
        )

    with open_run(broken(pairs_in_disorder)) as other:
        np.testing.assert_array_equal(other.footprints.pixels, whole.pixels)
        np.testing.assert_array_equal(other.footprints.offsets, whole.offsets)
        assert other.footprints_at(np.array([9, 2])).pixels.tolist() == expected
        [(first, block)] = other.footprint_blocks(10)
        assert (first, block.n_cones) == (0, saved.n_cones)


def test_rows_that_are_named(saved: SavedRun) -> None:
    rows = np.array([0, 3, 8])
    assert saved.cones_at(rows)["cone_id"].tolist() == [0, 3, 8]
    assert saved.events_at(rows).equals(saved.events.take(rows).reset_index(drop=True))
    assert saved.hits_at(rows).equals(saved.hits.take(rows).reset_index(drop=True))
    many = np.arange(0, len(saved.candidates), 2)
    assert saved.candidates_at(many)["status"].tolist() == saved.candidates["status"][many].tolist()
    assert saved.cones_at(np.zeros(0, np.int64)).empty


def test_survival(saved: SavedRun, broken: Callable[..., Path]) -> None:
    table = saved.survival
    has_cone = table["first_cone_index"] >= 0
    assert has_cone.sum() == saved.n_cones
    np.testing.assert_array_equal(
        saved.cones["event_index"].take(table["first_cone_index"][has_cone]),
        table["event_index"][has_cone],
    )

    def without_table(file: h5py.File) -> None:
        del file["lm/event_survival"]

    with open_run(broken(without_table)) as other:
        assert other.survival.equals(table)


def test_what_a_file_says_of_itself(saved: SavedRun, folder: Path, nodes: dict[str, Any]) -> None:
    record = saved.record
    assert record.is_ours
    assert record.config_text == (folder / "run.toml").read_text("utf-8")
    assert record.config_path == str(folder / "run.toml")
    assert record.targets == ()
    assert record.run_meta["campaign"] == "autumn"
    assert [s.path for s in record.inputs] == [str(folder / "events.out")]
    assert record.inputs[0].size == (folder / "events.out").stat().st_size
    assert record.seconds > 0
    assert record.versions["radiograph"]
    assert {n.status for n in record.nodes} <= {"executed", "skipped", "hit"}
    assert list(record.counters) == [1, 2, 3, 4]
    for name, value in nodes["counters"].values.items():
        assert record.all_counters[name] == value
    assert record.settings["filters.hits.min_light_MeVee"] == 0.2
    loaded = load_config(folder / "run.toml").config
    assert saved.config.plane == loaded.plane
    assert saved.config.detectors == loaded.detectors
    assert saved.config.energy == loaded.energy
    assert saved.config.run == loaded.run


def test_settings_with_quoted_names_come_back(project: Path, radiograph: Run) -> None:
    text = (project / "run.toml").read_text("utf-8")
    text += '[run.meta]\n"a.b c" = 3\n[energy.lut_paths."my scint"]\nproton = "x.csv"\n'
    (project / "run.toml").write_text(text, "utf-8")
    assert radiograph("run", project / "run.toml", "--quiet", "--until", "hits").code == 0
    with open_run(project / "image.h5") as saved:
        assert saved.config.run.meta == {"a.b c": 3}
        assert saved.config.energy.lut_paths["my scint"].proton == "x.csv"
        assert saved.stages == ("hits",)
        with pytest.raises(InputError, match=r'holds no cones, only hits.*until = "cones"'):
            saved.need("cones")
        with pytest.raises(InputError, match="holds no cones"):
            _ = saved.footprints
        with pytest.raises(InputError, match="holds no hypotheses"):
            _ = saved.candidates


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        (b"", r"empty \(0 bytes\)"),
        (b"just a text", "is no HDF5 file"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "some.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=said) as caught, open_run(path):
        pass
    assert caught.value.exit_code == 3
    assert caught.value.file == str(path)


def test_a_folder_a_cut_file_and_a_file_of_another_kind(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(InputError, match="is a folder"), open_run(tmp_path):
        pass
    cut = tmp_path / "cut.h5"
    cut.write_bytes((folder / "image.h5").read_bytes()[:200_000])
    with pytest.raises(InputError, match="is cut off"), open_run(cut):
        pass
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["waveforms"] = [1, 2]
    with pytest.raises(InputError, match="of no imaging run: it holds waveforms"), open_run(other):
        pass


def _set_until(file: h5py.File, value: str) -> None:
    keys = [key.decode() for key in file["meta/config_effective/keys"]]
    file["meta/config_effective/values"][keys.index("pipeline.until")] = f'"{value}"'


def test_damage_is_said_and_not_raised_as_a_bug(broken: Callable[..., Path]) -> None:
    def change(file: h5py.File) -> None:
        del file["lm/hit_t_ns"], file["lm/footprint_offsets"]
        file["lm/footprint_offsets"] = np.array([0, 5], "u8")
        del file["provenance/problems"]
        file["provenance/problems"] = "{no JSON"
        _set_until(file, "never")

    with open_run(broken(change)) as saved:
        with pytest.raises(InputError, match="has no /lm/hit_t_ns"):
            _ = saved.events
        with pytest.raises(InputError, match="does not fit its cones and pixels"):
            _ = saved.footprints
        with pytest.raises(InputError, match="is no JSON"):
            _ = saved.record


def test_settings_of_another_version_are_said(broken: Callable[..., Path]) -> None:
    def change(file: h5py.File) -> None:
        _set_until(file, "never")

    with (
        open_run(broken(change)) as saved,
        pytest.raises(InputError, match="not those of this version"),
    ):
        _ = saved.config


def test_a_file_as_ngimager_writes_it(broken: Callable[..., Path], nodes: dict[str, Any]) -> None:
    """Its layout, a pixel more on each side, and counters as attributes only."""

    def change(file: h5py.File) -> None:
        for name in ("hits", "candidates", "provenance", "truth", "raw_events", "cones/exact"):
            del file[name]
        for name in list(file["meta/counters"]):
            del file[f"meta/counters/{name}"]
        for name in ("n", "g", "all"):
            image = np.pad(file[f"images/summed/{name}"][()], ((0, 1), (0, 1)))
            del file[f"images/summed/{name}"]
            file[f"images/summed/{name}"] = image.astype("f4")
        for name in ("recoil_energy_MeV", "delta_theta_rad"):
            del file[f"cones/{name}"]
        for name in ("event_id", "event_hit_index", "event_survival", "cone_lit_pixels"):
            del file[f"lm/{name}"]
        file.attrs["software"] = "ngimager 1.2.1"

    with open_run(broken(change)) as saved:
        assert saved.stages == ("events", "cones", "image")
        assert not saved.record.is_ours
        assert saved.imaging_method.nappe == "both"
        assert (saved.grid.nu, saved.grid.nv) == (31, 21)
        assert saved.grid.u_max_cm == 32.0
        assert saved.images["n"].dtype == np.uint32
        assert saved.images["n"].sum() == nodes["summed_images"].n.sum()
        assert not saved.cones_are_exact
        assert saved.cones["recoil_energy_MeV"].isna().all()
        np.testing.assert_allclose(
            saved.cones["theta_rad"], nodes["selected_cones"]["theta_rad"], rtol=1e-6
        )
        assert (saved.events["event_id"] == -1).all()
        assert saved.record.counters[3]["cones_kept"] == saved.n_cones
        assert len(saved.survival) == saved.n_events
