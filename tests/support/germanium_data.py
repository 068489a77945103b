"""Where the reference data of the germanium pipeline lie, if they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "germanium"
HALF_A = "l200-p03-r000-cal-20230311T235840Z-a-tier_dsp.lh5"
TEST_STAND_RAW = "LDQTA_r117_20200110T105115Z_cal_geds_raw.lh5"
TEST_STAND_DSP = "LDQTA_r117-dspeed-reference_dsp.lh5"
THREE_TIERS = "l200-p03-r001-cal-20230318T012144Z-tier_{}.lh5"


def reference(name: str) -> Path:
    """A file of the reference data; skips the test where it is absent."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"reference data of germanium are not at hand: {path}")
    return path
