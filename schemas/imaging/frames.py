"""The frames of the imaging pipeline: one row a hit, event, hypothesis or cone.

Units: cm, ns, MeV, rad; light in MeVee. Times are float64, since a data-acquisition clock
reaches 6e11 ns and a time of flight is resolved to a fraction of a nanosecond.
"""

from __future__ import annotations

from typing import Final

from ..light_response import LIGHT_RESPONSE
from ..tables import Column, TableSchema
from .bars import BARS
from .calibration import BAR_CALIBRATION, BAR_CONSISTENCY, PAIRS
from .codes import SPECIES, CandidateStatus, EnergyStatus, Recoil
from .reconstructed import (
    FOCUS_CURVE,
    FOCUS_DISTANCE,
    IMAGE_SHAPES,
    ITERATION_HISTORY,
    REGION_SPECTRA,
)
from .record_frames import EVENT_ID, PROBLEMS, PRODUCTS, REACTIONS
from .sources import (
    BOOTSTRAP_IMAGES,
    BOOTSTRAP_SOURCES,
    CLASS_SHARES,
    IMAGE_INTERVALS,
    POINT_SOURCES,
    POSITION_BUDGET,
    PRIOR_LEAKAGE,
    SOURCE_INTERVALS,
    STRATEGY_SOURCES,
)

_HIT_COLUMNS = (
    Column("det_id", "int32", "", "detector (PHITS region or DAQ channel)"),
    Column("material", "category", "", "scintillator of the detector"),
    Column("x_cm", "float64", "cm", "position in the world frame"),
    Column("y_cm", "float64", "cm", "position in the world frame"),
    Column("z_cm", "float64", "cm", "position in the world frame"),
    Column("t_ns", "float64", "ns", "time"),
    Column("light_MeVee", "float64", "MeVee", "light, electron equivalent", at_least=0.0),
    Column("psd", "float64", "", "pulse-shape parameter, NaN where there is none", nullable=True),
    Column(
        "energy_deposited_MeV",
        "float64",
        "MeV",
        "energy deposited, NaN where unknown",
        nullable=True,
    ),
)

HITS = TableSchema(
    "Hits",
    "a hit",
    (
        EVENT_ID,
        Column("hit_in_event", "int16", "", "place within the raw event, from 0", at_least=0),
        *_HIT_COLUMNS[:2],
        Column("species", "category", "", "particle the hit is taken for", categories=SPECIES),
        *_HIT_COLUMNS[2:],
    ),
)

EVENT_HIT_COLUMNS: Final = tuple(c.name for c in _HIT_COLUMNS)
"""The columns of a hit that an event has of each of its hits, numbered."""


def numbered(name: str, number: int) -> str:
    """A column of hits as an event has it of one of its hits: ``x_cm`` is ``x1_cm``."""
    unit = next((u for u in ("_cm", "_ns", "_MeVee", "_MeV") if name.endswith(u)), "")
    return f"{name.removesuffix(unit)}{number}{unit}"


def _suffixed(number: int, *, absent: bool) -> tuple[Column, ...]:
    place = {1: "first", 2: "second", 3: "third"}[number]
    return tuple(
        Column(
            numbered(c.name, number),
            c.dtype,
            c.unit,
            f"{place} hit: {c.description}",
            nullable=c.nullable or absent,
            at_least=None if absent else c.at_least,
        )
        for c in _HIT_COLUMNS
    )


NEUTRON_SHAPED = TableSchema(
    "NeutronShapedEvents",
    "a pair of neutron hits",
    (
        EVENT_ID,
        Column("hit1_row", "int64", "", "row of the earlier hit in neutron_filtered_hits"),
        Column("hit2_row", "int64", "", "row of the later hit in neutron_filtered_hits"),
    ),
)
GAMMA_SHAPED = TableSchema(
    "GammaShapedEvents",
    "a triple of gamma hits",
    (
        EVENT_ID,
        Column("hit1_row", "int64", "", "row of the earliest hit in gamma_filtered_hits"),
        Column("hit2_row", "int64", "", "row of the middle hit in gamma_filtered_hits"),
        Column("hit3_row", "int64", "", "row of the latest hit in gamma_filtered_hits"),
    ),
)

_SPECIES = Column("species", "category", "", "neutron or gamma event", categories=SPECIES)
_EVENT_INDEX = Column("event_index", "int64", "", "row of the event in filtered_events")

NEUTRON_TYPED = TableSchema(
    "NeutronTypedEvents",
    "a neutron event: two hits in time order",
    (EVENT_ID, *_suffixed(1, absent=False), *_suffixed(2, absent=False)),
)
GAMMA_TYPED = TableSchema(
    "GammaTypedEvents",
    "a gamma event: three hits in time order",
    (
        EVENT_ID,
        *_suffixed(1, absent=False),
        *_suffixed(2, absent=False),
        *_suffixed(3, absent=False),
    ),
)
TYPED = TableSchema(
    "TypedEvents",
    "an event; the third hit of a neutron is NaN, its detector -1",
    (
        EVENT_ID,
        _SPECIES,
        *_suffixed(1, absent=False),
        *_suffixed(2, absent=False),
        *_suffixed(3, absent=True),
    ),
)


