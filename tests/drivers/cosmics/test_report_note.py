"""The report as a LaTeX document, and the figures that it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cosmic_events import written
from radiograph.drivers.cosmics.latex import latex_of
from radiograph.drivers.cosmics.report_note import data_set_of
from radiograph.drivers.cosmics.stored import stored
from radiograph.drivers.cosmics.tables import analysis, of_note, shown, tables_of
from radiograph.drivers.main import guarded

Run = Callable[..., int]
PNG = b"\x89PNG"
# Commands of LaTeX itself and of booktabs, graphicx, longtable, xcolor and geometry.
KNOWN = {
    "documentclass", "usepackage", "title", "author", "date", "begin", "end", "maketitle",
    "section", "footnotesize", "setlength", "tabcolsep", "noindent", "par", "textcolor",
    "toprule", "midrule", "bottomrule", "endhead", "endlastfoot", "includegraphics", "textwidth",
    "textheight", "centering", "caption", "clearpage", "allowbreak", "catcode",
    "textbackslash", "textasciicircum", "textasciitilde", "textasciigrave", "textquotesingle",
    "sigma", "ge", "mu",
}  # fmt: skip


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


def tokens(text: str) -> str:
    """The text without what LaTeX prints as a sign of its own."""
    return re.sub(r"\\[_&%#${}]", "", text)


def faults(text: str) -> list[str]:
    """What pdflatex would stumble over in a document."""
    # The signs of a file's name are codes of their own there.
    text = re.sub(r"\{(\\catcode`\\[%#~]=12)+ (\\includegraphics.*)\}", r"\2", text)
    plain = tokens(text)
    found = [
        f"not ASCII: {sign!r}"
        for sign in sorted(set(text))
        if not (sign == "\n" or " " <= sign <= "~")
    ]
    depth = 0
    for mark in re.findall(r"[{}]", plain):
        depth += 1 if mark == "{" else -1
        if depth < 0:
            found.append("a brace is closed that was not opened")
    opened: list[str] = []
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if what == "begin":
            opened.append(name)
        elif not opened or opened.pop() != name:
            found.append(f"{name} is closed and was not opened last")
    if depth or opened:
        found.append(f"left open: {depth} braces, {opened}")
    body = plain[plain.index(r"\begin{document}") :]
    body = re.sub(r"\\(begin|end)\{document\}", "", body)
    body = re.sub(r"\\includegraphics\[[^]]*\]\{[^{}\\]*\}", "", body)
    body = re.sub(r"\$(\\[a-zA-Z]+|\^\\circ|[<>-])\$", "", body)
    found += [f"bare {sign}" for sign in re.findall(r"[_%#$^~]", body)]
    for kinds, rows in tables_in(body):
        n = len(re.sub(r"p\{[^}]*\}", "p", kinds))
        found += [f"{row!r} has not {n} columns" for row in rows if row.count("&") != n - 1]
        found += [f"{row!r} begins with an option" for row in rows if row.lstrip()[0] in "[*"]
    commands = set(re.findall(r"\\([a-zA-Z]+)", plain)) - KNOWN
    return found + [f"unknown \\{name}" for name in sorted(commands)]


def tables_in(body: str) -> list[tuple[str, list[str]]]:
    """The columns of each table, and its rows."""
    tables = re.findall(
        r"\\begin\{(?:tabular|longtable)\}(?:\[l\])?\{((?:[lr]|p\{[^}]*\})+)\}(.*?)\\end\{(?:tabular|longtable)\}",
        body, re.DOTALL,
    )  # fmt: skip
    return [
        (kinds, [line.removesuffix(r"\\") for line in lines.splitlines() if line.endswith(r"\\")])
        for kinds, lines in tables
    ]


def test_the_document_is_of_this_run_and_shows_the_figures_beside_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert guarded(["run", "c.toml", "-q"]) == 0
    text = Path("out_report.tex").read_text()
    assert faults(text) == []
    titles = ["Data sets", "Beam", "Effective cuts", "Cut flow", "Rates", "Figures", "Input files"]
    assert re.findall(r"\\section\{(.*)\}", text) == titles
    found = stored(Path("out.h5"))
    for name in ("cut_flow", "analysis"):
        for row in of_note(name, tables_of(found)[name]).itertuples(index=False):
            assert " & ".join(latex_of(shown(value)) for value in row) + r" \\" in text
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
    assert faults(text) == []
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


HOSTILE = r"a_b%c&d#e$f{g}h~i^j\k"


def test_names_with_signs_of_latex_are_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("companions", "page"):
        monkeypatch.setattr(f"radiograph.drivers.cosmics.{module}.drawn_figure", lambda *_: PNG)
    monkeypatch.chdir(tmp_path)
    written(tmp_path / f"nts.own--er.{HOSTILE}.σ中.000001_00000001.root", 10, 1)
    Path("sets.yaml").write_text(
        "cutsets:\n"
        f"  '[{HOSTILE}': \n    cuts:\n"
        "      '[own_p≥3µ': {quantity: p_MeV, surfaces: [0], lo: 3, group: 'A_&\tgroup'}\n"
    )
    Path("c.toml").write_text(
        '[pipeline]\nname = "cosmics"\n[io]\ninput_path = "nts.*.root"\n'
        'output_path = "o%u#t~.h5"\n[output]\nformats = ["tex"]\n[cache]\nenabled = false\n'
        f"[cuts]\ncutsets_file = \"sets.yaml\"\ncutset = '[{HOSTILE}'\n"
    )
    assert guarded(["run", "c.toml", "-q"]) == 0
    text = Path("o%u#t~_report.tex").read_text()
    assert faults(text) == []
    signs = r"a\_b\%c\&d\#e\$f\{g\}h\textasciitilde{}i\textasciicircum{}j\textbackslash{}k"
    assert f"Cut set {{}}[{signs}" in text
    assert r"own-\allowbreak{}{}-\allowbreak{}er" in text
    assert r"{}[own\_p$\ge$3$\mu$ & A\_\& group" in text
    files = re.findall(r"\\includegraphics\[.*\]\{([^}]*)\}", text)
    assert len(files) > 5
    assert all(Path(file).is_file() for file in files)
    table = Path("o%u#t~_cut_flow.tex").read_text()
    assert faults(rf"\begin{{document}}{table}\end{{document}}") == []
    # What is looked for is found.
    for line in (r"a & b \\", r"[a & b & c & d \\", "é", r"\foo", "$", "{"):
        broken = text.replace(r"\bottomrule", line + "\n\\bottomrule", 1)
        assert faults(broken) != [], line


def test_signs_of_latex_are_text() -> None:
    assert latex_of(r"a_b\c {50 %} ~x^2 & $ #") == (
        r"a\_b\textbackslash{}c \{50 \%\} \textasciitilde{}x\textasciicircum{}2 \& \$ \#"
    )


def test_a_number_stands_before_the_ends_of_its_interval() -> None:
    names = ("per_day_2batch", "per_day_1batch_hi", "per_day_1batch", "per_day_1batch_lo")
    (row,) = analysis({"Wide": dict.fromkeys(names, 1.0)}).to_dict("records")
    order = ["per_day_1batch", "per_day_1batch_lo", "per_day_1batch_hi", "per_day_2batch"]
    assert list(row)[-4:] == order
    assert list(row)[:3] == ["window", "selected", "unvetoed"]


def test_counts_are_whole_and_what_is_not_known_is_a_dash() -> None:
    values = (2610933.0, 2610933, 0.123456789, float("nan"), None, True)
    assert [shown(value) for value in values] == ["2610933", "2610933", "0.123457", "-", "-", "yes"]


def test_letters_that_latex_has_none_of_are_said() -> None:
    assert latex_of("σ(p) ≥ 3 µm\n[中 é ½") == r"$\sigma$(p) $\ge$ 3 $\mu$m [[U+4E2D] e [U+00BD]"
    assert latex_of("[a] -- *") == "{}[a] -{}- *"
