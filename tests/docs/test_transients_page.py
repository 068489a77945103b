"""The worked example of the transients page runs and gives what the page says."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from radiograph.drivers.main import guarded

PAGE = Path(__file__).resolve().parents[2] / "docs" / "transients.md"


@pytest.mark.slow
def test_the_worked_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAGE.read_text("utf-8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    monkeypatch.chdir(tmp_path)
    exec(compile(found[1], str(PAGE), "exec"), {})
    assert guarded(["run", "transients.toml", "--quiet"]) == 0
    with Path("transients/run_001_all.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["outlier"] == "1"]
    assert [row["transient"] for row in rows] == ["tran_000007"]
    assert rows[0]["outlier_reason"] == "trig_val+posttrig_std+posttrig_max"
    for name in re.findall(r"`transients/(run_001[\w.]*)`", text):
        assert (Path("transients") / name).is_file(), name
