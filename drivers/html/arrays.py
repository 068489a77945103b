"""Pictures of 2-D arrays that zoom, pan and show values; a still PNG where no script runs.

The values stand in the page as deflated bytes, so what is shown is the data, not a rendering.
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from markupsafe import Markup

from .templates import filled

Scale = Literal["linear", "sqrt", "log"]
MarkKind = Literal["cross", "circle", "diamond", "line", "box"]
COLOUR_MAPS: Final = ("cividis", "viridis", "grey")
SCALES: Final = ("linear", "sqrt", "log")
_SYMBOLS: Final[dict[str, str]] = {
    "cross": "+",
    "circle": "○",
    "diamond": "◇",
    "line": "╱",
    "box": "▭",
}
# The still picture says what is there; it need not have every pixel of a large array.
_MOST_STILL_PIXELS: Final = 400


@dataclass(frozen=True)
class Axis:
    """An axis of an array: label, unit, lower edge of the first pixel, width of a pixel."""

    label: str
    unit: str
    low: float
    step: float


@dataclass(frozen=True)
class ArrayMark:
    """A mark on the array: ``points`` in units of the axes (x, y).

    cross, circle and diamond stand at one point, a line joins points, a box has two corners.
    """

    kind: MarkKind
    points: Sequence[tuple[float, float]]
    label: str


def array_view(
    values: Any,
    x: Axis,
    y: Axis,
    *,
    name: str,
    value_label: str,
    unit: str = "",
    caption: str = "",
    marks: Sequence[ArrayMark] = (),
    colour_map: str = "cividis",
    scale: Scale = "linear",
    limits: tuple[float, float] | None = None,
    equal_axes: bool = True,
) -> Markup:
    """A picture of ``values``, shape (rows y, columns x), row 0 at the bottom.

    Parameters
    ----------
    name
        What it is, for readers who do not see it.
    value_label, unit
        Words beside the colour bar, and behind a value that is shown.
    limits
        Values of the first and the last colour; without them the least and the largest.
    equal_axes
        One scale for both axes.
    """
    array = np.asarray(values)
    data, dtype = _packed(array)
    shown = colour_map if colour_map in COLOUR_MAPS else COLOUR_MAPS[0]
    spec = {
        "x": {**vars(x), "n": array.shape[1]},
        "y": {**vars(y), "n": array.shape[0]},
        "value": value_label,
        "unit": unit,
        "map": shown,
        "scale": scale,
        "limits": limits,
        "equal": equal_axes,
        "marks": [
            {"kind": m.kind, "points": [list(map(float, p)) for p in m.points]} for m in marks
        ],
        "type": dtype,
        "data": data,
    }
    return filled(
        "radiograph.drivers.html:array.html",
        name=name,
        colour_maps=COLOUR_MAPS,
        scales=SCALES,
        still=base64.b64encode(_still(array, shown, limits)).decode(),
        marks=[(_SYMBOLS[m.kind], m.label) for m in marks],
        caption=caption,
        spec=json_text(spec),
    )


def json_text(value: Any) -> Markup:
    """JSON that may stand in a script element."""
    return Markup(json.dumps(value, separators=(",", ":")).replace("<", "\\u003c"))


def colour_maps_data() -> Markup:
    """The colours of every map, once a page."""
    maps = {name: base64.b64encode(_colours(name).tobytes()).decode() for name in COLOUR_MAPS}
    script = Markup('<script type="application/json" id="rg-colour-maps">{}</script>')
    return script.format(json_text(maps))


def png_bytes(indices: np.ndarray, palette: np.ndarray) -> bytes:
    """A PNG of palette indices (rows from the top, uint8) and 256 colours."""
    from PIL import Image

    image = Image.frombytes("P", indices.shape[::-1], indices.tobytes())
    image.putpalette(palette.tobytes())
    stream = io.BytesIO()
    image.save(stream, "png", compress_level=9)
    return stream.getvalue()


def _packed(array: np.ndarray) -> tuple[str, str]:
    """(base64 of deflated values, their type): the narrowest type that holds whole numbers."""
    if array.dtype.kind in "ub" or (array.dtype.kind == "i" and not (array < 0).any()):
        greatest = int(array.max()) if array.size else 0
        dtype = "u1" if greatest < 1 << 8 else "u2" if greatest < 1 << 16 else "u4"
        if greatest >= 1 << 32:
            dtype = "f8"
    else:
        dtype = "f4" if array.dtype.itemsize <= 4 and array.dtype.kind == "f" else "f8"
    raw = np.ascontiguousarray(array, dtype=f"<{dtype}").tobytes()
    return base64.b64encode(zlib.compress(raw, 6)).decode(), dtype


def _still(array: np.ndarray, name: str, limits: tuple[float, float] | None) -> bytes:
    stride = max(1, -(-max(array.shape) // _MOST_STILL_PIXELS))
    # There is no PNG without a pixel.
    part = array[::stride, ::stride].astype(np.float64) if array.size else np.zeros((1, 1))
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    low, high = limits or ((finite.min(), finite.max()) if finite.size else (0.0, 1.0))
    span = float(high) - float(low) or 1.0
    share = np.nan_to_num((part - float(low)) / span, nan=0.0, posinf=1.0, neginf=0.0)
    indices = np.clip(256.0 * share, 0, 255).astype(np.uint8)
    return png_bytes(indices[::-1], _colours(name))


def _colours(name: str) -> np.ndarray:
    """256 colours of a map, shape (256, 3), uint8."""
    from matplotlib import colormaps

    known = {"grey": "gray"}.get(name, name)
    return np.round(255 * colormaps[known](np.arange(256))[:, :3]).astype(np.uint8)
