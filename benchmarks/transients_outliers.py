"""Precision and recall of the local scores over simulated campaigns, by noise and seed.

Each campaign: 11 x 11 positions, 5 hits, 4 % anomalies beside one planted of each kind, no damaged
files; all else as ``radiograph simulate transients`` and the pipeline have it. RADIOGRAPH_SEEDS
names the seeds.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from radiograph.drivers import pipeline
from radiograph.drivers.transients.simulation import write_campaign
from radiograph.schemas.transient_simulation import NoiseModel, TransientSimulationSettings

from .figures import Figure

SEEDS = tuple(map(int, os.environ.get("RADIOGRAPH_SEEDS", "9301 9302 9303").split()))
SETTINGS = """
[pipeline]
name = "transients"
[io]
input_path = "."
[transients]
truth = "truth_{run}.csv"
[cache]
enabled = false
"""
TARGETS = ("detection_quality", "anomaly_kinds", "outliers", "false_alarms")


def campaign(noise: str, seed: int) -> dict[str, Any]:
    """What was found in a simulated campaign beside what was planted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = TransientSimulationSettings.model_validate(
            {
                "steps": 11, "hits": 5, "anomaly_share": 0.04, "damage": (), "seed": seed,
                "noise": {"model": noise},
            }
        )  # fmt: skip
        write_campaign([settings], folder)
        (folder / "t.toml").write_text(SETTINGS)
        return dict(pipeline("transients", folder / "t.toml").run(list(TARGETS)))


def figures() -> Iterator[Figure]:
    """Precision, recall over visible anomalies, and false alarms of each campaign."""
    for noise in get_args(NoiseModel):
        for seed in SEEDS:
            found = campaign(noise, seed)
            table = found["detection_quality"].set_index("kind")
            for row, mark in (("precision", ">= 0.95"), ("visible", ">= 0.65"), ("all", "")):
                of = table.loc[row]
                interval = (
                    f"{of['found']:.0f} of {of['n']:.0f}, 68 %: {of['low']:.3f} to {of['high']:.3f}"
                )
                what = row if row == "precision" else f"recall, {row}"
                yield Figure(f"{noise}, seed {seed}: {what}", float(of["fraction"]), interval, mark)
            kinds, judged = found["anomaly_kinds"], found["outliers"]
            sound = ~kinds["anomaly"].to_numpy() & judged["scored"].to_numpy()
            false = int((sound & judged["outlier"].to_numpy()).sum())
            told = found["false_alarms"].iloc[0]
            yield Figure(
                f"{noise}, seed {seed}: false alarms",
                false / max(int(sound.sum()), 1),
                f"{false} of {int(sound.sum())}, told: {told['rate']:.4f} "
                f"({told['low']:.4f} to {told['high']:.4f})",
            )
