"""The page with the number of the event as axis: baseline, noise and light by ADC, and channels."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, Mask
from ...schemas.lightdqm.detector import N_CHANNELS
from ...schemas.sheets import Fills, Shape, Sheet, Strokes, Words
from ..sheets.frames import BLUE, GREY, VERMILION, Frame, lines, ticks_of
from ..statistics.intervals import fraction_of
from .figure_parts import Heading, Key, adc_name, heading_shapes

_WIDTH: Final = 16.0
_PANEL: Final = (3.1, 1.05)
_PITCH: Final = 1.42
_LEFT, _ABOVE, _BELOW = 0.85, 1.2, 0.6
_APART: Final = 3.82
_MOST_WORST: Final = 3
# Blocks in which more of the waveforms of an ADC are useless are shaded.
_MOST_USELESS: Final = 0.05
_QUANTITIES: Final = (
    ("baseline_adc16", "baseline, adc16"),
    ("noise_adc16", "noise, adc16"),
    ("light", "light seen, of that near by"),
    ("height", "pulse height, of the other ADC"),
)


def history_sheet(name: str, history: pd.DataFrame, heading: Heading) -> Sheet:
    """A row an ADC, a column a quantity: the band of its channels, and those that move most."""
    n_adcs = int(history["adc"].max()) + 1 if len(history) else 0
    size = (_WIDTH, _ABOVE + _PITCH * max(n_adcs, 1) + _BELOW)
    keys = (
        Key("median of the channels, 16 % to 84 %", BLUE, line=True, band=True),
        Key("channels that move most", VERMILION, line=True),
        Key("flat, at a rail or zeros", GREY, band=True),
    )
    shapes: list[Shape] = heading_shapes("From event to event", heading, size, keys)
    edges = history.drop_duplicates("block")[["first_row", "last_row"]].to_numpy()
    useless = _useless(history, n_adcs, len(edges))
    for adc in range(n_adcs):
        bottom = size[1] - _ABOVE - _PITCH * adc - _PANEL[1] - 0.15
        shapes.append(Words(_LEFT, bottom + _PANEL[1] + 0.12, adc_name(adc), 9.0, bold=True))
        for k, (quantity, label) in enumerate(_QUANTITIES):
            values = _values(history, adc, quantity, len(edges))
            place = (_LEFT + k * _APART, bottom)
            shapes += _shade(useless[:, adc], edges, *place)
            share, lowest = quantity == "light", adc == n_adcs - 1
            shapes += _panel(values, edges, *place, adc, share=share, x_labels=lowest)
            if adc == 0:
                x = _LEFT + k * _APART + _PANEL[0]
                shapes.append(Words(x, bottom + _PANEL[1] + 0.28, label, 9.0, align="right"))
    shapes.append(Words(0.5 * _WIDTH, 0.2, "row of the event in the file", 9.5, align="center"))
    return Sheet(name, "From event to event", size, tuple(shapes))


def _values(history: pd.DataFrame, adc: int, quantity: str, n_blocks: int) -> F8:
    """(n_blocks, 64), NaN where there is nothing."""
    rows = history[history["adc"] == adc]
    found = np.full((n_blocks, N_CHANNELS), np.nan)
    values = rows[quantity] if quantity != "light" else fraction_of(rows["k_near"], rows["n_near"])
    if quantity == "height":
        # Of its board, times that of the half of the ADC: a weak channel and a weak ADC show.
        values = values * rows["side"]
    found[rows["block"], rows["channel"]] = values
    return found


def _useless(history: pd.DataFrame, n_adcs: int, n_blocks: int) -> Mask:
    """(n_blocks, n_adcs): where too many waveforms have no signal to look at."""
    counts = np.zeros((2, n_blocks, n_adcs))
    place = (history["block"].to_numpy(), history["adc"].to_numpy())
    for found, name in zip(counts, ("n_valid", "n_sound"), strict=True):
        np.add.at(found, place, history[name].to_numpy())
    return np.asarray(counts[0] - counts[1] > _MOST_USELESS * counts[0])


def _ends(edges: F8) -> tuple[float, float]:
    return float(edges[0, 0]), float(max(edges[-1, 1], edges[0, 0] + 1))


def _shade(marked: Mask, edges: F8, x: float, y: float) -> list[Shape]:
    """A grey field over each block that is marked."""
    frame = Frame(x, y, *_PANEL, _ends(edges), (0.0, 1.0))
    up = np.array([0.0, 0.0, 1.0, 1.0])
    return [
        Fills(
            frame.at(np.array([first, last + 1, last + 1, first]).clip(*_ends(edges)), up),
            GREY,
            0.35,
        )
        for first, last in edges[marked].tolist()
    ]


def _panel(
    values: F8,
    edges: F8,
    x: float,
    y: float,
    adc: int,
    *,
    share: bool = False,
    x_labels: bool = False,
) -> list[Shape]:
    known = values[np.isfinite(values)]
    ends = _ends(edges)
    if not len(known):
        return [Words(x, y + 0.5 * _PANEL[1], "no data", 9.0, GREY)]
    low, high = float(known.min()), float(known.max())
    if share:
        # From none to all in every panel, so that panels compare.
        low, high = 0.0, 1.0
    pad = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    frame = Frame(x, y, *_PANEL, ends, (low - pad, high + pad))
    middle = edges.mean(axis=1)
    some = np.isfinite(values).any(axis=1)
    p16, median, p84 = np.nanpercentile(values[some], (16, 50, 84), axis=1)
    band = np.concatenate([frame.at(middle[some], p16), frame.at(middle[some], p84)[::-1]])
    shapes: list[Shape] = [Fills(band, BLUE, 0.25)]
    moves = np.nanmax(np.where(np.isfinite(values), values, -np.inf), axis=0)
    moves -= np.nanmin(np.where(np.isfinite(values), values, np.inf), axis=0)
    moves[~np.isfinite(moves)] = -1.0
    worst = np.argsort(moves)[::-1][:_MOST_WORST]
    there = np.isfinite(values)
    pieces = [frame.at(middle[there[:, c]], values[there[:, c], c]) for c in worst]
    shapes.append(Strokes(lines(pieces), VERMILION, 0.8, 0.8))
    shapes.append(Strokes(frame.at(middle[some], median), BLUE, 1.4))
    shapes += frame.shapes(ticks_of(ends, 6), ticks_of(frame.y_limits, 3), x_labels=x_labels)
    names = " ".join(f"{adc}/{c}" for c in worst.tolist())
    shapes.append(
        Words(x + _PANEL[0], y - (0.3 if x_labels else 0.12), names, 7.0, VERMILION, align="right")
    )
    return shapes
