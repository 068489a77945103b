"""The hit log of the FPGA: rows without a time are left out, counted, and the first is named."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.transients.readers.fpga_files import parsed_hits
from radiograph.schemas.errors import InputError

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
