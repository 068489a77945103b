"""Planes and regions that no run could fill are refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from radiograph.drivers.config import load_config
from radiograph.schemas.errors import ConfigError

TEXT = """
[plane]
origin = [0, 0, 0]
normal = [0, 0, 1]
u_min = -10
u_max = 10
du = 1
v_min = -5
v_max = 5
dv = 1
[energy]
strategy = "Edep"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "run.toml"
    path.write_text(TEXT)
    return path


def test_a_plane_of_too_many_pixels_is_refused(config: Path) -> None:
    with pytest.raises(ConfigError, match=r"20000 x 10000 = 2e\+08 pixels; allowed are 1e\+08"):
        load_config(config, overrides=["plane.du=0.001", "plane.dv=0.001"])
    assert load_config(config, overrides=["plane.du=0.002", "plane.dv=0.001"]).config.plane


@pytest.mark.parametrize(
    "override",
    ["roi_u_min_cm=10", "roi_u_max_cm=-10", "roi_v_min_cm=7", "roi_v_max_cm=-5.5"],
)
def test_a_region_off_the_plane_is_refused(config: Path, override: str) -> None:
    with pytest.raises(ConfigError, match="leaves no pixel of the plane"):
        load_config(config, overrides=[f"vis.projections.{override}"])


@pytest.mark.parametrize("override", ["roi_u_min_cm=9", "roi_u_max_cm=99", "roi_v_min_cm=-50"])
def test_a_region_that_reaches_over_the_edge_is_taken(config: Path, override: str) -> None:
    assert load_config(config, overrides=[f"vis.projections.{override}"])
