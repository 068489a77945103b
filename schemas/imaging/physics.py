"""Settings of the reconstruction: [energy], [prior], [cones], [imaging]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ..settings import Axis3, FilePath, Point3, Section

Strategy = Literal["ELUT", "ToF", "FixedEn", "Edep"]


class TofStart(Section):
    """[energy.tof]: where and when a neutron starts, for the ToF strategy."""

    source_cm: Point3 | None = None
    """Source; absent = the point prior, or the middle of the line prior."""
    start_time_ns: float | None = None
    """Time at which every neutron starts, in the clock of the file."""
    start_det_id: int | None = None
    """Detector whose first hit in the raw event gives the start time."""


class LutPaths(Section):
    """[energy.lut_paths.MATERIAL]: a user's light response, CSV or NPZ."""

    proton: FilePath | None = None
    """Table of proton recoils."""
    carbon: FilePath | None = None
    """Table of carbon recoils."""


class Energy(Section):
    """[energy]: how the energy of a neutron before its first scatter is found."""

    strategy: Strategy
    """ELUT: light response; ToF: flight from the source; FixedEn: known energy; Edep: the
    light is the recoil energy (simulations)."""
    fixed_En_MeV: float | None = Field(default=None, gt=0)
    """Incident energy of FixedEn, MeV."""
    force_proton_recoils: bool = False
    """Take every recoil for a proton."""
    lut_paths: Mapping[str, LutPaths] = Field(default={})
    """Light responses that replace the package's own, by material."""
    tof: TofStart = TofStart()
    """Start of the flight."""

    @model_validator(mode="after")
    def _complete(self) -> Energy:
        if self.strategy == "FixedEn" and self.fixed_En_MeV is None:
            msg = 'strategy "FixedEn" needs fixed_En_MeV, the incident energy in MeV'
            raise ValueError(msg)
        if self.strategy == "ToF":
            given = [self.tof.start_time_ns is not None, self.tof.start_det_id is not None]
            if sum(given) != 1:
                msg = 'strategy "ToF" needs exactly one of tof.start_time_ns and tof.start_det_id'
                raise ValueError(msg)
        return self


class PointPrior(Section):
    """[prior.point]."""

    r0: Point3
    """Where the source is thought to be."""


class LinePrior(Section):
    """[prior.line]: p0 and p1, or r0 and direction (the segment from r0 to r0 + direction)."""

    p0: Point3 | None = None
    """One end."""
    p1: Point3 | None = None
    """Other end."""
    r0: Point3 | None = None
    """One end."""
    direction: Axis3 | None = None
    """From r0 to the other end."""

    @model_validator(mode="after")
    def _one_form(self) -> LinePrior:
        ends = self.p0 is not None and self.p1 is not None
        ray = self.r0 is not None and self.direction is not None
        if ends == ray:
            msg = "give p0 and p1, or r0 and direction"
            raise ValueError(msg)
        if ends and self.p0 == self.p1:
            msg = f"p0 and p1 are the same point {list(self.p0 or ())}: a line of length zero"
            raise ValueError(msg)
        return self

    @property
    def ends(self) -> tuple[Point3, Point3]:
        """Both ends of the segment."""
        if self.p0 is not None and self.p1 is not None:
            return self.p0, self.p1
        assert self.r0 is not None
        assert self.direction is not None
        x, y, z = (a + b for a, b in zip(self.r0, self.direction, strict=True))
        return self.r0, (x, y, z)


class Prior(Section):
    """[prior]: where the source is thought to be; it ranks hypotheses, it moves no cone."""

    type: Literal["point", "line", "none"] = "none"
    """point, line (its middle is the target) or none (the plane's origin is the target)."""
    point: PointPrior | None = None
    """[x, y, z], or a table with r0."""
    line: LinePrior | None = None
    """Table with p0 and p1, or r0 and direction."""
    strength: float = Field(default=1.0, ge=0)
    """Stored, not used by the selection."""

    @model_validator(mode="before")
    @classmethod
    def _point_as_list(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("point"), (list, tuple)):
            return {**data, "point": {"r0": data["point"]}}
        return data

    @model_validator(mode="after")
    def _given(self) -> Prior:
        if self.type == "point" and self.point is None:
            msg = 'type = "point" needs point = [x, y, z]'
            raise ValueError(msg)
        if self.type == "line" and self.line is None:
            msg = 'type = "line" needs [prior.line] with p0 and p1, or r0 and direction'
            raise ValueError(msg)
        return self

    @property
    def target_cm(self) -> tuple[float, float, float] | None:
        """The point that ranks hypotheses; None = the plane's origin."""
        if self.type == "point" and self.point is not None:
            return self.point.r0
        if self.type == "line" and self.line is not None:
            a, b = self.line.ends
            x, y, z = (0.5 * (i + j) for i, j in zip(a, b, strict=True))
            return (x, y, z)
        return None


class Cones(Section):
    """[cones]: how hypotheses are built and one of them is chosen."""

    directionality: Literal["axis", "surface", "off"] = "axis"
    """axis: the axis ray meets the plane; surface: the forward cone does; off: no demand."""
    nappe: Literal["forward", "both"] = "forward"
    """Which half of the double cone is drawn."""
    selection: Literal["min_delta", "mixture"] = "min_delta"
    """The one hypothesis of an event in thin images. min_delta: nearest to the prior; mixture: of
    greatest weight, whatever the prior. Other methods take every hypothesis with its weight."""
    kinematics: Literal["classical", "exact"] = "classical"
    """classical: the design's formula; exact: relativistic two-body kinematics."""


Method = Literal["sbp", "weighted", "mlem", "point_fit"]


class Imaging(Section):
    """[imaging]."""

    method: Method | tuple[Method, ...] = "sbp"
    """One or several. sbp: simple back projection, always made; weighted: cones as wide as they
    are known; mlem: the image of greatest likelihood; point_fit: point sources with errors."""
    poly_samples: int = Field(default=360, ge=8, le=1_000_000)
    """Engine poly: samples of a cone."""
    poly_range_cm: float | Literal["auto"] = "auto"
    """Engine poly: how far an open branch is followed from the foot of the apex; auto = as far
    as the picture goes."""

    @field_validator("poly_range_cm")
    @classmethod
    def _positive(cls, value: float | str) -> float | str:
        if isinstance(value, (int, float)) and value <= 0:
            msg = f'{value:g} is not above 0; give a length in cm, or "auto"'
            raise ValueError(msg)
        return value

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods, simple back projection first."""
        named = (self.method,) if isinstance(self.method, str) else self.method
        return tuple(dict.fromkeys(("sbp", *named)))
