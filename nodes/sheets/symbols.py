"""The symbols of a sheet as outlines in a circle of diameter 1. Plain functions, no nodes.

Shape and colour both tell symbols apart, so neither a printer without colours nor a reader who
sees them differently loses a meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from ...schemas.arrays import F8
from ...schemas.sheets import Symbol


@dataclass(frozen=True)
class Outline:
    """Lines of a symbol, each of shape (n, 2); filled, or stroked with ``width`` points."""

    lines: tuple[F8, ...]
    filled: bool
    width: float = 1.2


def _arc(
    radius: float, start: float, stop: float, points: int, x: float = 0.0, y: float = 0.0
) -> F8:
    angle = np.radians(np.linspace(start, stop, points))
    return np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])


def _ring() -> Outline:
    return Outline((_arc(0.5, 0, 360, 25),), filled=False)


def _dot() -> Outline:
    return Outline((_arc(0.5, 0, 360, 25),), filled=True)


def _frown() -> Outline:
    eyes = [_arc(0.07, 0, 360, 9, x, 0.15) for x in (-0.19, 0.19)]
    mouth = _arc(0.26, 35, 145, 9, 0.0, -0.36)
    return Outline((_arc(0.5, 0, 360, 25), *eyes, mouth), filled=False)


def _cross() -> Outline:
    d = 0.4
    return Outline((np.array([[-d, -d], [d, d]]), np.array([[-d, d], [d, -d]])), False, 1.8)


def _up() -> Outline:
    corners = [[-0.5, -0.4], [0.5, -0.4], [0.0, 0.5], [-0.5, -0.4]]
    return Outline((np.array(corners),), filled=True)


def _down() -> Outline:
    corners = [[-0.5, 0.4], [0.5, 0.4], [0.0, -0.5], [-0.5, 0.4]]
    return Outline((np.array(corners),), filled=True)


def _star() -> Outline:
    angle = np.radians(90 + 36 * np.arange(11))
    radius = np.where(np.arange(11) % 2 == 0, 0.55, 0.24)
    return Outline((np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]),), True)


def _dash() -> Outline:
    return Outline((np.array([[-0.4, 0.0], [0.4, 0.0]]),), False, 1.2)


def _square() -> Outline:
    corners = [[-0.42, -0.42], [0.42, -0.42], [0.42, 0.42], [-0.42, 0.42], [-0.42, -0.42]]
    return Outline((np.array(corners),), filled=False)


_OUTLINES: Final[dict[Symbol, Callable[[], Outline]]] = {
    "ring": _ring,
    "dot": _dot,
    "frown": _frown,
    "cross": _cross,
    "up": _up,
    "down": _down,
    "star": _star,
    "dash": _dash,
    "square": _square,
}


@cache
def outline(symbol: Symbol) -> Outline:
    """The outline of a symbol."""
    return _OUTLINES[symbol]()
