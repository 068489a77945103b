"""Settings of the detectors: [detectors] with materials and geometry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from ..settings import Axis3, Point3, Section

_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)")


def whole_keys(table: object) -> object:
    """Keys of a TOML table are text; those that are whole numbers become so."""
    if not isinstance(table, dict):
        return table
    return {
        int(k) if isinstance(k, str) and _WHOLE_NUMBER.fullmatch(k) else k: v
        for k, v in table.items()
    }


MaterialMap = Annotated[Mapping[int, str], BeforeValidator(whole_keys)]


class Frame(Section):
    """[detectors.geometry.frame]: detector frame to world frame, after the detectors' own."""

    origin_cm: Point3 = (0.0, 0.0, 0.0)
    """Origin of the detector frame in the world frame."""
    rotation_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Angles rx, ry, rz; r' = Rz Ry Rx r + origin."""


class DetectorPlacement(Section):
    """[[detectors.geometry.detectors]]: correction of one detector, before the frame."""

    id: int
    """det_id of the hits it moves."""
    origin_cm: Point3 = (0.0, 0.0, 0.0)
    """Shift."""
    rotation_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Angles rx, ry, rz; r' = Rz Ry Rx r + origin."""


class Bar(Section):
    """[[detectors.geometry.bars]]: where a bar stands, for the output and the report."""

    det_id: int
    """det_id of its hits."""
    center: Point3
    """Centre, cm."""
    axis: Axis3
    """Direction of its long side, of length 1."""
    length: float = Field(gt=0)
    """Length, cm."""
    size: float | tuple[float, float] = 1.0
    """Width, or width and height of its cross-section, cm."""

    @model_validator(mode="after")
    def _unit_axis(self) -> Bar:
        length = sum(a * a for a in self.axis) ** 0.5
        if abs(length - 1.0) > 1e-6:
            msg = f"axis {list(self.axis)} has length {length:.6g}; give a unit vector"
            raise ValueError(msg)
        return self


class Geometry(Section):
    """[detectors.geometry]."""

    frame: Frame = Frame()
    """Detector frame to world frame."""
    detectors: tuple[DetectorPlacement, ...] = ()
    """Corrections of single detectors."""
    bars: tuple[Bar, ...] = ()
    """Bars, for the output and the report."""

    @model_validator(mode="after")
    def _no_duplicates(self) -> Geometry:
        for name, ids in (
            ("detectors", [d.id for d in self.detectors]),
            ("bars", [b.det_id for b in self.bars]),
        ):
            twice = sorted({i for i in ids if ids.count(i) > 1})
            if twice:
                msg = f"[[{name}]] gives id {twice[0]} twice; keep one of the entries"
                raise ValueError(msg)
        return self


class Detectors(Section):
    """[detectors]: which detector is made of what, and where it stands."""

    default_material: str = "UNK"
    """Material of a detector that material_map does not name."""
    material_map: MaterialMap = Field(default={})
    """det_id = material."""
    geometry: Geometry = Geometry()
    """Transforms and bars."""
