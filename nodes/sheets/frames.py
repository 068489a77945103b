"""Scales, frames and ticks of a panel on a sheet. Plain functions, no nodes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from ...schemas.arrays import F8
from ...schemas.sheets import Shape, Strokes, Words

INK: Final = "#1a1a1a"
GREY: Final = "#595959"
LIGHT: Final = "#d9d9d9"
# Okabe and Ito: told apart by every reader.
BLUE: Final = "#0072b2"
VERMILION: Final = "#d55e00"
GREEN: Final = "#009e73"
SKY: Final = "#56b4e9"
ORANGE: Final = "#e69f00"
PURPLE: Final = "#cc79a7"
SERIES: Final = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
"""Lines beside each other: without black (for their sum) and yellow (too light on white)."""
_GAP: Final = np.array([[np.nan, np.nan]])
_SUPERSCRIPTS: Final = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_THIN_SPACE: Final = "\u2009"


@dataclass(frozen=True)
class Frame:
    """A rectangle of a sheet in inches and the values at its edges; ``log_y`` for powers of 10."""

    x: float
    y: float
    w: float
    h: float
    x_limits: tuple[float, float]
    y_limits: tuple[float, float]
    log_y: bool = False

    def at(self, x: ArrayLike, y: ArrayLike) -> F8:
        """Where values lie on the sheet, (n, 2); beyond the frame they lie on its edge."""
        u = (np.asarray(x, dtype=float) - self.x_limits[0]) / (self.x_limits[1] - self.x_limits[0])
        v = self._height(np.asarray(y, dtype=float))
        u, v = np.broadcast_arrays(np.clip(u, 0.0, 1.0), np.clip(v, 0.0, 1.0))
        return np.column_stack([self.x + u * self.w, self.y + v * self.h])

    def _height(self, y: F8) -> F8:
        low, high = self.y_limits
        if not self.log_y:
            return np.asarray((y - low) / (high - low))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.log10(y / low) / math.log10(high / low))

    def shapes(
        self,
        x_ticks: F8,
        y_ticks: F8,
        *,
        x_labels: bool = True,
        y_labels: bool = True,
        size: float = 8.5,
    ) -> list[Shape]:
        """Border, ticks and, where they are wanted, tick labels of ``size`` points."""
        bottom, left = self.y_limits[0], self.x_limits[0]
        below, beside = self.at(x_ticks, bottom), self.at(left, y_ticks)
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) * (self.w, self.h)
        border = np.add(corners, (self.x, self.y))
        ticks = [
            *(np.array([p, p - (0.0, 0.05)]) for p in below),
            *(np.array([p, p - (0.05, 0.0)]) for p in beside),
        ]
        shapes: list[Shape] = [Strokes(lines([border, *ticks]), INK, 0.8)]
        if y_labels:
            names = log_labels(y_ticks) if self.log_y else tick_labels(y_ticks)
            shapes += [
                Words(x - 0.08, y, name, size, align="right")
                for (x, y), name in zip(beside, names, strict=True)
            ]
        if x_labels:
            shapes += [
                Words(x, y - 0.15, name, size, align="center")
                for (x, y), name in zip(below, tick_labels(x_ticks), strict=True)
            ]
        return shapes

    def row(self, y: float) -> F8:
        """The two ends of a level line; empty if the value is outside of the frame."""
        if not min(self.y_limits) <= y <= max(self.y_limits):
            return np.empty((0, 2))
        return self.at(self.x_limits, y)


def lines(pieces: list[F8]) -> F8:
    """Several lines as one array, a row of NaN between two."""
    if not pieces:
        return np.empty((0, 2))
    return np.concatenate([part for piece in pieces for part in (piece, _GAP)])[:-1]


def bars(frame: Frame, x: ArrayLike, lower: F8, upper: F8) -> F8:
    """Upright lines from ``lower`` to ``upper`` at each x, as one array."""
    ends = np.full((len(lower), 3, 2), np.nan)
    ends[:, 0], ends[:, 1] = frame.at(x, lower), frame.at(x, upper)
    return ends.reshape(-1, 2)


def ticks_of(limits: tuple[float, float], at_most: int) -> F8:
    """Round values (1, 2 or 5 times a power of ten apart) within the limits."""
    low, high = limits
    raw = (high - low) / max(at_most, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10, 20) if m * power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return np.asarray(np.arange(first, last + 1) * step, dtype=np.float64)


def decades(limits: tuple[float, float]) -> F8:
    """The powers of ten within the limits, at most eight of them."""
    first, last = math.ceil(math.log10(limits[0]) - 1e-9), math.floor(math.log10(limits[1]) + 1e-9)
    powers = np.arange(first, last + 1, max(1, math.ceil((last - first) / 8)))
    return np.asarray(10.0**powers, dtype=np.float64)


def tick_labels(ticks: F8) -> list[str]:
    """Ticks with as many decimals as their step needs."""
    if len(ticks) < 2:
        return [number(float(t)) for t in ticks]
    step = abs(float(ticks[1] - ticks[0]))
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [_grouped(f"{t:.{decimals}f}") for t in ticks]


def log_labels(ticks: F8) -> list[str]:
    """10⁻⁹ and the like."""
    return [f"10{str(round(math.log10(t))).translate(_SUPERSCRIPTS)}" for t in ticks]


def number(value: float, digits: int = 4) -> str:
    """A value with so many digits, a dash if there is none."""
    if not math.isfinite(value):
        return "–"
    if abs(value) >= 10.0 ** (digits - 1):
        return _grouped(f"{value:.0f}")
    text = f"{value:.{digits}g}"
    if "e" not in text:
        return _grouped(text)
    digits_of, power = text.split("e")
    return f"{digits_of}·10{str(int(power)).translate(_SUPERSCRIPTS)}".replace("-", "−")


def _grouped(text: str) -> str:
    whole, dot, rest = text.lstrip("-").partition(".")
    groups = f"{int(whole):,}".replace(",", _THIN_SPACE) if len(whole) > 4 else whole
    negative = text.startswith("-") and float(text) != 0.0
    return f"{'−' if negative else ''}{groups}{dot}{rest}"
