"""The commands as a user gives them, on small RNTuples: answers, exit codes, files."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pytest
import uproot
from radiograph.drivers import pipeline
from radiograph.drivers.cache.opening import CacheOptions
from radiograph.drivers.cosmics.stored import stored
from radiograph.drivers.cosmics.tables import of_note, shown, tables_of, tex_of
from radiograph.drivers.engine.executors import ProcessExecutor
from radiograph.drivers.main import guarded

SETTINGS = """
[pipeline]
name = "cosmics"
[io]
input_path = "nts.*.root"
output_path = "out.h5"
[output]
figures = false
report = false
formats = ["csv", "json", "tex", "root"]
event_info = true
[cache]
dir = "cache"
"""
F4 = np.float32


def events_of(rng: np.random.Generator, n: int, subrun: int) -> dict[str, Any]:
    """Events of one track through the tracker, half of them with a coincidence at once."""

    def column(values: Any) -> Any:
        return ak.unflatten(values, np.ones(n, np.int64))

    def segment(values: Any) -> Any:
        return ak.unflatten(ak.unflatten(values, np.full(n, 3)), np.ones(n, np.int64))

    p = np.repeat(rng.normal(104.3, 1.0, n).astype(F4), 3)
    time = np.repeat(rng.uniform(700, 1600, n), 3)
    zero = segment(np.zeros(3 * n, F4))
    flat = {
        "fX": segment(p * F4(0.8)), "fY": zero, "fZ": segment(p * F4(0.6)),
    }  # fmt: skip
    three = ("fX", "fY", "fZ")
    segments = ak.zip(
        {
            "mom": ak.zip({"fCoordinates": ak.zip({c: flat[c] for c in three})}),
            "time": segment(time),
            "momerr": segment(np.full(3 * n, 0.2, F4)),
            "sid": segment(np.tile(np.arange(3, dtype=np.int32), n)),
        }
    )
    helix = ak.zip({name: segment(np.full(3 * n, value, F4)) for name, value in
                    (("maxr", 600), ("d0", 20), ("t0err", 0.5))})  # fmt: skip
    whole = {name: segment(np.full(3 * n, 11, np.int32)) for name in ("nhits", "pdg", "rank")}
    codes = {name: segment(np.full(3 * n, 44, np.int32)) for name in ("startCode", "gen")}
    truth = ak.zip({**whole, **codes, "mom": segments["mom"]})
    has = (np.arange(n) % 2).astype(np.int64)
    at = time[::3][has == 1].astype(F4) - F4(50)
    floats = {name: ak.unflatten(at, has) for name in ("time", "timeStart", "timeEnd", "PEs")}
    whole = {name: ak.unflatten(np.ones(len(at), np.int32), has)
             for name in ("nHits", "nLayers", "sectorType")}  # fmt: skip
    places = ak.zip({"fCoordinates": ak.zip(dict.fromkeys(three, floats["PEs"]))})
    return {
        "evtinfo": ak.zip({"run": np.full(n, 1, np.int32), "subrun": np.full(n, subrun, np.int32),
                           "event": np.arange(n, dtype=np.int32)}),
        "trk": ak.zip({"pdg": column(np.full(n, 11, np.int32)),
                       "nactive": column(np.full(n, 40, np.int32))}),
        "trkqual": ak.zip({"result": column(np.full(n, 0.95, F4))}),
        "trksegs": segments,
        "trksegpars_lh": helix,
        "trkmcsim": truth,
        "crvcoincs": ak.zip({**floats, **whole, "pos": places}),
    }  # fmt: skip


def written(path: Path, n: int, subrun: int, **left_out: Any) -> Path:
    data = events_of(np.random.default_rng(subrun), n, subrun)
    data = {name: values for name, values in data.items() if name not in left_out}
    with uproot.recreate(path) as file:
        folder = file.mkdir("EventNtuple")
        folder.mkrntuple("ntuple", data)
        totals = {"run": "i4", "subrun": "i4", "genEventCount": "i8", "procEventCount": "i8",
                  "cosmicLivetime": "f4"}  # fmt: skip
        folder.mktree("subrunNtuple", totals).extend(
            {"run": [1], "subrun": [subrun], "genEventCount": [100 * n], "procEventCount": [n],
             "cosmicLivetime": [10.0]}
        )  # fmt: skip
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for subrun in range(3):
        written(tmp_path / f"nts.{subrun}.root", 20, subrun)
    (tmp_path / "c.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


Ran = Callable[..., dict[str, Any]]


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Ran:
    def ran(*argv: str) -> dict[str, Any]:
        code = guarded([*argv, "--json"])
        return {**json.loads(capsys.readouterr().out), "code": code}

    return ran


def test_a_run_and_what_stands_beside_it(run: Ran, folder: Path) -> None:
    done = run("run", "c.toml")
    assert (done["code"], done["status"], done["summary"]["verdict"]) == (0, "ok", "pass")
    assert {Path(path).name for path in done["files"]} == {
        "out.h5", "out_cut_flow.csv", "out_cut_flow.tex", "out_analysis.csv", "out_analysis.tex",
        "out_tables.json", "out_hists.root", "out_info.txt",
    }  # fmt: skip
    with h5py.File("out.h5") as file:
        assert file["histograms/mom_wide/values"].shape == (117, 4)
        assert file["histograms/mom_wide/axes/axis_0/edges"].shape == (116,)
        assert file["normalisation/normalisation/livetime_s"][()] == 30.0
        assert file["provenance/input_files/status"].shape == (3,)
    assert run("run", "c.toml")["error"]["code"] == "output_exists"
    assert run("verify", "out.h5")["equal"]


def test_every_number_is_the_same_everywhere(run: Ran) -> None:
    run("run", "c.toml")
    tables = tables_of(stored(Path("out.h5")))
    told = json.loads(Path("out_tables.json").read_text())["tables"]
    for name in ("cut_flow", "analysis"):
        table = tables[name]
        rows = list(csv.reader(Path(f"out_{name}.csv").read_text().splitlines()))
        assert rows[0] == list(table.columns)
        for k, row in enumerate(table.itertuples(index=False)):
            for value, text, (key, as_json) in zip(
                row, rows[k + 1], told[name][k].items(), strict=True
            ):
                if not isinstance(value, (int, float)):
                    continue
                is_known = value == value
                assert (float(text) == value) if is_known else text == "", key
                assert as_json == (value if is_known else None), key
        # Of LaTeX the columns that a page has room for, with what is not known as a dash.
        tex = Path(f"out_{name}.tex").read_text().split("\\midrule\n")[1].split("\n")
        for k, row in enumerate(of_note(name, table).itertuples(index=False)):
            cells = tex[k].removesuffix(r" \\").split(" & ")
            assert cells == [tex_of(shown(value)) for value in row]
    with uproot.open("out_hists.root") as file:
        found = stored(Path("out.h5")).histograms["dT"]
        assert file["dT_Select"].values(flow=True).tolist() == found.values[:, 2].tolist()


def test_other_thresholds_read_no_file(run: Ran, folder: Path) -> None:
    run("run", "c.toml", "--target", "cut_flow", "-o", "a.h5")
    for path in folder.glob("nts.*.root"):
        path.chmod(0o444)
    done = run("run", "c.toml", "--target", "cut_flow", "-o", "b.h5", "--set",
               "cuts.thresholds.lo_trkqual=0.96")  # fmt: skip
    status = {name: node["status"] for name, node in done["nodes"].items()}
    for name in ("events", "tracks", "segments", "coincidences", "track_extremes"):
        assert status[name] in ("hit", "skipped"), name
    assert status["cut_flow"] == "executed"
    assert done["values"]["cut_flow"][-1]["events"] == 0


def test_another_threshold_from_python(folder: Path) -> None:
    usual = pipeline("cosmics", "c.toml").run("cut_flow")["cut_flow"]
    changed = {"cuts.thresholds.lo_trkqual": 0.96}
    found = pipeline("cosmics", folder / "c.toml", changed).run("cut_flow")["cut_flow"]
    assert usual["events"].iloc[-1] > 0
    assert found["events"].iloc[-1] == 0


def test_flow_prints_what_run_does(run: Ran) -> None:
    done = run("run", "c.toml", "--target", "cut_flow")
    flow = run("cosmics", "flow", "nts.0.root", "nts.1.root", "nts.2.root", "--no-cache")
    for key in ("values", "summary", "verdict", "exit_code", "pipeline", "status"):
        assert flow[key] == done[key], key
    assert flow.keys() == done.keys()


def test_a_broken_file_ends_the_run(run: Ran, folder: Path) -> None:
    (folder / "nts.1.root").write_bytes((folder / "nts.1.root").read_bytes()[:900])
    done = run("run", "c.toml")
    assert (done["code"], "nts.1.root" in done["error"]["message"]) == (3, True)
    assert not (folder / "out.h5").exists()


def test_a_broken_file_is_left_out_with_all_that_it_stood_for(run: Ran, folder: Path) -> None:
    (folder / "nts.1.root").write_bytes((folder / "nts.1.root").read_bytes()[:900])
    skip = ("--set", 'io.on_bad_file="skip"')
    done = run("run", "c.toml", *skip)
    assert (done["code"], done["summary"]["verdict"]) == (3, "fail")
    found = stored(folder / "out.h5")
    assert found.normalisation["livetime_s"] == 20.0
    assert found.input_files["status"].tolist() == ["read", "failed", "read"]
    for name in ("out_cut_flow.csv", "out_analysis.csv", "out_cut_flow.tex", "out_tables.json"):
        assert "NOT COMPLETE: 2 of 3 files were read" in (folder / name).read_text()
    allowed = run("run", "c.toml", *skip, "--overwrite", "--set", "normalisation.min_fraction=0.6")
    assert (allowed["code"], allowed["summary"]["verdict"]) == (3, "pass")


def test_settings_that_contradict_the_files_fail(run: Ran) -> None:
    done = run("run", "c.toml", "--set", "normalisation.livetime_s=31.0")
    assert (done["code"], done["summary"]["verdict"]) == (4, "fail")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.root", b"", "is empty"),
        ("x.root", b"hello", "neither a ROOT nor a Parquet file"),
        ("x.root", b"root\0" + bytes(400), "has no tree"),
        ("x.parquet", b"PAR1" + bytes(400), "cannot be read"),
        ("absent.root", None, "no such file"),
    ],
)
def test_files_that_are_none(run: Ran, folder: Path, name: str, content: Any, said: str) -> None:
    if content is not None:
        (folder / name).write_bytes(content)
    done = run("run", "c.toml", name)
    assert (done["code"], len(done["error"]["message"].splitlines())) == (3, 1)
    assert re.search(said, done["error"]["message"])
    assert not (folder / "out.h5").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nts.0.root", "nts.0.root"), 2, "twice"),
        (("no.*.root",), 3, "no file has such a name"),
        (("--set", 'io.tree="EventNtuple/x"'), 3, "it has EventNtuple/ntuple"),
        (("--set", 'io.file_list="no.txt"', "--set", 'io.input_path=""'), 3, "list of files"),
        (("--set", 'cuts.cutset="alhpa"'), 2, "Did you mean alpha"),
        (("--set", "cuts.thresholds.lo_t0_ns=1700"), 2, "not below hi_t0_ns"),
        (("--set", "veto.lo_ns=[5.0, 1.0]"), 2, "ascend"),
        (("--set", "veto.lo_ns=[500.0]"), 2, "is not below hi_ns"),
        (("--set", "histograms.t1.bins=5"), 2, "no histogram 't1'"),
        (("--set", "scan.lo_x=[1.0]"), 2, "no threshold 'lo_x'"),
    ],
)
def test_what_cannot_be_is_said(run: Ran, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = run("run", "c.toml", *arguments)
    assert done["code"] == code
    assert said in done["error"]["message"]


def test_no_number_depends_on_the_processes(
    run: Ran, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def counted(workers: int, cache: CacheOptions) -> ProcessExecutor:
        asked.append(workers)
        return ProcessExecutor(workers, cache)

    monkeypatch.setattr("radiograph.drivers.engine.running.ProcessExecutor", counted)
    alone = run("run", "c.toml", "--no-cache")
    assert asked == []
    several = run("run", "c.toml", "--no-cache", "-o", "several.h5", "--set", "run.workers=2",
                  "--set", "run.chunk_events=7")  # fmt: skip
    assert asked == [2]
    assert (several["code"], several["summary"]) == (0, alone["summary"])
    one, other = stored(Path("out.h5")), stored(Path("several.h5"))
    for name, table in one.frames.items():
        pd.testing.assert_frame_equal(table, other.frames[name], obj=name)
    for name, histogram in one.histograms.items():
        assert (histogram.values == other.histograms[name].values).all(), name
    assert one.window_rates == other.window_rates


def listing(*command: str) -> tuple[str, ...]:
    return ("--set", "io.input_path=''", "--set", f"io.file_list_command={json.dumps(command)}")


def test_a_program_names_the_files(run: Ran, folder: Path) -> None:
    (folder / "list.txt").write_text("# a comment\nnts.2.root\n\nnts.0.root\n")
    (folder / "list.sh").write_text("#!/bin/sh\necho >> asked\ncat list.txt\n")
    (folder / "list.sh").chmod(0o755)
    done = run("run", "c.toml", "--target", "cut_flow", *listing("./list.sh"))
    assert [Path(name).name for name in done["input"]] == ["nts.2.root", "nts.0.root"]
    assert done["values"]["cut_flow"][0]["events"] == 40
    assert (folder / "asked").read_text() == "\n"
    # A file of the command line stands in the place of all that the settings name.
    one = run("run", "c.toml", "nts.1.root", "--target", "cut_flow", "-o", "one.h5",
              "--set", 'io.file_list_command=["false"]')  # fmt: skip
    assert one["values"]["cut_flow"][0]["events"] == 20


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("no-such-program", "x"), "no-such-program x: cannot be run"),
        (("sh", "-c", "echo no ticket >&2; exit 7"), 'ended with code 7 and said "no ticket"'),
        (("true",), "names no file"),
        (("echo", "absent.root"), "no such file"),
    ],
)
def test_a_program_that_names_none(run: Ran, command: tuple[str, ...], said: str) -> None:
    done = run("run", "c.toml", *listing(*command))
    assert done["code"] == 3
    assert said in done["error"]["message"]


@pytest.mark.parametrize("address", ["root://host:1094//a/nts.1.root", "https://host/nts.1.root"])
def test_a_remote_file_is_told_as_such(run: Ran, address: str) -> None:
    for arguments in ((address,), listing("echo", address)):
        done = run("run", "c.toml", *arguments)
        assert (done["code"], done["error"]["code"]) == (3, "remote_file")
        assert address.replace("//a", "/a") in done["error"]["message"]
        assert "Copy it first" in done["error"]["message"]


def test_the_same_event_in_two_files(run: Ran, folder: Path) -> None:
    (folder / "nts.9.root").write_bytes((folder / "nts.0.root").read_bytes())
    done = run("run", "c.toml")
    assert (done["code"], done["error"]["code"]) == (3, "event_twice")
    assert "nts.9.root" in done["error"]["message"]
    allowed = run("run", "c.toml", "--set", "io.allow_duplicates=true")
    assert allowed["code"] == 4


def test_a_missing_leaf_names_who_needs_it(run: Ran, folder: Path) -> None:
    bare = written(folder / "bare.root", 5, 7, trksegs=None)
    done = run("run", "c.toml", bare.name)
    assert done["code"] == 3
    assert "has no leaf trksegs.sid, which the cut thru_trk needs" in done["error"]["message"]


def test_no_events_are_no_failure(run: Ran, folder: Path) -> None:
    empty = written(folder / "empty.root", 0, 8)
    done = run("run", "c.toml", empty.name, "--target", "cut_flow", "--target", "window_rates")
    flow = done["values"]["cut_flow"]
    assert [row["events"] for row in flow] == [0] * len(flow)
    assert flow[1]["absolute_pct"] == 0.0
    assert done["values"]["window_rates"]["Wide"]["veto_efficiency"] is None


def test_a_scan_is_what_single_runs_give(run: Ran) -> None:
    values = (103.0, 104.0)
    scan = f"scan.lo_sig_win_mevc={list(values)}"
    done = run("run", "c.toml", "--target", "threshold_scans", "--set", scan, "-o", "s.h5")
    for k, value in enumerate(values):
        one = run("run", "c.toml", "--target", "cut_flow", "-o", f"{k}.h5", "--set",
                  f"cuts.thresholds.lo_sig_win_mevc={value}")  # fmt: skip
        row = done["values"]["threshold_scans"][k]
        assert row["events"] == one["values"]["cut_flow"][-1]["events"]


def test_every_time_difference_as_a_table(run: Ran) -> None:
    import pyarrow.parquet as pq

    done = run("run", "c.toml", "--set", "output.dt_table=true", "--set", "output.events=true",
               "--set", "normalisation.weight=2.0")  # fmt: skip
    assert done["code"] == 0
    table = pq.read_table("out_dT.parquet").to_pandas()
    assert len(table) == 30
    assert table["dT_ns"].to_numpy() == pytest.approx(50.0, abs=1e-3)
    assert not table["cut_unvetoed"].any()
    events = pq.read_table("out_events.parquet").to_pandas()
    assert len(events) == done["summary"]["unvetoed_events"] > 0
    assert all(of_track.all() for of_track in events["cut_unvetoed"])
    # What is left is left again.
    again = run("run", "c.toml", "out_events.parquet", "--target", "cut_flow", "-o", "again.h5")
    last = run("run", "c.toml", "--target", "cut_flow", "-o", "last.h5")["values"]["cut_flow"][-1]
    assert again["values"]["cut_flow"][0]["events"] == len(events)
    assert again["values"]["cut_flow"][-1]["events"] == last["events"] > 0
    with h5py.File("out.h5") as file:
        flow = file["flow/weighted_cut_flow"]
        assert flow["weighted"][0] == 120.0
        assert flow["weighted_error"][0] == pytest.approx(2 * 60**0.5)


def test_an_event_with_two_surviving_tracks_is_one_row(run: Ran, folder: Path) -> None:
    import pyarrow.parquet as pq

    one = events_of(np.random.default_rng(5), 20, 5)
    in_event = ("trk", "trkqual", "trksegs", "trksegpars_lh", "trkmcsim")
    twice = {name: ak.concatenate([values, values], axis=1) if name in in_event else values
             for name, values in one.items()}  # fmt: skip
    with uproot.recreate(folder / "two.root") as file:
        file.mkdir("EventNtuple").mkrntuple("ntuple", twice)
    # Both fits of an event are one particle: the cut on their number is off.
    options = ("--set", "output.events=true", "--set", "cuts.toggle_cuts.one_reco_electron=false")
    done = run("run", "c.toml", "two.root", *options)
    n = done["summary"]["unvetoed_events"]
    assert n > 0
    events = pq.read_table("out_events.parquet").to_pandas()
    assert len(events) == n
    assert {len(of_event["trk.pdg"]) for of_event in events["trk"]} == {2}
    assert {len(of_event) for of_event in events["cut_unvetoed"]} == {2}
    again = run("run", "c.toml", "out_events.parquet", *options, "-o", "again.h5",
                "--target", "cut_flow")  # fmt: skip
    assert again["code"] == 0
    last = again["values"]["cut_flow"][-1]
    first = run("run", "c.toml", "two.root", *options, "-o", "first.h5",
                "--target", "cut_flow")["values"]["cut_flow"][-1]  # fmt: skip
    assert (last["events"], last["tracks"]) == (first["events"], first["tracks"])
    assert last["tracks"] == 2 * last["events"] > 0


def test_the_command_scans_two_thresholds(run: Ran) -> None:
    over = ("--over", "lo_sig_win_mevc=103,104", "--over", "hi_d0_mm=10,100")
    done = run("cosmics", "scan", "nts.0.root", "--no-cache", *over)
    rows = done["values"]["threshold_scans"]
    assert [(r["value"], r["second_value"]) for r in rows] == [
        (103, 10), (103, 100), (104, 10), (104, 100),
    ]  # fmt: skip
    # Every track has d0 = 20 mm.
    assert [r["selected"] for r in rows] == [0, 20, 0, 20]
    wrong = run("cosmics", "scan", "nts.0.root", "--no-cache", "--over", "lo_trkqual=a")
    assert (wrong["code"], "lo_trkqual=0.2,0.5,0.8" in wrong["error"]["message"]) == (2, True)


def test_dead_time_of_a_second_sample(run: Ran, folder: Path) -> None:
    written(folder / "signal.root", 30, 30)
    done = run("run", "c.toml", "--target", "dead_time_curve", "--target", "veto_study", "--set",
               'veto.signal_input="signal.root"', "--set", "veto.target=0.4")  # fmt: skip
    curve = done["values"]["dead_time_curve"]
    assert len(curve) == 66
    # Half of the events of both have a coincidence 50 ns before the track.
    assert {row["dead_time"] for row in curve} == {row["efficiency"] for row in curve} == {0.5}
    assert [(r["lo_ns"], r["hi_ns"]) for r in curve if r["is_narrowest"]] == [(10.0, 110.0)]
