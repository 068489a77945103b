"""Whole numbers are found where a cast would bend them, without a warning of numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.whole_numbers import exactly_whole, whole_numbers

pytestmark = pytest.mark.filterwarnings("error")


@given(
    st.one_of(
        st.lists(st.floats(width=64), max_size=8).map(lambda v: np.array(v, "f8")),
        st.lists(st.floats(width=32), max_size=8).map(lambda v: np.array(v, "f4")),
        st.lists(st.integers(-(2**63), 2**63 - 1), max_size=8).map(lambda v: np.array(v, "i8")),
        st.lists(st.integers(0, 2**64 - 1), max_size=8).map(lambda v: np.array(v, "u8")),
        st.lists(st.booleans(), max_size=8).map(lambda v: np.array(v, "?")),
    ),
    st.sampled_from(["int8", "uint8", "int32", "int64"]),
)
def test_a_value_is_kept_exactly_or_marked(values: np.ndarray, dtype: str) -> None:
    found = whole_numbers(values, dtype)
    limits = np.iinfo(dtype)
    for given_, kept, bad in zip(values.tolist(), found.values.tolist(), found.bad, strict=True):
        is_whole = np.isfinite(given_) and given_ == int(given_)
        assert bad == (not is_whole or not limits.min <= int(given_) <= limits.max)
        assert kept == (0 if bad else given_)
    kinds = found.not_finite.astype(int) + found.not_whole + found.out_of_range
    assert kinds.max(initial=0) <= 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            [[1.0, 2.0], [3.0, 4.5], [np.nan, 0.0]],
            "x holds 2 values .* int32, the first in row 8: 4.5",
        ),
        ([0, 2**31], r"x holds 1 value that cannot be int32, the first in row 8: 2147483648"),
        ([np.inf], "row 7: inf"),
        (["a"], "x holds <U1, no numbers"),
    ],
)
def test_what_is_no_whole_number_is_named_with_its_row(values: list, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        exactly_whole(np.array(values), "int32", "x", 7)
