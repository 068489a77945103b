"""Channels that stay apart: two roles of input, parameters of a channel, and one that fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_channels
from radiograph.drivers.cache.opening import NO_CACHE, CacheOptions, open_cache
from radiograph.drivers.engine.executors import Executor, LocalExecutor, ProcessExecutor
from radiograph.drivers.engine.parts import Parts
from radiograph.drivers.engine.phases import UnfitScopesError
from radiograph.drivers.engine.protocol import GraphInputs
from radiograph.drivers.engine.session import Session
from radiograph.drivers.files import file_ref
from radiograph.schemas.failures import Failure
from toy_channels import FEWEST_PULSES

TARGETS = ("gain", "energies", "resolutions")


def written(path: Path, n_pulses: Mapping[str, int], mean: float, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    channel = np.repeat(list(n_pulses), list(n_pulses.values()))
    pd.DataFrame({"channel": channel, "height_adc": rng.normal(mean, 3, len(channel))}).to_csv(
        path, index=False
    )
    return path


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessExecutor]:
    """Two processes for all tests that ask."""
    with ProcessExecutor(2).lasting() as executor:
        yield executor


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for k in range(2):
        written(tmp_path / f"source{k}.csv", {"A": 120, "B": 120, "C": 10}, 1000.0, k)
        written(tmp_path / f"forced{k}.csv", {"A": 120, "B": 120, "C": 10}, 20.0, 10 + k)
    (tmp_path / "early.txt").write_text("0.0")
    (tmp_path / "late.txt").write_text("5.0")
    return tmp_path


def session(
    folder: Path,
    line_keV: float = 1000.0,
    cache: CacheOptions = NO_CACHE,
    executor: Executor | None = None,
    valid: Mapping[str, str] | None = None,
) -> Session:
    valid = valid or {"A": "early", "B": "late", "C": "early"}
    refs = {kind: [file_ref(folder / f"{kind}{k}.csv") for k in range(2)]
            for kind in ("source", "forced")}  # fmt: skip
    parameters = {c: file_ref(folder / f"{name}.txt") for c, name in valid.items()}
    n_pulses = {"A": 120, "B": 120, "C": 10}
    parts = toy_channels._parts(refs["source"], refs["forced"], parameters, n_pulses)
    flow = toy_channels.CHANNELS
    opened = open_cache(cache, (), flow.packages)
    inputs = GraphInputs({}, {"line_keV": line_keV})
    return Session(flow, Parts.of(parts), inputs, opened, executor or LocalExecutor())


def heights(folder: Path, kind: str, channel: str) -> np.ndarray:
    tables = pd.concat([pd.read_csv(folder / f"{kind}{k}.csv") for k in range(2)])
    return tables[tables["channel"] == channel]["height_adc"].to_numpy()


@pytest.mark.parametrize("where", ["here", "processes"])
@pytest.mark.parametrize("with_cache", [True, False])
def test_each_channel_is_calibrated_by_its_own_pulses(
    folder: Path, tmp_path: Path, request: pytest.FixtureRequest, where: str, with_cache: bool
) -> None:
    executor = LocalExecutor() if where == "here" else request.getfixturevalue("processes")
    cache = CacheOptions(tmp_path / "cache") if with_cache else NO_CACHE
    ran = session(folder, cache=cache, executor=executor)
    found = ran.run(TARGETS)
    for channel, shift in (("A", 0.0), ("B", 5.0)):
        pedestal = heights(folder, "forced", channel).mean() + shift
        gain = 1000.0 / (heights(folder, "source", channel).mean() - pedestal)
        assert found["gain"][channel].keV_per_adc == pytest.approx(gain, rel=1e-12)
        energies = found["energies"][channel]["energy_keV"].to_numpy()
        expected = gain * (heights(folder, "source", channel) - pedestal)
        np.testing.assert_allclose(energies, expected, rtol=1e-12)
        noise = found["resolutions"].set_index("channel")["noise_keV"][channel]
        assert noise == pytest.approx(heights(folder, "forced", channel).std() * gain, rel=1e-12)
    # A channel that cannot be calibrated leaves the others alone and is told once.
    assert found["resolutions"]["channel"].tolist() == ["A", "B"]
    (failure,) = ran.failures
    assert failure == Failure(
        {"channel": "C"}, "gain", "too_few_pulses",
        f"20 pulses, at least {FEWEST_PULSES} are needed", {"n_pulses": 20},
    )  # fmt: skip
    assert "C" not in found["gain"]
    assert ran.manifest.nodes["gain"].status == "failed"


@pytest.mark.parametrize("where", ["here", "processes"])
@pytest.mark.parametrize("with_cache", [True, False])
def test_a_node_that_takes_a_failure_goes_on_and_the_failure_is_told(
    folder: Path, tmp_path: Path, request: pytest.FixtureRequest, where: str, with_cache: bool
) -> None:
    """Also where only that node is asked for, and where all comes from the cache."""
    executor = LocalExecutor() if where == "here" else request.getfixturevalue("processes")
    cache = CacheOptions(tmp_path / "cache") if with_cache else NO_CACHE
    for _ in range(2):
        ran = session(folder, cache=cache, executor=executor)
        assert ran.run(["n_calibrated"]) == {"n_calibrated": {"A": 240, "B": 240, "C": 0}}
        told = [(failure.at, failure.node, failure.code) for failure in ran.failures]
        assert told == [({"channel": "C"}, "gain", "too_few_pulses")]
    if with_cache and where == "here":
        assert not any(record.calls for record in ran.manifest.nodes.values())


def test_what_a_channel_fails_to_give_is_not_streamed(folder: Path) -> None:
    given: dict[str, list[int]] = {}

    class Noted:
        """Notes the rows of each channel that it is handed."""

        def __call__(self, part: Any, values: Mapping[str, Any], shifts: Any) -> None:
            del shifts
            (channel,) = part.place(["channel"])
            given.setdefault(str(channel), []).append(len(values["energies"]))

        def begin_file(self) -> None:
            """Nothing is taken back here."""

    ran = session(folder)
    ran.run([], ["energies"], Noted())  # type: ignore[arg-type]
    assert given == {"A": [50, 50, 20] * 2, "B": [50, 50, 20] * 2}
    assert [failure.at for failure in ran.failures] == [{"channel": "C"}]


def test_a_failure_is_cached_and_unchanged_channels_are_hits(folder: Path, tmp_path: Path) -> None:
    cache = CacheOptions(tmp_path / "cache")
    session(folder, cache=cache).run(TARGETS)
    again = session(folder, cache=cache)
    again.run(TARGETS)
    assert not any(record.calls for record in again.manifest.nodes.values())
    assert [f.at for f in again.failures] == [{"channel": "C"}]
    changed = session(folder, cache=cache, valid={"A": "early", "B": "early", "C": "early"})
    changed.run(TARGETS)
    calls: dict[str, Any] = {n: r.calls for n, r in changed.manifest.nodes.items()}
    # Channel B alone: six ranges of it in two files, and the table of all.
    assert calls == {
        "heights": 0, "forced_heights": 0, "pedestal_adc": 1, "gain": 1, "energies": 6,
        "mean_keV": 1, "noise_keV": 1, "resolutions": 1,
    } | {n: c for n, c in calls.items() if n.startswith("each_")}  # fmt: skip


def test_a_coarser_node_must_ask_by_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hamilton.function_modifiers import tag

    @tag(scope="run")
    def all_gains(gain: toy_channels.Gain) -> float:
        return gain.keV_per_adc

    all_gains.__module__ = toy_channels.__name__
    monkeypatch.setattr(toy_channels, "all_gains", all_gains, raising=False)
    with pytest.raises(UnfitScopesError, match=r"ask for each_gain, a mapping by key"):
        session(folder)


def test_a_file_that_fails_is_left_out_for_every_channel(folder: Path) -> None:
    """Of either role: what it gave to the channels before is gone."""
    table = pd.read_csv(folder / "forced1.csv")
    # Channel A reads its rows well, channel B finds a text among its own.
    bad = table.astype(object)
    bad.loc[(bad["channel"] == "B").idxmax(), "height_adc"] = "high"
    bad.to_csv(folder / "forced1.csv", index=False)
    ran = session(folder)
    found = ran.run(["pedestal_adc", "energies"])
    assert [(f.axis, f.number) for f in ran.failed] == [("forced", 1)]
    first = pd.read_csv(folder / "forced0.csv")
    for channel, shift in (("A", 0.0), ("B", 5.0)):
        heights_adc = first[first["channel"] == channel]["height_adc"]
        assert found["pedestal_adc"][channel] == pytest.approx(heights_adc.mean() + shift)
        assert len(found["energies"][channel]) == 240
