"""The page of a calibration: an overview of all channels, failures first, then each channel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ...nodes.germanium.figure_parts import with_error
from ...schemas.sheets import Sheet
from ..engine.artifacts import FAILURES
from ..html import parts
from ..html.page import Section, page_text
from ..html.sheets import sheet_drawing
from .summary import FAILED, OK, channels_summary

OF_REPORT: Final = (
    "calibration_pages",
    "n_triggers",
    "n_duplicates",
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
_LINE: Final = "2614.511"
_HEAD: Final = (
    "channel", "status", "events", "energy", "FWHM Qββ (keV)", "FWHM 2614.5 (keV)",
    "α (10⁻⁷/ns)", "A/E cut (σ)", "DEP A/E (%)", "DEP LQ (%)", "why",
)  # fmt: skip


def report_text(values: Mapping[str, Any], absent: Sequence[str] = ()) -> str:
    """The whole page, from the values of OF_REPORT by channel and the failures.

    ``absent`` says what the settings left out; values of NOISE_PAGE add the noise of each channel.
    """
    noise: Mapping[str, Sheet] = values.get(NOISE_PAGE, {})
    pages: dict[str, Mapping[str, Sheet]] = dict(values["calibration_pages"])
    for channel, sheet in noise.items():
        pages[channel] = {**pages.get(channel, {}), sheet.name: sheet}
    known = dict.fromkeys([*values["n_triggers"], *pages])
    told = channels_summary(
        {n: v for n, v in values.items() if n not in ("calibration_pages", NOISE_PAGE, FAILURES)},
        values[FAILURES],
        known,
    )["channels"]
    sections = [Section("Channels", [*_overview(told), *map(parts.paragraph, absent)])]
    for channel, summary in told.items():
        sections.append(Section(channel, list(_of_channel(channel, summary, pages))))
    failed = sum(summary["status"] != OK for summary in told.values())
    channels = "1 channel" if len(told) == 1 else f"{len(told)} channels"
    subtitle = f"{channels}, {failed} of them not calibrated or only in part"
    return page_text("Germanium calibration", sections, subtitle=subtitle, wide=True)


def _overview(told: Mapping[str, Any]) -> Iterator[str]:
    yield parts.table(_HEAD, [_row(channel, summary) for channel, summary in told.items()])
    yield parts.paragraph(
        "Widths are those after the correction for trapped charge, where one is kept. "
        "DEP: the share of the double-escape peak that survives the cut."
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
    if summary["duplicates"]:
        text = f"{summary['duplicates']} rows repeat an earlier one: was a file given twice?"
        yield parts.note(text, "warn")
    for name, sheet in pages.get(channel, {}).items():
        # Symbols in a picture are named by the sheet: one name in the whole page.
        yield sheet_drawing(replace(sheet, name=f"{channel}-{name}"))