def _with_index(table: TableSchema, name: str) -> TableSchema:
    return TableSchema(name, table.row, (_EVENT_INDEX, *table.columns))


NEUTRON_FILTERED = _with_index(NEUTRON_TYPED, "NeutronFilteredEvents")
GAMMA_FILTERED = _with_index(GAMMA_TYPED, "GammaFilteredEvents")
FILTERED = _with_index(TYPED, "FilteredEvents")

_RECOIL_ENERGY = {
    r: Column(
        f"{r.name}_recoil_energy_MeV",
        "float64",
        "MeV",
        f"kinetic energy of the recoil if a {r.name} was struck, NaN where not physical",
        nullable=True,
    )
    for r in (Recoil.proton, Recoil.carbon)
}
_INCIDENT_ENERGY = {
    r: Column(
        f"{r.name}_incident_energy_MeV",
        "float64",
        "MeV",
        f"kinetic energy of the neutron before the scatter if a {r.name} was struck",
        nullable=True,
    )
    for r in (Recoil.proton, Recoil.carbon)
}
_ENERGY_STATUS = {
    r: Column(
        f"{r.name}_energy_status",
        "uint8",
        "",
        f"EnergyStatus of the {r.name} hypothesis",
        at_most=max(EnergyStatus),
    )
    for r in (Recoil.proton, Recoil.carbon)
}
_DEPOSITED = tuple(
    Column(
        f"deposited{i}_energy_MeV",
        "float64",
        "MeV",
        f"energy given to the electron at hit {i} of a gamma event",
        nullable=True,
    )
    for i in (1, 2, 3)
)
_SCATTERED = Column(
    "scattered_energy_MeV",
    "float64",
    "MeV",
    "kinetic energy of the neutron between the first and second scatter, from its flight",
    nullable=True,
)
_RECOIL_SIGMA = Column(
    "recoil_energy_sigma_MeV",
    "float64",
    "MeV",
    "resolution of the recoil energy, NaN without a resolution model",
    nullable=True,
)

NEUTRON_ENERGIES = TableSchema(
    "NeutronEnergies",
    "a neutron event",
    (
        _EVENT_INDEX,
        _SCATTERED,
        *_RECOIL_ENERGY.values(),
        *_INCIDENT_ENERGY.values(),
        _RECOIL_SIGMA,
        *_ENERGY_STATUS.values(),
    ),
)
GAMMA_ENERGIES = TableSchema("GammaEnergies", "a gamma event", (_EVENT_INDEX, *_DEPOSITED))
ENERGIES = TableSchema(
    "Energies",
    "an event; the columns of the other species are NaN, its status 0",
    (
        _EVENT_INDEX,
        _SPECIES,
        *NEUTRON_ENERGIES.columns[1:],
        *_DEPOSITED,
    ),
)

_CONE_GEOMETRY = (
    *(
        Column(f"apex_{a}_cm", "float64", "cm", "cone apex: the first scatter point", nullable=True)
        for a in "xyz"
    ),
    *(
        Column(f"axis_{a}", "float64", "", "unit vector from the second to the first hit", True)
        for a in "xyz"
    ),
    Column("theta_rad", "float64", "rad", "opening half-angle", nullable=True),
    Column("incident_energy_MeV", "float64", "MeV", "energy before the first scatter", True),
    Column("recoil_energy_MeV", "float64", "MeV", "energy given at the first scatter", True),
)
_HYPOTHESIS = (
    Column("recoil_code", "uint8", "", "struck nucleus: 0 none, 1 proton, 2 carbon", at_most=2),
    *(
        Column(f"hit_order_{k}", "int8", "", f"hit taken as scatter {k}, from 0", at_least=0)
        for k in (1, 2, 3)
    ),
)

CANDIDATE_CONES = TableSchema(
    "CandidateCones",
    "a hypothesis of an event: a struck nucleus, or an order of the hits",
    (
        _EVENT_INDEX,
        EVENT_ID,
        _SPECIES,
        *_HYPOTHESIS,
        *_CONE_GEOMETRY,
        Column(
            "status",
            "uint8",
            "",
            "CandidateStatus: 0 possible, else the kinematic reason",
            at_most=max(CandidateStatus),
        ),
    ),
)

_DELTA = Column(
    "delta_theta_rad",
    "float64",
    "rad",
    "|angle from axis to prior target - theta|, NaN without a prior",
    nullable=True,
)

