"""Outputs of events, recordings and detectors: pipes refused, links followed, damage told.

What test_places.py and test_damaged_output.py ask of imaging holds for every pipeline.
"""

from __future__ import annotations

import importlib
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import pytest
from radiograph.drivers.cosmics import page as cosmics_page
from radiograph.drivers.hdf5 import datasets_of
from radiograph.drivers.runfile import verifying
from radiograph.drivers.transients import page as transients_page
from radiograph.drivers.transients import verifying as transients_verifying
from small_runs import SMALL_RUNS, SmallRun

from .test_damaged_output import assert_told, cut, flipped, is_checked, stretches, zeroed
from .test_places import names

pytestmark = pytest.mark.slow

Run = Callable[..., Any]
STEM = "sim-p01-r001-cal-20250101T000000Z"

# Where a command writes, and its words; {out} is the run file, {toml} the settings.
COMMANDS = {
    "cosmics": [
        ("new/run.h5", "run {toml} -o new/run.h5 --target file_totals"),
        ("cut_flow.csv", "export {out} --to csv --table cut_flow -o cut_flow.csv"),
        ("run.html", "report {out} -o run.html"),
        ("run.ipynb", "cosmics notebook {out} -o run.ipynb"),
        (
            "new/nts.simulated.cosmic-OnSpill.v6_06.001202_00000000.root",
            "simulate cosmics new --events 5",
        ),
    ],
    "transients": [
        ("new/run_001_all.csv", "run {toml} -o new"),
        ("x.sigmf-meta", "export {out} --to sigmf -o x.sigmf-data"),
        ("x_all.csv", "export {out} --to csv -o x.csv"),
        ("run.html", "report {out} -o run.html"),
        (
            "new/logbook.csv",
            "simulate transients new --steps 2 --hits 1 --plant none --damage none --stray 0",
        ),
    ],
    "germanium": [
        (f"new/{STEM}-tier_dsp.lh5", "run {toml} -o new"),
        ("files.csv", "germanium files . -o files.csv"),
        ("all.lh5", "germanium merge out/run-tier_dsp.lh5 -o all.lh5"),
        ("raw.lh5", "simulate germanium raw.lh5 --events 5"),
    ],
}
ASKED = [(name, place, line) for name, found in COMMANDS.items() for place, line in found]


@dataclass
class Made:
    """Small runs of every pipeline, each made when it is first asked for."""

    root: Path
    radiograph: Run

    def of(self, name: str) -> SmallRun:
        """The run of a pipeline, with its output."""
        folder = self.root / name
        if not folder.exists():
            folder.mkdir()
            done = self.radiograph("run", SMALL_RUNS[name](folder).settings)
            assert done.code == 0, done.err
        settings = folder / f"{name}.toml"
        (out,) = folder.glob("out/run*.h5")
        return SmallRun(settings, settings, out)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, radiograph: Run) -> Made:
    return Made(tmp_path_factory.mktemp("made"), radiograph)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages without pictures: where a page goes is asked, not how it looks."""
    monkeypatch.setattr(cosmics_page, "page_of", lambda *_: "a page")
    monkeypatch.setattr(transients_page, "run_pictures", lambda _: {})


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("name", "place", "line"), ASKED)
def test_pipes_are_refused_and_links_followed(
    made: Made, radiograph: Run, monkeypatch: pytest.MonkeyPatch, name: str, place: str, line: str
) -> None:
    run = made.of(name)
    folder = run.settings.parent
    monkeypatch.chdir(folder)
    shutil.rmtree("new", ignore_errors=True)
    words = [*line.format(toml=run.settings, out=run.out).split(), "--overwrite"]
    path = folder / place
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    done = radiograph(*words)
    assert done.code == 2, done.err
    assert "named pipe" in done.err
    assert path.is_fifo()
    path.unlink()
    target = folder / "disk" / "kept"
    target.parent.mkdir(exist_ok=True)
    target.write_text("old")
    path.symlink_to(target)
    done = radiograph(*words)
    # The files of a folder are tabulated, and one of them has other times than its name says.
    assert done.code == (3 if "files" in words else 0), done.err
    assert path.is_symlink()
    assert target.read_bytes() != b"old"
    assert names(target.parent) == ["kept"]
    path.unlink()


@pytest.mark.parametrize("name", COMMANDS)
def test_damage_is_a_sentence_to_every_command(
    made: Made, radiograph: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    whole = made.of(name).out
    with h5py.File(whole) as file:
        found = datasets_of(file, whole)
        assert [n for n, d in found.items() if not is_checked(d)] == []
    # Beside the whole file: what it names is found from there.
    bad = whole.with_name("bad.h5")
    monkeypatch.chdir(whole.parent)

    def as_before(config: Any) -> None:
        shutil.copy(whole, config.io.output_path)

    # Whether the file itself is read in full is asked; a run again gives what it gave.
    # Imported while it is exchanged, this module would keep what stands in its place.
    importlib.import_module("radiograph.drivers.imaging.verifying")
    monkeypatch.setattr(verifying, "run_again", lambda *a: shutil.copy(whole, a[4]))
    monkeypatch.setattr(transients_verifying, "run_campaign", lambda a, **_: as_before(a.config))
    content, draw, n_told = whole.read_bytes(), random.Random(name), 0
    n_of_verify = 0
    among = stretches(whole)
    for k in range(6):
        begin, size = draw.choice(among) if k % 2 else (0, len(content))
        changed = bytearray(content)
        (flipped, zeroed, cut)[k % 3](changed, draw, begin + draw.randrange(size))
        bad.write_bytes(changed)
        report = ("report", "bad.h5", "-o", tmp_path / "r.html", "--overwrite")
        told = []
        for words in (
            ("info", "bad.h5"),
            ("export", "bad.h5", "--to", "csv", "-o", tmp_path / "tables", "--overwrite"),
            ("verify", "bad.h5"),
        ):
            done = radiograph(*words)
            told.append(done.code == 3)
            assert_told(done, (k, words))
        if told[0] or (k == 1 and told[1]):
            # A page of a file that can be read would be drawn at length.
            assert_told(radiograph(*report), (k, report))
        # What stands in a stretch of numbers is read by verify alone, and by it always.
        n_told += any(told)
        n_of_verify += told[2]
    bad.unlink()
    assert n_told >= 4
    assert n_of_verify >= 4
