"""The map of the detector: partitions, and the ranges that the specification prints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from radiograph.nodes.lightdqm.columns import of_board, others_on_board, others_on_side
from radiograph.nodes.lightdqm.grouping import (
    CHANNELS_OF_EPCB,
    EPCB_OF_CHANNEL,
    HAS_SENSOR,
    active_channels,
    tpc_numbers,
)
from radiograph.schemas.lightdqm.arrays import LightLayout


def layout(n_adcs: int, **given: Any) -> LightLayout:
    values = {"rwm_adc": -1, "rwm_channel": -1, **given}
    return LightLayout(
        n_events=1, n_adcs=n_adcs, n_channels=64, n_samples=100, sample_ns=16.0, fields=(), **values
    )


def test_boards_partition_the_active_channels() -> None:
    """4-9, 10-15, 20-25, 26-31, 36-41, 42-47, 52-57, 58-63: section 1.4 of the specification."""
    first = (4, 10, 20, 26, 36, 42, 52, 58)
    assert CHANNELS_OF_EPCB.tolist() == [list(range(c, c + 6)) for c in first]
    assert sorted(CHANNELS_OF_EPCB.ravel()) == np.flatnonzero(HAS_SENSOR).tolist()
    assert HAS_SENSOR.sum() == 48
    assert (EPCB_OF_CHANNEL[~HAS_SENSOR] == -1).all()
    for g, channels in enumerate(CHANNELS_OF_EPCB):
        assert (EPCB_OF_CHANNEL[channels] == g).all()


@pytest.mark.parametrize("n_adcs", [2, 4, 8])
def test_tpcs_partition_the_active_channels(n_adcs: int) -> None:
    tpc, active = tpc_numbers(layout(n_adcs)), active_channels(layout(n_adcs))
    assert active.sum(axis=1).tolist() == [48] * n_adcs
    for t in range(n_adcs):
        adcs, channels = np.nonzero((tpc == t) & active)
        assert len(adcs) == 48
        assert set(adcs) == {2 * (t // 2), 2 * (t // 2) + 1}
        assert set(channels >= 32) == {bool(t % 2)}


def test_arrays_are_read_only() -> None:
    for array in (HAS_SENSOR, EPCB_OF_CHANNEL, CHANNELS_OF_EPCB):
        assert not array.flags.writeable


def test_neighbours(rng: np.random.Generator) -> None:
    marked = rng.random((5, 3, 64)) < 0.4
    boards, others, side = of_board(marked), others_on_board(marked), others_on_side(marked)
    for c in range(64):
        half = range(32) if c < 32 else range(32, 64)
        expected = sum(marked[..., x].astype(int) for x in half if x != c)
        assert np.array_equal(side[..., c], expected)
        if c % 16 < 4:
            assert not others[..., c].any()
            continue
        same = [x for x in CHANNELS_OF_EPCB[EPCB_OF_CHANNEL[c]] if x != c]
        assert np.array_equal(others[..., c], marked[..., same].sum(axis=-1))
    assert boards.sum() == marked[..., HAS_SENSOR].sum()
