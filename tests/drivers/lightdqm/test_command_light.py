"""radiograph lightdqm judge, report, trend, import as a user gives them, on simulated files."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import pandas as pd
import pytest
from radiograph.drivers.hdf5 import datasets_of
from radiograph.drivers.lightdqm.json_lines import lines_of, write_lines
from radiograph.drivers.lightdqm.simulation import write_light_simulation
from radiograph.drivers.lightdqm.store import RunStore
from radiograph.schemas.light_faults import Fault
from radiograph.schemas.light_simulation import LightSimulationSettings

from .conftest import arrays, record, verdict

Command = Callable[..., Any]
STORE = Path("dqm_plots/light_dqm_runs.sqlite")
CHECKS = [
    "missing_adcs",
    "timestamps",
    "triggers",
    "dead",
    "railed",
    "flat",
    "baseline_band",
    "baseline_spread",
    "baseline_move",
    "noise",
    "tones",
    "sparks",
    "clipped",
    "negative",
    "coding",
    "unwritten",
    "order",
    "alignment",
    "copies",
    "repeats",
    "channel_order",
    "dark",
    "arrival",
    "light",
    "dark_rate",
    "light_change",
    "baseline_change",
    "noise_change",
]


# Short waveforms and few events: light that begins in the noise window looks like a tone.
QUIET = ("--set", "lightdqm.limits.tone_adc16=1e6")


def name(subrun: int) -> str:
    return f"mpd_run_data_rctl_500_p{subrun}.FLOW.hdf5"


@dataclass(frozen=True)
class Light:
    """Simulated files, and one folder of results for all tests."""

    data: Path
    cache: Path

    def file(self, subrun: int) -> Path:
        return self.data / name(subrun)

    @property
    def options(self) -> tuple[object, ...]:
        return ("--cache-dir", self.cache, *QUIET)


@pytest.fixture(scope="session")
def light(tmp_path_factory: pytest.TempPathFactory) -> Light:
    """Sub-runs 2 and 10 of one healthy module; in 11 and 12 an input is stuck at the top."""
    folder = tmp_path_factory.mktemp("light")
    for subrun in (2, 10, 11, 12):
        stuck = (Fault(kind="railed_top", adc=1, channel=20),) if subrun > 10 else ()
        settings = LightSimulationSettings(
            run=500, subrun=subrun, n_events=60, n_adcs=2, n_samples=240, seed=1, faults=stuck
        )
        write_light_simulation(settings, folder)
    return Light(folder, tmp_path_factory.mktemp("light_cache"))


@pytest.fixture(scope="session")
def checked(light: Light, tmp_path_factory: pytest.TempPathFactory, radiograph: Command) -> Any:
    """The four files looked at, in a store beside the answer."""
    store = tmp_path_factory.mktemp("checked") / "runs.sqlite"
    files = [light.file(subrun) for subrun in (2, 10, 11, 12)]
    done = radiograph("lightdqm", "judge", *files, "--store", store, *light.options)
    return store, done


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config(folder: Path, **settings: Any) -> Path:
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    text = '[pipeline]\nname = "lightdqm"\n[lightdqm]\n' + "\n".join(lines)
    path = folder / "light.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_verdict_is_a_table_and_the_worst_file_decides(checked: Any, light: Light) -> None:
    store, done = checked
    assert (done.code, done.err) == (4, "")
    parts = done.out.split(str(light.data) + "/")[1:]
    assert [part.split(", data from 2025-")[0] for part in parts] == [
        f"{name(2)}: pass",
        f"{name(10)}: pass",
        f"{name(11)}: FAIL",
        f"{name(12)}: FAIL",
    ]
    for part in parts:
        rows = [line.split() for line in part.splitlines()[2 : 2 + len(CHECKS)]]
        assert sorted(row[0] for row in rows) == sorted(CHECKS)
        # What fails comes first; the others stand in the order of the checks.
        failing = [row[0] for row in rows if row[1] == "FAIL"]
        assert [row[0] for row in rows[: len(failing)]] == failing
        others = [row[0] for row in rows if row[1] not in ("FAIL", "warn")]
        assert others == [check for check in CHECKS if check in others]
    assert done.out.splitlines()[-1] == "4 files: 2 pass, 2 FAIL"
    with RunStore(store, create=False) as opened:
        runs = opened.runs()
    assert [run.identity.subrun for run in runs] == [2, 10, 11, 12]
    assert runs[0].path == str(light.file(2))
    assert runs[0].identity.start_ms is not None


def test_a_bad_channel_is_named_and_new_once(checked: Any, light: Light) -> None:
    _, done = checked
    first, second = done.out.split(str(light.data) + "/")[3:]
    assert "1/20" in next(line for line in first.splitlines() if line.startswith("  railed "))
    assert "  railed: Check the offset" in first
    assert "  new since the 2 files before: railed 1/20" in first
    assert "  new since the 3 files before: nothing" in second


def test_checking_again_changes_nothing(
    checked: Any, light: Light, here: Path, radiograph: Command
) -> None:
    shutil.copy(checked[0], "runs.sqlite")
    ask = ("lightdqm", "judge", "--store", "runs.sqlite", *light.options)
    broken = here / "broken_p0.FLOW.hdf5"
    broken.write_bytes(light.file(2).read_bytes()[:100_000])
    files = [light.file(11), light.file(2), "gone.hdf5", broken]
    done = radiograph(*ask, *files, "--json", "-o", "v.json")
    answer = done.json
    assert done.code == answer["exit_code"] == 3
    found, healthy, gone, damaged = answer["files"]
    assert (found["status"], found["run"], found["subrun"]) == ("fail", 500, 11)
    assert [check["check"] for check in found["checks"]] == CHECKS
    railed = next(check for check in found["checks"] if check["check"] == "railed")
    assert (railed["status"], railed["channels"], railed["n_channels"]) == ("fail", ["1/20"], 1)
    assert railed["action"]
    # As at first: only what was before counts, whatever the store knows by now.
    assert (found["compared_with"], found["n_compared"]) == ("the 2 files before", 2)
    assert found["new_since_reference"] == {"railed": ["1/20"]}
    assert (healthy["status"], healthy["n_compared"]) == ("pass", 0)
    assert (gone["status"], damaged["status"]) == ("unreadable", "unreadable")
    assert "No such file" in gone["error"]["message"]
    assert str(broken) in damaged["error"]["message"]
    assert json.loads(Path("v.json").read_text("utf-8")) == answer
    with RunStore(Path("runs.sqlite"), create=False) as opened:
        assert [run.identity.subrun for run in opened.runs()] == [2, 10, 11, 12]
    refused = radiograph(*ask, light.file(2), "-o", "v.json")
    assert refused.code == 2
    assert "v.json: exists already" in refused.err
    assert json.loads(Path("v.json").read_text("utf-8")) == answer
    before = broken.read_bytes()
    itself = radiograph(*ask, broken, "-o", broken, "--overwrite")
    assert itself.code == 2
    assert f"{broken}: is read by this run and would be replaced" in itself.err
    assert broken.read_bytes() == before
    text = radiograph(*ask, broken, light.file(2), "-o", "v.json", "--overwrite")
    assert text.code == 3
    assert f"{broken}: UNREADABLE: " in text.out
    assert text.out.splitlines()[-1] == "2 files: 1 UNREADABLE, 1 pass"


def test_a_folder_gives_its_files_in_natural_order(
    light: Light, here: Path, radiograph: Command
) -> None:
    ask = ("lightdqm", "judge", light.data, "--json", *light.options)
    done = radiograph(*ask, "--set", "lightdqm.nfiles=2", "--set", "lightdqm.start_run=3")
    assert [found["subrun"] for found in done.json["files"]] == [10, 11]
    assert [found["n_compared"] for found in done.json["files"]] == [0, 1]
    only = radiograph(*ask)
    assert [found["subrun"] for found in only.json["files"]] == [2]
    assert only.err == f"note: {light.data}: 1 of 4 files; set lightdqm.nfiles, -1 = all\n"
    none = radiograph(*ask, "--set", "lightdqm.nfiles=0")
    assert none.code == 2
    assert "takes no file" in none.err
    assert (here / STORE).exists()


def test_a_folder_without_such_files_names_the_pattern(
    light: Light, here: Path, radiograph: Command
) -> None:
    done = radiograph("lightdqm", "judge", light.data, "--set", "lightdqm.file_syntax=other")
    assert done.code == 3
    assert "no file other*.FLOW.hdf5" in done.err
    assert not STORE.exists()


def test_no_store_compares_and_keeps_nothing(light: Light, here: Path, radiograph: Command) -> None:
    ask = ("lightdqm", "judge", light.file(2), "--no-store", *light.options)
    assert radiograph(*ask).code == 0
    assert list(here.iterdir()) == []
    for option in (("--reference", "500"), ("--store", "x.sqlite")):
        wrong = radiograph(*ask, *option)
        assert wrong.code == 2
        assert "--no-store excludes" in wrong.err


def test_a_reference_run_takes_the_place_of_the_files_before(
    checked: Any, light: Light, here: Path, radiograph: Command
) -> None:
    shutil.copy(checked[0], "runs.sqlite")
    ask = ("lightdqm", "judge", light.file(12), "--json", "--store", "runs.sqlite", *light.options)
    for reference, new in ((name(11), {}), (name(10), {"railed": ["1/20"]})):
        done = radiograph(*ask, "--reference", reference).json["files"][0]
        assert (done["compared_with"], done["n_compared"]) == (f"reference run {reference}", 1)
        assert done["new_since_reference"] == new
    wrong = radiograph(*ask, "--set", "lightdqm.reference_run=7")
    assert wrong.code == 2
    assert "reference run 7 is not in the store" in wrong.err


def test_a_shift_of_every_channel_is_seen_after_five_files(here: Path, radiograph: Command) -> None:
    for subrun in range(6):
        settings = LightSimulationSettings(
            run=7, subrun=subrun, n_events=120, n_adcs=2, n_samples=120, seed=9
        )
        if subrun == 5:
            moved = settings.readout.model_copy(update={"baseline_shift_adc16": 60.0})
            settings = settings.model_copy(update={"readout": moved})
        write_light_simulation(settings, here / "data")
    limits = ("--set", "lightdqm.nfiles=-1", "--set", "lightdqm.move_adc16=30")
    done = radiograph("lightdqm", "judge", "data", "--json", "--no-cache", *limits)
    moved = [
        next(c for c in found["checks"] if c["check"] == "baseline_move")
        for found in done.json["files"]
    ]
    assert [check["n_channels"] for check in moved] == [0, 0, 0, 0, 0, 96]
    assert done.json["files"][5]["n_compared"] == 5


def test_wrong_settings_and_places(light: Light, here: Path, radiograph: Command) -> None:
    path = here / "x.toml"
    path.write_text('[pipeline]\nname = "lightdqm"\n[lightdqm]\nnfile = 3\n', encoding="utf-8")
    wrong = radiograph("lightdqm", "judge", light.file(2), "--config", path)
    assert wrong.code == 2
    assert "nfiles" in wrong.err
    folder = radiograph("lightdqm", "judge", light.file(2), "-o", light.data)
    assert folder.code == 2
    assert "is a folder" in folder.err


def test_write_json_blobs_writes_the_lines_of_the_script(
    light: Light, here: Path, radiograph: Command
) -> None:
    path = config(here, write_json_blobs=True, output_dir="out")
    done = radiograph("lightdqm", "judge", light.file(10), "-c", path, *light.options)
    assert done.code == 0
    assert f"  {here / 'out' / 'noises.json'}" in done.out.splitlines()
    lines = (here / "out" / "noises.json").read_text("utf-8").splitlines()
    assert [json.loads(line)["file_index"] for line in lines] == [10]
    ask = ("lightdqm", "import", "out/noises.json", "-c", path, "--json")
    read = radiograph(*ask, "--prefix", "mpd_run_data_rctl_500_p")
    assert (read.code, read.json["n_runs"], read.json["n_kept"]) == (0, 1, 1)


def assert_damage_is_noticed(path: Path, radiograph: Command) -> None:
    """Every dataset has a checksum, and a changed bit is a sentence to ``info``."""
    with h5py.File(path) as file:
        found = datasets_of(file, path)
        for name, dataset in found.items():
            layout = dataset.id.get_create_plist().get_layout()
            in_header = layout == h5py.h5d.COMPACT or 0 in dataset.shape
            assert dataset.fletcher32 or in_header, name
        chunk = found["/numbers/dqm_verdict/status"].id.get_chunk_info(0)
    whole = path.read_bytes()
    draw = random.Random(5)
    damaged = path.with_name("damaged.h5")
    told = 0
    for place in [chunk.byte_offset + 3, *(draw.randrange(len(whole)) for _ in range(12))]:
        content = bytearray(whole)
        content[place : place + 200] = bytes(len(content[place : place + 200]))
        damaged.write_bytes(content)
        done = radiograph("info", damaged)
        assert done.code in (0, 3), (place, done.err)
        told += done.code == 3
        if done.code == 3:
            assert str(damaged) in done.err
            assert len(done.err.strip().splitlines()) == 1
        if place == chunk.byte_offset + 3:
            assert "/numbers/dqm_verdict/" in done.err
    assert told


def assert_what_reads_a_file_reads_it(path: Path, radiograph: Command) -> None:
    """verify, export, report and graph, as for the file of any pipeline."""
    equal = radiograph("verify", path, "--json").json
    assert (equal["equal"], equal["added"]) == (True, [])
    assert equal["compared"] > 50
    altered = path.with_name("altered.h5")
    shutil.copy(path, altered)
    with h5py.File(altered, "r+") as file:
        file["numbers/noise_summary/median_adc16"][3] += 1
    found = radiograph("verify", altered, "--json")
    assert (found.code, found.json["differing"]) == (4, ["/numbers/noise_summary/median_adc16"])
    (table,) = radiograph("export", path, "--to", "csv", "--table", "dqm_verdict", "--json").json[
        "outputs"
    ]
    assert pd.read_csv(table)["check"].tolist() == CHECKS
    page = path.with_name("page.html")
    assert radiograph("report", path, "-o", page, "--pdf").code == 0
    # Made of the file alone it is, byte for byte, what the run wrote.
    assert page.read_bytes() == path.with_suffix(".html").read_bytes()
    of_run = path.with_name(f"{path.stem}_main.pdf")
    assert page.with_suffix(".pdf").read_bytes() == of_run.read_bytes()
    of_before = path.with_name("of_before.h5")
    shutil.copy(path, of_before)
    with h5py.File(of_before, "r+") as file:
        del file["provenance/earlier_runs"], file["provenance/page_heading"]
    some = radiograph("verify", of_before, "--json").json
    assert some["equal"]
    assert 50 < some["compared"] < equal["compared"]
    assert radiograph("report", of_before).code == 0
    assert "dqm_verdict" in of_before.with_suffix(".html").read_text("utf-8")
    drawn = radiograph("graph", "--run-file", path, "--json").json
    assert any(node["status"] == "executed" for node in drawn["nodes"])


def test_report_writes_everything_and_says_where(
    light: Light, here: Path, radiograph: Command
) -> None:
    done = radiograph("lightdqm", "report", light.file(11), "-o", "out", *light.options)
    assert done.code == 4
    first, *paths = done.out.splitlines()
    assert first.startswith(f"{light.file(11)}: FAIL")
    written = {Path(path.strip()) for path in paths}
    stem = name(11).removesuffix(".FLOW.hdf5")
    for part in ("flatline.png", "baseline.png", "main.pdf"):
        assert here / "out" / f"{stem}_light_dqm_{part}" in written
    assert all(path.stat().st_size for path in written)
    assert (here / "out" / STORE.name).exists()
    assert not STORE.parent.exists()
    numbers = here / "out" / f"{stem}_light_dqm.h5"
    info = radiograph("info", numbers)
    assert info.code == 0, info.err
    assert "light DQM" in info.out
    assert str(light.file(11)) in info.out
    assert "\n  verdict   FAIL\n" in info.out
    assert any(line.split()[:2] == ["railed", "FAIL"] for line in info.out.splitlines())
    told = radiograph("info", numbers, "--json").json
    assert (told["pipeline"], told["status"]) == ("lightdqm", "fail")
    assert [check["check"] for check in told["verdict"]] == CHECKS
    assert told["datasets"]["dqm_verdict"]["status"] == [len(CHECKS)]
    assert told["settings"]["lightdqm.ptps16bit"] == 500.0
    assert_damage_is_noticed(numbers, radiograph)
    assert_what_reads_a_file_reads_it(numbers, radiograph)
    data = radiograph("info", light.file(2))
    assert data.code == 3
    assert "radiograph lightdqm judge" in data.err
    again = radiograph("lightdqm", "report", light.file(2), light.file(11), "-o", "out")
    assert again.code == 2
    assert "exists already" in again.err
    assert not list(Path("out").glob("*_p2_*"))


def test_run_compares_and_keeps_as_check_does(
    checked: Any, light: Light, here: Path, radiograph: Command
) -> None:
    shutil.copy(checked[0], "runs.sqlite")
    path = config(here, input_path=str(light.file(12)), store="runs.sqlite", output_dir="out")
    only = radiograph("run", path, "--target", "dqm_verdict", "--json", *light.options)
    assert only.code == 4
    move = next(c for c in only.json["verdict"] if c["check"] == "baseline_move")
    assert move["status"] == "pass"
    with RunStore(here / "runs.sqlite") as store:
        for run in store.runs()[2:]:
            store._delete([run.run_id])
    done = radiograph("run", path, "--json", "--overwrite", *light.options)
    assert done.code == 4
    report = done.json
    assert report["status"] == "fail"
    assert [c["status"] for c in report["verdict"] if c["check"] == "railed"] == ["fail"]
    with RunStore(here / "runs.sqlite") as store:
        assert [run.identity.subrun for run in store.runs()] == [2, 10, 12]
    why = radiograph("cache", "why", "dqm_verdict", path, "--cache-dir", light.cache)
    assert why.code == 0


def test_a_watch_outlives_a_file_that_cannot_be_read(
    light: Light, here: Path, radiograph: Command
) -> None:
    (here / "data").mkdir()
    (here / "data" / name(1)).write_bytes(light.file(2).read_bytes()[:100_000])
    (here / "data" / name(2)).symlink_to(light.file(2))
    path = config(here, output_dir="out")
    ask = ("watch", "data", path, "--once", "--interval", "0.05", "--settled", "0")
    done = radiograph(*ask, "-q", *light.options)
    assert done.code == 0
    first, second = done.out.splitlines()
    assert first.startswith(f"{name(1)}: UNREADABLE: ")
    assert first.count(name(1)) == 1
    assert second == f"{name(2)}: pass"
    again = radiograph(*ask, "-q", *light.options)
    assert again.out.splitlines()[1] == f"{name(2)}: known already: pass"


def test_lines_of_a_watch_are_short() -> None:
    """A verdict in which 64 channels fail names the first of them, and the file once."""
    from radiograph.drivers.lightdqm.verdict_text import failure_words, unreadable_text

    channels = " ".join(f"1/{k}" for k in range(64))
    words = failure_words(verdict({"noise": channels, "triggers": ""}))
    assert words == "FAIL; noise 1/0 1/1 1/2 1/3 1/4 1/5 +58; triggers reason of triggers"
    words = failure_words(verdict({"light": "1/4", "coding": "1"}))
    assert words == "FAIL; coding 1; light 1/4"
    path = Path("data") / name(3)
    assert unreadable_text(f"{path}: is no HDF5 file.", path) == "UNREADABLE: is no HDF5 file."


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of 6 made-up files: in the last three 0/5 is dead, in one 1/6 was noisy."""
    from radiograph.drivers.lightdqm.records import config_hash
    from radiograph.schemas.lightdqm.config import LightDqm

    monkeypatch.chdir(tmp_path)
    failing = [{}, {"noise": "1/6"}, {}, *[{"dead": "0/5"}] * 3]
    with RunStore(STORE) as store:
        for i, (number, fails) in enumerate(zip((0, 1, 2, 9, 10, 11), failing, strict=True)):
            store.add(
                record(
                    f"x_rctl_{600 if i < 3 else 601}_p{number}.FLOW.hdf5",
                    failing=fails,
                    baseline=-28000.0 + i,
                    config_hash=config_hash(LightDqm()),
                )
            )
    return tmp_path


