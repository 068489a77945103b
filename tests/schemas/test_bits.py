"""Named bits: by hand, there and back for every type, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from radiograph.schemas.bits import Bits

QUALITY = Bits(("short", "long", "header"), "uint16")


def test_by_hand() -> None:
    """1, 2 and 4, the lowest name first."""
    short, header = np.array([True, False, True]), np.array([False, False, True])
    packed = QUALITY.pack({"header": header, "short": short})
    assert packed.tolist() == [1, 0, 5]
    assert packed.dtype == np.uint16
    assert QUALITY.names_of(5) == ("short", "header")
    assert QUALITY.names_of(np.uint16(0)) == ()
    assert QUALITY.is_set(packed, "header").tolist() == [False, False, True]
    assert QUALITY.counts(packed) == {"short": 2, "long": 0, "header": 1}
    assert QUALITY.bit_names == "short,long,header"
    assert short.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("dtype", "n"), [("int8", 7), ("uint8", 8), ("uint16", 16), ("uint32", 32), ("uint64", 64)]
)
def test_every_bit_of_every_type(dtype: str, n: int) -> None:
    bits = Bits(tuple(f"b{k}" for k in range(n)), dtype)  # type: ignore[arg-type]
    packed = bits.pack({name: np.arange(n) == k for k, name in enumerate(bits.names)})
    assert packed.dtype == dtype
    assert [int(v) for v in packed] == [1 << k for k in range(n)]
    for k, value in enumerate(packed):
        assert bits.names_of(value) == (f"b{k}",)
    assert set(bits.counts(packed).values()) == {1}
    with pytest.raises(ValueError, match=f"{n + 1} names for the {n} bits of {dtype}"):
        Bits((*bits.names, "more"), dtype)  # type: ignore[arg-type]


@given(arrays(bool, st.tuples(st.integers(0, 5), st.just(3))))
def test_there_and_back(masks: np.ndarray) -> None:
    packed = QUALITY.pack(dict(zip(QUALITY.names, masks.T, strict=True)))
    back = np.array([QUALITY.is_set(packed, name) for name in QUALITY.names]).T
    np.testing.assert_array_equal(back, masks)
    named = [[name in QUALITY.names_of(v) for name in QUALITY.names] for v in packed]
    assert named == masks.tolist()


def test_shapes_and_nothing() -> None:
    assert QUALITY.pack({"long": np.zeros((2, 0), bool)}).shape == (2, 0)
    assert (
        QUALITY.pack({"long": np.ones((2, 1), bool), "short": np.ones(3, bool)}).tolist()
        == [[3, 3, 3]] * 2
    )
    assert QUALITY.counts([]) == {"short": 0, "long": 0, "header": 0}


@pytest.mark.parametrize("value", [8, -1])
def test_a_bit_without_a_name(value: int) -> None:
    with pytest.raises(ValueError, match=f"{value} has bits beyond the 3 of short, long, header"):
        QUALITY.names_of(value)


def test_a_name_that_is_no_bit() -> None:
    for use in (QUALITY.bit, lambda n: QUALITY.is_set([1], n), lambda n: QUALITY.pack({n: [True]})):
        with pytest.raises(ValueError, match="'lost' is no bit; there is: short, long, header"):
            use("lost")


@pytest.mark.parametrize("names", [("a", "a"), ("a,b",), ("",)])
def test_names_that_could_not_be_told_apart(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="names no bit"):
        Bits(names, "uint8")
