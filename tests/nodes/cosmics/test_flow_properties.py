"""Cut flows against their definitions, by loops over random masks; intervals over toys."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.cosmics.bits import flow_counts, is_unvetoed
from radiograph.nodes.simulation.cosmics_events import cosmics_streams, veto_seen
from radiograph.nodes.statistics.intervals import wilson
from radiograph.schemas.cosmics.cuts import CUTS, CutInEffect, CutsInEffect
from radiograph.schemas.sources import EventRange

N_CUTS = 6


@st.composite
def events_with_masks(draw: Any) -> tuple[list[list[list[bool]]], list[bool]]:
    """Of each event its tracks, of each track which cuts it passes; and which cuts are on."""
    track = st.lists(st.booleans(), min_size=N_CUTS, max_size=N_CUTS)
    events = draw(st.lists(st.lists(track, max_size=4), max_size=12))
    return events, draw(st.lists(st.booleans(), min_size=N_CUTS, max_size=N_CUTS))


def in_effect(active: list[bool]) -> CutsInEffect:
    items = zip(CUTS[:N_CUTS], active, strict=True)
    return CutsInEffect("made", True, tuple(CutInEffect(cut, on, "") for cut, on in items))


def counted(events: list[list[list[bool]]], cuts: list[int]) -> tuple[int, int]:
    """Events with a track that passes all of some cuts, and such tracks: the definition."""
    passing = [[all(track[c] for c in cuts) for track in event] for event in events]
    return sum(any(event) for event in passing), sum(sum(event) for event in passing)


@given(events_with_masks())
def test_every_count_is_that_of_its_definition(
    case: tuple[list[list[list[bool]]], list[bool]],
) -> None:
    events, active = case
    tracks = [track for event in events for track in event]
    bits = np.asarray([sum(on << k for k, on in enumerate(t)) for t in tracks], dtype=np.uint32)
    rows = np.asarray([k for k, event in enumerate(events) for _ in event], dtype=np.int64)
    of_events, of_tracks = flow_counts(bits, rows, len(events), in_effect(active))
    on = [k for k in range(N_CUTS) if active[k]]
    assert of_events.cumulative[0] == len(events)
    assert of_tracks.cumulative[0] == len(tracks)
    for i, cut in enumerate(on):
        so_far = counted(events, on[: i + 1])
        assert (of_events.cumulative[i + 1], of_tracks.cumulative[i + 1]) == so_far
        for flow, which in ((of_events, 0), (of_tracks, 1)):
            assert flow.individual is not None
            assert flow.n_minus_one is not None
            assert flow.individual[i] == counted(events, [cut])[which]
            others = [c for c in on if c != cut]
            assert flow.n_minus_one[i] == counted(events, others)[which]
            assert flow.individual[i] >= flow.cumulative[i + 1]
            assert flow.n_minus_one[i] >= flow.cumulative[-1]


@given(
    st.lists(st.lists(st.floats(-200, 300) | st.just(float("nan")), max_size=4), max_size=10),
    st.floats(-200, 100),
    st.floats(0.1, 300),
    st.floats(0, 50),
)
def test_windows_are_nested(times: list[list[float]], lo: float, width: float, more: float) -> None:
    import pandas as pd

    table = pd.DataFrame(
        {
            "event_row": np.asarray([k for k, ts in enumerate(times) for _ in ts], dtype=np.int64),
            "dT_ns": np.asarray([t for ts in times for t in ts], dtype=np.float64),
        }
    )
    n, hi = len(times), lo + width
    inner = is_unvetoed(table, n, lo, hi)
    outer = is_unvetoed(table, n, lo - more, hi + more)
    # What the wider window lets by, the narrower one lets by as well.
    assert not (outer & ~inner).any()
    assert inner.tolist() == [not any(lo < t < hi for t in ts) for ts in times]


@pytest.mark.parametrize(("inefficiency", "n"), [(0.04, 1500), (0.3, 400)])
def test_intervals_cover_the_planted_inefficiency(inefficiency: float, n: int) -> None:
    unseen = []
    for seed in range(2000):
        events = EventRange(0, n)
        streams = cosmics_streams(seed, 1202, 0, events)
        unseen.append(n - int(veto_seen(events, "cosmic", inefficiency, streams).sum()))
    lower, upper = wilson(np.asarray(unseen), np.full(2000, n), 1.0)
    covered = ((lower <= inefficiency) & (inefficiency <= upper)).mean()
    assert 0.65 <= covered <= 0.71
