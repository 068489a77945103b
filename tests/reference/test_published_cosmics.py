"""The cut flows of synthetic EventNtuple files of two releases against reference counts.

Source: expected.json, computed twice, by columns and by plain loops over tracks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers.config import load_config
from radiograph.drivers.cosmics.cuts_in_effect import cuts_in_effect
from radiograph.drivers.engine.running import open_session
from radiograph.nodes.cosmics import cuts as cut_nodes
from radiograph.nodes.cosmics import extremes, flow
from radiograph.nodes.cosmics.readers import n_events_of, read_columns
from radiograph.schemas.cosmics.columns import EventColumns
from radiograph.schemas.cosmics.config import Cuts
from radiograph.schemas.cosmics.counts import SELECTIONS, WINDOWS, CutCounts
from radiograph.schemas.cosmics.cuts import CutsInEffect
from radiograph.schemas.cosmics.statistics import StatisticsSettings
from radiograph.schemas.sources import EventRange, FileRef

COSMICS = Path(__file__).resolve().parents[3] / "shared" / "data" / "cosmics"
pytestmark = pytest.mark.skipif(
    not COSMICS.is_dir(), reason="the published cosmics data are not beside the checkout"
)
SETS = ("cosmic", "signal", "mix", "edge", "odd", "offspill", "merged")
TREE = "EventNtuple/ntuple"


@cache
def expected() -> dict[str, Any]:
    return json.loads((COSMICS / "expected.json").read_text())["sets"]


def settings_of(configuration: str, *, on_spill: bool) -> dict[str, Any]:
    """[cuts] of a configuration: a cut set, or one "without" some cuts and groups."""
    name, _, without = configuration.partition(" without ")
    cuts = {"cutset": name, "on_spill": on_spill, "toggle_cuts": {}, "toggle_groups": {}}
    for word in filter(None, without.split(", ")):
        word = {"veto": "unvetoed"}.get(word, word)
        cuts["toggle_groups" if word[0].isupper() else "toggle_cuts"][word] = False
    return cuts


def in_effect(configuration: str, *, on_spill: bool) -> CutsInEffect:
    settings = Cuts.model_validate(settings_of(configuration, on_spill=on_spill))
    return cuts_in_effect(settings, Path())


@cache
def columns(name: str) -> EventColumns:
    path = COSMICS / name
    events = EventRange(0, n_events_of(path, TREE))
    return read_columns(FileRef(str(path), 0, ""), events, TREE, "auto")


@cache
def extremes_of(name: str) -> tuple[Any, Any, Any]:
    found = columns(name)
    parts = (found.event_numbers, found.tracks)
    return (
        extremes.track_extremes(found.tracks, found.segments, found.true_particles, 11),
        extremes.event_extremes(*parts, found.coincidences),
        extremes.veto_times_ns(*parts, found.segments, found.coincidences),
    )


def counts_of(name: str, cuts: CutsInEffect) -> CutCounts:
    from radiograph.nodes.cosmics.added_cuts import added_cut_marks__none

    tracks, events, veto = extremes_of(name)
    added = added_cut_marks__none(columns(name).tracks)
    bits = cut_nodes.cut_bits(tracks, events, veto, added, cuts)
    return cut_nodes.cut_counts(bits, tracks, events, veto, added, cuts)


def added_up(names: Sequence[str], cuts: CutsInEffect) -> CutCounts:
    first, *others = (counts_of(name, cuts) for name in names)
    for other in others:
        first = first + other
    return first


def check_rows(table: Any, rows: list[list[Any]]) -> None:
    assert list(table["cut"]) == [row[0] for row in rows]
    for k, name in enumerate(("events", "tracks", "individual"), 1):
        assert table[name].tolist() == [row[k] for row in rows], name
    assert table["n_minus_one"].tolist()[1:] == [row[4] for row in rows[1:]]
    names = ("absolute_pct", "relative_pct", "absolute_lo_pct", "absolute_hi_pct")
    for k, name in enumerate(names, 5):
        assert table[name].tolist() == pytest.approx([r[k] for r in rows], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", SETS)
def test_every_configuration(name: str) -> None:
    reference = expected()[name]
    assert len(reference["cutsets"]) == 15
    for configuration, answer in reference["cutsets"].items():
        cuts = in_effect(configuration, on_spill=reference["on_spill"])
        counts = added_up(reference["files"], cuts)
        n = int(counts.events.cumulative[0])
        table = flow.cut_flow(counts, n, cuts, StatisticsSettings())
        check_rows(table, answer["rows"])
        stages = dict(zip(SELECTIONS, counts.selected.tolist(), strict=True))
        assert stages == answer["stages"], configuration
        windows = dict(zip(WINDOWS, counts.in_window.tolist(), strict=True))
        told = {w: [v["selected"], v["unvetoed"]] for w, v in answer["windows"].items()}
        assert windows == told, configuration


def engine_flow(tmp_path: Path, files: Sequence[str], **settings: Any) -> Any:
    toml = tmp_path / "cosmics.toml"
    toml.write_text('[pipeline]\nname = "cosmics"\n')
    names = [str(COSMICS / name) for name in files]
    loaded = load_config(toml, settings={"io.input_path": names, **settings})
    return open_session(loaded).run(["cut_flow"])["cut_flow"]


@pytest.mark.parametrize("chunk", [7, 1000, 0])
def test_any_chunk_gives_the_same(tmp_path: Path, chunk: int) -> None:
    reference = expected()["odd"]
    table = engine_flow(tmp_path, reference["files"], **{"run.chunk_events": chunk})
    check_rows(table, reference["cutsets"]["alpha"]["rows"])


@pytest.mark.parametrize("order", [1, -1])
def test_both_releases_in_one_process(tmp_path: Path, order: int) -> None:
    files = expected()["merged"]["files"][::order]
    table = engine_flow(tmp_path, files, **{"cuts.cutset": "dev"})
    check_rows(table, expected()["merged"]["cutsets"]["dev"]["rows"])


def test_off_spill_file_without_subruns(tmp_path: Path) -> None:
    reference = expected()["offspill"]
    table = engine_flow(tmp_path, reference["files"], **{"cuts.on_spill": False})
    check_rows(table, reference["cutsets"]["alpha"]["rows"])


def test_parquet_of_the_peer(tmp_path: Path) -> None:
    reference = json.loads((COSMICS / "events_peer_form.json").read_text())
    for cutset, rows in reference["cutsets"].items():
        table = engine_flow(tmp_path, [reference["file"]], **{"cuts.cutset": cutset})
        assert list(zip(table["cut"], table["events"], strict=True)) == [tuple(r) for r in rows]
