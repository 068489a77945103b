"""Faults of light files that a shifter must not miss, each at two sizes, and how it must be named.

Also the set-ups of sound files that must stay green. Used by lightdqm_statement and a test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

N_ADCS: Final = 8
ACTIVE: Final = tuple(c for c in range(64) if c % 16 >= 4)

_EVENT: Final = re.compile(r"(?:events? |from event )(\d+)")
Faults = list[dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """A kind of fault at its sizes, and what the verdict must say of it.

    Attributes
    ----------
    name
        What is wrong.
    faults
        Size, ADC and channel to the faults to plant.
    sizes
        The size that must be seen, and half of it where there is one.
    checks
        Checks that may name it; one of them must stand first in the verdict.
    where
        ADCs or channels (adc/channel) that must be named, for an ADC and a channel; None: none.
    begin
        Share of the events before it; None: a fault of the whole file.
    beside
        What may be named beside.
    status
        What the verdict must be, by size.
    after
        Whether sound files of the same run come before it.
    told
        What the reason must say.
    given
        Settings of the simulation beside the faults.
    """

    name: str
    faults: Callable[[float, int, int], Faults]
    sizes: tuple[float, ...] = (1.0,)
    checks: frozenset[str] = frozenset()
    where: Callable[[int, int], set[str]] | None = None
    begin: float | None = None
    beside: Callable[[int, int], set[str]] | None = None
    status: tuple[str, ...] = ("fail", "fail")
    after: bool = False
    told: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)


def _adc(adc: int, _channel: int) -> set[str]:
    return {f"{adc}/{c}" for c in ACTIVE}


def _channel(adc: int, channel: int) -> set[str]:
    return {f"{adc}/{channel}"}


def _module(adc: int, channel: int) -> set[str]:
    return _adc(adc, channel) | _adc(adc ^ 1, channel)


def _two_boards(adc: int, channel: int) -> set[str]:
    return _adc(adc, channel) | _adc((adc + 2) % N_ADCS, channel)


def _pair(adc: int, channel: int) -> set[str]:
    following = ACTIVE[(ACTIVE.index(channel) + 1) % len(ACTIVE)]
    return {f"{adc}/{channel}", f"{adc}/{following}"}


def _of_adc(kind: str, begin: float = 0.0, end: float = 1.0, **given: Any) -> Any:
    """Faults of a whole ADC whose size is their value."""
    return lambda size, adc, _channel: [
        {"kind": kind, "adc": adc, "value": size, "begin": begin, "end": end} | given
    ]


def _of_channel(kind: str, begin: float = 0.0, end: float = 1.0) -> Any:
    """Faults of one channel whose size is their value."""
    return lambda size, adc, channel: [
        {
            "kind": kind,
            "adc": adc,
            "channel": channel,
            "value": size,
            "begin": begin,
            "end": end,
        }
    ]


def _for(kind: str, begin: float, *, of: str = "adc") -> Any:
    """Faults from ``begin`` on whose size is the share of the events that they last."""

    def faults(size: float, adc: int, channel: int) -> Faults:
        place = {"adc": {"adc": adc}, "channel": {"adc": adc, "channel": channel}, "file": {}}[of]
        return [{"kind": kind, **place, "begin": begin, "end": min(begin + size, 1.0)}]

    return faults


def _of_file(kind: str, begin: float = 0.0, **given: Any) -> Any:
    return lambda size, _adc, _channel: [
        {"kind": kind, "begin": begin} | ({"value": size} if size != 1.0 else {}) | given
    ]


def _of_checks(*names: str) -> frozenset[str]:
    return frozenset(names)


_DARK_OR_DEAD = _of_checks("dead", "light", "light_change", "dark")
IN_TIME: Final = (
    Case(
        "baseline of an ADC jumps in the last 15 %",
        _of_adc("baseline_move", 0.85),
        (9000.0, 4500.0),
        _of_checks("baseline_change", "baseline_spread", "baseline_band"),
        _adc,
        0.85,
    ),
    Case(
        "channel dead in the second half",
        lambda size, adc, channel: [
            {"kind": "dead", "adc": adc, "channel": channel, "begin": 0.5, "end": 0.5 + 0.5 * size}
        ],
        (1.0, 0.5),
        _of_checks("dead"),
        _channel,
        0.5,
    ),
    Case(
        "ADC without light from 30 % on",
        _for("dead", 0.3),
        (0.7, 0.35),
        _of_checks("dead"),
        _adc,
        0.3,
    ),
    Case(
        "baseline of an ADC drifts",
        _of_adc("drift"),
        (2500.0, 1250.0),
        _of_checks("baseline_change"),
        _adc,
        0.0,
    ),
    Case(
        "ADC gives its pedestal", _for("flatline", 0.3), (0.4, 0.2), _of_checks("flat"), _adc, 0.3
    ),
    Case(
        "zeros in all ADCs",
        _for("zeros", 0.4, of="file"),
        (0.12, 0.06),
        _of_checks("unwritten"),
        None,
        0.4,
    ),
    Case("ADC at the rail", _for("railed_top", 0.6), (0.12, 0.06), _of_checks("railed"), _adc, 0.6),
    Case(
        "noise burst in an ADC",
        _of_adc("noisy", 0.5, 0.6),
        (12.0, 6.0),
        _of_checks("noise", "noise_change"),
        _adc,
        0.5,
    ),
    Case(
        "gain of an ADC falls in the file",
        _of_adc("gain", 0.5),
        (0.25, 0.5),
        _of_checks("light_change", "light"),
        _adc,
        0.5,
    ),
)
"""What begins in the file: also the event must be right within a block."""

OF_LIGHT: Final = (
    Case("no light anywhere", _of_file("dark"), checks=_of_checks("dark"), status=("warn",)),
    Case(
        "no light anywhere after sound files",
        _of_file("dark"),
        checks=_of_checks("dark"),
        after=True,
    ),
    Case(
        "ten events",
        lambda _size, _adc, _channel: [],
        checks=_of_checks("dark"),
        status=("warn",),
        given=MappingProxyType({"n_events": 10}),
    ),
    Case(
        "gain of an ADC",
        _of_adc("gain"),
        (0.25, 0.5),
        _of_checks("light"),
        _adc,
        status=("fail", "warn"),
    ),
    Case(
        "gain of an ADC after sound files",
        _of_adc("gain"),
        (0.25, 0.5),
        _of_checks("light"),
        _adc,
        after=True,
    ),
    Case(
        "trigger late after sound files",
        _of_file("late_trigger"),
        (0.3, 0.15),
        _of_checks("arrival"),
        after=True,
    ),
    Case(
        "trigger too late for any light, after sound files",
        _of_file("late_trigger", value=1.0),
        checks=_of_checks("dark", "arrival"),
        after=True,
    ),
    Case("gain of a channel", _of_channel("gain"), (0.1, 0.2), _DARK_OR_DEAD, _channel),
    Case(
        "gain of a channel after sound files",
        _of_channel("gain"),
        (0.1, 0.2),
        _DARK_OR_DEAD,
        _channel,
        after=True,
    ),
    Case("dark rate", _of_channel("dark_rate"), (8.0, 4.0), _of_checks("dark_rate"), _channel),
    Case("copy of its neighbour", _of_channel("copy"), checks=_of_checks("copies"), where=_pair),
)

OF_ORDER: Final = (
    Case(
        "boards exchanged",
        lambda _size, adc, _channel: [{"kind": "swapped", "adc": adc, "value": (adc + 2) % N_ADCS}],
        checks=_of_checks("order", "alignment"),
        where=_two_boards,
        beside=lambda adc, channel: _two_boards(adc ^ 1, channel),
    ),
    Case("events duplicated", _of_file("duplicated"), (0.1, 0.05), _of_checks("order")),
    Case(
        "event numbers lost", _of_file("lost", 0.5), (1000.0, 500.0), _of_checks("order"), None, 0.5
    ),
    Case(
        "an ADC off by one event",
        lambda _size, adc, _channel: [{"kind": "off_by_one", "adc": adc}],
        checks=_of_checks("alignment"),
        where=_module,
    ),
    Case("rows permuted", _of_file("permuted"), status=("pass",), told="as the references say"),
    Case(
        "buffer of an ADC stuck",
        lambda _size, adc, _channel: [{"kind": "stuck_buffer", "adc": adc, "begin": 0.4}],
        checks=_of_checks("repeats"),
        where=_adc,
        begin=0.4,
    ),
    Case(
        "inputs of an ADC reversed",
        lambda _size, adc, _channel: [{"kind": "reversed", "adc": adc}],
        checks=_of_checks("channel_order"),
        where=_adc,
    ),
    Case(
        "an ADC absent from one event",
        lambda _size, adc, _channel: [{"kind": "missing_adc", "adc": adc, "value": 0.002}],
        checks=_of_checks("missing_adcs"),
        status=("warn",),
    ),
)

OF_CLOCKS: Final = (
    Case(
        "TAI of an ADC frozen",
        lambda _size, adc, _channel: [{"kind": "tai_frozen", "adc": adc, "begin": 0.5}],
        checks=_of_checks("timestamps"),
        where=_adc,
        begin=0.5,
    ),
    Case(
        "TAI of an ADC ahead",
        _of_adc("tai_ahead"),
        (5000.0, 2500.0),
        _of_checks("timestamps"),
        _adc,
    ),
    Case("times in seconds", _of_file("seconds"), checks=_of_checks("timestamps")),
    Case("times in the future", _of_file("future"), (20.0,), _of_checks("timestamps")),
    Case(
        "a gap of two hours",
        _of_file("gap", 0.5),
        status=("pass",),
        told="a gap of 120 min before event",
    ),
)

OF_CODING: Final = tuple(
    Case(f"coding: {kind}", _of_file(kind), checks=_of_checks("coding"))
    for kind in ("unshifted", "offset_binary", "byte_order")
)

CASES: Final = (*IN_TIME, *OF_LIGHT, *OF_ORDER, *OF_CLOCKS, *OF_CODING)

SOUND: Final[Mapping[str, tuple[Mapping[str, Any], ...]]] = MappingProxyType(
    {
        "beam only": ({"triggers": {"beam_fraction": 1.0}},),
        "self only": ({"triggers": {"beam_fraction": 0.0}},),
        "both triggers": ({},),
        "other rates and warm-up": (
            {"scintillation": {"median_adc16": 3000.0}},
            {"scintillation": {"interactions_beam": 12.0}},
            {"faults": [{"kind": "drift", "adc": a, "value": 100} for a in range(N_ADCS)]},
            {"triggers": {"beam_fraction": 0.3}},
        ),
    }
)
"""Set-ups of sound files; of several the files of a store take one after the other."""


def place(seed: int) -> tuple[int, int]:
    """ADC and channel of the faults of a seed: every ADC and all sorts of channels in turn."""
    return seed % N_ADCS, ACTIVE[(7 * seed + 3) % len(ACTIVE)]


def wrong(
    case: Case, nth: int, verdict: pd.DataFrame, seed: int, n_events: int, block: float
) -> str:
    """What the verdict says wrongly or not at all of a fault at its n-th size; empty if nothing."""
    from radiograph.nodes.lightdqm.findings import overall_status
    from radiograph.nodes.lightdqm.folding import in_order

    status = overall_status(verdict)
    rows = in_order(verdict)
    if status != case.status[nth]:
        return f"{status}, not {case.status[nth]}: {_bad(rows)}"
    if case.told and not rows["reason"].str.contains(case.told, regex=False).any():
        return f"does not say: {case.told}"
    if not case.checks:
        return ""
    first = rows.iloc[0]
    if str(first["check"]) not in case.checks:
        return f"led by {_bad(rows)}"
    if case.where is not None:
        named, due = _named(rows), case.where(*place(seed))
        more = named - due - (case.beside(*place(seed)) if case.beside else set())
        if due - named or more:
            return f"{len(due - named)} of {len(due)} not named, {len(more)} more: {_bad(rows)}"
    if case.begin is not None:
        told = _EVENT.search(str(first["reason"]))
        if told is None or not abs(int(told[1]) - case.begin * n_events) <= block:
            return f"does not begin at {case.begin * n_events:g}: {first['reason']}"
    return ""


def _named(rows: pd.DataFrame) -> set[str]:
    """All channels that fail or warn; of an ADC its active ones."""
    bad = rows[rows["status"].isin(["fail", "warn"])]
    names = {name for text in bad["channels"].astype(str) for name in text.split()}
    return {
        channel
        for name in names
        for channel in ([name] if "/" in name else sorted(_adc(int(name), 0)))
    }


def _bad(rows: pd.DataFrame) -> str:
    bad = rows[rows["status"].isin(["fail", "warn"])]
    return "; ".join(
        f"{status} {check}: {reason}"
        for status, check, reason in zip(bad["status"], bad["check"], bad["reason"], strict=True)
    )[:300]
