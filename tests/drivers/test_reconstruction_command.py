"""Images of uncertain cones by the command: file, figure, report, restart, ranges, prior."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

Run = Callable[..., Any]
METHODS = ("--set", "imaging.method=['weighted', 'mlem', 'point_fit']")
SHORT = ("--set", "reconstruction.iterations=6")
DENSITIES = ("images/weighted", "images/mlem", "images/significance")


@pytest.fixture(scope="module")
def imaged(
    simulated: Path, settings: str, radiograph: Run, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with run.toml and image.h5 with every method, and its figures."""
    folder = tmp_path_factory.mktemp("imaged")
    (folder / "run.toml").write_text(settings)
    argv = ("--input-path", simulated / "events.out", "-q")
    figures = ("--set", "vis.export_png_on_write=true")
    done = radiograph("run", folder / "run.toml", *argv, *METHODS, *SHORT, *figures)
    assert done.code == 0, done.err
    assert "source at u" in done.out
    return folder


def images_of(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        return {f"{group}/{name}": d[()] for group in DENSITIES for name, d in file[group].items()}


@pytest.mark.parametrize("until", ["cones", "image"])
def test_widths_are_written_without_a_method_where_they_are_asked_for(
    imaged: Path, simulated: Path, radiograph: Run, tmp_path: Path, until: str
) -> None:
    out = tmp_path / "widths.h5"
    argv = ("--input-path", simulated / "events.out", "-q", "-o", out)
    told = ("--set", "uncertainty.enabled=true", "--set", f"pipeline.until={until}")
    figures = ("--set", "vis.export_png_on_write=false")
    done = radiograph("run", imaged / "run.toml", *argv, *told, *figures)
    assert done.code == 0, done.err
    with h5py.File(out) as file, h5py.File(imaged / "image.h5") as other:
        assert "reconstruction" not in file
        for name in ("cones/cone_sigma_rad", "candidates/weight", "candidates/cone_sigma_rad"):
            values = file[name][()]
            assert np.isfinite(values).any()
            assert np.array_equal(values, other[name][()], equal_nan=True)


def test_widths_that_a_restart_cannot_make_are_told(
    imaged: Path, radiograph: Run, tmp_path: Path
) -> None:
    out = tmp_path / "again.h5"
    argv = ("--input-path", imaged / "image.h5", "--set", "io.input_format=hdf5_ngimager")
    told = ("--set", "uncertainty.enabled=true", "--set", "vis.export_png_on_write=false")
    done = radiograph("run", imaged / "run.toml", *argv, *told, "-o", out)
    assert done.code == 0, done.err
    assert "widths of stored cones are not made anew" in done.err
    with h5py.File(out) as file:
        assert "cone_sigma_rad" not in file["cones"]


def test_the_file_holds_the_images_with_what_made_them(imaged: Path) -> None:
    with h5py.File(imaged / "image.h5") as file:
        shape = file["images/summed/all"].shape
        for name in ("n", "g", "all"):
            assert file[f"images/weighted/{name}"].dtype == np.float32
            mlem = file[f"images/mlem/{name}"]
            assert mlem.dtype == np.float64
            assert mlem.shape == shape
            assert mlem.attrs["iterations"] == 6
            assert mlem.attrs["stop_reason"] == "as_told"
            assert mlem.attrs["seed"] == 1
            assert mlem.attrs["units"] == "counts"
            assert mlem.attrs["description"]
        whole = file["images/mlem/all"]
        n_events = file["reconstruction/point_sources/counts"][()].sum()
        n_events += file["reconstruction/point_sources/elsewhere_counts"][0]
        assert whole[()].sum() + whole.attrs["elsewhere_counts"] == pytest.approx(n_events)
        assert set(file["reconstruction"]) == {
            "point_sources", "class_shares", "iteration_history", "image_shapes"
        }  # fmt: skip
        assert file["reconstruction/image_shapes/fwhm_u_cm"].attrs["units"] == "cm"


def test_emission_is_written_for_what_passes_is_known_of(
    imaged: Path, simulated: Path, radiograph: Run, tmp_path: Path
) -> None:
    """Gamma rays always; neutrons where their energy is known, and then both together."""
    told = ("--set", "imaging.method=mlem", "--set", "reconstruction.sensitivity=mc", *SHORT)
    known = ("--set", "energy.strategy=FixedEn", "--set", "energy.fixed_En_MeV=14.1")
    for energy, names in (((), {"g"}), (known, {"n", "g", "all"})):
        out = tmp_path / f"{len(names)}.h5"
        argv = ("--input-path", simulated / "events.out", "-q", "-o", out)
        figures = ("--set", "vis.export_png_on_write=false")
        done = radiograph("run", imaged / "run.toml", *argv, *told, *energy, *figures)
        assert done.code == 0, done.err
        with h5py.File(out) as file:
            assert set(file["images/mlem/emission"]) == names
            passes = np.exp(-file["images/gamma_sensitivity"][()])
            expected = file["images/mlem/g"][()] * passes
            assert file["images/mlem/emission/g"][()] == pytest.approx(expected, rel=1e-5)
            assert ("sensitivity" in file["images"]) == ("n" in names)


def test_the_figure_of_all_methods_stands_beside_the_others(imaged: Path) -> None:
    assert (imaged / "comparison_image.png").read_bytes().startswith(b"\x89PNG")


def test_the_thin_image_is_as_it_was(
    imaged: Path, simulated: Path, radiograph: Run, tmp_path: Path
) -> None:
    argv = ("--input-path", simulated / "events.out", "-o", tmp_path / "plain.h5", "-q")
    assert radiograph("run", imaged / "run.toml", *argv).code == 0
    with h5py.File(imaged / "image.h5") as one, h5py.File(tmp_path / "plain.h5") as other:
        for name in ("n", "g", "all"):
            assert np.array_equal(one[f"images/summed/{name}"], other[f"images/summed/{name}"])
        assert set(other["images"]) == {"summed"}


@pytest.mark.parametrize(
    "changed",
    [
        ("run.chunk_events=40", "run.workers=1", "prior.type=point", "prior.point=[40, 0, 0]"),
        ("run.workers=4", "prior.type=point", "prior.point=[0, 0, 60]"),
    ],
)
def test_neither_parts_nor_threads_nor_a_prior_change_a_byte(
    imaged: Path, simulated: Path, radiograph: Run, tmp_path: Path, changed: tuple[str, ...]
) -> None:
    argv = ("--input-path", simulated / "events.out", "-o", tmp_path / "a.h5", "-q")
    sets = [word for one in changed for word in ("--set", one)]
    done = radiograph("run", imaged / "run.toml", *argv, *METHODS, *SHORT, *sets)
    assert done.code == 0, done.err
    first, second = images_of(imaged / "image.h5"), images_of(tmp_path / "a.h5")
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_prior_ranks_the_nearest_hypotheses_and_not_the_likeliest(
    imaged: Path, simulated: Path, radiograph: Run, tmp_path: Path
) -> None:
    def thin(selection: str, place: str) -> dict[str, np.ndarray]:
        out = tmp_path / f"{selection}{place}.h5"
        done = radiograph(
            "run", imaged / "run.toml", "--input-path", simulated / "events.out", "-o", out, "-q",
            "--set", f"cones.selection={selection}", "--set", "prior.type=point",
            "--set", f"prior.point=[{place}, 0, 0]",
        )  # fmt: skip
        assert done.code == 0, done.err
        with h5py.File(out) as file:
            return {name: file[f"images/summed/{name}"][()] for name in ("n", "g")}

    images = [thin("mixture", place) for place in ("40", "-60")]
    assert all(np.array_equal(images[0][name], images[1][name]) for name in ("n", "g"))
    nearest = thin("min_delta", "40")
    assert not np.array_equal(nearest["g"], thin("min_delta", "-60")["g"])
    assert not np.array_equal(nearest["g"], images[0]["g"])


def test_targets_are_placed_and_a_restart_gives_the_same(
    imaged: Path, radiograph: Run, tmp_path: Path
) -> None:
    argv = ("--input-path", imaged / "image.h5", "--set", "io.input_format=hdf5_ngimager")
    targets = ("reconstructed_images", "region_spectra", "candidate_weights", "focus_curve")
    asked = [part for target in targets for part in ("--target", target)]
    done = radiograph(
        "run", imaged / "run.toml", *argv, *SHORT, "-o", tmp_path / "r.h5", *asked, "--json",
        "--set", "focus.steps=5",
    )  # fmt: skip
    assert done.code == 0, done.err
    values = json.loads(done.out)["values"]
    assert np.shape(values["reconstructed_images"]["all"]) == (20, 30)
    assert len(values["focus_curve"]) == 5
    with h5py.File(imaged / "image.h5") as one, h5py.File(tmp_path / "r.h5") as other:
        first = one["images/mlem/all"][()]
        assert other["images/mlem/all"][()] == pytest.approx(first, abs=1e-3 * first.max())
        spectra = other["reconstruction/region_spectra"]
        total = spectra["counts"][()].sum()
        of_species = [
            one[f"images/mlem/{n}"][()].sum() + one[f"images/mlem/{n}"].attrs["elsewhere_counts"]
            for n in "ng"
        ]
        assert total == pytest.approx(sum(of_species), rel=1e-4)
        weights = other["targets/candidate_weights"][()]
        assert weights.sum() == pytest.approx(sum(of_species), rel=1e-6)


def test_the_report_shows_the_source(imaged: Path, radiograph: Run, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert radiograph("report", imaged / "image.h5", "-o", page).code == 0
    text = page.read_text()
    for words in ("Point sources", "Maximum likelihood", "comparison of the methods", "held out"):
        assert words in text, words


@pytest.mark.parametrize("method", ["weighted", "mlem"])
def test_without_a_plane_there_is_nothing_to_image_on(
    imaged: Path, radiograph: Run, tmp_path: Path, method: str
) -> None:
    text = (imaged / "run.toml").read_text()
    begin = text.index("[plane]")
    end = text.index("\n[", begin + 1)
    (tmp_path / "bare.toml").write_text(text[:begin] + text[end:])
    done = radiograph(
        "run", tmp_path / "bare.toml", "--set", f"imaging.method={method}",
        "--set", "pipeline.until=cones",
    )  # fmt: skip
    assert done.code == 2
    assert f'method "{method}"' in done.err


def test_widths_of_cones_and_hypotheses_stand_in_the_file(imaged: Path) -> None:
    with h5py.File(imaged / "image.h5") as file:
        cones, hypotheses = file["cones"], file["candidates"]
        width, theta = cones["cone_sigma_rad"][()], cones["theta_sigma_rad"][()]
        assert len(width) == len(cones["theta_rad"])
        # Hits of a gamma move its axis and theta together, and the difference less.
        assert np.all(width >= theta, where=cones["species"][()] == 0)
        assert np.all(theta > 0)
        assert cones["cone_sigma_rad"].attrs["units"] == "rad"
        weight, event = hypotheses["weight"][()], hypotheses["event_index"][()]
        of_event = np.bincount(event, weight)
        assert np.all((np.abs(of_event - 1.0) < 1e-5) | (of_event == 0.0))
        possible = hypotheses["status"][()] == 0
        assert np.isnan(hypotheses["cone_sigma_rad"][()][~possible]).all()
        # Of a cone and of its hypothesis.
        own = np.flatnonzero(event == cones["event_index"][0])
        assert np.isclose(hypotheses["cone_sigma_rad"][()][own], width[0]).any()
        significance = file["images/significance"]
        assert set(significance) == {"n", "g", "all"}
        assert significance["n"].shape == significance["all"].shape
