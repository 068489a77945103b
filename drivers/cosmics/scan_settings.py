"""[scan]: thresholds and their values to points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from ...schemas.cosmics.cuts import DEFAULT_THRESHOLDS
from ...schemas.errors import UsageError
from .cutset_files import did_you_mean

Point = tuple[tuple[str, float], ...]
_MOST_POINTS = 100_000


def scan_points(settings: Mapping[str, Any]) -> tuple[Point, ...]:
    """Every combination of the values; ``cut.threshold`` and ``threshold`` are the same.

    UsageError for more than two thresholds, an unknown one, or one without values.
    """
    axes: dict[str, Sequence[float]] = {}
    for name, values in settings.items():
        axes |= values if isinstance(values, Mapping) else {name: values}
    for name, values in axes.items():
        if name not in DEFAULT_THRESHOLDS or name == "track_pdg":
            known = [n for n in DEFAULT_THRESHOLDS if n != "track_pdg"]
            text = f"no threshold {name!r} to scan{did_you_mean(name, known)}"
            raise _wrong(text)
        if not values:
            text = f"{name} has no values"
            raise _wrong(text)
    if len(axes) > 2:
        text = f"{', '.join(axes)}: one or two thresholds can be scanned at a time"
        raise _wrong(text)
    points = [tuple(zip(axes, values, strict=True)) for values in product(*axes.values())]
    if len(points) > _MOST_POINTS:
        text = f"{len(points)} points; at most {_MOST_POINTS} can be"
        raise _wrong(text)
    return tuple(points) if axes else ()


def parsed_axis(text: str) -> tuple[str, list[float]]:
    """``threshold=value,value`` of the command; UsageError for anything else."""
    name, is_there, values = text.partition("=")
    try:
        return name.strip(), [float(value) for value in values.split(",") if is_there]
    except ValueError:
        msg = f"--over {text}: write a threshold and numbers, as lo_trkqual=0.2,0.5,0.8"
        raise UsageError(msg, key="over", code="bad_scan") from None


def _wrong(text: str) -> UsageError:
    msg = f"[scan]: {text}"
    return UsageError(msg, key="scan", code="bad_scan")
