"""``radiograph export``: what other programs read is what stands in the file."""

from __future__ import annotations

import builtins
import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import uproot
from PIL import Image
from radiograph.drivers.imaging import export_csv, exporting, saved_tables
from radiograph.drivers.imaging.saved import open_run
from radiograph.drivers.runfile.exporting import write_csv
from radiograph.schemas.errors import InputError

Run = Callable[..., Any]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def root(whole: Path, radiograph: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("root") / "image.root"
    done = radiograph("export", whole, "--to", "root", "-o", out)
    assert (done.code, done.out) == (0, f"{out}\n")
    return out


class TestRoot:
    def test_hits_of_events_are_rows_of_lm(self, whole: Path, root: Path) -> None:
        with uproot.open(root) as file, h5py.File(whole) as saved:
            tree = file["lm"].arrays(library="np")
            used = np.isfinite(saved["lm/hit_t_ns"][:])
            event, hit = np.nonzero(used)
            assert file["lm"].num_entries == used.sum()
            assert (tree["event_index"] == event).all()
            assert (tree["hit_index"] == hit).all()
            assert (tree["hit_t_ns"] == saved["lm/hit_t_ns"][:][used]).all()
            for k, axis in enumerate("xyz"):
                stored = saved["lm/hit_pos_cm"][:][event, hit, k]
                assert (tree[f"hit_pos_{axis}_cm"] == stored).all()
            assert (tree["event_cone_id"] == saved["lm/event_cone_id"][:][event]).all()

    def test_cones_and_their_pixels(self, whole: Path, root: Path) -> None:
        with uproot.open(root) as file, h5py.File(whole) as saved:
            cones = file["cones"].arrays(library="np")
            assert (cones["theta_rad"].astype("f4") == saved["cones/theta_rad"][:]).all()
            assert (cones["species"] == saved["cones/species"][:]).all()
            pairs = file["cone_pixels"].arrays(library="np")
            assert (pairs["flat_pixel_index"] == saved["lm/footprint_pixels"][:]).all()
            counts = np.bincount(pairs["flat_pixel_index"], minlength=30 * 20)
            assert (counts.reshape(20, 30) == saved["images/summed/all"][:]).all()
            lit = np.bincount(pairs["cone_id"], minlength=len(cones["cone_id"]))
            assert (lit == saved["lm/cone_lit_pixels"][:]).all()
            u, v = pairs["u_cm"], pairs["v_cm"]
            flat = np.floor((v + 20) / 2) * 30 + np.floor((u + 30) / 2)
            assert (flat == pairs["flat_pixel_index"]).all()

    def test_histograms_can_be_drawn_at_once(self, whole: Path, root: Path) -> None:
        with uproot.open(root) as file, h5py.File(whole) as saved:
            for name in ("n", "g", "all"):
                image = saved[f"images/summed/{name}"][:]
                drawn = file[f"image_{name}"]
                assert drawn.classname == "TH2D"
                assert (image == drawn.values().T).all()
                assert drawn.axis(0).member("fTitle") == "u (cm)"
                assert (drawn.axis(0).low, drawn.axis(0).high) == (-30.0, 30.0)
                assert (drawn.axis(1).low, drawn.axis(1).high) == (-20.0, 20.0)
                u = np.arange(-29.0, 30.0, 2.0)
                assert drawn.member("fTsumwx") == pytest.approx(image.sum(axis=0) @ u)
                assert drawn.member("fEntries") == image.sum()
                assert (file[f"projection_{name}_v"].values() == image.sum(axis=1)).all()
            entry = file["images_summed"].arrays(library="ak")
            assert entry["species"].tolist() == ["n", "g", "all"]
            assert entry["counts"].to_numpy().sum() == 2 * saved["images/summed/all"][:].sum()

    def test_what_the_codes_mean_and_how_it_was_made(self, whole: Path, root: Path) -> None:
        with uproot.open(root) as file:
            assert str(file["labels/cones_species"]).splitlines() == ["0=n", "1=g"]
            assert "1=proton" in str(file["labels/cones_recoil_code"])
            assert '[energy]\nstrategy = "Edep"' in str(file["meta/config_toml"])
            assert "radiograph" in str(file["meta/software"])

    def test_a_table_alone(self, whole: Path, radiograph: Run, tmp_path: Path) -> None:
        out = tmp_path / "c.root"
        assert radiograph("export", whole, "--to", "root", "-o", out, "--table", "cones").code == 0
        with uproot.open(out) as file:
            trees = [k for k, c in file.classnames(cycle=False).items() if c == "TTree"]
            assert trees == ["cones"]


class TestTables:
    def test_csv_has_a_file_a_table_with_names_for_codes(
        self, whole: Path, radiograph: Run, tmp_path: Path
    ) -> None:
        done = radiograph("export", whole, "--to", "csv", "-o", tmp_path / "new", "--json")
        names = {Path(p).name for p in done.json["outputs"]}
        assert {"image_lm.csv", "image_cones.csv", "image_cone_pixels.csv"} <= names
        cones = rows_of(tmp_path / "new" / "image_cones.csv")
        with h5py.File(whole) as saved:
            species = saved["cones/species"][:]
            theta = saved["cones/theta_rad"][:]
        assert [r["species"] for r in cones] == ["ng"[s] for s in species]
        assert {r["recoil"] for r in cones} <= {"proton", "carbon", "none"}
        assert np.allclose([float(r["theta_rad"]) for r in cones], theta, atol=1e-6)
        hits = rows_of(tmp_path / "new" / "image_hits.csv")
        assert list(hits[0])[:3] == ["hit_row", "event_id", "hit_in_event"]
        assert {r["material"] for r in hits} == {"OGS"}
        assert {r["filter"] for r in hits} == {"kept"}

    def test_parquet_has_the_same_columns(
        self, whole: Path, radiograph: Run, tmp_path: Path
    ) -> None:
        pytest.importorskip("pyarrow", reason="pyarrow is not installed (radiograph[parquet])")
        options = ("--table", "lm", "-o")
        one, other = tmp_path / "lm.parquet", tmp_path / "lm.csv"
        assert radiograph("export", whole, "--to", "parquet", *options, one).code == 0
        assert radiograph("export", whole, "--to", "csv", *options, other).code == 0
        frame, text = pd.read_parquet(one), pd.read_csv(other)
        assert list(frame) == list(text)
        assert frame["hit_t_ns"].dtype == np.float64
        assert np.allclose(frame["hit_t_ns"], text["hit_t_ns"])
        assert frame["event_type"].astype(str).tolist() == text["event_type"].tolist()

    def test_parquet_without_its_library_says_what_to_install(
        self, whole: Path, radiograph: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain = builtins.__import__

        def without(name: str, *rest: Any, **more: Any) -> Any:
            if name.startswith("pyarrow"):
                raise ImportError(name)
            return plain(name, *rest, **more)

        monkeypatch.setattr(builtins, "__import__", without)
        done = radiograph("export", whole, "--to", "parquet", "-o", tmp_path)
        assert done.code == 2
        assert "pip install radiograph[parquet]" in done.err
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("table", saved_tables.TABLES)
    def test_the_size_of_the_blocks_does_not_matter(
        self, whole: Path, table: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def read() -> tuple[int, dict[str, Any]]:
            with open_run(whole) as saved:
                blocks = list(saved_tables.TABLES[table].blocks(saved))
            assert all(len({len(v) for v in b.values()}) == 1 for b in blocks)
            return len(blocks), {k: np.concatenate([b[k] for b in blocks]) for k in blocks[0]}

        _, at_once = read()
        monkeypatch.setattr(saved_tables, "_ROWS_A_BLOCK", 37)
        n, in_parts = read()
        assert n > 1 or len(next(iter(at_once.values()))) <= 37 or table == "counters"
        for name, values in at_once.items():
            same = in_parts[name] == values
            nan = values != values
            assert (same | nan).all()

    @pytest.mark.parametrize("pixels_a_block", [1 << 20, 50])
    def test_pixels_of_cones_are_written_as_their_rows_would_be(
        self, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pixels_a_block: int
    ) -> None:
        monkeypatch.setattr(export_csv, "PIXELS_A_BLOCK", pixels_a_block)
        with open_run(whole) as saved:
            blocks = saved_tables.TABLES["cone_pixels"].blocks(saved)
            write_csv("rows", map(pd.DataFrame, blocks), tmp_path / "rows.csv")
            export_csv.write_cone_pixels(saved, tmp_path / "cones.csv")
        assert (tmp_path / "cones.csv").read_bytes() == (tmp_path / "rows.csv").read_bytes()
        assert len(rows_of(tmp_path / "cones.csv")) > 500

    def test_a_pixel_that_the_plane_has_not_is_refused(self, whole: Path, tmp_path: Path) -> None:
        path = tmp_path / "bad.h5"
        shutil.copy(whole, path)
        with h5py.File(path, "r+") as file:
            file["lm/footprint_pixels"][3] = 10**6
            del file["images/summed"]
        with open_run(path) as saved, pytest.raises(InputError, match="lights pixel 1000000"):
            export_csv.write_cone_pixels(saved, tmp_path / "pixels.csv")

    def test_only_what_the_file_holds(
        self, made: Callable[..., Path], radiograph: Run, tmp_path: Path
    ) -> None:
        file = made("--until", "hits", name="hits")
        done = radiograph("export", file, "--to", "csv", "-o", tmp_path, "--json")
        names = {Path(p).stem.split("_", 1)[1] for p in done.json["outputs"]}
        assert names == {"hits", "reactions", "reaction_products", "counters"}
        done = radiograph("export", file, "--to", "csv", "-o", tmp_path, "--table", "cones")
        assert (done.code, "holds no table cones; it holds hits" in done.err) == (3, True)


def test_npz_has_images_and_axes(whole: Path, radiograph: Run, tmp_path: Path) -> None:
    assert radiograph("export", whole, "--to", "npz", "-o", tmp_path / "i.npz").code == 0
    with np.load(tmp_path / "i.npz", allow_pickle=False) as found, h5py.File(whole) as saved:
        assert (found["n"] == saved["images/summed/n"][:]).all()
        assert found["u_edges_cm"].tolist() == np.arange(-30.0, 31.0, 2.0).tolist()
        assert found["v_centers_cm"].shape == (20,)
        assert found["plane_normal"].tolist() == [0.0, 0.0, 1.0]
        assert (found["projection_all_u"] == saved["images/summed/all"][:].sum(axis=0)).all()


class TestPairs:
    @pytest.fixture
    def without(self, made: Callable[..., Path], tmp_path: Path) -> Path:
        file = made("--list", "--set", "hdf5.pair_table=never", name="nopairs")
        copy = tmp_path / "nopairs.h5"
        copy.write_bytes(file.read_bytes())
        return copy

    def test_the_table_joins_the_file_and_nothing_else_changes(
        self, without: Path, whole: Path, radiograph: Run
    ) -> None:
        with h5py.File(without) as file:
            before = {n: file["cones"][n][:].tobytes() for n in ("theta_rad", "apex_xyz_cm")}
            assert "cone_pixel_indices" not in file["lm"]
        done = radiograph("export", without, "--to", "pairs")
        assert (done.code, done.out) == (0, f"{without}\n")
        with h5py.File(without) as file, h5py.File(whole) as other:
            assert (file["lm/cone_pixel_indices"][:] == other["lm/cone_pixel_indices"][:]).all()
            assert file["images/list_mode/cone_pixel_indices"].shape[1] == 2
            assert {n: file["cones"][n][:].tobytes() for n in before} == before
        assert [p.name for p in without.parent.iterdir()] == [without.name]
        again = without.read_bytes()
        assert radiograph("export", without, "--to", "pairs").code == 0
        assert without.read_bytes() == again

    def test_the_size_of_a_write_does_not_matter(
        self, without: Path, whole: Path, radiograph: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("radiograph.drivers.imaging.output._PAIRS_A_WRITE", 7)
        assert radiograph("export", without, "--to", "pairs").code == 0
        with h5py.File(without) as file, h5py.File(whole) as other:
            assert (file["lm/cone_pixel_indices"][:] == other["lm/cone_pixel_indices"][:]).all()

    def test_a_copy_leaves_the_file_as_it_is(self, without: Path, radiograph: Run) -> None:
        before, copy = without.read_bytes(), without.parent / "copy.h5"
        assert radiograph("export", without, "--to", "pairs", "-o", copy).code == 0
        assert without.read_bytes() == before
        with h5py.File(copy) as file:
            assert "cone_pixel_indices" in file["lm"]
        done = radiograph("export", without, "--to", "pairs", "-o", copy)
        assert (done.code, "exists already. Give --overwrite" in done.err) == (2, True)

    def test_a_failure_leaves_the_file_as_it_is(
        self, without: Path, radiograph: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = without.read_bytes()

        def broken(_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("radiograph.drivers.imaging.output.write_pair_table", broken)
        assert radiograph("export", without, "--to", "pairs").code == 2
        assert without.read_bytes() == before
        assert [p.name for p in without.parent.iterdir()] == [without.name]

    def test_without_list_mode_there_are_none(
        self, made: Callable[..., Path], radiograph: Run
    ) -> None:
        done = radiograph("export", made("--no-list", name="nolist"), "--to", "pairs")
        assert (done.code, "Run it again with --list" in done.err) == (3, True)


class TestFigures:
    def test_each_option_changes_the_picture(
        self, whole: Path, radiograph: Run, tmp_path: Path
    ) -> None:
        plain = ("--to", "png", "--species", "n", "--dpi", 50)
        changes: list[tuple[object, ...]] = [
            (),
            ("--cmap", "viridis"),
            ("--vmax", 3),
            ("--vmin", 2),
            ("--scale", "sqrt"),
            ("--scale", "log"),
            ("--axis-units", "mm"),
            ("--roi", "-10,10,-8,8"),
            ("--view", "-20,20,-10,10"),
            ("--no-metrics",),
            ("--no-projections",),
        ]
        seen = set()
        for k, change in enumerate(changes):
            out = tmp_path / f"{k}.png"
            done = radiograph("export", whole, *plain, "-o", out, *change)
            assert done.code == 0, done.err
            seen.add(out.read_bytes())
        assert len(seen) == len(changes)

    def test_a_figure_for_each_image_beside_the_file_or_in_a_folder(
        self, whole: Path, radiograph: Run, tmp_path: Path
    ) -> None:
        done = radiograph("export", whole, "--to", "pdf", "-o", tmp_path / "figures", "--json")
        names = sorted(p.name for p in (tmp_path / "figures").iterdir())
        assert names == ["image_all.pdf", "image_g.pdf", "image_n.pdf"]
        assert done.json["format"] == "pdf"
        assert (tmp_path / "figures" / "image_n.pdf").read_bytes().startswith(b"%PDF")

    def test_the_same_options_give_the_same_bytes(
        self, whole: Path, radiograph: Run, tmp_path: Path
    ) -> None:
        for name in ("a", "b"):
            out = tmp_path / f"{name}.png"
            radiograph("export", whole, "--to", "png", "--species", "g", "-o", out, "--dpi", 50)
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()

    def test_an_image_without_counts_says_so(
        self, empty: Path, radiograph: Run, tmp_path: Path
    ) -> None:
        out = tmp_path / "e.png"
        assert radiograph("export", empty, "--to", "png", "--species", "n", "-o", out).code == 0
        with Image.open(out) as image:
            assert image.size[0] > 500

    def test_a_region_makes_new_projections(
        self, whole: Path, radiograph: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        found = {}

        def drawn(picture: Any, vis: Any, view: Any, file_format: str) -> bytes:
            found[picture.name] = (picture, vis, view, file_format)
            return b"figure"

        monkeypatch.setattr("radiograph.drivers.imaging.redrawing.draw_image_figure", drawn)
        options = ("--roi", "-10,10,-8,8", "--vmin", 1, "--vmax", "max", "--scale", "log")
        done = radiograph("export", whole, "--to", "png", "-o", tmp_path, *options)
        assert done.code == 0, done.err
        picture, vis, view, file_format = found["n"]
        with h5py.File(whole) as saved:
            inside = saved["images/summed/n"][6:14, 10:20]
        assert picture.projections.u_roi.sum() == inside.sum()
        assert picture.metrics.axes["u_roi"].total_counts == inside.sum()
        assert (vis.color_range, view.count_limits, view.scale) == ("full", (1.0, None), "log")
        assert picture.labels.date.startswith("20")
        assert picture.labels.plane == "plane through (0, 0, 0) cm, normal +z"
        assert file_format == "png"


class TestErrors:
    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (("--to", "png", "--species", "x"), "has no image 'x'; it has n, g, all"),
            (("--to", "png", "--cmap", "jett"), "unknown colour map 'jett'"),
            (("--to", "png", "--axis-units", "km"), "axis_units"),
            (("--to", "png", "--roi", "1,2,3"), "write U0,U1,V0,V1 in cm"),
            (("--to", "png", "--roi", "1,0,2,3"), "each lower edge must be below"),
            (("--to", "png", "--view", "a,b,c,d"), "'a' is no number"),
            (("--to", "png", "--view", "500,600,0,10"), "lies outside of the plane"),
            (("--to", "png", "--vmax", "lots"), "'lots' is no number"),
            (("--to", "png", "--vmin", 5, "--vmax", "2"), "5 is not below --vmax 2"),
            (("--to", "csv", "--table", "nothing"), "no such table; there is hits, lm"),
            (("--to", "jpeg"), "jpeg"),
            (("--to", "png", "-o", "one.png"), "3 files are written (n, g, all); name a folder"),
        ],
    )  # fmt: skip
    def test_are_said_before_anything_is_written(
        self, options: tuple[object, ...], said: str, whole: Path, radiograph: Run, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.chdir(tmp_path)
        done = radiograph("export", whole, *options)
        assert done.code == 2
        assert said in done.err
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("to", ["root", "csv", "npz", "png"])
    def test_nothing_is_replaced_unasked(
        self, to: str, whole: Path, radiograph: Run, tmp_path: Path
    ) -> None:
        options = ("--to", to, "-o", tmp_path, "--table", "cones", "--species", "n", "--dpi", 40)
        (path,) = radiograph("export", whole, *options, "--json").json["outputs"]
        Path(path).write_text("mine")
        done = radiograph("export", whole, *options)
        assert (done.code, "exists already. Give --overwrite" in done.err) == (2, True)
        assert Path(path).read_text() == "mine"
        assert radiograph("export", whole, *options, "--overwrite").code == 0
        assert Path(path).read_bytes() != b"mine"

    def test_a_missing_or_foreign_file(self, radiograph: Run, tmp_path: Path) -> None:
        assert radiograph("export", tmp_path / "no.h5", "--to", "root").code == 3
        (tmp_path / "text.h5").write_text("no HDF5")
        done = radiograph("export", tmp_path / "text.h5", "--to", "root")
        assert (done.code, "is no HDF5 file" in done.err) == (3, True)

    def test_an_image_is_needed_for_a_figure(
        self, made: Callable[..., Path], radiograph: Run
    ) -> None:
        done = radiograph("export", made("--until", "hits", name="hits"), "--to", "png")
        assert (done.code, "holds no images, only hits" in done.err) == (3, True)

    def test_the_file_itself_is_no_output(self, whole: Path, radiograph: Run) -> None:
        with pytest.raises(Exception, match="would be replaced"):
            exporting.check_new_files([whole], [whole], overwrite=True)
