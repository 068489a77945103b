"""From the frames of the graph to the arrays of the store."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from radiograph.drivers.lightdqm.records import record_of
from radiograph.drivers.lightdqm.store import RunStore
from radiograph.schemas.lightdqm.arrays import PowerSpectra
from radiograph.schemas.lightdqm.frames import (
    BASELINE_SUMMARY,
    DQM_FRACTIONS,
    NOISE_SUMMARY,
    TRIGGER_COUNTS,
)

from .conftest import arrays_of, record, verdict

PLACES = [(a, c) for a in range(2) for c in range(64)]


def summary(table: Any, scale: float) -> pd.DataFrame:
    """Each channel has its own numbers."""
    number = np.arange(128.0)
    return table.frame(
        {
            "adc": [a for a, _ in PLACES],
            "channel": [c for _, c in PLACES],
            "median_adc16": scale * number,
            "p16_adc16": scale * number - 1,
            "p84_adc16": scale * number + 2,
            "n": np.arange(128),
            "source": ["self"] * 128,
        }
    )


def fractions() -> pd.DataFrame:
    """Two channels that have numbers; the others have no row."""
    rows = [
        ("clipped", "beam", "epcb", 1, 20, 2, 9, 3),
        ("negative", "self", "total", 0, 4, 0, 50, 0),
    ]
    names = ["quantity", "trigger", "granularity", "adc", "channel", "group", "n", "k"]
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    nothing = {"fraction": [0.1, 0.0], "lower": [0.0, 0.0], "upper": [1.0, 1.0]}
    return DQM_FRACTIONS.frame({**columns, **nothing, "status": ["ok", "ok"]})


def found(n_bins: int) -> dict[str, Any]:
    frequency = np.arange(n_bins) * 0.0625
    power = np.arange(2 * 64 * n_bins, dtype=float).reshape(2, 64, n_bins)
    return {
        "noise_summary": summary(NOISE_SUMMARY, 0.5),
        "baseline_summary": summary(BASELINE_SUMMARY, -100.0),
        "dqm_fractions": fractions(),
        "power_spectra": PowerSpectra(
            frequency, 2 * power, power, np.ones((2, 64), np.int32), 1 / 32768
        ),
        "dqm_verdict": verdict({"dead": "0/5"}),
        "trigger_counts": TRIGGER_COUNTS.frame(
            {"trigger": ["self"], "n_events": [5], "n_selected": [3]}
        ),
    }


def test_every_number_is_at_its_place(store: RunStore) -> None:
    identity = record().identity
    store.add(record_of(identity, "/data/x", found(501)))
    (run,) = store.runs()
    arrays = arrays_of(store, run.run_id)
    assert arrays["noise.median"][1, 3] == 0.5 * 67
    assert arrays["baseline.p16"][1, 3] == -100.0 * 67 - 1
    assert arrays["baseline.p84"][0, 7] == -100.0 * 7 + 2
    assert arrays["noise.n"][1, 63] == 127
    k, n = arrays["clipped.beam.epcb.k"], arrays["clipped.beam.epcb.n"]
    assert (k[1, 20], n[1, 20], k.sum(), n.sum()) == (3, 9, 3, 9)
    assert arrays["negative.self.total.n"][0, 4] == 50
    assert not arrays["negative.beam.tpc.n"].any()
    # Bins of 62.5 kHz: 0.5 MHz is bin 8, 1.8 MHz the nearest of 28.8, 30 MHz bin 480.
    for label, place in (("0_5", 8), ("1_8", 29), ("30_0", 480)):
        assert arrays[f"spectrum.{label}.median"][0, 0] == place
        assert arrays[f"spectrum.{label}.mean"][1, 2] == 2 * (66 * 501 + place)
    assert store.rows("triggers", [run.run_id])["n_events"].tolist() == [5]
    assert store.rows("verdict", [run.run_id])["channels"].tolist() == ["0/5", ""]


def test_without_a_spectrum_there_is_no_power() -> None:
    arrays = record_of(record().identity, "/data/x", found(0)).arrays
    assert not [name for name in arrays if name.startswith("spectrum")]
