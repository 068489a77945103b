"""The pages of a light DQM report: their names in the settings and in the report, their order."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from .frames import GRANULARITIES, QUANTITIES, TRIGGERS


@dataclass(frozen=True)
class FractionPage:
    """Which fractions a page shows, by quantity, trigger and denominator."""

    quantity: str
    trigger: str
    granularity: str

    @property
    def name(self) -> str:
        """As in the settings, e.g. clipped_self_tpc."""
        return f"{self.quantity}_{self.trigger}_{self.granularity}"

    @property
    def file_name(self) -> str:
        """As the report of the near-line script calls it: readers look for these names."""
        by = {"channel": "ch"}.get(self.granularity, self.granularity)
        if self.quantity == "negative":
            return f"plot6_negatives_{self.trigger}_{by}"
        if self.trigger != "self":
            return f"plot6_clipped_{self.trigger}_{by}"
        return "plot8_clipped_ch_self" if by == "ch" else f"plot_clipped6_self_{by}"


FRACTION_PAGES: Final = MappingProxyType(
    {
        page.name: page
        for page in (
            FractionPage(quantity, trigger, granularity)
            for quantity in QUANTITIES
            for trigger in TRIGGERS
            for granularity in GRANULARITIES
        )
    }
)
OTHER_PAGES: Final = MappingProxyType(
    {
        "arguments": "args",
        "baseline_mask": "plot0_baseline",
        "flatline_mask": "plot0_flatline",
        "waveforms": "plot1_sumwvfm",
        "baselines": "plot2_baselines",
        "noises": "plot4_noises",
        "spectra": "plot5_powspec",
    }
)
USUAL: Final = "usual"
"""In the list of pages: every page that the report has without a list."""
_KNOWN: Final = (USUAL, *OTHER_PAGES, *FRACTION_PAGES)


def unknown_page(name: str) -> str:
    """What is wrong with the name of a page; empty for a page that exists."""
    if name in _KNOWN:
        return ""
    near = difflib.get_close_matches(name, _KNOWN, 1)
    hint = f' (did you mean "{near[0]}"?)' if near else ""
    others = ", ".join((USUAL, *OTHER_PAGES))
    return (
        f'"{name}" is no page{hint}; there are {others} and '
        "{clipped, negative}_{beam, self, unknown}_{channel, epcb, tpc, total}"
    )


def usual_pages(
    triggers: Iterable[str],
    granularities: tuple[str, ...] = (),
    *,
    all_clipped: bool = False,
    all_negatives: bool = False,
) -> list[str]:
    """The pages of a report without a list: clipped by EPCB, negative by TPC, each trigger.

    ``granularities`` replace EPCB and TPC; the two switches add clipped by channel and
    negative by EPCB.
    """
    clipped = list(granularities or ("epcb",)) + (["channel"] if all_clipped else [])
    negative = list(granularities or ("tpc",)) + (["epcb"] if all_negatives else [])
    fractions = [
        f"{quantity}_{trigger}_{by}"
        for quantity, listed in (("clipped", clipped), ("negative", negative))
        for trigger in triggers
        for by in dict.fromkeys(listed)
    ]
    return [*OTHER_PAGES, *fractions]


def report_order(names: Iterable[str], usual: Iterable[str]) -> list[str]:
    """The pages of a report in its order: that of their file names; no list is the usual one."""
    chosen: dict[str, None] = {}
    for name in names or (USUAL,):
        chosen.update(dict.fromkeys(usual if name == USUAL else (name,)))
    return sorted(chosen, key=file_name)


def file_name(name: str) -> str:
    """The name of a page in the report."""
    page = FRACTION_PAGES.get(name)
    return OTHER_PAGES[name] if page is None else page.file_name
