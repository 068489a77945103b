"""Unvetoed events as a list and as pages: numbers of what was drawn, places on the line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers.cosmics.event_page import page_lines, place_of, survivors


def test_a_line_a_track(runs: dict[str, Path], radiograph: Callable[..., Any]) -> None:
    done = radiograph("cosmics", "events", runs["a"])
    assert done.code == 0, done.err
    found = survivors(runs["a"])
    lines = done.out.splitlines()
    assert len(lines) == len(found.tracks) + 2
    for line, row in zip(lines[1:-1], found.tracks.itertuples(), strict=True):
        run, subrun, event, momentum, *_ = line.split()
        assert [int(n) for n in (run, subrun, event)] == [row.run, row.subrun, row.event]
        assert float(momentum) == pytest.approx(row.p_MeV, abs=1e-3)
    table = radiograph("cosmics", "events", runs["a"], "--json").json
    assert len(table["unvetoed_events"]) == len(found.tracks)


def test_an_event_has_a_page_with_its_times_and_segments(runs: dict[str, Path]) -> None:
    found = survivors(runs["b"])
    with_coincidence = 0
    tracks = found.tracks.sort_values("n_coincidences")
    for row in [*tracks.head(2).itertuples(), *tracks.tail(3).itertuples()]:
        text = "\n".join(page_lines(found, (row.run, row.subrun, row.event)))
        assert f"run {row.run}, subrun {row.subrun}, event {row.event} (" in text
        assert f"p {row.p_MeV:.4f} MeV/c" in text
        line = next(x for x in text.splitlines() if re.fullmatch(r"  [-=CtT]{72}", x))
        assert "T" in line
        assert ("C" in line) == (row.n_coincidences > 0)
        with_coincidence += row.n_coincidences > 0
        # The track itself at the front of the tracker.
        front = [x.split() for x in text.splitlines() if " TT_Front " in x]
        assert any(abs(float(x[4]) - row.p_MeV) < 1e-3 for x in front)
        middle = [float(x.split()[3]) for x in text.splitlines() if " TT_Mid " in x]
        assert any(abs(time - row.t0_ns) < 1e-3 for time in middle)
    assert with_coincidence > 0


def test_the_window_is_drawn_where_a_coincidence_would_veto(runs: dict[str, Path]) -> None:
    found = survivors(runs["a"])
    assert found.veto_ns == (-150.0, 150.0)
    alone = found.tracks[found.tracks["n_coincidences"] == 0].iloc[0]
    numbers = tuple(int(alone[name]) for name in ("run", "subrun", "event"))
    lines = list(page_lines(found, numbers))
    line = next(x for x in lines if re.fullmatch(r"  [-=CtT]{72}", x)).strip()
    # Nothing lies farther off than the window: it fills the line, the track in its middle.
    assert set(line) <= {"=", "T", "t"}
    assert line.index("T") in (35, 36)
    assert any("no coincidences" in x for x in lines)


def test_files_that_are_gone(runs: dict[str, Path], tmp_path: Path) -> None:
    found = survivors(runs["a"])
    row = found.tracks.iloc[0]
    moved = tuple(tmp_path / path.name for path in found.files)
    away = type(found)(**{**vars(found), "files": moved})
    numbers = tuple(int(row[name]) for name in ("run", "subrun", "event"))
    assert "is not there, or holds another event" in list(page_lines(away, numbers))[-1]


def test_a_file_is_found_from_where_the_run_named_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "a.root").write_text("")
    assert place_of("new/a.root", folder, folder).resolve() == folder / "a.root"
    assert place_of("a.root", folder, tmp_path) == folder / "a.root"
    # Both were moved together.
    assert place_of("/gone/a.root", tmp_path, folder) == folder / "a.root"
    assert place_of("b.root", folder, folder) == folder / "b.root"
    assert place_of("https://host/a.root", folder, folder) == Path("https://host/a.root")


def test_subrun_and_event_are_enough(runs: dict[str, Path], radiograph: Callable[..., Any]) -> None:
    row = survivors(runs["a"]).tracks.iloc[0]
    short = f"{int(row['subrun'])},{int(row['event'])}"
    whole = f"{int(row['run'])},{short}"
    pages = [radiograph("cosmics", "events", runs["a"], "--event", e) for e in (short, whole)]
    assert pages[0].code == 0, pages[0].err
    assert pages[0].out == pages[1].out


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("5", "is no event; write SUBRUN,EVENT"),
        ("a,b", "is no event; write SUBRUN,EVENT"),
        ("77,1", "is no unvetoed event"),
    ],
)
def test_no_such_event(
    runs: dict[str, Path], radiograph: Callable[..., Any], event: str, message: str
) -> None:
    done = radiograph("cosmics", "events", runs["a"], "--event", event)
    assert done.code == 2
    assert message in done.err
