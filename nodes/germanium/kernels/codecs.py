"""The codecs of LH5 waveforms, a row a waveform: ``uleb128_zigzag_diff``, ``radware_sigcompress``.

Rows of encoded bytes stand one after the other in ``data``; ``ends`` holds the end of each, counted
from the first byte of ``data``. Decoders write the samples to ``out`` and return the first row
that is no such stream, -1 if all are. Encoders return the number of bytes that they wrote and fill
``ends``.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

LOOK: Final = 48
"""Samples that decide how a section of radware_sigcompress is packed."""
LONGEST: Final = 128
"""Most samples of a section."""
DIFFERENCE: Final = 32
"""Added to the number of bits of a section of differences."""


@njit(cache=True, nogil=True)
def decoded_uleb128(data: Any, ends: Any, out: Any) -> int:
    """Zigzag differences as LEB128: seven bits a byte, the least significant group first."""
    n_samples = out.shape[1]
    begin = 0
    for row in range(out.shape[0]):
        at = begin
        end = ends[row]
        value = 0
        for i in range(n_samples):
            # Most differences have one or two bytes: these are read without a branch.
            if at + 1 < end:
                # A place without a sign is not looked at for being negative.
                one: Any = np.int64(data[np.uint64(at)])
                two: Any = np.int64(data[np.uint64(at + 1)])
                has_two = one >> 7
                if not has_two & (two >> 7):
                    coded = (one & 127) | (((two & 127) << 7) & -has_two)
                    at += 1 + has_two
                    value += (coded >> 1) ^ -(coded & 1)
                    out[row, i] = value
                    continue
            coded = 0
            shift = 0
            more = 128
            while more:
                if at >= end or shift > 35:
                    return row
                byte: Any = np.int64(data[at])
                at += 1
                coded |= (byte & 127) << shift
                shift += 7
                more = byte & 128
            value += (coded >> 1) ^ -(coded & 1)
            out[row, i] = value
        if at != end:
            return row
        begin = end
    return -1


@njit(cache=True, nogil=True)
def encoded_uleb128(samples: Any, data: Any, ends: Any) -> int:
    """The inverse; ``data`` must have room for five bytes a sample."""
    at = 0
    for row in range(samples.shape[0]):
        before: Any = 0
        for i in range(samples.shape[1]):
            value: Any = np.int64(samples[row, i])
            step = value - before
            before = value
            coded = (step << 1) ^ (step >> 63)
            while coded > 127:
                data[at] = (coded & 127) | 128
                coded >>= 7
                at += 1
            data[at] = coded
            at += 1
        ends[row] = at
    return at


@njit(cache=True, nogil=True)
def _signed(word: int) -> int:
    """The low 16 bits as a signed number."""
    word &= 0xFFFF
    return word - 0x10000 if word >= 0x8000 else word


@njit(cache=True, nogil=True)
def _words_of(data: Any, begin: int, n_words: int, words: Any) -> None:
    """Each big-endian word of a row, and the next one below it: bits never lie in more than two."""
    row = data[begin : begin + 2 * n_words]
    for k in range(n_words):
        word = (np.uint32(row[2 * k]) << np.uint32(8)) | np.uint32(row[2 * k + 1])
        words[k] = word << np.uint32(16)
    for k in range(n_words - 1):
        words[k] |= words[k + 1] >> np.uint32(16)


@njit(cache=True, nogil=True)
def _unpacked(words: Any, n_values: int, n_bits: int, packed: Any) -> None:
    """Values of ``n_bits`` from their places, low bits last; above them stand bits of others.

    Sixteen of them fill ``n_bits`` words, so each of the sixteen has its place in these. Places
    have no sign: they are not looked at for being negative.
    """
    width, most = np.uint64(n_bits), np.uint64(32 - n_bits)
    for block in range(np.uint64((n_values + 15) // 16)):
        first = block * width
        sixteen = packed[block * np.uint64(16) : (block + np.uint64(1)) * np.uint64(16)]
        for k in range(np.uint64(16)):
            bit = k * width
            shift = np.uint32(most - (bit & np.uint64(15)))
            sixteen[k] = words[first + (bit >> np.uint64(4))] >> shift


@njit(cache=True, nogil=True)
def _header(words: Any, at: int) -> Any:
    """A word as a number."""
    return np.int64(words[at] >> np.uint32(16))


@njit(cache=True, nogil=True)
def _longest(ends: Any) -> int:
    longest = begin = 0
    for row in range(len(ends)):
        longest = max(longest, ends[row] - begin)
        begin = ends[row]
    return longest


@njit(cache=True, nogil=True)
def decoded_radware(data: Any, ends: Any, shift: int, out: Any) -> int:
    """Sections of packed values, or of packed differences, in big-endian 16-bit words."""
    n_samples = out.shape[1]
    # Behind the last word, and the last value, is room for what is left of sixteen.
    words = np.zeros(_longest(ends) // 2 + 16, np.uint32)
    packed = np.empty(n_samples + 16, np.uint32)
    back = np.int32(-shift)
    begin = 0
    for row in range(out.shape[0]):
        n_words = (ends[row] - begin) // 2
        if n_words < 1:
            return row
        _words_of(data, begin, n_words, words)
        begin = ends[row]
        if _header(words, 0) != n_samples:
            return row
        at = 1
        i = 0
        while i < n_samples:
            if at + 3 > n_words:
                return row
            n_values, kind = _header(words, at), _header(words, at + 1)
            is_difference = kind > DIFFERENCE
            n_bits = kind - DIFFERENCE if is_difference else kind
            if n_values < 1 or i + n_values > n_samples or n_bits < 1 or n_bits > 16:
                return row
            first = lowest = np.int32(_signed(_header(words, at + 2)))
            at += 3
            if is_difference:
                if at + 1 > n_words:
                    return row
                lowest = np.int32(_signed(_header(words, at)))
                at += 1
                n_values -= 1
                out[row, i] = first + back
                i += 1
            n_used = (n_values * n_bits + 15) // 16
            if at + n_used > n_words:
                return row
            _unpacked(words[at:], n_values, n_bits, packed)
            samples, mask = out[row, i : i + n_values], np.uint32((1 << n_bits) - 1)
            if is_difference:
                value = first
                for k in range(n_values):
                    value = np.int32(np.int16(value + lowest + np.int32(packed[k] & mask)))
                    samples[k] = value + back
            else:
                for k in range(n_values):
                    value = np.int32(np.int16(lowest + np.int32(packed[k] & mask)))
                    samples[k] = value + back
            i += n_values
            at += n_used
    return -1


@njit(cache=True, nogil=True)
def _n_bits(span: int) -> int:
    """Bits of the numbers from 0 to ``span``; at least 2."""
    n = 2
    while span >> n:
        n += 1
    return n


@njit(cache=True, nogil=True)
def _put(data: Any, at: int, word: int) -> int:
    data[at] = (word >> 8) & 255
    data[at + 1] = word & 255
    return at + 2


@njit(cache=True, nogil=True)
def encoded_radware(samples: Any, shift: int, data: Any, ends: Any) -> int:
    """The inverse; ``data`` must have room for three bytes a sample and 32 bytes more a row.

    A section takes the mode with the smaller range among its first samples and goes on while the
    number of bits suffices.
    """
    n_samples = samples.shape[1]
    at = 0
    for row in range(samples.shape[0]):
        begin = at
        at = _put(data, at, n_samples)
        i = 0
        while i < n_samples:
            look = min(i + LOOK, n_samples)
            low = high = _signed(np.int64(samples[row, i]) + shift)
            d_low, d_high = 32767, -32768
            before = low
            for k in range(i + 1, look):
                value = _signed(np.int64(samples[row, k]) + shift)
                step = _signed(value - before)
                before = value
                low, high = min(low, value), max(high, value)
                d_low, d_high = min(d_low, step), max(d_high, step)
            is_difference = look - i > 1 and d_high - d_low < high - low
            if not is_difference:
                d_low = d_high = 0
            n_bits = _n_bits(d_high - d_low if is_difference else high - low)
            room = (1 << n_bits) - 1
            stop = look
            last = min(i + LONGEST, n_samples)
            while stop < last:
                value = _signed(np.int64(samples[row, stop]) + shift)
                if is_difference:
                    step = _signed(value - before)
                    new_low, new_high = min(d_low, step), max(d_high, step)
                    if new_high - new_low > room:
                        break
                    d_low, d_high = new_low, new_high
                else:
                    new_low, new_high = min(low, value), max(high, value)
                    if new_high - new_low > room:
                        break
                    low, high = new_low, new_high
                before = value
                stop += 1
            at = _put(data, at, stop - i)
            first = _signed(np.int64(samples[row, i]) + shift)
            if is_difference:
                at = _put(data, at, n_bits + DIFFERENCE)
                at = _put(data, at, first)
                at = _put(data, at, d_low)
            else:
                at = _put(data, at, n_bits)
                at = _put(data, at, low)
            before = first
            held = 0
            n_held = 0
            for k in range(i + 1 if is_difference else i, stop):
                value = _signed(np.int64(samples[row, k]) + shift)
                packed = _signed(value - before) - d_low if is_difference else value - low
                before = value
                held = (held << n_bits) | packed
                n_held += n_bits
                if n_held >= 16:
                    n_held -= 16
                    at = _put(data, at, held >> n_held)
                    held &= (1 << n_held) - 1
            if n_held:
                at = _put(data, at, held << (16 - n_held))
            i = stop
        if (at - begin) % 4:
            at = _put(data, at, 0)
        ends[row] = at
    return at
