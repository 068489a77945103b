"""What triggered the events of a file: unknown without a monitor, absent or ceasing kinds."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from radiograph.schemas.lightdqm.frames import EARLIER_RUNS
from radiograph.schemas.lightdqm.settings import VerdictLimits

from .conftest import quiet

N = 160


def earlier(kind: str) -> pd.DataFrame:
    """Earlier files with 50 events of one trigger type, of one channel."""
    text = {"quantity": ["clipped"], "trigger": [kind], "granularity": ["total"]}
    numbers = {name: [0] for name in EARLIER_RUNS.names if name not in text}
    return EARLIER_RUNS.frame(text | numbers | {"n": [50], "n_files": [1], "channel": [4]})


def triggers(ask: Any, path: Any, **given: Any) -> Any:
    return ask(path, "dqm_verdict", **given).set_index("check").loc["triggers"]


@pytest.fixture
def file(write: Any, rng: np.random.Generator) -> Any:
    samples = quiet(rng, N, n_samples=60)
    return lambda kinds: write(samples, kinds)


@pytest.mark.parametrize("empty", [np.zeros(0, np.int64), h5py.Empty("i8"), np.array([99, 3])])
def test_all_triggers_are_unknown_without_a_monitor(ask: Any, file: Any, empty: Any) -> None:
    path = file(np.zeros(N))
    with h5py.File(path, "r+") as flow:
        flow["light/events"].attrs["rwm_channel"] = empty
    assert set(ask(path, "light_events")["trigger"]) == {"unknown"}
    row = triggers(ask, path)
    assert row["status"] == "no_data"
    assert f"{N} of unknown trigger" in row["reason"]
    assert set(ask(path, "light_events", legacy=True)["trigger"]) == {"self"}


def test_beam_triggers_that_the_file_has_tell_the_others(ask: Any, file: Any) -> None:
    path = file(np.arange(N) % 2)
    with h5py.File(path, "r+") as flow:
        flow["light/events"].attrs["rwm_channel"] = np.zeros(0, np.int64)
    assert ask(path, "trigger_counts")["n_events"].tolist() == [N // 2, N // 2, 0]


@pytest.mark.parametrize(("value", "own", "other"), [(0, "self", "beam"), (1, "beam", "self")])
def test_one_kind_alone_warns_where_the_other_is_due(
    ask: Any, file: Any, value: int, own: str, other: str
) -> None:
    path = file(np.full(N, value))
    alone = triggers(ask, path)
    assert alone["status"] == "pass"
    assert "one kind is absent, as may be" in alone["reason"]
    assert triggers(ask, path, earlier_runs=earlier(own))["status"] == "pass"
    due = triggers(ask, path, earlier_runs=earlier(other))
    assert (due["status"], due["reason"].endswith("one kind is absent")) == ("warn", True)
    limits = VerdictLimits(beam_self_ratio=(0.5, 2.0))
    assert triggers(ask, path, verdict_limits=limits)["status"] == "warn"


@pytest.mark.parametrize(("value", "kind"), [(0, "beam"), (1, "self")])
def test_a_kind_that_ceases_warns_with_its_event(
    ask: Any, file: Any, value: int, kind: str
) -> None:
    kinds = np.arange(N) % 2
    kinds[100:] = value
    row = triggers(ask, file(kinds))
    assert row["status"] == "warn"
    assert f"0 % {kind} triggers from event 100 on" in row["reason"]
    assert row["action"]


def test_a_mixture_that_fluctuates_does_not_cease(ask: Any, file: Any) -> None:
    for seed in range(5):
        kinds = (np.random.default_rng(seed).random(N) < 0.3).astype(int)
        assert triggers(ask, file(kinds))["status"] == "pass"