def test_trend_lists_files_and_alarms(history: Path, radiograph: Command) -> None:
    done = radiograph("lightdqm", "trend")
    assert done.code == 4
    lines = done.out.splitlines()
    assert [line.split()[5] for line in lines[1:7]] == ["pass", "FAIL", "pass", *["FAIL"] * 3]
    assert lines[1].startswith("2025-09-07 07:00:00 CDT  600  0 ")
    (alarm,) = (line.split() for line in lines[8:])
    assert alarm[:3] == ["dead", "0/5", "x_rctl_601_p10.FLOW.hdf5"]
    assert alarm[-3:] == ["3", "of", "6"]
    calm = radiograph("lightdqm", "trend", "--set", "lightdqm.hysteresis=[4, 1]")
    assert calm.code == 0
    assert calm.out.splitlines()[-1] == "no alarm is raised"


def test_trend_as_json(history: Path, radiograph: Command) -> None:
    answer = radiograph("lightdqm", "trend", "--json", "--last", "2").json
    assert [f["subrun"] for f in answer["files"]] == [10, 11]
    assert answer["n_raised"] == 1
    alarm = answer["alarms"][0]
    assert (alarm["check"], alarm["channel"], alarm["raised"]) == ("dead", "0/5", True)
    assert alarm["since"] == "x_rctl_601_p10.FLOW.hdf5"
    assert [a["channel"] for a in answer["alarms"]] == ["0/5", "1/6"]
    assert answer["files"][0]["failing"] == {"dead": ["0/5"]}
    assert answer["files"][0]["n_beam"] == 300


