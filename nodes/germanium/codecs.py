"""Encoded waveforms of LH5 files as samples, and the other way, by the name of the codec."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...schemas.arrays import I8, U1
from ..reused_pages import uninitialised
from .kernels.codecs import decoded_radware, decoded_uleb128, encoded_radware, encoded_uleb128

ULEB128: Final = "uleb128_zigzag_diff"
RADWARE: Final = "radware_sigcompress"
CODECS: Final = (ULEB128, RADWARE)
SHIFT: Final = -32768.0
"""What radware_sigcompress adds to samples of 16 bits without sign."""


class DamagedStreamError(ValueError):
    """Encoded bytes that no encoder wrote. ``row`` is the waveform, counted from the first one."""

    def __init__(self, codec: str, row: int) -> None:
        super().__init__(f"waveform {row} is no stream of {codec}")
        self.row = row


def decoded(
    codec: str,
    data: U1,
    ends: I8,
    n_samples: int,
    shift: float = SHIFT,
    dtype: DTypeLike = np.int32,
) -> NDArray[Any]:
    """The samples of encoded waveforms, shape (n, n_samples).

    Parameters
    ----------
    codec
        One of CODECS.
    data
        The bytes of all waveforms.
    ends
        Shape (n,): where each ends in ``data``.
    shift
        What the encoder added to each sample (radware_sigcompress).
    dtype
        Of the samples; float32 holds those below 2^24.

    Raises
    ------
    DamagedStreamError
        If the bytes of a waveform are no such stream of ``n_samples`` samples.
    """
    out = _room(len(ends), n_samples, np.dtype(dtype))
    data, ends = np.ascontiguousarray(data, np.uint8), np.ascontiguousarray(ends, np.int64)
    begins = np.concatenate([[0], ends[:-1]])
    wrong = np.flatnonzero((ends < begins) | (ends > len(data)))
    if len(wrong):
        raise DamagedStreamError(codec, int(wrong[0]))
    if codec == ULEB128:
        row = decoded_uleb128(data, ends, out)
    else:
        row = decoded_radware(data, ends, int(shift), out)
    if row >= 0:
        raise DamagedStreamError(codec, row)
    return out


def _room(n: int, n_samples: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Samples to be filled, on pages that were used before: new ones take as long as decoding."""
    if dtype.itemsize != np.dtype(np.uint32).itemsize:
        return np.empty((n, n_samples), dtype)
    return uninitialised(n * n_samples).view(dtype).reshape(n, n_samples)


def encoded(codec: str, samples: Any, shift: float = SHIFT) -> tuple[U1, I8]:
    """The bytes of waveforms of whole numbers, shape (n, m), and where each ends.

    radware_sigcompress holds samples that are of 16 bits after the shift; others come back as
    their low 16 bits.
    """
    samples = np.ascontiguousarray(samples)
    n, m = samples.shape
    ends = np.empty(n, np.int64)
    room = n * m * 5 if codec == ULEB128 else n * (3 * m + 32)
    data = np.empty(room, np.uint8)
    if codec == ULEB128:
        size = encoded_uleb128(samples, data, ends)
    else:
        size = encoded_radware(samples, int(shift), data, ends)
    return data[:size].copy(), ends
