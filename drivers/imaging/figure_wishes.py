"""Options of the command for figures that are drawn again, as what differs from the run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn

from ...nodes.imaging.figure_picture import View
from ...schemas.errors import UsageError
from .redrawing import Redraw

_DPI = 200


def redraw_of(wishes: Mapping[str, Any]) -> Redraw:
    """What the options ask for; UsageError for a value that is no limit, region or view."""
    keys = {"colormap": wishes.get("cmap"), "axis_units": wishes.get("axis_units")}
    vis = {key: value for key, value in keys.items() if value is not None}
    low, high = wishes.get("vmin"), None
    if wishes.get("vmax") == "max":
        vis["color_range"] = "full"
    elif "vmax" in wishes:
        high = _number(wishes["vmax"], "vmax")
    if low is not None and high is not None and low >= high:
        _refuse("vmin", f"{low:g} is not below --vmax {high:g}")
    edges = _rectangle(wishes["view"], "view") if "view" in wishes else None
    shown = View(
        u_limits_cm=None if edges is None else edges[:2],
        v_limits_cm=None if edges is None else edges[2:],
        count_limits=(low, high),
        scale=wishes.get("scale", "linear"),
        dpi=wishes.get("dpi", _DPI),
    )
    names = {"projections": "enabled", "metrics": "metrics"}
    projected = {
        **_roi_keys(wishes.get("roi")),
        **{key: wishes[name] for name, key in names.items() if name in wishes},
    }
    species = tuple(wishes.get("species", ()))
    return Redraw(species, {**vis, "projections": projected} if projected else vis, shown)


def _roi_keys(roi: str | None) -> dict[str, float | None]:
    if roi is None:
        return {}
    names = [f"roi_{axis}_{end}_cm" for axis in "uv" for end in ("min", "max")]
    edges = (None,) * 4 if roi == "none" else _rectangle(roi, "roi")
    return dict(zip(names, edges, strict=True))


def _rectangle(text: str, option: str) -> Any:
    parts = text.split(",")
    if len(parts) != 4:
        _refuse(option, f"{text!r} is no rectangle; write U0,U1,V0,V1 in cm")
    u0, u1, v0, v1 = (_number(part, option) for part in parts)
    if u0 >= u1 or v0 >= v1:
        _refuse(option, f"{text!r}: each lower edge must be below the upper one")
    return u0, u1, v0, v1


def _number(text: str, option: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        _refuse(option, f"{text!r} is no number")
    return value


def _refuse(option: str, text: str) -> NoReturn:
    msg = f"--{option}: {text}"
    raise UsageError(msg, key=option)
