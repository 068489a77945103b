"""Quantities over files, a panel each, against a reference band. Plain functions, no nodes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, Mask
from ...schemas.lightdqm.trends import ReferenceBand, TrendRequest
from ...schemas.sheets import Fills, Marks, Shape, Sheet, Strokes, Symbol, Words
from ..sheets.frames import BLUE, GREY, ORANGE, VERMILION, Frame, bars, log_labels, number, ticks_of
from .figure_parts import Key, legend_shapes
from .figure_times import local_time

_WIDTH: Final = 11.0
_ABOVE, _PITCH, _BELOW = 0.95, 2.15, 0.4
_LEFT, _RIGHT = 1.05, 0.25
_FRAME_HEIGHT: Final = 1.65
_MOST_TICKS: Final = 9
# A single point that would make the axis more than so many times as long is left off the scale.
_MOST_STRETCH: Final = 100.0
_STEPS: Final = tuple(
    timedelta(minutes=m)
    for m in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14400, 43200, 129600)
)


@dataclass(frozen=True)
class TrendPanel:
    """What one panel shows: the request, its frame (Trend), and what it is compared with."""

    request: TrendRequest
    frame: pd.DataFrame
    band: ReferenceBand | None = None


def trend_sheet(panels: Sequence[TrendPanel], title: str, time_zone: str) -> Sheet:
    """The page: a panel each, one axis of time for all, or of files where a time is unknown."""
    size = (_WIDTH, _ABOVE + _PITCH * len(panels) + _BELOW)
    files = panels[0].frame
    x, limits, ticks, labels, name = _axis(files, time_zone)
    shapes: list[Shape] = [
        Words(0.3, size[1] - 0.28, title, 14.0, bold=True),
        Words(_WIDTH - 0.3, size[1] - 0.28, f"{len(files)} files", 9.5, GREY, align="right"),
        *legend_shapes(_keys(panels), 0.36, size[1] - 0.62),
    ]
    for i, panel in enumerate(panels):
        bottom = size[1] - _ABOVE - _PITCH * i - 0.3 - _FRAME_HEIGHT
        frame = Frame(_LEFT, bottom, _WIDTH - _LEFT - _RIGHT, _FRAME_HEIGHT, limits, _limits(panel))
        shapes += _panel(panel, frame, x, ticks, time_zone)
        shapes += [
            Words(at, bottom - 0.16, label, 8.5, align="center")
            for (at, _), label in zip(frame.at(ticks, frame.y_limits[0]), labels, strict=True)
        ]
    shapes.append(Words(0.5 * _WIDTH, 0.2, name, 9.5, align="center"))
    return Sheet("trend", title, size, tuple(shapes))


def _axis(
    files: pd.DataFrame, time_zone: str
) -> tuple[F8, tuple[float, float], F8, list[str], str]:
    """Places of the files, ends of the axis, ticks with their labels, and its name."""
    start = files["start_ms"].to_numpy()
    if len(np.unique(start)) > 1 and start.min() >= 0:
        x = start / 1000.0
        pad = 0.03 * (x.max() - x.min())
        limits = (float(x.min() - pad), float(x.max() + pad))
        ticks, labels = time_ticks(limits, time_zone)
        return x, limits, ticks, labels, f"start of the data ({time_zone})"
    x = np.arange(len(files), dtype=np.float64)
    ticks = np.unique(np.round(np.linspace(0, len(files) - 1, min(len(files), _MOST_TICKS))))
    names = [_file_label(files.iloc[int(i)]) for i in ticks]
    return x, (-0.5, max(len(files), 1) - 0.5), ticks, names, "file, in order (run, sub-run)"


def _file_label(row: pd.Series) -> str:
    parts = [str(n) for n in (row["run"], row["subrun"]) if n >= 0]
    return " p".join(parts) or str(row["name"])[:12]


def time_ticks(limits: tuple[float, float], time_zone: str) -> tuple[F8, list[str]]:
    """Round local times within the limits (Unix seconds), at most nine, and how to print them."""
    zone = ZoneInfo(time_zone)
    first = datetime.fromtimestamp(limits[0], UTC).astimezone(zone).replace(tzinfo=None)
    last = datetime.fromtimestamp(limits[1], UTC).astimezone(zone).replace(tzinfo=None)
    step = next((s for s in _STEPS if (last - first) / s <= _MOST_TICKS), _STEPS[-1])
    while (last - first) / step > _MOST_TICKS:
        step *= 2
    # Counted from a midnight, so that they are round; in wall time, so that days are days.
    midnight = datetime(first.year, first.month, 1)
    at = midnight + step * (-(-(first - midnight) // step))
    ticks, labels = [], []
    while at <= last:
        ticks.append(at.replace(tzinfo=zone).timestamp())
        labels.append(at.strftime("%m-%d" if step >= timedelta(days=1) else "%m-%d %H:%M"))
        at += step
    return np.array(ticks, dtype=np.float64), labels


def _keys(panels: Sequence[TrendPanel]) -> tuple[Key, ...]:
    keys = [Key("value, 68 %", BLUE, "dot"), Key("a check fails there", VERMILION, "dot")]
    band = next((p.band for p in panels if p.band is not None), None)
    if band is not None:
        keys.append(Key(band.label, ORANGE, line=True, band=True))
    keys.append(Key("no data", GREY, "cross"))
    if any(_is_off(panel).any() for panel in panels):
        keys.append(Key("off the scale", VERMILION, "up"))
    return tuple(keys)


def _is_off(panel: TrendPanel) -> Mask:
    """Which points lie beyond the ends of the axis."""
    value = panel.frame["value"].to_numpy() * _scale(panel)[0]
    low, high = _limits(panel)
    return (value < low) | (value > high)


def _scale(panel: TrendPanel) -> tuple[float, str]:
    """What values are multiplied with to be drawn, and their unit."""
    if not panel.request.unit:
        return 100.0, "%"
    if panel.request.quantity != "power":
        return 1.0, panel.request.unit
    value = panel.frame["value"].to_numpy()
    known = value[np.isfinite(value) & (value > 0)]
    if not known.size:
        return 1.0, "V²"
    power = math.floor(math.log10(np.median(known)))
    return 10.0**-power, f"{log_labels(np.array([10.0**power]))[0]} V²"


def _limits(panel: TrendPanel) -> tuple[float, float]:
    """The points with their bars, and the band; a single point far from all others is left out."""
    scale, _ = _scale(panel)
    frame = panel.frame[np.isfinite(panel.frame["value"])]
    value, lower, upper = (_ends(frame, name) * scale for name in ("value", "lower", "upper"))
    if panel.band is not None:
        ends = np.array([panel.band.lower, panel.band.upper]) * scale
        if np.isfinite(ends).all():
            lower, upper = np.append(lower, ends[0]), np.append(upper, ends[1])
    low, high = (float(lower.min()), float(upper.max())) if lower.size else (0.0, 1.0)
    if value.size > 2:
        others = np.arange(lower.size) != np.argmax(np.abs(value - np.median(value)))
        inner = (float(lower[others].min()), float(upper[others].max()))
        if high - low > _MOST_STRETCH * (inner[1] - inner[0]) > 0.0:
            low, high = inner
    span = high - low or max(1e-3 * abs(high), 1e-12)
    floor = 0.0 if not panel.request.unit else -np.inf
    return max(low - 0.12 * span, floor - 0.04 * span), high + 0.12 * span


def _ends(frame: pd.DataFrame, name: str) -> F8:
    """An end of the bars; where there is none, the value."""
    values = frame[name].to_numpy()
    return np.where(np.isfinite(values), values, frame["value"].to_numpy())


def _panel(panel: TrendPanel, frame: Frame, x: F8, ticks: F8, time_zone: str) -> list[Shape]:
    _, unit = _scale(panel)
    top = frame.y + frame.h + 0.13
    return [
        *_band(panel, frame),
        *_points(panel, frame, x, time_zone),
        *frame.shapes(ticks, ticks_of(frame.y_limits, 5), x_labels=False),
        Words(frame.x, top, str(panel.request), 10.0, bold=True),
        Words(frame.x + frame.w, top, _note(panel), 9.0, GREY, align="right"),
        Words(0.25, frame.y + 0.5 * frame.h, unit, 9.5, align="center", upright=True),
    ]


def _note(panel: TrendPanel) -> str:
    if panel.band is None:
        return "no reference"
    scale, unit = _scale(panel)
    band = panel.band
    value = number(band.value * scale, 5)
    if not np.isfinite([band.lower, band.upper]).all():
        return f"{band.label}: {value} {unit}"
    below, above = ((band.value - band.lower) * scale, (band.upper - band.value) * scale)
    return f"{band.label}: {value} (−{number(below, 3)} +{number(above, 3)}) {unit}"


def _band(panel: TrendPanel, frame: Frame) -> list[Shape]:
    if panel.band is None:
        return []
    scale, _ = _scale(panel)
    band = panel.band
    shapes: list[Shape] = [Strokes(frame.row(band.value * scale), ORANGE, 1.4)]
    if np.isfinite([band.lower, band.upper]).all():
        left, right = frame.x_limits
        low, high = band.lower * scale, band.upper * scale
        corners = frame.at([left, right, right, left], [low, low, high, high])
        shapes.insert(0, Fills(corners, ORANGE, 0.3))
    return shapes


def _points(panel: TrendPanel, frame: Frame, x: F8, time_zone: str) -> list[Shape]:
    files = panel.frame
    scale, _ = _scale(panel)
    value = files["value"].to_numpy() * scale
    known = np.isfinite(value)
    low, high = frame.y_limits
    above, below = known & (value > high), known & (value < low)
    failing = (files["failing"] != "").to_numpy()
    shapes: list[Shape] = []
    for chosen, color in ((~failing, BLUE), (failing, VERMILION)):
        at = np.flatnonzero(known & chosen)
        ends = (_ends(files, name)[at] * scale for name in ("lower", "upper"))
        shapes.append(Strokes(bars(frame, x[at], *ends), color, 1.0))
    kinds: tuple[tuple[Mask, Symbol, str, float, float], ...] = (
        (known & ~above & ~below & ~failing, "dot", BLUE, 4.5, 0.0),
        (known & ~above & ~below & failing, "dot", VERMILION, 5.5, 0.0),
        (above, "up", VERMILION, 7.0, -0.06),
        (below, "down", VERMILION, 7.0, 0.06),
        (~known, "cross", GREY, 4.5, 0.06),
    )
    for chosen, symbol, color, size, inward in kinds:
        at = np.flatnonzero(chosen)
        texts = tuple(_text(panel, files.iloc[int(i)], time_zone) for i in at)
        where = np.where(known[at], value[at], low)
        xy = np.add(frame.at(x[at], where), (0.0, inward))
        shapes.append(Marks(xy, symbol, color, size, 1.0, texts))
    return shapes


def _text(panel: TrendPanel, row: pd.Series, time_zone: str) -> str:
    scale, unit = _scale(panel)
    when = f", {local_time(int(row['start_ms']), time_zone)}" if row["start_ms"] >= 0 else ""
    value = f"{number(row['value'] * scale, 5)} {unit}" if np.isfinite(row["value"]) else "no data"
    failing = f"; fails: {row['failing']}" if row["failing"] else ""
    return f"{row['name']}{when}: {value}{failing}"
