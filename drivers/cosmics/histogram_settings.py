"""[histograms]: the usual histograms, changed, and those of a user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...schemas.cosmics.config import HistogramSettings
from ...schemas.cosmics.histogram_specs import HISTOGRAMS, HistogramSpec
from ...schemas.errors import UsageError
from .cutset_files import did_you_mean


def histogram_specs(settings: Mapping[str, HistogramSettings]) -> tuple[HistogramSpec, ...]:
    """Every histogram of a run; UsageError for one that cannot be."""
    found = {spec.name: spec for spec in HISTOGRAMS}
    usual = dict(found)
    for name, asked in settings.items():
        base = usual.get(asked.quantity or name)
        if base is None:
            what = "quantity" if asked.quantity else "histogram"
            near = did_you_mean(asked.quantity or name, usual)
            raise _wrong(name, f"no {what} {(asked.quantity or name)!r}{near}")
        told: dict[str, Any] = {"name": name, "is_asked": True}
        told |= {k: v for k, v in asked.model_dump(exclude={"quantity"}).items() if v is not None}
        spec = replace(base, **told)
        if not spec.lo < spec.hi:
            raise _wrong(name, f"lo = {spec.lo:g} is not below hi = {spec.hi:g}")
        found[name] = spec
    return tuple(found.values())


def _wrong(name: str, text: str) -> UsageError:
    msg = f"[histograms.{name}]: {text}"
    return UsageError(msg, key=f"histograms.{name}", code="bad_histogram")
