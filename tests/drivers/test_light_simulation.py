"""Simulated FLOW.hdf5 files as another program reads them, and the command that writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.lightdqm import simulation as light_simulation
from radiograph.drivers.lightdqm.simulation import LightSimulation, write_light_simulation
from radiograph.schemas.errors import UsageError
from radiograph.schemas.light_faults import EVERY_FAULT_KIND, FAULT_KINDS, Fault
from radiograph.schemas.light_simulation import LightSimulationSettings

SMALL = LightSimulationSettings(n_events=20, n_samples=120, seed=3)
FLOW = "mpd_run_data_rctl_50014_p0.FLOW.hdf5"
PARTS = ["channel_status.csv", FLOW]
PARTS += [FLOW.replace(".FLOW.hdf5", f".truth_{what}.csv") for what in ("events", "faults")]


def test_the_layout_is_that_of_h5flow(tmp_path: Path) -> None:
    settings = SMALL.model_copy(update={"faults": (Fault(kind="missing_adc", adc=2),)})
    result = write_light_simulation(settings, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(PARTS)
    with h5py.File(result.out) as file:
        events, waveforms = file["light/events/data"], file["light/wvfm/data"]
        assert events.dtype.itemsize == 685
        assert events.dtype.names == (
            "id",
            "event",
            "sn",
            "utime_ms",
            "tai_ns",
            "wvfm_valid",
            "trig_type",
        )
        assert (events.shape, events.maxshape, events.chunks) == ((20,), (None,), (16,))
        assert waveforms.dtype == np.dtype([("samples", "<i2", (8, 64, 120))])
        assert (waveforms.shape, waveforms.chunks) == ((20,), (1,))
        rows, samples = events[:], waveforms["samples"]
        absent = rows["sn"][:, 2] == 0
        assert absent.sum() == 5
        assert not rows["wvfm_valid"][absent, 2].any()
        assert rows["wvfm_valid"].sum() == (20 * 8 - 5) * 64
        assert not samples[absent, 2].any()
        assert not rows["utime_ms"][absent, 2].any()
        monitor = (samples[:, 0, 18] > 10000).any(axis=1)
        assert np.array_equal(rows["trig_type"] == 1, monitor)
        assert 0 < monitor.sum() < 20
        group = file["light/events"]
        assert group.attrs["rwm_channel"].tolist() == [0, 18]
        assert (group.attrs["n_adcs"], group.attrs["n_samples"]) == (8, 120)
        assert group.attrs["sn_table"].tolist() == rows["sn"].max(axis=0).tolist()
        assert group.attrs["wvfm_dset_name"] == "light/wvfm"


def test_references_lead_from_an_event_to_its_waveform(tmp_path: Path) -> None:
    result = write_light_simulation(SMALL, tmp_path)
    with h5py.File(result.out) as file:
        pairs = file["light/events/ref/light/wvfm/ref"]
        assert (pairs.dtype, pairs.shape, pairs.chunks) == (np.dtype("u4"), (20, 2), (1024, 2))
        assert pairs[:].tolist() == [[i, i] for i in range(20)]
        assert file[pairs.attrs["dset0"]] == file["light/events/data"]
        assert file[pairs.attrs["dset1"]] == file["light/wvfm/data"]
        for k in (0, 1):
            region = file[pairs.attrs[f"ref_region{k}"]]
            assert region.dtype == np.dtype([("start", "i4"), ("stop", "i4")])
            assert region[:].tolist() == [(i, i + 1) for i in range(20)]
            assert file[region.attrs["ref"]] == pairs
        assert "light/wvfm/ref/light/events/ref_region" in file


def test_older_files_have_times_a_channel_and_no_trigger_type(tmp_path: Path) -> None:
    settings = SMALL.model_copy(update={"layout": "adc64", "n_adcs": 2})
    with h5py.File(write_light_simulation(settings, tmp_path).out) as file:
        rows = file["light/events/data"][:]
        assert "trig_type" not in rows.dtype.names
        assert rows["ch"].shape == rows["tai_ns"].shape == (20, 2, 64)
        assert not rows["utime_ms"].any()
        assert rows["tai_ns"].all()
        assert rows["ch"][0, 1].tolist() == list(range(64))
        assert "rwm_channel" not in file["light/events"].attrs


def test_the_seed_decides_every_number_and_blocks_do_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def content(name: str, settings: LightSimulationSettings) -> list[Any]:
        result = write_light_simulation(settings, tmp_path / name)
        with h5py.File(result.out) as file:
            return [file["light/events/data"][:].tobytes(), file["light/wvfm/data"][:].tobytes()]

    one, other = content("a", SMALL), content("c", SMALL.model_copy(update={"seed": 4}))
    monkeypatch.setattr(light_simulation, "BLOCK_SAMPLES", 3 * 8 * 64 * 120)
    assert content("b", SMALL) == one
    assert other[1] != one[1]


@pytest.mark.parametrize("compression", ["gzip", "lzf"])
def test_filters_change_no_number(tmp_path: Path, compression: Any) -> None:
    small = SMALL.model_copy(update={"n_events": 3})
    plain = write_light_simulation(small, tmp_path / "plain").out
    packed = write_light_simulation(small, tmp_path / "packed", compression=compression).out
    assert packed.stat().st_size < plain.stat().st_size
    with h5py.File(plain) as a, h5py.File(packed) as b:
        assert b["light/wvfm/data"].compression == compression
        assert np.array_equal(a["light/wvfm/data"][:], b["light/wvfm/data"][:])


def test_the_truth_stands_beside(tmp_path: Path) -> None:
    faults = (Fault(kind="dead", known=True), Fault(kind="sparking", adc=1, channel=9))
    result = write_light_simulation(SMALL.model_copy(update={"faults": faults}), tmp_path)
    planted = pd.read_csv(result.faults_truth)
    assert planted["kind"].tolist() == ["dead", "sparking"]
    assert planted["known"].tolist() == [True, False]
    truth = pd.read_csv(result.events_truth)
    assert len(truth) == 20
    assert (truth["trigger"] == "beam").sum() == result.n_beam
    status = np.loadtxt(result.channel_status, delimiter=",", dtype=int)
    assert status.shape == (8, 64)
    assert (status == -1).sum() == 128
    assert np.argwhere(status == 1).tolist() == [planted.loc[0, ["adc", "channel"]].tolist()]


def test_no_events_are_a_valid_file(tmp_path: Path) -> None:
    result = write_light_simulation(SMALL.model_copy(update={"n_events": 0}), tmp_path)
    with h5py.File(result.out) as file:
        assert file["light/wvfm/data"].shape == (0,)
        assert file["light/events/ref/light/wvfm/ref"].shape == (0, 2)
    assert len(pd.read_csv(result.events_truth)) == 0


def test_nothing_is_overwritten_without_consent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_light_simulation(SMALL, tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def never(*_: object) -> None:
        pytest.fail("waveforms were computed before the files were looked at")

    monkeypatch.setattr(LightSimulation, "samples", never)
    with pytest.raises(UsageError, match="--overwrite"):
        write_light_simulation(SMALL, tmp_path)
    other = SMALL.model_copy(update={"run": 7, "faults": (Fault(kind="dead", known=True),)})
    with pytest.raises(UsageError, match="channel_status.csv: exists already"):
        write_light_simulation(other, tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(light_simulation, "_write_references", full)
    with pytest.raises(UsageError, match="No space left"):
        write_light_simulation(SMALL, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match=r"cannot be made, since .*file is a file"):
            write_light_simulation(SMALL, folder)


class TestCommand:
    def test_files_of_a_run(self, radiograph: Callable[..., Any], tmp_path: Path) -> None:
        done = radiograph(
            *("simulate", "lightdqm", tmp_path / "new", "--events", 4, "--samples", 120),
            *("--files", 2, "--run", 77, "--tag", "cosmic", "--adcs", 2, "--beam-fraction", 0.0),
            *("--fault", "dead:1/20", "--fault", "baseline_move:0=250", "--known-fault", "noisy"),
            *("--tone", "1:6.25=30"),
        )
        assert done.code == 0, done.err
        names = [p.name for p in (tmp_path / "new").glob("*.hdf5")]
        assert sorted(names) == [f"mpd_run_cosmic_rctl_77_p{k}.FLOW.hdf5" for k in (0, 1)]
        lines = done.out.splitlines()
        assert "0 beam and 4 self-triggered events, 2 ADCs, 120 samples" in lines[0]
        assert lines[1:3] == [
            "  dead at ADC 1 channel 20: 0 of the light",
            "  baseline_move at ADC 0: 250 adc16",
        ]
        assert lines[3].endswith("12 x, known")
        assert lines[1:4] == lines[5:8]

    def test_a_run_is_continued_but_not_replaced(
        self, radiograph: Callable[..., Any], tmp_path: Path
    ) -> None:
        command = ("simulate", "lightdqm", tmp_path, "--events", 2, "--samples", 120)
        status = (*command, "--known-fault", "dead:1/20")
        assert radiograph(*status, "--subrun", 1).code == 0
        assert radiograph(*status, "--subrun", 2).code == 0
        before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
        done = radiograph(*status, "--files", 3)
        assert done.code == 2
        assert "_p1.FLOW.hdf5: exists already" in done.err
        assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before

    def test_every_kind_at_once(self, radiograph: Callable[..., Any], tmp_path: Path) -> None:
        small = ("--events", 2, "--samples", 120)
        done = radiograph("simulate", "lightdqm", tmp_path, *small, "--fault", "all")
        assert done.code == 0, done.err
        faults = pd.read_csv(tmp_path / FLOW.replace(".FLOW.hdf5", ".truth_faults.csv"))
        assert faults["kind"].tolist() == list(FAULT_KINDS)

    def test_the_kinds_are_listed(self, radiograph: Callable[..., Any], tmp_path: Path) -> None:
        done = radiograph("simulate", "lightdqm", tmp_path, "--list-faults")
        assert done.code == 0
        assert [line.split()[0] for line in done.out.splitlines()] == list(EVERY_FAULT_KIND)
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--fault", "deadd"], "--fault 'deadd' is unknown; allowed: all, dead"),
            (["--fault", "dead:x"], "--fault 'dead:x' is no fault; write KIND"),
            (["--fault", "noisy=much"], "'much' is no number"),
            (
                ["--fault", "dead:9"],
                "line: dead at ADC 9: there are 8 ADCs, counted from 0 to 7",
            ),
            (["--fault", "dead:1/64"], "should be less than 64"),
            (["--fault", "tone:1/3"], "acts on a whole ADC"),
            (["--tone", "3"], "--tone '3' is no tone"),
            (["--tone", "3:40"], "less than or equal to 31.25"),
            (["--events", "0"], "Invalid value for '--events'"),
            (["--adcs", "3"], "--adcs = 3: should be a multiple of 2"),
            (["--samples", "10"], "--samples = 10"),
            (["--tag", "a/b"], "--tag = 'a/b'"),
            (["--beam-fraction", "2"], "--beam-fraction = 2.0"),
            (["--noise-adc16", "nan"], "--noise-adc16 = nan"),
            (["--adcs", "2", *(["--fault", "tone"] * 3)], "no sound ADC is left"),
        ],
    )
    def test_options_that_make_no_sense(
        self, radiograph: Callable[..., Any], tmp_path: Path, options: list[str], message: str
    ) -> None:
        done = radiograph("simulate", "lightdqm", tmp_path / "new", *options)
        assert done.code == 2
        assert message in done.err
        assert not list(tmp_path.iterdir())
