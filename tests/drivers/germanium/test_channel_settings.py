"""Settings by channel and time: which files are valid, what they change, what they must not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from radiograph.drivers.files import file_ref
from radiograph.drivers.germanium.channel_settings import (
    TimedSettings,
    files_at,
    time_of,
    timed_settings,
)
from radiograph.schemas.errors import InputError
from radiograph.schemas.germanium.settings import Germanium

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
