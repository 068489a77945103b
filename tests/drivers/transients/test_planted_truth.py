"""What was planted comes back: amplitudes, decays and marks of simulated recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.drivers import pipeline
from radiograph.drivers.transients.simulation import write_campaign
from radiograph.schemas.transient_simulation import TransientSimulationSettings
from radiograph.schemas.transients.quality import QUALITY


def features(folder: Path, **settings: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and truth of a simulated run."""
    write_campaign([TransientSimulationSettings.model_validate(settings)], folder)
    toml = folder / "settings.toml"
    text = '[pipeline]\nname = "transients"\n[io]\ninput_path = "."\n[cache]\nenabled = false\n'
    toml.write_text(text, "utf-8")
    found = pipeline("transients", toml).run(["features"])["features"]
    return found, pd.read_csv(folder / "truth_026.csv")


@pytest.mark.parametrize("decay_per_s", [5_000.0, 20_000.0])
def test_amplitude_and_decay_are_unbiased(tmp_path: Path, decay_per_s: float) -> None:
    found, truth = features(
        tmp_path,
        steps=1,
        hits=100,
        n_pre=20_000,
        n_post=20_000,
        decay_per_s=decay_per_s,
        fast_share=0.0,
        anomaly_share=0.0,
        planted=(),
        damage=(),
        stray=0,
        parts=1,
        gz=False,
        seed=7101,
    )
    # The strike is 10 samples before the trigger, to which the fit refers.
    at_trigger = (truth["amp_ppm"] - truth["off_ppm"]) * np.exp(-truth["lam"] * 10 / 20e6)
    for measured, true, error in (
        (found["fit_amplitude"], at_trigger, found["fit_amplitude_error"]),
        (found["fit_lambda"], truth["lam"], found["fit_lambda_error"]),
    ):
        off = measured.to_numpy() / true.to_numpy() - 1
        assert abs(off.mean()) < 3 * off.std() / np.sqrt(len(off))
        pulls = (measured.to_numpy() - true.to_numpy()) / error.to_numpy()
        assert abs(pulls.mean()) < 0.3
        assert 0.8 < pulls.std() < 1.3


OF_DAMAGE = {
    **{kind: {"short"} for kind in ("empty", "header_cut", "mid_sample", "half", "two_short")},
    "too_long": {"long"},
    "bad_time": {"header"},
    "clipped": {"clipped"},
    "zeros_all": {"dropout"},
    "duplicate": {"duplicate"},
    "duplicate_overwritten_id": {"duplicate"},
    "no_hit": {"no_hit"},
}
OF_KIND = {"dropout": {"dropout"}, "carrier_loss": {"carrier_lost"}}


def test_marks_are_those_of_the_damage(tmp_path: Path) -> None:
    found, truth = features(tmp_path, steps=3, hits=4, seed=5)
    damage = pd.read_csv(tmp_path / "damage_026.csv").set_index("transient")["damage"]
    expected = []
    for row in truth.itertuples():
        kind = str(damage.get(row.transient, ""))
        marks = OF_DAMAGE.get(kind, set()) | OF_KIND.get(row.kind, set())
        # Without a header there is no time, so that nothing is said of its hit.
        marks |= {"header"} if kind in ("empty", "header_cut") else set()
        marks |= {"unknown_position", "no_hit"} if row.x_lsb == 999_999 else set()
        number = int(row.transient[-6:])
        if kind == "duplicate_overwritten_id":
            number = int(damage[damage == "duplicate"].index[0][-6:])
        expected.append((number, row.x_lsb, row.y_lsb, frozenset(marks)))
    fits = {"fit_rejected", "fit_degenerate", "fit_failed"}
    seen = [
        (row.number, row.x_lsb, row.y_lsb, frozenset(_names(row.quality) - fits))
        for row in found.itertuples()
    ]
    assert sorted(seen, key=str) == sorted(expected, key=str)


def _names(mask: int) -> set[str]:
    return {name for name in QUALITY.names if mask & QUALITY.bit(name)}
