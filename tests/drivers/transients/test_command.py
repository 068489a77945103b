"""The command as a user runs it: files, answers, exit codes, what a changed setting costs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import uproot
from campaigns import recording, samples, small_members, tar_of, write_campaign
from radiograph.drivers.main import guarded
from radiograph.drivers.runfile.verifying import dataset_hashes
from radiograph.drivers.transients.stored import read_run
from radiograph.schemas.transients.layout import FPGA_HITS, RecordingName, fpga_path, recording_path

SIXTEEN = [
    "transient", "x_lsb", "y_lsb", "x_um", "y_um", "trig_val", "pretrig_min", "posttrig_min",
    "pretrig_max", "posttrig_max", "pretrig_std", "posttrig_std", "posttrig_exp_fit_R2",
    "posttrig_exp_fit_N", "posttrig_exp_fit_λ", "posttrig_exp_fit_c",
]  # fmt: skip


def answered(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = guarded(["run", *words, "--json", "--quiet"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def members() -> dict[str, bytes]:
    found = small_members()
    names = list(found)
    found[names[4]] = found[names[4]][:3000]
    found["run_001/notes.dat"] = b"foreign"
    return found


def test_dask_gives_the_same(
    tmp_path: Path,
    members: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
    scheduler: str,
) -> None:
    """An archive goes to one worker, in its order; threads are shared out among the workers."""
    config = write_campaign(tmp_path, {"run_001": [tar_of(members, packed=True)]})
    found = []
    for name, how in (("here", ()), ("there", ("--executor", "dask", "--scheduler", scheduler))):
        out = tmp_path / f"{name}.h5"
        words = (str(config), "-o", str(out), "--no-cache", "--set", "run.chunk_events=5", *how)
        assert answered(capsys, *words)[0] == 0
        with h5py.File(out) as file:
            found.append(dataset_hashes(file))
    assert found[0] == found[1]
    assert "/features/features/fit_R2" in found[0]


def test_archives_that_arrive(
    tmp_path: Path,
    members: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The campaign is run over what is there of it; an output of a run stays."""
    config = write_campaign(tmp_path, {"run_001": [tar_of(members, packed=True)]})
    folder = str(tmp_path / "campaign" / "download")
    argv = ["watch", folder, str(config), "--once", "--settled", "0", "--interval", "0.05"]
    monkeypatch.setattr("sys.argv", ["radiograph", *argv])
    for _ in range(2):
        assert guarded(argv) == 0
        assert capsys.readouterr().out == "run_001.tar: 1 file in run_001.h5\n"
    with h5py.File(tmp_path / "out" / "run_001.h5") as file:
        assert file["structure/recording_table/number"].shape == (12,)
    monkeypatch.setattr("sys.argv", ["radiograph", "run", str(config)])
    assert answered(capsys, str(config), "--overwrite")[0] == 0
    assert guarded(argv) == 2


