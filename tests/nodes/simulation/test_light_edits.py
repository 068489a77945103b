"""Faults with a span of events, and those of samples and rows: what changes, and what does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from radiograph.drivers.lightdqm.simulation import LightSimulation
from radiograph.nodes.simulation.light_edits import next_channel
from radiograph.nodes.simulation.light_rows import faulty_rows, waveform_places
from radiograph.schemas.light_faults import Fault, PlantedFault
from radiograph.schemas.light_simulation import LightSimulationSettings

N = 8


def samples(*faults: dict[str, Any]) -> np.ndarray:
    settings = LightSimulationSettings.model_validate(
        {"n_samples": 120, "n_adcs": 4, "n_events": N, "faults": list(faults)}
    )
    return LightSimulation(settings).samples(0, N)


SOUND = samples()


@pytest.mark.parametrize("kind", ["dead", "railed_top", "noisy", "baseline_band", "gain"])
def test_a_span_leaves_the_other_events_alone(kind: str) -> None:
    found = samples({"kind": kind, "adc": 1, "begin": 0.5, "end": 0.75})
    same = (found == SOUND).all(axis=(1, 2, 3))
    assert same[[0, 1, 2, 3, 6, 7]].all()
    assert not same[4] or not same[5]
    assert (found[:, [0, 2, 3]] == SOUND[:, [0, 2, 3]]).all()


def test_a_drift_ends_at_its_value_and_stays() -> None:
    found = samples({"kind": "drift", "adc": 1, "channel": 20, "value": 400, "end": 0.5})
    moved = (found.astype(int) - SOUND)[:, 1, 20, 0]
    assert moved.tolist() == [0, 132, 268, 400, 400, 400, 400, 400]


def test_order_of_events_boards_and_channels() -> None:
    late = samples({"kind": "off_by_one", "adc": 1, "begin": 0.5})
    assert (late[4:, 1] == SOUND[3:-1, 1]).all()
    assert (late[:4] == SOUND[:4]).all()
    settings = LightSimulationSettings.model_validate(
        {"n_samples": 120, "n_adcs": 4, "n_events": N, "faults": [{"kind": "off_by_one", "adc": 1}]}
    )
    run = LightSimulation(settings)
    parts = np.concatenate([run.samples(0, 3), run.samples(3, 5)])
    assert (parts == run.samples(0, N)).all()
    swapped = samples({"kind": "swapped", "adc": 0, "value": 2})
    assert (swapped[:, [2, 1, 0, 3]] == SOUND).all()
    copied = samples({"kind": "copy", "adc": 2, "channel": 15})
    assert next_channel(15) == 20
    assert (copied[:, 2, 15] == SOUND[:, 2, 20]).all()


def test_a_buffer_that_sticks_and_inputs_in_reverse() -> None:
    stuck = [{"kind": "stuck_buffer", "adc": 1, "begin": 0.25, "end": 0.75}]
    found = samples(*stuck)
    assert (found[2:6, 1] == SOUND[2, 1]).all()
    assert (found[[0, 1, 6, 7]] == SOUND[[0, 1, 6, 7]]).all()
    assert (found[:, [0, 2, 3]] == SOUND[:, [0, 2, 3]]).all()
    settings = LightSimulationSettings.model_validate(
        {"n_samples": 120, "n_adcs": 4, "n_events": N, "faults": stuck}
    )
    assert (LightSimulation(settings).samples(4, 4) == found[4:]).all()
    backwards = samples({"kind": "reversed", "adc": 2})
    assert (backwards[:, 2] == SOUND[:, 2, ::-1]).all()
    assert (backwards[:, [0, 1, 3]] == SOUND[:, [0, 1, 3]]).all()


@pytest.mark.parametrize(
    ("kind", "back"),
    [
        ("unshifted", lambda s: s * 4),
        ("offset_binary", lambda s: (s - 8192) * 4),
        ("byte_order", lambda s: s.byteswap()),
        ("zeros", lambda s: s + SOUND),
    ],
)
def test_codings_can_be_undone(kind: str, back: Any) -> None:
    assert (back(samples({"kind": kind})) == SOUND).all()


def rows() -> np.ndarray:
    table = np.zeros(
        N, [("event", "i4"), ("sn", "i4", 4), ("utime_ms", "u8", 4), ("tai_ns", "u8", 4)]
    )
    table["event"] = np.arange(N)
    table["sn"] = np.arange(10, 14)
    table["utime_ms"] = 1_757_246_400_000 + 600 * np.arange(N)[:, None]
    table["tai_ns"] = table["utime_ms"] * 1_000_000
    return table


def fault(kind: str, value: float, adc: int = -1, begin: float = 0.0) -> PlantedFault:
    return PlantedFault(kind, adc, -1, value, False, begin, 1.0)


def test_rows_with_faults() -> None:
    table = rows()
    swapped = faulty_rows(table, [fault("swapped", 2.0, adc=0)])
    assert swapped["sn"][0].tolist() == [12, 11, 10, 13]
    twice = faulty_rows(table, [fault("duplicated", 0.25)])
    assert twice["event"].tolist() == [0, 0, 2, 3, 4, 4, 6, 7]
    lost = faulty_rows(table, [fault("lost", 1000.0, begin=0.5)])
    assert np.diff(lost["event"]).tolist() == [1, 1, 1, 1001, 1, 1, 1]
    frozen = faulty_rows(table, [fault("tai_frozen", 0.0, adc=1, begin=0.5)])
    assert (np.diff(frozen["tai_ns"][:, 1].astype(int)) == 0).tolist() == [False] * 4 + [True] * 3
    ahead = faulty_rows(table, [fault("tai_ahead", 5000.0, adc=1)])
    assert (ahead["tai_ns"] - table["tai_ns"])[0].tolist() == [0, 5_000_000_000, 0, 0]
    assert faulty_rows(table, [fault("seconds", 1000.0)])["utime_ms"][0, 0] == 1_757_246_400
    assert faulty_rows(table, [fault("future", 20.0)])["utime_ms"][0, 0] > 2_300_000_000_000
    gap = faulty_rows(table, [fault("gap", 7.2e6, begin=0.5)])
    assert np.diff(gap["utime_ms"][:, 0].astype(int)).max() == 7_200_600
    assert (table == rows()).all()
    assert sorted(waveform_places(N, [fault("permuted", 0.0)])) == list(range(N))
    assert waveform_places(N, []).tolist() == list(range(N))


def test_spans_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="ends too early"):
        Fault(kind="dead", begin=0.7, end=0.7)
    with pytest.raises(ValueError, match="leave the span out"):
        Fault(kind="tone", begin=0.5)
    with pytest.raises(ValueError, match="acts on all ADCs"):
        Fault(kind="zeros", adc=1)
