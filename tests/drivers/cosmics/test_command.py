"""The commands as a user gives them, on small RNTuples: answers, exit codes, files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pytest
import uproot
from cosmic_events import events_of, written
from radiograph.drivers import pipeline
from radiograph.drivers.cache.opening import CacheOptions
from radiograph.drivers.cosmics.stored import stored
from radiograph.drivers.cosmics.table_text import warning_lines
from radiograph.drivers.engine.executors import LocalExecutor

Ran = Callable[..., dict[str, Any]]
# Files beside the run have tests of their own.
ALONE = ("--set", "output.formats=[]", "--set", "output.event_info=false")


def test_other_thresholds_read_no_file(run: Ran, folder: Path) -> None:
    own = ("--set", 'cache.dir="own"')
    run("run", "c.toml", "--target", "cut_flow", "-o", "a.h5", *own)
    for path in folder.glob("nts.*.root"):
        path.chmod(0o444)
    done = run("run", "c.toml", "--target", "cut_flow", "-o", "b.h5", "--set",
               "cuts.thresholds.lo_trkqual=0.96", *own)  # fmt: skip
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


def test_what_of_the_cut_sets_has_no_effect_is_said(run: Ran, folder: Path) -> None:
    (folder / "sets.yaml").write_text("cutsets: {alpha: {active: {lo_trkqual: 0.2}}}")
    settings = ("--set", 'cuts.cutsets_file="sets.yaml"', "--set", "cuts.strict=false")
    done = run("run", "c.toml", *settings)
    (said,) = (check["message"] for check in done["verdict"] if check["check"] == "cut_sets")
    assert (done["code"], "belongs under thresholds" in said) == (0, True)
    assert said in warning_lines(done["verdict"])
    assert said in set(stored(folder / done["output"]).frames["verdict"]["message"])


def test_settings_that_contradict_the_files_fail(run: Ran) -> None:
    done = run("run", "c.toml", "--set", "normalisation.livetime_s=31.0", *ALONE)
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


def test_no_number_of_the_file_depends_on_the_ranges(
    run: Ran, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    class Here:
        """In the place of processes, which have a test of their own."""

        def __init__(self, workers: int, cache: CacheOptions) -> None:
            asked.append(workers)

        def lasting(self) -> Any:
            return nullcontext(LocalExecutor())

    monkeypatch.setattr("radiograph.drivers.engine.running.ProcessExecutor", Here)
    alone = run("run", "c.toml", "--no-cache", *ALONE)
    assert asked == []
    several = run("run", "c.toml", "--no-cache", "-o", "several.h5", "--set", "run.workers=2",
                  "--set", "run.chunk_events=7", *ALONE)  # fmt: skip
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


def test_the_same_event_in_two_files(run: Ran, folder: Path) -> None:
    (folder / "nts.9.root").write_bytes((folder / "nts.0.root").read_bytes())
    done = run("run", "c.toml")
    assert (done["code"], done["error"]["code"]) == (3, "event_twice")
    assert "nts.9.root" in done["error"]["message"]
    allowed = run("run", "c.toml", "--set", "io.allow_duplicates=true", *ALONE)
    assert allowed["code"] == 4


def test_a_name_that_is_no_text(run: Ran, folder: Path) -> None:
    name = os.fsdecode(b"nts.a\xff.root")
    (folder / name).write_bytes((folder / "nts.0.root").read_bytes())
    done = run("run", "c.toml")
    assert (done["code"], done["error"]["code"]) == (3, "bad_name")
    assert "nts.a\\udcff.root': has a name that is no text" in done["error"]["message"]


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
               "--set", "normalisation.weight=2.0", *ALONE)  # fmt: skip
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
    one_more = "cuts.toggle_cuts.one_reco_electron=false"
    options = ("--set", "output.events=true", "--set", one_more, *ALONE)
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
