"""What goes bad in a part of a file: worst stretches of the checks, steps and drifts.

A stretch is judged with the error probability of the check (1 - confidence) divided by the number
of stretches, for each channel: 136 with 16 blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...schemas.arrays import F8, I8, Mask
from .finding import Finding, Numbers, counted, of_channels, passed_by_few, places
from .scans import Change, Stretch, level_change, rate_above, rate_below

_MOST_TEXTS: Final = 3
_MOST_OF_A_GROUP: Final = 0.5
# Fewer events in a block give no median to rely on.
_LEAST_EVENTS: Final = 5
_LEAST_LIT: Final = 3
_SHARP: Final = 0.25


def with_rate_above(
    numbers: Numbers, found: Finding, columns: tuple[str, str], limit: float, what: str
) -> Finding:
    """The finding with the channels that are above the limit in a stretch of the file."""
    if not len(numbers.blocks):
        return found
    k, n = (numbers.by_block(name) for name in columns)
    stretch = rate_above(k, n, limit, numbers.alpha)
    sharp = _outside(k, n, stretch) < _SHARP * stretch.value
    return _with_stretch(numbers, found, stretch, sharp, what)


def rate_finding(
    numbers: Numbers, check: str, columns: tuple[str, str], limit: float, unit: str, what: str
) -> Finding:
    """The channels whose rate, counted in blocks, is above the limit in the file or a stretch."""
    if not len(numbers.blocks):
        return Finding(check, "no_data", np.nan, limit, unit, (), "there are no events")
    k, n = (numbers.by_block(name).sum(axis=0) for name in columns)
    share = np.where(n > 0, k / np.maximum(n, 1), np.nan)
    bad = numbers.watched & (numbers.lower(k, n) > limit)
    found = of_channels(numbers, check, share, bad, limit, unit, what)
    return passed_by_few(with_rate_above(numbers, found, columns, limit, what))


def with_rate_below(
    numbers: Numbers, found: Finding, columns: tuple[str, str], limit: float, what: str
) -> Finding:
    """The finding with the channels that are below the limit in a stretch of the file."""
    if not len(numbers.blocks):
        return found
    k, n = (numbers.by_block(name) for name in columns)
    stretch = rate_below(k, n, limit, numbers.alpha)
    # A channel that is stuck has no light: that is said of it by its own check.
    stuck = numbers.by_block("n_flat") + numbers.by_block("n_railed")
    lit = ~_inside(stuck, stretch, numbers.by_block("n_valid"))
    stretch = replace(stretch, bad=stretch.bad & lit)
    return _with_stretch(numbers, found, stretch, lit, what, low=True)


def with_bursts(numbers: Numbers, found: Finding) -> Finding:
    """The finding with the channels that are loud in a stretch of the file."""
    what = "louder than 3 times their usual noise"
    return with_rate_above(
        numbers, found, ("n_loud", "n_sound"), numbers.limits.loud_fraction, what
    )


def _inside(k: NDArray[Any], stretch: Stretch, n: NDArray[Any]) -> Mask:
    """Whether most events of the stretch are marked."""
    blocks = np.arange(len(k)).reshape(-1, 1, 1)
    within = (blocks >= stretch.begin) & (blocks < stretch.end)
    return np.asarray(2 * (k * within).sum(axis=0) > (n * within).sum(axis=0))


def _outside(k: NDArray[Any], n: NDArray[Any], stretch: Stretch) -> F8:
    """The rate in the other blocks; 0 where there is none."""
    blocks = np.arange(len(k)).reshape(-1, 1, 1)
    others = (blocks < stretch.begin) | (blocks >= stretch.end)
    return np.asarray((k * others).sum(axis=0) / np.maximum((n * others).sum(axis=0), 1))


def _with_stretch(
    numbers: Numbers, found: Finding, stretch: Stretch, sharp: Mask, what: str, *, low: bool = False
) -> Finding:
    """``sharp``: the rest of the file differs, so that a begin is worth telling of what fails."""
    known = np.isin(_names(stretch.bad.shape), found.failing)
    bad = numbers.watched & stretch.bad
    whole = (stretch.begin == 0) & (stretch.end == len(numbers.blocks))
    bad &= ~known | (sharp & ~whole)
    if not bad.any():
        return found
    new = tuple(name for name in places(bad) if name not in found.failing)
    head = f"{counted(int(bad.sum()))} {what}"
    where = stretch_text(numbers, bad, stretch.begin, stretch.end, stretch.value)
    failing = tuple(sorted({*found.failing, *new}, key=_place))
    spans = _spans(numbers, bad, stretch.begin, stretch.end)
    if set(found.failing) - set(places(bad)):
        spans = ()  # some of them fail throughout
    if found.status == "fail":
        # Of the same channels it is not said twice.
        joint = f"{head}: " if found.reason == head else f"{found.reason}; {head}: "
        reason = joint + where
        return replace(found, failing=failing, reason=reason, spans=spans)
    worst = stretch.value[bad]
    value = float(worst.min() if low else worst.max())
    return replace(
        found, status="fail", failing=failing, reason=f"{head}: {where}", value=value, spans=spans
    )


def _spans(numbers: Numbers, bad: Mask, begin: I8, end: I8) -> tuple[tuple[int, int], ...]:
    """First and last row of the stretches of what is bad, each once."""
    blocks = numbers.blocks
    first, last = (blocks[name].to_numpy() for name in ("first_row", "last_row"))
    found = np.unique(np.stack([first[begin[bad]], last[end[bad] - 1]], axis=1), axis=0)
    return tuple((int(a), int(b)) for a, b in found)


def _names(shape: tuple[int, ...]) -> NDArray[np.str_]:
    return np.array(places(np.ones(shape, dtype=bool))).reshape(shape)


def _place(name: str) -> tuple[int, int]:
    adc, _, channel = name.partition("/")
    return int(adc), int(channel)


def stretch_text(
    numbers: Numbers,
    bad: Mask,
    begin: I8,
    end: I8,
    value: F8 | None = None,
    form: Callable[[float], str] = lambda share: f"{100.0 * share:.3g} %",
) -> str:
    """Where it is bad and from which event on; ADCs or their halves as a whole, largest first."""
    groups = []
    for adc in np.flatnonzero(bad.any(axis=1)).tolist():
        here = bad[adc]
        if here.sum() > _MOST_OF_A_GROUP * numbers.watched[adc].sum():
            groups.append((int(here.sum()), f"ADC {adc}", here, adc))
            continue
        for half in np.split(np.arange(len(here)), 2):
            n = int(here[half].sum())
            marked = np.flatnonzero(here[half]) + half[0]
            if n > _MOST_OF_A_GROUP * numbers.watched[adc, half].sum():
                name = f"inputs {half[0]} to {half[-1]} of ADC {adc}"
                groups.append((n, name, _only(here, marked), adc))
                continue
            groups += [(1, f"{adc}/{c}", _only(here, c), adc) for c in marked.tolist()]
    groups.sort(key=lambda group: -group[0])
    texts = []
    for _, name, here, adc in groups[:_MOST_TEXTS]:
        text = f"{name} {span_text(numbers, begin[adc][here], end[adc][here])}"
        if value is not None:
            text += f" ({form(float(np.median(value[adc][here])))})"
        texts.append(text)
    more = f" and {len(groups) - _MOST_TEXTS} more" if len(groups) > _MOST_TEXTS else ""
    return ", ".join(texts) + more


def _only(here: Mask, inputs: Any) -> Mask:
    marked = np.zeros_like(here)
    marked[inputs] = True
    return marked


def span_text(numbers: Numbers, begin: I8, end: I8) -> str:
    """From which event on, or in which events; the rows of the file, medians over channels."""
    blocks = numbers.blocks
    first, after = int(np.median(begin)), int(np.ceil(np.median(end)))
    row = int(blocks["first_row"].iloc[first])
    if after >= len(blocks):
        return f"from event {row} on"
    return f"in events {row} to {int(blocks['last_row'].iloc[after - 1])}"


def baseline_change(numbers: Numbers) -> Finding:
    """Baselines that step or drift in the file."""
    return _change(
        numbers,
        ("baseline_change", "baseline_adc16", "n_sound"),
        numbers.limits.baseline_change_adc16,
        "adc16",
        "with a baseline that changes in the file",
        lambda size: f"by {size:+.0f} adc16",
    )


def noise_change(numbers: Numbers) -> Finding:
    """Noise that steps or drifts in the file."""
    return _change(
        numbers,
        ("noise_change", "noise_adc16", "n_sound"),
        float(np.log(numbers.limits.noise_change)),
        "x",
        "with noise that changes in the file",
        lambda size: f"{np.exp(size):.2g} times",
        logarithm=True,
    )


def light_change(numbers: Numbers) -> Finding:
    """Pulse heights, against the board or against the other ADC, that step or drift in the file."""
    limit = float(np.log(numbers.limits.light_change))
    what = "whose light changes in the file"
    parts = [
        _change(
            numbers,
            ("light_change", name, f"n_{name}"),
            limit,
            "x",
            what,
            lambda size: f"{np.exp(size):.2g} times",
            logarithm=True,
        )
        for name in ("height", "side")
    ]
    bad = [part for part in parts if part.status == "fail"]
    if len(bad) < 2:
        return bad[0] if bad else parts[0] if parts[0].status == "pass" else parts[1]
    names = tuple(sorted({*bad[0].failing, *bad[1].failing}, key=_place))
    reason = "; ".join(part.reason for part in bad)
    spans = tuple(sorted({*bad[0].spans, *bad[1].spans}))
    value = max(part.value for part in bad)
    return replace(bad[0], failing=names, reason=reason, value=value, spans=spans)


def _change(
    numbers: Numbers,
    columns: tuple[str, str, str],
    limit: float,
    unit: str,
    what: str,
    form: Callable[[float], str],
    *,
    logarithm: bool = False,
) -> Finding:
    check, name, count = columns
    shown = float(np.exp(limit)) if logarithm else limit
    if len(numbers.blocks) < 2:
        reason = "the file is too short to be judged in parts"
        return Finding(check, "pass", np.nan, shown, unit, (), reason)
    median, p16, p84 = (numbers.by_block(f"{name}{end}") for end in ("", "_p16", "_p84"))
    n = numbers.by_block(count)
    n = np.where(n >= (_LEAST_LIT if count != "n_sound" else _LEAST_EVENTS), n, 0)
    if logarithm:
        median, p16, p84 = (np.log(np.maximum(v, 1e-3)) for v in (median, p16, p84))
    change = level_change(median, p16, p84, n, limit, numbers.alpha)
    if name == "side":
        _keep_the_lower(change)
    bad = numbers.watched & change.bad
    size = np.abs(change.size)
    values = np.exp(size) if logarithm else size
    found = of_channels(numbers, check, values, bad, shown, unit, what)
    if not bad.any():
        return passed_by_few(found)
    return replace(
        found,
        reason=f"{found.reason}: {_change_text(numbers, bad, change, form)}",
        spans=_spans(numbers, bad, change.begin, change.end),
    )


def _keep_the_lower(change: Change) -> None:
    """Of an ADC and its partner, whose ratios are inverse, the one whose light became less."""
    partner = np.arange(len(change.bad)) ^ 1
    partner = np.where(partner < len(partner), partner, np.arange(len(partner)))
    change.bad[:] &= ~((change.size > 0) & change.bad[partner])


def _change_text(numbers: Numbers, bad: Mask, change: Change, form: Callable[[float], str]) -> str:
    texts = []
    for kind, some in (("a step", bad & ~change.drift), ("a drift", bad & change.drift)):
        if some.any():
            where = stretch_text(numbers, some, change.begin, change.end, change.size, form)
            texts.append(f"{kind}: {where}")
    return "; ".join(texts)
