"""Files of a folder as a table, and channels that were made apart put together."""

from __future__ import annotations

import calendar
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from radiograph.drivers.germanium.lh5_writing import Lh5Column, new_lh5, write_table
from radiograph.drivers.main import guarded

START = calendar.timegm((2025, 1, 1, 0, 0, 0))


def _tier(path: Path, channel: str, tier: str, first_s: float = START, n: int = 5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_lh5(path) as file:
        columns = {"timestamp": Lh5Column(first_s + np.arange(n, dtype=float), {"units": "s"})}
        write_table(file, f"{channel}/{tier}", columns)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    name = "tier/{0}/cal/p01/r{1:03d}/x-p01-r{1:03d}-cal-20250101T000000Z-tier_{0}.lh5"
    for tier in ("raw", "dsp", "hit"):
        _tier(tmp_path / name.format(tier, 0), "ch0000001", tier)
    _tier(tmp_path / name.format("raw", 1), "ch0000001", "raw", START + 3 * 86400.0)
    _tier(tmp_path / name.format("dsp", 2), "ch0000001", "dsp", n=0)
    with new_lh5(tmp_path / name.format("raw", 2).replace("/raw/", "/dsp/")):
        pass
    (tmp_path / "broken.lh5").write_text("nothing")
    (tmp_path / "bad_disk.lh5").write_text("nothing")
    return tmp_path


def _answer(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, Any]:
    code = guarded([*argv, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_files_of_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "files.csv"
    code, answer = _answer(
        capsys, "germanium", "files", str(folder), "--ignore", "bad_disk", "-o", str(out)
    )
    assert code == 3
    rows = {row["path"].rpartition("/")[2]: row for row in answer["files"]}
    whole = rows["x-p01-r000-cal-20250101T000000Z-tier_dsp.lh5"]
    assert (whole["run"], whole["tier"], whole["rows"], whole["status"]) == ("r000", "dsp", 5, "ok")
    assert (whole["first_s"], whole["last_s"]) == (START, START + 4)
    assert len(whole["content_hash"]) == 32
    other_day = rows["x-p01-r001-cal-20250101T000000Z-tier_raw.lh5"]
    assert other_day["status"] == "left_out"
    assert "+3.0 days" in other_day["problem"]
    assert rows["broken.lh5"]["status"] == "unreadable"
    assert rows["bad_disk.lh5"]["status"] == "ignored"
    of_failures = rows["x-p01-r002-cal-20250101T000000Z-tier_raw.lh5"]
    assert (of_failures["status"], of_failures["tier"]) == ("empty", "raw")
    assert "it has no tables" in of_failures["problem"]
    assert answer["missing"] == ["p01 r002 cal: no raw, hit"]
    assert len(pd.read_csv(out)) == len(rows) == 8


def test_tiers_are_merged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = [_tier(tmp_path / f"{c}.lh5", f"ch000000{c}", "dsp") for c in (2, 1)]
    out = tmp_path / "all.lh5"
    assert guarded(["germanium", "merge", *map(str, parts), "-o", str(out)]) == 0
    assert capsys.readouterr().out.split() == ["ch0000001/dsp", "ch0000002/dsp"]
    with h5py.File(out) as file:
        assert file.attrs["datatype"] == "struct{ch0000001,ch0000002}"
        assert file["ch0000002/dsp"].attrs["datatype"] == "table{timestamp}"
        assert file["ch0000002/dsp/timestamp"][0] == START
    assert guarded(["germanium", "merge", str(parts[0]), str(parts[0]), "-o", str(out)]) == 2
    # A channel that failed has left a tier without tables.
    none, more = tmp_path / "none.lh5", str(tmp_path / "more.lh5")
    with new_lh5(none):
        pass
    assert guarded(["germanium", "merge", str(parts[0]), str(none), "-o", more]) == 0
    with h5py.File(more) as file:
        assert list(file) == ["ch0000002"]
    other = str(tmp_path / "twice.lh5")
    copy = _tier(tmp_path / "copy.lh5", "ch0000001", "dsp")
    assert guarded(["germanium", "merge", str(parts[1]), str(copy), "-o", other]) == 3


@pytest.mark.parametrize("mark", [b"TREE", b"OHDR", b"SNOD", b"FRHP"])
def test_a_damaged_tier_is_not_merged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mark: bytes
) -> None:
    """Whatever part of its layout is broken: one sentence, and no file."""
    part = _tier(tmp_path / "part.lh5", "ch0000001", "dsp")
    content = part.read_bytes()
    places = [k for k in range(len(content)) if content.startswith(mark, k)]
    for place in places[1:]:
        part.write_bytes(content[:place] + b"XXXX" + content[place + 4 :])
        code = guarded(["germanium", "merge", str(part), "-o", str(tmp_path / "all.lh5")])
        said = capsys.readouterr().err
        assert code == 3, said
        assert "part.lh5" in said
        assert len(said.splitlines()) == 1
        assert not (tmp_path / "all.lh5").exists()


def test_parameters_are_merged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for k in (2, 1):
        (tmp_path / f"{k}.yaml").write_text(yaml.safe_dump({f"ch{k}": {"a": k}}))
    names = [str(tmp_path / f"{k}.yaml") for k in (2, 1)]
    out = tmp_path / "all.yaml"
    assert guarded(["germanium", "merge", *names, "-o", str(out)]) == 0
    assert yaml.safe_load(out.read_text()) == {"ch1": {"a": 1}, "ch2": {"a": 2}}
    twice = [names[0], str(tmp_path / "again.yaml")]
    (tmp_path / "again.yaml").write_text(yaml.safe_dump({"ch2": {}}))
    assert guarded(["germanium", "merge", *twice, "-o", str(tmp_path / "b.yaml")]) == 3
    assert "Each channel is merged once" in capsys.readouterr().err
    (tmp_path / "again.yaml").write_text("!!python/object:os.system {}")
    assert guarded(["germanium", "merge", *twice, "-o", str(tmp_path / "b.yaml")]) == 3
    assert not (tmp_path / "b.yaml").exists()


def test_kinds_are_not_mixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text("{}")
    assert guarded(["germanium", "merge", str(tmp_path / "a.yaml"), "-o", "b.lh5"]) == 2
    assert "are merged" in capsys.readouterr().err


def test_the_files_of_the_starter_are_those_of_their_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "trial"
    assert guarded(["init", str(folder), "--pipeline", "germanium", "--events", "20"]) == 0
    capsys.readouterr()
    code, answer = _answer(capsys, "germanium", "files", str(folder))
    assert (code, [row["status"] for row in answer["files"]]) == (0, ["ok"])
    assert answer["missing"] == ["p01 r001 cal: no dsp, hit"]
