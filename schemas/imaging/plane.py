"""Settings of the imaging plane, [plane], and the frame and grid made of them."""

from __future__ import annotations

from pydantic import Field, model_validator

from ..settings import Axis3, Point3, Section

ORTHOGONAL_WITHIN = 1e-6
WHOLE_STEPS_WITHIN = 1e-6


class Plane(Section):
    """[plane]: where the image lies, and its pixels."""

    origin: Point3
    """A point of the plane; u = v = 0 there."""
    normal: Axis3
    """Direction perpendicular to the plane."""
    u_axis: Axis3 | None = None
    """Horizontal axis of the image; absent = made from the normal."""
    v_axis: Axis3 | None = None
    """Vertical axis of the image; absent = normal x u."""
    u_min: float
    """Left edge, cm."""
    u_max: float
    """Right edge, cm."""
    du: float = Field(gt=0)
    """Pixel width, cm."""
    v_min: float
    """Lower edge, cm."""
    v_max: float
    """Upper edge, cm."""
    dv: float = Field(gt=0)
    """Pixel height, cm."""

    @model_validator(mode="after")
    def _regular(self) -> Plane:
        faults = [*self._axis_faults(), *self._range_faults()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _axis_faults(self) -> list[str]:
        axes = [("normal", self.normal)]
        axes += [("u_axis", self.u_axis)] if self.u_axis is not None else []
        axes += [("v_axis", self.v_axis)] if self.v_axis is not None else []
        faults = []
        for i, (name, a) in enumerate(axes):
            for other, b in axes[i + 1 :]:
                cosine = _cosine(a, b)
                if abs(cosine) > ORTHOGONAL_WITHIN:
                    faults.append(
                        f"{other} {list(b)} is not orthogonal to {name} {list(a)} "
                        f"(cosine {cosine:.3g}, allowed {ORTHOGONAL_WITHIN:g})"
                    )
        return faults

    def _range_faults(self) -> list[str]:
        faults = []
        for axis, low, high, step in (
            ("u", self.u_min, self.u_max, self.du),
            ("v", self.v_min, self.v_max, self.dv),
        ):
            if high <= low:
                faults.append(f"{axis}_max {high:g} is not above {axis}_min {low:g}")
                continue
            steps = (high - low) / step
            if abs(steps - round(steps)) > WHOLE_STEPS_WITHIN:
                nearest = max(round(steps), 1)
                faults.append(
                    f"the range {axis}_min..{axis}_max = {high - low:g} cm is {steps:.6g} steps of "
                    f"d{axis} = {step:g}; it must be a whole number, e.g. "
                    f"{axis}_max = {low + nearest * step:g}"
                )
        return faults


def _cosine(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return float(dot / (sum(x * x for x in a) * sum(x * x for x in b)) ** 0.5)
