"""Bad input as a user meets it: one sentence, the right exit code, other channels go on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from germanium_data import THREE_TIERS, reference
from germanium_toy import toy_channel
from radiograph.drivers.germanium.lh5_writing import (
    Lh5Columns,
    columns_of_frame,
    new_lh5,
    write_table,
)
from radiograph.drivers.germanium.simulation import raw_columns, simulated
from radiograph.nodes.simulation.germanium_events import detector_constants
from radiograph.schemas.germanium_simulation import GermaniumSimulationSettings

pytestmark = pytest.mark.slow

CHANNEL, OTHER = "ch1104000", "ch1104001"
SETTINGS = """
[pipeline]
name = "germanium"
[io]
input_path = "{0}"
output_path = "out"
[output]
report = false
[run]
workers = 1
[cache]
enabled = false
[germanium]
estimators = ["cuspEmax"]
[germanium.filters]
optimise = false
"""
Ran = Callable[..., dict[str, Any]]


@cache
def _raw(n_events: int = 60) -> Lh5Columns:
    own = GermaniumSimulationSettings(seed=3, n_events=n_events)
    return raw_columns(simulated(own, 0, detector_constants(own, 0)))


def _write(path: Path, *tables: tuple[str, Any]) -> None:
    with new_lh5(path) as file:
        for place, columns in tables:
            write_table(file, place, columns)


def _dsp() -> Any:
    return columns_of_frame(toy_channel())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty one."""
    return tmp_path


def _calibrated(run: Ran, named: str, *options: str) -> dict[str, Any]:
    Path("g.toml").write_text(SETTINGS.format(named))
    return run("run", "g.toml", *options)


def _refused(answer: dict[str, Any], code: int, *words: str) -> None:
    """One sentence with all the words; nothing is written."""
    assert answer["code"] == code
    message = answer["error"]["message"]
    assert all(word in message for word in words), message
    assert not Path("out").exists() or not list(Path("out").glob("*.lh5"))


def test_files_that_do_not_belong_together(run: Ran) -> None:
    _write(Path("a.lh5"), (f"{CHANNEL}/raw", _raw()))
    less = {name: column for name, column in _raw().items() if name != "baseline"}
    _write(Path("b.lh5"), (f"{CHANNEL}/raw", less))
    words = ("b.lh5", f"{CHANNEL}/raw has other columns", "a.lh5")
    fail = ("--set", "io.on_bad_file=fail")
    _refused(_calibrated(run, "*.lh5", *fail), 3, *words)
    # Left out it is told, and the rest goes on.
    (left,) = (f for f in _calibrated(run, "*.lh5")["failed"] if "channel" not in f["at"])
    assert all(word in left["message"] for word in words)
    shutil.rmtree("out")
    _write(Path("b2.lh5"), (f"{CHANNEL}/dsp", _dsp()))
    Path("b.lh5").unlink()
    _refused(
        _calibrated(run, "*.lh5", *fail), 3, "b2.lh5", "holds the tier dsp, where raw is needed"
    )


def test_columns_that_are_not_there_and_files_that_are_cut(run: Ran) -> None:
    less = {name: column for name, column in _raw().items() if name != "daqenergy"}
    _write(Path("a.lh5"), (f"{CHANNEL}/raw", less))
    _refused(_calibrated(run, "a.lh5"), 3, "a.lh5", "has no column daqenergy")
    _write(Path("a.lh5"), (f"{CHANNEL}/raw", _raw()))
    Path("a.lh5").write_bytes(Path("a.lh5").read_bytes()[:-3000])
    _refused(_calibrated(run, "a.lh5"), 3, "a.lh5", "is cut off")
    with h5py.File("a.lh5", "w") as file:
        file.create_group("spms")
    _refused(_calibrated(run, "a.lh5"), 3, "a.lh5", "no table", "spms")


@pytest.mark.parametrize("n_rows", [0, 1, 10])
def test_few_events_end_their_channel_alone(run: Ran, n_rows: int) -> None:
    """A failure with counts; the other channel fails of its own few events, later or earlier."""
    raw = _raw()
    few = {}
    for name, column in raw.items():
        kept = dict(vars(column))
        key = "samples" if "samples" in kept else "values"
        few[name] = type(column)(**{**kept, key: kept[key][:n_rows]})
    _write(Path("a.lh5"), (f"{CHANNEL}/raw", few), (f"{OTHER}/raw", raw))
    answer = _calibrated(run, "a.lh5")
    assert answer["code"] == 4
    told = {f["at"]["channel"]: f for f in answer["failed"]}
    assert set(told) == {CHANNEL, OTHER}
    assert told[CHANNEL]["code"] == "too_few_tails"
    assert "n_tails" in told[CHANNEL]["numbers"]
    assert answer["summary"]["channels"][CHANNEL]["status"] == "failed"


