"""Fast mode: a validated config in, a coarser and quicker one out; the input stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from ...schemas.imaging.config import Fast, ImagingConfig
from ...schemas.imaging.filters import Filters
from ...schemas.imaging.plane import Plane
from ...schemas.settings import Section

S = TypeVar("S", bound=Section)


def with_fast_mode(config: ImagingConfig) -> tuple[ImagingConfig, tuple[str, ...]]:
    """The config that runs, and the keys that [fast] replaced; unchanged without run.fast."""
    if not config.run.fast:
        return config, ()
    fast = config.fast
    replaced: list[str] = []
    run = _replaced(
        config.run,
        {k: getattr(fast, k) for k in ("max_events", "max_cones", "sbp_engine")},
        "run",
        replaced,
    )
    filters = _fast_filters(config.filters, fast, replaced)
    plane = config.plane
    if plane is not None and fast.plane_downsample > 1:
        plane = _coarse(plane, fast.plane_downsample, replaced)
    changed = {"run": run, "filters": filters, "plane": plane}
    return config.model_copy(update=changed if replaced else {}), tuple(replaced)


def _replaced(table: S, values: Mapping[str, Any], name: str, replaced: list[str]) -> S:
    """``table`` with the values that are set; their keys are added to ``replaced``."""
    new = {k: v for k, v in values.items() if v is not None}
    replaced += [f"{name}.{k}" for k in new]
    return table.model_copy(update=new)


def _fast_filters(filters: Filters, fast: Fast, replaced: list[str]) -> Filters:
    light = {k: getattr(fast, k) for k in ("min_light_MeVee", "max_light_MeVee")}
    hits = _replaced(filters.hits, light, "filters.hits", replaced)
    for species in ("neutron", "gamma"):
        table = getattr(filters.hits, species)
        # A key of a species' own table would win over the universal one just replaced.
        own = {k: v for k, v in light.items() if k in table.model_fields_set}
        new = _replaced(table, own, f"filters.hits.{species}", replaced)
        hits = hits.model_copy(update={species: new})
    first_two = {k: getattr(fast, k) for k in ("min_L1_MeVee", "min_L2_MeVee")}
    every = {"min_L_any_MeVee": fast.min_L_any_MeVee}
    of_events = filters.events
    events = of_events.model_copy(
        update={
            "neutron": _replaced(of_events.neutron, first_two, "filters.events.neutron", replaced),
            "gamma": _replaced(of_events.gamma, every, "filters.events.gamma", replaced),
        }
    )
    return filters.model_copy(update={"hits": hits, "events": events})


def _coarse(plane: Plane, factor: int, replaced: list[str]) -> Plane:
    """``plane`` with pixels ``factor`` times as wide and high; the last may reach out."""
    values = plane.model_dump(exclude_unset=True)
    for axis in ("u", "v"):
        low, high, step = values[f"{axis}_min"], values[f"{axis}_max"], values[f"d{axis}"]
        pixels = round((high - low) / step)
        values[f"d{axis}"] = step * factor
        replaced.append(f"plane.d{axis}")
        if pixels % factor:
            values[f"{axis}_max"] = low + -(-pixels // factor) * step * factor
            replaced.append(f"plane.{axis}_max")
    return Plane(**values)
