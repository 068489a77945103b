"""The check of the triggers: their ratio, whether a kind is absent, and whether one ceases."""

from __future__ import annotations

from typing import Final

import numpy as np

from .finding import Finding, Numbers
from .scans import rate_below
from .time_findings import span_text

_KINDS: Final = ("beam", "self")
# A kind that is rarer in a stretch than this share of what it is in the file has ceased there.
_CEASED: Final = 0.2


def triggers(numbers: Numbers) -> Finding:
    """The ratio of beam to self triggers, over the file and in its parts.

    A file of one kind alone warns if the ratio is set or earlier files have the other kind, too:
    runs without beam, or of the beam alone, are sound.
    """
    frame, window = numbers.trigger_counts, numbers.limits.beam_self_ratio
    counts = dict(zip(frame["trigger"], frame["n_events"].tolist(), strict=True))
    beam, own = counts["beam"], counts["self"]
    text = f"{beam} beam, {own} self"
    if counts["unknown"]:
        text += f", {counts['unknown']} of unknown trigger (no type, or no beam monitor)"
    ratio = beam / own if own else np.nan
    limit = np.nan if window is None else window[1] if ratio > window[1] else window[0]
    status = "pass"
    if not beam and not own:
        status, text = "no_data", f"{text}: the file does not tell triggers apart"
    elif not beam or not own:
        due = window is not None or _seen_earlier(numbers, "self" if beam else "beam")
        status = "warn" if due else "pass"
        text += ": one kind is absent"
        text += "" if due else ", as may be: no setting and no earlier file has both"
    elif window is not None and not window[0] <= ratio <= window[1]:
        status, text = "fail", f"{text}: the ratio may be {window[0]:g} to {window[1]:g}"
    elif ceased := _ceased(numbers):
        status, text = "warn", "; ".join([text, *ceased])
    return Finding("triggers", status, ratio, limit, "beam / self", (), text)


def _seen_earlier(numbers: Numbers, kind: str) -> bool:
    """Whether earlier files have events of a trigger type."""
    rows = numbers.earlier_runs
    rows = rows[(rows["trigger"] == kind) & (rows["granularity"] == "total")]
    return bool((rows["n"] > 0).any())


def _ceased(numbers: Numbers) -> list[str]:
    """Where a kind of trigger (nearly) ceases while the other goes on, in words.

    Every event of the file counts, in the stretches of the blocks of those that are looked at.
    """
    trigger = numbers.light_events["trigger"].astype(str).to_numpy()
    first = np.array([0, *numbers.blocks["first_row"].tolist()[1:]])
    is_kind = np.stack([trigger == kind for kind in _KINDS], axis=1).astype(np.int64)
    if len(first) < 2:
        return []
    k = np.add.reduceat(is_kind, first, axis=0)
    n = np.repeat(k.sum(axis=1, keepdims=True), len(_KINDS), axis=1)
    texts = []
    for kind, share in zip(range(len(_KINDS)), is_kind.mean(axis=0), strict=True):
        found = rate_below(k[:, [kind]], n[:, [kind]], _CEASED * float(share), numbers.alpha)
        if found.bad[0]:
            where = span_text(numbers, found.begin, found.end)
            now, usual = 100.0 * float(found.value[0]), 100.0 * float(share)
            texts.append(f"{now:.3g} % {_KINDS[kind]} triggers {where} ({usual:.3g} % in the file)")
    return texts
