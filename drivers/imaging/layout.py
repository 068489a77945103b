"""Every growing dataset of the imaging file, with type, unit and meaning, and the groups of nodes.

Names are those that ngimager's tools read; what is ours beside them stands at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...schemas.imaging.codes import CandidateStatus, ConeFilter, HitFilter
from ...schemas.imaging.config import Stage
from ...schemas.imaging.frames import HITS, PRODUCTS, REACTIONS
from ..hdf5 import Dataset

FORMAT_VERSION: Final = "1.0"

HIT_DATASETS: Final = (
    *(
        Dataset(
            f"/hits/{'material_id' if c.name == 'material' else c.name}",
            {"material": "i2", "species": "u1"}.get(c.name, c.dtype),
            c.unit,
            c.description,
        )
        for c in HITS.columns
    ),
)
RAW_EVENT_DATASETS: Final = (
    Dataset("/raw_events/ranges", "i8", "", "runs of raw events read whole: first, last + 1", (2,)),
)
HIT_FILTER_DATASETS: Final = (
    Dataset("/hits/filter_code", "u1", "", "reason why the hit left, see filter_code_labels"),
)

TRUTH_DATASETS: Final = tuple(
    Dataset(f"/truth/{name}/{c.name}", c.dtype, c.unit, c.description)
    for name, table in (("reactions", REACTIONS), ("products", PRODUCTS))
    for c in table.columns
)

EVENT_DATASETS: Final = (
    Dataset("/lm/event_type", "u1", "", "species: 0 neutron, 1 gamma"),
    Dataset("/lm/event_id", "i8", "", "raw coincidence window in the input file"),
    Dataset("/lm/event_meta_run_id", "i4", "", "run number, -1 where unknown"),
    Dataset("/lm/event_meta_file_ix", "i4", "", "number of the input file"),
    Dataset("/lm/hit_pos_cm", "f4", "cm", "hit positions, world frame (event, hit, xyz)", (3, 3)),
    Dataset("/lm/hit_t_ns", "f8", "ns", "hit times", (3,)),
    Dataset("/lm/hit_L_mevee", "f4", "MeVee", "light of the hits", (3,)),
    Dataset("/lm/hit_det_id", "i4", "", "detectors of the hits, -1 for no hit", (3,)),
    Dataset("/lm/hit_material_id", "i2", "", "materials, see hit_material_id_labels", (3,)),
)
EVENT_HIT_DATASETS: Final = (
    Dataset("/lm/event_hit_index", "i8", "", "rows of /hits that make it, -1 for none", (3,)),
)

SURVIVAL_DATASETS: Final = (
    Dataset("/lm/event_cone_id", "i4", "", "cone of the event, -1 for none", (), "cone"),
    Dataset("/lm/event_recoil_code", "u1", "", "recoil of the selected hypothesis, 0 for none"),
    Dataset("/lm/event_gamma_hit_order", "i1", "", "hit order of the selected hypothesis", (3,)),
)
CONE_FILTER_DATASETS: Final = (
    Dataset(
        "/lm/event_cone_filter_code",
        "u1",
        "",
        "cut that left the event without a cone, see event_cone_filter_code_labels",
    ),
)

CONE_DATASETS: Final = (
    Dataset("/cones/cone_id", "u4", "", "row of the cone", (), "cone"),
    Dataset("/cones/apex_xyz_cm", "f4", "cm", "first scatter point", (3,)),
    Dataset("/cones/axis_xyz", "f4", "", "unit vector from the second to the first hit", (3,)),
    Dataset("/cones/theta_rad", "f4", "rad", "opening half-angle"),
    Dataset("/cones/incident_energy_MeV", "f4", "MeV", "energy before the first scatter"),
    Dataset("/cones/species", "u1", "", "0 neutron, 1 gamma"),
    Dataset("/cones/recoil_code", "u1", "", "0 none, 1 proton, 2 carbon"),
    Dataset("/cones/event_index", "i4", "", "row of the event in /lm", (), "event"),
    Dataset("/cones/gamma_hit_order", "i1", "", "hits as first, second, third; -1 neutron", (3,)),
    Dataset("/cones/recoil_energy_MeV", "f4", "MeV", "energy given at the first scatter"),
    Dataset("/cones/delta_theta_rad", "f4", "rad", "|phi - theta| to the prior target"),
    Dataset("/cones/exact/apex_cm", "f8", "cm", "apex_xyz_cm, not rounded", (3,)),
    Dataset("/cones/exact/axis", "f8", "", "axis_xyz, not rounded", (3,)),
    Dataset("/cones/exact/theta_rad", "f8", "rad", "theta_rad, not rounded"),
)

CANDIDATE_DATASETS: Final = (
    Dataset("/candidates/event_index", "i4", "", "row of the event in /lm", (), "event"),
    Dataset("/candidates/species", "u1", "", "0 neutron, 1 gamma"),
    Dataset("/candidates/recoil_code", "u1", "", "0 none, 1 proton, 2 carbon"),
    Dataset("/candidates/hit_order", "i1", "", "hits taken as scatters 1, 2, 3", (3,)),
    Dataset("/candidates/theta_rad", "f4", "rad", "opening half-angle"),
    Dataset("/candidates/incident_energy_MeV", "f4", "MeV", "energy before the first scatter"),
    Dataset("/candidates/recoil_energy_MeV", "f4", "MeV", "energy given at the first scatter"),
    Dataset("/candidates/status", "u1", "", "0 possible, else the reason, see status_labels"),
)
SCORE_DATASETS: Final = (
    Dataset("/candidates/delta_theta_rad", "f4", "rad", "|phi - theta| to the prior target"),
)
DIRECTION_DATASETS: Final = (
    Dataset("/candidates/direction_ok", "?", "", "whether it points at the plane"),
)

IMAGED_DATASETS: Final = (Dataset("/lm/cone_lit_pixels", "u4", "", "pixels that the cone lights"),)
FOOTPRINT_DATASETS: Final = (
    Dataset("/lm/footprint_pixels", "u4", "", "lit pixels, flat index v * nu + u, cone by cone"),
)


FOOTPRINT_PATHS: Final = (
    "/lm/footprint_pixels",
    "/lm/footprint_offsets",
    "/lm/cone_pixel_indices",
)
LABELS: Final = {
    "/lm/event_type_labels": ("events", ["0=neutron", "1=gamma"]),
    "/cones/species_labels": ("cones", ["0=neutron", "1=gamma"]),
    "/cones/recoil_code_labels": ("cones", ["0=NA/gamma/unknown", "1=proton", "2=carbon"]),
    "/candidates/status_labels": ("candidates", [f"{s.value}={s.name}" for s in CandidateStatus]),
    "/lm/event_cone_filter_code_labels": (
        "cone_filter",
        [f"{c.value}={c.name}" for c in ConeFilter],
    ),
    "/hits/filter_code_labels": ("hit_filter", [f"{c.value}={c.name}" for c in HitFilter]),
    "/hits/species_labels": ("hits", ["0=neutron", "1=gamma", "2=unknown"]),
}
# What stands beside the rows of a group and is copied with them.
COPIED_BESIDE: Final = {
    "/lm/hit_material_id_labels": "events",
    "/hits/material_id_labels": "hits",
    "/lm/event_imaged_cone_id": "imaged",
    "/lm/event_survival": "imaged",
}


@dataclass(frozen=True)
class Group:
    """Part of the file: the nodes it is made of, and the stage that fills it."""

    name: str
    stage: Stage
    nodes: tuple[str, ...]
    datasets: tuple[Dataset, ...]


def _both(*names: str) -> tuple[str, ...]:
    return tuple(f"{s}_{n}" for s in ("neutron", "gamma") for n in names)


GROUPS: Final = (
    Group("hits", "hits", ("hits",), HIT_DATASETS),
    Group("raw_events", "hits", ("raw_event_ranges",), RAW_EVENT_DATASETS),
    Group("hit_filter", "hits", ("hit_filter_code",), HIT_FILTER_DATASETS),
    Group("truth", "hits", ("reactions", "reaction_products"), TRUTH_DATASETS),
    Group("events", "events", _both("filtered_events"), EVENT_DATASETS),
    Group("event_hits", "events", _both("event_hit_rows"), EVENT_HIT_DATASETS),
    Group("candidates", "cones", _both("candidate_cones"), CANDIDATE_DATASETS),
    Group("candidate_scores", "cones", _both("cone_scores"), SCORE_DATASETS),
    Group("candidate_directions", "cones", _both("direction_ok"), DIRECTION_DATASETS),
    Group(
        "cones",
        "cones",
        _both("selected_cones", "filtered_events"),
        (*CONE_DATASETS, *SURVIVAL_DATASETS),
    ),
    Group("cone_filter", "cones", _both("cone_filter_code"), CONE_FILTER_DATASETS),
    Group("imaged", "image", _both("back_projection"), IMAGED_DATASETS),
)

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
