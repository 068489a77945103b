"""Settings of uncertain cones: [uncertainty], [reconstruction], [point_fit], [errors]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from ..settings import Point3, Section
from .detectors import whole_keys


class LightResolution(Section):
    """Relative resolution of the light, (sigma / L)^2 = a^2 + b^2 / L + c^2 / L^2, L in MeVee."""

    a: float = Field(default=0.05, ge=0)
    """Constant term."""
    b: float = Field(default=0.0, ge=0)
    """Term of counting, MeVee^(1/2)."""
    c: float = Field(default=0.0, ge=0)
    """Term of noise, MeVee."""


class EnergyResolution(LightResolution):
    """[uncertainty.energy]: resolution of the light; a table MATERIAL for that material alone."""

    materials: Mapping[str, LightResolution] = Field(default={})
    """[uncertainty.energy.MATERIAL]."""

    @model_validator(mode="before")
    @classmethod
    def _tables_are_materials(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        tables = {k: v for k, v in data.items() if isinstance(v, dict) and k != "materials"}
        rest = {k: v for k, v in data.items() if k not in tables}
        return {**rest, "materials": {**rest.get("materials", {}), **tables}} if tables else rest

    def of(self, material: str) -> LightResolution:
        """The resolution of one material."""
        return self.materials.get(material, self)


def _detectors_apart(data: object) -> object:
    if not isinstance(data, dict):
        return data
    keys = whole_keys({k: v for k, v in data.items() if k != "detectors"})
    assert isinstance(keys, dict)
    numbered = {k: v for k, v in keys.items() if isinstance(k, int)}
    named = {k: v for k, v in keys.items() if not isinstance(k, int)}
    given = whole_keys(data.get("detectors", {}))
    return {**named, "detectors": {**(given if isinstance(given, dict) else {}), **numbered}}


class TimeResolution(Section):
    """[uncertainty.time]: resolution of the time of a hit; DET_ID = sigma for one detector."""

    sigma_ns: float | None = Field(default=None, ge=0)
    """Wins over sigma_time_ns."""
    detectors: Mapping[int, float] = Field(default={})
    """det_id = sigma in ns."""

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_detectors(cls, data: Any) -> Any:
        return _detectors_apart(data)


class DepthResolution(Section):
    """[uncertainty.doi]: resolution along the bar."""

    sigma_cm: float | None = Field(default=None, ge=0)
    """Wins over sigma_doi_cm."""


class Uncertainty(Section):
    """[uncertainty]: how well hits are known, and so how wide a cone is."""

    enabled: bool = False
    """Write widths and weights of hypotheses and cones without a method that uses them."""
    smearing: Literal["weighted", "thicken"] = "weighted"
    """Method weighted: a Gaussian across each cone, or 1 within one sigma of it."""
    sigma_doi_cm: float = Field(default=0.35, ge=0)
    """Resolution along the bar, cm."""
    sigma_transverse_cm: float = Field(default=0.346, ge=0)
    """Resolution across the bar, cm; a bar of side w read as its centre has w / sqrt(12)."""
    sigma_time_ns: float = Field(default=0.5, ge=0)
    """Resolution of the time of a hit, ns."""
    use_lut_bands: bool = False
    """Take columns light_low and light_high of a table of [energy.lut_paths] for 1 sigma of light;
    curves without them have [uncertainty.energy]."""
    scale: float | Literal["fit"] = 1.0
    """Factor on every sigma; fit: from the pulls at reference_source_cm, per species."""
    reference_source_cm: Point3 | None = None
    """Where the source is known to be, for pulls; nothing else uses it."""
    snap_to_bar: bool = False
    """Take hits to lie on the middle line of their bar, as bars read them that do not see across;
    for simulations that smear the place across."""
    combine_light: bool = False
    """FixedEn: the angle from flight and light together."""
    energy: EnergyResolution = EnergyResolution()
    """Resolution of the light."""
    time: TimeResolution = TimeResolution()
    """Resolution of the time."""
    doi: DepthResolution = DepthResolution()
    """Resolution along the bar."""

    @field_validator("scale")
    @classmethod
    def _positive(cls, value: float | str) -> float | str:
        if isinstance(value, (int, float)) and value <= 0:
            msg = f'{value:g} is not above 0; give a factor, or "fit"'
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _reference_for_fit(self) -> Uncertainty:
        if self.scale == "fit" and self.reference_source_cm is None:
            msg = 'scale = "fit" needs reference_source_cm, the place of a known source'
            raise ValueError(msg)
        return self

    @property
    def sigma_along_cm(self) -> float:
        """Resolution along the bar in force, cm."""
        return self.sigma_doi_cm if self.doi.sigma_cm is None else self.doi.sigma_cm

    def sigma_of_time_ns(self, det_id: int | None = None) -> float:
        """Resolution of the time of a hit in force, ns."""
        common = self.sigma_time_ns if self.time.sigma_ns is None else self.time.sigma_ns
        return common if det_id is None else self.time.detectors.get(det_id, common)


class ExpectationSettings(Section):
    """What of [reconstruction] images alone need."""

    iterations: int | Literal["held_out"] = "held_out"
    """Passes of mlem: a number, or as many as raise ln L of events that are held out."""
    max_iterations: int = Field(default=200, ge=1, le=100_000)
    """Most passes of "held_out"."""
    held_out_fraction: float = Field(default=0.2, gt=0, lt=1)
    """Share of the events that is held out while the number of passes is looked for."""
    tolerance: float = Field(default=1e-4, ge=0)
    """Least gain of ln L per event held out, in ``patience`` passes."""
    patience: int = Field(default=10, ge=1)
    """Passes in which it must gain."""
    subsets: int = Field(default=1, ge=1, le=1000)
    """Subsets of the events in a pass: 1 = MLEM, more = OSEM with five whole passes at the end."""
    elsewhere: Literal["isotropic", "sphere", "off"] = "isotropic"
    """What events of no pixel come from: all directions alike; also each of 200 directions; no."""
    memory_GiB: float = Field(default=2.0, gt=0)
    """Most memory of the matrix of densities; beyond it rows are worked out again in each pass."""
    seed: int = Field(default=1, ge=0)
    """Seed of what events are held out."""
    sensitivity: Literal["flat", "mc"] = "flat"
    """mc: neutrons of a known energy count in images and maps of significance by what the array
    lets pass of them, as [point_fit] sensitivity says for the fit; flat: all alike."""

    @field_validator("iterations")
    @classmethod
    def _some(cls, value: int | str) -> int | str:
        if isinstance(value, int) and value < 1:
            msg = f'{value} is no number of passes; give 1 or more, or "held_out"'
            raise ValueError(msg)
        return value


class AcceptanceSettings(Section):
    """What of [reconstruction] the model of what the array lets pass needs."""

    sensitivity_pairs: int = Field(default=100_000, ge=1000, le=10_000_000)
    """Pairs of points in bars, evenly spread, that s(X) is the sum of."""
    bar_width_cm: float | None = Field(default=None, gt=0)
    """Side of a bar; absent = sqrt(12) of [uncertainty] sigma_transverse_cm."""
    thresholds_MeVee: tuple[float, float] | None = None
    """Least light of the first and the second hit, as read, where a selection upstream made them;
    absent = the least light of each bar in the data."""

    @field_validator("thresholds_MeVee")
    @classmethod
    def _some_light(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not min(value) > 0:
            msg = f"{list(value)} is not above 0; give the least lights of both hits in MeVee"
            raise ValueError(msg)
        return value


def _rising(value: tuple[float, ...]) -> tuple[float, ...]:
    if any(b <= a for a, b in zip((0.0, *value), value, strict=False)):
        msg = f"{list(value)} do not rise from above 0; give rising edges in sigma"
        raise ValueError(msg)
    return value


def _window(value: tuple[float, float] | None) -> tuple[float, float] | None:
    if value is not None and not value[0] < value[1]:
        msg = f"[{value[0]:g}, {value[1]:g}] holds no energy; give [least, greatest] in MeV"
        raise ValueError(msg)
    return value


def _above_zero(value: tuple[float, ...]) -> tuple[float, ...]:
    if any(not energy > 0 for energy in value):
        msg = f"{list(value)} holds no energy above 0; give lines in MeV"
        raise ValueError(msg)
    return value


class Reconstruction(ExpectationSettings, AcceptanceSettings):
    """[reconstruction]: hypotheses and background of what is fitted, and the passes of mlem."""

    min_weight: float = Field(default=0.02, ge=0, lt=0.5)
    """Hypotheses below this weight are dropped."""
    consistency_edges: Annotated[tuple[float, ...], AfterValidator(_rising)] = (
        0.5, 1.0, 1.5, 2.0, 3.0,
    )  # fmt: skip
    """Classes of |theta of flight - theta of light| in sigma; [] = one class."""
    energy_window_MeV: Annotated[tuple[float, float] | None, AfterValidator(_window)] = None
    """Incident energies of hypotheses that are used, MeV; absent = all."""
    gamma_lines_MeV: Annotated[tuple[float, ...], AfterValidator(_above_zero)] = ()
    """Lines of the source: orders of a gamma event count by how near their energy is to one of
    them, in its sigma; [] = no line is known."""


class PointFit(Section):
    """[point_fit]: point sources by maximum likelihood on the cones, without pixels."""

    n_sources: Literal[1, 2] = 1
    """How many sources are fitted."""
    profile: bool = True
    """Profile-likelihood intervals beside those of the Hessian."""
    free_distance: bool = False
    """The place of the plane along its normal is fitted too, one of all sources; biased where what
    the array lets pass is not known or not counted."""
    bias_rad: float | Literal["fit"] = "fit"
    """Mean of phi - theta at the source, one a species: fitted, or this value."""
    sensitivity: Literal["mc", "flat"] = "mc"
    """mc: neutrons of a known energy count by what the array lets pass of them; flat: all alike."""


Quantity = Literal["point", "centroid", "fwhm", "edges"]


class Errors(Section):
    """[errors]: replicas of the bootstrap, priors of the table of leakage."""

    replicas: int = Field(default=200, ge=2, le=100_000)
    """How many replicas."""
    quantities: tuple[Quantity, ...] = ("point", "centroid", "fwhm", "edges")
    """What replicas are made of: the place of the point fit; of images centroid and peak, widths
    at half maximum, and the edges of these."""
    seed: int = Field(default=1, ge=0)
    """Seed of the weights of events."""
    level: float = Field(default=0.68, gt=0, lt=1)
    """Share of the replicas that the reported intervals of their quantities hold, around the
    median; profile intervals and totals keep the levels that they are named after."""
    prior_shift_cm: float = Field(default=20.0, gt=0)
    """How far from the plane's centre the priors of prior_leakage stand, cm."""

    @field_validator("quantities")
    @classmethod
    def _of_something(cls, value: tuple[Quantity, ...]) -> tuple[Quantity, ...]:
        if not value:
            msg = '[] has no replicas; give some of "point", "centroid", "fwhm", "edges"'
            raise ValueError(msg)
        return value

    @property
    def of_images(self) -> frozenset[str]:
        """The quantities that images have."""
        return frozenset(self.quantities) - {"point"}


class Focus(Section):
    """[focus]: distances of the plane at which the point fit is made for the focus curve."""

    min_cm: float | None = None
    """Least place of the plane along its normal, cm; absent = 0.6 of the way from the array."""
    max_cm: float | None = None
    """Greatest place; absent = 1.6 of the way from the array to the plane."""
    steps: int = Field(default=25, ge=5, le=1000)
    """How many distances."""

    @model_validator(mode="after")
    def _range(self) -> Focus:
        if self.min_cm is not None and self.max_cm is not None and not self.min_cm < self.max_cm:
            msg = f"min_cm = {self.min_cm:g} is not below max_cm = {self.max_cm:g}; exchange them"
            raise ValueError(msg)
        return self
