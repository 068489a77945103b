"""One finding leads: what follows from another one is said with it, and not counted again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from .finding import Finding
from .grouping import EPCB_OF_CHANNEL

_OF_WAVEFORMS: Final = (
    "dead",
    "railed",
    "flat",
    "baseline_band",
    "baseline_spread",
    "baseline_move",
    "noise",
    "tones",
    "sparks",
    "clipped",
    "negative",
    "alignment",
    "copies",
    "dark",
    "light",
    "dark_rate",
    "light_change",
    "baseline_change",
    "noise_change",
)
_OF_STUCK: Final = (
    "dead",
    "noise",
    "sparks",
    "clipped",
    "negative",
    "copies",
    "light",
    "dark_rate",
    "light_change",
    "baseline_change",
    "noise_change",
    "baseline_spread",
)
# What they compare is of the whole file, wherever it comes from.
_WITHOUT_SPANS: Final = ("baseline_spread", "baseline_move")
_OF_CHANGES: Final = ("light_change", "baseline_change", "noise_change")
FOLLOWS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("coding", ("unwritten", "triggers", "repeats", "channel_order", *_OF_WAVEFORMS)),
    ("unwritten", tuple(c for c in _OF_WAVEFORMS if c not in ("tones", "dark"))),
    ("dark", ("dead", "light", "light_change", "alignment")),
    (
        "arrival",
        (
            *("triggers", "dead", "baseline_spread", "noise", "negative", "light", "dark_rate"),
            *("clipped", "sparks", "light_change", "baseline_change", "noise_change"),
        ),
    ),
    ("alignment", ("dead", "light", "light_change", "dark_rate")),
    ("order", ("triggers", *_WITHOUT_SPANS, *_OF_CHANGES)),
    ("repeats", (*_OF_STUCK, "tones")),
    ("channel_order", tuple(c for c in _OF_WAVEFORMS if c not in ("dark", "railed", "flat"))),
    ("railed", _OF_STUCK),
    ("flat", _OF_STUCK),
    ("noise", ("negative", "dark_rate", "noise_change", "sparks", "dead", "light", "light_change")),
    ("sparks", ("dark_rate",)),
    ("dark_rate", ("light", "light_change")),
    ("dead", ("light", "light_change")),
    ("light", ("light_change",)),
    ("baseline_band", ("baseline_change",)),
    ("baseline_spread", ("baseline_change",)),
)
"""A check, and those whose findings on the same channels follow from it; causes come first."""

LEADING: Final = (
    "coding",
    "unwritten",
    "order",
    "alignment",
    "channel_order",
    "repeats",
    "missing_adcs",
    "timestamps",
    "dark",
    "arrival",
    "railed",
    "flat",
    "baseline_change",
    "dead",
    "copies",
)
"""Causes in the order in which a reader should hear of them; the other checks come after them."""
_WITHOUT_LIGHT_OF_ITS_OWN: Final = frozenset({"repeats", "channel_order", "noise"})
_BY_PARTNER: Final = frozenset({"dead", "light", "light_change", "alignment"})
_MOST_OF_AN_ADC: Final = 24
# What these explain must happen in the events that they name.
_AT_THE_SAME_EVENTS: Final = frozenset({"order", "noise"})
_CHANGES: Final = (
    ("baseline_change", "baseline_band"),
    ("baseline_change", "baseline_spread"),
    ("noise_change", "noise"),
    ("light_change", "light"),
)
# States of the whole file that a change as large makes, and how much of them it must be.
_MADE_BY_CHANGE: Final = frozenset({"baseline_spread", "light"})
_AS_LARGE: Final = 0.8
_TOLD_ALONG: Final = frozenset(_OF_CHANGES)


def folded(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, each without the channels that another one explains.

    A finding of which nothing is left has no data of its own: its reason says what it follows
    from. Checks keep their order.
    """
    found = {finding.check: finding for finding in findings}
    for change, state in _CHANGES:
        if _change_leads(found[change], found[state]):
            found[state], _ = _without(found[state], found[change])
    for cause, effects in FOLLOWS:
        leading = found.get(cause)
        if leading is None or leading.status != "fail":
            continue
        if cause == "order" and not leading.failing:
            # Event numbers alone say nothing of what the ADCs measure.
            continue
        for effect in effects:
            if effect in found and found[effect].status in ("fail", "warn"):
                found[effect], told = _without(found[effect], leading)
                if told and not leading.spans:
                    leading = replace(leading, reason=f"{leading.reason}; {told}")
        found[cause] = leading
    return [found[finding.check] for finding in findings]


