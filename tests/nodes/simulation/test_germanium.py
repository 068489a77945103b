"""Simulated germanium: seeds, strengths of lines, physics of the truth, waveforms, its imports."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import radiograph.nodes.simulation as simulation
from germanium_data import TEST_STAND_RAW, reference
from radiograph.drivers.germanium.simulation import germanium_simulation_pipeline, simulated
from radiograph.drivers.graph import build_driver
from radiograph.nodes.simulation.germanium_events import detector_constants
from radiograph.schemas.germanium_simulation import BAD, GermaniumSimulationSettings

N = 30_000


def _made(index: int = 0, **settings: Any) -> dict[str, Any]:
    own = GermaniumSimulationSettings(**{"seed": 2, "n_events": 300, **settings})
    return simulated(own, index, detector_constants(own, index))


@cache
def _truth(**settings: Any) -> pd.DataFrame:
    """The truth alone, without waveforms."""
    own = GermaniumSimulationSettings(**{"seed": 2, "n_events": N, **settings})
    driver = build_driver(germanium_simulation_pipeline(), {})
    inputs = {"settings": own, "channel_index": 0, "constants": detector_constants(own, 0)}
    table: pd.DataFrame = driver.execute(["germanium_truth"], inputs=inputs)["germanium_truth"]
    return table


def test_a_seed_gives_the_same_bytes() -> None:
    """And a detector is the same whatever stands beside it."""
    one, again, beside = _made(1), _made(1), _made(1, n_channels=3)
    other = _made(1, seed=3)
    for name in ("presummed", "windowed"):
        waves = getattr(one["raw_waveforms"], name)
        assert waves.tobytes() == getattr(again["raw_waveforms"], name).tobytes()
        assert waves.tobytes() == getattr(beside["raw_waveforms"], name).tobytes()
        assert waves.tobytes() != getattr(other["raw_waveforms"], name).tobytes()
        assert waves.tobytes() != getattr(_made(0)["raw_waveforms"], name).tobytes()
    pd.testing.assert_frame_equal(one["germanium_truth"], again["germanium_truth"])
    assert len(_made(n_events=0)["germanium_truth"]) == 0
    assert _made(n_events=1)["raw_waveforms"].presummed.shape == (1, 781)


def test_it_shares_nothing_with_the_analysis_but_the_lines() -> None:
    (folder,) = simulation.__path__
    files = [*Path(folder).glob("germanium*.py"), Path(folder) / "kernels" / "germanium.py"]
    assert len(files) == 3
    for path in files:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                assert "germanium" not in module or module.endswith(
                    ("schemas.germanium.lines", "schemas.germanium_simulation",
                     "kernels.germanium", "germanium_events")
                ), (path.name, module)  # fmt: skip
                assert node.level < 3 or module.startswith("schemas"), (path.name, module)


@pytest.mark.parametrize(
    ("line", "share", "single"),
    [
        (2614.511, 0.12, 0.11),
        (583.191, 0.07, 0.4),
        (2103.511, 0.016, 0.06),
        (1592.511, 0.006, 0.97),
    ],
)
def test_strengths_of_lines_and_their_sites(line: float, share: float, single: float) -> None:
    """Shares and single-site probabilities of the specification, within 3.5 standard deviations."""
    truth = _truth(bad_fraction=0.0)
    own = truth[np.abs(truth["line_keV"] - line) < 0.1]
    assert len(own) == pytest.approx(N * share, abs=3.5 * np.sqrt(N * share * (1.0 - share)))
    error = np.sqrt(single * (1.0 - single) / len(own))
    assert (own["n_sites"] == 1).mean() == pytest.approx(single, abs=3.5 * error)
    assert own["n_sites"].between(1, 4).all()
    many = (np.abs(_truth(bad_fraction=0.0, enriched=True)["line_keV"] - line) < 0.1).sum()
    wanted = share * (10.0 if line == 1592.511 else 1.0)
    assert many == pytest.approx(N * wanted, abs=3.5 * np.sqrt(N * wanted * (1.0 - wanted)))


def test_charges_fluctuate_and_are_trapped() -> None:
    """sigma^2 = F e E: 0.97 keV at 2614.5 keV; lost is alpha times the drift time."""
    settings = GermaniumSimulationSettings(seed=2, n_events=N)
    constants = detector_constants(settings, 0)
    truth = _truth(bad_fraction=0.0)
    full = truth[np.abs(truth["line_keV"] - 2614.511) < 0.1]
    assert full["deposited_keV"].mean() == pytest.approx(2614.511, abs=0.06)
    assert full["deposited_keV"].std() == pytest.approx(
        np.sqrt(0.122 * 2.96e-3 * 2614.511), rel=0.05
    )
    single_escape = truth[np.abs(truth["line_keV"] - 2103.511) < 0.1]["deposited_keV"]
    expected = np.sqrt(0.122 * 2.96e-3 * 2103.5 + 0.95**2)
    assert single_escape.std() == pytest.approx(expected, rel=0.12)
    lost = 1.0 - truth["collected_keV"] / truth["deposited_keV"]
    np.testing.assert_allclose(lost, constants.trapping_per_ns * truth["drift_ns"], rtol=1e-6)
    assert 4e-7 <= constants.trapping_per_ns <= 6e-7
    assert truth["start_ns"].between(45_000.0, 49_000.0).all()


def test_what_is_wrong_has_its_share() -> None:
    counts = _truth(bad_fraction=0.04)["bad"].value_counts(normalize=True)
    error = 3.5 * np.sqrt(0.02 / N)
    for name in ("pile_up", "earlier_tail"):
        assert counts[BAD.index(name)] == pytest.approx(0.02, abs=error)
    assert counts[BAD.index("discharge")] == pytest.approx(0.001, abs=7e-4)
    assert set(_truth(bad_fraction=0.0)["bad"]) <= {
        0,
        BAD.index("discharge"),
        BAD.index("negative"),
    }


def test_presummed_samples_are_sums_of_eight() -> None:
    """The window begins at sample 2625: its eighth is the first of presummed sample 329."""
    waves = _made()["raw_waveforms"]
    inner = waves.windowed[:, 7 : 7 + 8 * 174].astype(np.int64).reshape(300, 174, 8).sum(axis=2)
    np.testing.assert_array_equal(waves.presummed[:, 329 : 329 + 174], inner)


def _rise_ns(waves: np.ndarray) -> np.ndarray:
    """Time from 10 to 90 % of tall pulses of 16 ns a sample, (n,)."""
    flat = waves - waves[:, :300].mean(axis=1, keepdims=True)
    flat = flat[flat.max(axis=1) > 3000.0]
    smooth = np.lib.stride_tricks.sliding_window_view(flat, 5, axis=1).mean(axis=2)
    top = smooth.max(axis=1, keepdims=True)
    high = np.argmax(smooth >= 0.9 * top, axis=1)
    before = np.arange(smooth.shape[1]) <= high[:, None]
    low = np.where((smooth < 0.1 * top) & before, np.arange(smooth.shape[1]), 0).max(axis=1)
    return np.asarray(16.0 * (high - low))


def test_pulses_rise_as_real_ones() -> None:
    """From 5 to 95 % of the simulated ones within the same of 64 of a test stand."""
    own = _rise_ns(_made(bad_fraction=0.0)["raw_waveforms"].windowed.astype(np.float64))
    with h5py.File(reference(TEST_STAND_RAW)) as file:
        real = _rise_ns(file["geds/raw/waveform/values"][()].astype(np.float64))
    assert len(real) == 64
    assert len(own) > 150
    low, high = np.percentile(real, [5.0, 95.0])
    assert low < np.percentile(own, 5.0) < np.percentile(own, 95.0) < high
