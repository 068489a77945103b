"""One page over the runs of a campaign, of their files alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from campaigns import small_members, tar_of, write_campaign
from radiograph.drivers.main import guarded

_QUIET = ("--set", "output.figures=false", "--set", "output.report=false", "--quiet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs that were made, one of them of a single recording, and a file that is damaged."""
    place = tmp_path_factory.mktemp("runs")
    one = dict(list(small_members(2).items())[:1])
    archives = {
        "run_001": (tar_of(small_members(), packed=True),),
        "run_002": (tar_of(one, packed=False),),
    }
    config = write_campaign(place, archives, keys={2: {"dut_name": "LJPLL7"}})
    assert guarded(["run", str(config), "--no-cache", *_QUIET]) == 0
    (place / "out" / "run_003.h5").write_bytes(b"no HDF5")
    return place / "out"


def test_a_row_and_a_map_a_run(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "runs.html"
    before = sorted(folder.iterdir())
    assert guarded(["report", str(folder), "-o", str(page)]) == 0
    text = page.read_text("utf-8")
    rows = [re.sub(r"<[^>]+>", " ", row).split() for row in re.findall("<tr>.*?</tr>", text, re.S)]
    (first,) = (row for row in rows if row[0] == "run_001")
    assert first[1:6] == ["ADPLL1", "12", "12", "12", "0"]
    assert first[7] == "4"
    # What was simulated: 12 ppm at all positions, 8000 /s.
    assert float(first[8]) == pytest.approx(12, abs=2)
    assert float(first[10].replace(",", "")) == pytest.approx(8000, rel=0.1)
    (second,) = (row for row in rows if row[0] == "run_002")
    assert second[1:6] == ["LJPLL7", "1", "1", "0", "0"]
    assert text.count("data:image/png") == 1
    assert "run_003.h5" in text
    assert sorted(folder.iterdir()) == before
    assert guarded(["report", str(folder), "-o", str(page)]) == 2
    assert guarded(["report", str(folder), "-o", str(page), "--overwrite"]) == 0


def test_folders_that_have_no_page(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for where, words, said in (
        (folder, ("--pdf",), "no PDF"),
        (tmp_path, (), "no HDF5 file of a run"),
    ):
        assert guarded(["report", str(where), "-o", str(tmp_path / "p.html"), *words]) == 2
        assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