def test_the_latest_file_is_that_of_the_newest_data(history: Path, radiograph: Command) -> None:
    done = radiograph("lightdqm", "trend", "--latest")
    assert done.code == 4
    assert "/data/x_rctl_601_p11.FLOW.hdf5" in done.out.splitlines()
    assert "x_rctl_601_p10" not in done.out
    assert "  dead: call the expert" in done.out
    answer = radiograph("lightdqm", "trend", "--latest", "--json").json
    assert [f["subrun"] for f in answer["files"]] == [11]


def test_a_quantity_over_files(history: Path, radiograph: Command) -> None:
    ask = ("lightdqm", "trend", "--quantity", "baseline", "--quantity", "clipped")
    done = radiograph(*ask, "--channel", "0/5", "--tpc", "1", "--reference", "600", "--json")
    assert done.code == 0
    trends = done.json["trends"]
    assert [(t["quantity"], t["group"]) for t in trends] == [
        ("baseline", "channel 0/5"),
        ("baseline", "TPC 1"),
        ("clipped", "channel 0/5"),
        ("clipped", "TPC 1"),
    ]
    channel, tpc, share, of_tpc = trends
    assert [p["value"] for p in channel["points"]] == [-28000.0 + i for i in range(6)]
    assert [p["failing"] for p in channel["points"]] == ["", "", "", *["dead"] * 3]
    assert channel["points"][0]["lower"] == -28010.0
    assert channel["points"][0]["upper"] == -27986.0
    # The mean of 48 channels alike: their interval is narrower by the root of 48.
    assert tpc["points"][0]["lower"] == pytest.approx(-28000 - 10 / 48**0.5)
    assert (share["granularity"], share["trigger"], share["unit"]) == ("channel", "self", "")
    assert share["points"][0]["value"] == 0.01
    # Channels of a group look at the same events: the interval is that of a channel.
    assert of_tpc["points"][0]["upper"] == pytest.approx(share["points"][0]["upper"])
    assert (of_tpc["points"][0]["k"], of_tpc["points"][0]["n"]) == (48, 4800)
    # Sub-runs 0 to 2 of run 600: mean -27999, 10 / sqrt(3) below.
    band = channel["reference"]
    assert (band["label"], band["n_files"], band["value"]) == ("reference run 600", 3, -27999.0)
    assert band["lower"] == pytest.approx(-27999 - 10 / 3**0.5)


