"""Simulated EventNtuple files as uproot reads them, and the command that writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pandas as pd
import pytest
import uproot
from radiograph.drivers.cosmics import simulation as cosmics_simulation
from radiograph.drivers.cosmics.simulation import simulated_block, write_cosmics_simulation
from radiograph.schemas.cosmics_simulation import CosmicsSimulationSettings
from radiograph.schemas.errors import UsageError

KINDS = ("cosmic", "signal", "mix", "edge", "odd")
SMALL = CosmicsSimulationSettings(n_events=60, basket_events=25, seed=3)
EXAMPLES = Path(__file__).parents[4] / "shared" / "data" / "cosmics"
# What may differ from file to file, and two things that ROOT leaves open: the checksum of a class,
# and the parent class of a member of a vector.
FREE = {"fZipBytes", "fTotBytes", "fCheckSum", "fParentName", "fEntryOffsetLen", "fWriteBasket"}
FREE |= {"fEntryNumber", "fEntries", "fMaxBaskets"}


def opened(path: Path) -> Any:
    """The file with classes of its own: releases have other members under the same name."""
    own = {name: kind for name, kind in uproot.classes.items() if not name.startswith("mu2e::")}
    return uproot.open(path, custom_classes=own)


def ntuple(path: Path) -> Any:
    return opened(path)["EventNtuple/ntuple"]


def plain_members(thing: Any) -> dict[str, Any]:
    members = thing.all_members.items()
    return {k: v for k, v in members if isinstance(v, (int, float, str)) and k not in FREE}


def of_type(array: Any) -> str:
    return str(array.type).partition(" * ")[2]


@pytest.mark.parametrize(
    ("example", "release"),
    [("cosmic_v6_06.root", "v6_06"), ("mix_v6_03.root", "v6_03")],
)
def test_every_branch_and_leaf_is_that_of_a_reference_file(
    tmp_path: Path, example: str, release: Any
) -> None:
    if not (EXAMPLES / example).is_file():
        pytest.skip(f"no reference file {EXAMPLES / example}")
    settings = SMALL.model_copy(update={"release": release})
    mine = ntuple(write_cosmics_simulation(settings, tmp_path).out)
    theirs = ntuple(EXAMPLES / example)
    assert mine.typenames() == theirs.typenames()
    assert mine.title == theirs.title
    for name in theirs.typenames():
        assert plain_members(mine[name]) == plain_members(theirs[name]), name
        (my_leaf,), (their_leaf,) = mine[name].member("fLeaves"), theirs[name].member("fLeaves")
        assert type(my_leaf).__name__ == type(their_leaf).__name__
        assert plain_members(my_leaf) == plain_members(their_leaf)
    my_columns, their_columns = mine.arrays(), theirs.arrays()
    for name in their_columns.fields:
        # Names of records and types of every field down to the last.
        assert of_type(my_columns[name]) == of_type(their_columns[name]), name


@pytest.mark.parametrize("order", [("v6_03", "v6_06"), ("v6_06", "v6_03")])
def test_both_releases_in_one_process(tmp_path: Path, order: tuple[Any, Any]) -> None:
    for release in order:
        settings = SMALL.model_copy(update={"release": release})
        segments = ntuple(write_cosmics_simulation(settings, tmp_path).out)["trksegs"].array()
        assert ("early" in segments.fields) == (release == "v6_03")
        assert ak.all(segments["sid"] >= 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", ["ttree", "rntuple"])
def test_what_is_read_is_what_was_drawn(tmp_path: Path, kind: Any, format: Any) -> None:
    settings = SMALL.model_copy(update={"kind": kind, "format": format})
    drawn = simulated_block(settings, 0, settings.n_events)
    tree = ntuple(write_cosmics_simulation(settings, tmp_path).out)
    assert tree.num_entries == 60
    got = tree.arrays()
    split = format == "ttree"

    def leaf(vector: str, name: str) -> Any:
        if split:
            return got[f"{vector}.{name}"]
        whole = got[vector]
        for step in name.split("."):
            whole = whole[step]
        return whole

    fits, segments = drawn["simulated_fits"], drawn["simulated_segments"]
    particles, coincidences = drawn["simulated_particles"], drawn["simulated_coincidences"]
    n = settings.n_events
    assert ak.num(leaf("trk", "pdg")).tolist() == counted(fits["event"], n)
    assert ak.num(got["trksegs"]).tolist() == counted(fits["event"], n)
    assert ak.num(ak.flatten(got["trksegs"])).tolist() == counted(segments["fit"], len(fits))
    assert ak.num(ak.flatten(got["trkmcsim"])).tolist() == counted(particles["fit"], len(fits))
    assert ak.num(leaf("crvcoincs", "time")).tolist() == counted(coincidences["event"], n)
    same(leaf("trk", "pdg"), fits["pdg"])
    same(leaf("trkqual", "result"), fits["quality"])
    same(leaf("crvcoincs", "time"), coincidences["time_ns"])
    same(leaf("crvcoincs", "pos.fCoordinates.fZ"), coincidences["pos_z_mm"])
    same(got["trksegs"]["time"], segments["time_ns"])
    same(got["trksegs"]["sid"], segments["sid"])
    same(got["trksegs"]["mom"]["fCoordinates"]["fY"], segments["mom_y_MeV"])
    same(got["trksegpars_lh"]["t0err"], segments["t0err_ns"])
    same(got["trksegpars_lh"]["maxr"], segments["maxr_mm"])
    same(got["trkmcsim"]["nhits"], particles["nhits"])
    same(got["trkmcsim"]["mom"]["fCoordinates"]["fZ"], particles["mom_z_MeV"])


def counted(parents: pd.Series, n: int) -> list[int]:
    return np.bincount(parents, minlength=n).tolist()


def same(read: Any, drawn: pd.Series) -> None:
    values = ak.to_numpy(ak.flatten(read, axis=None))
    assert values.dtype == drawn.dtype
    assert np.array_equal(values, drawn.to_numpy(), equal_nan=values.dtype.kind == "f")


def test_the_truth_stands_beside(tmp_path: Path) -> None:
    settings = SMALL.model_copy(update={"kind": "odd", "n_events": 200, "pile_up_per_event": 3.0})
    result = write_cosmics_simulation(settings, tmp_path)
    assert result.truth.name == f"{result.out.name}.truth.json"
    truth = json.loads(result.truth.read_text())
    got = ntuple(result.out).arrays()
    assert truth["n"] == 200
    assert truth["ntrk"] == ak.sum(ak.num(got["trk.pdg"]))
    assert truth["nseg"] == ak.count(got["trksegs"]["sid"])
    assert truth["nsim"] == ak.count(got["trkmcsim"]["pdg"])
    assert truth["ncoinc"] == ak.count(got["crvcoincs.time"])
    assert truth["sum_pdg"] == ak.sum(got["trk.pdg"])
    assert truth["sum_sid"] == ak.sum(got["trksegs"]["sid"])
    px = ak.to_numpy(ak.flatten(got["trksegs"]["mom"]["fCoordinates"]["fX"], axis=None))
    assert truth["sum_px"] == pytest.approx(np.nansum(px.astype(float)), rel=1e-12)
    assert truth["planted"]["pile_up_per_event"] == 3.0
    assert truth["planted"]["pile_up_ns"] == [350.0, 1750.0]


@pytest.mark.parametrize(
    ("totals", "tree", "histograms"),
    [("both", True, True), ("subruns", True, False), ("histograms", False, True)],
)
def test_totals_of_the_file(tmp_path: Path, totals: Any, tree: bool, histograms: bool) -> None:
    settings = SMALL.model_copy(update={"totals": totals, "subrun": 4, "run": 77})
    result = write_cosmics_simulation(settings, tmp_path)
    folder = opened(result.out)["EventNtuple"]
    truth = json.loads(result.truth.read_text())
    assert (truth["gen"], truth["processed"]) == (600, 60)
    if tree:
        rows = folder["subrunNtuple"].arrays(library="np")
        assert {name: values.tolist() for name, values in rows.items()} == {
            "run": [77],
            "subrun": [4],
            "genEventCount": [600],
            "procEventCount": [60],
            "cosmicLivetime": [truth["livetime_s"]],
        }
    else:
        assert "subrunNtuple" not in folder
    if histograms:
        told = [folder[f"{name}"].values()[0] for name in ("n_gen_events", "n_proc_events")]
        assert told == [600, 60]
        assert folder["cosmic_livetime"].values().tolist() == [truth["livetime_s"]]
    else:
        assert "n_gen_events" not in folder
    assert folder["version"].classname == "TH1I"
    assert folder["version"].values().tolist() == [6, 6, 0]


def test_nothing_is_told_where_nothing_is_known(tmp_path: Path) -> None:
    settings = SMALL.model_copy(update={"totals": "none", "on_spill": False})
    result = write_cosmics_simulation(settings, tmp_path)
    assert opened(result.out)["EventNtuple"].keys(cycle=False) == ["ntuple", "version"]
    truth = json.loads(result.truth.read_text())
    assert (truth["gen"], truth["livetime_s"]) == (0, 0.0)
    times = ntuple(result.out)["trksegs"].array()["time"]
    assert ak.max(times) > 2000.0


def test_the_seed_decides_every_number_and_baskets_do_not_show(tmp_path: Path) -> None:
    def content(name: str, **changed: Any) -> list[Any]:
        settings = SMALL.model_copy(update=changed)
        return ntuple(write_cosmics_simulation(settings, tmp_path / name).out).arrays().tolist()

    one = content("a")
    assert content("b", basket_events=7) == one
    assert content("c", seed=4) != one
    assert content("d", subrun=1) != one


def test_blocks_are_different_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cosmics_simulation, "BLOCK_EVENTS", 20)
    got = ntuple(write_cosmics_simulation(SMALL, tmp_path).out).arrays()
    assert got["event"].tolist() == list(range(1, 61))
    protons = got["pbtime"].to_list()
    assert len(set(protons)) == 60
    assert len(set(ak.flatten(got["trk.fitcon"]).to_list())) == ak.count(got["trk.fitcon"])


def test_no_events_are_a_valid_file(tmp_path: Path) -> None:
    for format in ("ttree", "rntuple"):
        settings = SMALL.model_copy(update={"n_events": 0, "format": format})
        tree = ntuple(write_cosmics_simulation(settings, tmp_path / format).out)
        assert tree.num_entries == 0
        assert len(tree.arrays()) == 0


def test_nothing_is_overwritten_without_consent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cosmics_simulation(SMALL, tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def never(*_: object) -> None:
        pytest.fail("events were drawn before the files were looked at")

    monkeypatch.setattr(cosmics_simulation, "simulated_block", never)
    with pytest.raises(UsageError, match="--overwrite"):
        write_cosmics_simulation(SMALL, tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cosmics_simulation, "_write_totals", full)
    with pytest.raises(UsageError, match="No space left"):
        write_cosmics_simulation(SMALL, tmp_path)
    assert not list(tmp_path.iterdir())


class TestCommand:
    def test_files_of_a_run(self, radiograph: Callable[..., Any], tmp_path: Path) -> None:
        done = radiograph(
            *("simulate", "cosmics", tmp_path / "new", "--kind", "mix", "--files", 2),
            *("--events", 12, "--seed", 5, "--off-spill", "--release", "v6_03"),
        )
        assert done.code == 0, done.err
        stem = "nts.simulated.mix-OffSpill.v6_03.001211_0000000"
        names = sorted(p.name for p in (tmp_path / "new").iterdir())
        assert names == [f"{stem}{k}.root{end}" for k in (0, 1) for end in ("", ".truth.json")]
        lines = done.out.splitlines()
        assert len(lines) == 2
        assert "12 events" in lines[0]
        assert lines[0].endswith("seed 5)")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--kind", "muon"], "Invalid value for '--kind'"),
            (["--release", "v5"], "Invalid value for '--release'"),
            (["--events", "-1"], "Invalid value for '--events'"),
            (["--veto-inefficiency", "1.5"], "--veto-inefficiency = 1.5"),
            (["--pile-up", "nan"], "--pile-up = nan"),
            (["--run", "1000000"], "--run = 1000000"),
            (["--seed", "-1"], "--seed = -1"),
        ],
    )
    def test_options_that_make_no_sense(
        self, radiograph: Callable[..., Any], tmp_path: Path, options: list[str], message: str
    ) -> None:
        done = radiograph("simulate", "cosmics", tmp_path / "new", *options)
        assert done.code == 2
        assert message in done.err
        assert not list(tmp_path.iterdir())
