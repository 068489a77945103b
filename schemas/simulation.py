"""Settings of the simulation, what flows on its edges, and the table of the truth.

Units: cm, ns, MeV, rad; light in MeVee. The world frame is that of the detector bars.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import combinations
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import Field, model_validator

from .arrays import F8, I1, I4, I8, U1
from .imaging.codes import SPECIES, Recoil
from .settings import Axis3, Point3, Section
from .tables import Column, TableSchema

Shape = Literal["point", "line", "ring"]
Material = Literal["OGS", "M600"]
Positive = Annotated[float, Field(gt=0)]

# The stopping powers behind the light response end at 250 MeV.
HIGHEST_NEUTRON_ENERGY_MEV: Final = 200.0


class Source(Section):
    """Where neutrons and gammas are born."""

    shape: Shape = "point"
    """point; line: centred at at_cm, along axis; ring: around at_cm, perpendicular to axis."""
    at_cm: Point3 = (0.0, 0.0, 0.0)
    """Centre of the source."""
    axis: Axis3 | None = None
    """Direction of a line (default y), normal of a ring (default z); any length."""
    length_cm: float = Field(default=10.0, gt=0)
    """Length of a line."""
    radius_cm: float = Field(default=5.0, gt=0)
    """Radius of a ring."""
    second_at_cm: Point3 | None = None
    """A second source, a point of the same energies; absent = there is one source."""
    second_share: float = Field(default=0.5, gt=0, lt=1)
    """Share of the particles that are born at the second source."""


class NeutronSpectrum(Section):
    """Kinetic energies of the neutrons at birth."""

    kind: Literal["mono", "cf252"] = "mono"
    """mono: one energy; cf252: Watt spectrum of spontaneous fission."""
    energy_MeV: float = Field(default=14.1, gt=0, le=HIGHEST_NEUTRON_ENERGY_MEV)
    """The energy of mono."""


class GammaSpectrum(Section):
    """Energies of the gammas at birth."""

    lines_MeV: tuple[Annotated[float, Field(gt=0, le=100)], ...] = Field(
        default=(4.438,), min_length=1
    )
    """Lines, drawn with equal probability; default: the first excited state of carbon-12."""


class Bar(Section):
    """A box of scintillator with sides along x, y and z; its longest side is its axis."""

    det_id: int = Field(ge=0)
    """Detector number in the files."""
    material: Material = "OGS"
    """Scintillator, for the light."""
    center_cm: Point3
    """Centre."""
    size_cm: tuple[Positive, Positive, Positive]
    """Side lengths along x, y and z."""

    @property
    def long_axis(self) -> int:
        """0, 1 or 2: the axis of the longest side."""
        return int(np.argmax(self.size_cm))


def _layer(first_id: int, z_cm: float, material: Material, *, along_x: bool) -> tuple[Bar, ...]:
    across = (-9.0, -3.0, 3.0, 9.0)
    size = (20.0, 1.2, 1.2) if along_x else (1.2, 20.0, 1.2)
    return tuple(
        Bar(
            det_id=first_id + i,
            material=material,
            center_cm=(0.0, u, z_cm) if along_x else (u, 0.0, z_cm),
            size_cm=size,
        )
        for i, u in enumerate(across)
    )


DEFAULT_BARS: Final = (
    *_layer(11, 100.0, "OGS", along_x=False),
    *_layer(21, 110.0, "M600", along_x=True),
    *_layer(31, 120.0, "OGS", along_x=False),
)


class DetectorArray(Section):
    """The scintillator bars. Default: three crossed layers of four, 1 m up the z axis."""

    bars: tuple[Bar, ...] = DEFAULT_BARS
    """Two at least for neutrons, three for gammas: a bar reports one hit of an event."""

    @model_validator(mode="after")
    def _usable(self) -> DetectorArray:
        if len(self.bars) < 2:
            msg = f"{len(self.bars)} bar; a neutron event needs two, add another"
            raise ValueError(msg)
        for a, b in combinations(self.bars, 2):
            if a.det_id == b.det_id:
                msg = f"det_id {a.det_id} is given twice; number the bars differently"
                raise ValueError(msg)
            apart = np.abs(np.subtract(a.center_cm, b.center_cm))
            if np.all(apart < 0.5 * np.add(a.size_cm, b.size_cm) - 1e-9):
                msg = f"bars {a.det_id} and {b.det_id} overlap; move one of them"
                raise ValueError(msg)
        return self


class Scattering(Section):
    """How scatters are drawn."""

    carbon_fraction: float = Field(default=0.1, ge=0, le=1)
    """Share of first neutron scatters on carbon, before the thresholds (few pass a light one)."""
    min_neutron_flight_cm: float = Field(default=2.0, gt=0)
    """Least distance of the two scatters of a neutron."""
    min_gamma_flight_cm: float = Field(default=2.0, gt=0)
    """Least distance of successive scatters of a gamma."""


class Thresholds(Section):
    """What a hit needs to be recorded. They act on the true values, before the resolution."""

    min_light_MeVee: float = Field(default=0.05, ge=0)
    """Least light."""
    min_deposit_MeV: float = Field(default=0.1, ge=0)
    """Least deposited energy."""


class Resolution(Section):
    """Standard deviations of the normal errors added to the truth."""

    along_cm: float = Field(default=0.5, ge=0)
    """Position along the bar."""
    across_cm: float = Field(default=0.346, ge=0)
    """Position across the bar; default 1.2 cm / sqrt(12)."""
    time_ns: float = Field(default=0.25, ge=0)
    """Time of a hit."""
    light_relative: float = Field(default=0.05, ge=0)
    """Light and deposited energy, relative; both get the same factor."""
    psd: float = Field(default=0.03, ge=0)
    """Pulse-shape parameter."""
    bar_centres: bool = False
    """Across a bar its centre is read, as real arrays do, in place of the truth with an error."""

    @classmethod
    def perfect(cls) -> Resolution:
        """No errors at all."""
        return cls(along_cm=0, across_cm=0, time_ns=0, light_relative=0, psd=0)


class BarErrors(Section):
    """What each bar reads wrongly, always alike: standard deviations over the bars."""

    along_cm: float = Field(default=0.0, ge=0)
    """Offset of the position along the bar."""
    time_ns: float = Field(default=0.0, ge=0)
    """Offset of the time."""
    gain: float = Field(default=0.0, ge=0, lt=1)
    """ln of the factor by which light and deposit are read too small."""

    @property
    def any(self) -> bool:
        """Whether there are errors."""
        return bool(self.along_cm or self.time_ns or self.gain)


class Acquisition(Section):
    """What the data acquisition adds in the ROOT format."""

    start_ns: float = Field(default=0.0, ge=0)
    """Clock at the beginning of the run."""
    duration_ns: float = Field(default=1e10, gt=0)
    """Length of the run, over which the events lie uniformly."""
    neutron_psd: float = 0.30
    """Mean pulse-shape parameter of neutron hits."""
    gamma_psd: float = 0.18
    """Mean pulse-shape parameter of gamma hits."""


class SimulationSettings(Section):
    """Everything a simulation depends on."""

    n_neutrons: int = Field(default=10_000, ge=0)
    """Accepted neutron events."""
    n_gammas: int = Field(default=2_000, ge=0)
    """Accepted gamma events."""
    seed: int = Field(default=1, ge=0)
    """Seed of all random numbers."""
    source: Source = Source()
    """Where."""
    neutron_spectrum: NeutronSpectrum = NeutronSpectrum()
    """Neutron energies."""
    gamma_spectrum: GammaSpectrum = GammaSpectrum()
    """Gamma energies."""
    detector: DetectorArray = DetectorArray()
    """Bars."""
    scattering: Scattering = Scattering()
    """Sampling of scatters."""
    thresholds: Thresholds = Thresholds()
    """Least light and energy."""
    resolution: Resolution = Resolution()
    """Measurement errors."""
    bar_errors: BarErrors = BarErrors()
    """Errors of whole bars."""
    acquisition: Acquisition = Acquisition()
    """Clock and pulse shape."""

    @model_validator(mode="after")
    def _enough_bars(self) -> SimulationSettings:
        if self.n_gammas and len(self.detector.bars) < 3:
            msg = (
                f"{self.n_gammas} gamma events need three bars, the detector has "
                f"{len(self.detector.bars)}; add one, or ask for 0 gammas"
            )
            raise ValueError(msg)
        return self


@dataclass(frozen=True)
class RandomStreams:
    """Independent seed sequences: one purpose never shifts the numbers of another."""

    neutrons: np.random.SeedSequence
    gammas: np.random.SeedSequence
    neutron_errors: np.random.SeedSequence
    gamma_errors: np.random.SeedSequence
    order: np.random.SeedSequence
    clock: np.random.SeedSequence
    bars: np.random.SeedSequence


@dataclass(frozen=True)
class Cells:
    """The bars cut into pieces about as long as thick. Shapes (m, 3), (m, 3), (m,).

    ``bar`` is the index of the bar a piece belongs to. Scatters are proposed piece by piece,
    so that near and far pairs of points are each proposed about as often as they occur.
    """

    low_cm: F8
    size_cm: F8
    bar: I4


@dataclass(frozen=True)
class FlightTable:
    """Proposal of the pieces in which successive scatters lie.

    Attributes
    ----------
    source_gap2_cm2
        Shape (m,). Square of the least distance from the source to a piece.
    gap2_cm2
        Shape (m, m). Square of the least flight between two pieces; 0 where not allowed.
    first_cdf
        Shape (m,). Cumulative probability of the piece of the first scatter.
    next_cdf
        Shape (n_flights, m * m). Per flight and piece i: i + cumulative probability of the next.
    likelihood
        Shape (n_flights, m, m). Bound of the likelihood of the scatter before the flight.
    min_flight_cm
        Shorter flights are not accepted.
    """

    source_gap2_cm2: F8
    gap2_cm2: F8
    first_cdf: F8
    next_cdf: F8
    likelihood: F8
    min_flight_cm: float


@dataclass(frozen=True)
class Scatters:
    """True scatters of n events of one species with k scatters each (neutrons 2, gammas 3).

    Attributes
    ----------
    source_cm, incident_energy_MeV, theta_rad
        Shapes (n, 3), (n,), (n,). Birth place, energy at birth, angle of the first scatter.
    recoil
        Shape (n,). Recoil code of the first scatter.
    bar
        Shape (n, k). Index of the bar.
    position_cm, time_ns
        Shapes (n, k, 3), (n, k). Times count from the birth of the particle.
    deposit_MeV, light_MeVee
        Shape (n, k). Energy given to the recoil, and its light.
    """

    source_cm: F8
    incident_energy_MeV: F8
    theta_rad: F8
    recoil: U1
    bar: I4
    position_cm: F8
    time_ns: F8
    deposit_MeV: F8
    light_MeVee: F8

    def __post_init__(self) -> None:
        _check_rows(self)


@dataclass(frozen=True)
class MeasuredHits:
    """The hits of n events of one species, k each, in order of measured time.

    Attributes
    ----------
    det_id, position_cm, time_ns, deposit_MeV, light_MeVee, psd
        Shapes (n, k), (n, k, 3), then (n, k).
    hit_of_scatter
        Shape (n, k). Place among the hits of the event of its scatter 1, 2 and so on.
    """

    det_id: I4
    position_cm: F8
    time_ns: F8
    deposit_MeV: F8
    light_MeVee: F8
    psd: F8
    hit_of_scatter: I1

    def __post_init__(self) -> None:
        _check_rows(self)


@dataclass(frozen=True)
class SimulatedEvents:
    """Events of both species in file order, three hit slots each.

    Attributes
    ----------
    species
        Shape (n,). 0 neutron, 1 gamma (schemas.imaging.codes).
    row
        Shape (n,). Row of the event among those of its species.
    start_ns
        Shape (n,). Clock of the data acquisition at the birth of the particle, rising.
    det_id, position_cm, time_ns, deposit_MeV, light_MeVee, psd
        Shapes (n, 3), (n, 3, 3), then (n, 3). An empty slot has det_id -1 and zeros.
    """

    species: U1
    row: I8
    start_ns: F8
    det_id: I4
    position_cm: F8
    time_ns: F8
    deposit_MeV: F8
    light_MeVee: F8
    psd: F8

    def __post_init__(self) -> None:
        _check_rows(self)


def _check_rows(value: Scatters | MeasuredHits | SimulatedEvents) -> None:
    rows = {f.name: len(getattr(value, f.name)) for f in fields(value)}
    if len(set(rows.values())) > 1:
        msg = f"{type(value).__name__}: arrays of different length {rows}"
        raise ValueError(msg)


def _true_scatter(k: int) -> tuple[Column, ...]:
    absent = k == 3
    quantities = (
        *((f"{a}{k}_cm", "cm", f"position of scatter {k}") for a in "xyz"),
        (f"t{k}_ns", "ns", f"time of scatter {k} after birth"),
        (f"energy_deposited{k}_MeV", "MeV", f"energy given to the recoil in scatter {k}"),
        (f"light{k}_MeVee", "MeVee", f"light of scatter {k}"),
    )
    return (
        Column(f"det_id{k}", "int32", "", f"detector of scatter {k}, -1 for none", at_least=-1),
        *(Column(n, "float64", unit, text, nullable=absent) for n, unit, text in quantities),
        Column(
            f"hit_of_scatter{k}",
            "int8",
            "",
            f"place of scatter {k} among the written hits, from 0; -1 for none",
            at_least=-1,
            at_most=2,
        ),
    )


BAR_TRUTH: Final = TableSchema(
    "SimulatedBars",
    "a bar of the simulation; columns as a file of constants has them",
    (
        Column("det_id", "int64", "", "detector number", at_least=0),
        Column("along_offset_cm", "float64", "cm", "read less true position along the bar"),
        Column("time_offset_ns", "float64", "ns", "read less true time"),
        Column("light_gain", "float64", "", "true over read light", at_least=0.0),
    ),
)
TRUTH: Final = TableSchema(
    "SimulationTruth",
    "a simulated event, before the resolution",
    (
        Column("event_id", "int64", "", "place in the file, from 0", at_least=0),
        Column("species", "category", "", "neutron or gamma", categories=SPECIES),
        *(Column(f"source_{a}_cm", "float64", "cm", "birth of the particle") for a in "xyz"),
        Column("start_ns", "float64", "ns", "clock of a ROOT file at the birth", at_least=0),
        Column("incident_energy_MeV", "float64", "MeV", "kinetic energy at birth", at_least=0),
        Column("recoil_code", "uint8", "", "0 none, 1 proton, 2 carbon", at_most=max(Recoil)),
        Column("theta_rad", "float64", "rad", "angle of the first scatter", at_least=0),
        *(column for k in (1, 2, 3) for column in _true_scatter(k)),
    ),
)
