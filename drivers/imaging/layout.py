"""Every growing dataset of the imaging file: type, unit, meaning, what it is made of and may hold.

Writing, reading back, the checks of a restart, exports and the documentation follow these tables.
Names are those that ngimager's tools read; what is ours beside them stands at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from ...schemas.imaging.codes import (
    GAMMA,
    CandidateStatus,
    ConeFilter,
    HitFilter,
    Recoil,
)
from ...schemas.imaging.config import Stage
from ...schemas.imaging.frames import HITS
from ...schemas.imaging.record_frames import PRODUCTS, REACTIONS
from ..hdf5 import Dataset, Limits
from ..runfile.limits import FINITE

FORMAT_VERSION: Final = "1.0"
MOST_HITS: Final = 3
_ROUNDED: Final = 1e-6
_ANGLE: Final = Limits(0.0, np.pi + _ROUNDED)
_COSINE: Final = Limits(-1.0 - _ROUNDED, 1.0 + _ROUNDED)
_RECOIL: Final = Limits(0, max(Recoil))
_PLACE: Final = Limits(-1, MOST_HITS - 1)
_HIT: Final = "/hits/event_id"
_EVENT: Final = "/lm/event_type"
_HYPOTHESIS: Final = "/candidates/event_index"
_CONE: Final = "/cones/theta_rad"
_CONE_OR_NONE: Final = Limits(-1, rows_of=_CONE)
_TWO_SPECIES: Final = ("0=neutron", "1=gamma")
_RECOILS: Final = ("0=NA/gamma/unknown", "1=proton", "2=carbon")


def _coded(codes: type[CandidateStatus | ConeFilter | HitFilter]) -> tuple[str, ...]:
    return tuple(f"{c.value}={c.name}" for c in codes)


def _counted_by(path: str, *datasets: Dataset) -> tuple[Dataset, ...]:
    """Datasets with one row for each of another."""
    return tuple(replace(d, counted_by=path) for d in datasets)


def _made(path: str, dtype: str, unit: str, text: str, columns: str, **more: Any) -> Dataset:
    """A dataset made of columns of a frame: {k} runs over the hits, {a} over the axes."""
    hits = range(1, MOST_HITS + 1) if "{k}" in columns else (0,)
    axes = "xyz" if "{a}" in columns else ("",)
    names = tuple(columns.format(k=k, a=a) for k in hits for a in axes)
    tail = tuple(3 for run in ("{k}", "{a}") if run in columns)
    return Dataset(path, dtype, unit, text, tail, columns=names, **more)


_HIT_LIMITS: Final = {
    "event_id": Limits(0),
    **dict.fromkeys(("x_cm", "y_cm", "z_cm", "t_ns"), FINITE),
    "light_MeVee": Limits(0.0),
}
_HIT_LABELS: Final = {"material": (), "species": (*_TWO_SPECIES, "2=unknown")}
HIT_DATASETS: Final = _counted_by(
    _HIT,
    *(
        Dataset(
            f"/hits/{'material_id' if c.name == 'material' else c.name}",
            {"material": "i2", "species": "u1"}.get(c.name, c.dtype),
            c.unit,
            c.description,
            columns=(c.name,),
            labels=_HIT_LABELS.get(c.name),
            limits=_HIT_LIMITS.get(c.name),
        )
        for c in HITS.columns
    ),
)
RAW_EVENT_DATASETS: Final = (
    Dataset("/raw_events/ranges", "i8", "", "runs of raw events read whole: first, last + 1", (2,),
            limits=Limits(0)),
)  # fmt: skip
HIT_FILTER_DATASETS: Final = _counted_by(
    _HIT,
    Dataset("/hits/filter_code", "u1", "", "reason why the hit left, see filter_code_labels",
            labels=_coded(HitFilter)),
)  # fmt: skip

TRUTH_DATASETS: Final = tuple(
    Dataset(
        f"/truth/{name}/{c.name}", c.dtype, c.unit, c.description,
        columns=(c.name,), counted_by=f"/truth/{name}/event_id",
    )
    for name, table in (("reactions", REACTIONS), ("products", PRODUCTS))
    for c in table.columns
)  # fmt: skip

EVENT_DATASETS: Final = _counted_by(
    _EVENT,
    Dataset(_EVENT, "u1", "", "species: 0 neutron, 1 gamma", labels=_TWO_SPECIES),
    _made("/lm/event_id", "i8", "", "raw coincidence window in the input file", "event_id",
          limits=Limits(-1)),
    _made("/lm/event_meta_run_id", "i4", "", "run number, -1 where unknown", "run_id"),
    _made("/lm/event_meta_file_ix", "i4", "", "number of the input file", "file_ix"),
    _made("/lm/hit_pos_cm", "f4", "cm", "hit positions, world frame (event, hit, xyz)",
          "{a}{k}_cm"),
    _made("/lm/hit_t_ns", "f8", "ns", "hit times", "t{k}_ns"),
    _made("/lm/hit_L_mevee", "f4", "MeVee", "light of the hits", "light{k}_MeVee"),
    _made("/lm/hit_det_id", "i4", "", "detectors of the hits, -1 for no hit", "det_id{k}"),
    _made("/lm/hit_material_id", "i2", "", "materials, see hit_material_id_labels", "material{k}",
          labels=()),
)  # fmt: skip
EVENT_HIT_DATASETS: Final = _counted_by(
    _EVENT,
    _made("/lm/event_hit_index", "i8", "", "rows of /hits that make it, -1 for none", "hit{k}_row",
          limits=Limits(-1, rows_of=_HIT)),
)  # fmt: skip

SURVIVAL_DATASETS: Final = _counted_by(
    _EVENT,
    _made("/lm/event_cone_id", "i4", "", "cone of the event, -1 for none", "cone_id", shift="cone",
          limits=_CONE_OR_NONE),
    Dataset("/lm/event_recoil_code", "u1", "", "recoil of the selected hypothesis, 0 for none",
            limits=_RECOIL),
    Dataset("/lm/event_gamma_hit_order", "i1", "", "hit order of the selected hypothesis", (3,),
            limits=_PLACE),
)  # fmt: skip
CONE_FILTER_DATASETS: Final = _counted_by(
    _EVENT,
    _made("/lm/event_cone_filter_code", "u1", "",
          "cut that left the event without a cone, see event_cone_filter_code_labels",
          "cone_filter_code", labels=_coded(ConeFilter)),
)  # fmt: skip

_INCIDENT: Final = "energy before the first scatter"
_RECOIL_ENERGY: Final = "energy given at the first scatter"
_DELTA: Final = "|phi - theta| to the prior target"
CONE_DATASETS: Final = _counted_by(
    _CONE,
    Dataset("/cones/cone_id", "u4", "", "row of the cone", (), "cone"),
    _made("/cones/apex_xyz_cm", "f4", "cm", "first scatter point", "apex_{a}_cm", limits=FINITE),
    _made("/cones/axis_xyz", "f4", "", "unit vector from the second to the first hit", "axis_{a}",
          limits=_COSINE),
    _made(_CONE, "f4", "rad", "opening half-angle", "theta_rad", limits=_ANGLE),
    _made("/cones/incident_energy_MeV", "f4", "MeV", _INCIDENT, "incident_energy_MeV"),
    Dataset("/cones/species", "u1", "", "0 neutron, 1 gamma", labels=_TWO_SPECIES),
    _made("/cones/recoil_code", "u1", "", "0 none, 1 proton, 2 carbon", "recoil_code",
          labels=_RECOILS),
    _made("/cones/event_index", "i4", "", "row of the event in /lm", "event_index", shift="event",
          limits=Limits(0, rows_of=_EVENT)),
    _made("/cones/gamma_hit_order", "i1", "", "hits as first, second, third; -1 neutron",
          "hit_order_{k}", limits=_PLACE),
    _made("/cones/recoil_energy_MeV", "f4", "MeV", _RECOIL_ENERGY, "recoil_energy_MeV"),
    _made("/cones/delta_theta_rad", "f4", "rad", _DELTA, "delta_theta_rad"),
    _made("/cones/exact/apex_cm", "f8", "cm", "apex_xyz_cm, not rounded", "apex_{a}_cm",
          limits=FINITE),
    _made("/cones/exact/axis", "f8", "", "axis_xyz, not rounded", "axis_{a}", limits=_COSINE),
    _made("/cones/exact/theta_rad", "f8", "rad", "theta_rad, not rounded", "theta_rad",
          limits=_ANGLE),
)  # fmt: skip

CANDIDATE_DATASETS: Final = _counted_by(
    _HYPOTHESIS,
    _made(_HYPOTHESIS, "i4", "", "row of the event in /lm", "event_index", shift="event",
          limits=Limits(0, rows_of=_EVENT)),
    Dataset("/candidates/species", "u1", "", "0 neutron, 1 gamma", limits=Limits(0, GAMMA)),
    _made("/candidates/recoil_code", "u1", "", "0 none, 1 proton, 2 carbon", "recoil_code",
          limits=_RECOIL),
    _made("/candidates/hit_order", "i1", "", "hits taken as scatters 1, 2, 3", "hit_order_{k}",
          limits=Limits(0, MOST_HITS - 1)),
    _made("/candidates/theta_rad", "f4", "rad", "opening half-angle", "theta_rad"),
    _made("/candidates/incident_energy_MeV", "f4", "MeV", _INCIDENT, "incident_energy_MeV"),
    _made("/candidates/recoil_energy_MeV", "f4", "MeV", _RECOIL_ENERGY, "recoil_energy_MeV"),
    _made("/candidates/status", "u1", "", "0 possible, else the reason, see status_labels",
          "status", labels=_coded(CandidateStatus)),
)  # fmt: skip
SCORE_DATASETS: Final = _counted_by(
    _HYPOTHESIS, Dataset("/candidates/delta_theta_rad", "f4", "rad", _DELTA)
)
DIRECTION_DATASETS: Final = _counted_by(
    _HYPOTHESIS, Dataset("/candidates/direction_ok", "?", "", "whether it points at the plane")
)
# Written as a whole where a method uses widths; a restart makes them anew.
WEIGHT_DATASETS: Final = _counted_by(
    _HYPOTHESIS,
    Dataset("/candidates/weight", "f4", "", "share of the hypothesis in its event",
            limits=Limits(0.0, 1.0 + _ROUNDED)),
    Dataset("/candidates/theta_sigma_rad", "f4", "rad", "width of theta, NaN where impossible"),
    Dataset("/candidates/cone_sigma_rad", "f4", "rad", "width of the cone, NaN where impossible"),
)  # fmt: skip
WIDTH_DATASETS: Final = _counted_by(
    _CONE,
    Dataset("/cones/theta_sigma_rad", "f4", "rad", "width of theta"),
    Dataset("/cones/cone_sigma_rad", "f4", "rad", "width of the cone, with that of its axis"),
    Dataset("/cones/consistency", "f4", "", "theta of flight less that of light in sigma, or NaN"),
)

IMAGED_DATASETS: Final = _counted_by(
    _CONE, Dataset("/lm/cone_lit_pixels", "u4", "", "pixels that the cone lights")
)
FOOTPRINT_DATASETS: Final = (
    Dataset("/lm/footprint_pixels", "u4", "", "lit pixels, flat index v * nu + u, cone by cone",
            limits=Limits(0, rows_of="/images/summed/all")),
)  # fmt: skip
FOOTPRINT_PATHS: Final = (
    "/lm/footprint_pixels",
    "/lm/footprint_offsets",
    "/lm/cone_pixel_indices",
)
# Made of whole columns when every row is there.
IMAGED_CONE: Final = _made(
    "/lm/event_imaged_cone_id", "i4", "", "its cone if it lights a pixel, else -1",
    "imaged_cone_id", limits=_CONE_OR_NONE, counted_by=_EVENT,
)  # fmt: skip
SURVIVAL: Final = Dataset(
    "/lm/event_survival", "i4", "",
    "event_index, first cone or -1, first cone that lights a pixel or -1", (3,), counted_by=_EVENT,
)  # fmt: skip
OFFSETS: Final = Dataset(
    "/lm/footprint_offsets", "u8", "", "cone i lights footprint_pixels[offsets[i]:offsets[i + 1]]"
)
PAIRS: Final = Dataset(
    "/lm/cone_pixel_indices", "u4", "", "rows (cone_id, flat pixel index v * nu + u)", (2,)
)


@dataclass(frozen=True)
class Group:
    """Part of the file: the nodes it is made of, the stage that fills it, what a row is of."""

    name: str
    stage: Stage
    nodes: tuple[str, ...]
    datasets: tuple[Dataset, ...]
    rows: str


def _both(*names: str) -> tuple[str, ...]:
    return tuple(f"{s}_{n}" for s in ("neutron", "gamma") for n in names)


GROUPS: Final = (
    Group("hits", "hits", ("hits",), HIT_DATASETS, "hits"),
    Group("raw_events", "hits", ("raw_event_ranges",), RAW_EVENT_DATASETS, "runs"),
    Group("hit_filter", "hits", ("hit_filter_code",), HIT_FILTER_DATASETS, "hits"),
    Group(
        "truth", "hits", ("reactions", "reaction_products"), TRUTH_DATASETS, "reactions or products"
    ),
    Group("events", "events", _both("filtered_events"), EVENT_DATASETS, "events"),
    Group("event_hits", "events", _both("event_hit_rows"), EVENT_HIT_DATASETS, "events"),
    Group("candidates", "cones", _both("candidate_cones"), CANDIDATE_DATASETS, "hypotheses"),
    Group("candidate_scores", "cones", _both("cone_scores"), SCORE_DATASETS, "hypotheses"),
    Group("candidate_directions", "cones", _both("direction_ok"), DIRECTION_DATASETS, "hypotheses"),
    Group(
        "cones",
        "cones",
        _both("selected_cones", "filtered_events"),
        (*CONE_DATASETS, *SURVIVAL_DATASETS),
        "cones",
    ),
    Group("cone_filter", "cones", _both("cone_filter_code"), CONE_FILTER_DATASETS, "events"),
    Group("imaged", "image", _both("back_projection"), IMAGED_DATASETS, "cones"),
)
# What is made of whole columns and copied with a group.
COPIED_BESIDE: Final = {IMAGED_CONE.path: "imaged", SURVIVAL.path: "imaged"}
LAYOUT: Final = {
    d.path: d
    for d in (
        *(d for group in GROUPS for d in group.datasets),
        *WEIGHT_DATASETS, *WIDTH_DATASETS,
        *FOOTPRINT_DATASETS, IMAGED_CONE, SURVIVAL, OFFSETS, PAIRS,
    )
}  # fmt: skip
"""Every dataset of rows by its path."""

COUNTER_NODES: Final = {
    "hits": "hit_counters",
    "events": "event_counters",
    "cones": "cone_counters",
    "image": "image_counters",
}
# A stage is counted when these of its nodes are computed anyway.
COUNTED_WITH: Final = {
    "hits": _both("hit_filter_code"),
    "events": _both("filtered_events"),
    "cones": _both("selected_cones"),
    "image": _both("back_projection"),
}