def test_a_channel_of_saturated_pulses(run: Ran) -> None:
    raw = dict(_raw())
    for name in ("t_sat_hi",):
        column = raw[name]
        raw[name] = type(column)(**{**vars(column), "values": np.full(60, 30, np.uint16)})
    _write(Path("a.lh5"), (f"{CHANNEL}/raw", raw))
    answer = _calibrated(run, "a.lh5")
    assert answer["code"] == 4
    (failure,) = answer["failed"]
    assert failure["code"] == "too_few_tails"


def test_what_is_there_is_not_written_over(run: Ran) -> None:
    _write(Path("a-tier_dsp.lh5"), (f"{CHANNEL}/dsp", _dsp()))
    assert _calibrated(run, "a-tier_dsp.lh5")["code"] == 0
    before = Path("out/a-tier_hit.lh5").read_bytes()
    again = _calibrated(run, "a-tier_dsp.lh5", "--set", "germanium.aoe.high_cut=2.0")
    assert again["code"] == 2
    assert "--overwrite" in again["error"]["message"]
    assert Path("out/a-tier_hit.lh5").read_bytes() == before


def test_gates_and_channels_that_are_kept_out_of_them(run: Ran) -> None:
    """1.9 keV at Q_bb above 1 keV: exit 4 and a check says so; of status "ac" there is none."""
    _write(Path("a-tier_dsp.lh5"), (f"{CHANNEL}/dsp", _dsp()))
    gate = ("--set", "germanium.gates.qbb_fwhm_keV=1.0", "--set", "germanium.tiers=[]")
    answer = _calibrated(run, "a-tier_dsp.lh5", *gate)
    assert answer["code"] == 4
    checks = {check["check"]: check for check in answer["verdict"]}
    assert checks["qbb_fwhm_keV"]["status"] == "fail"
    assert 1.5 < checks["qbb_fwhm_keV"]["value"] < 2.5
    assert checks["p_value_2614"]["status"] == "pass"
    assert f"{CHANNEL}: " in answer["stderr"]
    assert "above [germanium.gates] qbb_fwhm_keV = 1" in answer["stderr"]
    apart = ("--set", f'germanium.status={{{CHANNEL}="ac"}}', "-o", "ac")
    kept_out = _calibrated(run, "a-tier_dsp.lh5", *gate, *apart)
    assert (kept_out["code"], kept_out["verdict"]) == (0, [])


def test_an_operation_that_is_none(run: Ran) -> None:
    _write(Path("a-tier_dsp.lh5"), (f"{CHANNEL}/dsp", _dsp()))
    for expression, words in (
        ("system(cuspEmax)", "unknown function system"),
        ("cuspEmax.__class__", "which is no arithmetic"),
        ("a * noSuchColumn", "noSuchColumn"),
    ):
        pars = {
            "outputs": ["e_cal"],
            "operations": {"e_cal": {"expression": expression, "parameters": {"a": 1.0}}},
        }
        Path("par_hit.yaml").write_text(yaml.safe_dump({CHANNEL: {"pars": pars}}))
        answer = run(
            "germanium", "build", "hit", "a-tier_dsp.lh5", "-p", "par_hit.yaml", "-o", "out"
        )
        _refused(answer, 3, "operation e_cal", words)


def test_the_published_file_of_three_times_ten_events(run: Ran) -> None:
    """Its calibration fails with a type a channel; with a decay that is given it has a dsp tier."""
    name = THREE_TIERS.format("raw")
    shutil.copy(reference(name), name)
    answer = _calibrated(run, name)
    assert answer["code"] == 4
    assert len(answer["failed"]) == 3
    assert {f["code"] for f in answer["failed"]} == {"too_few_tails"}
    given = ("--set", "germanium.pole_zero.tau1_us=450", "--set", 'germanium.tiers=["dsp"]')
    built = _calibrated(run, name, *given, "-o", "given")
    assert {f["node"] for f in built["failed"]} == {"uncorrected_energies"}
    with h5py.File(Path("given") / THREE_TIERS.format("dsp")) as file:
        assert [len(file[f"{c}/dsp/trapEmax"]) for c in file] == [10, 10, 10]
