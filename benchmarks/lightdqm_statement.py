"""What the light verdict misses of faults in parts of files, and what it says of sound files.

Every case of light_cases over RADIOGRAPH_SEEDS (20) seeds from RADIOGRAPH_FIRST_SEED (0) on, in
files of RADIOGRAPH_EVENTS (500) events of RADIOGRAPH_SAMPLES (160) samples; then
RADIOGRAPH_SOUND (100) sound files of as many events and as many of 200, each after earlier ones.
RADIOGRAPH_CASES is a text that names of cases must contain. All in this process, a file at a time.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from .figures import Figure
from .light_cases import CASES, SOUND, Case, place, wrong

SEEDS = int(os.environ.get("RADIOGRAPH_SEEDS", "20"))
FIRST_SEED = int(os.environ.get("RADIOGRAPH_FIRST_SEED", "0"))
EVENTS = int(os.environ.get("RADIOGRAPH_EVENTS", "500"))
SAMPLES = int(os.environ.get("RADIOGRAPH_SAMPLES", "160"))
SOUND_FILES = int(os.environ.get("RADIOGRAPH_SOUND", "100"))
NAMES = os.environ.get("RADIOGRAPH_CASES", "")
FEW_EVENTS = 200
EARLIER = 2
FILES_A_STORE = 5


@dataclass(frozen=True)
class Shift:
    """A folder with a store: files that are looked at one after the other."""

    folder: Path
    seed: int
    n_events: int

    def verdict(self, subrun: int, *, stored: bool = True, **given: Any) -> pd.DataFrame:
        """The verdict on a simulated sub-run, of sound files before it if it is stored."""
        from radiograph.drivers.config import config_of_command
        from radiograph.drivers.lightdqm.checking import check_file
        from radiograph.drivers.lightdqm.simulation import write_light_simulation
        from radiograph.drivers.lightdqm.store import RunStore
        from radiograph.schemas.light_simulation import LightSimulationSettings

        settings = {"seed": self.seed, "n_events": self.n_events, "n_samples": SAMPLES}
        model = LightSimulationSettings.model_validate(settings | {"subrun": subrun} | given)
        path = write_light_simulation(model, self.folder, overwrite=True).out
        loaded = config_of_command("lightdqm", None, settings={"io.output_path": str(self.folder)})
        kept = RunStore(self.folder / "runs.sqlite") if stored else nullcontext()
        with kept as store:
            found = check_file(loaded, path, store).verdict
        path.unlink()
        return found


def figures() -> list[Figure]:
    """Misses by case and size, and sound files that fail or warn, by set-up."""
    return [*_misses(), *_false_alarms()]


def _misses() -> list[Figure]:
    missed: Counter[tuple[str, float]] = Counter()
    cases = [case for case in CASES if NAMES in case.name]
    for seed in range(FIRST_SEED, FIRST_SEED + SEEDS) if cases else ():
        with tempfile.TemporaryDirectory() as name:
            shift = Shift(Path(name), seed, EVENTS)
            if any(case.after for case in cases):
                for subrun in range(EARLIER):
                    shift.verdict(subrun)
            for case in cases:
                for nth, size in enumerate(case.sizes):
                    text = seen_wrongly(shift, case, nth)
                    missed[case.name, size] += bool(text)
                    if text:
                        print(f"seed {seed}, {case.name} ({size:g}): {text}", file=sys.stderr)
    marks = ("<= 1", "")
    return [
        Figure(f"missed: {case.name} ({size:g})", missed[case.name, size], f"of {SEEDS}", mark)
        for case in cases
        for size, mark in zip(case.sizes, marks, strict=False)
    ]


def seen_wrongly(shift: Shift, case: Case, nth: int) -> str:
    """What the verdict on a file with a fault at its n-th size says wrongly; empty if nothing."""
    given = {"n_events": shift.n_events, **case.given}
    faults = case.faults(case.sizes[nth], *place(shift.seed))
    found = shift.verdict(EARLIER, stored=case.after, faults=faults, **given)
    blocks = max(min(16, shift.n_events // 10), 1)
    return wrong(case, nth, found, shift.seed, shift.n_events, -(-shift.n_events // blocks))


def _false_alarms() -> list[Figure]:
    found = []
    for n_events in (EVENTS, FEW_EVENTS):
        status: Counter[str] = Counter()
        checks: Counter[str] = Counter()
        for k in range(0, SOUND_FILES, FILES_A_STORE):
            some = min(FILES_A_STORE, SOUND_FILES - k)
            name = list(SOUND)[k // FILES_A_STORE % len(SOUND)]
            for verdict in sound_verdicts(name, FIRST_SEED + 1000 + k, n_events, some):
                bad = verdict[verdict["status"].isin(["fail", "warn"])]
                worst = "fail" if (bad["status"] == "fail").any() else "warn" if len(bad) else ""
                status[worst] += 1
                for check, state, reason in zip(
                    bad["check"], bad["status"], bad["reason"], strict=True
                ):
                    checks[f"{state} {check}"] += 1
                    print(f"{name}, {FIRST_SEED + k}: {state} {check}: {reason}", file=sys.stderr)
        of = f"of {SOUND_FILES} sound files of {n_events} events"
        found += [
            Figure(f"{of}: fail", status["fail"], f"{dict(checks) or ''}", "0"),
            Figure(f"{of}: warn", status["warn"], "", "<= 5"),
        ]
    return found


def sound_verdicts(name: str, seed: int, n_events: int, n_files: int) -> list[pd.DataFrame]:
    """Verdicts on sound files of a set-up, each compared with all before it."""
    with tempfile.TemporaryDirectory() as folder:
        shift = Shift(Path(folder), seed, n_events)
        setups = SOUND[name]
        return [shift.verdict(k, **setups[k % len(setups)]) for k in range(n_files)]
