"""The engine on a toy: any cut into parts, any order of arrival, bad files, the cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy
from radiograph.drivers.cache.opening import NO_CACHE, CacheOptions, open_cache
from radiograph.drivers.engine.executors import (
    DaskExecutor,
    Executor,
    LocalExecutor,
    ProcessExecutor,
    Recipe,
    _for_workers,
)
from radiograph.drivers.engine.merging import shifted
from radiograph.drivers.engine.parts import Part, Parts
from radiograph.drivers.engine.protocol import GraphInputs
from radiograph.drivers.engine.session import Session
from radiograph.drivers.files import file_ref
from radiograph.schemas.errors import InputError
from radiograph.schemas.imaging.imaging_method import Threads
from radiograph.schemas.settings import RunSettings

ALL = ("pulses", "gains", "energies", "spectrum", "peak_bin")
N_CHANNELS, N_PULSES = 4, 250


def written(path: Path, n: int, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    rows = np.column_stack([rng.integers(0, N_CHANNELS, n), rng.normal(1000, 5, n)])
    np.savetxt(path, rows, delimiter=",", fmt=["%d", "%.6f"])
    return path


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessExecutor]:
    """Two processes for all tests that ask; TOY_BAD_CHANNEL is in none of their files but one."""
    with pytest.MonkeyPatch.context() as patch, ProcessExecutor(2).lasting() as executor:
        patch.setenv("TOY_BAD_CHANNEL", "13")
        yield executor


def executor_of(request: pytest.FixtureRequest, name: str) -> Executor:
    executor: Executor = LocalExecutor() if name == "here" else request.getfixturevalue("processes")
    return executor


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three files of 250 pulses of four channels."""
    return [written(tmp_path / f"p{k}.txt", N_PULSES, k) for k in range(3)]


def session(
    files: Sequence[Path],
    lines: int = 100,
    n_bins: int = 40,
    cache: CacheOptions = NO_CACHE,
    executor: Executor | None = None,
    **options: Any,
) -> Session:
    refs = {k: file_ref(path) for k, path in enumerate(files)}
    config = toy.ToyConfig(run=RunSettings(chunk_events=lines))
    parts = Parts.of(toy.TOY.parts(config, {"source": refs}))
    inputs = GraphInputs({}, {"line_keV": 662.0, "n_bins": n_bins})
    opened = open_cache(cache, (), toy.TOY.packages)
    return Session(toy.TOY, parts, inputs, opened, executor or LocalExecutor(), **options)


class Rows:
    """Keeps what is streamed, as a file would."""

    def __init__(self) -> None:
        self.frames: dict[str, list[Any]] = {}
        self._begin: dict[str, int] = {}

    def __call__(
        self, part: Part, values: Mapping[str, Any], shifts: Mapping[str, Mapping[str, int]]
    ) -> None:
        for name, value in values.items():
            self.frames.setdefault(name, []).append(shifted(value, shifts[name]))

    def begin_file(self) -> None:
        self._begin = {name: len(frames) for name, frames in self.frames.items()}

    def drop_file(self) -> None:
        self.frames = {n: f[: self._begin.get(n, 0)] for n, f in self.frames.items()}

    def begin_again(self) -> None:
        self.frames = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        return pd.concat(self.frames[name], ignore_index=True)


def same(a: Any, b: Any) -> None:
    if isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b, check_exact=True)
    else:
        np.testing.assert_array_equal(a, b)


def executed(ran: Session) -> set[str]:
    return {name for name, record in ran.manifest.nodes.items() if record.calls}


# --- any cut, any executor -----------------------------------------------------------------------


@pytest.mark.parametrize("lines", [7, 10_000])
def test_any_cut_into_parts_gives_the_same(files: list[Path], lines: int) -> None:
    rows, others = Rows(), Rows()
    found = session(files).run(ALL, ["energies"], rows)
    other = session(files, lines).run(ALL, ["energies"], others)
    for name in ALL:
        same(found[name], other[name])
    same(rows["energies"], others["energies"])
    same(rows["energies"], found["energies"])
    assert found["energies"]["pulse_row"].tolist() == list(range(3 * N_PULSES))
    # The gain is that of all pulses, so their mean is the line itself.
    assert abs(found["energies"]["energy_keV"].mean() - 662.0) < 1e-6
    assert found["spectrum"].sum() == 3 * N_PULSES
    assert found["peak_bin"] == found["spectrum"].argmax()


@pytest.mark.parametrize("executor", [ProcessExecutor(2), DaskExecutor(workers=2)])
def test_processes_give_the_same(files: list[Path], executor: Executor) -> None:
    rows, others = Rows(), Rows()
    found = session(files).run(ALL, ["energies"], rows)
    ran = session(files, executor=executor)
    other = ran.run(ALL, ["energies"], others)
    for name in ALL:
        same(found[name], other[name])
    same(rows["energies"], others["energies"])
    assert executed(ran) == set(ALL)


def test_all_phases_have_one_connection(
    files: list[Path], monkeypatch: pytest.MonkeyPatch, scheduler: str
) -> None:
    """It is made when it is first needed."""
    made: list[str | None] = []
    connect = DaskExecutor._client

    def counted(executor: DaskExecutor, stack: Any) -> Any:
        made.append(executor.scheduler)
        return connect(executor, stack)

    monkeypatch.setattr(DaskExecutor, "_client", counted)
    with DaskExecutor(scheduler).lasting() as executor:
        assert made == []
        ran = session(files, executor=executor)
        found = ran.run(ALL)
    assert ran.plan(ALL).n_sweeps("range") == 2
    assert made == [scheduler]
    same(found["energies"], session(files).run(["energies"])["energies"])


