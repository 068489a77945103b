"""The whole trace of a cone, an event or a region of the picture, as plain values.

hit -> event -> hypotheses -> cone -> pixels, and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from ...nodes.imaging.cone_geometry import columns3
from ...nodes.imaging.tracing import pixels_in
from ...schemas.arrays import I8
from ...schemas.errors import UsageError
from ...schemas.imaging.codes import CandidateStatus, ConeFilter, HitFilter, Recoil
from ...schemas.imaging.images import Footprints, PixelGrid, RegionOfInterest
from .layout import MOST_HITS
from .saved import SavedRun
from .tracing import check_cones, cones_through, footprints

_SPECIES_NAMES: Final = {"n": "neutron", "g": "gamma", "unknown": "unknown"}
_ANGLES_AND_ENERGIES: Final = (
    "theta_rad",
    "incident_energy_MeV",
    "recoil_energy_MeV",
    "delta_theta_rad",
)
_CUTS: Final[Mapping[ConeFilter, str]] = {
    ConeFilter.kept: "its cone is not in the file",
    ConeFilter.no_candidate: "no hypothesis is possible",
    ConeFilter.direction: "no possible hypothesis points at the plane",
    ConeFilter.delta_theta: "the selected hypothesis was cut by max_delta_theta_deg",
    ConeFilter.incident_energy: "the selected hypothesis was cut by max_incident_energy_MeV",
    ConeFilter.max_cones: "the cones before it were as many as max_cones allows",
}
_OF_A_HIT: Final = ("det_id{}", "material{}", "x{}_cm", "y{}_cm", "z{}_cm", "t{}_ns")


def cone_trace(saved: SavedRun, cone_id: int) -> dict[str, Any]:
    """The trace of a cone: its event with hits and hypotheses, its pixels."""
    saved.need("cones")
    check_cones(saved, np.array([cone_id]))
    cone = saved.cones_at(np.array([cone_id]))
    return event_trace(saved, int(cone["event_index"].iloc[0]))


def event_trace(saved: SavedRun, event_index: int) -> dict[str, Any]:
    """The trace of an event that passed the cuts: hits, hypotheses, cone and its pixels."""
    if not 0 <= event_index < saved.n_events:
        last = saved.n_events - 1
        there = f"there are the events 0 to {last}" if last >= 0 else "there is none"
        msg = f"{saved.path}: there is no event {event_index}: {there}"
        raise UsageError(msg, file=saved.path, key="event")
    event = saved.events_at(np.array([event_index])).iloc[0]
    cone_id = int(event["cone_id"])
    cone = saved.cones_at(np.array([cone_id])).iloc[0] if cone_id >= 0 else None
    hypotheses = _hypotheses(saved, event_index, cone)
    return {
        "event_index": event_index,
        "event_id": int(event["event_id"]),
        "file_ix": int(event["file_ix"]),
        "species": _SPECIES_NAMES[event["species"]],
        "hits": _hits_of_event(saved, event),
        "raw_event_hits": _hits_of_raw_event(saved, event),
        "hypotheses": hypotheses,
        "cone": None if cone is None else _cone(cone),
        "no_cone_because": "" if cone is not None else _why_no_cone(event, hypotheses),
        "footprint": None if cone is None else _footprint(saved, cone_id),
    }


def region_trace(saved: SavedRun, region: RegionOfInterest) -> dict[str, Any]:
    """What a region of the picture is made of: counts, cones, energies, events and hits."""
    saved.need("cones")
    cones = cones_through(saved, region)
    images = saved.images if "image" in saved.stages else {}
    inside = pixels_in(region, saved.grid)
    return {
        "region_cm": [region.u_min_cm, region.u_max_cm, region.v_min_cm, region.v_max_cm],
        "pixels": int(inside.sum()),
        "counts": {name: int(image[inside].sum()) for name, image in images.items()},
        "from": _origin(saved),
        "n_cones": {name: int((cones["species"] == name).sum()) for name in ("n", "g")},
        "energies_MeV": {
            name: _spread(cones.loc[cones["species"] == name, "incident_energy_MeV"])
            for name in ("n", "g")
        },
        "cones": _cone_columns(cones),
        "events": _event_columns(saved, cones["event_index"].to_numpy()),
    }


def pixel_region(grid: PixelGrid, column: int, row: int) -> RegionOfInterest:
    """The rectangle of one pixel."""
    u, v = grid.u_min_cm + column * grid.du_cm, grid.v_min_cm + row * grid.dv_cm
    return RegionOfInterest(u, u + grid.du_cm, v, v + grid.dv_cm)


def plain(value: Any) -> Any:
    """A value as JSON has it: numbers of Python, None for what is not a number."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _cone(cone: pd.Series) -> dict[str, Any]:
    return {
        "cone_id": int(cone["cone_id"]),
        "event_index": int(cone["event_index"]),
        "species": _SPECIES_NAMES[cone["species"]],
        "recoil": Recoil(int(cone["recoil_code"])).name,
        "hit_order": [int(cone[f"hit_order_{k}"]) for k in (1, 2, 3)],
        "apex_cm": [float(cone[f"apex_{a}_cm"]) for a in "xyz"],
        "axis": [float(cone[f"axis_{a}"]) for a in "xyz"],
        **{name: float(cone[name]) for name in _ANGLES_AND_ENERGIES},
    }


