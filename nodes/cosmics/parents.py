"""Stage studies: where the selected tracks come from."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import I4, U1, frozen
from ...schemas.cosmics.counts import SELECTIONS, ParentCounts
from ...schemas.cosmics.frames import PARENTS
from .chains import code_at, primary_rows


@tag(stage="studies", rows="tracks")
def ancestor_pdg(tracks: pd.DataFrame, true_particles: pd.DataFrame) -> I4:
    """PDG code of the ancestor of most momentum of each track; 0 = none."""
    rows = primary_rows(true_particles, np.arange(len(tracks)))
    return frozen(code_at(true_particles, "pdg", rows))


@tag(stage="studies", helper="true")
def parent_counts(ancestor_pdg: I4, selections: U1) -> ParentCounts:
    """Tracks of each selection by their ancestor, in numbers that add up over parts."""
    found, place = np.unique(ancestor_pdg, return_inverse=True)
    counts = np.zeros((len(found), len(SELECTIONS)), np.int64)
    for bit in range(len(SELECTIONS)):
        chosen = (selections >> np.uint8(bit) & np.uint8(1)).astype(bool)
        counts[:, bit] = np.bincount(place[chosen], minlength=len(found))
    return ParentCounts(frozen(found.astype(np.int64)), frozen(counts))


@tag(stage="studies", schema="Parents", scope="run")
def parents(parent_counts: ParentCounts) -> pd.DataFrame:
    """Tracks of each selection by their ancestor of most momentum, in order of PDG code."""
    columns = dict(zip(SELECTIONS, parent_counts.counts.T, strict=True))
    return PARENTS.frame({"pdg": parent_counts.pdg, **columns})
