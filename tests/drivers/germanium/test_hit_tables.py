"""The hit tier of several channels as one table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.engine.parts import Part
from radiograph.drivers.germanium.config_checks import faults
from radiograph.drivers.germanium.hit_tables import hit_table
from radiograph.nodes.germanium.hit_flags import BITS
from radiograph.schemas.germanium.config import GermaniumConfig

FIRST = pd.DataFrame(
    {
        "e_cal": [2614.5, np.nan, 0.1],
        "is_valid": [True, False, True],
        BITS: np.array([1, 0, 1], np.uint64),
        "file": np.array([7, 8, 9], np.uint64),
        "n": np.array([1.5, 2.0, 3.0]),
    }
)
SECOND = pd.DataFrame({"is_valid": [False], "LQ": np.array([1.5], np.float32), "n": [4]})
WHOLE = pd.DataFrame(
    {
        "channel": ["ch1", "ch1", "ch1", "ch2"],
        "e_cal": [2614.5, np.nan, 0.1, np.nan],
        "is_valid": [True, False, True, False],
        "file": [7, 8, 9, np.nan],
        "n": [1.5, 2.0, 3.0, 4.0],
        "LQ": [np.nan, np.nan, np.nan, 1.5],
    }
)


def _written(form: str, path: Path, frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    with hit_table(form, path) as append:
        for channel, frame in frames.items():
            append(Part({"channel": channel}, {}), {"hit_columns": frame})
    return pd.read_csv(path) if form == "csv" else pd.read_parquet(path)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_channels_of_other_columns_stand_in_one_table(form: str, tmp_path: Path) -> None:
    """Missing where a channel has no such column; a frame that is written stays as it is."""
    if form == "parquet":
        pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    before = FIRST.copy()
    table = _written(form, tmp_path / "hit", {"ch1": FIRST, "ch2": SECOND})
    assert list(table) == list(WHOLE)
    pd.testing.assert_frame_equal(table, WHOLE, check_dtype=False)
    assert table["is_valid"].dtype in ("bool", "boolean")
    pd.testing.assert_frame_equal(FIRST, before)
    turned = _written(form, tmp_path / "turned", {"ch2": SECOND, "ch1": FIRST})
    assert turned["n"].tolist() == [4.0, 1.5, 2.0, 3.0]
    again = _written(form, tmp_path / "again", {"ch1": FIRST, "ch2": SECOND})
    assert len(again) == 4
    assert (tmp_path / "again").read_bytes() == (tmp_path / "hit").read_bytes()


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_without_channels_or_rows(form: str, tmp_path: Path) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    table = _written(form, tmp_path / "none", {})
    assert (list(table), len(table)) == (["channel"], 0)
    table = _written(form, tmp_path / "no_rows", {"ch1": FIRST.iloc[:0]})
    assert (list(table), len(table)) == (["channel", *FIRST.drop(columns=BITS)], 0)


def test_a_run_that_ends_early_writes_no_table(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), hit_table("csv", tmp_path / "hit.csv") as append:
        append(Part({"channel": "ch1"}, {}), {"hit_columns": FIRST})
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("tiers", "n"), [(["dsp"], 1), (["dsp", "hit"], 0)])
def test_formats_need_the_hit_tier(tiers: list[str], n: int) -> None:
    settings: dict[str, Any] = {"output": {"formats": ["csv"]}, "germanium": {"tiers": tiers}}
    config = GermaniumConfig.model_validate(settings)
    found = list(faults(config, Path(), frozenset()))
    assert len(found) == n
    assert all("hit tier" in fault.text and fault.keys == ("output.formats",) for fault in found)
