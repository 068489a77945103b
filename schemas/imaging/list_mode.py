"""[list_mode]: which cones and which part of the picture are asked for in list mode."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from ..settings import Section


def _ordered(region: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    for axis, low, high in (("u", *region[:2]), ("v", *region[2:])):
        if low > high:
            msg = f"{axis} from {low:g} to {high:g} cm: the lower end comes first; swap the two"
            raise ValueError(msg)
    return region


Rectangle = Annotated[tuple[float, float, float, float], AfterValidator(_ordered)]
ConeId = Annotated[int, Field(ge=0)]


class ListMode(Section):
    """[list_mode]: what footprints_of_cones and cones_through_region are asked for."""

    region_cm: Rectangle | None = None
    """u_min, u_max, v_min, v_max of a region of the picture, cm; absent = all of it."""
    cone_ids: tuple[ConeId, ...] = ()
    """Cones whose pixels are asked for; empty = all."""
