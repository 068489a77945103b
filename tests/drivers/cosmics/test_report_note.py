"""The report as a LaTeX document, and the figures that it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from radiograph.drivers.cosmics.report_note import data_set_of
from radiograph.drivers.cosmics.stored import stored
from radiograph.drivers.cosmics.tables import of_note, shown, tables_of, tex_of
from radiograph.drivers.main import guarded

Run = Callable[..., int]
PNG = b"\x89PNG"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    argv = ["simulate", "cosmics", ".", "--format", "rntuple", "--seed", "3"]
    assert guarded([*argv, "--events", "300"]) == 0
    assert guarded([*argv[:2], "signal", *argv[3:], "--kind", "mix", "--events", "100"]) == 0
    (tmp_path / "c.toml").write_text(
        '[pipeline]\nname = "cosmics"\n[io]\ninput_path = "nts.*.root"\noutput_path = "out.h5"\n'
        '[veto]\nsignal_input = "signal/nts.*.root"\n[cache]\ndir = "cache"\n'
        "[cuts.toggle_groups]\nTracker = false\n"
    )
    return tmp_path


def balanced(text: str) -> bool:
    """Whether braces and environments are closed in the order in which they were opened."""
    plain = re.sub(r"\\[{}]", "", text)
    depth = 0
    for mark in re.findall(r"[{}]", plain):
        depth += 1 if mark == "{" else -1
        if depth < 0:
            return False
    opened: list[str] = []
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if what == "begin":
            opened.append(name)
        elif not opened or opened.pop() != name:
            return False
    return depth == 0 and not opened


def raw_signs(text: str) -> list[str]:
    """Signs of LaTeX in the body that are neither text nor the columns of a table."""
    body = text[text.index(r"\begin{document}") :]
    body = re.sub(r"\\includegraphics\[[^]]*\]\{[^}]*\}", "", body)
    body = re.sub(r"\\[_&%#$]|\$[<>]\$", "", body)
    outside = [line for line in body.splitlines() if not line.endswith(r"\\")]
    return re.findall(r"[_%#$^~]", body) + re.findall("&", "".join(outside))


def test_the_document_is_of_this_run_and_shows_the_figures_beside_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert guarded(["run", "c.toml", "-q"]) == 0
    text = Path("out_report.tex").read_text()
    assert balanced(text)
    assert raw_signs(text) == []
    titles = ["Data sets", "Beam", "Effective cuts", "Cut flow", "Rates", "Figures", "Input files"]
    assert re.findall(r"\\section\{(.*)\}", text) == titles
    found = stored(Path("out.h5"))
    for name in ("cut_flow", "analysis"):
        for row in of_note(name, tables_of(found)[name]).itertuples(index=False):
            assert " & ".join(tex_of(shown(value)) for value in row) + r" \\" in text
    assert "run1\\_livetime\\_s & 3460000.0" in text
    figures = re.findall(r"\\includegraphics\[.*\]\{(.*)\}", text)
    assert {"out_cut_flow.png", "out_cosmic_parents.png", "out_roc.png"} <= set(figures)
    assert all(Path(figure).read_bytes().startswith(PNG) for figure in figures)
    # What could not be projected is a file that says why, and no figure of the document.
    assert Path("out_projection.png").read_bytes().startswith(PNG)
    # The page has the same figures again, drawn by the same functions.
    monkeypatch.setattr("radiograph.drivers.cosmics.page.drawn_figure", lambda *_: PNG)
    assert guarded(["report", "out.h5", "-o", "page.html"]) == 0
    assert Path("page.tex").read_text() == text
    assert guarded(["report", "out.h5", "-o", "page.html"]) == 2


def test_what_is_not_complete_is_red_at_every_table_of_numbers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("radiograph.drivers.cosmics.companions.drawn_figure", lambda *_: PNG)
    (folder / "nts.broken_file.root").write_bytes(b"root")
    argv = [
        "run",
        "c.toml",
        "-q",
        "--set",
        'io.on_bad_file="skip"',
        "--set",
        "output.figures=false",
    ]
    assert guarded([*argv, "--set", "output.event_info=true"]) == 3
    text = Path("out_report.tex").read_text()
    assert balanced(text)
    assert raw_signs(text) == []
    assert text.count(r"\textcolor{red}{NOT COMPLETE") == 5
    assert r"nts.\allowbreak{}broken\_\allowbreak{}file.\allowbreak{}root & failed" in text
    assert r"\section{Figures}" not in text
    assert r"signal & nts.\allowbreak{}simulated.\allowbreak{}mix" in text
    # The files of the signal are numbered too, and are none of the survivors'.
    assert "simulated.cosmic-OnSpill" in Path("out_info.txt").read_text()
    assert "simulated.mix" not in Path("out_info.txt").read_text()


@pytest.mark.parametrize(
    ("name", "data_set"),
    [
        ("nts.mu2e.CosmicCRY.MDC2020.001202_00000003.root", "nts.mu2e.CosmicCRY.MDC2020"),
        ("some.root", "some.root"),
    ],
)
def test_a_data_set_is_a_name_without_its_sequencer(name: str, data_set: str) -> None:
    assert data_set_of(name) == data_set


def test_signs_of_latex_are_text() -> None:
    assert tex_of(r"a_b\c {50 %} ~x^2 & $ #") == (
        r"a\_b\textbackslash{}c \{50 \%\} \textasciitilde{}x\textasciicircum{}2 \& \$ \#"
    )


def test_counts_are_whole_and_what_is_not_known_is_a_dash() -> None:
    values = (2610933.0, 2610933, 0.123456789, float("nan"), None, True)
    assert [shown(value) for value in values] == ["2610933", "2610933", "0.123457", "-", "-", "yes"]
