"""A folder to begin with, as a new user takes it: a flow, another threshold, the dead time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

QUICK = ("--set", "output.figures=false", "--set", "output.report=false", "--json")


@pytest.mark.slow
def test_a_new_user_gets_from_an_empty_folder_to_another_threshold(
    radiograph: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "new"
    made = radiograph("init", folder, "--pipeline", "cosmics", "--events", 120)
    assert made.code == 0, made.err
    assert f"radiograph run {folder / 'cosmics.toml'}" in made.out
    cache = ("--cache-dir", tmp_path / "cache")
    first = radiograph("run", folder / "cosmics.toml", *QUICK, *cache)
    assert first.code == 0, first.err
    assert (folder / "cosmics.h5").is_file()
    again = radiograph(
        *("run", folder / "cosmics.toml", "--overwrite", *QUICK, *cache),
        *("--set", "cuts.thresholds.lo_trkqual=0.2", "--target", "cut_flow"),
    )
    assert again.code == 0, again.err
    nodes = again.json["nodes"]
    for name in ("events", "tracks", "segments", "coincidences", "track_extremes"):
        assert nodes[name]["status"] in ("hit", "skipped"), name
    signal = ("run", folder / "cosmics.toml", "--overwrite", *QUICK, *cache)
    nowhere = radiograph(*signal, "--set", 'veto.signal_input="signal/*.root"')
    assert nowhere.code == 3
    assert "no file has such a name. Correct veto.signal_input" in nowhere.json["error"]["message"]
    monkeypatch.chdir(folder)
    dead = radiograph(
        *signal,
        *("--set", 'veto.signal_input="signal/nts.*.root"', "--target", "dead_time_curve"),
    )
    assert dead.code == 0, dead.err
    assert len(dead.json["values"]["dead_time_curve"]) == 66


def test_nothing_is_replaced(radiograph: Callable[..., Any], tmp_path: Path) -> None:
    command = ("init", tmp_path, "--pipeline", "cosmics", "--events", 3)
    assert radiograph(*command).code == 0
    before = {p: p.read_bytes() for p in tmp_path.rglob("*.root")}
    again = radiograph(*command)
    assert again.code == 2
    assert "exists already" in again.err
    assert {p: p.read_bytes() for p in tmp_path.rglob("*.root")} == before
    assert radiograph(*command, "--overwrite").code == 0
