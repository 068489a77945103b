"""Rows of parents and the ancestors of tracks against loops over rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from radiograph.nodes.cosmics.chains import primary_rows
from radiograph.nodes.cosmics.ragged import rows_of_parents
from radiograph.nodes.cosmics.verdict import subruns_seen
from radiograph.schemas.cosmics.frames import EVENT_NUMBERS, TRUE_PARTICLES


def particles(rng: np.random.Generator, n_tracks: int) -> pd.DataFrame:
    parents = np.repeat(np.arange(n_tracks), rng.integers(0, 5, n_tracks))
    columns = {c.name: np.zeros(len(parents)) for c in TRUE_PARTICLES.columns}
    # Few values: several of the greatest momentum, and some that are no number.
    momenta = rng.choice([1.0, 2.0, 3.0, np.nan], len(parents))
    ranks = rng.choice([-1, 0, 1], len(parents))
    return TRUE_PARTICLES.frame(
        columns | {"track_row": parents, "rank": ranks, "pz_MeV": momenta.astype(np.float32)}
    )


def ancestor_looped(frame: pd.DataFrame, track: int) -> int:
    best, most = -1, -np.inf
    for row in np.flatnonzero(frame["track_row"] == track):
        if frame["rank"][row] != -1:
            continue
        momentum = float(frame["pz_MeV"][row])
        if best < 0 or momentum > most:
            best, most = int(row), -np.inf if np.isnan(momentum) else momentum
    return best


def test_the_ancestor_is_the_first_of_most_momentum() -> None:
    frame = particles(np.random.default_rng(3), 200)
    tracks = np.arange(200)
    assert primary_rows(frame, tracks).tolist() == [ancestor_looped(frame, t) for t in tracks]
    some = np.array([3, 50, 51])
    assert primary_rows(frame, some).tolist() == [ancestor_looped(frame, t) for t in some]
    assert primary_rows(TRUE_PARTICLES.empty(), some).tolist() == [-1, -1, -1]


def test_rows_of_parents() -> None:
    rows, place = rows_of_parents(np.array([0, 0, 2, 5, 5, 5]), np.array([0, 1, 5]))
    assert (rows.tolist(), place.tolist()) == ([0, 1, 3, 4, 5], [0, 0, 2, 2, 2])
    for parents, wanted in (([], [1]), ([1], []), ([], [])):
        rows, place = rows_of_parents(np.array(parents, np.int64), np.array(wanted, np.int64))
        assert len(rows) == len(place) == 0


def test_subruns_of_any_number_are_told_apart() -> None:
    pairs = [(1, -1), (1, 2), (-7, 2**31 - 1), (2**31 - 1, -(2**31)), (1, 2)]
    run, subrun = np.array(pairs, np.int64).T
    none = dict.fromkeys(EVENT_NUMBERS.names, np.zeros(len(pairs)))
    found = subruns_seen(EVENT_NUMBERS.frame(none | {"run": run, "subrun": subrun}))
    told = list(zip(found["run"], found["subrun"], found["n_events"], strict=True))
    assert told == [(*pair, pairs.count(pair)) for pair in sorted(set(pairs))]
