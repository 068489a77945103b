"""A file of events copied into an RNTuple: what is read of both is the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import uproot
from radiograph.drivers.cosmics import rntuple_copy
from radiograph.drivers.cosmics.simulation import write_cosmics_simulation
from radiograph.nodes.cosmics.readers import read_columns, reader_of
from radiograph.schemas.cosmics_simulation import CosmicsSimulationSettings
from radiograph.schemas.sources import EventRange, FileRef

TREE = "EventNtuple/ntuple"
N = 60


def simulated(folder: Path, **settings: Any) -> Path:
    made = CosmicsSimulationSettings(n_events=N, basket_events=25, seed=3, **settings)
    return write_cosmics_simulation(made, folder).out


@pytest.mark.parametrize(("kind", "release"), [("odd", "v6_03"), ("mix", "v6_06")])
def test_the_copy_has_the_same_columns_and_totals(
    radiograph: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: Any,
    release: Any,
) -> None:
    # Three blocks, whose edges are not those of the baskets.
    monkeypatch.setattr(rntuple_copy, "BLOCK_EVENTS", 23)
    source = simulated(tmp_path, kind=kind, release=release, totals="both")
    done = radiograph("export", source, "--to", "rntuple")
    assert done.code == 0, done.err
    copy = source.with_name(f"{source.stem}_rntuple.root")
    assert done.out.strip() == str(copy)
    with uproot.open(copy) as file:
        ntuple = file[TREE]
        assert type(ntuple).__name__ == "Model_ROOT_3a3a_RNTuple"
        # What no cut looks at is there too.
        assert {"trk.status", "trksegs.sindex", "crvcoincs.angle", "tcnt_ntrk"} <= set(
            ntuple.keys()
        )
    events = EventRange(7, 45)
    one, other = (
        read_columns(FileRef(str(p), 0, ""), events, TREE, "auto") for p in (source, copy)
    )
    for table in ("event_numbers", "tracks", "segments", "true_particles", "coincidences"):
        pd.testing.assert_frame_equal(getattr(one, table), getattr(other, table))
    facts, again = (reader_of(p).facts(p, TREE) for p in (source, copy))
    assert {k: v.tolist() for k, v in facts.subruns.items()} == {
        k: v.tolist() for k, v in again.subruns.items()
    }
    assert (facts.totals, facts.release) == (again.totals, again.release)
    assert facts.totals["processed"] == N
    again_copied = radiograph("export", copy, "--to", "rntuple")
    assert again_copied.code == 2
    assert "holds an RNTuple already" in again_copied.err


def test_what_cannot_be_copied(radiograph: Callable[..., Any], tmp_path: Path) -> None:
    source = simulated(tmp_path)
    copy = tmp_path / "copy.root"
    assert radiograph("export", source, "--to", "rntuple", "-o", copy).code == 0
    before = copy.read_bytes()
    again = radiograph("export", source, "--to", "rntuple", "-o", copy)
    assert (again.code, "exists already" in again.err) == (2, True)
    assert copy.read_bytes() == before
    other = radiograph("export", source, "--to", "csv")
    assert (other.code, "rntuple alone" in other.err) == (2, True)
    whole = source.read_bytes()
    source.write_bytes(whole[: len(whole) // 2])
    broken = radiograph("export", source, "--to", "rntuple", "-o", tmp_path / "new.root")
    assert (broken.code, "is cut off" in broken.err) == (3, True)
    (tmp_path / "text.root").write_text("hello")
    text = radiograph("export", tmp_path / "text.root", "--to", "rntuple")
    assert text.code == 3
    source.write_bytes(b"")
    empty = radiograph("export", source, "--to", "rntuple", "-o", tmp_path / "new.root")
    assert (empty.code, "the file is empty (0 bytes)" in empty.err) == (3, True)
    assert {p.name for p in tmp_path.glob("*.root")} == {source.name, "copy.root", "text.root"}


def test_no_events_are_a_copy_without(radiograph: Callable[..., Any], tmp_path: Path) -> None:
    made = CosmicsSimulationSettings(n_events=0)
    source = write_cosmics_simulation(made, tmp_path).out
    copy = tmp_path / "copy.root"
    assert radiograph("export", source, "--to", "rntuple", "-o", copy).code == 0
    assert reader_of(copy).n_events(copy, TREE) == 0
