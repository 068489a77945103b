"""The report of a run as one HTML page, of its run file alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...nodes.cosmics.drawings import drawn_figure, figures_of
from ...schemas.errors import UsageError
from ..files import check_new_files, new_output
from ..html import parts
from ..html.page import Section, page_text
from ..runfile.last_run import graph_of_run_file
from .report_note import CAPTIONS, ROLES, drawn_of, note_of
from .stored import Stored, stored
from .tables import tables_of, turned, warning_of


def write_report(source: Path, page: Path, *, pdf: bool, overwrite: bool) -> list[Path]:
    """Write the page of a run file, and the note beside it, and name them.

    UsageError or InputError before that.
    """
    if pdf:
        msg = "--pdf: this pipeline has no PDF; print the HTML page from a browser"
        raise UsageError(msg, key="pdf")
    note = page.with_suffix(".tex")
    check_new_files([page, note], [source], overwrite=overwrite)
    found = stored(source)
    text = page_of(found, source, source, partial(drawn_figure, drawn_of(found)))
    for path, content in ((page, text), (note, note_of(found, source))):
        with new_output(path) as temporary:
            temporary.write_text(content, "utf-8")
    return [page, note]


def page_of(found: Stored, source: Path, named: Path, figure: Callable[[str], bytes]) -> str:
    """The page of a run file that is, or will be, called ``named``.

    ``figure`` draws one by name as PNG.
    """
    names = figures_of(drawn_of(found))
    tables = tables_of(found)
    sections = [
        Section("Data", list(_data(found))),
        Section("Cut flow", [*_warned(found),
                             _table(_readable(tables["cut_flow"]), "events and tracks"),
                             _table(tables["group_flow"], "group by group")]),
        Section("Rates", [*_warned(found), _table(turned(tables["analysis"]), "by window"),
                          *_normalisation(found)]),
        Section("Figures", [parts.picture(figure(n), n, CAPTIONS[n]) for n in names], "figures"),
        Section("Cuts in effect", [*_warned(found),
                                   _table(tables["effective_cuts"], "every cut, on or off"),
                                   _table(tables["off_cuts"], "cuts that are off")]),
        Section("Studies", list(_studies(found, tables))),
        Section("Unvetoed events", list(_events(found))),
        Section("Graph", [parts.drawing(graph_of_run_file(source, None).svg)]),
        Section("Settings", [parts.table(
            ("setting", "is"), [(k, json.dumps(v)) for k, v in found.facts["settings"].items()]
        )]),
    ]  # fmt: skip
    made = str(found.facts["created_utc"])[:19].replace("T", " ")
    summary = found.summary
    spill = "on-spill" if summary["on_spill"] else "off-spill"
    title = f"Cosmic-ray background: {named.name}"
    subtitle = f"cut set {summary['cutset']} ({str(summary['cutset_hash'])[:8]}), {spill}; {made}"
    return page_text(title, sections, subtitle=subtitle, wide=True)


def _warned(found: Stored) -> Iterator[str]:
    if found.faults:
        yield parts.note(warning_of(found), "bad")


def _data(found: Stored) -> Iterator[str]:
    yield from _warned(found)
    summary = found.summary
    yield parts.definitions(
        [
            ("unvetoed events", int(summary["unvetoed_events"])),
            ("input", str(summary["verdict"])),
            ("software", str(found.facts["software"])),
            ("command", str(found.facts["run_command"])),
        ]
    )
    yield _table(found.frames["verdict"], "checks of the input")
    columns = ["axis", "number", "path", "status", "n_records", "bytes", "message"]
    files = found.input_files[columns].replace({"axis": ROLES}).rename(columns={"axis": "as"})
    yield parts.collapsible(f"{len(files)} input files", _table(files, "files of the run"))


def _normalisation(found: Stored) -> Iterator[str]:
    source = found.normalisation.get("source", {})
    rows = [
        (name, found.normalisation.get(name), source.get(name, "unknown"))
        for name in ("generated_events", "processed_events", "livetime_s")
    ]
    yield parts.table(("number", "is", "from"), rows, caption="normalisation")


def _studies(found: Stored, tables: dict[str, pd.DataFrame]) -> Iterator[str]:
    yield from _warned(found)
    study = found.veto_study
    head = ["from \\ to (ns)", *(f"{hi:g}" for hi in study["hi_ns"])]
    rows = [
        [f"{lo:g}", *(100 * f for f in row)]
        for lo, row in zip(study["lo_ns"], study["fraction"], strict=True)
    ]
    text = f"vetoed of {int(study['selected_events'])} selected events (%), by window"
    yield parts.table(head, rows, caption=text)
    for name in ("dead_time_curve", "threshold_scans"):
        if name in tables:
            yield parts.collapsible(name.replace("_", " "), _table(tables[name], name))


_SHOWN: Final = ("run", "subrun", "event", "p_MeV", "slope", "d0_mm", "maxr_mm", "t0_ns",
                 "t0err_ns", "trkqual", "nactive", "true_pdg", "parent_pdg", "n_coincidences",
                 "nearest_dT_ns")  # fmt: skip
_MOST_EVENTS: Final = 200


def _events(found: Stored) -> Iterator[str]:
    yield from _warned(found)
    events = found.frames["unvetoed_events"]
    if events.empty:
        yield parts.paragraph("No event is left after selection and veto.")
        return
    text = f"{min(len(events), _MOST_EVENTS)} of {len(events)} tracks that nothing vetoes"
    yield _table(events[list(_SHOWN)].head(_MOST_EVENTS), text)


def _readable(flow: pd.DataFrame) -> pd.DataFrame:
    """The cut flow with what a reader looks for first; what each cut is stands with the cuts."""
    last = ("absolute_lo_pct", "absolute_hi_pct", "relative_lo_pct", "relative_hi_pct")
    left_out = ("level", "Description")
    return flow[[*(n for n in flow.columns if n not in (*last, *left_out)), *last]]


def _table(table: pd.DataFrame, caption: str) -> str:
    rows = [[_plain(value) for value in row] for row in table.itertuples(index=False)]
    return parts.table([str(c) for c in table.columns], rows, caption=caption)


def _plain(value: Any) -> Any:
    """A value of numpy as Python's own, yes and no for truth."""
    plain = value.item() if hasattr(value, "item") else value
    return ("yes" if plain else "no") if isinstance(plain, bool) else plain