def test_without_a_reference_the_files_that_pass_are_it(history: Path, radiograph: Command) -> None:
    done = radiograph("lightdqm", "trend", "--quantity", "noise", "--channel", "0/5")
    assert "files that pass (3 files): 12 (" in done.out
    other = radiograph("lightdqm", "trend", "--quantity", "power", "--epcb", "1/2", "--json").json
    assert other["trends"][0]["reference"]["n_files"] == 6
    assert other["trends"][0]["reference"]["value"] == pytest.approx(1e-8)
    assert other["trends"][0]["points"][0]["lower"] is None


def test_trends_as_files(history: Path, radiograph: Command) -> None:
    ask = ("lightdqm", "trend", "--quantity", "negative", "--epcb", "3/7", "--trigger", "beam")
    outputs = [x for name in ("t.png", "t.html", "t.csv") for x in ("-o", name)]
    done = radiograph(*ask, *outputs)
    assert done.code == 0, done.err
    assert done.out.splitlines()[-3:] == ["t.png", "t.html", "t.csv"]
    assert Path("t.png").read_bytes().startswith(b"\x89PNG")
    page = Path("t.html").read_text("utf-8")
    assert "<svg" in page
    assert "x_rctl_601_p11.FLOW.hdf5" in page
    assert "dead" in page
    rows = Path("t.csv").read_text("utf-8").splitlines()
    assert rows[0].startswith("trend,unit,name,run,subrun,start_ms,value")
    assert len(rows) == 7
    before = Path("t.csv").read_bytes()
    again = radiograph(*ask, *outputs)
    assert again.code == 2
    assert "exists already" in again.err
    assert Path("t.csv").read_bytes() == before
    assert radiograph(*ask, *outputs, "--overwrite").code == 0
    overview = radiograph("lightdqm", "trend", "-o", "o.html")
    assert overview.code == 4
    assert "raised by" in Path("o.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--channel", "0/5"), "channel 0/5: what of it?"),
        (("--quantity", "noise", "--channel", "0/2"), "has no sensor"),
        (("--quantity", "noise", "--channel", "5"), "give ADC/NUMBER with a number from 0 to 63"),
        (("--quantity", "noise", "--epcb", "0/8"), "a number from 0 to 7"),
        (("--quantity", "noise", "--tpc", "-1"), "counted from 0"),
        (("--quantity", "power", "--roi-MHz", "2"), "there are 0.5, 1.8"),
        (("-o", "t.png"), "give --quantity, or write .html"),
        (("-o", "t.xlsx"), "its ending says no format"),
        (("-o", "."), "its ending says no format"),
        (("--quantity", "noise", "--reference", "9"), "reference run 9 is not in the store"),
    ],
)
def test_what_cannot_be_shown(
    history: Path, radiograph: Command, options: tuple[str, ...], message: str
) -> None:
    done = radiograph("lightdqm", "trend", *options)
    assert done.code == 2
    assert message in done.err
    assert not list(history.glob("t.*"))


