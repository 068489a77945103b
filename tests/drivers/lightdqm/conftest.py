"""Files as the store knows them, made up: 8 ADCs, known numbers, no light file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from radiograph.drivers.lightdqm.file_names import run_number
from radiograph.drivers.lightdqm.store import ARRAY_DTYPES, RunStore
from radiograph.schemas.lightdqm.frames import DQM_VERDICT, GRANULARITIES, TRIGGER_COUNTS
from radiograph.schemas.lightdqm.stored_runs import (
    ROI_MHZ,
    RunIdentity,
    RunRecord,
    roi_label,
)

START_MS = 1_757_246_400_000  # 2025-09-07 12:00 UTC


def arrays_of(store: RunStore, run_id: int) -> dict[str, Any]:
    """Every array of one file, by name."""
    found = {name: store.arrays(name, [run_id]) for name in ARRAY_DTYPES}
    return {name: arrays[run_id] for name, arrays in found.items() if arrays}


def verdict(failing: dict[str, str]) -> Any:
    """A verdict in which some checks fail in some channels; dead and noise are always there."""
    names = list(dict.fromkeys(["dead", "noise", *failing]))
    return DQM_VERDICT.frame(
        {
            "check": names,
            "status": ["fail" if c in failing else "pass" for c in names],
            "value": [float(len(failing.get(c, "").split())) for c in names],
            "limit": [0.0 if c == "dead" else np.nan for c in names],
            "unit": ["channels" for _ in names],
            "n_channels": [len(failing.get(c, "").split()) for c in names],
            "channels": [failing.get(c, "") for c in names],
            "reason": [f"reason of {c}" for c in names],
            "action": ["call the expert" if c in failing else "" for c in names],
        }
    )


def arrays(
    *, baseline: float = -28000.0, noise: float = 12.0, k: int = 1, n: int = 100, n_adcs: int = 8
) -> dict[str, Any]:
    """Every array of a file, all channels alike.

    The 16 % and 84 % points are 10 below and 14 above the baseline, 1 and 2 from the noise.
    """
    shape = (n_adcs, 64)
    found: dict[str, Any] = {}
    for name, value, low, high in (("baseline", baseline, 10.0, 14.0), ("noise", noise, 1.0, 2.0)):
        found[f"{name}.median"] = np.full(shape, value)
        found[f"{name}.p16"] = np.full(shape, value - low)
        found[f"{name}.p84"] = np.full(shape, value + high)
        found[f"{name}.n"] = np.full(shape, 400, np.int64)
    for quantity in ("clipped", "negative"):
        for trigger in ("beam", "self"):
            for granularity in GRANULARITIES:
                stem = f"{quantity}.{trigger}.{granularity}"
                found[f"{stem}.k"] = np.full(shape, k, np.int64)
                found[f"{stem}.n"] = np.full(shape, n, np.int64)
    for i, frequency in enumerate(ROI_MHZ):
        for part in ("median", "mean"):
            found[f"spectrum.{roi_label(frequency)}.{part}"] = np.full(shape, 1e-8 * (i + 1))
    return found


def record(
    name: str = "x_rctl_500_p0.FLOW.hdf5",
    *,
    failing: dict[str, str] | None = None,
    content: str = "",
    start_ms: int | None = -1,
    config_hash: str = "settings",
    **numbers: Any,
) -> RunRecord:
    """A file of the store; its start follows from its sub-run unless given."""
    number = run_number(name)
    start = START_MS + 60_000 * max(number.subrun, 0) if start_ms == -1 else start_ms
    end = None if start is None else start + 50_000
    identity = RunIdentity(name, content, number.run, number.subrun, start, end, config_hash)
    triggers = TRIGGER_COUNTS.frame(
        {"trigger": ["self", "beam"], "n_events": [900, 300], "n_selected": [400, 100]}
    )
    return RunRecord(
        identity,
        f"/data/{name}",
        "0.1.0",
        "file",
        arrays(**numbers),
        verdict(failing or {}),
        triggers,
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    """An empty store."""
    with RunStore(tmp_path / "runs.sqlite") as opened:
        yield opened


@pytest.fixture
def make_record() -> Callable[..., RunRecord]:
    """record()."""
    return record
