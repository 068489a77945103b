"""Codecs of LH5 waveforms: bytes worked out by hand, round trips, damage."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from germanium_data import TEST_STAND_RAW, reference
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from radiograph.nodes.germanium.codecs import (
    CODECS,
    RADWARE,
    ULEB128,
    DamagedStreamError,
    decoded,
    encoded,
)
from radiograph.nodes.germanium.kernels import codecs as kernels

U2 = hnp.arrays(np.uint16, st.tuples(st.integers(0, 4), st.integers(1, 200)))


def test_uleb128_by_hand() -> None:
    """300, 299, 429: differences 300, -1, 130; zigzag 600, 1, 260; seven bits a byte."""
    data, ends = encoded(ULEB128, np.array([[300, 299, 429]], np.uint16))
    assert data.tolist() == [600 % 128 + 128, 600 // 128, 1, 260 % 128 + 128, 260 // 128]
    assert ends.tolist() == [5]


def test_radware_by_hand() -> None:
    """Samples 2 and 3 after the shift: one section of differences, whose span is 0."""
    data, ends = encoded(RADWARE, np.array([[32770, 32771]], np.uint16))
    # Number of samples; of the section: samples, bits + 32, first, least difference, packed 00.
    assert data.view(">u2").tolist() == [2, 2, 2 + 32, 2, 1, 0]
    assert ends.tolist() == [12]


def test_radware_values_by_hand() -> None:
    """A section of values: 1, 3, 0 above the minimum 5, two bits each from the top."""
    data = np.array([3, 3, 2, 5, 0b011100 << 10, 0], ">u2").view(np.uint8)
    assert decoded(RADWARE, data, np.array([12]), 3, 0.0).tolist() == [[6, 8, 5]]


def test_radware_differences_wrap() -> None:
    """A section of differences whose sum leaves 16 bits comes back on the other side."""
    # First sample 32767, then +1: -32768 in 16 bits; no shift.
    words = [2, 2, 2 + 32, 32767, 1, 0]
    data = np.array(words, ">u2").view(np.uint8)
    assert decoded(RADWARE, data, np.array([12]), 2, 0.0).tolist() == [[32767, -32768]]


@pytest.mark.parametrize("codec", CODECS)
@given(samples=U2)
def test_round_trip(codec: str, samples: np.ndarray) -> None:
    before = samples.copy()
    data, ends = encoded(codec, samples)
    assert np.array_equal(decoded(codec, data, ends, samples.shape[1]), samples)
    assert np.array_equal(before, samples)


@given(samples=hnp.arrays(np.int32, st.tuples(st.integers(0, 3), st.integers(1, 50))))
def test_round_trip_of_sums(samples: np.ndarray) -> None:
    """Presummed samples are of 32 bits."""
    data, ends = encoded(ULEB128, samples)
    assert np.array_equal(decoded(ULEB128, data, ends, samples.shape[1]), samples)


@pytest.mark.parametrize("codec", CODECS)
def test_real_waveforms(codec: str) -> None:
    """Bit for bit, and radware_sigcompress makes them shorter."""
    with h5py.File(reference(TEST_STAND_RAW)) as file:
        samples = file["geds/raw/waveform/values"][()]
    data, ends = encoded(codec, samples)
    assert np.array_equal(decoded(codec, data, ends, samples.shape[1]), samples)
    assert len(data) < 0.6 * samples.nbytes


@pytest.mark.parametrize("codec", CODECS)
def test_kernels_are_their_python(codec: str) -> None:
    samples = np.random.default_rng(3).normal(15000, 40, (3, 150)).astype(np.uint16)
    samples[1, 70:] += 9000
    data, ends = encoded(codec, samples)
    plain, plain_ends = np.zeros(3 * 150 * 5 + 96, np.uint8), np.zeros(3, np.int64)
    out = np.zeros((3, 150), np.int32)
    if codec == ULEB128:
        size = kernels.encoded_uleb128.py_func(samples.astype(int), plain, plain_ends)
        row = kernels.decoded_uleb128.py_func(plain.astype(int), plain_ends, out)
    else:
        size = kernels.encoded_radware.py_func(samples.astype(int), -32768, plain, plain_ends)
        row = kernels.decoded_radware.py_func(plain, plain_ends, -32768, out)
    assert np.array_equal(plain[:size], data)
    assert np.array_equal(plain_ends, ends)
    assert row == -1
    assert np.array_equal(out, samples)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("cut", [1, 4, 40])
def test_truncated(codec: str, cut: int) -> None:
    """The waveform whose bytes end too early is named."""
    samples = np.random.default_rng(3).integers(0, 60000, (3, 40)).astype(np.uint16)
    data, ends = encoded(codec, samples)
    with pytest.raises(DamagedStreamError) as raised:
        decoded(codec, data[:-cut], np.append(ends[:-1], ends[-1] - cut), 40)
    assert raised.value.row == 2


def test_ends_beyond_the_bytes() -> None:
    with pytest.raises(DamagedStreamError):
        decoded(ULEB128, np.zeros(4, np.uint8), np.array([2, 9]), 2)


@pytest.mark.parametrize("codec", CODECS)
@given(data=hnp.arrays(np.uint8, st.integers(0, 60)))
def test_any_bytes(codec: str, data: np.ndarray) -> None:
    """Bytes of any kind are samples or refused, and never read beyond."""
    try:
        out = decoded(codec, data, np.array([len(data)]), 7)
    except DamagedStreamError:
        return
    assert out.shape == (1, 7)
