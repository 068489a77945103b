"""Settings by channel and time: which files are valid, what they change, what they must not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import pytest
import yaml
from radiograph.drivers.files import file_ref
from radiograph.drivers.germanium.channel_settings import (
    TimedSettings,
    files_at,
    time_of,
    timed_settings,
)
from radiograph.drivers.germanium.lh5_writing import new_lh5, write_table
from radiograph.drivers.germanium.simulation import raw_columns, simulated
from radiograph.drivers.main import guarded
from radiograph.nodes.simulation.germanium_events import detector_constants
from radiograph.schemas.errors import InputError
from radiograph.schemas.germanium.settings import Germanium
from radiograph.schemas.germanium_simulation import GermaniumSimulationSettings

ENTRIES = [
    {"valid_from": "20250301T000000Z", "category": "all", "mode": "append", "apply": ["b.yaml"]},
    {"valid_from": "20250101T000000Z", "category": "all", "mode": "reset", "apply": ["a.yaml"]},
    {"valid_from": "20250201T000000Z", "category": "phy", "mode": "append", "apply": ["p.yaml"]},
    {"valid_from": "20250401T000000Z", "category": "all", "mode": "remove", "apply": ["a.yaml"]},
    {
        "valid_from": "20250501T000000Z", "category": "all", "mode": "replace",
        "apply": ["b.yaml", "c.toml"],
    },
    {"valid_from": "20250601T000000Z", "category": "all", "mode": "reset", "apply": []},
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "validity.yaml").write_text(yaml.safe_dump(ENTRIES))
    a = {"__default__": {"aoe": {"high_cut": 2.5}}, "V1": {"aoe": {"high_cut": 4.0}}}
    b = {"ch1": {"quality": {"n_sigma": {"pz_std": [-5.0, 5.0]}}, "status": "ac"}}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(a))
    (tmp_path / "b.yaml").write_text(yaml.safe_dump(b))
    (tmp_path / "p.yaml").write_text("{}")
    (tmp_path / "c.toml").write_text("[ch1.energy]\ndegree = 1\n")
    return tmp_path


def _settings(folder: Path, time: str = "20250315T000000Z", datatype: str = "cal") -> TimedSettings:
    return timed_settings([file_ref(path) for path in sorted(folder.iterdir())], time, datatype)


@pytest.mark.parametrize(
    ("time", "datatype", "files"),
    [
        ("20250101T000000Z", "cal", ["a.yaml"]),
        ("20250215T000000Z", "cal", ["a.yaml"]),
        ("20250215T000000Z", "phy", ["a.yaml", "p.yaml"]),
        ("20250315T000000Z", "cal", ["a.yaml", "b.yaml"]),
        ("20250415T000000Z", "cal", ["b.yaml"]),
        ("20250515T000000Z", "cal", ["c.toml"]),
        ("20250615T000000Z", "cal", []),
    ],
)
def test_files_that_are_valid(folder: Path, time: str, datatype: str, files: list[str]) -> None:
    assert files_at(folder / "validity.yaml", time, datatype) == files


def test_a_time_before_the_first_entry(folder: Path) -> None:
    with pytest.raises(InputError, match="no entry is valid at 20241231T000000Z") as raised:
        _settings(folder, "20241231T000000Z")
    assert "20250101T000000Z" in raised.value.message
    assert time_of(1.735e9) == "20241224T002640Z"


def test_the_settings_of_a_channel(folder: Path) -> None:
    """__default__, then the channel, then its detector; each key with the file it came from."""
    base = Germanium(detectors={"ch2": "V1"})
    timed = _settings(folder)
    one, told = timed.of(base, "ch1")
    assert (one.aoe.high_cut, one.status) == (2.5, {"ch1": "ac"})
    assert one.quality.limits("pz_std") == (-5.0, 5.0)
    table = dict(zip(told.keys, zip(told.values, told.files, strict=True), strict=True))
    assert table["aoe.high_cut"] == ("2.5", "a.yaml")
    assert table["status"] == ('"ac"', "b.yaml")
    assert json.loads(table["quality.n_sigma"][0]) == {"pz_std": [-5.0, 5.0]}
    assert table["lq.cut_sigma"] == ("3.0", "")
    assert "seed" not in table
    other, _ = timed.of(base, "ch2")
    assert (other.aoe.high_cut, other.status) == (4.0, {})
    assert base.aoe.high_cut == 3.0
    later, _ = _settings(folder, "20250515T000000Z").of(base, "ch1")
    assert (later.energy.degree, later.aoe.high_cut) == (1, 3.0)


@pytest.mark.parametrize("status", ["off", "'off'"])
def test_a_channel_that_is_off(folder: Path, status: str) -> None:
    """Also where YAML reads the word as a truth value."""
    (folder / "a.yaml").write_text(f"ch1:\n  status: {status}\n")
    found, _ = _settings(folder, "20250101T000000Z").of(Germanium(), "ch1")
    assert found.status == {"ch1": "off"}


def test_what_stands_for_a_folder_or_a_variable(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL", "double")
    (folder / "a.yaml").write_text("ch1: {pole_zero: {model: '${MODEL}'}}")
    found, _ = _settings(folder, "20250101T000000Z").of(Germanium(), "ch1")
    assert found.pole_zero.model == "double"
    monkeypatch.delenv("MODEL")
    with pytest.raises(InputError, match=r"\$\{MODEL\} is no variable") as raised:
        _settings(folder, "20250101T000000Z")
    assert raised.value.file.endswith("a.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ch1: {seed: 2}", "decided for all channels"),
        ("ch1: {filters: {optimise: false}}", "decided for all channels"),
        ("ch1: {aoe: {hi_cut: 2}}", "aoe.hi_cut is no setting of a channel; known are acceptance"),
        ("ch1: {ao: {high_cut: 2}}", "ao.high_cut is no setting"),
        ("ch1: {aoe: {high_cut: -1}}", "aoe.high_cut of ch1 is -1: Input should be greater than 0"),
        ("ch1: {status: broken}", "status of ch1 is 'broken'"),
        ("ch1: 3", "sections of settings are needed"),
        ("- 3", "where a dict is needed"),
        ("ch1: [", "cannot be read as settings"),
        ("ch1: !!python/object:os.system {}", "cannot be read as settings"),
    ],
)
def test_settings_that_cannot_be(folder: Path, text: str, words: str) -> None:
    (folder / "a.yaml").write_text(text)
    with pytest.raises(InputError) as raised:
        _settings(folder, "20250101T000000Z").of(Germanium(), "ch1")
    assert words in raised.value.message
    assert "a.yaml" in raised.value.message


@pytest.mark.parametrize(
    "entry",
    [
        3,
        {"valid_from": "2025", "apply": ["a.yaml"]},
        {"valid_from": "20250101T000000Z", "mode": "add", "apply": ["a.yaml"]},
        {"valid_from": "20250101T000000Z", "mode": "replace", "apply": ["a.yaml"]},
        {"valid_from": "20250101T000000Z", "mode": "reset", "apply": [1]},
    ],
)
def test_entries_that_are_none(folder: Path, entry: Any) -> None:
    (folder / "validity.yaml").write_text(yaml.safe_dump([entry]))
    with pytest.raises(InputError, match="is no entry"):
        _settings(folder)


def test_files_that_are_not_there(folder: Path) -> None:
    (folder / "a.yaml").unlink()
    with pytest.raises(InputError, match=r"names a\.yaml, which is not in its folder"):
        _settings(folder, "20250101T000000Z")
    (folder / "validity.yaml").unlink()
    with pytest.raises(InputError, match=r"has no validity\.yaml"):
        _settings(folder)


CHANNELS = ("ch1104000", "ch1104001", "ch1104002")
NAME = "x-p01-r001-cal-20250115T000000Z"
RUN = """
[pipeline]
name = "germanium"
until = "dsp"
[io]
input_path = "{name}-tier_raw.lh5"
output_path = "{out}"
[run]
workers = 1
[cache]
dir = "cache"
[germanium]
settings_path = "settings"
find_pulser = true
[germanium.filters]
optimise = false
"""


def test_a_run_with_settings_by_channel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One channel has its decay given, one is off; what another file changes runs that alone."""
    monkeypatch.chdir(tmp_path)
    with new_lh5(tmp_path / f"{NAME}-tier_raw.lh5") as file:
        for index, channel in enumerate(CHANNELS):
            own = GermaniumSimulationSettings(seed=4, n_events=700, pulser_Hz=1.0)
            made = simulated(own, index, detector_constants(own, index))
            write_table(file, f"{channel}/raw", raw_columns(made))
    settings = tmp_path / "settings"
    settings.mkdir()
    entry = {"valid_from": "20250101T000000Z", "mode": "reset", "apply": ["all.yaml"]}
    (settings / "validity.yaml").write_text(yaml.safe_dump([entry]))
    told: dict[str, Any] = {
        "__default__": {"filters": {"trap_rise_us": 6.0}},
        CHANNELS[1]: {"pole_zero": {"tau1_us": 444.0}},
        CHANNELS[2]: {"status": "off"},
    }
    answers = []
    for out in ("one", "two"):
        (settings / "all.yaml").write_text(yaml.safe_dump(told))
        (tmp_path / "c.toml").write_text(RUN.format(name=NAME, out=out))
        assert guarded(["run", "c.toml", "--json"]) == 0
        answers.append(json.loads(capsys.readouterr().out))
        told[CHANNELS[1]]["pole_zero"] = {"tau1_us": 455.0}
    first, second = answers
    channels = first["summary"]["channels"]
    assert list(channels) == list(CHANNELS[:2])
    assert channels[CHANNELS[1]]["tau1_us"]["value"] == 444.0
    assert channels[CHANNELS[0]]["tau1_us"]["error"] > 0.0
    assert channels[CHANNELS[0]]["pulser"]["is_cut"]
    assert channels[CHANNELS[0]]["pulser"]["period_s"] == pytest.approx(1.0, rel=1e-4)
    assert second["summary"]["channels"][CHANNELS[1]]["tau1_us"]["value"] == 455.0
    same = [answer["summary"]["channels"][CHANNELS[0]] for answer in answers]
    assert same[0] == same[1]
    with h5py.File(first["output"]) as file:
        table = file[f"load/channel_settings/{CHANNELS[1]}"]
        keys, sources = (table[name].asstr()[()].tolist() for name in ("key", "file"))
        assert sources[keys.index("pole_zero.tau1_us")] == "all.yaml"
        assert sources[keys.index("lq.cut_sigma")] == ""
        rise = file[f"filters/filter_settings/{CHANNELS[0]}"]
        assert rise["trap_rise_us"][()] == 6.0
    (tmp_path / "c.toml").write_text(RUN.format(name=NAME, out="three"))
    (settings / "all.yaml").write_text("ch1104000: {aoe: {hi_cut: 2.0}}")
    assert guarded(["run", "c.toml", "--json"]) == 3
    assert (
        "hi_cut is no setting of a channel"
        in json.loads(capsys.readouterr().out)["error"]["message"]
    )
