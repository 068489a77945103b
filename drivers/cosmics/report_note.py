"""The report of a run as a LaTeX document, of its run file and of the figures beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ...nodes.cosmics.drawings import Drawn, figures_of
from .latex import latex_of, picture
from .stored import Stored
from .tables import of_note, shown, tables_of, tex_text, warning_of

CAPTIONS: Final = {
    "cut_flow": "Events that pass each cut so far; outlines: all cuts but this one.",
    "mom_windows": "Momentum at the front of the tracker.",
    "summary": "What the cuts look at; dashed: thresholds of the cuts that are on.",
    "mom_summary": "Momentum along and across the axis, its error, and its resolution.",
    "crv_z": "Coincidences along z, each selection normalised.",
    "dT": "Time of electron fits at the middle of the tracker less that of coincidences.",
    "cosmic_parents": "Ancestor of most momentum of the tracks of each selection.",
    "roc": "Veto efficiency against dead time, a point a window.",
    "projection": "Error of the veto efficiency over wall time, and the day of the wanted one.",
}
# What the files of each axis are.
ROLES: Final = {"file": "data", "signal": "signal"}
_HEAD: Final = r"""\documentclass[a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[margin=2cm]{geometry}
\usepackage{booktabs,graphicx,longtable,xcolor}
"""
_WHOLE_PAGE: Final = r"width=\textwidth,height=0.75\textheight,keepaspectratio"
_BREAKS: Final = (r"\_", "/", ".", "-")


def drawn_of(found: Stored) -> Drawn:
    """What figures are drawn of."""
    return Drawn(found.histograms, found.frames, warning_of(found), found.projection)


def note_of(found: Stored, named: Path) -> str:
    """The document of a run file that is, or will be, called ``named``."""
    tables = tables_of(found)
    settings = found.facts["settings"]
    blocks = [
        _HEAD + rf"\title{{Cosmic-ray background: {_breaking(named.name)}}}",
        rf"\author{{{latex_of(str(found.facts['software']))}}}",
        rf"\date{{{latex_of(str(found.facts['created_utc'])[:10])}}}",
        r"\begin{document}" + "\n" + r"\maketitle",
        _section("Data sets", _warned(found), _data_sets(found)),
        _section("Beam", _table(("setting", "is"), _of_section(settings, "beam."))),
        _section("Effective cuts", _warned(found), _cut_set(found), _cuts(found)),
        _section("Cut flow", _small(tex_text(of_note("cut_flow", tables["cut_flow"]),
                                             warning_of(found)))),
        _section("Rates", _small(tex_text(of_note("analysis", tables["analysis"]),
                                          warning_of(found))),
                 _normalisation(found)),
        _section("Figures", *_figures(found, named)) if settings.get("output.figures") else "",
        _section("Input files", _warned(found), _ledger(found)),
        r"\end{document}",
    ]  # fmt: skip
    return "\n\n".join(block for block in blocks if block) + "\n"


def data_set_of(name: str) -> str:
    """The data set of a file: its name without the sequencer, where it has the six parts."""
    steps = name.split(".")
    return ".".join([*steps[:4]]) if len(steps) == 6 else name


def _section(title: str, *parts: str) -> str:
    return "\n\n".join([rf"\section{{{title}}}", *(part for part in parts if part)])


def _small(text: str) -> str:
    return rf"{{\footnotesize\setlength{{\tabcolsep}}{{4pt}}\noindent {text}\par}}"


def _warned(found: Stored) -> str:
    warning = warning_of(found)
    return rf"\textcolor{{red}}{{{latex_of(warning)}}}" if warning else ""


def _breaking(text: str) -> str:
    """A long name that may be broken into lines."""
    made = latex_of(text)
    for mark in _BREAKS:
        made = made.replace(mark, rf"{mark}\allowbreak{{}}")
    return made


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], kinds: str = "") -> str:
    """A table of cells that are LaTeX already; it goes on over pages."""
    begin = rf"\begin{{longtable}}[l]{{{kinds or 'l' * len(head)}}}"
    lines = [begin, r"\toprule", " & ".join(head) + r" \\", r"\midrule", r"\endhead",
             r"\bottomrule", r"\endlastfoot"]  # fmt: skip
    lines += [" & ".join(row) + r" \\" for row in rows]
    text = "\n".join([*lines, r"\end{longtable}"])
    return rf"{{\footnotesize {text}}}"


def _of_section(settings: Any, section: str) -> Iterator[tuple[str, str]]:
    for key, value in settings.items():
        if key.startswith(section):
            yield latex_of(key.removeprefix(section)), latex_of(json.dumps(value))


def _data_sets(found: Stored) -> str:
    """Files and events of each data set, as far as they were read."""
    files = found.input_files
    sets = [(ROLES[axis], data_set_of(Path(path).name))
            for axis, path in zip(files["axis"], files["path"], strict=True)]  # fmt: skip
    is_read = files["status"] == "read"
    events = files["n_records"].where(is_read, 0)
    rows = []
    for role, name in dict.fromkeys(sets):
        of = [one == (role, name) for one in sets]
        rows.append((role, _breaking(name), str(sum(of)), str(int(is_read[of].sum())),
                     shown(float(events[of].sum()))))  # fmt: skip
    head = ("As", "Data set", "Files", "Read", "Events")
    return _table(head, rows, r"lp{0.6\textwidth}rrr")


def _cut_set(found: Stored) -> str:
    summary = found.summary
    spill = "on-spill" if summary["on_spill"] else "off-spill"
    return (f"Cut set {latex_of(str(summary['cutset']))} "
            f"({latex_of(str(summary['cutset_hash'])[:8])}), {spill}.")  # fmt: skip


def _cuts(found: Stored) -> str:
    cuts: Iterator[Any] = found.frames["effective_cuts"].itertuples(index=False)
    rows = [
        (latex_of(row.cut), latex_of(row.group), "on" if row.active else "off",
         latex_of(row.description))
        for row in cuts
    ]  # fmt: skip
    return _table(("Cut", "Group", "Is", "Description"), rows, r"lllp{0.48\textwidth}")


def _normalisation(found: Stored) -> str:
    source = found.normalisation.get("source", {})
    rows = [
        (latex_of(name), shown(found.normalisation.get(name)),
         latex_of(source.get(name, "unknown")))
        for name in ("generated_events", "processed_events", "livetime_s")
    ]  # fmt: skip
    return _table(("Number", "is", "from"), rows)


def _figures(found: Stored, named: Path) -> Iterator[str]:
    for name in figures_of(drawn_of(found)):
        file = f"{named.stem}_{name}.png"
        yield "\n".join(
            [r"\begin{figure}[htbp]", r"\centering", picture(file, _WHOLE_PAGE),
             rf"\caption{{{latex_of(CAPTIONS[name])}}}", r"\end{figure}"]
        )  # fmt: skip
    yield r"\clearpage"


def _ledger(found: Stored) -> str:
    files: Iterator[Any] = found.input_files.itertuples(index=False)
    rows = [
        (ROLES[row.axis], str(row.number), _breaking(Path(row.path).name), latex_of(row.status),
         shown(row.n_records), _breaking(row.message))
        for row in files
    ]  # fmt: skip
    head = ("As", "No.", "File", "Status", "Events", "Problem")
    return _table(head, rows, r"lrp{0.45\textwidth}lrp{0.2\textwidth}")
