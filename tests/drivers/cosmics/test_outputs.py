"""What stands beside a run, whole and with a broken file among five: one value everywhere."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import pandas as pd
import pytest
import uproot
from cosmic_events import SETTINGS
from radiograph.drivers.cosmics.latex import latex_of
from radiograph.drivers.cosmics.stored import stored
from radiograph.drivers.cosmics.tables import of_note, shown, tables_of
from radiograph.drivers.main import guarded

STEM = "out"
WINDOWS = ("Inclusive", "Wide", "Extended", "Signal")
OURS = {
    "Cut": "cut", "Group": "group", "Events Passing": "events", "Absolute [%]": "absolute_pct",
    "Relative [%]": "relative_pct", "Description": "description",
}  # fmt: skip


def prepared(small: Path, folder: Path) -> Path:
    """Five files and settings that ask for every table, drawn without figures."""
    for subrun in range(5):
        shutil.copy(small / f"nts.{subrun}.root", folder)
    text = SETTINGS.format(cache=small / "cache").replace("report = false", "report = true")
    (folder / "c.toml").write_text(text)
    return folder


def cut_off(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 55 // 100])


@pytest.fixture(scope="module", autouse=True)
def _no_figures() -> Iterator[None]:
    """A dot in the place of each figure of the report: they have tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        for user in ("companions", "page"):
            patch.setattr(f"radiograph.drivers.cosmics.{user}.drawn_figure", lambda *_: b"\x89PNG")
        yield