def test_a_campaign(
    tmp_path: Path, members: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tar_of(members, packed=True)
    half = len(packed) // 2
    config = write_campaign(tmp_path, {"run_001": (packed[:half], packed[half:])})
    hits = tmp_path / "campaign" / fpga_path(1, FPGA_HITS)
    hits.parent.mkdir(parents=True)
    hits.write_text("hw_ts_10us,x_lsb,y_lsb\nten,1,2\n", "utf-8")
    code, answer = answered(capsys, str(config))
    assert code == 0
    assert answer["counters"]["hits_without_time"] == 1
    (told,) = answer["warnings"]
    assert "1 of 1 rows of the hit log have no time" in told
    assert "line 2: 'ten'" in told
    summary = answer["summary"]["run_001"]
    assert (summary["recordings"], summary["usable"], summary["foreign_members"]) == (12, 11, 1)
    assert summary["quality"]["short"] == 1
    assert answer["counters"]["recordings"] == 12
    assert answer["verdict"][0]["status"] == "pass"
    out = tmp_path / "out"
    assert [Path(p).name for p in answer["files"]] == [
        "run_001.h5", "run_001.csv", "run_001_all.csv",
    ]  # fmt: skip
    with (out / "run_001.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == [SIXTEEN[0], "type", *SIXTEEN[1:]]
    assert len(rows) == 12
    with (out / "run_001_all.csv").open(encoding="utf-8") as file:
        every = list(csv.DictReader(file))
    assert len(every) == 12
    assert every[4]["quality"] == "1"
    assert every[4]["trig_val"] == every[4]["outlier"] == ""
    with h5py.File(out / "run_001.h5") as file:
        assert file["features/features/trig_val"].attrs["units"] == "ppm"
        assert file["features/post_window_means_ppm"].dtype == np.float32
        assert file["features/post_window_means_ppm"].shape == (12, 18)
        assert file["structure/run_metadata/dut_name"][()] == b"ADPLL1"
        assert "incomplete" not in file.attrs
    # Twice is not without consent; and then nothing is read again.
    assert answered(capsys, str(config))[0] == 2
    code, again = answered(capsys, str(config), "--overwrite")
    assert code == 0
    nodes = again["nodes"]
    assert {nodes[n]["status"] for n in ("features", "trace_features", "outliers")} == {"hit"}
    code, changed = answered(
        capsys, str(config), "--overwrite", "--set", "transients.outliers.threshold=4.0"
    )
    nodes = changed["nodes"]
    assert nodes["outliers"]["status"] == "executed"
    assert {nodes[n]["status"] for n in ("features", "trace_features", "baselines")} == {"hit"}
    assert nodes.get("recordings", {"status": "skipped"})["status"] != "executed"
    code, changed = answered(
        capsys, str(config), "--overwrite", "--set", "transients.fit.r2_min=0.2"
    )
    assert changed["nodes"]["exponential_fits"]["status"] == "executed"
    assert changed["nodes"]["baselines"]["status"] == "hit"


def test_an_archive_that_is_cut(
    tmp_path: Path, members: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    whole = tar_of(members, packed=True)
    cut = whole[: 2 * len(whole) // 3]
    config = write_campaign(tmp_path, {"run_001": (cut,), "run_002": (tar_of({}, packed=True),)})
    seen = []
    for _ in range(2):
        code, answer = answered(capsys, str(config), "--overwrite")
        assert code == 3
        (failure,) = answer["failed"]
        assert failure["code"] == "archive_cut"
        seen.append(failure["message"])
        with h5py.File(tmp_path / "out" / "run_001.h5") as file:
            assert "archive is cut" in file.attrs["incomplete"]
            assert 0 < len(file["structure/recording_table/number"]) < 12
        # The other run, of an empty archive, is there.
        with h5py.File(tmp_path / "out" / "run_002.h5") as file:
            assert len(file["structure/recording_table/number"]) == 0
    # The second time the end is remembered, not found again.
    assert seen[0] == seen[1]
    (tmp_path / "out" / "run_001.h5").unlink()
    (tmp_path / "out" / "run_002.h5").unlink()
    fail = ("--set", "io.on_bad_file=fail", "--no-cache", "--overwrite")
    capsys.readouterr()
    assert guarded(["run", str(config), *fail, "--quiet"]) == 3
    assert "archive is cut" in capsys.readouterr().err
    assert not (tmp_path / "out" / "run_001.h5").exists()


def test_all_unusable_and_too_many_unusable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [recording_path(RecordingName(1, 0, 0, k)) for k in range(4)]
    good = recording(samples(5.0, 8000.0, 1), 1)
    short = tar_of([(name, good[:999]) for name in names], packed=True)
    some = tar_of([(names[0], good), (names[1], good[:99]), *((n, good) for n in names[2:])],
                  packed=True)  # fmt: skip
    config = write_campaign(tmp_path / "a", {"run_001": (short,)})
    code, answer = answered(capsys, str(config))
    assert code == 3
    assert answer["failed"][0]["code"] == "nothing_usable"
    config = write_campaign(tmp_path / "b", {"run_001": (some,)})
    code, answer = answered(capsys, str(config))
    assert code == 4
    assert "1 of 4 recordings are unusable" in answer["warnings"][0]
    setting = ("--set", "transients.max_unusable_fraction=0.3", "--overwrite")
    assert answered(capsys, str(config), *setting)[0] == 0


def test_inputs_that_are_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    html = b"<!DOCTYPE html><p>404</p>" * 40
    config = write_campaign(tmp_path / "a", {"run_001": (html,)})

    def told(config: Path, *words: str) -> tuple[int, str]:
        code, answer = answered(capsys, str(config), *words)
        return code, answer["error"]["message"]

    code, text = told(config)
    assert code == 3
    assert "HTML page" in text
    assert not list((tmp_path / "a" / "out").glob("*"))
    code, text = told(config, "--set", "transients.runs=[7]")
    assert code == 2
    assert "no run '7'" in text
    (tmp_path / "a" / "campaign" / "runs_summary.csv").unlink()
    assert told(config)[0] == 3
    for key, value, words in (
        ("sdr_info_fs", 0, "above 0"),
        ("sdr_info_len_pretrig", 600, "guard + window"),
        ("sdr_info_len_posttrig", 2000, "10 steps"),
        ("sdr_info_fs", 1e6, "sample rate"),
    ):
        folder = tmp_path / f"{key}{value}"
        config = write_campaign(
            folder, {"run_001": (tar_of({}, packed=True),)}, keys={1: {key: value}}
        )
        code, text = told(config)
        assert code == 3, key
        assert words in text
    (folder / "campaign" / "logbook.csv").unlink()
    code, text = told(config)
    assert code == 3
    assert "no logbook" in text


def test_settings_that_exclude_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_campaign(tmp_path, {"run_001": (tar_of({}, packed=True),)})
    for setting, words in (
        ("transients.demodulation.decimate=3", "does not divide"),
        ("transients.demodulation.stop_MHz=2.0", "must be above"),
        ("transients.demodulation.taps=128", "even"),
        ('transients.outliers.decide="forest"', "needs a forest"),
        ('transients.outliers.forest="isotree"', 'allowed: "none" or "sklearn"'),
    ):
        code, answer = answered(capsys, str(config), "--set", setting)
        assert code == 2
        assert words in answer["error"]["message"]


def test_the_older_layout_gives_the_same_features(
    tmp_path: Path, members: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_campaign(tmp_path, {"run_001": (tar_of(members, packed=True),)})
    assert answered(capsys, str(config))[0] == 0
    source = tmp_path / "out" / "run_001.h5"
    older = tmp_path / "older" / "run_001.h5"
    assert guarded(["export", str(source), "--to", "ml4see", "-o", str(older)]) == 0
    code, _ = answered(capsys, str(config), "--input-path", str(older), "-o", str(tmp_path / "b"))
    assert code == 0
    with h5py.File(source) as first, h5py.File(tmp_path / "b" / "run_001.h5") as second:
        usable = first["features/features/usable"][:]
        for name in ("number", "x_lsb", "trig_val", "posttrig_std", "fit_lambda", "sys_time_s"):
            np.testing.assert_allclose(
                second[f"features/features/{name}"][:],
                first[f"features/features/{name}"][:][usable],
                rtol=1e-6,
                err_msg=name,
            )
    for to in ("sigmf", "csv", "parquet", "root"):
        assert guarded(["export", str(source), "--to", to, "-o", str(tmp_path / to)]) == 0
    with uproot.open(tmp_path / "root" / "run_001.root") as trees:
        assert trees["features"].num_entries == trees["recording_table"].num_entries > 0
    meta = json.loads((tmp_path / "sigmf" / "run_001.sigmf-meta").read_text())
    assert len(meta["captures"]) == 11
    n_bytes = (tmp_path / "sigmf" / "run_001.sigmf-data").stat().st_size
    assert n_bytes == 11 * (24 + 4 * 7000)


def test_a_file_of_a_run_is_verified_and_reported(
    tmp_path: Path, members: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_campaign(tmp_path, {"run_001": (tar_of(members, packed=True),)})
    assert answered(capsys, str(config))[0] == 0
    source = tmp_path / "out" / "run_001.h5"
    _check_shown(source)
    assert guarded(["verify", str(source)]) == 0
    assert guarded(["info", str(source)]) == 0
    assert "structure" in capsys.readouterr().out
    assert guarded(["report", str(source), "-o", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    assert "11 of 12 recordings usable" in page
    assert page.count("data:image/png") >= 7


def _check_shown(source: Path) -> None:
    """Of the windows only those that are drawn are read, each at its recording and its time."""
    run = read_run(source)
    assert run.features is not None
    assert run.times_s is not None
    assert run.shown is not None
    assert len(run.shown.rows) == 11
    for k, row in enumerate(run.shown.rows):
        # The first window is a feature by itself.
        trig_val = run.features["trig_val"][row]
        np.testing.assert_allclose(run.shown.post_ppm[k, 0], trig_val, rtol=1e-6)
        assert run.shown.pre_ppm[k].max() == pytest.approx(run.features["pretrig_max"][row])
    # Windows of 500 samples every 250 from the first filtered sample on, which is centred 64.5
    # samples late; 2000 samples before the trigger.
    np.testing.assert_allclose(
        run.shown.pre_times_s * 20e6, np.arange(6) * 250 + 64.5 - 2000, rtol=1e-9
    )
    assert read_run(source, with_windows=False).shown is None
