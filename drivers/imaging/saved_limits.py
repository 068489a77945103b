"""What the values of a run's file may be: rows of other datasets, codes, finite numbers.

A file may be damaged where it has no checksum, or written by another program: a value is looked
at before it counts rows or names a code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ...nodes.hdf5_content import damaged_file
from ...schemas.errors import InputError
from ...schemas.imaging.codes import SPECIES, CandidateStatus, ConeFilter, HitFilter, Recoil
from .layout import GROUPS, Group
from .rows import MOST_HITS

_GREATEST: Final = float(np.finfo(np.float64).max)
_ROUNDED: Final = 1e-6


@dataclass(frozen=True)
class Limits:
    """Least and greatest value; ``rows_of`` names the dataset whose rows the values count."""

    low: float
    high: float = _GREATEST
    rows_of: str = ""

    def greatest(self, size_of: Callable[[str], int | None]) -> float:
        """The greatest value in a file; no bound where it lacks the dataset that is counted."""
        n_rows = size_of(self.rows_of) if self.rows_of else None
        return self.high if n_rows is None else n_rows - 1


_FINITE: Final = Limits(-_GREATEST)
_ANGLE: Final = Limits(0.0, np.pi + _ROUNDED)
_COSINE: Final = Limits(-1.0 - _ROUNDED, 1.0 + _ROUNDED)
_SPECIES: Final = Limits(0, SPECIES.index("unknown") - 1)
_RECOIL: Final = Limits(0, max(Recoil))
_PLACE: Final = Limits(-1, MOST_HITS - 1)
_EVENT: Final = Limits(0, rows_of="/lm/event_type")
_CONE: Final = Limits(-1, rows_of="/cones/theta_rad")

LIMITS: Final = {
    "/hits/event_id": Limits(0),
    "/hits/species": Limits(0, len(SPECIES) - 1),
    "/hits/material_id": Limits(-1, rows_of="/hits/material_id_labels"),
    "/hits/filter_code": Limits(0, max(HitFilter)),
    **{f"/hits/{name}": _FINITE for name in ("x_cm", "y_cm", "z_cm", "t_ns")},
    "/hits/light_MeVee": Limits(0.0),
    "/raw_events/ranges": Limits(0),
    "/lm/event_type": _SPECIES,
    "/lm/event_id": Limits(-1),
    "/lm/hit_material_id": Limits(-1, rows_of="/lm/hit_material_id_labels"),
    "/lm/event_hit_index": Limits(-1, rows_of="/hits/event_id"),
    "/lm/event_cone_id": _CONE,
    "/lm/event_imaged_cone_id": _CONE,
    "/lm/event_recoil_code": _RECOIL,
    "/lm/event_gamma_hit_order": _PLACE,
    "/lm/event_cone_filter_code": Limits(0, max(ConeFilter)),
    "/lm/footprint_pixels": Limits(0, rows_of="/images/summed/all"),
    "/cones/event_index": _EVENT,
    "/cones/species": _SPECIES,
    "/cones/recoil_code": _RECOIL,
    "/cones/gamma_hit_order": _PLACE,
    "/cones/apex_xyz_cm": _FINITE,
    "/cones/axis_xyz": _COSINE,
    "/cones/theta_rad": _ANGLE,
    "/cones/exact/apex_cm": _FINITE,
    "/cones/exact/axis": _COSINE,
    "/cones/exact/theta_rad": _ANGLE,
    "/candidates/event_index": _EVENT,
    "/candidates/species": _SPECIES,
    "/candidates/recoil_code": _RECOIL,
    "/candidates/hit_order": Limits(0, MOST_HITS - 1),
    "/candidates/status": Limits(0, max(CandidateStatus)),
}

# Which dataset says how many rows there are, by the groups of the layout.
_ROWS_OF: Final = {
    "hits": "/hits/event_id",
    "hit_filter": "/hits/event_id",
    "events": "/lm/event_type",
    "event_hits": "/lm/event_type",
    "candidates": "/candidates/event_index",
    "candidate_scores": "/candidates/event_index",
    "candidate_directions": "/candidates/event_index",
    "cone_filter": "/lm/event_type",
    "imaged": "/cones/theta_rad",
}


def _counted_by(group: Group, path: str) -> str:
    if group.name == "cones":
        return "/lm/event_type" if path.startswith("/lm/") else "/cones/theta_rad"
    if group.name == "truth":
        return path.rpartition("/")[0] + "/event_id"
    return _ROWS_OF.get(group.name, path)


# Shape of a row, and the dataset that says how many there are: itself where no other does.
_SHAPES: Final = {
    **{d.path: (d.tail, _counted_by(g, d.path)) for g in GROUPS for d in g.datasets},
    "/lm/event_imaged_cone_id": ((), "/lm/event_type"),
    "/lm/event_survival": ((3,), "/lm/event_type"),
    "/lm/footprint_pixels": ((), "/lm/footprint_pixels"),
    "/lm/footprint_offsets": ((), "/lm/footprint_offsets"),
    "/lm/cone_pixel_indices": ((2,), "/lm/cone_pixel_indices"),
}


def check_limits(
    path: Path,
    name: str,
    values: np.ndarray,
    row_of: Callable[[int], int],
    size_of: Callable[[str], int | None],
) -> None:
    """InputError with dataset, row and value where values of a dataset are not allowed.

    ``row_of`` gives the row of the dataset of a row of ``values``, ``size_of`` how many values
    another dataset has, None if it is not there.
    """
    limits = LIMITS.get(name)
    if limits is None or not values.size or values.dtype.kind not in "iuf":
        return
    greatest = limits.greatest(size_of)
    # A NaN is neither the least nor the greatest: no comparison with it holds.
    if float(values.min()) >= limits.low and float(values.max()) <= greatest:
        return
    exact = values.astype(np.float64)
    place = np.argwhere(~((exact >= limits.low) & (exact <= greatest)))[0]
    allowed = f"{limits.low:g} to {greatest:g}" if greatest < _GREATEST else "finite numbers"
    if greatest == _GREATEST and limits.low > -_GREATEST:
        allowed = f"{limits.low:g} and more"
    raise misfit(path, name, row_of(int(place[0])), values[tuple(place)], allowed)


def check_shape(
    path: Path, name: str, shape: tuple[int, ...], size_of: Callable[[str], int | None]
) -> None:
    """InputError if a dataset has not the shape of its kind, or not the rows of its table.

    ``size_of`` is that of check_limits.
    """
    known = _SHAPES.get(name)
    if known is None:
        return
    tail, first = known
    n_rows = size_of(first) if first != name else None
    if len(shape) == 1 + len(tail) and shape[1:] == tail and n_rows in (None, shape[0]):
        return
    rows = "n" if n_rows is None else str(n_rows)
    allowed = ", ".join((rows, *map(str, tail))) + ("" if tail else ",")
    reason = f"its shape is {shape}, that of its kind is ({allowed})"
    raise damaged_file(path, name, reason)


def misfit(path: Path, name: str, row: int, value: object, allowed: str) -> InputError:
    """What is said of a value that cannot be."""
    msg = (
        f"{path}: {name} holds {value} in row {row}; allowed: {allowed}. The file is damaged, or "
        "written by a program that means something else. Run its input again."
    )
    return InputError(msg, file=path, code="damaged_file")