def _cone_columns(cones: pd.DataFrame) -> dict[str, Any]:
    """Cones column by column."""
    return {
        "cone_id": cones["cone_id"].to_numpy(),
        "event_index": cones["event_index"].to_numpy(),
        "species": cones["species"].cat.rename_categories(_SPECIES_NAMES).to_list(),
        "recoil": np.array([r.name for r in Recoil])[cones["recoil_code"]],
        "hit_order": cones[[f"hit_order_{k}" for k in (1, 2, 3)]].to_numpy(),
        "apex_cm": columns3(cones, "apex_{}_cm"),
        "axis": columns3(cones, "axis_{}"),
        **{name: cones[name].to_numpy() for name in _ANGLES_AND_ENERGIES},
        "lit_in_region": cones["lit_in_region"].to_numpy(),
    }


def _event_columns(saved: SavedRun, event_index: I8) -> dict[str, Any]:
    """The event of each cone column by column; of its hits (n, 3), NaN or -1 for no hit."""
    if "events" not in saved.stages:
        return {}
    rows, place = np.unique(event_index, return_inverse=True)
    events = saved.events_at(rows).take(place)
    columns: dict[str, Any] = {n: events[n].to_numpy() for n in ("event_id", "file_ix")}
    for name in (*_OF_A_HIT, "light{}_MeVee"):
        parts = [events[name.format(k)] for k in (1, 2, 3)]
        if name == "material{}":
            parts = [p.astype(object).where(p.notna(), None) for p in parts]
        columns[f"hits_{name.format('')}"] = np.column_stack([p.to_numpy() for p in parts])
    return columns


def _hit_numbers(event: pd.Series) -> list[int]:
    return [k for k in range(1, MOST_HITS + 1) if np.isfinite(event[f"t{k}_ns"])]


def _hit(event: pd.Series, number: int) -> dict[str, Any]:
    names = {name.format(""): event[name.format(number)] for name in _OF_A_HIT}
    return {**names, "light_MeVee": event[f"light{number}_MeVee"]}


def _hits_of_event(saved: SavedRun, event: pd.Series) -> list[dict[str, Any]]:
    """Its hits in order of time, with all that /hits knows of them where the file says which."""
    hits = [_hit(event, k) for k in _hit_numbers(event)]
    if "hit1_row" not in event or "hits" not in saved.stages:
        return hits
    rows = np.array([int(event[f"hit{k}_row"]) for k in _hit_numbers(event)], np.int64)
    if (rows < 0).any():
        return hits
    unique, place = np.unique(rows, return_inverse=True)
    known = saved.hits_at(unique).take(place)
    for hit, (_, stored) in zip(hits, known.iterrows(), strict=True):
        hit |= {name: stored[name] for name in ("hit_row", "psd", "energy_deposited_MeV")}
    return hits


