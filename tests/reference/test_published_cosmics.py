"""The cut flows of synthetic EventNtuple files of two releases against reference counts.

Source: expected.json, computed twice, by columns and by plain loops over tracks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pandas as pd
import pytest
import uproot
from radiograph.drivers.config import load_config
from radiograph.drivers.cosmics.cuts_in_effect import cuts_in_effect
from radiograph.drivers.cosmics.stored import stored
from radiograph.drivers.engine.running import open_session
from radiograph.drivers.main import guarded
from radiograph.nodes.cosmics import cuts as cut_nodes
from radiograph.nodes.cosmics import extremes, flow
from radiograph.nodes.cosmics.added_cuts import added_cut_marks__none
from radiograph.nodes.cosmics.histograms import histogram_counts, histogram_entries
from radiograph.nodes.cosmics.intervals import count_interval
from radiograph.nodes.cosmics.normalisation import window_rates
from radiograph.nodes.cosmics.readers import n_events_of, read_columns, root_files
from radiograph.nodes.cosmics.veto import veto_counts, veto_study
from radiograph.schemas.cosmics.columns import AbsentLeaves, EventColumns
from radiograph.schemas.cosmics.config import Cuts
from radiograph.schemas.cosmics.counts import SELECTIONS, WINDOWS, CutCounts, Histograms
from radiograph.schemas.cosmics.cuts import CutsInEffect
from radiograph.schemas.cosmics.histogram_specs import HISTOGRAMS
from radiograph.schemas.cosmics.results import BeamSettings, Normalisation
from radiograph.schemas.cosmics.statistics import StatisticsSettings
from radiograph.schemas.cosmics.veto import VetoGrid
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
    tracks, events, veto = extremes_of(name)
    added = added_cut_marks__none(columns(name).tracks)
    marks = cut_nodes.cut_marks(tracks, events, veto, added, cuts)
    absent = AbsentLeaves(columns(name).absent, name)
    return cut_nodes.cut_counts(marks, tracks, events, absent, cuts)


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


def session_of(tmp_path: Path, files: Sequence[str], **settings: Any) -> Any:
    toml = tmp_path / "cosmics.toml"
    toml.write_text('[pipeline]\nname = "cosmics"\n')
    names = [str(COSMICS / name) for name in files]
    loaded = load_config(toml, settings={"io.input_path": names, **settings})
    return open_session(loaded)


def engine_flow(tmp_path: Path, files: Sequence[str], **settings: Any) -> Any:
    return session_of(tmp_path, files, **settings).run(["cut_flow"])["cut_flow"]


@pytest.mark.parametrize("chunk", [7, 1000, 0])
def test_any_chunk_gives_the_same(tmp_path: Path, chunk: int) -> None:
    reference = expected()["odd"]
    table = engine_flow(tmp_path, reference["files"], **{"run.chunk_events": chunk})
    check_rows(table, reference["cutsets"]["alpha"]["rows"])


def test_the_command_and_its_file_say_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = expected()["merged"]
    answer = reference["cutsets"]["dev"]
    files = [COSMICS / name for name in reference["files"]]
    (tmp_path / "c.toml").write_text(
        f'[pipeline]\nname = "cosmics"\n[io]\ninput_path = {[str(f) for f in files]}\n'
        'output_path = "o.h5"\n[cuts]\ncutset = "dev"\n[cache]\ndir = "cache"\n'
        "[output]\nfigures = false\nreport = false\nformats = []\n"
    )
    assert guarded(["run", str(tmp_path / "c.toml"), "-q"]) == 0
    found = stored(tmp_path / "o.h5")
    check_rows(found.frames["cut_flow"], answer["rows"])
    for window, told in answer["windows"].items():
        kept = found.window_rates[window]
        assert [kept["selected"], kept["unvetoed"]] == [told["selected"], told["unvetoed"]]
    assert found.veto_study["vetoed"].tolist() == answer["veto_study"]["vetoed"]
    for key in ("generated_events", "processed_events"):
        assert found.normalisation[key] == reference[key]
    capsys.readouterr()
    options = ["--cutset", "dev", "--json", "--cache-dir", str(tmp_path / "cache")]
    assert guarded(["cosmics", "flow", *map(str, files), *options]) == 0
    said = json.loads(capsys.readouterr().out)
    check_rows(pd.DataFrame(said["values"]["cut_flow"]), answer["rows"])
    assert said["summary"]["unvetoed_events"] == answer["stages"]["Unvetoed"][0]


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


def selections_of(name: str, cuts: CutsInEffect) -> tuple[Any, Any]:
    tracks, events, veto = extremes_of(name)
    added = added_cut_marks__none(columns(name).tracks)
    bits = cut_nodes.cut_bits(cut_nodes.cut_marks(tracks, events, veto, added, cuts))
    return tracks, cut_nodes.selections(bits, cuts)


def histograms_of(name: str, cuts: CutsInEffect) -> Histograms:
    found = columns(name)
    _, events, veto = extremes_of(name)
    absent = AbsentLeaves(found.absent, name)
    tables = (found.tracks, found.segments, found.true_particles, found.coincidences)
    extremes, selected = selections_of(name, cuts)
    entries = histogram_entries(events, *tables, veto, absent, HISTOGRAMS)
    return histogram_counts(entries, extremes, events, selected, HISTOGRAMS, cuts)


@pytest.mark.parametrize("name", SETS)
def test_histograms_and_veto_windows(name: str) -> None:
    reference = expected()[name]
    grid = VetoGrid((-150, -10, -5, 0, 5, 10), tuple(range(110, 165, 5)))
    for configuration, answer in reference["cutsets"].items():
        cuts = in_effect(configuration, on_spill=reference["on_spill"])
        made = [histograms_of(file, cuts) for file in reference["files"]]
        total = made[0]
        for other in made[1:]:
            total = total + other
        for kind, selections in answer["histograms"].items():
            values, missing = total[kind].values, total.missing[kind]
            for k, selection in enumerate(SELECTIONS):
                n = values[:, k].sum() + missing[k]
                found = [n, values[0, k], values[-1, k], missing[k]]
                assert found == selections[selection], (configuration, kind, selection)
        counts = None
        for file in reference["files"]:
            tracks, selected = selections_of(file, cuts)
            _, events, veto = extremes_of(file)
            more = veto_counts(veto, tracks, events, selected, grid)
            counts = more if counts is None else counts + more
        study, told = veto_study(counts, StatisticsSettings()), answer["veto_study"]
        for key in ("selected_events", "combinations", "not_a_number"):
            assert getattr(study, key) == told[key], (configuration, key)
        assert study.vetoed.tolist() == told["vetoed"], configuration
        sums = {"dT_sum_ns": study.sum_ns, "dT_min_ns": study.min_ns, "dT_max_ns": study.max_ns}
        for key, value in sums.items():
            if told[key] is not None:
                assert value == pytest.approx(told[key], rel=1e-9), (configuration, key)


@pytest.mark.parametrize("name", SETS)
def test_rates_and_efficiencies(name: str) -> None:
    reference = expected()[name]
    at = Normalisation(
        *(reference[k] for k in ("generated_events", "processed_events", "livetime_s"))
    )
    beam = BeamSettings({"1batch": 0.322, "2batch": 0.246}, 3.46e6)
    statistics = StatisticsSettings(poisson_cl=0.68)
    for configuration, answer in reference["cutsets"].items():
        cuts = in_effect(configuration, on_spill=reference["on_spill"])
        counts = added_up(reference["files"], cuts)
        rates = window_rates(counts, 0, at, beam, cuts, statistics)
        for window, told in answer["windows"].items():
            lo, hi = count_interval(np.array([told["unvetoed"]]), statistics)
            found = {**rates[window], "poisson68_lo": lo[0], "poisson68_hi": hi[0]}
            for key, value in told.items():
                expect = None if value is None else pytest.approx(value, rel=1e-9, abs=1e-12)
                assert found[key] == expect, (configuration, window, key)


def test_normalisation_of_the_files(tmp_path: Path) -> None:
    for name in ("merged", "offspill"):
        reference = expected()[name]
        made = session_of(tmp_path, reference["files"]).run(["normalisation"])["normalisation"]
        for key in ("generated_events", "processed_events"):
            assert getattr(made, key) == reference[key]
        expect = reference["livetime_s"]
        assert made.livetime_s == (None if expect is None else pytest.approx(expect, rel=1e-9))


@pytest.mark.parametrize("name", ["odd_v6_06.root", "mix_v6_03.root"])
@pytest.mark.parametrize("events", [EventRange(0, 80), EventRange(33, 9)])
def test_our_decoder_equals_uproot(
    name: str, events: EventRange, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = FileRef(str(COSMICS / name), 0, "")
    ours = read_columns(source, events, TREE, "root")
    calls: list[Any] = []
    monkeypatch.setattr(root_files, "layout_of", lambda *at: calls.append(at))
    theirs = read_columns(source, events, TREE, "root")
    assert len(calls) == 3
    for table in ("event_numbers", "tracks", "segments", "true_particles", "coincidences"):
        pd.testing.assert_frame_equal(getattr(ours, table), getattr(theirs, table))


def test_only_branches_that_are_needed_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[str] = []
    read = root_files._branch

    def noted(branch: Any, path: Path, events: EventRange) -> Any:
        touched.append(branch.name)
        return read(branch, path, events)

    monkeypatch.setattr(root_files, "_branch", noted)
    source = FileRef(str(COSMICS / "odd_v6_06.root"), 0, "")
    read_columns(source, EventRange(0, 80), TREE, "root")
    # Three numbers of an event, three of a fit, ten of a coincidence; the rest is decoded by us.
    assert len(touched) == len(set(touched)) == 16
    assert not {"status", "tcnt.ntrk", "crvcoincs.angle"} & set(touched)


def rntuple_copy(name: str, path: Path) -> Path:
    """The file as an RNTuple of the same names: records in lists, structs in lists of lists."""
    with root_files.opened(COSMICS / name) as file:
        tree = file[TREE]

        def record(parent: str, members: Sequence[str]) -> Any:
            columns = {m: tree[f"{parent}/{parent}.{m}"].array() for m in members}
            return ak.zip(columns, depth_limit=2)

        places = {c: tree[f"crvcoincs/crvcoincs.pos.fCoordinates.{c}"].array()
                  for c in ("fX", "fY", "fZ")}  # fmt: skip
        times = ("time", "timeStart", "timeEnd", "PEs", "nHits", "nLayers", "sectorType")
        found = record("crvcoincs", times)
        data = {
            "evtinfo": ak.zip(
                {n: tree[f"evtinfo/{n}"].array() for n in ("run", "subrun", "event")}
            ),
            "trk": record("trk", ("pdg", "nactive")),
            "trkqual": record("trkqual", ("result",)),
            "crvcoincs": ak.with_field(found, ak.zip({"fCoordinates": ak.zip(places)}), "pos"),
            **{n: tree[n].array() for n in ("trksegs", "trksegpars_lh", "trkmcsim")},
        }
        with uproot.recreate(path) as made:
            copied = {n: ak.without_parameters(values) for n, values in data.items()}
            made.mkdir("EventNtuple").mkrntuple("ntuple", copied)
    return path


@pytest.mark.parametrize("name", ["odd_v6_06.root", "mix_v6_03.root"])
def test_an_rntuple_copy_has_the_same_columns(name: str, tmp_path: Path) -> None:
    path = rntuple_copy(name, tmp_path / "copy.root")
    events = EventRange(0, n_events_of(path, TREE))
    found = read_columns(FileRef(str(path), 0, ""), events, TREE, "auto")
    assert found.absent == columns(name).absent
    for table in ("event_numbers", "tracks", "segments", "true_particles", "coincidences"):
        pd.testing.assert_frame_equal(getattr(found, table), getattr(columns(name), table))