_OF_CONE = ("theta_sigma_rad", "cone_sigma_rad", "consistency")
CANDIDATE_SIGMAS = TableSchema(
    "CandidateSigmas",
    "a hypothesis of an event, in the order of CandidateCones; NaN where it is impossible",
    (
        Column("theta_rad", "float64", "rad", "best estimate of the opening half-angle", True),
        Column("theta_sigma_rad", "float64", "rad", "width of theta alone", True),
        Column("axis_sigma_rad", "float64", "rad", "width from the positions of the axis", True),
        Column("cone_sigma_rad", "float64", "rad", "width of phi - theta", True),
        Column(
            "consistency",
            "float64",
            "",
            "(theta of flight - theta of light) in sigma; NaN where there is one estimate",
            nullable=True,
        ),
    ),
)
CONE_WIDTHS = TableSchema(
    "ConeWidths",
    "a cone that is imaged",
    tuple(c for c in CANDIDATE_SIGMAS.columns if c.name in _OF_CONE),
)
WEIGHTED_CONES = TableSchema(
    "WeightedCones",
    "a hypothesis of an event with its weight",
    (
        _EVENT_INDEX,
        EVENT_ID,
        Column("recoil_code", "uint8", "", "struck nucleus: 0 none, 1 proton, 2 carbon", at_most=2),
        *(Column(f"apex_{a}_cm", "float64", "cm", "cone apex") for a in "xyz"),
        *(Column(f"axis_{a}", "float64", "", "unit vector from the second hit") for a in "xyz"),
        Column("theta_rad", "float64", "rad", "best estimate of the opening half-angle"),
        Column("cone_sigma_rad", "float64", "rad", "width of phi - theta", at_least=0.0),
        Column("axis_sigma_rad", "float64", "rad", "its part from the positions", at_least=0.0),
        Column("consistency", "float64", "", "as in CandidateSigmas", nullable=True),
        Column("incident_energy_MeV", "float64", "MeV", "energy before the first scatter", True),
        Column("weight", "float64", "", "share of the event", at_least=0.0, at_most=1.0),
    ),
)
CONE_PULLS = TableSchema(
    "ConePulls",
    "a hypothesis of an event that has a weight",
    (
        _EVENT_INDEX,
        Column("phi_rad", "float64", "rad", "angle of the reference source to the axis"),
        Column("delta_rad", "float64", "rad", "phi - theta at the reference source"),
        Column("pull", "float64", "", "phi - theta over its sigma, unscaled"),
        Column("cone_sigma_rad", "float64", "rad", "its sigma, unscaled"),
        Column("weight", "float64", "", "share of the event", at_least=0.0, at_most=1.0),
    ),
)
SELECTED_CONES = TableSchema(
    "SelectedCones",
    "a cone: the selected hypothesis of an event",
    (
        _EVENT_INDEX,
        EVENT_ID,
        _SPECIES,
        Column("candidate_row", "int64", "", "row of the hypothesis in candidate_cones"),
        *_HYPOTHESIS,
        # Another program's file may not tell the energies of a cone.
        *(
            Column(c.name, c.dtype, c.unit, c.description, "energy" in c.name)
            for c in _CONE_GEOMETRY
        ),
        _DELTA,
    ),
)

REGION_CONES = TableSchema(
    "RegionCones",
    "a cone that lights a pixel of the region",
    (
        Column("cone_id", "int64", "", "row of the cone in selected_cones", at_least=0),
        Column("lit_in_region", "uint32", "", "pixels of the region that it lights", at_least=1),
        *(
            c
            for c in SELECTED_CONES.columns
            if c.name in {"event_index", "event_id", "species", "recoil_code", "delta_theta_rad"}
            or c.name in {"theta_rad", "incident_energy_MeV", "recoil_energy_MeV"}
        ),
    ),
)

TABLES: Final[dict[str, TableSchema]] = {
    table.name: table
    for table in (
        HITS,
        REACTIONS,
        PRODUCTS,
        PROBLEMS,
        NEUTRON_SHAPED,
        GAMMA_SHAPED,
        NEUTRON_TYPED,
        GAMMA_TYPED,
        TYPED,
        NEUTRON_FILTERED,
        GAMMA_FILTERED,
        FILTERED,
        NEUTRON_ENERGIES,
        GAMMA_ENERGIES,
        ENERGIES,
        CANDIDATE_CONES,
        CANDIDATE_SIGMAS,
        CONE_WIDTHS,
        WEIGHTED_CONES,
        CONE_PULLS,
        SELECTED_CONES,
        BARS,
        BAR_CALIBRATION,
        BAR_CONSISTENCY,
        PAIRS,
        POINT_SOURCES,
        BOOTSTRAP_SOURCES,
        BOOTSTRAP_IMAGES,
        SOURCE_INTERVALS,
        IMAGE_INTERVALS,
        CLASS_SHARES,
        ITERATION_HISTORY,
        IMAGE_SHAPES,
        REGION_SPECTRA,
        FOCUS_CURVE,
        FOCUS_DISTANCE,
        STRATEGY_SOURCES,
        POSITION_BUDGET,
        PRIOR_LEAKAGE,
        REGION_CONES,
        LIGHT_RESPONSE,
    )
}
"""Every frame of the pipeline by the name that a node's ``schema`` tag gives."""
