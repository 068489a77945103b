"""Settings changed from Python by their dotted keys, for every pipeline."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers import pipeline
from radiograph.drivers.config import load_config
from radiograph.drivers.registry import definition, names
from radiograph.schemas.errors import ConfigError, UsageError


def shipped(name: str, folder: Path) -> Path:
    found = resources.files("radiograph.configs")
    with resources.as_file(found) as configs:
        shutil.copytree(configs, folder, dirs_exist_ok=True)
    return folder / definition(name).example


@pytest.mark.parametrize("name", names())
def test_a_key_is_changed_for_every_pipeline(name: str, tmp_path: Path) -> None:
    path = shipped(name, tmp_path)
    analysis = pipeline(name, path, {"cache.size_limit_GB": 1.25})
    assert analysis.loaded.config.cache.size_limit_GB == 1.25
    assert load_config(path).config.cache.size_limit_GB != 1.25


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"cuts.thresholds.lo_trkqal": 0.5}, "lo_trkqual"),
        ({"cuts.thresholds.lo_trkqual": "x"}, "lo_trkqual"),
        ({"lo_trkqual": 0.5}, "lo_trkqual"),
        ({"cuts.cutset.x": 0.5}, "cuts.cutset is no table"),
    ],
)
def test_what_is_no_setting_is_said(overrides: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        pipeline("cosmics", shipped("cosmics", tmp_path), overrides)


def test_there_must_be_a_file_that_they_change(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="path of one"):
        pipeline("cosmics", None, {"cuts.cutset": "SU2020b"})
    loaded = load_config(shipped("cosmics", tmp_path))
    with pytest.raises(UsageError, match="path of one"):
        pipeline("cosmics", loaded, {"cuts.cutset": "SU2020b"})
