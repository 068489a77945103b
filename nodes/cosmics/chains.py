"""True particles in the chain of a track: the one with most hits, and the ancestor."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from .quantities import momentum_MeV
from .ragged import group_begins

_MOMENTUM: Final = ["px_MeV", "py_MeV", "pz_MeV"]


def first_of(parents: Any, rows: Any, tracks: Any) -> Any:
    """Of rows in ascending order of their parents the first of each track; -1 = none."""
    if not len(rows):
        return np.full(len(tracks), -1)
    where = np.minimum(np.searchsorted(parents[rows], tracks), len(rows) - 1)
    return np.where(parents[rows[where]] == tracks, rows[where], -1)


def most_hits_rows(true_particles: pd.DataFrame, tracks: Any) -> Any:
    """Row of the true particle with the most hits of each track, the first of several."""
    parents, nhits = (true_particles[c].to_numpy() for c in ("track_row", "nhits"))
    order = np.lexsort((np.arange(len(parents)), -nhits.astype(np.int64), parents))
    return first_of(parents, order, tracks)


def primary_rows(true_particles: pd.DataFrame, tracks: Any) -> Any:
    """Row of the ancestor with the greatest momentum of each track; -1 = none."""
    ancestors = np.flatnonzero(true_particles["rank"].to_numpy() == -1)
    parents = true_particles["track_row"].to_numpy()
    momentum = momentum_MeV(true_particles[_MOMENTUM].iloc[ancestors])
    begins = group_begins(parents[ancestors])
    if len(begins):
        n_each = np.diff(begins, append=len(ancestors))
        most = np.repeat(np.fmax.reduceat(momentum, begins), n_each)
        ancestors = ancestors[(momentum == most) | np.isnan(most)]
    return first_of(parents, ancestors, tracks)


def code_at(frame: pd.DataFrame, name: str, rows: Any) -> Any:
    """A column of whole numbers at some rows; 0 where the row is -1."""
    found = np.zeros(len(rows), np.int32)
    found[rows >= 0] = frame[name].to_numpy()[rows[rows >= 0]]
    return found
