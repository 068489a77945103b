"""The page of a calibration: an overview of all channels, failures first, then each channel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from ...nodes.germanium.figure_parts import with_error
from ...schemas.sheets import Sheet
from ..engine.artifacts import FAILURES
from ..html import parts
from ..html.page import Section, page_text
from ..html.sheets import sheet_drawing
from .summary import FAILED, OF_ROWS, OK, channels_summary

PAGES: Final = "calibration_pages"
"""The figures of each channel."""
OF_REPORT: Final = (
    "n_triggers",
    *(f"n_{name}" for name in OF_ROWS),
    "pulser_line",
    "quality_survival",
    "trapping_alpha_per_ns",
    "energy_scale_keV_per_adc",
    "energy_peaks",
    "qbb_fwhm_keV",
    "aoe_low_cut",
    "aoe_survival",
    "lq_model",
    "lq_survival",
)
"""What the page is made of, beside the failures of the run."""

NOISE_PAGE: Final = "noise_page"
"""Of a run with forced triggers, one more page a channel."""
SVM_TABLE: Final = "svm_confusion"
"""Of a run that trains a machine for pulse shapes, what those that it did not see are taken for."""
MORE_PAGES: Final = ("decay_page", "scan_page")
WHERE_THERE: Final = ("pole_zero_constants_ns", SVM_TABLE)
"""Of a run that begins with waveforms."""
_LINE: Final = "2614.511"
_PAGES: Final = ("decay_page", NOISE_PAGE, "scan_page")
_NOT_BY_CHANNEL: Final = (PAGES, *_PAGES, SVM_TABLE)
_HEAD: Final = (
    "channel", "status", "events", "τ (µs)", "energy", "FWHM Qββ (keV)", "FWHM 2614.5 (keV)",
    "α (10⁻⁷/ns)", "A/E cut (σ)", "DEP A/E (%)", "DEP LQ (%)", "why",
)  # fmt: skip


def report_text(values: Mapping[str, Any], absent: Sequence[str] = ()) -> str:
    """The whole page, of ``channel_sections``."""
    told, sections = channel_sections(values, absent)
    failed = sum(summary["status"] != OK for summary in told.values())
    channels = "1 channel" if len(told) == 1 else f"{len(told)} channels"
    subtitle = f"{channels}, {failed} of them not calibrated or only in part"
    return page_text("Germanium calibration", sections, subtitle=subtitle, wide=True)


def channel_sections(
    values: Mapping[str, Any], absent: Sequence[str] = ()
) -> tuple[Mapping[str, Any], list[Section]]:
    """What is told of each channel, and its sections, from values by channel and the failures.

    ``absent`` says what the settings left out; values of PAGES, NOISE_PAGE and MORE_PAGES add the
    figures of each channel.
    """
    pages: dict[str, Mapping[str, Sheet]] = dict(values.get(PAGES, {}))
    for name in _PAGES:
        of_channels: Mapping[str, Sheet] = values.get(name, {})
        for channel, sheet in of_channels.items():
            pages[channel] = {**pages.get(channel, {}), sheet.name: sheet}
    places = [failure.at for failure in values[FAILURES]]
    of_failed = {str(at["channel"]) for at in places if "channel" in at}
    known = sorted({*values["n_triggers"], *pages, *of_failed})
    told = channels_summary(
        {n: v for n, v in values.items() if n not in (*_NOT_BY_CHANNEL, FAILURES)},
        values[FAILURES],
        known,
    )["channels"]
    sections = [Section("Channels", [*_overview(told), *map(parts.paragraph, absent)])]
    if SVM_TABLE in values:
        sections.append(Section("Pulse shapes", list(_classes(values[SVM_TABLE]))))
    for channel, summary in told.items():
        of_channel = list(_of_channel(channel, summary, pages))
        sections += [Section(channel, of_channel)] if of_channel else []
    return told, sections


def _overview(told: Mapping[str, Any]) -> Iterator[str]:
    yield parts.table(_HEAD, [_row(channel, summary) for channel, summary in told.items()])
    yield parts.paragraph(
        "Widths are those after the correction for trapped charge, where one is kept. "
        "DEP: the share of the double-escape peak that survives the cut."
    )


def _pulser(line: Mapping[str, Any]) -> str:
    period = "" if line["period_s"] is None else f" every {line['period_s']:.4g} s"
    what = f"{line['n_events']} events of a pulser{period}"
    if line["is_cut"]:
        return f"{what} are left out."
    return f"{what} are among the events; [germanium] find_pulser = true leaves them out."


def _classes(confusion: pd.DataFrame) -> Iterator[str]:
    """Rows are what pulses are, columns what they are taken for."""
    if not len(confusion):
        return
    names = list(dict.fromkeys(confusion["true_class"]))
    shares = confusion["share"].to_numpy().reshape(len(names), len(names))
    counts = confusion["n_true"].to_numpy().reshape(len(names), len(names))[:, 0]
    rows = [
        [name, int(n), *(f"{100.0 * share:.1f}" for share in of_name)]
        for name, n, of_name in zip(names, counts, shares, strict=True)
    ]
    yield parts.table(["class", "pulses", *(f"as {name} (%)" for name in names)], rows)
    yield parts.paragraph(
        "What the SVM takes pulses for that it was not trained on: the diagonal is its recall."
    )


def _row(channel: str, summary: Mapping[str, Any]) -> list[Any]:
    # The estimators stand in the order of the settings; the first that is calibrated is shown.
    estimators = summary.get("energy", {})
    name = next((n for n, e in estimators.items() if "qbb_fwhm_keV" in e), "")
    energy = estimators.get(name, {})
    best = energy.get("corrected") or energy
    aoe, lq = summary.get("aoe", {}), summary.get("lq", {})
    why = "; ".join(f"{f['node']}: {f['reason']}" for f in summary["failures"])
    return [
        channel,
        summary["status"],
        summary["rows"],
        _pair(summary.get("tau1_us")),
        name,
        _pair(best.get("qbb_fwhm_keV")),
        _pair(best.get("fwhm_keV", {}).get(_LINE)),
        _pair(energy.get("alpha_per_ns"), 1e7),
        _pair(aoe.get("low_cut")),
        _pair(aoe.get("survival", {}).get("DEP"), 100.0),
        _pair(lq.get("survival", {}).get("DEP"), 100.0),
        why,
    ]


def _pair(number: Mapping[str, Any] | None, factor: float = 1.0) -> str:
    """A value with its error; a dash for what is not known."""
    if number is None or number["value"] is None:
        return "–"
    error = number["error"]
    return with_error(number["value"] * factor, math.nan if error is None else error * factor)


def _of_channel(
    channel: str, summary: Mapping[str, Any], pages: Mapping[str, Mapping[str, Sheet]]
) -> Iterator[str]:
    for failure in summary["failures"]:
        kind: parts.Kind = "bad" if summary["status"] == FAILED else "warn"
        yield parts.note(f"{failure['node']}: {failure['reason']}", kind)
    if "pulser" in summary:
        yield parts.note(_pulser(summary["pulser"]), "warn")
    for name, words in OF_ROWS.items():
        if summary[name]:
            yield parts.note(f"{summary[name]} {words}", "warn")
    for name, sheet in pages.get(channel, {}).items():
        # Symbols in a picture are named by the sheet: one name in the whole page.
        yield sheet_drawing(replace(sheet, name=f"{channel}-{name}"))
