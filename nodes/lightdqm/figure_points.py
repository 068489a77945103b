"""The one page of points with asymmetric errors, a panel an ADC: baselines, noises, fractions.

Plain functions, no nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ...schemas.arrays import F8, I8, Mask
from ...schemas.sheets import Fills, Marks, Shape, Sheet, Strokes, Symbol, Words
from ..sheets.frames import (
    BLUE,
    GREY,
    LIGHT,
    VERMILION,
    Frame,
    bars,
    lines,
    number,
    ticks_of,
)
from ..statistics.widths import mad_sigma
from .figure_parts import Heading, Key, adc_name, heading_shapes

FADED: Final = 0.25
_WIDTH: Final = 10.0
_ABOVE, _PITCH, _BELOW = 1.12, 1.8, 0.48
_LEFT, _RIGHT = 0.95, 0.2
_FRAME_HEIGHT: Final = 1.3
# Points further from the median than so many widths of the bulk do not stretch the scale.
_REACH: Final = 8.0
# The allowed band is in view where the points fill at least this share of it.
_LEAST_SHARE: Final = 0.2
# Marks of what is off the scale stand inside of the frame.
_INWARD: Final = {"dot": 0.0, "up": -0.06, "down": 0.06}


@dataclass(frozen=True)
class Points:
    """What a page of points shows; arrays have shape (n_adcs, n_channels).

    Attributes
    ----------
    name, title, unit
        Name of the page, its title, unit of the values.
    value, lower, upper
        Value and both ends of its bar; NaN where there is no data.
    n
        Waveforms or events behind a value.
    drawn, faded
        Channels that belong on the page; those of them with a known problem or not in use.
    earlier
        Centre, lower and upper end of the earlier files, (3, n_adcs, n_channels), NaN for none.
    allowed
        The allowed band of each ADC, (n_adcs, 2), NaN for none.
    notes
        A text for each panel.
    percent
        Whether values are fractions: one scale from zero for all panels.
    """

    name: str
    title: str
    unit: str
    value: F8
    lower: F8
    upper: F8
    n: I8
    drawn: Mask
    faded: Mask
    earlier: F8
    allowed: F8
    notes: tuple[str, ...]
    percent: bool = False


def points_sheet(points: Points, heading: Heading, active: Mask) -> Sheet:
    """The page; ``active`` (n_channels,) marks the inputs in use, the others are shaded."""
    n_adcs = len(points.value)
    size = (_WIDTH, _ABOVE + _PITCH * n_adcs + _BELOW)
    shapes = heading_shapes(points.title, heading, size, _keys(points))
    limits = _percent_limits(points) if points.percent else None
    for adc in range(n_adcs):
        frame = Frame(
            _LEFT,
            size[1] - _ABOVE - _PITCH * adc - 0.25 - _FRAME_HEIGHT,
            _WIDTH - _LEFT - _RIGHT,
            _FRAME_HEIGHT,
            (-1.0, float(points.value.shape[1])),
            limits or _limits(points, adc),
        )
        shapes += _panel(points, adc, frame, active)
    shapes.append(Words(_LEFT + 0.5 * frame.w, 0.2, "channel", 9.5, align="center"))
    return Sheet(points.name, points.title, size, tuple(shapes))


def _keys(points: Points) -> tuple[Key, ...]:
    centre = "fraction, 68 % interval" if points.percent else "median, 16 to 84 %"
    keys = [Key(centre, BLUE, "dot"), Key("known problem or not in use", BLUE, "dot", alpha=FADED)]
    if np.isfinite(points.earlier[0]).any():
        keys.append(Key("earlier files", VERMILION, line=True, band=True))
    if np.isfinite(points.allowed).any():
        keys.append(Key("allowed", GREY, line=True, dashed=True))
    return (*keys, Key("no data", GREY, "cross"), Key("off the scale", VERMILION, "up"))


def _panel(points: Points, adc: int, frame: Frame, active: Mask) -> list[Shape]:
    top = frame.y + frame.h + 0.12
    ticks = ticks_of(frame.y_limits, 5)
    channels = np.arange(0.0, len(active) + 1.0, 8.0)
    note = points.notes[adc]
    low, high = points.allowed[adc]
    if np.isfinite(low) and not (len(frame.row(low)) or len(frame.row(high))):
        note = f"allowed {number(low)} to {number(high)}, off the scale  ·  {note}"
    return [
        *_background(frame, active),
        *_earlier(points.earlier[:, adc], frame),
        *(
            Strokes(frame.row(edge), GREY, 1.0, dashed=True)
            for edge in points.allowed[adc]
            if np.isfinite(edge)
        ),
        *_points(points, adc, frame),
        *frame.shapes(channels, ticks),
        Words(frame.x, top, adc_name(adc), 10.0, bold=True),
        Words(frame.x + frame.w, top, note, 9.0, GREY, align="right"),
        Words(0.22, frame.y + 0.5 * frame.h, points.unit, 9.5, align="center", upright=True),
    ]


def _background(frame: Frame, active: Mask) -> list[Shape]:
    """Inputs that are not in use are shaded."""
    unused = np.flatnonzero(~active)
    low, high = frame.y_limits
    corners = [
        frame.at([c - 0.5, c + 0.5, c + 0.5, c - 0.5], [low, low, high, high]) for c in unused
    ]
    return [Fills(lines(corners), LIGHT, 0.35)]


def _earlier(earlier: F8, frame: Frame) -> list[Shape]:
    """A step and a band a channel wide where earlier files have a value."""
    known = np.flatnonzero(np.isfinite(earlier[0]))
    centre, lower, upper = (np.clip(e[known], *frame.y_limits) for e in earlier)
    x = known[:, None] + np.array([-0.5, 0.5])
    steps = [frame.at(ends, np.full(2, c)) for ends, c in zip(x, centre, strict=True)]
    boxes = [
        frame.at(ends[[0, 1, 1, 0]], [low, low, high, high])
        for ends, low, high in zip(x, lower, upper, strict=True)
    ]
    return [Fills(lines(boxes), VERMILION, 0.25), Strokes(lines(steps), VERMILION, 1.2)]


def _points(points: Points, adc: int, frame: Frame) -> list[Shape]:
    value, drawn, faded = points.value[adc], points.drawn[adc], points.faded[adc]
    has_data = drawn & np.isfinite(value)
    low, high = frame.y_limits
    above, below = has_data & (value > high), has_data & (value < low)
    inside = has_data & ~above & ~below
    places: dict[Symbol, Mask] = {"dot": inside, "up": above, "down": below}
    shapes: list[Shape] = []
    for chosen, alpha in ((~faded, 1.0), (faded, FADED)):
        c = np.flatnonzero(has_data & chosen)
        ends = bars(frame, c, points.lower[adc, c], points.upper[adc, c])
        shapes.append(Strokes(ends, BLUE, 1.0, alpha))
        for symbol, at in places.items():
            color, size = (BLUE, 4.2) if symbol == "dot" else (VERMILION, 7.0)
            c = np.flatnonzero(at & chosen)
            texts = tuple(_text(points, adc, int(channel)) for channel in c)
            xy = np.add(frame.at(c, value[c]), (0.0, _INWARD[symbol]))
            shapes.append(Marks(xy, symbol, color, size, alpha, texts))
    c = np.flatnonzero(drawn & ~has_data)
    at_foot = np.add(frame.at(c, low), (0.0, 0.06))
    texts = tuple(f"ADC {adc} channel {channel}: no data" for channel in c)
    return [*shapes, Marks(at_foot, "cross", GREY, 4.0, 1.0, texts)]


def _text(points: Points, adc: int, channel: int) -> str:
    value, low, high = (float(a[adc, channel]) for a in (points.value, points.lower, points.upper))
    numbers = f"{number(value)} (−{number(value - low, 3)} +{number(high - value, 3)})"
    events = f"{points.n[adc, channel]} events"
    return f"ADC {adc} channel {channel}: {numbers} {points.unit}, {events}"


def _percent_limits(points: Points) -> tuple[float, float]:
    """From zero to the largest bar end below 100 %, and a tenth more."""
    upper = points.upper[points.drawn & np.isfinite(points.value)]
    below = upper[upper < 100.0]
    top = 1.1 * float(below.max()) if below.size else 110.0
    return (-0.04 * top, max(top, 1e-6))


def _limits(points: Points, adc: int) -> tuple[float, float]:
    """The scale of a panel: the bulk of the good channels, so that no bad one hides them."""
    has_data = points.drawn[adc] & np.isfinite(points.value[adc])
    good = has_data & ~points.faded[adc]
    use = np.flatnonzero(good if good.any() else has_data)
    if not use.size:
        return _padded(*(points.allowed[adc] if np.isfinite(points.allowed[adc]).all() else (0, 1)))
    value, lower, upper = (a[adc, use] for a in (points.value, points.lower, points.upper))
    middle = np.median(value)
    width = max(mad_sigma(value, middle), np.median(upper - lower))
    bulk = np.abs(value - middle) <= _REACH * width
    reach = (middle - 2.0 * _REACH * width, middle + 2.0 * _REACH * width)
    low = max(float(lower[bulk].min()), reach[0])
    high = min(float(upper[bulk].max()), reach[1])
    return _padded(*_with_allowed(low, high, points.allowed[adc]))


def _with_allowed(low: float, high: float, allowed: F8) -> tuple[float, float]:
    """The range with the allowed band, unless that made the points crowd together."""
    if not np.isfinite(allowed).all():
        return low, high
    wide = (min(low, float(allowed[0])), max(high, float(allowed[1])))
    return wide if high - low >= _LEAST_SHARE * (wide[1] - wide[0]) else (low, high)


def _padded(low: float, high: float) -> tuple[float, float]:
    span = high - low or max(1e-3 * abs(high), 1e-9)
    return (low - 0.08 * span, high + 0.08 * span)
