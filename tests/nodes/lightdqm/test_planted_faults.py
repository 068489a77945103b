"""The verdict against the truth: every planted fault is named, and nothing else is.

A small form of the study of `python -m benchmarks lightdqm_faults`: few seeds, short waveforms.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.graph import build_driver
from radiograph.drivers.lightdqm.inputs import graph_values
from radiograph.drivers.lightdqm.simulation import LightSimulationResult, write_light_simulation
from radiograph.drivers.registry import definition
from radiograph.nodes.lightdqm.figure_masks import KIND_NAMES
from radiograph.nodes.lightdqm.findings import overall_status
from radiograph.schemas.light_faults import FAULT_KINDS, Fault, planted
from radiograph.schemas.light_simulation import LightSimulationSettings
from radiograph.schemas.lightdqm.config import LightDqmConfig
from radiograph.schemas.lightdqm.frames import EARLIER_RUNS
from radiograph.schemas.sources import FileRef

SMALL: dict[str, Any] = {"n_events": 150, "n_adcs": 4, "n_samples": 400}
ALL = [{"kind": kind} for kind in FAULT_KINDS]
Write = Callable[..., LightSimulationResult]


def seen(result: LightSimulationResult, *targets: str, **given: Any) -> Any:
    """Nodes of a written file; the status file is read if ``status`` says so."""
    status = "file" if given.pop("status", False) else "none"
    values = (
        dict(graph_values(LightDqmConfig(), Path()))
        | {"source_file": FileRef(str(result.out), 0, "")}
        | given
    )
    if status == "file":
        values["channel_status_file"] = FileRef(str(result.channel_status), 0, "")
    driver = build_driver(definition("lightdqm"), {"legacy": False, "channel_status": status})
    done = driver.execute([*targets, "dqm_verdict"], inputs=values)
    return done if targets else done["dqm_verdict"]


def earlier(baselines: pd.DataFrame) -> pd.DataFrame:
    """EarlierRuns from the baselines of one file, whose error is taken as 2 counts."""
    n = len(baselines)
    median = baselines["median_adc16"]
    texts = {"quantity": "baseline", "trigger": "self", "granularity": "channel"}
    return EARLIER_RUNS.frame(
        {name: [text] * n for name, text in texts.items()}
        | {
            "adc": baselines["adc"],
            "channel": baselines["channel"],
            "value": median,
            "sigma": np.full(n, 2.0),
            "lower": median - 2.0,
            "upper": median + 2.0,
            "n": baselines["n"],
            "k": np.zeros(n),
            "n_files": np.ones(n),
        }
    )


def named(verdict: pd.DataFrame) -> set[tuple[str, str]]:
    """(check, place) of everything that fails; the place is empty where a check names none."""
    failing = verdict[verdict["status"] == "fail"]
    return {
        (check, place)
        for check, places in zip(failing["check"], failing["channels"], strict=True)
        for place in places.split() or [""]
    }


def place_of(adc: int, channel: int) -> str:
    return f"{adc}/{channel}" if channel >= 0 else str(adc)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(**settings: Any) -> LightSimulationResult:
        model = LightSimulationSettings.model_validate(SMALL | settings)
        return write_light_simulation(model, tmp_path, overwrite=True)

    return written


@pytest.mark.parametrize("seed", [1, 2])
def test_faults_are_named_and_sound_files_are_green(write: Write, seed: int) -> None:
    sound = seen(write(seed=seed), "baseline_summary")
    assert set(sound["dqm_verdict"]["status"]) == {"pass", "no_data"}
    before = earlier(sound["baseline_summary"])
    assert overall_status(seen(write(seed=seed, subrun=1), earlier_runs=before)) == "pass"

    result = write(seed=seed, subrun=2, faults=ALL)
    found = named(seen(result, earlier_runs=before))
    faults = planted(result.faults)
    of_channels = [f for f in faults if FAULT_KINDS[f.kind].target == "channel"]
    must = {(FAULT_KINDS[f.kind].check, place_of(f.adc, f.channel)) for f in of_channels}
    assert must - found == set()
    adc_of = {f.kind: f.adc for f in faults if FAULT_KINDS[f.kind].target == "adc"}
    assert ("missing_adcs", str(adc_of["missing_adc"])) in found
    assert ("timestamps", str(adc_of["clock"])) in found
    toned = {place for check, place in found if check == "tones"}
    sound_places = {f"{adc_of['tone']}/{c}" for c in range(64) if c % 16 >= 4}
    assert len(toned) > 40
    assert toned <= sound_places
    # What else is named is a channel with a fault: a moved baseline that leaves the band, too.
    faulty = {place_of(f.adc, f.channel) for f in faults} | {str(adc) for adc in adc_of.values()}
    assert {place for check, place in found if check != "tones"} <= faulty


@pytest.mark.parametrize(
    "settings",
    [
        {"n_adcs": 2},
        {"n_samples": 600, "n_adcs": 2},
        {"layout": "adc64"},
        {"n_adcs": 2, "tones": [{"adc": 0, "frequency_MHz": 10.0, "amplitude_adc16": 20.0}]},
    ],
)
def test_other_sound_files_are_green(write: Write, settings: dict[str, Any]) -> None:
    verdict = seen(write(**settings)).set_index("check")
    assert set(verdict["status"]) <= {"pass", "no_data"}
    not_told = {"arrival", "baseline_move"} | ({"triggers"} if "layout" in settings else set())
    assert set(verdict.index[verdict["status"] == "no_data"]) == not_told


def test_known_faults_are_left_out(write: Write) -> None:
    faults = [{"kind": kind, "known": True} for kind in ("dead", "flatline", "baseline_band")]
    result = write(faults=faults)
    assert {check for check, _ in named(seen(result))} == {"dead", "flat", "baseline_band"}
    assert named(seen(result, status=True)) == set()


@pytest.mark.parametrize(("fraction", "kind"), [(0.0, "self"), (1.0, "beam")])
def test_a_trigger_type_that_is_absent_is_told(write: Write, fraction: float, kind: str) -> None:
    verdict = seen(write(triggers={"beam_fraction": fraction})).set_index("check")
    assert verdict.loc["triggers", "status"] == "pass"
    assert "one kind is absent" in verdict.loc["triggers", "reason"]
    assert f"150 {kind}" in str(verdict.loc["triggers", "reason"])
    assert "fail" not in set(verdict["status"])


def test_one_spark_does_not_revive_a_dead_channel(write: Write) -> None:
    place = {"adc": 2, "channel": 21}
    faults = [{"kind": "dead", **place}, {"kind": "sparking", "value": 1e-9, **place}]
    verdict = seen(write(faults=faults))
    assert named(verdict) == {("dead", "2/21")}


def test_stronger_faults_of_the_same_kind_stay_named(write: Write) -> None:
    """A quiet channel, a baseline below the band, tones elsewhere: other sides of the limits."""
    faults = [
        Fault(kind="noisy", adc=0, channel=4, value=0.2).model_dump(),
        Fault(kind="baseline_band", adc=1, channel=5, value=-3500.0).model_dump(),
        Fault(kind="tone", adc=3, value=3.1).model_dump(),
    ]
    found = named(seen(write(faults=faults)))
    assert ("noise", "0/4") in found
    assert ("baseline_band", "1/5") in found
    assert {place.split("/")[0] for check, place in found if check == "tones"} == {"3"}


def test_the_masks_count_as_the_verdict_does(write: Write) -> None:
    kinds = ("railed_top", "railed_bottom", "baseline_band", "baseline_spread", "dead", "flatline")
    result = write(faults=[{"kind": kind} for kind in kinds])
    inputs = {
        **graph_values(LightDqmConfig(), Path()),
        "source_file": FileRef(str(result.out), 0, ""),
    }
    driver = build_driver(definition("lightdqm"), {"legacy": False, "channel_status": "none"})
    found = driver.execute(["mask_grids", "dqm_verdict"], inputs=inputs)
    failing = found["dqm_verdict"].set_index("check")["channels"].astype(str)

    def drawn(mask: str, *names: str) -> set[str]:
        grid = found["mask_grids"][mask].kinds
        codes = [KIND_NAMES.index(name) for name in names]
        return {f"{a}/{c}" for a, c in np.argwhere(np.isin(grid, codes)).tolist()}

    def told(*checks: str) -> set[str]:
        return {name for check in checks for name in failing[check].split()}

    deviate = told("baseline_band", "baseline_spread", "baseline_move")
    assert len(deviate) == 2
    assert drawn("baseline_mask", "bad") == deviate
    assert drawn("flatline_mask", "bad") == told("dead")
    assert drawn("flatline_mask", "flat") == told("flat")
    stuck = ("railed_high", "railed_low")
    assert len(told("railed")) == 2
    assert drawn("flatline_mask", *stuck) == drawn("baseline_mask", *stuck) == told("railed")


def test_a_status_file_with_every_channel_bad_is_not_green(tmp_path: Path) -> None:
    settings = LightSimulationSettings.model_validate(SMALL | {"seed": 4})
    result = write_light_simulation(settings, tmp_path)
    result.channel_status.write_text("\n".join([",".join(["1"] * 64)] * 8) + "\n")
    found = seen(result, status=True).set_index("check")
    assert overall_status(found) == "warn"
    assert found.loc["dark", "status"] == "warn"
    assert found.loc["dark", "value"] == 0.0
    assert found.loc["dark", "reason"].startswith("0 of 192 active channels")
    of_channels = ("dead", "noise", "light", "dark_rate", "light_change", "noise_change", "repeats")
    assert set(found.loc[list(of_channels), "status"]) == {"no_data"}


def test_light_before_the_window_of_a_late_trigger_is_not_green(tmp_path: Path) -> None:
    settings = LightSimulationSettings.model_validate(SMALL | {"seed": 4, "faults": ()})
    result = write_light_simulation(settings, tmp_path)
    with h5py.File(result.out, "r+") as file:
        samples = file["light/wvfm/data"]
        rows = samples[()]
        # The window begins after the light: noise alone, that before the pulses of the same event.
        early = rows["samples"][..., :40]
        rows["samples"] = np.tile(early, 10)
        samples[...] = rows
    found = seen(result).set_index("check")
    assert overall_status(found) == "warn"
    assert "no light to judge any channel by" in found.loc["dark", "reason"]
