"""The page of power spectra: mean and median of each board, a row an ADC. No nodes."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from ...schemas.arrays import F8
from ...schemas.lightdqm.arrays import EpcbSpectra
from ...schemas.sheets import Shape, Sheet, Strokes, Words
from ..sheets.frames import GREY, INK, SERIES, Frame, decades, lines, number, ticks_of
from .figure_parts import Heading, Key, adc_name, heading_shapes

COLORS: Final = (INK, *SERIES, "#8c8c8c")
_WIDTH: Final = 14.0
_ABOVE, _PITCH, _BELOW = 1.12, 1.8, 0.55
_LEFT, _RIGHT, _BETWEEN = 0.95, 0.25, 0.35
_HEIGHT: Final = 1.28


def spectra_sheet(name: str, spectra: EpcbSpectra, heading: Heading, *, of: str) -> Sheet:
    """The page, ``of`` which waveforms; bin 0, the pedestal, is left out."""
    n_adcs = len(spectra.mean_V2)
    size = (_WIDTH, _ABOVE + _PITCH * n_adcs + _BELOW)
    title = f"Power spectra of {of} ({_unit(spectra.frequency_MHz)})"
    keys = tuple(Key(f"EPCB {k}", color, line=True) for k, color in enumerate(COLORS))
    shapes = heading_shapes(title, heading, size, keys)
    y_limits = _limits(spectra)
    width = 0.5 * (_WIDTH - _LEFT - _RIGHT - _BETWEEN)
    for adc in range(n_adcs):
        y = size[1] - _ABOVE - _PITCH * adc - 0.25 - _HEIGHT
        for column, (words, power) in enumerate(
            (("mean", spectra.mean_V2), ("median", spectra.median_V2))
        ):
            x = _LEFT + column * (width + _BETWEEN)
            x_limits = (0.0, _highest(spectra.frequency_MHz))
            frame = Frame(x, y, width, _HEIGHT, x_limits, y_limits, log_y=True)
            shapes += _panel(frame, spectra.frequency_MHz, power[adc], y_labels=not column)
            top = y + _HEIGHT + 0.12
            shapes.append(Words(x, top, f"{adc_name(adc)}: {words}", 10.0, bold=True))
            note = _boards_without(power[adc])
            shapes.append(Words(x + width, top, note, 9.0, GREY, align="right"))
        shapes.append(
            Words(0.25, y + 0.5 * _HEIGHT, "V² per bin", 9.5, align="center", upright=True)
        )
    foot = "frequency (MHz)  ·  of noise alone the median is ln 2 = 0.69 of the mean"
    shapes.append(Words(0.5 * _WIDTH, 0.2, foot, 9.5, align="center"))
    return Sheet(name, title, size, tuple(shapes))


def _panel(frame: Frame, frequency: F8, power: F8, *, y_labels: bool) -> list[Shape]:
    shapes: list[Shape] = []
    for board, color in zip(power, COLORS, strict=True):
        known = np.isfinite(board[1:]) & (board[1:] > 0.0)
        if known.any():
            height = np.where(known, board[1:], np.nan)
            shapes.append(Strokes(frame.at(frequency[1:], height), color, 0.7))
    if not shapes:
        middle = (frame.x + 0.5 * frame.w, frame.y + 0.5 * frame.h)
        shapes.append(Words(*middle, "no data", 10.0, GREY, align="center"))
    ticks = decades(frame.y_limits)
    return [
        Strokes(lines([frame.row(t) for t in ticks]), "#e4e4e4", 0.6),
        *shapes,
        *frame.shapes(ticks_of(frame.x_limits, 8), ticks, y_labels=y_labels),
    ]


def _unit(frequency: F8) -> str:
    if len(frequency) < 2:
        return "V² per bin"
    return f"V² per bin of {number(1e3 * float(frequency[1] - frequency[0]))} kHz"


def _highest(frequency: F8) -> float:
    return float(frequency[-1]) if len(frequency) and frequency[-1] > 0.0 else 1.0


def _limits(spectra: EpcbSpectra) -> tuple[float, float]:
    """Whole decades around what is drawn, at most nine of them below the greatest."""
    both = np.concatenate([spectra.mean_V2[..., 1:].ravel(), spectra.median_V2[..., 1:].ravel()])
    known = both[np.isfinite(both) & (both > 0.0)]
    if not known.size:
        return (1e-10, 1e-5)
    high = math.ceil(math.log10(known.max()) + 1e-9)
    low = math.floor(math.log10(np.quantile(known, 0.001)))
    return (10.0 ** max(low, high - 9), 10.0**high)


def _boards_without(power: F8) -> str:
    """Which boards have no spectrum."""
    missing = [str(k) for k, board in enumerate(power) if not np.isfinite(board[1:]).any()]
    return f"no data: EPCB {', '.join(missing)}" if missing else ""
