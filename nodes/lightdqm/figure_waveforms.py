"""The page of waveforms: for each board of each ADC its six channels and their sum.

Plain functions, no nodes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ...schemas.arrays import F8
from ...schemas.lightdqm.arrays import PickedWaveforms
from ...schemas.sheets import Shape, Sheet, Strokes, Words
from ..sheets.frames import GREY, INK, SERIES, Frame, lines, ticks_of
from .figure_parts import Heading, Key, adc_names, heading_shapes

# The channels of a board, and their sum.
_COLORS: Final = (*SERIES, INK)
_WIDTH: Final = 16.0
_ABOVE, _PITCH, _BELOW = 1.3, 1.45, 0.55
_LEFT, _CELL, _FRAME = 0.75, 1.88, (1.38, 1.05)
# Columns of a trace; of each the least and the greatest sample are drawn.
_COLUMNS: Final = 160
_LEAST_SPAN_ADC16: Final = 400.0


def waveform_sheet(
    name: str,
    picked: PickedWaveforms,
    heading: Heading,
    window: int,
    sample_ns: float,
    per_adc16: tuple[float, str],
) -> Sheet:
    """The page; heights are above the mean of the first ``window`` samples.

    ``per_adc16`` is the drawn unit: what one count is in it, and its name.
    """
    n_adcs, n_epcbs = picked.event_row.shape
    size = (_WIDTH, _ABOVE + _PITCH * n_adcs + _BELOW)
    title = f"Waveforms of each board above their baselines ({per_adc16[1]})"
    shapes = heading_shapes(title, heading, size, _keys())
    shapes += _names(picked, size[1])
    duration = max(picked.samples.shape[-1] * sample_ns * 1e-3, 1e-3)
    traces: list[list[F8]] = [[] for _ in _COLORS]
    for adc, epcb in np.ndindex(n_adcs, n_epcbs):
        corner = (_LEFT + _CELL * epcb + 0.42, size[1] - _ABOVE - _PITCH * (adc + 1) + 0.1)
        heights = _with_sum(picked.samples[adc, epcb], window) * per_adc16[0]
        there = picked.event_row[adc, epcb] >= 0
        y_axis = _limits(heights, _LEAST_SPAN_ADC16 * per_adc16[0]) if there else (0.0, 1.0)
        frame = Frame(*corner, *_FRAME, (0.0, duration), y_axis)
        shapes += _cell_shapes(frame, _event(picked, adc, epcb), time_labels=adc == n_adcs - 1)
        if there:
            for listed, height in zip(traces, heights, strict=True):
                listed.append(_trace(frame, height))
    shapes += [
        Strokes(lines(listed), color, 0.6) for listed, color in zip(traces, _COLORS, strict=True)
    ]
    return Sheet(name, title, size, tuple(shapes))


def _keys() -> tuple[Key, ...]:
    words = ("first channel of the board", "2.", "3.", "4.", "5.", "6.", "their sum")
    return tuple(Key(w, c, line=True) for w, c in zip(words, _COLORS, strict=True))


def _names(picked: PickedWaveforms, height: float) -> list[Shape]:
    """Names of ADCs beside and of boards above the cells."""
    n_adcs, n_epcbs = picked.event_row.shape
    shapes: list[Shape] = []
    for adc in range(n_adcs):
        y = height - _ABOVE - _PITCH * (adc + 0.5)
        for line, words in enumerate(adc_names(adc)):
            at = 0.2 + 0.17 * line
            shapes.append(Words(at, y, words, 9.0, bold=not line, align="center", upright=True))
    for epcb in range(n_epcbs):
        x = _LEFT + _CELL * epcb + 0.42 + 0.5 * _FRAME[0]
        first, last = picked.channels[epcb, 0], picked.channels[epcb, -1]
        words = f"EPCB {epcb}: channels {first}–{last}"
        shapes.append(Words(x, height - _ABOVE + 0.12, words, 9.0, bold=True, align="center"))
        shapes.append(Words(x, 0.3, "time (µs)", 9.0, align="center"))
    return shapes


def _event(picked: PickedWaveforms, adc: int, epcb: int) -> str:
    if picked.event_row[adc, epcb] < 0:
        return "no data"
    light = "" if picked.is_light[adc, epcb] else " (no light)"
    return f"event {picked.event_id[adc, epcb]}{light}"


def _cell_shapes(frame: Frame, event: str, *, time_labels: bool) -> list[Shape]:
    """Frame, scales, and which event it is."""
    x_ticks, y_ticks = ticks_of(frame.x_limits, 4), ticks_of(frame.y_limits, 4)
    if event == "no data":
        middle = (frame.x + 0.5 * frame.w, frame.y + 0.5 * frame.h)
        words = Words(*middle, event, 9.0, GREY, align="center")
        return [words, *frame.shapes(x_ticks, np.empty(0), x_labels=time_labels, size=7.5)]
    words = Words(frame.x, frame.y + frame.h + 0.08, event, 8.0, GREY)
    return [words, *frame.shapes(x_ticks, y_ticks, x_labels=time_labels, size=7.5)]


def _limits(heights: F8, least_span: float) -> tuple[float, float]:
    """The range of the traces, at least so wide that noise does not look like a signal."""
    low, high = float(heights.min()), float(heights.max())
    room = max(0.5 * (least_span - (high - low)), 0.05 * (high - low))
    return (low - room, high + room)


def _with_sum(samples: np.ndarray, window: int) -> F8:
    values = samples.astype(np.float64)
    heights = values - values[:, :window].mean(axis=1, keepdims=True)
    return np.concatenate([heights, heights.sum(axis=0, keepdims=True)])


def _trace(frame: Frame, trace: F8) -> F8:
    """The line of a trace: per column its least and greatest sample, in their order."""
    n = len(trace)
    width = max(1, -(-n // _COLUMNS))
    if width == 1:
        return frame.at((np.arange(n) + 0.5) / n * frame.x_limits[1], trace)
    columns = np.full((-(-n // width), width), trace[-1])
    columns.reshape(-1)[:n] = trace
    rows = np.arange(len(columns))[:, np.newaxis]
    ends = np.sort(np.column_stack([columns.argmin(axis=1), columns.argmax(axis=1)]), axis=1)
    time = (np.minimum(rows * width + ends, n - 1) + 0.5) / n * frame.x_limits[1]
    return frame.at(time.ravel(), columns[rows, ends].ravel())