def _change_leads(change: Finding, state: Finding) -> bool:
    """Whether a change in the file stands before the check of the whole file.

    It does where it names more, and where it is so large that it makes the state.
    """
    if change.status != "fail" or state.status not in ("warn", "fail"):
        return False
    names, of_state = set(change.failing), set(state.failing)
    makes = state.check in _MADE_BY_CHANGE and change.value > _AS_LARGE * state.value
    return bool(names - of_state) or (makes and names == of_state)


def _without(finding: Finding, leading: Finding) -> tuple[Finding, str]:
    """A finding without what another one explains, and what the other one then says along."""
    together = leading.check not in _AT_THE_SAME_EVENTS or _meet(leading, finding)
    if leading.check == "order" and not together:
        return finding, ""
    explained = [
        n
        for n in finding.failing
        if _covers(leading, n) or (together and _spoils(leading, finding, n))
    ]
    left = tuple(name for name in finding.failing if name not in explained)
    if finding.failing and not explained:
        return finding, ""
    if not finding.failing and leading.failing and finding.check != "triggers":
        return finding, ""
    told = finding.reason if finding.check in _TOLD_ALONG and not left else ""
    if left:
        reason = f"{finding.reason}; {len(explained)} of them follow from {leading.check}"
        return replace(finding, failing=left, reason=reason), told
    reason = f"follows from {leading.check}: {finding.reason}"
    return replace(finding, status="no_data", failing=(), reason=reason), told


def _covers(leading: Finding, name: str) -> bool:
    """Whether a finding of ADCs or channels speaks of a channel; one of neither speaks of all."""
    if not leading.failing:
        return True
    return name in leading.failing or name.partition("/")[0] in leading.failing


def _spoils(leading: Finding, finding: Finding, name: str) -> bool:
    """Whether a channel was compared with the light of what a finding names."""
    if leading.check == "dark_rate":
        return _board(name) in {_board(place) for place in leading.failing}
    if leading.check not in _WITHOUT_LIGHT_OF_ITS_OWN or finding.check not in _BY_PARTNER:
        return False
    partner = str(int(name.partition("/")[0]) ^ 1)
    channels = sum(place.startswith(f"{partner}/") for place in leading.failing)
    return partner in leading.failing or channels > _MOST_OF_AN_ADC


def _board(name: str) -> tuple[str, int]:
    """The ADC and the board in it of adc/channel."""
    adc, _, channel = name.partition("/")
    return adc, int(EPCB_OF_CHANNEL[int(channel)])


def _meet(leading: Finding, finding: Finding) -> bool:
    """Whether all that a finding tells of is at events of the other one.

    One that names no events tells of the whole file; checks of _WITHOUT_SPANS never name any.
    """
    leads, follows = leading.spans, finding.spans
    if not leads or not follows:
        return not leads or finding.check in _WITHOUT_SPANS
    return all(any(first <= b and a <= last for a, b in leads) for first, last in follows)


def in_order(verdict: pd.DataFrame) -> pd.DataFrame:
    """The checks, failures first and among them what leads; then warnings, then the others."""
    rank = {"fail": 0, "warn": 1}
    status = np.array([rank.get(str(s), 2) for s in verdict["status"]])
    place = {check: k for k, check in enumerate(LEADING)}
    lead = np.array([place.get(str(check), len(LEADING)) for check in verdict["check"]])
    lead[status == 2] = len(LEADING)
    order = np.lexsort((np.arange(len(verdict)), lead, status))
    return verdict.iloc[order]