@pytest.fixture(scope="module")
def whole(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run over five files; nothing may be changed."""
    folder = prepared(small, tmp_path_factory.mktemp("whole"))
    scan = "scan.lo_trkqual=[0.5,0.99]"
    assert guarded(["run", str(folder / "c.toml"), "-q", "--set", scan]) == 0
    return folder


def test_what_is_written(whole: Path) -> None:
    assert {path.name for path in whole.glob("out*")} == {
        "out.h5", "out_cut_flow.csv", "out_cut_flow.tex", "out_analysis.csv", "out_analysis.tex",
        "out_tables.json", "out_hists.root", "out_info.txt", "out_report.html", "out_report.tex",
    }  # fmt: skip
    with h5py.File(whole / "out.h5") as file:
        assert file["histograms/mom_wide/values"].shape == (117, 4)
        assert file["histograms/mom_wide/axes/axis_0/edges"].shape == (116,)
        assert file["normalisation/normalisation/livetime_s"][()] == 50.0
        assert file["provenance/input_files/status"].shape == (5,)
    assert guarded(["run", str(whole / "c.toml"), "-q"]) == 2


def in_hdf5(file: h5py.File, name: str) -> pd.DataFrame:
    """The numbers of a table as the file has them, by nobody's reader but h5py."""
    if name == "analysis":
        rates = file["normalisation/window_rates"]
        return pd.DataFrame([{k: v[()] for k, v in rates[w].items()} for w in WINDOWS])
    (stage,) = [s for s in file if isinstance(file[s], h5py.Group) and name in file[s]]
    group = file[stage][name]
    return pd.DataFrame({k: v[()] for k, v in group.items() if v.shape})


def in_page(text: str, caption: str) -> list[list[tuple[str, str]]]:
    """The rows of a table of the page: of each cell its whole value and what it shows."""
    (body,) = re.findall(
        rf"<caption>{re.escape(caption)}</caption>.*?<tbody>(.*?)</tbody>", text, re.DOTALL
    )
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [
        re.findall(r'<td[^>]*?(?: data-key="([^"]*)")?>(.*?)</td>', row, re.DOTALL) for row in rows
    ]


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def test_every_number_is_the_same_everywhere(whole: Path) -> None:
    found = stored(whole / "out.h5")
    tables = tables_of(found)
    told = json.loads((whole / "out_tables.json").read_text())["tables"]
    assert told.keys() == tables.keys() >= {"cut_flow", "analysis", "threshold_scans"}
    n_numbers = 0
    with h5py.File(whole / "out.h5") as file:
        for name, table in tables.items():
            plain = in_hdf5(file, name)
            for k, row in enumerate(table.to_dict("records")):
                for column, value in row.items():
                    if not is_number(value):
                        continue
                    n_numbers += 1
                    known = value if value == value else None
                    assert told[name][k][column] == known, (name, column)
                    ours = OURS.get(column, column)
                    if known is not None:
                        assert plain[ours].iloc[k] == known, (name, column)
    assert n_numbers > 300
    for name in ("cut_flow", "analysis"):
        lines = (whole / f"out_{name}.csv").read_text().splitlines()
        head, *rows = csv.reader(lines)
        assert head == list(tables[name].columns)
        for row, texts in zip(tables[name].itertuples(index=False), rows, strict=True):
            for value, text in zip(row, texts, strict=True):
                if is_number(value):
                    assert (float(text) == value) if value == value else text == ""


def test_what_is_read_shows_the_same_numbers(whole: Path) -> None:
    tables = tables_of(stored(whole / "out.h5"))
    page = (whole / "out_report.html").read_text()
    flow = tables["cut_flow"].drop(columns=["level", "Description"])
    shown_in_page = {
        "events and tracks": flow[
            [*(c for c in flow if not c.endswith(("lo_pct", "hi_pct"))),
             *(c for c in flow if c.endswith(("lo_pct", "hi_pct")))]
        ],
        "group by group": tables["group_flow"],
        "checks of the input": tables["verdict"],
        "threshold_scans": tables["threshold_scans"],
    }  # fmt: skip
    for caption, table in shown_in_page.items():
        rows = in_page(page, caption)
        assert len(rows) == len(table), caption
        for cells, row in zip(rows, table.itertuples(index=False), strict=True):
            for (key, text), value in zip(cells, row, strict=True):
                if is_number(value) and value == value:
                    assert float(key) == value, caption
                    told = text.replace(",", "").replace("\N{MINUS SIGN}", "-")
                    assert float(told) == pytest.approx(value, rel=5.1e-6), caption
    rates = tables["analysis"].set_index("window")
    for (_, name), *cells in in_page(page, "by window"):
        for (key, _), window in zip(cells, WINDOWS, strict=True):
            value = rates.loc[window, name]
            assert float(key) == value if value == value else key in ("", "nan"), name
    # Of LaTeX the columns that a page has room for, with what is not known as a dash.
    note = (whole / "out_report.tex").read_text()
    for name in ("cut_flow", "analysis"):
        alone = (whole / f"out_{name}.tex").read_text()
        for row in of_note(name, tables[name]).itertuples(index=False):
            line = " & ".join(latex_of(shown(value)) for value in row) + r" \\"
            assert line in alone
            assert line in note
    with uproot.open(whole / "out_hists.root") as file:
        for name, histogram in stored(whole / "out.h5").histograms.items():
            for k, selection in enumerate(histogram.axes[1].categories):
                kept = file[f"{name}_{selection}"]
                assert kept.values(flow=True).tolist() == histogram.values[:, k].tolist()
                assert kept.variances(flow=True).tolist() == histogram.values[:, k].tolist()


def test_a_broken_file_among_five_ends_the_run(small: Path, tmp_path: Path) -> None:
    folder = prepared(small, tmp_path)
    cut_off(folder / "nts.3.root")
    before = sorted(path.name for path in folder.iterdir())
    assert guarded(["run", str(folder / "c.toml"), "-q"]) == 3
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_broken_file_among_five_is_left_out_with_all_that_it_stood_for(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = prepared(small, tmp_path)
    cut_off(folder / "nts.3.root")
    skip = ("--set", 'io.on_bad_file="skip"')
    code = guarded(["run", str(folder / "c.toml"), "--json", *skip])
    done = json.loads(capsys.readouterr().out)
    assert (code, done["status"], done["summary"]["verdict"]) == (3, "fail", "fail")
    assert [failure["at"] for failure in done["failed"]] == [{"file": 3}]
    found = stored(folder / "out.h5")
    # What the four stand for, in events, in normalisation and in the list of files.
    assert found.frames["cut_flow"]["events"].iloc[0] == 80
    kept = [found.normalisation[n] for n in ("generated_events", "processed_events", "livetime_s")]
    assert kept == [8000, 80, 40.0]
    assert found.input_files["status"].tolist() == ["read", "read", "read", "failed", "read"]
    assert "nts.3.root" in found.input_files["message"].iloc[3]
    said = "NOT COMPLETE: 4 of 5 files were read"
    for name in ("cut_flow", "analysis"):
        assert (folder / f"out_{name}.csv").read_text().startswith(f"# {said}")
        assert (folder / f"out_{name}.tex").read_text().startswith(rf"\textcolor{{red}}{{{said}")
    assert json.loads((folder / "out_tables.json").read_text())["warning"].startswith(said)
    # Data, cut flow, rates, cuts, studies, events; and of the note data, cuts, flow, rates, files.
    page, note = ((folder / f"out_report.{kind}").read_text() for kind in ("html", "tex"))
    assert page.count(said) == 6
    assert note.count(rf"\textcolor{{red}}{{{said}") == 5
    # A share of the files that is allowed is no failure, though one was left out.
    allowed = [*skip, "--overwrite", "--set", "normalisation.min_fraction=0.8"]
    assert guarded(["run", str(folder / "c.toml"), "-q", *allowed]) == 3
    assert dict(stored(folder / "out.h5").summary)["verdict"] == "pass"
    flow = capsys.readouterr().out.splitlines()
    assert flow[0].startswith("cut set alpha (")
    assert flow[2].split()[:4] == ["No", "cuts", "80", "80"]
    files = [str(folder / f"nts.{k}.root") for k in range(5)]
    assert guarded(["cosmics", "flow", *files, *skip, "--cache-dir", str(small / "cache")]) == 3
    assert capsys.readouterr().out.startswith(said)
