"""A pulser: found by its period, named by a mask, and left out where that is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from germanium_channel import Channel
from germanium_toy import toy_channel
from radiograph.drivers.files import file_ref
from radiograph.drivers.germanium.simulation import simulated
from radiograph.nodes.germanium.periodic_lines import periodic_line
from radiograph.nodes.germanium.pulser_masks import mask_of
from radiograph.nodes.germanium.pulsers import (
    pulser_line__found,
    pulser_line__given,
    pulser_line__kept,
    pulser_times_s,
    trigger_energies__of_dsp,
)
from radiograph.nodes.simulation.germanium_events import detector_constants
from radiograph.schemas.errors import InputError, Unfit
from radiograph.schemas.germanium_simulation import BAD, GermaniumSimulationSettings
from radiograph.schemas.sources import FileRefs


def _triggers(period_s: float, n: int = 6000, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """A source of 20 Hz with a line, and a pulser within that line; which rows are its."""
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.exponential(0.05, n))
    energy = np.where(rng.random(n) < 0.2, rng.normal(24_000, 10, n), rng.uniform(500, 30_000, n))
    ticks = np.arange(period_s, time[-1], period_s)
    time = np.concatenate([time, ticks])
    energy = np.concatenate([energy, rng.normal(26_000, 8, len(ticks))])
    order = np.argsort(time)
    of_pulser = (np.arange(len(time)) >= n)[order]
    return pd.DataFrame({"time_s": time[order], "energy_adc": np.rint(energy[order])}), of_pulser


def test_a_pulser_is_found_by_its_period() -> None:
    rows, of_pulser = _triggers(2.0)
    kept = rows.copy()
    found = pulser_line__kept(rows)
    assert found.period_s == pytest.approx(2.0, rel=1e-6)
    assert found.energy_adc == pytest.approx(26_000, abs=5)
    assert not found.is_cut
    assert len(pulser_times_s(found)) == 0
    cut = pulser_times_s(pulser_line__found(rows))
    named = np.isin(rows["time_s"], cut)
    assert (named & of_pulser).sum() >= 0.97 * of_pulser.sum()
    assert not (named & ~of_pulser).any()
    pd.testing.assert_frame_equal(rows, kept)
    # Rows in another order, and some without a time, are the same line.
    mixed = rows.sample(frac=1.0, random_state=1)
    assert pulser_line__kept(mixed).period_s == found.period_s
    mixed.loc[0, "time_s"] = np.nan
    assert len(pulser_line__kept(mixed).times_s) >= len(found.times_s) - 2


@pytest.mark.parametrize("seed", range(5))
def test_a_source_has_no_period(seed: int) -> None:
    rows, of_pulser = _triggers(2.0, seed=seed)
    source = rows[~of_pulser]
    assert (
        len(periodic_line(source["time_s"].to_numpy(), source["energy_adc"].to_numpy()).times_s)
        == 0
    )


@pytest.mark.parametrize("n", [0, 1, 10])
def test_few_triggers_have_no_pulser(n: int) -> None:
    rows, _ = _triggers(2.0)
    assert len(pulser_line__found(rows.head(n)).times_s) == 0
    assert not pulser_line__found(rows.head(n)).is_cut


def test_the_pulser_of_the_simulation() -> None:
    settings = GermaniumSimulationSettings(seed=2, n_events=1500, pulser_Hz=0.5, bad_fraction=0.0)
    found = simulated(settings, 0, detector_constants(settings, 0))
    truth, read = found["germanium_truth"], found["raw_scalars"]
    line = periodic_line(read["timestamp"], read["daqenergy"].astype(np.float64))
    of_pulser = truth["bad"].to_numpy() == BAD.index("pulser")
    assert of_pulser.sum() == pytest.approx(0.5 * 1500 / 20.0, abs=8)
    assert line.period_s == pytest.approx(2.0, rel=1e-6)
    assert np.isin(read["timestamp"][of_pulser], line.times_s).mean() > 0.9
    assert (np.diff(read["timestamp"]) >= 0.0).all()


def test_masks_of_files(tmp_path: Path) -> None:
    """One after the other, of all channels or by name; another length ends the channel."""
    (tmp_path / "a.yaml").write_text("mask: [true, false, false]\n")
    (tmp_path / "b.json").write_text(json.dumps({"V1": {"mask": [False, True]}}))
    files = FileRefs(tuple(file_ref(tmp_path / name) for name in ("a.yaml", "b.json")))
    mask = mask_of(files, "ch1", {"ch1": "V1"}, 5)
    assert mask.tolist() == [True, False, False, False, True]
    rows = pd.DataFrame({"time_s": [5.0, 4.0, 3.0, 2.0, 1.0], "energy_adc": [1.0] * 5})
    line = pulser_line__given(rows, files, "ch1", {"ch1": "V1"})
    assert pulser_times_s(line).tolist() == [1.0, 5.0]
    with pytest.raises(Unfit, match="5 values, the channel 6 rows") as raised:
        mask_of(files, "ch1", {"ch1": "V1"}, 6)
    assert raised.value.code == "mask_length"
    with pytest.raises(InputError, match="holds no mask"):
        mask_of(files, "ch2", {}, 5)
    (tmp_path / "c.yaml").write_text("mask: [1.5]\n")
    with pytest.raises(InputError, match="holds no mask"):
        mask_of(FileRefs((file_ref(tmp_path / "c.yaml"),)), "ch1", {}, 1)


def test_calibrations_leave_a_pulser_out() -> None:
    frame = toy_channel()
    times = frame["timestamp"].to_numpy()[:500]
    one, other = Channel(frame), Channel(frame, pulser_times_s=times)
    assert not other["calibration_rows"][:500].any()
    assert np.array_equal(one["calibration_rows"][500:], other["calibration_rows"][500:])
    triggers = trigger_energies__of_dsp(frame)
    assert np.array_equal(triggers["energy_adc"], frame["trapEmax"])
    bare = trigger_energies__of_dsp(frame.drop(columns="timestamp"))
    assert bare["time_s"].isna().all()
