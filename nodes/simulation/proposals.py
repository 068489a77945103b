"""Rejection sampling of scatter points: batches of proposals, and what a flight weighs.

No graph module: plain functions below the nodes. Vectors are (3, n), so that a component
is contiguous.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np

from ...schemas.arrays import F8, I8
from ...schemas.errors import ConfigError, SettingProblem
from ...schemas.simulation import Cells, FlightTable

# Fixed, so that the first events of a longer run are those of a shorter one.
PROPOSALS_PER_BATCH: Final = 1 << 15
_BARREN_BATCHES: Final = 100

Columns = dict[str, F8]
Batch = TypeVar("Batch", bound=Columns)


def accepted_events(
    stream: np.random.SeedSequence,
    n_events: int,
    batch: Callable[[np.random.Generator, int], Columns],
    what: str,
) -> Columns:
    """Columns of the first ``n_events`` accepted proposals; the last axis counts events.

    ``batch`` takes a generator and a number of proposals, and returns those accepted. Raises
    ConfigError when many batches in a row have none.
    """
    rng = np.random.default_rng(stream)
    batches = [batch(rng, 0)]
    found, barren = 0, 0
    while found < n_events:
        columns = batch(rng, PROPOSALS_PER_BATCH)
        n = len(next(iter(columns.values())).T)
        found += n
        barren = 0 if n else barren + 1
        if barren == _BARREN_BATCHES:
            raise ConfigError([_nothing_accepted(found, n_events, what)])
        batches.append(columns)
    return {k: np.concatenate([b[k] for b in batches], axis=-1)[..., :n_events] for k in batches[0]}


def _nothing_accepted(found: int, wanted: int, what: str) -> SettingProblem:
    tried = _BARREN_BATCHES * PROPOSALS_PER_BATCH
    return SettingProblem(
        "simulation",
        "thresholds",
        f"none of the last {tried} tried {what} events passed ({found} of {wanted} found). "
        "Raise the source energy, lower min_light_MeVee or min_deposit_MeV, or move the bars",
    )


def first_cells(flights: FlightTable, uniform: F8) -> I8:
    """Pieces of the first scatter, from one uniform number each."""
    cells = np.searchsorted(flights.first_cdf, uniform, side="right")
    return np.minimum(cells, len(flights.first_cdf) - 1)


def next_cells(flights: FlightTable, flight: int, cells: I8, uniform: F8) -> I8:
    """Pieces of the next scatter after ``flight``, from one uniform number each."""
    m = len(flights.first_cdf)
    flat = np.searchsorted(flights.next_cdf[flight], cells + uniform, side="right")
    return np.clip(flat - cells * m, 0, m - 1)


def points_cm(cells: Cells, chosen: I8, uniform: F8) -> F8:
    """Points within the pieces, shape (3, n), from three uniform numbers each."""
    return np.asarray(cells.low_cm[chosen].T + cells.size_cm[chosen].T * uniform)


def source_weight(flights: FlightTable, cells: I8, distance_cm: F8) -> F8:
    """1/distance^2 relative to the proposal, at most 1."""
    d2 = np.maximum(distance_cm * distance_cm, 1e-300)
    return np.minimum(flights.source_gap2_cm2[cells] / d2, 1.0)


def flight_weight(flights: FlightTable, before: I8, after: I8, distance_cm: F8) -> F8:
    """1/distance^2 relative to the proposal, at most 1; 0 for a flight that is too short."""
    long_enough = distance_cm >= flights.min_flight_cm
    d2 = np.where(long_enough, distance_cm * distance_cm, np.inf)
    return np.minimum(flights.gap2_cm2[before, after] / d2, 1.0)