@pytest.mark.parametrize("threads", [8, Threads(8)])
def test_workers_share_the_threads(threads: Any) -> None:
    recipe = Recipe("home", {}, {"threads": threads}, None, {})  # type: ignore[arg-type]
    shared = _for_workers(recipe, 3).values["threads"]
    assert shared == (2 if threads == 8 else Threads(2))


def test_only_what_a_target_needs_runs(files: list[Path]) -> None:
    ran = session(files)
    assert list(ran.run(["gains"])) == ["gains"]
    assert executed(ran) == {"pulses", "gains"}
    assert ran.manifest.nodes["pulses"].calls == 9


@pytest.mark.parametrize("where", ["here", "processes"])
def test_a_second_sweep_reads_nothing_again(
    files: list[Path], request: pytest.FixtureRequest, where: str
) -> None:
    """Without a cache of its own a run keeps what its second sweep needs in a temporary one."""
    ran = session(files, executor=executor_of(request, where))
    ran.run(["peak"])
    assert ran.manifest.nodes["pulses"].calls == 9
    assert ran.cache is None


# --- the cache -----------------------------------------------------------------------------------


def test_the_cache_takes_all_but_what_a_setting_changes(files: list[Path], tmp_path: Path) -> None:
    cache = CacheOptions(tmp_path / "cache")
    found = session(files, cache=cache).run(ALL)
    again = session(files, cache=cache)
    for name, value in again.run(ALL).items():
        same(value, found[name])
    assert {r.status for r in again.manifest.nodes.values()} == {"hit"}
    changed = session(files, n_bins=50, cache=cache)
    assert len(changed.run(ALL)["spectrum"]) == 50
    assert executed(changed) == {"spectrum", "peak_bin"}
    verdicts = session(files, n_bins=60, cache=cache).survey(["peak_bin"])
    assert {v.node for v in verdicts if v.status == "miss"} == {"spectrum"}


def test_row_numbers_are_right_where_the_frame_they_number_is_a_hit(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = CacheOptions(tmp_path / "cache")
    session(files, cache=cache).run(["gains"])
    rows = Rows()
    ran = session(files, cache=cache)
    ran.run([], ["energies"], rows)
    assert executed(ran) == {"energies"}
    assert rows["energies"]["pulse_row"].tolist() == list(range(3 * N_PULSES))


# --- files that fail -----------------------------------------------------------------------------


def test_a_file_that_cannot_be_read_is_left_out(files: list[Path]) -> None:
    good = session([files[0], files[2]]).run(ALL)
    lines = files[1].read_text().splitlines()
    files[1].write_text("\n".join([*lines[:-1], "x,y\n"]))
    rows, ran = Rows(), session(files)
    found = ran.run(ALL, ["energies"], rows)
    assert [(f.number, f.path) for f in ran.failed] == [(1, str(files[1]))]
    assert ran.failed[0].failure.at == {"file": 1}
    for name in ALL:
        same(found[name], good[name])
    same(rows["energies"], good["energies"])


def test_what_was_handed_on_of_a_file_that_fails_is_taken_back(files: list[Path]) -> None:
    lines = files[1].read_text().splitlines()
    files[1].write_text("\n".join([*lines[:-1], "x,y\n"]))
    rows = Rows()
    session(files).run([], ["pulses"], rows)
    good = Rows()
    session([files[0], files[2]]).run([], ["pulses"], good)
    same(rows["pulses"], good["pulses"])


@pytest.mark.parametrize("where", ["here", "processes"])
@pytest.mark.parametrize("with_cache", [True, False])
def test_a_file_that_fails_in_the_second_sweep_leaves_no_trace(
    files: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    where: str,
    with_cache: bool,
) -> None:
    """What the first sweep had merged of it, and what was written, is gone."""
    good = session([files[0], files[2]]).run(ALL)
    # A channel that is only in the part of the file that nobody can apply.
    bad = pd.read_csv(files[1], header=None)
    bad.loc[200:, 0] = 13
    bad.to_csv(files[1], header=False, index=False)
    monkeypatch.setenv("TOY_BAD_CHANNEL", "13")
    rows = Rows()
    cache = CacheOptions(tmp_path / "cache") if with_cache else NO_CACHE
    ran = session(files, executor=executor_of(request, where), cache=cache)
    found = ran.run(ALL, ["pulses", "energies"], rows)
    assert [f.number for f in ran.failed] == [1]
    for name in ALL:
        same(found[name], good[name])
    same(rows["energies"], good["energies"])
    same(rows["pulses"], good["pulses"])


def test_a_run_of_one_file_or_with_on_bad_file_fail_ends(files: list[Path]) -> None:
    files[1].write_text("0,1\nx,y\n")
    with pytest.raises(InputError, match=r"p1\.txt"):
        session([files[1]]).run(["gains"])
    ran = session(files, on_bad_file="fail")
    with pytest.raises(InputError, match=r"p1\.txt"):
        ran.run(["gains"])
    files[0].write_text("x\n")
    with pytest.raises(InputError, match=r"none of the 2 input files can be used"):
        session(files[:2]).run(["gains"])


def test_a_file_that_changes_while_it_is_read_fails(files: list[Path]) -> None:
    ran = session(files)
    written(files[2], N_PULSES, 5)
    ran.run(["gains"])
    assert [f.code for f in ran.failed] == ["changed_file"]