def test_trends_of_nothing(tmp_path: Path, radiograph: Command) -> None:
    missing = radiograph("lightdqm", "trend", "--store", tmp_path / "none.sqlite")
    assert missing.code == 3
    assert "there is no store of runs" in missing.err
    with RunStore(tmp_path / "empty.sqlite") as store:
        store.add(record())
        store._delete([run.run_id for run in store.runs()])
    empty = radiograph("lightdqm", "trend", "--store", tmp_path / "empty.sqlite")
    assert empty.code == 3
    assert "is empty" in empty.err
    (tmp_path / "foreign.sqlite").write_bytes(b"x" * 5000)
    foreign = radiograph("lightdqm", "trend", "--store", tmp_path / "foreign.sqlite", "--json")
    assert foreign.code == 3
    assert foreign.json["error"]["code"] == "input"


def test_files_of_other_settings_are_not_mixed(history: Path, radiograph: Command) -> None:
    path = config(history, ptps16bit=600.0)
    done = radiograph("lightdqm", "trend", "-c", path)
    assert done.code == 3
    assert "none of its 6 files was measured with these settings" in done.err
    newer = record("x_rctl_700_p0.FLOW.hdf5", start_ms=2_000_000_000_000, config_hash="other")
    with RunStore(STORE) as store:
        for run in store.runs():
            store._delete([run.run_id])
        store.add(newer)
    assert radiograph("lightdqm", "trend", "--json").json["files"][0]["run"] == 700


