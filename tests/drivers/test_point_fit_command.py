"""Point sources by the command: the line on stdout, the file, --json, a restart, ranges."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

Run = Callable[..., Any]
METHOD = ("--set", "imaging.method=point_fit")
LINE = re.compile(
    r"source at u (\S+) \+- (\S+) \(stat\), v (\S+) \+- (\S+) \(stat\) cm; .* events, .*"
)


@pytest.fixture(scope="module")
def fitted(
    simulated: Path, settings: str, radiograph: Run, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A folder with run.toml and image.h5 with fitted sources, and what was printed."""
    folder = tmp_path_factory.mktemp("fitted")
    (folder / "run.toml").write_text(settings)
    done = radiograph(
        "run", folder / "run.toml", "--input-path", simulated / "events.out", "-q", *METHOD
    )
    assert done.code == 0, done.err
    return folder, done.out


def sources_of(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        group = file["reconstruction/point_sources"]
        return {name: dataset[()] for name, dataset in group.items()}


def test_the_place_and_its_error_are_said_first(fitted: tuple[Path, str]) -> None:
    folder, out = fitted
    line, path = out.splitlines()[:2]
    said = LINE.fullmatch(line)
    assert said is not None, line
    assert path == str(folder / "image.h5")
    found = sources_of(folder / "image.h5")
    for number, name in enumerate(("u_cm", "u_sigma_cm", "v_cm", "v_sigma_cm"), start=1):
        assert float(said[number]) == pytest.approx(found[name][0], abs=0.006)


def test_every_column_has_a_unit_and_a_meaning(fitted: tuple[Path, str]) -> None:
    with h5py.File(fitted[0] / "image.h5") as file:
        for name, dataset in file["reconstruction/point_sources"].items():
            assert dataset.attrs["description"], name
            assert dataset.attrs["units"] == ("cm" if name.endswith("_cm") else
                                              "rad" if name.endswith("_rad") else "")  # fmt: skip


def test_the_thin_image_is_as_it_was(
    fitted: tuple[Path, str], simulated: Path, radiograph: Run, tmp_path: Path
) -> None:
    folder, _ = fitted
    plain = tmp_path / "plain.h5"
    argv = ("--input-path", simulated / "events.out", "-o", plain, "-q")
    assert radiograph("run", folder / "run.toml", *argv).code == 0
    with h5py.File(folder / "image.h5") as one, h5py.File(plain) as other:
        for name in ("n", "g", "all"):
            assert np.array_equal(one[f"images/summed/{name}"], other[f"images/summed/{name}"])
        assert "reconstruction" not in other


def test_the_answer_does_not_depend_on_ranges(
    fitted: tuple[Path, str], simulated: Path, radiograph: Run, tmp_path: Path
) -> None:
    folder, _ = fitted
    again = tmp_path / "again.h5"
    argv = ("--input-path", simulated / "events.out", "-o", again, "-q", *METHOD)
    done = radiograph("run", folder / "run.toml", *argv, "--set", "run.chunk_events=40")
    assert done.code == 0, done.err
    first, second = sources_of(folder / "image.h5"), sources_of(again)
    assert all(np.array_equal(first[n], second[n], equal_nan=True) for n in first)


def test_a_target_is_told_as_json_and_a_restart_gives_the_same(
    fitted: tuple[Path, str], radiograph: Run, tmp_path: Path
) -> None:
    folder, _ = fitted
    argv = ("--input-path", folder / "image.h5", "--set", "io.input_format=hdf5_ngimager")
    done = radiograph(
        "run", folder / "run.toml", *argv, "-o", tmp_path / "r.h5",
        "--target", "point_sources", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    [row] = json.loads(done.out)["values"]["point_sources"]
    stored = sources_of(folder / "image.h5")
    assert row["u_cm"] == pytest.approx(stored["u_cm"][0], abs=1e-6)
    assert row["TS"] == pytest.approx(stored["TS"][0], rel=1e-6)


def test_replicas_are_written_where_they_are_asked_for(
    fitted: tuple[Path, str], simulated: Path, radiograph: Run, tmp_path: Path
) -> None:
    folder, _ = fitted
    out = tmp_path / "b.h5"
    done = radiograph(
        "run", folder / "run.toml", "--input-path", simulated / "events.out", "-o", out, "-q",
        "--target", "bootstrap_sources", "--set", "errors.replicas=5",
        "--set", "errors.level=0.5",
    )  # fmt: skip
    assert done.code == 0, done.err
    with h5py.File(out) as file:
        assert file["reconstruction/bootstrap_sources/replica"][()].tolist() == [0, 1, 2, 3, 4]
        # Of five replicas half lie from the second to the fourth.
        u = np.sort(file["reconstruction/bootstrap_sources/u_cm"][()])
        told = file["reconstruction/bootstrap_source_intervals"]
        assert told["level"][()].tolist() == [0.5] * 3
        assert (told["low"][0], told["high"][0]) == pytest.approx((u[1], u[3]))


def test_bars_that_calibrate_themselves_in_a_run_that_writes_rows(
    fitted: tuple[Path, str], simulated: Path, radiograph: Run, tmp_path: Path
) -> None:
    """Rows of many ranges against targets of one."""
    folder, _ = fitted
    argv = (
        "run", folder / "run.toml", "--input-path", simulated / "events.out", "-q", *METHOD,
        "--set", "calibration.mode=self", "--set", "calibration.steps=['edges']",
    )  # fmt: skip
    done = radiograph(*argv, "-o", tmp_path / "c.h5", "--set", "run.chunk_events=40")
    assert done.code == 0, done.err
    wanted = ("point_sources", "bar_calibration", "filtered_events", "selected_cones")
    targets = [word for name in wanted for word in ("--target", name)]
    asked = radiograph(*argv, "-o", tmp_path / "t.h5", *targets)
    assert asked.code == 0, asked.err
    with h5py.File(tmp_path / "c.h5") as rows, h5py.File(tmp_path / "t.h5") as some:
        assert len(some["calibration/det_id"]) == 12
        assert len(rows["lm/event_type"]) > 0
        # Targets without an image have no imaged cone.
        imaged = {"event_imaged_cone_id", "event_survival"}
        for group in ("cones", "lm"):
            for name in set(some[group]) - imaged:
                if isinstance(some[group][name], h5py.Dataset):
                    one, other = (f[group][name][()] for f in (rows, some))
                    floats = one.dtype.kind == "f"
                    assert np.array_equal(one, other, equal_nan=floats), name
        for name in ("u_cm", "v_cm", "TS"):
            place = f"reconstruction/point_sources/{name}"
            assert np.array_equal(rows[place], some[place])


def test_the_line_with_the_budget_says_the_systematic_error(
    fitted: tuple[Path, str], simulated: Path, radiograph: Run, tmp_path: Path
) -> None:
    folder, _ = fitted
    done = radiograph(
        "run", folder / "run.toml", "--input-path", simulated / "events.out", "-q",
        "-o", tmp_path / "p.h5", "--target", "position_budget", "--target", "prior_leakage",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.out.splitlines()[0].count("(syst)") == 2
    with h5py.File(tmp_path / "p.h5") as file:
        budget = file["reconstruction/position_budget"]
        assert len(budget["u_cm"]) == 9
        assert "point_sources" in file["reconstruction"]
        # What more than statistics is in it stands beside the place.
        total = file["reconstruction/point_sources/u_total_cm"][0]
        assert total == budget["u_cm"][-1]
        assert len(file["reconstruction/prior_leakage/leakage"]) == 20
    for option in ("--budget", "--prior-leakage"):
        picture = tmp_path / f"{option}.png"
        shown = radiograph("inspect", tmp_path / "p.h5", option, "--plot", picture)
        assert shown.code == 0, shown.err
        assert picture.read_bytes().startswith(b"\x89PNG")
        # No bar calibrates itself here: that its errors are not evaluated is said, not 0.
        if option == "--budget":
            [line] = [x for x in shown.out.splitlines() if x.startswith("calibration")]
            assert line.count("not evaluated") == 2
        told = json.loads(radiograph("inspect", tmp_path / "p.h5", option, "--json").out)
        assert len(told[option[2:].replace("-", "_")]) == (9 if option == "--budget" else 20)
    absent = radiograph("inspect", tmp_path / "p.h5", "--pulls")
    assert absent.code == 2
    assert "cone_pulls" in absent.err
    page = tmp_path / "page.html"
    assert radiograph("report", tmp_path / "p.h5", "-o", page).code == 0
    for words in ("What the place may be wrong by", "not evaluated", "five priors"):
        assert words in page.read_text(), words


def test_without_a_plane_there_is_nothing_to_fit_on(
    fitted: tuple[Path, str], radiograph: Run
) -> None:
    folder, _ = fitted
    text = (folder / "run.toml").read_text()
    bare = re.sub(r"\[plane\].*?(?=\n\[|\Z)", "", text, flags=re.DOTALL)
    (folder / "bare.toml").write_text(bare)
    done = radiograph("run", folder / "bare.toml", *METHOD, "--set", "pipeline.until=cones")
    assert done.code == 2
    assert "point_fit" in done.err
    assert "[plane]" in done.err


@pytest.fixture
def leaked(radiograph: Run) -> Callable[..., Any]:
    """The records that inspect --prior-leakage tells of a file."""

    def told(*words: Any) -> Any:
        done = radiograph("inspect", *words, "--json")
        assert done.code == 0, done.err
        return json.loads(done.out)["prior_leakage"]

    return told


def test_any_run_tells_how_far_priors_at_a_distance_pull(
    fitted: tuple[Path, str],
    simulated: Path,
    leaked: Callable[..., Any],
    radiograph: Run,
    tmp_path: Path,
) -> None:
    folder, _ = fitted
    image = folder / "image.h5"
    with h5py.File(image) as file:
        assert "reconstruction/prior_leakage" not in file
    before = image.read_bytes()
    picture = tmp_path / "leakage.png"
    found = leaked(image, "--prior-leakage", "7.5", "--plot", picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert image.read_bytes() == before
    assert [r["prior_u_cm"] for r in found[:5]] == [0.0, 7.5, -7.5, 0.0, 0.0]
    assert {(r["image"], r["selection"]) for r in found} == {
        (i, s) for i in "ng" for s in ("min_delta", "mixture")
    }
    assert len(found) == 20
    # Whether the run made it, or it is made of the events of its file.
    out = tmp_path / "held.h5"
    done = radiograph(
        "run", folder / "run.toml", "--input-path", simulated / "events.out", "-q", "-o", out,
        "--target", "prior_leakage", "--set", "errors.prior_shift_cm=7.5",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert leaked(out, "--prior-leakage=7.5") == found
    # Without a number 20 cm, also where the next word is the file.
    bare = leaked("--prior-leakage", image)
    assert bare == leaked(image, "--prior-leakage", 20) == leaked(image, "--prior-leakage")
    assert bare[1]["prior_u_cm"] == 20.0
    assert bare != found


@pytest.mark.parametrize("distance", ["0", "-5", "nan", "inf"])
def test_a_distance_of_priors_that_is_none_is_refused(
    fitted: tuple[Path, str], radiograph: Run, distance: str
) -> None:
    done = radiograph("inspect", fitted[0] / "image.h5", f"--prior-leakage={distance}")
    assert done.code == 2
    assert f"--prior-leakage {distance}: give a distance above 0 in cm" in done.err


def test_without_a_plane_no_prior_pulls_an_image(
    fitted: tuple[Path, str], simulated: Path, radiograph: Run, tmp_path: Path
) -> None:
    folder, _ = fitted
    text = (folder / "run.toml").read_text()
    bare = re.sub(r"\[plane\].*?(?=\n\[|\Z)", "", text, flags=re.DOTALL)
    (tmp_path / "bare.toml").write_text(bare)
    done = radiograph(
        "run", tmp_path / "bare.toml", "--input-path", simulated / "events.out", "-q",
        "-o", tmp_path / "hits.h5", "--set", "pipeline.until=hits",
    )  # fmt: skip
    assert done.code == 0, done.err
    told = radiograph("inspect", tmp_path / "hits.h5", "--prior-leakage")
    assert told.code == 2
    assert "was run without [plane]" in told.err


def test_a_free_distance_is_said_stored_and_warned_of(
    fitted: tuple[Path, str], simulated: Path, radiograph: Run, tmp_path: Path
) -> None:
    folder, _ = fitted
    out = tmp_path / "free.h5"
    done = radiograph(
        "run", folder / "run.toml", "--input-path", simulated / "events.out", "-o", out, *METHOD,
        "--set", "point_fit.free_distance=true",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "[point_fit] free_distance = true:" in done.err
    assert "cm along the normal" in done.out.splitlines()[0]
    found, held = sources_of(out), sources_of(folder / "image.h5")
    # The plane goes through the source at 0, the array stands 1 m up the axis.
    assert abs(found["distance_cm"][0]) < 60.0
    assert np.isnan(held["distance_cm"][0])
    assert np.isnan(held["distance_sigma_cm"][0])
    page = tmp_path / "page.html"
    assert radiograph("report", out, "-o", page).code == 0
    assert "The distance was fitted too" in page.read_text()


def test_a_file_of_before_has_no_distance_and_is_read(
    fitted: tuple[Path, str], radiograph: Run, tmp_path: Path
) -> None:
    old = tmp_path / "old.h5"
    old.write_bytes((fitted[0] / "image.h5").read_bytes())
    with h5py.File(old, "r+") as file:
        for name in ("distance_cm", "distance_sigma_cm"):
            del file[f"reconstruction/point_sources/{name}"]
    page = tmp_path / "page.html"
    done = radiograph("report", old, "-o", page)
    assert done.code == 0, done.err
    assert "Point sources, the strongest first" in page.read_text()
    assert "The distance was fitted too" not in page.read_text()
