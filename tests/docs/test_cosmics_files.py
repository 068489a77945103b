"""The page on files of cosmic rays: its commands and its Python run in order."""

from __future__ import annotations

import io
import re
import shlex
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from radiograph.drivers.main import guarded

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cosmics_files.md"
BLOCK = re.compile(r"```(console|python)\n(.*?)```", re.DOTALL)
# Figures and report have tests of their own.
QUICK = ["--set", "output.figures=false", "--set", "output.report=false"]


@pytest.mark.slow
def test_the_page_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RADIOGRAPH_CACHE", str(tmp_path / "cache"))
    space: dict[str, object] = {}
    said: dict[str, str] = {}
    for kind, text in BLOCK.findall(PAGE.read_text("utf-8")):
        if kind == "python":
            exec(text, space)
            continue
        for line in text.splitlines():
            words = shlex.split(line.removeprefix("$ radiograph "))
            out, err = io.StringIO(), io.StringIO()
            with redirect_stdout(out), redirect_stderr(err):
                code = guarded([*words, *(QUICK if words[0] == "run" else [])])
            assert code == 0, f"{line}: {err.getvalue()}"
            said[line] = out.getvalue()
    assert space["passed"] == 2000
    assert "OTHER CUTS" in said["$ radiograph cosmics compare new/cosmics.h5 new/loose.h5"]
    written = {str(p.relative_to(tmp_path)) for p in tmp_path.glob("*/*")}
    for name in ("cosmics.ipynb", "workspace.json", "loose.h5", "signal.h5", "tables"):
        assert f"new/{name}" in written
    assert len(list((tmp_path / "more").glob("*.root"))) == 3
