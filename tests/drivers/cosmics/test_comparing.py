"""Files of runs read back and compared, and the command that does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from radiograph.drivers.cosmics.stored_results import stored_results
from radiograph.nodes.cosmics.comparison_drawings import drawn_comparison
from radiograph.schemas.errors import InputError


def test_what_a_run_wrote_is_read_back(
    runs: dict[str, Path], radiograph: Callable[..., Any], tmp_path: Path
) -> None:
    results = stored_results(runs["a"])
    assert (results.name, results.cutset, results.verdict) == ("a.h5", "SU2020e", "pass")
    assert results.cut_flow["events"].iloc[0] == 800
    # As the run itself tells it.
    settings = runs["a"].with_suffix(".toml")
    asked = radiograph("run", settings, "--overwrite", "--target", "cut_flow", "--json",
                       "--set", f"io.output_path={tmp_path / 'other.h5'}")  # fmt: skip
    told = asked.json["values"]["cut_flow"]
    for name in ("cut", "events", "tracks", "absolute_pct", "relative_lo_pct"):
        assert results.cut_flow[name].tolist() == [row[name] for row in told]
    select = results.histograms["mom_full"]
    assert select.axes[1].categories == ("All", "Preselect", "Select", "Unvetoed")
    assert results.window_rates["Inclusive"]["selected"] > 0
    assert results.survivors is not None
    assert len(results.survivors) > 0
    assert results.settings["cuts.cutset"] == "SU2020e"
    assert len(results.inputs) == 2


def test_other_files_are_refused(tmp_path: Path, runs: dict[str, Path]) -> None:
    (tmp_path / "text.h5").write_text("none")
    with pytest.raises(InputError, match="cannot be read"):
        stored_results(tmp_path / "text.h5")
    with pytest.raises(InputError, match="cannot be read"):
        stored_results(tmp_path / "absent.h5")
    import h5py

    with h5py.File(tmp_path / "other.h5", "w"):
        pass
    with pytest.raises(InputError, match="no run of this program"):
        stored_results(tmp_path / "other.h5")


def test_other_cuts_are_said_in_the_first_line(
    runs: dict[str, Path], radiograph: Callable[..., Any]
) -> None:
    done = radiograph("cosmics", "compare", runs["a"], runs["b"], runs["c"])
    assert done.code == 0, done.err
    first, second = done.out.split("\n\nA = ")
    lines = first.splitlines()
    assert lines[0].startswith("A = a.h5, B = b.h5: OTHER CUTS: SU2020e (")
    assert any("cut within_t0err: A off; B error of t0 < 0.9 ns" in line for line in lines)
    assert any("setting cuts.cutset: A SU2020e; B dev" in line for line in lines)
    assert any("both have read 2 of the same files" in line for line in lines)
    head = second.splitlines()[0]
    assert head.startswith("a.h5, B = c.h5: the same cuts (SU2020e, ")
    assert "the same files" not in second


def test_one_json_object_and_tables(
    runs: dict[str, Path], radiograph: Callable[..., Any], tmp_path: Path
) -> None:
    command = ("cosmics", "compare", runs["a"], runs["c"], "-o", tmp_path / "out", "--json")
    done = radiograph(*command)
    assert done.code == 0, done.err
    (item,) = done.json["comparisons"]
    assert item["same_cuts"] is True
    assert item["common_inputs"] == 0
    flow = pd.read_csv(tmp_path / "out" / "c_against_a_flow.csv")
    assert flow["events_b"].tolist() == [row["events_b"] for row in item["flow"]]
    assert flow["events_a"][0] == 800
    assert flow["significance"].abs().max() < 5.0
    histograms = pd.read_csv(tmp_path / "out" / "c_against_a_histograms.csv")
    assert {"mom_full", "d0", "dT"} <= set(histograms["histogram"])
    # Both are of one simulation: five in a thousand are as unlike as that.
    tested = histograms[histograms["ndf"] > 10]
    assert (tested["chi2_p"] < 0.005).mean() < 0.05
    assert {where["survives"] for where in item["survivors"]} <= {"A", "B", "both"}
    again = radiograph(*command)
    assert again.code == 2
    assert "exists already" in again.err


def test_the_same_run_does_not_differ(
    runs: dict[str, Path], radiograph: Callable[..., Any]
) -> None:
    (item,) = radiograph("cosmics", "compare", runs["a"], runs["a"], "--json").json["comparisons"]
    assert item["cut_differences"] == item["setting_differences"] == []
    assert all(row["significance"] == 0 for row in item["flow"])
    assert all(row["chi2"] in (0, None) for row in item["histograms"])
    assert {row["survives"] for row in item["survivors"]} == {"both"}


def test_what_cannot_be_compared(runs: dict[str, Path], radiograph: Callable[..., Any]) -> None:
    alone = radiograph("cosmics", "compare", runs["a"])
    assert alone.code == 2
    assert "needs two or more" in alone.err
    absent = radiograph("cosmics", "compare", runs["a"], runs["a"].with_name("no.h5"))
    assert absent.code == 3
    assert "no.h5" in absent.err


def test_a_figure_of_ratios(
    runs: dict[str, Path], radiograph: Callable[..., Any], tmp_path: Path
) -> None:
    out = tmp_path / "ratios.svg"
    done = radiograph("cosmics", "compare", runs["a"], runs["b"], "--figure", out)
    assert done.code == 0, done.err
    assert out.read_bytes().startswith(b"<?xml")
    assert b"OTHER CUTS" in out.read_bytes()
    both = [stored_results(runs[name]) for name in ("a", "b")]
    for kind, begin in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
        assert drawn_comparison(*both, names=("d0",), kind=kind).startswith(begin)
    wrong = radiograph("cosmics", "compare", runs["a"], runs["b"], "--figure", "x.gif")
    assert wrong.code == 2
    assert "a figure is named .png, .pdf, .svg" in wrong.err


def test_a_run_for_one_node_is_not_compared(
    runs: dict[str, Path], radiograph: Callable[..., Any], tmp_path: Path
) -> None:
    part = tmp_path / "part.h5"
    settings = runs["c"].with_suffix(".toml")
    done = radiograph("run", settings, "-o", part, "--target", "window_rates")
    assert done.code == 0, done.err
    assert done.out.split() == [str(part)]
    refused = radiograph("cosmics", "compare", runs["a"], part)
    assert refused.code == 3
    assert "holds no cut_flow; run it again without --target" in refused.err
    reported = radiograph("report", part, "-o", tmp_path / "part.html")
    assert reported.code == 3
    assert "part.h5: holds no histograms; run it again without --until" in reported.err
