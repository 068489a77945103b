"""Numbers and lines of text, read from bytes without a Python object a token.

Numbers are those of ``float`` to the last bit or the one before it (double-double arithmetic),
Fortran's ``1.0D-05`` and ``1.0-105`` included.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numba import njit

NEWLINE = 10
_EXPONENT_DIGITS_ALONE = 3
_POWERS_OF_TEN = np.array([float(f"1e{k}") for k in range(23)])
_SPLITTER = 134217729.0  # 2^27 + 1, Dekker's split of a double in two halves

# An unsigned index is not wrapped around: text[np.uint64(at)].
# Eight bytes are looked at as one word, the first the lowest. No operation below overflows.
_BLANKS = np.uint64(0x2020202020202020)
_NEWLINES = np.uint64(0x0A0A0A0A0A0A0A0A)
_ZEROS = np.uint64(0x3030303030303030)
_SIXES = np.uint64(0x0606060606060606)
_HIGH_HALVES = np.uint64(0xF0F0F0F0F0F0F0F0)
_LOW_BITS = np.uint64(0x7F7F7F7F7F7F7F7F)
_PAIRS = np.uint64(0x00FF00FF00FF00FF)
_FOURS = np.uint64(0x0000FFFF0000FFFF)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_MOST_DIGITS = 18

# No function here makes an array, so none needs to count references: at every call with an
# array argument that would cost more than reading a number. The rest is left out for the sake
# of the first run, which compiles: nobody calls from C, and no divisor can be zero.
# A position that begins as a plain 0 is a type of its own to numba, and everything called with it
# is compiled twice: write np.int64(0).
scanning = partial(njit, nogil=True, _nrt=False, no_cfunc_wrapper=True, error_model="numpy")


@scanning(inline="always")
def _two_product(a: float, b: float) -> Any:
    product = a * b
    t = _SPLITTER * a
    a_high = t - (t - a)
    a_low = a - a_high
    t = _SPLITTER * b
    b_high = t - (t - b)
    b_low = b - b_high
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


@scanning()
def _scaled(mantissa: int, exponent: int) -> float:
    """mantissa * 10**exponent, mantissa below 10**18; high + low carry twice the digits."""
    high = float(mantissa)
    low = float(mantissa - np.int64(high))
    while exponent != 0:
        step = exponent if exponent < 22 else 22
        step = step if step > -22 else -22
        power = _POWERS_OF_TEN[abs(step)]
        if step > 0:
            scaled, error = _two_product(high, power)
            if math.isinf(scaled):
                return scaled
            if not math.isfinite(error):  # next to the largest double: no second half
                return scaled + low * power
            rest = error + low * power
        else:
            scaled = high / power
            product, error = _two_product(scaled, power)
            rest = (((high - product) - error) + low) / power
        high = scaled + rest
        low = rest - (high - scaled)
        exponent -= step
    return high + low


@scanning(forceinline=True)
def _word(text: Any, at: int) -> Any:
    """Eight bytes from ``at``; compiled to one load."""
    i = np.uint64(at)
    return (
        np.uint64(text[i])
        | np.uint64(text[i + np.uint64(1)]) << np.uint64(8)
        | np.uint64(text[i + np.uint64(2)]) << np.uint64(16)
        | np.uint64(text[i + np.uint64(3)]) << np.uint64(24)
        | np.uint64(text[i + np.uint64(4)]) << np.uint64(32)
        | np.uint64(text[i + np.uint64(5)]) << np.uint64(40)
        | np.uint64(text[i + np.uint64(6)]) << np.uint64(48)
        | np.uint64(text[i + np.uint64(7)]) << np.uint64(56)
    )


@scanning(inline="always")
def _are_digits(word: Any) -> bool:
    """Whether all eight bytes are 0 to 9: 0x30 + a digit stays below 0x3A."""
    word = np.uint64(word)  # a plain call hands a signed word on: the sum would be a float
    low = (word & _LOW_BITS) + _SIXES
    return bool(((word | low) & _HIGH_HALVES) == _ZEROS) and bool((word & _HIGH_HALVES) == _ZEROS)


@scanning(inline="always")
def _number_of_digits(word: Any) -> Any:
    """The number that eight digits write: pairs, then fours, then all."""
    digits = np.uint64(word) ^ _ZEROS
    pairs = (digits * np.uint64(10) + (digits >> np.uint64(8))) & _PAIRS
    fours = (pairs * np.uint64(100) + (pairs >> np.uint64(16))) & _FOURS
    eight = fours * np.uint64(10000) + (fours >> np.uint64(32))
    return np.int64(eight & np.uint64(0xFFFFFFFF))


@scanning(forceinline=True)
def line_end(text: Any, at: int, size: int) -> int:
    """The first newline at or after ``at``, or ``size``."""
    while at + 8 <= size:
        x = _word(text, at) ^ _NEWLINES
        # The high bit of each byte is set unless the byte is zero.
        if (((x & _LOW_BITS) + _LOW_BITS) | x | _LOW_BITS) != _ALL:
            break
        at += 8
    while at < size and text[np.uint64(at)] != NEWLINE:
        at += 1
    return at


@scanning(forceinline=True)
def skip_blanks(text: Any, at: int, end: int) -> int:
    while at + 8 <= end and _word(text, at) == _BLANKS:
        at += 8
    while at < end:
        c = text[np.uint64(at)]
        if c != 32 and c != 9 and c != 13:
            break
        at += 1
    return at


@scanning(forceinline=True)
def _is_end(text: Any, at: int, end: int) -> bool:
    """Whether a token may end here: blank, comma, semicolon or end of line."""
    if at >= end:
        return True
    c = text[at]
    return c == 32 or c == 9 or c == 13 or c == 44 or c == 59


@scanning(inline="always")
def _is_nan_or_inf(text: Any, at: int) -> bool:
    """Whether three letters at ``at`` are nan or inf, in either case."""
    a = text[at] | 32
    b = text[at + 1] | 32
    c = text[at + 2] | 32
    return bool((a == 110 and b == 97 and c == 110) or (a == 105 and b == 110 and c == 102))


@scanning()
def read_number(text: Any, at: int, end: int) -> Any:
    """Number at ``at``: (read, value, position after it). nan... and inf... count as NaN."""
    at = skip_blanks(text, at, end)
    if at >= end:
        return False, np.nan, at
    negative = text[at] == 45
    if negative or text[at] == 43:
        at += 1
    mantissa = np.int64(0)
    digits = 0
    exponent = 0
    seen = False
    after_point = False
    while at < end:
        if mantissa > 0 and digits <= _MOST_DIGITS - 8 and at + 8 <= end:
            word = _word(text, at)
            if _are_digits(word):
                mantissa = mantissa * 100_000_000 + _number_of_digits(word)
                digits += 8
                if after_point:
                    exponent -= 8
                at += 8
                continue
        c = text[np.uint64(at)]
        if c == 46 and not after_point:
            after_point = True
        elif 48 <= c <= 57:
            seen = True
            if digits < _MOST_DIGITS:
                mantissa = mantissa * 10 + np.int64(c - 48)
                if mantissa > 0:
                    digits += 1
                if after_point:
                    exponent -= 1
            elif not after_point:
                exponent += 1
        else:
            break
        at += 1
    if not seen:
        word = at
        while at < end and not _is_end(text, at, end):
            at += 1
        return at - word >= 3 and _is_nan_or_inf(text, word), np.nan, at
    if at < end and not _is_end(text, at, end):
        c = text[at] | 32
        letter = c == 101 or c == 100
        if letter:
            at += 1
        elif text[at] != 43 and text[at] != 45:
            return False, np.nan, at
        sign = 1
        if at < end and (text[at] == 43 or text[at] == 45):
            sign = -1 if text[at] == 45 else 1
            at += 1
        power: Any = 0
        n = 0
        while at < end and 48 <= text[at] <= 57:
            power = power * 10 + np.int64(text[at] - 48) if power < 1000 else 1000
            n += 1
            at += 1
        # Fortran leaves the letter out for exponents of three digits, and only then.
        whole = n > 0 if letter else n == _EXPONENT_DIGITS_ALONE
        if not whole or not _is_end(text, at, end):
            return False, np.nan, at
        exponent += sign * power
    if mantissa == 0 or exponent < -400:
        value = 0.0
    elif exponent > 400:
        value = np.inf
    else:
        value = _scaled(mantissa, exponent)
    return True, -value if negative else value, at


@scanning()
def read_integer(text: Any, at: int, end: int) -> Any:
    """(read, value, position after it, or of what cannot be read)."""
    at = skip_blanks(text, at, end)
    read, value, after = read_number(text, at, end)
    if not read or not abs(value) < 9e15 or value != math.floor(value):
        return False, np.int64(0), at
    return True, np.int64(value), after
