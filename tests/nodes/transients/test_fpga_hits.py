"""The hit log of the FPGA: rows without a time are left out, counted, and the first is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.transients import table
from radiograph.nodes.transients.readers.fpga_files import parsed_hits
from radiograph.schemas.errors import InputError
from radiograph.schemas.transients.config import Quality

HEADER = "hw_ts_10us,x_lsb,y_lsb\n"


def test_rows_without_a_time_are_counted() -> None:
    text = f"{HEADER}10,1,2\n\nabc,1,2\n30,x,4\n,5,6\ninf,7,8\n1e300,0,0\n"
    found = parsed_hits(text, "hit_log.csv")
    assert found.values[:, 0].tolist() == [10.0, 30.0, 1e300]
    assert np.isnan(found.values[1, 1])
    assert (found.untimed_rows, found.first_untimed) == (3, "line 4: 'abc'")


@pytest.mark.parametrize("text", [HEADER, f"{HEADER}\n", f"{HEADER}1,2,3\n \n"])
def test_an_empty_line_is_no_row(text: str) -> None:
    found = parsed_hits(text, "hit_log.csv")
    assert (found.untimed_rows, found.first_untimed) == (0, "")
    assert found.values.shape == (int("1,2,3" in text), 3)


def test_another_first_column_is_refused() -> None:
    with pytest.raises(InputError, match="it must be hw_ts_10us"):
        parsed_hits("time\n1\n", "hit_log.csv")


def lone(hits: str, recorded_s: list[float]) -> int:
    recordings = pd.DataFrame({"hw_time_s": np.array(recorded_s, np.float64)})
    log = parsed_hits(f"{HEADER}{hits}", "hit_log.csv")
    return table.unmatched_hits(recordings, log, Quality())


@pytest.mark.parametrize(
    ("hits", "recorded_s", "n"),
    [
        # The beam rests at (0, 0) before the scan, at any time; there may be a scan step as well.
        ("0,0,0\n50000,0,0\n100000,-5,0\n200000,0,0\n300000,5,0\n", [1.0, 3.0], 1),
        # A scan that begins at (0, 0) begins with its first recording.
        ("0,0,0\n100000,0,0\n200000,0,0\n300000,5,0\n", [1.0], 2),
        # All at one place and no recording of any.
        ("0,0,0\n100000,0,0\n200000,0,0\n", [9.0], 2),
        ("0,0,0\n100000,1,0\n", [], 1),
        ("100000,1,0\n", [1.00002, np.nan], 0),
        ("100000,1,0\n", [1.00003], 1),
        ("", [1.0], 0),
    ],
)
def test_hits_without_a_recording(hits: str, recorded_s: list[float], n: int) -> None:
    assert lone(hits, recorded_s) == n


def test_the_nearest_hit_of_each_recording() -> None:
    """Ticks of 10 us; a recording 20 us off has a hit, one 30 us off has none, NaN is not said."""
    recordings = pd.DataFrame({"hw_time_s": [1.00002, 1.99997, 5.0, np.nan]})
    log = parsed_hits(f"{HEADER}200000,0,0\n100000,0,0\n", "hit_log.csv")
    found = table.hit_matches(recordings, log, Quality())
    np.testing.assert_allclose(found["hit_delay_us"], [-20.0, 30.0, -3e6, np.nan], rtol=1e-6)
    assert found["no_hit"].tolist() == [False, True, True, False]
    none = table.hit_matches(recordings, parsed_hits(HEADER, "hit_log.csv"), Quality())
    assert none["hit_delay_us"].isna().all()
    assert not none["no_hit"].any()
