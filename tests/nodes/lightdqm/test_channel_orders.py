"""Inputs in another order, told by those without a sensor; waveforms that come again."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from radiograph.nodes.lightdqm.grouping import HAS_SENSOR

from .conftest import quiet

N, LIT, ROWS = 60, 6000, 40


@pytest.fixture(scope="module")
def lit() -> NDArray[np.int16]:
    """Light on all sensors of both ADCs in the first 40 of 60 events."""
    samples = quiet(np.random.default_rng(4), N, n_samples=90)
    samples[:ROWS, :, HAS_SENSOR, 60:70] += np.int16(LIT)
    samples.flags.writeable = False
    return samples


def orders(ask: Any, path: Any) -> Any:
    return ask(path, "channel_orders").set_index("adc")


def test_light_where_there_are_sensors(lit: Any, write: Any, ask: Any) -> None:
    found = orders(ask, write(lit))
    assert found["order"].tolist() == ["as_mapped", "as_mapped"]
    assert found["n"].tolist() == [ROWS, ROWS]
    assert found["n_inputs"].tolist() == [15, 16]  # ADC 0 has the beam monitor
    assert found["n_lit"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("source", "order", "shift"),
    [
        (np.arange(64)[::-1], "reversed", 0),
        ((np.arange(64) - 1) % 64, "shifted", 1),
        ((np.arange(64) + 2) % 64, "shifted", -2),
        ((np.arange(64) - 8) % 64, "shifted", 8),
        (np.arange(64).reshape(8, 8).T.ravel(), "other", 0),
    ],
)
def test_the_order_that_fits(
    lit: Any, write: Any, ask: Any, source: Any, order: str, shift: int
) -> None:
    samples = lit.copy()
    samples[:, 1] = lit[:, 1][:, source]
    found = orders(ask, write(samples))
    assert found.loc[0, "order"] == "as_mapped"
    assert (found.loc[1, "order"], found.loc[1, "shift"]) == (order, shift)


def test_dead_channels_and_one_bright_input_are_no_order(lit: Any, write: Any, ask: Any) -> None:
    samples = lit.copy()
    samples[:, 1, 4:20] = quiet(np.random.default_rng(5), N, 1, 90)[:, 0, :16]
    samples[:ROWS, 1, 16, 60:70] += np.int16(LIT)
    assert orders(ask, write(samples)).loc[1, ["order", "n_lit"]].tolist() == ["as_mapped", 1]


def test_without_light_nothing_is_told(lit: Any, write: Any, ask: Any) -> None:
    for part in (lit[ROWS:], lit[:1]):
        found = orders(ask, write(part))
        assert set(found["order"]) == {"as_mapped"}
        assert found["n_lit"].tolist() == [0, 0]


def test_a_waveform_that_comes_again_counts(lit: Any, write: Any, ask: Any) -> None:
    samples = lit.copy()
    samples[31:40, 1, 20] = samples[30, 1, 20]
    found = ask(write(samples), "channel_history", blocks=2)
    rows = found[(found["adc"] == 1) & (found["channel"] == 20)]
    assert rows["n_repeated"].tolist() == [0, 9]
    assert found["n_repeated"].sum() == 9


def test_an_event_that_stands_twice_is_no_stuck_buffer(lit: Any, write: Any, ask: Any) -> None:
    samples = lit.copy()
    samples[31] = samples[30]
    path = write(samples)
    assert ask(path, "channel_history")["n_repeated"].sum() == 96
    with h5py.File(path, "r+") as file:
        rows = file["light/events/data"][:]
        rows["event"][31] = rows["event"][30]
        file["light/events/data"][:] = rows
    assert ask(path, "channel_history")["n_repeated"].sum() == 0
