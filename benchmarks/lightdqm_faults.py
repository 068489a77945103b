"""Misses and false alarms of the light verdict over many seeds, against planted faults.

For each seed three files of one set-up: two sound ones, and one with every fault that the
generator knows, each at a place of its own. RADIOGRAPH_SEEDS and RADIOGRAPH_EVENTS change how
many seeds (50) and events a file (200).
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from .figures import Figure

SEEDS = int(os.environ.get("RADIOGRAPH_SEEDS", "50"))
EVENTS = int(os.environ.get("RADIOGRAPH_EVENTS", "200"))
# One fault gives every kind of ADC fault and channel fault a place; the second value of a kind
# is the other side of a limit.
MORE = (("noisy", 0.2), ("baseline_band", -3500.0))


@dataclass
class Tally:
    """What was counted over the seeds."""

    missed: Counter[str] = field(default_factory=Counter)
    planted: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    red: int = 0
    sound: int = 0


def figures() -> list[Figure]:
    """Rates of misses by kind of fault and of false alarms by check."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as name:
        for seed in range(SEEDS):
            _one_seed(seed, Path(name), tally)
            print(f"seed {seed} of {SEEDS}", file=sys.stderr)
    of = f"of {SEEDS} seeds, {EVENTS} events a file"
    n_channels = 384 * SEEDS
    return [
        Figure(f"sound files that are not green, {of}", tally.red, f"of {tally.sound}", "0"),
        *(
            Figure(f"missed: {kind}", tally.missed[kind], f"of {n}", "0")
            for kind, n in tally.planted.items()
        ),
        Figure(
            "false alarms beside planted faults",
            sum(tally.false.values()),
            f"of {n_channels} channels {dict(tally.false) or ''}",
            "0",
        ),
    ]


def _one_seed(seed: int, folder: Path, tally: Tally) -> None:
    from radiograph.drivers.lightdqm.simulation import write_light_simulation
    from radiograph.schemas.light_faults import FAULT_KINDS, Fault, planted
    from radiograph.schemas.light_simulation import LightSimulationSettings

    base = LightSimulationSettings(seed=seed, n_events=EVENTS)
    before: list[pd.DataFrame] = []
    for subrun in (0, 1):
        settings = base.model_copy(update={"subrun": subrun})
        sound = write_light_simulation(settings, folder, overwrite=True)
        seen = looked_at(sound.out, before)
        before.append(seen["baseline_summary"])
        tally.sound += 1
        tally.red += bool(alarms(seen["dqm_verdict"]))
        sound.out.unlink()
    kinds: Sequence[tuple[str, float | None]] = [*((k, None) for k in FAULT_KINDS), *MORE]
    faults = tuple(Fault.model_validate({"kind": k, "value": v}) for k, v in kinds)
    settings = base.model_copy(update={"subrun": 2, "faults": faults})
    faulty = write_light_simulation(settings, folder, overwrite=True)
    found = alarms(looked_at(faulty.out, before)["dqm_verdict"])
    faulty.out.unlink()
    rows = planted(faulty.faults)
    for row in rows:
        tally.planted[row.kind] += 1
        check = FAULT_KINDS[row.kind].check
        tally.missed[row.kind] += not any(
            check == c and row.adc == adc and (row.channel in (-1, channel))
            for c, adc, channel in found
        )
    places = {(row.adc, row.channel) for row in rows}
    adcs = {(FAULT_KINDS[row.kind].check, row.adc) for row in rows if row.channel < 0}
    for check, adc, channel in found:
        # A fault may show in several checks; a channel without one in none.
        if (adc, channel) not in places and (check, adc) not in adcs:
            tally.false[check] += 1


def looked_at(path: Path, before: Sequence[pd.DataFrame]) -> Any:
    """Verdict and baselines of a file, compared with the baselines of earlier ones."""
    from radiograph.drivers.graph import build_driver
    from radiograph.drivers.lightdqm.inputs import graph_values
    from radiograph.drivers.registry import definition
    from radiograph.schemas.lightdqm.config import LightDqmConfig
    from radiograph.schemas.sources import FileRef

    source = FileRef(str(path), 0, "")
    earlier = rolled_up(before) if before else None
    values = graph_values(LightDqmConfig(), Path(), earlier)
    driver = build_driver(definition("lightdqm"), {"legacy": False, "channel_status": "none"})
    inputs = {**values, "source_file": source}
    return driver.execute(["dqm_verdict", "baseline_summary"], inputs=inputs)


def rolled_up(before: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """EarlierRuns of the baselines: mean of the medians, with the error of a mean of medians."""
    import numpy as np
    from radiograph.schemas.lightdqm.frames import EARLIER_RUNS

    first = before[0]
    n, value = len(first), np.mean([f["median_adc16"] for f in before], axis=0)
    width = [0.5 * (f["p84_adc16"] - f["p16_adc16"]) / np.sqrt(f["n"]) for f in before]
    sigma = np.sqrt(np.pi / 2 * np.sum(np.square(width), axis=0)) / len(before)
    texts = {"quantity": "baseline", "trigger": "self", "granularity": "channel"}
    return EARLIER_RUNS.frame(
        {name: [text] * n for name, text in texts.items()}
        | {
            "adc": first["adc"],
            "channel": first["channel"],
            "value": value,
            "sigma": sigma,
            "lower": value - sigma,
            "upper": value + sigma,
            "n": first["n"],
            "k": np.zeros(n),
            "n_files": np.full(n, len(before)),
        }
    )


def alarms(verdict: pd.DataFrame) -> set[tuple[str, int, int]]:
    """(check, ADC, channel) of what fails or warns; -1 where no channel or ADC is named."""
    found = set()
    for row in verdict.to_dict("records"):
        if row["status"] in ("fail", "warn"):
            for place in str(row["channels"]).split() or ["-1"]:
                adc, _, channel = place.partition("/")
                found.add((str(row["check"]), int(adc), int(channel or -1)))
    return found
