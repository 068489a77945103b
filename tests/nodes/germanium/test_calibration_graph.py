"""The calibration nodes in the engine: channels apart, failures apart, cached like fresh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import germanium_graph
import h5py
import numpy as np
import pandas as pd
import pytest
from germanium_toy import SCALE, toy_channel
from radiograph.drivers.cache.opening import NO_CACHE, CacheOptions, open_cache
from radiograph.drivers.engine.artifacts import FAILURES
from radiograph.drivers.engine.executors import LocalExecutor
from radiograph.drivers.engine.parts import Part, Parts
from radiograph.drivers.engine.protocol import GraphInputs
from radiograph.drivers.engine.session import Session
from radiograph.drivers.files import file_ref
from radiograph.drivers.germanium.calibration_report import OF_REPORT, PAGES, report_text
from radiograph.nodes.sheets.drawing import sheet_png
from radiograph.schemas.germanium.calibration_settings import (
    AoESettings,
    EnergySettings,
    GateSettings,
    LQSettings,
    QualitySettings,
)
from radiograph.schemas.germanium.lh5 import InputRun
from radiograph.schemas.sheets import Sheet, Words

PICTURES = ("calibrated_spectra", "classifier_counts")
TARGETS = (
    "calibration_pages",
    "qbb_fwhm_keV",
    "energy_scale_keV_per_adc",
    "energy_peaks",
    "aoe_survival",
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good channel, one without A_max, a dead one, one of ten events, one without the DEP."""
    good = toy_channel()
    rng = np.random.default_rng(1)
    channels = {
        "ch1": good,
        "ch2": good.drop(columns="A_max"),
        "ch3": pd.DataFrame({name: rng.normal(0.0, 5.0, 3000) for name in good.columns}),
        "ch4": good.head(10),
        "ch5": good[(SCALE * good["cuspEmax"] < 1540.0) | (SCALE * good["cuspEmax"] > 1640.0)],
    }
    written = tmp_path_factory.mktemp("dsp") / "dsp.h5"
    with h5py.File(written, "w") as file:
        for channel, frame in channels.items():
            for name in frame.columns:
                file[f"{channel}/{name}"] = frame[name].to_numpy()
    return written


CHANNELS = ("ch1", "ch2", "ch3", "ch4", "ch5")


def _has(values: Any, channel: str) -> bool:
    return isinstance(values.get(channel), pd.DataFrame)


def _said(page: Sheet) -> str:
    return " ".join(shape.text for shape in page.shapes if isinstance(shape, Words))


def session(path: Path, cache: CacheOptions = NO_CACHE, acceptance: float = 0.9) -> Session:
    ref = file_ref(path)
    given = {"source_file": ref, "input_run": InputRun("p01-r001", "p01-r001-cal")}
    parts = Parts.of(Part({"channel": c}, {"channel": c, **given}) for c in CHANNELS)
    settings: dict[str, Any] = {
        "estimators": ("cuspEmax", "trapEmax", "zacEmax"),
        "primary_estimator": "cuspEmax",
        "energy_settings": EnergySettings(),
        "gate_settings": GateSettings(),
        "aoe_settings": AoESettings(acceptance=acceptance),
        "lq_settings": LQSettings(),
        "quality_settings": QualitySettings(),
        "threshold_keV": 800.0,
    }
    flow = germanium_graph.CALIBRATION
    opened = open_cache(cache, (), flow.packages)
    choices = {"constants": "own", "begins": "dsp", "forced": "none", "pulser": "kept"}
    return Session(flow, parts, GraphInputs(choices, settings), opened, LocalExecutor())


