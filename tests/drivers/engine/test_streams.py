"""Parts of a stream: known one by one while it is read, cut short, of several files as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import toy
from radiograph.drivers.definition import Source
from radiograph.drivers.engine.executors import ProcessExecutor, Task, _Places
from radiograph.drivers.engine.input_files import known_files
from radiograph.drivers.engine.parts import Part, Parts
from radiograph.drivers.engine.protocol import GraphInputs
from radiograph.drivers.engine.session import Session
from radiograph.drivers.files import file_ref
from radiograph.schemas.errors import InputError
from radiograph.schemas.failures import Failure
from radiograph.schemas.sources import EventRange, FileRefs

N_LINES, A_RANGE = 23, 5


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text("".join(f"{k % 2},{100.0 + k}\n" for k in range(N_LINES)))
    return path


def part(source: Path, k: int, then: Callable[[], Iterable[Part | Failure]] | None) -> Part:
    events = EventRange(k * A_RANGE, min(A_RANGE, N_LINES - k * A_RANGE))
    inputs = {"source_file": file_ref(source), "event_range": events}
    return Part({"file": 0, "range": k}, inputs, events.n_events, then)


def session(*parts: Part, **options: Any) -> Session:
    inputs = GraphInputs({}, {"line_keV": 662.0, "n_bins": 10})
    return Session(toy.TOY, Parts.of(parts), inputs, **options)


def growing(source: Path, *, cut_after: int = 99) -> Part:
    """The first part; each tells of the next once it is evaluated."""

    def following(k: int) -> Iterator[Part | Failure]:
        if k >= cut_after:
            yield Failure({"file": 0}, "", "cut", f"the stream ends after part {k}")
        elif (k + 1) * A_RANGE < N_LINES:
            yield part(source, k + 1, lambda: following(k + 1))

    return part(source, 0, lambda: following(0))


def test_parts_that_become_known_give_what_known_parts_give(source: Path) -> None:
    known = session(*(part(source, k, None) for k in range(5)))
    wanted = ["pulses", "gains", "energies", "spectrum", "peak_bin"]
    expected = known.run(wanted)
    again = session(growing(source))
    found = again.run(wanted)
    for name in ("pulses", "gains", "energies"):
        pd.testing.assert_frame_equal(found[name], expected[name], check_exact=True)
    assert found["energies"]["pulse_row"].tolist() == list(range(N_LINES))
    assert (found["spectrum"] == expected["spectrum"]).all()
    # The second sweep, and a second question, know them.
    assert [p.place(["range"]) for p in again.parts.every] == [(k,) for k in range(5)]
    assert len(again.run(["pulses"])["pulses"]) == N_LINES


def test_a_stream_that_is_cut_gives_what_stands_before(source: Path) -> None:
    cut = session(growing(source, cut_after=2))
    assert len(cut.run(["energies"])["energies"]) == 15
    assert [failure.code for failure in cut.cut] == ["cut"]
    with pytest.raises(InputError, match="ends after part 2"):
        session(growing(source, cut_after=2), on_bad_file="fail").run(["energies"])


def test_files_of_one_stream_are_files_of_its_parts(source: Path) -> None:
    refs = FileRefs((file_ref(source), file_ref(source)))
    assert Part({}, {"stream": refs, "n": 3}).files() == list(refs.files)


def test_a_stream_cannot_do_without_one_of_its_files(source: Path, tmp_path: Path) -> None:
    paths = [source, tmp_path / "absent.txt"]
    alone = Source("source", "io.input_path", "text")
    files, failed = known_files(paths, alone, "file", None)
    assert (len(files), len(failed)) == (1, 1)
    with pytest.raises(InputError, match="absent"):
        known_files(paths, replace(alone, joined=True), "file", None)


def test_parts_of_one_affinity_go_to_one_worker(source: Path) -> None:
    apart = session(*(part(source, k, None) for k in range(5)))
    parts = [replace(part(source, k, None), affinity=f"stream {k % 2}") for k in range(5)]
    kept = session(*parts, executor=ProcessExecutor(2))
    pd.testing.assert_frame_equal(kept.run(["pulses"])["pulses"], apart.run(["pulses"])["pulses"])
    place_of = _Places(2)
    tasks = [Task(k, "", {}, {}, word) for k, word in enumerate(("a", "b", "a", "c", "b", ""))]
    assert [place_of(task) for task in tasks] == [0, 1, 0, 0, 1, -1]
