"""The report of a light file as one HTML page: verdict first, then masks, pages and numbers.

It needs no network and no other file; numbers and pictures are those of the PDF.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from markupsafe import Markup

from ...nodes.lightdqm.findings import overall_status
from ...nodes.lightdqm.folding import in_order
from ...nodes.lightdqm.grouping import EPCB_OF_CHANNEL
from ...schemas.sheets import Sheet
from ...schemas.sources import FileRef
from ..html import parts
from ..html.page import Section, page_text
from ..html.parts import Cell, Kind, Value
from ..html.sheets import sheet_drawing
from ..node_records import NodeRecord
from ..runfile.record import StoredInput, StoredNode

PAGE_NODES: Final = (
    "page_heading",
    "dqm_verdict",
    "mask_pictures",
    "report_pages",
    "trigger_counts",
    "missing_adcs",
    "channel_masks",
    "baseline_summary",
    "noise_summary",
    "dqm_fractions",
    "light_hits",
    "spark_rates",
    "noise_tones",
)
"""The nodes that the page shows."""

_KINDS: Final[Mapping[str, Kind]] = {
    "pass": "good",
    "warn": "warn",
    "fail": "bad",
    "no_data": "plain",
}
_STATUS_WORDS: Final = {"pass": "passed", "warn": "warning", "fail": "failed", "no_data": "no data"}
_WORST_FIRST: Final = ("fail", "warn", "no_data", "pass")
_SHOWN_CHANNELS: Final = 10
_PLACES: Final = ["adc", "channel"]
# The masks stand at the head of the page already.
_NOT_AGAIN: Final = ("arguments", "baseline_mask", "flatline_mask")


@dataclass(frozen=True)
class Provenance:
    """Where the numbers come from: facts by name, the settings as text, what became of nodes."""

    facts: tuple[tuple[str, str], ...] = ()
    settings: str = ""
    nodes: Mapping[str, NodeRecord | StoredNode] | None = None


def provenance_of(
    source: FileRef | StoredInput,
    argv: Sequence[str],
    versions: Mapping[str, str],
    settings: str,
    nodes: Mapping[str, NodeRecord | StoredNode],
) -> Provenance:
    """What a page says of a run: its input, its command, its libraries."""
    facts = (
        ("input", source.path),
        ("size in bytes", str(source.size)),
        ("xxh3_128", source.content_hash),
        ("command", shlex.join(argv)),
        ("software", ", ".join(f"{name} {value}" for name, value in versions.items())),
    )
    return Provenance(facts, settings, nodes)


def light_page(values: Mapping[str, Any], provenance: Provenance) -> str:
    """The whole page; ``values`` holds every node of PAGE_NODES by name."""
    heading = values["page_heading"]
    sheets: dict[str, Sheet] = values["report_pages"]
    sections = [
        Section("Verdict", [_verdict(values["dqm_verdict"])]),
        Section("Masks", [sheet_drawing(s) for s in values["mask_pictures"].values()]),
        *(
            Section(_short(name), [_page(sheet)], anchor=sheet.name)
            for name, sheet in sheets.items()
            if name not in _NOT_AGAIN
        ),
        Section("Numbers", list(_numbers(values))),
        Section("Provenance", list(_provenance(sheets.get("arguments"), provenance))),
    ]
    return page_text(
        f"Light DQM: {heading.source}",
        sections,
        subtitle=f"{heading.period} · {heading.events}",
        footer="Made by radiograph. Rest the pointer on a mark to see its numbers.",
        wide=True,
    )


def _short(name: str) -> str:
    words = name.replace("_", " ").replace("epcb", "EPCB").replace("tpc", "TPC")
    return words[:1].upper() + words[1:]


def _page(sheet: Sheet) -> Markup:
    if sheet.problem:
        return parts.note(f"This page could not be drawn: {sheet.problem}", "bad")
    return sheet_drawing(sheet)


def _verdict(verdict: pd.DataFrame) -> Markup:
    status = overall_status(verdict)
    counts = verdict["status"].astype(str).value_counts()
    told = ", ".join(f"{counts[s]} {_STATUS_WORDS[s]}" for s in _WORST_FIRST if s in counts)
    line = parts.note(f"{_STATUS_WORDS[status].upper()}  ·  {told}", _KINDS[status])
    led = in_order(verdict)
    order = led["status"].astype(str).map(_WORST_FIRST.index).sort_values(kind="stable").index
    rows = [_check_row(led.loc[k]) for k in order]
    head = ("check", "status", "reason", "channels", "value", "limit", "unit", "what to do")
    return parts.joined(line, parts.table(head, rows))


def _check_row(row: pd.Series) -> list[Value]:
    status = str(row["status"])
    badge = Cell(
        parts.badge(_STATUS_WORDS[status], _KINDS[status]), str(_WORST_FIRST.index(status))
    )
    return [
        str(row["check"]).replace("_", " "),
        badge,
        str(row["reason"]),
        _channels(str(row["channels"]).split()),
        _rounded(row["value"]),
        _rounded(row["limit"]),
        str(row["unit"]),
        str(row["action"]),
    ]


def _rounded(value: float) -> float | None:
    return float(f"{value:.4g}") if np.isfinite(value) else None


def _channels(names: list[str]) -> Value:
    if len(names) <= _SHOWN_CHANNELS:
        return " ".join(names)
    rest = len(names) - _SHOWN_CHANNELS
    first = " ".join(names[:_SHOWN_CHANNELS])
    more = parts.collapsible(f"and {rest} more", " ".join(names[_SHOWN_CHANNELS:]))
    return Cell(parts.joined(first, more), len(names))


def _numbers(values: Mapping[str, Any]) -> Iterable[Markup]:
    """Triggers, ADCs and every active channel with what was measured of it."""
    yield parts.heading("Triggers")
    yield _whole(values["trigger_counts"], ("trigger", "events in the file", "looked at"))
    yield parts.heading("ADCs")
    yield _whole(
        values["missing_adcs"],
        ("ADC", "events", "absent from", "channels that are never there", "share absent"),
    )
    yield parts.heading("Channels")
    yield parts.paragraph(
        "Active channels; medians with the distances to the 16 and 84 % points, in 16-bit counts. "
        "All numbers are in the HDF5 file."
    )
    yield parts.collapsible("Table of all active channels", _channel_table(values))


def _whole(frame: pd.DataFrame, head: tuple[str, ...]) -> Markup:
    rows = frame.astype({c: str for c in frame.columns if frame[c].dtype == "category"})
    return parts.table(head, rows.itertuples(index=False))


def _channel_table(values: Mapping[str, Any]) -> Markup:
    masks = values["channel_masks"]
    rows = masks.loc[masks["active"], [*_PLACES, "flatline_state", "baseline_state"]]
    rows = rows.astype({"flatline_state": str, "baseline_state": str})
    rows.insert(2, "epcb", EPCB_OF_CHANNEL[rows["channel"]])
    for name in ("baseline", "noise"):
        rows = _joined(rows, _spread(values[f"{name}_summary"]), name)
    fractions = values["dqm_fractions"]
    for quantity, granularity in (("clipped", "channel"), ("negative", "total")):
        chosen = fractions[
            (fractions["quantity"] == quantity) & (fractions["granularity"] == granularity)
        ]
        summed = chosen.groupby(_PLACES, observed=True)[["k", "n"]].sum().reset_index()
        rows = _joined(rows, summed, quantity)
    rows = _joined(rows, values["light_hits"][[*_PLACES, "k", "n"]], "hits")
    rows = _joined(rows, values["spark_rates"][[*_PLACES, "k", "n"]], "sparks")
    tones = values["noise_tones"][[*_PLACES, "frequency_MHz", "amplitude_adc16"]]
    rows = _joined(rows, tones.round(2), "tone")
    return parts.table(_CHANNEL_HEAD, rows.itertuples(index=False))


_CHANNEL_HEAD: Final = (
    "ADC", "channel", "EPCB", "light", "baseline is",
    "baseline", "−", "+", "noise", "−", "+",
    "clipped", "of lit", "negative", "of all", "sees light", "of neighbours'",
    "sparks", "of dark", "tone (MHz)", "its amplitude",
)  # fmt: skip


def _spread(summary: pd.DataFrame) -> pd.DataFrame:
    median = summary["median_adc16"]
    return summary[_PLACES].assign(
        median=median.round(1),
        below=(median - summary["p16_adc16"]).round(1),
        above=(summary["p84_adc16"] - median).round(1),
    )


def _joined(rows: pd.DataFrame, more: pd.DataFrame, name: str) -> pd.DataFrame:
    named = more.rename(columns={c: f"{name}_{c}" for c in more.columns if c not in _PLACES})
    return rows.merge(named, on=_PLACES, how="left")


def _provenance(arguments: Sheet | None, provenance: Provenance) -> Iterable[Markup]:
    yield parts.definitions(provenance.facts)
    if arguments is not None:
        yield parts.collapsible("Arguments", _page(arguments))
    if provenance.settings:
        yield parts.collapsible("Settings", parts.preformatted(provenance.settings))
    if provenance.nodes:
        rows = [
            (node, record.status, record.seconds, record.reason)
            for node, record in provenance.nodes.items()
        ]
        table = parts.table(("node", "", "seconds", "why"), rows)
        yield parts.collapsible("What became of each node", table)