def _hits_of_raw_event(saved: SavedRun, event: pd.Series) -> list[dict[str, Any]]:
    """Every hit of the coincidence window, and why it left."""
    if "hits" not in saved.stages or event["event_id"] < 0:
        return []
    rows = np.flatnonzero(saved.data.rows("/hits/event_id") == event["event_id"])
    hits = saved.hits_at(rows)
    names = ["hit_row", "det_id", "material", "species", "x_cm", "y_cm", "z_cm", "t_ns"]
    names += ["light_MeVee", "psd"]
    codes = hits["filter_code"] if "filter_code" in hits else np.zeros(len(hits), np.uint8)
    return [
        {**{name: hit[name] for name in names}, "filter": HitFilter(int(code)).name}
        for (_, hit), code in zip(hits.iterrows(), codes, strict=True)
    ]


def _hypotheses(saved: SavedRun, event_index: int, cone: pd.Series | None) -> list[dict[str, Any]]:
    """Every hypothesis of an event, the selected one marked."""
    if "/candidates/event_index" not in saved.data:
        return []
    rows = np.flatnonzero(saved.data.rows("/candidates/event_index") == event_index)
    found = []
    for _, candidate in saved.candidates_at(rows).iterrows():
        order = [int(candidate[f"hit_order_{k}"]) for k in (1, 2, 3)]
        recoil = int(candidate["recoil_code"])
        selected = cone is not None and (
            recoil == cone["recoil_code"]
            and order == [int(cone[f"hit_order_{k}"]) for k in (1, 2, 3)]
        )
        found.append(
            {
                "candidate_row": int(candidate["candidate_row"]),
                "recoil": Recoil(recoil).name,
                "hit_order": order,
                "theta_rad": float(candidate["theta_rad"]),
                "incident_energy_MeV": float(candidate["incident_energy_MeV"]),
                "recoil_energy_MeV": float(candidate["recoil_energy_MeV"]),
                "delta_theta_rad": float(candidate.get("delta_theta_rad", np.nan)),
                "status": CandidateStatus(int(candidate["status"])).name,
                "direction_ok": bool(candidate.get("direction_ok", True)),
                "selected": selected,
            }
        )
    return found


def _why_no_cone(event: pd.Series, hypotheses: list[dict[str, Any]]) -> str:
    """The cut that left an event without a cone; of older files, as far as its hypotheses tell."""
    possible = [h for h in hypotheses if h["status"] == "ok"]
    if "cone_filter_code" in event:
        cut = ConeFilter(int(event["cone_filter_code"]))
        if cut is ConeFilter.no_candidate and possible:
            return "no hypothesis of a proton is possible, and others are not taken"
        return _CUTS[cut]
    if not hypotheses:
        return "the file does not say"
    if not possible:
        return _CUTS[ConeFilter.no_candidate]
    if not any(h["direction_ok"] for h in possible):
        return _CUTS[ConeFilter.direction]
    return "the selected hypothesis was cut by [filters.cones], protons only, or max_cones"


def _footprint(saved: SavedRun, cone_id: int) -> dict[str, Any] | None:
    """How many pixels a cone lights, and the edges of the rectangle that holds them."""
    if "/meta" not in saved.data or "plane.P0" not in saved.data.attributes("/meta"):
        return None
    found = footprints(saved, np.array([cone_id]))
    return {"n_pixels": len(found.pixels), **_extent(found, saved.grid), "from": _origin(saved)}


def _extent(footprint: Footprints, grid: PixelGrid) -> dict[str, Any]:
    if not len(footprint.pixels):
        return {"u_cm": None, "v_cm": None}
    row, column = np.divmod(footprint.pixels.astype(np.int64), grid.nu)
    return {
        "u_cm": _edges(column, grid.u_min_cm, grid.du_cm),
        "v_cm": _edges(row, grid.v_min_cm, grid.dv_cm),
    }


def _edges(index: I8, low: float, step: float) -> list[float]:
    return [low + int(index.min()) * step, low + (int(index.max()) + 1) * step]


def _origin(saved: SavedRun) -> str:
    if saved.has_list_mode:
        return "list mode"
    return "cones" if saved.cones_are_exact else "cones in float32"


def _spread(energies: pd.Series) -> dict[str, float] | None:
    """Least, quartiles and most of some energies."""
    known = energies.dropna()
    if known.empty:
        return None
    values = np.percentile(known.to_numpy(np.float64), [0, 25, 50, 75, 100])
    names = ("least", "quarter", "median", "three_quarters", "most")
    return dict(zip(names, values.tolist(), strict=True))
