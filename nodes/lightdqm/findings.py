"""The checks of the verdict: numbers and limits in, one finding a check out.

Every check gives the worst value, its limit, the channels that fail, what was found and what to
do. Channels that the status file knows to be bad are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...schemas.arrays import F8
from ...schemas.lightdqm.frames import BASELINE_BITS
from ..statistics.intervals import fraction_of
from .finding import Finding, Numbers, of_channels, surely_text
from .light_findings import arrival, copies, dark, dark_rate, light
from .order_findings import (
    alignment,
    channel_order,
    clock_texts,
    coding,
    order,
    repeats,
    unexpected_adcs,
    unwritten,
)
from .time_findings import (
    baseline_change,
    light_change,
    noise_change,
    with_bursts,
    with_rate_above,
    with_rate_below,
)
from .trigger_findings import triggers


def missing_adcs(numbers: Numbers) -> Finding:
    """ADCs that are absent from events, and channels that never have a waveform."""
    frame, limit = numbers.missing_adcs, numbers.limits.missing_fraction
    share, silent = frame["fraction"].to_numpy(), frame["n_silent_channels"].to_numpy()
    bad = frame[(share > limit) | (silent > 0)]
    columns = ("adc", "n_events", "n_missing", "n_silent_channels")
    text = [
        f"ADC {adc} is absent from {n_missing} of {n} events"
        + (f", {n_silent} of its channels from all" if n_silent else "")
        for adc, n, n_missing, n_silent in zip(*(bad[c].tolist() for c in columns), strict=True)
    ]
    some = frame[(share > 0) & (share <= limit)]
    rare = [
        f"ADC {adc} is absent from {n_missing} of {n} events"
        for adc, n, n_missing, _ in zip(*(some[c].tolist() for c in columns), strict=True)
    ]
    other = unexpected_adcs(numbers)
    status = "fail" if len(bad) or other else "warn" if rare else "pass"
    names = tuple(str(adc) for adc in bad["adc"])
    reason = "; ".join([*other, *text, *rare]) or f"{len(frame)} ADCs are there"
    value = float(np.nanmax(share)) if len(share) else np.nan
    return Finding("missing_adcs", status, value, limit, "of the events", names, reason)


def timestamps(numbers: Numbers) -> Finding:
    """Times that run backwards, and ADCs whose clocks differ."""
    frame, limit = numbers.light_events, numbers.limits.clock_spread_ms
    time = frame["utime_ms"].to_numpy()
    good = "in order"
    if not (time >= 0).any():
        # Older files have TAI alone: good for order and differences.
        time, good = frame["tai_ns"].to_numpy(), "in order; TAI times alone, no Unix time"
    known = time[time >= 0]
    if not len(known):
        reason = "the file has no absolute times"
        return Finding("timestamps", "no_data", np.nan, limit, "ms", (), reason)
    spread = frame["utime_spread_ms"].to_numpy()
    back, apart = int((np.diff(known) < 0).sum()), int((spread > limit).sum())
    text = []
    if back:
        text.append(f"time runs backwards {back} times")
    if apart:
        text.append(f"the clocks of the ADCs differ by more than {limit} ms in {apart} events")
    if len(known) < len(time):
        text.append(f"{len(time) - len(known)} events have no time")
    clocks = clock_texts(numbers)
    status = "fail" if back or apart or clocks.texts else "warn" if text else "pass"
    text = [*text, *clocks.texts]
    reason = "; ".join([*(text or [good]), *clocks.notes])
    # Of two clocks that differ by the limit each is half of it away from their median.
    ahead = numbers.adc_clocks["ahead_ms"].to_numpy()
    off = numbers.adc_clocks.loc[np.abs(ahead) > 0.5 * limit, "adc"]
    names = tuple(str(adc) for adc in off) if apart else ()
    names = tuple(sorted({*names, *clocks.bad}))
    return Finding("timestamps", status, float(spread.max()), limit, "ms", names, reason)


def dead(numbers: Numbers) -> Finding:
    """Channels without the light that their neighbours see."""
    hits, masks = numbers.light_hits, numbers.channel_masks
    told = numbers.of(hits, hits["neighbours"] != "none") > 0
    share = np.where(told, numbers.of(hits, fraction_of(hits["k"], hits["n"])), np.nan)
    bad = numbers.watched & (numbers.of(masks, masks["dead"]) > 0)
    untold = int((numbers.watched & ~told).sum())
    note = f"too little light to tell for {untold}" if untold else ""
    compared = int((hits["neighbours"] == "earlier").sum())
    if compared:
        note = f"{compared} judged by their light in earlier files{'; ' if note else ''}{note}"
    if untold == numbers.watched.sum():
        share[:] = np.nan
    limit = numbers.mask_limits.dead_fraction
    what = "without the light that their neighbours see"
    found = of_channels(
        numbers,
        "dead",
        share,
        bad,
        limit,
        "of the light of its neighbours",
        what,
        worst=np.min,
        note=note,
    )
    return with_rate_below(numbers, found, ("k_near", "n_near"), limit, what)


def railed(numbers: Numbers) -> Finding:
    """Channels that stand at an end of the range."""
    masks = numbers.channel_masks
    rail = numbers.of(masks, masks["railed"])
    found = of_channels(
        numbers,
        "railed",
        np.abs(rail),
        numbers.watched & (rail != 0),
        0.0,
        "",
        "stuck at an end of the range",
    )
    found = with_rate_above(
        numbers,
        found,
        ("n_railed", "n_valid"),
        numbers.limits.stuck_fraction,
        "at an end of the range",
    )
    ends = [name for name, sign in (("top", 1), ("bottom", -1)) if (rail == sign).any()]
    if not ends:
        return found
    return Finding(**{**vars(found), "reason": f"{found.reason} ({' and '.join(ends)})"})


def flat(numbers: Numbers) -> Finding:
    """Channels without noise."""
    masks = numbers.channel_masks
    noise = numbers.of(numbers.noise_summary, numbers.noise_summary["median_adc16"])
    bad = numbers.watched & (numbers.of(masks, masks["flat"]) > 0)
    bad &= ~(numbers.of(masks, masks["railed"]) != 0)
    limit = numbers.mask_limits.flat_adc16
    values = np.where(numbers.of(masks, masks["railed"]) != 0, np.nan, noise)
    found = of_channels(numbers, "flat", values, bad, limit, "adc16", "without noise", worst=np.min)
    stuck = numbers.limits.stuck_fraction
    return with_rate_above(numbers, found, ("n_flat", "n_valid"), stuck, "without noise")


def baseline_band(numbers: Numbers) -> Finding:
    """Baselines outside the allowed band."""
    median = numbers.of(numbers.baseline_summary, numbers.baseline_summary["median_adc16"])
    bands = np.array([numbers.mask_limits.band(adc) for adc in range(len(median))])
    outside = np.maximum(bands[:, :1] - median, median - bands[:, 1:])
    what = "with a baseline outside the band"
    return _of_baselines(numbers, "baseline_band", outside, 0.0, what)


def baseline_spread(numbers: Numbers) -> Finding:
    """Baselines that differ from event to event."""
    frame = numbers.baseline_summary
    median = frame["median_adc16"]
    spread = np.maximum(frame["p84_adc16"] - median, median - frame["p16_adc16"])
    limit = numbers.mask_limits.spread_adc16
    what = "with a baseline that differs from event to event"
    return _of_baselines(numbers, "baseline_spread", numbers.of(frame, spread), limit, what)


def baseline_move(numbers: Numbers) -> Finding:
    """Baselines that moved against earlier files."""
    masks = numbers.channel_masks
    move = np.abs(numbers.of(masks, masks["move_adc16"]))
    limit = numbers.mask_limits.move_adc16
    alone = int((numbers.watched & np.isnan(move)).sum())
    if alone == numbers.watched.sum():
        reason = "there are no earlier files to compare with"
        if len(numbers.earlier_runs):
            reason = "there is no earlier file in which a baseline failed no check"
        return Finding("baseline_move", "no_data", np.nan, limit, "adc16", (), reason)
    what = "with a baseline that moved against earlier files"
    note = f"nothing to compare {alone} with" if alone else ""
    return _of_baselines(numbers, "baseline_move", move, limit, what, note=note)


def _of_baselines(
    numbers: Numbers, check: str, values: F8, limit: float, what: str, *, note: str = ""
) -> Finding:
    masks = numbers.channel_masks
    code = numbers.of(masks, masks["baseline_code"])
    # A channel at a rail has no baseline: it is named once, by that check.
    railed = numbers.of(masks, masks["railed"]) != 0
    is_set = BASELINE_BITS.is_set(np.where(np.isfinite(code), code, 0), check)
    bad = numbers.watched & is_set & ~railed
    values = np.where(railed, np.nan, values)
    return of_channels(numbers, check, values, bad, limit, "adc16", what, note=note)


def noise(numbers: Numbers) -> Finding:
    """Noise far from that of the other channels, or of earlier files, or too much by itself."""
    frame, masks, earlier = numbers.noise_summary, numbers.channel_masks, numbers.earlier_runs
    own = numbers.of(frame, frame["median_adc16"])
    quiet = (numbers.of(masks, masks["flat"]) > 0) | (numbers.of(masks, masks["railed"]) != 0)
    own[quiet] = np.nan
    own[~(own > 0)] = np.nan
    watched = own[numbers.watched]
    usual = float(np.nanmedian(watched)) if np.isfinite(watched).any() else np.nan
    rows = earlier[(earlier["quantity"] == "noise") & (earlier["n_files"] > 0)]
    rows = rows[rows["adc"] < len(own)]
    before = numbers.of(rows, rows["value"])
    before[~(before > 0)] = np.nan
    high, low = numbers.limits.noise_high, numbers.limits.noise_low
    factor = np.fmax(own / usual, own / before)
    least = np.fmin(own / usual, own / before)
    ceiling = numbers.limits.noise_adc16
    too_much = numbers.watched & (own > ceiling)
    loud, still = numbers.watched & (factor > high), numbers.watched & (least < low)
    if too_much.any() and not loud.any() and not still.any():
        what = f"with noise above {ceiling:g} adc16"
        found = of_channels(numbers, "noise", own, too_much, ceiling, "adc16", what)
        return with_bursts(numbers, found)
    only_still = bool(still.any()) and not loud.any()
    what = f"with more than {high:g} or less than {low:g} times the usual noise"
    what += f", or above {ceiling:g} adc16" if too_much.any() else ""
    found = of_channels(
        numbers,
        "noise",
        least if only_still else factor,
        loud | still | too_much,
        low if only_still else high,
        "x usual",
        what,
        worst=np.min if only_still else np.max,
        note=f"usual: {usual:.1f} adc16" if np.isfinite(usual) else "",
    )
    return with_bursts(numbers, found)


def tones(numbers: Numbers) -> Finding:
    """Lines in the noise spectra."""
    frame, limits = numbers.noise_tones, numbers.limits
    if not len(frame):
        reason = "legacy mode: its spectra contain the light, no tone can be told from it"
        return Finding("tones", "no_data", np.nan, limits.tone_adc16, "adc16", (), reason)
    amplitude = numbers.of(frame, frame["amplitude_adc16"])
    line = numbers.of(frame, frame["ratio"]) > limits.tone_ratio
    amplitude = np.where(line | np.isnan(amplitude), amplitude, 0.0)
    bad = numbers.watched & (amplitude > limits.tone_adc16)
    frequency = numbers.of(frame, frame["frequency_MHz"])[bad]
    # Channels that see the same source differ by a bin at most.
    shown = ", ".join(f"{f:.1f}" for f in np.unique(np.round(frequency, 1))[:5])
    note = f"at {shown} MHz" if bad.any() else ""
    return of_channels(
        numbers,
        "tones",
        amplitude,
        bad,
        limits.tone_adc16,
        "adc16",
        "with a tone in the noise",
        note=note,
    )


def sparks(numbers: Numbers) -> Finding:
    """Channels that discharge while their neighbours are dark."""
    frame, limit = numbers.spark_rates, numbers.limits.spark_fraction
    sure = numbers.of(frame, numbers.lower(frame["k"].to_numpy(), frame["n"].to_numpy()))
    share = numbers.of(frame, frame["fraction"])
    bad = numbers.watched & (sure > limit)
    what, unit = "with sparks while the others are dark", "of the dark events"
    k, n = (np.nan_to_num(numbers.of(frame, frame[c])).astype(np.int64) for c in ("k", "n"))
    note = surely_text(numbers, k, n, limit)
    found = of_channels(numbers, "sparks", share, bad, limit, unit, what, note=note)
    return with_rate_above(numbers, found, ("k_spark", "n_quiet"), limit, what)


def clipped(numbers: Numbers) -> Finding:
    """Channels that clip in too many of the events in which they are lit."""
    what = "clipping too often"
    limit = numbers.limits.clipped_fraction
    found = _of_fractions(numbers, "clipped", "channel", limit, "of the lit events", what)
    return with_rate_above(numbers, found, ("k_clipped", "n_lit"), limit, what)


def negative(numbers: Numbers) -> Finding:
    """Channels that swing below their baseline in too many events."""
    what = "below the baseline too often"
    limit = numbers.limits.negative_fraction
    found = _of_fractions(numbers, "negative", "total", limit, "of the events", what)
    return with_rate_above(numbers, found, ("k_negative", "n_valid"), limit, what)


def _of_fractions(
    numbers: Numbers, quantity: str, granularity: str, limit: float, unit: str, what: str
) -> Finding:
    frame = numbers.dqm_fractions
    rows = frame[(frame["quantity"] == quantity) & (frame["granularity"] == granularity)]
    k, n = (_summed(numbers, rows, name) for name in ("k", "n"))
    k = np.minimum(k, n)
    bad = numbers.watched & (numbers.lower(k, n) > limit)
    note = surely_text(numbers, k, n, limit)
    return of_channels(numbers, quantity, fraction_of(k, n), bad, limit, unit, what, note=note)


def _summed(numbers: Numbers, rows: pd.DataFrame, name: str) -> NDArray[np.int64]:
    """A count of each channel over all triggers."""
    total = np.zeros(numbers.watched.shape, dtype=np.int64)
    np.add.at(total, (rows["adc"].to_numpy(), rows["channel"].to_numpy()), rows[name].to_numpy())
    return total


CHECK_FUNCTIONS: Final[tuple[Callable[[Numbers], Finding], ...]] = (
    missing_adcs,
    timestamps,
    triggers,
    dead,
    railed,
    flat,
    baseline_band,
    baseline_spread,
    baseline_move,
    noise,
    tones,
    sparks,
    clipped,
    negative,
    coding,
    unwritten,
    order,
    alignment,
    copies,
    repeats,
    channel_order,
    dark,
    arrival,
    light,
    dark_rate,
    light_change,
    baseline_change,
    noise_change,
)
"""Every check, in the order of the verdict."""


def overall_status(verdict: pd.DataFrame) -> str:
    """fail if a check fails, else warn if one warns; no_data if no check had data, else pass."""
    statuses = set(verdict["status"].astype(str))
    if not statuses - {"no_data"}:
        return "no_data"
    return next((s for s in ("fail", "warn") if s in statuses), "pass")
