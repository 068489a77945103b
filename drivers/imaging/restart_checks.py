"""What a run starts from is read once before: checksums, links between rows, order of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from ...nodes.imaging.readers import READERS
from ...nodes.imaging.readers.ngimager_hdf5 import N_HITS, opened
from ...schemas.imaging.config import STAGES
from ..hdf5 import datasets_of
from ..runfile.datasets import Datasets
from ..runfile.limits import misfit
from . import saved_footprints
from .layout import FOOTPRINT_PATHS, LAYOUT

# What each start reads or copies, besides that of the starts before it.
_READ: Final[Mapping[str, Sequence[str]]] = {
    "hits": (
        "/hits",
        "/raw_events",
        "/truth",
        "/meta/counters",
        *(f"/meta/{name}" for name in READERS),
        "/provenance/problems",
    ),
    "events": ("/lm",),
    "cones": ("/cones", "/candidates"),
    "image": ("/images", *FOOTPRINT_PATHS),
}
_ROWS_A_BLOCK: Final = 1 << 18


def check_start(path: Path, start: str) -> None:
    """InputError with dataset, row and value if a run cannot start from what a file holds.

    Events of a species, hits and truth are found by bisection: their ids must ascend.
    """
    places = [p for s in STAGES[: STAGES.index(start) + 1] for p in _READ[s]]
    with opened(path) as content:
        data = Datasets(content.group, path, LAYOUT)
        for place in places:
            for name in _datasets_below(data, place):
                if name not in FOOTPRINT_PATHS or start == "image":
                    _read(data, name)
        for name in (
            "/hits/event_id",
            *(f"/truth/{t}/event_id" for t in ("reactions", "products")),
        ):
            if name in data:
                values = data.rows(name)
                _check_order(data, name, values, np.arange(len(values)))
        if "/raw_events/ranges" in data:
            runs = data.rows("/raw_events/ranges").ravel()
            _check_order(data, "/raw_events/ranges", runs, np.arange(len(runs)) // 2)
        if start != "hits" and "/lm/event_type" in data:
            _check_events(data)
        if start == "image":
            saved_footprints.check(data, data.length("/cones/theta_rad"))


def _datasets_below(data: Datasets, place: str) -> list[str]:
    """The datasets at or below a place of the file, none if it is not there."""
    if place not in data:
        return []
    found = data.group[place]
    if not isinstance(found, h5py.Group):
        return [place]
    # One without a space holds no value that could be wrong; another program's may stand there.
    return [n for n, dataset in datasets_of(found, data.path).items() if dataset.shape is not None]


def _read(data: Datasets, name: str) -> None:
    if not data.shape(name):
        data.rows(name)
        return
    for begin in range(0, data.length(name), _ROWS_A_BLOCK):
        data.span(name, begin, begin + _ROWS_A_BLOCK)


def _check_events(data: Datasets) -> None:
    """Ids ascend within a species, and each event has the hits that its species needs."""
    kind = data.rows("/lm/event_type")
    linked = "/lm/event_hit_index" in data and "/hits/event_id" in data
    name = "/lm/event_hit_index" if linked else "/lm/hit_t_ns"
    # Cones are known without the hits of their events.
    hits = data.rows(name) if name in data else None
    for species, n_hits in N_HITS.items():
        rows = np.flatnonzero(kind == species)
        if "/lm/event_id" in data:
            _check_order(data, "/lm/event_id", data.rows("/lm/event_id")[rows], rows)
        if hits is None:
            continue
        of_species = hits[rows][:, :n_hits]
        bad = np.argwhere(of_species < 0 if linked else ~np.isfinite(of_species))
        if len(bad):
            row, value = int(rows[bad[0, 0]]), of_species[tuple(bad[0])]
            allowed = f"{n_hits} {'rows of /hits' if linked else 'times'} in an event of its kind"
            raise misfit(data.path, name, row, value, allowed)


def _check_order(data: Datasets, name: str, values: np.ndarray, rows: np.ndarray) -> None:
    falls = np.flatnonzero(values[1:] < values[:-1])
    if len(falls):
        k = int(falls[0]) + 1
        allowed = f"not less than the {values[k - 1]} before it"
        raise misfit(data.path, name, int(rows[k]), values[k], allowed)
