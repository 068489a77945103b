"""Light against the same channels in earlier files, from the store to the verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from radiograph.drivers.config import config_of_command
from radiograph.drivers.lightdqm.checking import FileCheck, check_file
from radiograph.drivers.lightdqm.simulation import write_light_simulation
from radiograph.drivers.lightdqm.store import RunStore
from radiograph.schemas.light_simulation import LightSimulationSettings


@pytest.fixture
def check(tmp_path: Path, store: RunStore) -> Callable[..., FileCheck]:
    """Checks a simulated sub-run after a sound one of the same run."""
    loaded = config_of_command("lightdqm", None, settings={"io.output_path": str(tmp_path)})

    def of(subrun: int, *faults: dict[str, Any], **given: Any) -> FileCheck:
        usual = {"n_events": 200, "n_adcs": 4, "n_samples": 160, "seed": 5}
        model = LightSimulationSettings.model_validate(
            usual | given | {"subrun": subrun, "faults": faults}
        )
        path = write_light_simulation(model, tmp_path, overwrite=True).out
        return check_file(loaded, path, store)

    return of


def row(check: FileCheck, name: str) -> pd.Series[Any]:
    return check.verdict.set_index("check").loc[name]


def test_light_is_compared_with_earlier_files(check: Callable[..., FileCheck]) -> None:
    assert check(0).status == "pass"
    assert check(1).status == "pass"
    weak = row(check(2, {"kind": "gain", "adc": 1, "value": 0.5}), "light")
    assert (weak["status"], weak["n_channels"]) == ("fail", 48)
    assert {name.split("/")[0] for name in weak["channels"].split()} == {"1"}
    assert "unlike in earlier files (0.5 times)" in weak["reason"]
    # The weak file shifts nothing that the next one is compared with.
    assert row(check(3, {"kind": "gain", "adc": 1, "value": 0.5}), "light")["status"] == "fail"
    assert check(4).status == "pass"


def test_a_dark_detector_fails_after_a_healthy_file(check: Callable[..., FileCheck]) -> None:
    assert check(0).status == "pass"
    dark = check(1, {"kind": "dark"})
    assert dark.status == "fail"
    assert "the detector is dark: 0 pulses" in row(dark, "dark")["reason"]


def test_fewer_adcs_than_before(check: Callable[..., FileCheck]) -> None:
    assert check(0).status == "pass"
    few = row(check(1, n_adcs=2), "missing_adcs")
    assert (few["status"], few["reason"]) == ("fail", "the file has 2 ADCs, 4 in earlier files")


def test_a_module_that_is_lit_less_often(check: Callable[..., FileCheck]) -> None:
    """The heights of both ADCs fall alike, so that only their own earlier rate can tell."""
    size = {"n_adcs": 6, "n_events": 400}
    assert check(0, **size).status == "pass"
    assert check(1, **size).status == "pass"
    dimmed = [{"kind": "gain", "adc": adc, "value": 0.08} for adc in (2, 3)]
    row_of = row(check(2, *dimmed, **size), "light")
    assert row_of["status"] == "fail"
    assert {name.split("/")[0] for name in row_of["channels"].split()} == {"2", "3"}
    assert "lit not as often as in earlier files" in row_of["reason"]


def test_a_trigger_that_comes_late(check: Callable[..., FileCheck]) -> None:
    """Light 60 samples of 16 ns earlier than before; too late for any light, the file is dark."""
    size = {"n_samples": 400, "n_events": 120}
    assert check(0, **size).status == "pass"
    sound = row(check(1, **size), "arrival")
    assert sound["status"] == "pass"
    assert abs(sound["value"]) < 160
    late = check(2, {"kind": "late_trigger"}, **size)
    bad = late.verdict[late.verdict["status"].isin(["fail", "warn"])]
    assert bad["check"].tolist() == ["arrival"]
    reason = row(late, "arrival")["reason"]
    assert "960 ns earlier" in reason
    assert "the trigger is late" in reason
    # The late file shifts nothing that the next one is compared with.
    assert row(check(3, **size), "arrival")["status"] == "pass"
    missed = check(4, {"kind": "late_trigger", "value": 1.0}, **size)
    assert row(missed, "dark")["status"] == "fail"
    assert "trigger latency" in row(missed, "dark")["action"]


@pytest.mark.parametrize(
    ("fault", "leads"),
    [
        ({"kind": "unshifted"}, {"coding"}),
        ({"kind": "swapped", "adc": 0, "value": 2}, {"order", "alignment"}),
    ],
)
def test_what_leads_spoils_no_later_file(
    check: Callable[..., FileCheck], fault: dict[str, Any], leads: set[str]
) -> None:
    """Its baselines failed no check of their own: they were folded into what leads."""
    assert check(0).status == "pass"
    bad = check(1, fault).verdict
    assert set(bad.loc[bad["status"].isin(["fail", "warn"]), "check"]) == leads
    assert check(2).status == "pass"