def test_import_reads_lines_and_counts_bad_ones(
    tmp_path: Path, radiograph: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for index in (0, 1, 2):
        write_lines(tmp_path / "blobs", lines_of(arrays(noise=10.0 + index), index))
    noises = tmp_path / "blobs" / "noises.json"
    duplicate = json.dumps(lines_of(arrays(noise=20.0), 1)["noises.json"])
    with noises.open("a", encoding="utf-8") as stream:
        stream.write(f"{{broken\n{duplicate}\n")
    files = sorted((tmp_path / "blobs").iterdir())
    done = radiograph("lightdqm", "import", *files, "--prefix", "x_rctl_500_p")
    assert done.code == 0
    assert f"{noises}: 5 lines, 1 replaced by later ones, 1 bad" in done.out
    assert "line 4: not JSON" in done.err
    assert "3 file indices" in done.out
    assert "3 new, 0 known, 0 left" in done.out
    again = radiograph("lightdqm", "import", noises, "--prefix", "x_rctl_500_p", "--json")
    assert (again.json["n_new"], again.json["n_merged"]) == (0, 3)
    trend = radiograph("lightdqm", "trend", "--quantity", "noise", "--json").json
    assert [f["origin"] for f in trend["files"]] == ["json"] * 3
    assert [p["value"] for p in trend["trends"][0]["points"]] == [10.0, 20.0, 12.0]
    assert [f["status"] for f in trend["files"]] == ["no_data"] * 3


def test_import_writes_nothing_if_a_file_is_none_of_the_script(
    tmp_path: Path, radiograph: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path, lines_of(arrays(), 1))
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    unnamed = radiograph("lightdqm", "import", "noises.json")
    assert (unnamed.code, "give --prefix" in unnamed.err) == (2, True)
    done = radiograph("lightdqm", "import", "noises.json", "other.json", "--prefix", "x")
    assert done.code == 3
    assert "the name says what the lines mean" in done.err
    assert not STORE.exists()


def test_files_after_imported_ones_are_compared_with_them(
    light: Light, here: Path, radiograph: Command
) -> None:
    write_lines(here / "blobs", lines_of(arrays(n_adcs=2), 1))
    blobs = sorted((here / "blobs").iterdir())
    radiograph("lightdqm", "import", *blobs, "--prefix", "mpd_run_data_rctl_500_p")
    done = radiograph("lightdqm", "judge", light.file(2), "--json", *light.options)
    assert done.json["files"][0]["n_compared"] == 1
