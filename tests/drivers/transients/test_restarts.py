"""A run on the file of an earlier one: what is taken from it, and what it cannot give."""

from __future__ import annotations

import gc
import shutil
import weakref
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from campaigns import small_members, tar_of, write_campaign
from radiograph.drivers.api import pipeline
from radiograph.drivers.config import load_config
from radiograph.drivers.main import guarded
from radiograph.drivers.transients import run as transients_run
from radiograph.drivers.transients import tables
from radiograph.drivers.transients.stored import read_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign that was run, with its samples kept, and is gone."""
    found = tmp_path_factory.mktemp("earlier")
    members = small_members()
    names = list(members)
    members[names[4]] = members[names[4]][:3000]
    members["run_001/notes.dat"] = b"foreign"
    config = write_campaign(found, {"run_001": (tar_of(members, packed=True),)})
    kept = ("--set", "output.samples=iq", "-o", str(found / "kept"))
    assert guarded(["run", str(config), "--quiet"]) == 0
    assert guarded(["run", str(config), "--quiet", *kept]) == 0
    shutil.rmtree(found / "campaign")
    return found


def again(folder: Path, out: Path, *words: str, source: str = "out") -> int:
    """Exit code of a run on the earlier file."""
    command = ["run", str(folder / "transients.toml"), "--quiet", "--no-cache", "-o", str(out)]
    return guarded([*command, "--input-path", str(folder / source / "run_001.h5"), *words])


def datasets(path: Path) -> dict[str, np.ndarray]:
    """What nodes gave."""
    found = {}

    def add(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith(("meta", "provenance")):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(add)
    return found


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray], rtol: float = 0) -> None:
    assert one.keys() == other.keys()
    for name, values in one.items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(other[name], values, rtol, rtol, err_msg=name)
        else:
            np.testing.assert_array_equal(other[name], values, err_msg=name)


def test_the_same_settings_give_the_same_file(folder: Path, tmp_path: Path) -> None:
    assert again(folder, tmp_path) == 0
    assert_same(datasets(folder / "out/run_001.h5"), datasets(tmp_path / "run_001.h5"))
    assert (tmp_path / "run_001_all.csv").read_bytes() == (
        folder / "out/run_001_all.csv"
    ).read_bytes()


def test_a_threshold_is_changed_and_no_recording_is_there(folder: Path, tmp_path: Path) -> None:
    assert again(folder, tmp_path, "--set", "transients.outliers.threshold=0.5") == 0
    before, after = datasets(folder / "out/run_001.h5"), datasets(tmp_path / "run_001.h5")
    assert after["outliers/outliers/outlier"].sum() > before["outliers/outliers/outlier"].sum()
    assert_same(
        {k: v for k, v in before.items() if not k.startswith(("outliers", "maps"))},
        {k: v for k, v in after.items() if not k.startswith(("outliers", "maps"))},
    )


def test_another_fit_is_made_of_the_windows(folder: Path, tmp_path: Path) -> None:
    words = ("--set", "transients.fit.components=2", "--set", "transients.fit.r2_min=0.2")
    assert again(folder, tmp_path, *words, "--until", "features") == 0
    before, after = datasets(folder / "out/run_001.h5"), datasets(tmp_path / "run_001.h5")
    assert np.isfinite(after["features/two_exponential_fits/fit2_lambda1"]).any()
    for name in ("fit_lambda", "fit_N_error", "fit_sse"):
        place = f"features/features/{name}"
        np.testing.assert_allclose(after[place], before[place], rtol=1e-5, err_msg=name)
    # What is no fit is taken as it stands.
    for name in ("trig_val", "flattop_ppm", "baseline_mean_Hz", "largest_step"):
        place = f"features/features/{name}"
        np.testing.assert_array_equal(after[place], before[place], err_msg=name)


def test_other_windows_need_the_samples(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--set", "transients.convention=ml4see")
    assert again(folder, tmp_path, *words) == 3
    said = capsys.readouterr().err
    assert "transients.convention differ" in said
    assert 'samples = "iq"' in said
    assert again(folder, tmp_path, *words, source="kept") == 0
    assert again(folder, tmp_path / "back", "--set", "transients.windows.step=500",
                 source="kept") == 0  # fmt: skip


def test_kept_samples_are_a_source_like_another(folder: Path, tmp_path: Path) -> None:
    path = folder / "kept/run_001.h5"
    with h5py.File(path) as file:
        iq = file["samples/iq"]
        assert (iq.shape, iq.dtype) == ((12, 7000, 2), np.int16)
        assert not iq[4, 744:].any()
    # A setting that no window depends on says from where; the marks of the samples are made again.
    words = ("--set", "transients.quality.dropout_samples=17")
    assert again(folder, tmp_path, *words, source="kept") == 0
    assert_same(datasets(folder / "out/run_001.h5"), datasets(tmp_path / "run_001.h5"))
    older = tmp_path / "older.h5"
    assert guarded(["export", str(path), "--to", "ml4see", "-o", str(older)]) == 0
    with h5py.File(older) as file:
        assert len(file["sdr_data/all"]) == 11


def test_frequencies_are_kept_to_seven_digits(folder: Path, tmp_path: Path) -> None:
    words = ("--set", "output.samples=frequency", "--until", "baseline")
    assert again(folder, tmp_path, *words, source="kept") == 0
    with h5py.File(tmp_path / "run_001.h5") as file:
        kept = file["samples/frequency_Hz"][()]
        assert (kept.shape, kept.dtype) == ((12, 6871), np.float32)
        means = file["baseline/baselines/mean_Hz"][()]
    np.testing.assert_allclose(kept[:, :1800].mean(axis=1, dtype=float), means, rtol=1e-6)


def test_a_file_of_single_quantities_is_no_source(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert again(folder, tmp_path, "--target", "features") == 0
    (folder / "part").mkdir()
    shutil.copy(tmp_path / "run_001.h5", folder / "part")
    assert again(folder, tmp_path / "b", source="part") == 3
    assert "run it up to a stage" in capsys.readouterr().err


def test_python_reads_it_too(folder: Path) -> None:
    settings = {"io.input_path": str(folder / "out")}
    loaded = load_config(folder / "transients.toml", settings=settings)
    flow = pipeline("transients", loaded)
    assert len(flow.run(["features"])["features"]) == 12


def test_what_the_graph_gave_is_gone_when_tables_and_figures_are_made(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[weakref.ref[Any]] = []
    still_there: list[bool] = []
    real = transients_run.write_run

    def noted(session: Any, *args: Any, **kwargs: Any) -> Any:
        report = real(session, *args, **kwargs)
        given.extend(weakref.ref(it) for it in (session, report.values["features"]))
        return report

    def seen(*_: Any) -> list[Path]:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        still_there.extend(it() is not None for it in given)
        return []

    monkeypatch.setattr(transients_run, "write_run", noted)
    monkeypatch.setattr(transients_run, "write_beside", seen)
    assert again(folder, tmp_path / "again.h5") == 0
    assert still_there == [False, False]


def test_tables_do_not_depend_on_their_blocks(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = read_run(folder / "out" / "run_001.h5")
    assert run.n_recordings == 12
    paths = {most: [tmp_path / f"{most}{end}" for end in ("_usable", "_all")] for most in (12, 5)}
    for most, (usable, full) in paths.items():
        monkeypatch.setattr(tables, "_ROWS", most)
        tables.write_csv_tables(run, usable, full)
        tables.write_parquet_table(run, tmp_path / f"{most}.parquet")
    for at_once, in_blocks in zip(*paths.values(), strict=True):
        assert in_blocks.read_bytes() == at_once.read_bytes()
    assert paths[5][1].read_text().count("\n") == 13
    assert paths[5][0].read_text().count("\n") == 12
    one, other = (pd.read_parquet(tmp_path / f"{most}.parquet") for most in paths)
    assert len(one) == 12
    pd.testing.assert_frame_equal(other, one)
