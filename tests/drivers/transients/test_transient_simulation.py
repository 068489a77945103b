"""A simulated campaign as it lies on a server, the command that writes it, and the server."""

from __future__ import annotations

import csv
import hashlib
import io
import socket
import struct
import subprocess
import sys
import tarfile
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.main import guarded
from radiograph.drivers.transients.simulation import write_campaign
from radiograph.nodes.transients.readers.gunzip import opened_stream
from radiograph.schemas.errors import UsageError
from radiograph.schemas.transient_simulation import DAMAGES, TransientSimulationSettings
from radiograph.schemas.transients.logbook import read_logbook
from radiograph.schemas.transients.manifest import read_manifest

SMALL: dict[str, Any] = {"steps": 3, "hits": 4, "n_pre": 1000, "n_post": 4000, "seed": 3}
WHOLE = 24 + 4 * 5000


def settings(**changes: Any) -> TransientSimulationSettings:
    return TransientSimulationSettings.model_validate(SMALL | changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("simulated")
    write_campaign([settings()], found)
    return found


def files_of(paths: list[Path]) -> dict[str, bytes]:
    with (
        io.BufferedReader(opened_stream([str(p) for p in paths])) as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        return {m.name: tar.extractfile(m).read() for m in tar if m.isreg()}  # type: ignore[union-attr]


def recordings(folder: Path) -> dict[str, bytes]:
    return files_of(sorted((folder / "download").glob("run_026.tar*")))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_files_are_those_of_a_campaign(folder: Path) -> None:
    assert sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()) == [
        "damage_026.csv",
        "download/glasgow_data.tar",
        "download/run_026.tar.partaa",
        "download/run_026.tar.partab",
        "download/run_026.tar.partac",
        "logbook.csv",
        "logbook.xlsx",
        "runs_summary.csv",
        "truth_026.csv",
    ]
    manifest = read_manifest(folder / "runs_summary.csv")
    run = manifest.of_run(26)
    parts = [(folder / "download" / part.file).read_bytes() for part in run.parts]
    assert [hashlib.md5(p).hexdigest() for p in parts] == [part.md5 for part in run.parts]
    assert hashlib.md5(b"".join(parts)).hexdigest() == run.md5
    assert parts[0][:2] == b"\x1f\x8b"
    assert manifest.archives[0].parts[0].md5 == ""
    for suffix in ("csv", "xlsx"):
        row = read_logbook(folder / f"logbook.{suffix}").run(26)
        assert (row.n_pre, row.n_post, row.sdr_info_cf) == (1000, 4000, 1.275e9)
        assert (row.scan_x_steps, row.scan_hits_per_step, row.dut_type) == (3, 4, "ADPLL")
    fpga = files_of([folder / "download/glasgow_data.tar"])
    hits = fpga["mcb2022_glasgow/run_026/hit_log.csv"].decode().splitlines()
    assert hits[:2] == ["hw_ts_10us,x_lsb,y_lsb", "0,0,0"]
    # 36 of the scan less one, and two before it.
    assert len(hits) == 1 + 2 + 35


def test_truth_and_damage_tell_of_every_file(folder: Path) -> None:
    found = recordings(folder)
    truth = rows_of(folder / "truth_026.csv")
    header = "kind,amp_ppm,lam,off_ppm,fast_ppm,base_hz,transient,x_lsb,y_lsb,hw_ticks"
    assert ",".join(truth[0]) == header
    assert len(truth) == 38
    assert [row["x_lsb"] for row in truth[-2:]] == ["999999", "999999"]
    assert len(found) == 39
    assert sum(name.endswith("notes.dat") for name in found) == 1
    damage = {row["damage"]: row for row in rows_of(folder / "damage_026.csv")}
    assert set(damage) == {*DAMAGES, "duplicate_overwritten_id"}
    of = {kind: found.get(f"run_026/{row['path']}", b"?") for kind, row in damage.items()}
    sizes = {kind: len(content) for kind, content in of.items()}
    assert sizes["empty"] == 0
    assert sizes["header_cut"] == 10
    assert (sizes["mid_sample"] - 24) % 4 != 0
    assert sizes["half"] == 24 + 2 * 5000
    assert sizes["two_short"] == WHOLE - 8
    assert sizes["too_long"] == WHOLE + 400
    assert struct.unpack_from("<QQQ", of["bad_time"])[1:] == (0, 2_000_000)
    assert not any(of["zeros_all"][24:])
    clipped = np.abs(np.frombuffer(of["clipped"][24:], "<i2").astype(int))
    assert (clipped >= 32752).mean() > 1e-3
    # The overwritten one lies at its own position, with the number of the duplicate.
    assert of["duplicate_overwritten_id"] == b"?"
    number = damage["duplicate"]["transient"].removeprefix("tran_")
    assert sum(name.endswith(f"trig_{number}.dat") for name in found) == 2
    whole = sum(len(content) == WHOLE for content in found.values())
    assert whole == 38 - 6


def test_headers_tell_the_time_of_the_truth(folder: Path) -> None:
    truth = pd.read_csv(folder / "truth_026.csv").set_index("transient")
    for name, content in recordings(folder).items():
        if len(content) != WHOLE:
            continue
        ticks, seconds, microseconds = struct.unpack_from("<QQQ", content)
        if seconds == 0:
            continue
        row = truth[truth["hw_ticks"] == ticks].iloc[0]
        assert f"x_{int(row['x_lsb']):06d}" in name
        at_us = (seconds - 1_652_511_600) * 1_000_000 + microseconds
        assert at_us == ticks // 20


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(
    folder: Path, tmp_path: Path
) -> None:
    for seed, same in ((3, True), (4, False)):
        other = tmp_path / str(seed)
        write_campaign([settings(seed=seed)], other)
        for path in folder.rglob("*.*"):
            if path.is_file() and path.name not in ("glasgow_data.tar",):
                assert ((other / path.relative_to(folder)).read_bytes() == path.read_bytes()) is (
                    same
                )


def test_other_damage_and_packing_leave_samples_as_they_are(folder: Path, tmp_path: Path) -> None:
    write_campaign([settings(damage=(), parts=1, gz=False, foreign=False)], tmp_path)
    path = tmp_path / "download/run_026.tar"
    assert path.read_bytes()[:7] == b"run_026"
    plain = files_of([path])
    assert len(plain) == 38
    assert {len(content) for content in plain.values()} == {WHOLE}
    same = sum(plain.get(name) == content for name, content in recordings(folder).items())
    # Nine kinds of damage change what is in a file, the overwritten number changes a name.
    assert same == 38 - 10
    assert len({content[24:] for content in plain.values()}) == 38


def test_several_runs_make_one_campaign(tmp_path: Path) -> None:
    few = {"steps": 1, "hits": 2, "planted": (), "damage": (), "stray": 0}
    runs = write_campaign([settings(run=n, parts=n - 5, **few) for n in (6, 7)], tmp_path)
    assert [(run.run, run.recordings, len(run.parts)) for run in runs] == [(6, 2, 1), (7, 2, 2)]
    manifest = read_manifest(tmp_path / "runs_summary.csv")
    assert [(a.name, a.split) for a in manifest.archives[1:]] == [
        ("run_006", False),
        ("run_007", True),
    ]
    assert sorted(read_logbook(tmp_path / "logbook.xlsx").rows) == [6, 7]


def test_nothing_is_replaced_unasked(folder: Path) -> None:
    with pytest.raises(UsageError, match="exists already"):
        write_campaign([settings()], folder)


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = "--steps 2 --hits 3 --pre 1000 --post 4000 --damage empty --plant step:3 --port 1234"
    command = ["simulate", "transients", str(tmp_path / "new"), *options.split()]
    assert guarded([*command, "--anomalies", "0", "--noise", "flicker"]) == 0
    said = capsys.readouterr().out
    assert "run 26: 14 recordings in run_026.tar.partaa" in said
    assert "13 inlier, 1 step" in said
    assert "damaged: empty" in said
    assert "http://127.0.0.1:1234/" in (tmp_path / "new/runs_summary.csv").read_text()
    truth = rows_of(tmp_path / "new/truth_026.csv")
    assert truth[3]["kind"] == "step"
    assert guarded(command) == 2
    assert guarded(["simulate", "transients", "--list-kinds"]) == 0
    assert "carrier_loss" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "no folder"),
        (["x", "--plant", "wobble"], "'wobble' is no anomaly"),
        (["x", "--damage", "wet"], "'wet' is no damage"),
        (["x", "--steps", "0"], "--steps = 0"),
        (["x", "--steps", "1", "--hits", "1"], "20 recordings are to be anomalous or damaged"),
        (["--serve", "nowhere"], "is no folder"),
        (["--serve", ".", "--mode", "slow"], "slow"),
    ],
)
def test_wrong_options_are_told(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(["simulate", "transients", *options]) == 2
    assert said in capsys.readouterr().err


def test_a_port_in_use_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert (
            guarded(["simulate", "transients", "--serve", str(tmp_path), "--port", str(port)]) == 2
        )
    assert "name another" in capsys.readouterr().err


def test_the_server_serves_until_it_is_interrupted(folder: Path) -> None:
    command = "from radiograph.drivers.main import cli; cli()"
    options = ["simulate", "transients", "--serve", str(folder / "download"), "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-c", command, *options, "--cut", "1000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[0]
        with urllib.request.urlopen(f"{url}glasgow_data.tar", timeout=10) as answer:
            assert len(answer.read(2000)) == 1000
        with urllib.request.urlopen(f"{url}glasgow_data.tar", timeout=10) as answer:
            assert answer.read() == (folder / "download/glasgow_data.tar").read_bytes()
    finally:
        process.terminate()
        process.communicate()
    assert process.returncode == 130
