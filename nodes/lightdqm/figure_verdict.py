"""The verdict on the pictures: a page of its own, and PASS or FAIL with the reason on each mask."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from ...schemas.sheets import Marks, Shape, Sheet, Words
from ..sheets.frames import GREEN, GREY, INK, ORANGE
from .figure_masks import KIND_NAMES, RED, MaskGrid, mask_frame
from .figure_parts import TITLE_SIZE, Heading, text_inches
from .findings import overall_status
from .folding import in_order
from .grouping import HAS_SENSOR

_WIDTH: Final = 11.0
_LEAST_HEIGHT: Final = 6.0
_LINE: Final = 0.2
_TEXT_SIZE: Final = 9.5
_WRAP: Final = 105
_TEXT_LEFT: Final = 1.3
_MOST_CHANNELS: Final = 12
_BANNER_WIDTH: Final = 9.0
_WORDS: Final[Mapping[str, str]] = {
    "pass": "PASS",
    "warn": "WARN",
    "fail": "FAIL",
    "no_data": "NO DATA",
}
_COLORS: Final[Mapping[str, str]] = {
    "pass": GREEN,
    "warn": ORANGE,
    "fail": RED,
    "no_data": GREY,
}


def verdict_sheet(name: str, verdict: pd.DataFrame, heading: Heading) -> Sheet:
    """The first page: the verdict in a word, what leads and what to do, then what passed."""
    status = overall_status(verdict)
    ordered = in_order(verdict)
    lines = [line for row in ordered.to_dict("records") for line in _lines_of(row)]
    passed = ordered["check"][ordered["status"] == "pass"].astype(str).tolist()
    if passed:
        lines += _lines(_WORDS["pass"], ", ".join(passed), INK)
    height = max(_LEAST_HEIGHT, 1.7 + _LINE * len(lines))
    shapes: list[Shape] = [
        Words(0.4, height - 0.5, _WORDS[status], 26.0, _COLORS[status], bold=True),
        Words(2.4, height - 0.4, heading.source, 10.0, INK),
        Words(2.4, height - 0.65, f"{heading.period}  {heading.events}", _TEXT_SIZE, GREY),
    ]
    for k, (word, text, color, bold) in enumerate(lines):
        y = height - 1.2 - _LINE * k
        shapes += [
            Words(x, y, words, _TEXT_SIZE, color, bold=bold)
            for x, words in ((0.4, word), (_TEXT_LEFT, text))
            if words
        ]
    return Sheet(name, f"Verdict: {_WORDS[status]}", (_WIDTH, height), tuple(shapes))


_Line = tuple[str, str, str, bool]
"""The status or nothing, the words beside it, their colour, whether they are bold."""


def _lines_of(row: Mapping[Hashable, Any]) -> list[_Line]:
    """What a check says that did not pass, and what to do."""
    state = str(row["status"])
    if state == "pass":
        return []
    text = f"{row['check']}: {row['reason']}"
    channels = str(row["channels"]).split()
    if channels:
        more = f" +{len(channels) - _MOST_CHANNELS}" if len(channels) > _MOST_CHANNELS else ""
        text += f" ({' '.join(channels[:_MOST_CHANNELS])}{more})"
    bad = state in ("fail", "warn")
    lines = _lines(_WORDS[state], text, _COLORS[state] if bad else INK, bold=bad)
    if str(row["action"]):
        lines += _lines("", f"→ {row['action']}", INK)
    return lines


def _lines(word: str, text: str, color: str, *, bold: bool = False) -> list[_Line]:
    parts = textwrap.wrap(text, _WRAP, subsequent_indent="   ") or [""]
    return [(word if k == 0 else "", part, color, bold) for k, part in enumerate(parts)]


def banner(verdict: pd.DataFrame, width: float, height: float) -> tuple[Shape, ...]:
    """PASS or FAIL and what leads, in the upper right corner of a picture."""
    status = overall_status(verdict)
    text = _WORDS[status]
    first = in_order(verdict).iloc[0]
    if str(first["status"]) in ("fail", "warn"):
        text += f"  {first['check']}: {first['reason']}"
    most = int(_BANNER_WIDTH / text_inches("x", TITLE_SIZE))
    # Where there is no room for all, it is for the place and the event, which stand last.
    said, _, where = str(first["reason"]).partition(": ")
    if len(text) > most and where:
        text = text.replace(f"{said}: ", "")
    text = text if len(text) <= most else f"{text[: most - 1]}…"
    at = (width - 0.3, height - 0.28)
    return (Words(*at, text, TITLE_SIZE, _COLORS[status], align="right", bold=True),)


def other_failures(grid: MaskGrid, verdict: pd.DataFrame) -> tuple[Shape, ...]:
    """A mark at each channel that a mask calls good though some check fails it."""
    marked: dict[tuple[int, int], list[str]] = {}
    for check, status, names in zip(
        verdict["check"].astype(str),
        verdict["status"].astype(str),
        verdict["channels"].astype(str),
        strict=True,
    ):
        for name in names.split() if status == "fail" else ():
            adc, _, channel = name.partition("/")
            inputs = [int(channel)] if channel else np.flatnonzero(HAS_SENSOR).tolist()
            for c in inputs:
                if int(adc) < len(grid.kinds) and grid.kinds[int(adc), c] == _GOOD:
                    marked.setdefault((int(adc), c), []).append(check)
    if not marked:
        return ()
    frame, size = mask_frame(*grid.kinds.shape)
    places = np.array(sorted(marked))
    texts = tuple(
        f"ADC {a} channel {c}: fails {', '.join(marked[a, c])}" for a, c in places.tolist()
    )
    checks = sorted({check for found in marked.values() for check in found})
    words = f"× also fails: {', '.join(checks)}"
    xy = frame.at(places[:, 1], places[:, 0])
    return (
        Marks(xy, "cross", ORANGE, 9.0, 1.0, texts),
        Words(size[0] - 0.3, size[1] - 0.82, words, _TEXT_SIZE, ORANGE, align="right", bold=True),
    )


_GOOD: Final = KIND_NAMES.index("good")
