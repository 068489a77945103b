"""Checks of the light: how much of the detector can be judged, heights, dark rates, copies."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...schemas.arrays import F8, Mask
from ...schemas.lightdqm.frames import TRIGGERS
from ...schemas.lightdqm.units import SAMPLE_NS
from ..statistics.widths import half_central_68, median_of
from .finding import Finding, Numbers, counted, of_channels, passed_by_few, places
from .time_findings import rate_finding

# The standard error of a median of n normal values is sqrt(pi / 2) sigma / sqrt(n).
_MEDIAN_ERROR: Final = np.sqrt(np.pi / 2.0)
_LEAST_EVENTS: Final = 20
# Of so many channels the median is that of their ADC.
_LEAST_CHANNELS: Final = 6
# If light comes early in more than this share of the ADCs, the trigger is late.
_OF_TOLD: Final = 0.5
# Ten events with light near by, none of it seen: at most a fifth of it surely, with 84 %. And
# enough for a median whose error Student's t describes.
_LEAST_JUDGED: Final = 10
_LEAST_COPIES: Final = 5
_LEAST_MODULES: Final = 3
_MOST_PAIRS: Final = 3
_UNLIKE: Final = "with pulses unlike {}"


def dark(numbers: Numbers) -> Finding:
    """How much of the detector has light to judge it by; a detector without light."""
    masks, hits, limit = numbers.channel_masks, numbers.light_hits, numbers.limits.judged_fraction
    active = int(masks["active"].sum())
    told = numbers.of(hits, hits["neighbours"] != "none") > 0
    if len(numbers.blocks):
        told |= numbers.by_block("n_near").sum(axis=0) >= _LEAST_JUDGED
    judged = int((told & numbers.watched).sum())
    share = judged / active if active else 0.0
    text = f"{judged} of {active} active channels could be judged by light"
    unit = "of the active channels"
    expected = _expected_lit(numbers)
    if expected is not None and len(numbers.blocks):
        seen = numbers.by_block("n_lit").sum(axis=0)[numbers.watched].sum()
        due = float(expected[numbers.watched].sum())
        each = due / max(int(numbers.watched.sum()), 1)
        if each >= _LEAST_EVENTS and seen < numbers.mask_limits.dead_fraction * due:
            text = f"the detector is dark: {seen} pulses, {due:.0f} expected from earlier files"
            return Finding("dark", "fail", share, limit, unit, (), text)
    status = "warn" if share < limit else "pass"
    if status == "warn" and len(hits) and not told.any():
        text = f"no light to judge any channel by: {text}"
    return Finding("dark", status, share, limit, unit, (), text)


def arrival(numbers: Numbers) -> Finding:
    """Light that comes earlier or later in the waveforms than in earlier files.

    By ADC and trigger type: the median over its channels of how far their median peaks moved.
    Channels of an ADC see the same light, so that their errors do not average out.
    """
    limit, unit = numbers.limits.arrival_ns, "ns"
    n_adcs = len(numbers.watched)
    worst, excess = np.zeros(n_adcs), np.full(n_adcs, -np.inf)
    for name in ("self_peak", "beam_peak"):
        moved, sure = _moved_ns(numbers, name)
        for adc in np.flatnonzero(np.isfinite(moved).sum(axis=1) >= _LEAST_CHANNELS).tolist():
            size = float(np.nanmedian(moved[adc]))
            beyond = abs(size) - limit - float(np.nanmedian(sure[adc]))
            if beyond > excess[adc]:
                worst[adc], excess[adc] = size, beyond
    if not np.isfinite(excess).any():
        reason = "there are no earlier files with light to compare with"
        return Finding("arrival", "no_data", np.nan, limit, unit, (), reason)
    value, bad = float(worst[excess.argmax()]), excess > 0
    if not bad.any():
        reason = "light comes when it does in earlier files"
        return Finding("arrival", "pass", value, limit, unit, (), reason)
    middle = float(np.median(worst[bad]))
    told = np.isfinite(excess)
    # The trigger is common to all ADCs, also to one that has too little light to be sure of.
    everywhere = bool(bad.sum() > _OF_TOLD * told.sum())
    bad = told if everywhere else bad
    where = "" if everywhere else f" in ADC {' '.join(map(str, np.flatnonzero(bad).tolist()))}"
    reason = f"light comes {abs(middle):.0f} ns {'earlier' if middle < 0 else 'later'} in the "
    reason += f"waveforms than in earlier files{where}"
    reason += f": the trigger is {'late' if middle < 0 else 'early'}" if everywhere else ""
    names = tuple(map(str, np.flatnonzero(bad).tolist()))
    return Finding("arrival", "fail", value, limit, unit, names, reason)


def _moved_ns(numbers: Numbers, name: str) -> tuple[F8, F8]:
    """How far the median peak of each channel moved since earlier files, in ns.

    And by how much it may seem to: its standard error times the quantile of Student's t.
    """
    from scipy.special import stdtrit

    unknown = np.full(numbers.watched.shape, np.nan)
    now, rows = numbers.light_ratios, numbers.earlier_runs
    rows = rows[(rows["quantity"] == name) & (rows["n"] >= _LEAST_JUDGED)]
    rows = rows[rows["adc"] < len(unknown)]
    if not len(now) or not len(rows):
        return unknown, unknown
    n = numbers.of(now, now[f"n_{name}"])
    width = half_central_68(now[f"{name}_p16"].to_numpy(), now[f"{name}_p84"].to_numpy())
    own = _MEDIAN_ERROR * numbers.of(now, width) / np.sqrt(np.maximum(n, 1))
    moved = numbers.of(now, now[name]) - numbers.of(rows, rows["value"])
    told = numbers.watched & (n >= _LEAST_JUDGED)
    least = np.fmin(n, numbers.of(rows, rows["n"]))
    sure = -stdtrit(np.maximum(least - 1, 1), 0.5 * numbers.alpha)
    sure *= np.hypot(own, numbers.of(rows, rows["sigma"]))
    return np.where(told, SAMPLE_NS * moved, np.nan), np.where(told, SAMPLE_NS * sure, np.nan)


def _log_rate(numbers: Numbers) -> tuple[F8, F8]:
    """How much more often each channel is lit than in earlier files, and its standard error.

    Logarithms, by trigger type and less the median of all channels: the beam may be brighter than
    it was. NaN where few pulses are due, or a trigger type has no earlier events.
    """
    unknown = np.full(numbers.watched.shape, np.nan)
    due, rows = _expected_lit(numbers), numbers.earlier_runs
    if due is None or not len(numbers.blocks):
        return unknown, unknown
    rows = rows[(rows["quantity"] == "clipped") & (rows["adc"] < len(due))]
    before = {g: rows[rows["granularity"] == g] for g in ("channel", "total")}
    counts = numbers.trigger_counts
    now = set(counts.loc[counts["n_selected"] > 0, "trigger"].astype(str))
    if now - set(before["total"].loc[before["total"]["n"] > 0, "trigger"].astype(str)):
        return unknown, unknown
    lit = np.zeros(due.shape)
    some = before["channel"]
    np.add.at(lit, (some["adc"].to_numpy(), some["channel"].to_numpy()), some["n"].to_numpy())
    seen = numbers.by_block("n_lit").sum(axis=0)
    told = numbers.watched & (due >= _LEAST_EVENTS)
    if not told.any():
        return unknown, unknown
    # Half a pulse more on both sides: a logarithm for none as well.
    rate = np.where(told, np.log((seen + 0.5) / (due + 0.5)), np.nan)
    error = np.sqrt(1.0 / (seen + 0.5) + 1.0 / (lit + 0.5))
    return rate - float(np.nanmedian(rate)), error


def _expected_lit(numbers: Numbers) -> F8 | None:
    """Pulses of each channel if it were lit as often as in earlier files; None without any."""
    rows = numbers.earlier_runs
    if not len(rows):
        return None
    rows = rows[(rows["quantity"] == "clipped") & (rows["adc"] < len(numbers.watched))]
    found = np.zeros(numbers.watched.shape)
    now = dict(
        zip(numbers.trigger_counts["trigger"], numbers.trigger_counts["n_selected"], strict=True)
    )
    for trigger in TRIGGERS:
        counts = {}
        for granularity in ("channel", "total"):
            some = rows[(rows["trigger"] == trigger) & (rows["granularity"] == granularity)]
            counts[granularity] = np.nan_to_num(numbers.of(some, some["n"]))
        share = counts["channel"] / np.maximum(counts["total"], 1)
        found += float(now.get(trigger, 0)) * share
    return found


def light(numbers: Numbers) -> Finding:
    """Pulse heights against the board, the other modules, and earlier files."""
    from scipy.special import ndtri

    frame, limits = numbers.light_ratios, numbers.limits
    factor = limits.light_factor
    if not len(frame):
        return Finding("light", "no_data", np.nan, factor, "x", (), "there is no light to compare")
    height = _log_ratio(numbers, "height")
    side = _log_ratio(numbers, "side")
    usual = np.stack([_usual_side(side, adc) for adc in range(len(side))])
    apart = side - usual
    lower = _is_lower(apart)
    worst = np.fmax(np.abs(height), np.where(lower, np.abs(apart), 0.0))
    parts = [
        (
            np.abs(height) > np.log(factor),
            _UNLIKE.format("the others of their board"),
            height,
            "fail",
        ),
        (lower & (apart < -np.log(factor)), _UNLIKE.format("the other modules"), apart, "fail"),
        (
            lower & (apart < -np.log(limits.light_change)),
            _UNLIKE.format("the other modules"),
            apart,
            "warn",
        ),
    ]
    for name, now in (("height", height), ("side", side)):
        since = now - _earlier_log(numbers, name)
        worst = np.fmax(worst, np.abs(since))
        moved = np.abs(since) > np.log(limits.light_change)
        moved &= _is_lower(since) if name == "side" else True
        parts.append((moved, _UNLIKE.format("in earlier files"), since, "fail"))
    rate, error = _log_rate(numbers)
    surely = np.abs(rate) > np.log(limits.light_change) - ndtri(0.5 * numbers.alpha) * error
    parts.append((surely, "lit not as often as in earlier files", rate, "fail"))
    worst = np.exp(np.fmax(worst, np.where(surely, np.abs(rate), np.nan)))
    bad, texts, status = np.zeros_like(numbers.watched), [], "pass"
    # What fails comes before what warns: a channel is told of once.
    for marked, what, size, as_status in sorted(parts, key=lambda part: part[3]):
        new = numbers.watched & np.asarray(marked) & ~bad
        if new.any():
            middle = float(np.exp(np.median(size[new])))
            texts.append(f"{counted(int(new.sum()))} {what} ({middle:.2g} times)")
            status = "fail" if "fail" in (status, as_status) else as_status
            bad |= new
    found = of_channels(numbers, "light", worst, bad, factor, "x", "")
    if not bad.any():
        return passed_by_few(found)
    return Finding(
        "light", status, float(np.nanmax(worst[bad])), factor, "x", places(bad), "; ".join(texts)
    )


def _log_ratio(numbers: Numbers, name: str) -> F8:
    frame = numbers.light_ratios
    values = np.where(frame[f"n_{name}"] >= _LEAST_EVENTS, frame[name], np.nan)
    with np.errstate(divide="ignore"):
        return numbers.of(frame, np.log(np.maximum(values, 1e-3)))


def _earlier_log(numbers: Numbers, name: str) -> F8:
    rows = numbers.earlier_runs
    if not len(rows):
        return np.full(numbers.watched.shape, np.nan)
    rows = rows[(rows["quantity"] == name) & (rows["n_files"] > 0)]
    rows = rows[rows["adc"] < len(numbers.watched)]
    return numbers.of(rows, np.log(np.maximum(rows["value"].to_numpy(), 1e-3)))


def _usual_side(side: F8, adc: int) -> F8:
    """The ratio of the ADCs of the same kind (ArcLight or LCM); NaN where too few tell it."""
    alike = side[adc % 2 :: 2]
    told = np.isfinite(alike).any(axis=1)
    if told.sum() < _LEAST_MODULES:
        return np.full(side.shape[1], np.nan)
    return np.full(side.shape[1], float(median_of(median_of(alike[told], axis=1))))


def _is_lower(apart: F8) -> Mask:
    """Where light is less: of an ADC and its partner, whose ratios are inverse, the weak one."""
    return np.asarray(apart < 0)


def dark_rate(numbers: Numbers) -> Finding:
    """Channels that see pulses while their neighbours are dark."""
    limit, what = numbers.limits.dark_rate, "with pulses while the others are dark"
    unit = "of the dark events"
    return rate_finding(numbers, "dark_rate", ("k_alone", "n_alone"), limit, unit, what)


def copies(numbers: Numbers) -> Finding:
    """Channels that have the waveforms of another one."""
    frame, limit = numbers.copied_channels, numbers.limits.copied_fraction
    share = (frame["k"] / np.maximum(frame["n"], 1)).to_numpy() if len(frame) else np.zeros(0)
    value = float(share.max()) if len(share) else 0.0
    rows = frame[(share > limit) & (frame["k"] >= _LEAST_COPIES)] if len(frame) else frame
    if not len(rows):
        return Finding("copies", "pass", value, limit, "of the events", (), "all channels differ")
    columns = ("adc", "channel", "other_adc", "other_channel", "first_row", "k", "n")
    pairs = list(zip(*(rows[c].tolist() for c in columns), strict=True))
    texts = [
        f"{a}/{c} and {b}/{d} agree in {k} of {n} events, from event {row} on"
        for a, c, b, d, row, k, n in pairs[:_MOST_PAIRS]
    ]
    if len(pairs) > _MOST_PAIRS:
        texts.append(f"{len(pairs) - _MOST_PAIRS} more pairs")
    marked = np.zeros(numbers.watched.shape, dtype=bool)
    for a, c, b, d, *_ in pairs:
        marked[a, c] = marked[b, d] = True
    marked &= numbers.watched
    status = "fail" if marked.any() else "pass"
    return Finding(
        "copies", status, value, limit, "of the events", places(marked), "; ".join(texts)
    )