def test_a_channel_that_fails_leaves_the_others_alone(path: Path, tmp_path: Path) -> None:
    ran = session(path, CacheOptions(tmp_path / "cache"))
    found = ran.run((*TARGETS, *PICTURES))
    calibrated = {c: sorted(n for n in TARGETS[1:] if _has(found[n], c)) for c in CHANNELS}
    assert calibrated["ch1"] == sorted(TARGETS[1:])
    assert calibrated["ch2"] == ["energy_peaks", "energy_scale_keV_per_adc", "qbb_fwhm_keV"]
    assert calibrated["ch5"] == calibrated["ch2"]
    assert calibrated["ch3"] == calibrated["ch4"] == []
    told = [failure.as_json() for failure in ran.failures]
    codes = {(f["at"]["channel"], f["node"]): f["code"] for f in told}
    assert codes == {
        ("ch2", "uncorrected_aoe"): "no_current_amplitude",
        ("ch3", "uncorrected_energies"): "no_energy_scale",
        ("ch4", "uncorrected_energies"): "too_few_events",
        ("ch5", "aoe_low_cut"): "no_double_escape_peak",
    }
    scales = found["energy_scale_keV_per_adc"]["ch1"].set_index("estimator")
    assert scales.loc["zacEmax", "reason"] == "the dsp tier has no column zacEmax"
    pages = found["calibration_pages"]
    assert list(pages["ch1"]) == [
        "spectrum", "peaks", "resolution", "trapping", "stability", "aoe", "lq", "survival",
        "quality",
    ]  # fmt: skip
    # Where nothing survives a cut that there is not, a page of A/E and of LQ says why.
    assert list(pages["ch2"]) == [name for name in pages["ch1"] if name != "survival"]
    assert "the dsp tier has no column A_max" in _said(pages["ch2"]["aoe"])
    assert list(pages["ch5"]) == list(pages["ch2"])
    assert "no low cut: double-escape peak at the A/E cut" in _said(pages["ch5"]["aoe"])
    assert set(found["classifier_counts"]["ch5"]["classifier"]) == {"AoE"}
    assert (found["calibrated_spectra"]["ch2"]["single_site"] == -1).all()
    assert (found["calibrated_spectra"]["ch1"]["single_site"] >= 0).all()
    again = session(path, CacheOptions(tmp_path / "cache"))
    cached = again.run(TARGETS)
    pd.testing.assert_frame_equal(cached["energy_peaks"]["ch1"], found["energy_peaks"]["ch1"])


def test_every_page_is_drawn_within_its_bounds(path: Path) -> None:
    pages = session(path).run(("calibration_pages",))["calibration_pages"]
    for page in (p for of_channel in pages.values() for p in of_channel.values()):
        assert not page.problem
        assert sheet_png(page, 20.0).startswith(b"\x89PNG")
        for shape in page.shapes:
            if isinstance(shape, Words):
                assert 0.0 <= shape.x <= page.size[0]
                assert 0.0 <= shape.y <= page.size[1]
            else:
                # The curve of a line that could not be fitted has no point.
                known = shape.xy[np.isfinite(shape.xy).all(axis=1)]
                assert (known >= 0.0).all()
                assert (known <= page.size).all()


def test_the_report_begins_with_what_failed(path: Path) -> None:
    """A page in one file: the overview with a reason a failed channel, then each channel."""
    ran = session(path)
    counted = ("n_triggers", "n_duplicates", "n_out_of_time")
    values = ran.run([n for n in (PAGES, *OF_REPORT) if n not in counted])
    values = {n: v for n, v in values.items() if isinstance(v, dict)}
    counts = {"ch1": 6000, "ch2": 6000, "ch3": 3000, "ch4": 10, "ch5": 5500}
    text = report_text({**values, "n_triggers": counts, FAILURES: ran.failures})
    places = [text.index(f">{channel}<") for channel in ("ch3", "ch4", "ch2", "ch5", "ch1")]
    assert places == sorted(places)
    assert "10 of 10 events pass the quality cuts" in text
    assert "5 channels, 4 of them not calibrated or only in part" in text
    assert text.count("<svg") == 9 + 8 + 8 + 1 + 1
    assert "http-equiv" in text
    assert "<script src" not in text
