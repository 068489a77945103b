"""Scanner of PHITS usrdef text: bytes in, columns of hits and reactions out.

One pass over the bytes without a Python object per token. Numbers are those of ``float`` to
the last bit or the one before it (double-double arithmetic), Fortran's ``1.0D-05`` and
``1.0-105`` included.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numba import njit

BAD_NUMBER = 0
TRUNCATED = 1
NO_HITS = 2
NOT_FINITE = 3
NEGATIVE_LIGHT = 4
UNKNOWN_LINE = 5
BAD_REACTION = 6
CUT_OFF = 7
OUT_OF_RANGE = 8
TOO_MANY_HITS = 9
N_KINDS = 10
SHOWN_PER_KIND = 100

_NEWLINE = 10
_LARGEST_REGION = 2**31 - 1
# No detector measures more, and neither squares nor single precision overflow.
LARGEST_VALUE = 1e30
MOST_HITS = 2**15 - 1
_EXPONENT_DIGITS_ALONE = 3
_INTEGERS_OF_EVENT = 5
_INTEGERS_OF_REACTION = 10
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
_scanning = partial(njit, nogil=True, _nrt=False, no_cfunc_wrapper=True, error_model="numpy")
_kernel = partial(_scanning, cache=True)


@_scanning(inline="always")
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


@_scanning()
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


@_scanning(forceinline=True)
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


@_scanning(inline="always")
def _are_digits(word: Any) -> bool:
    """Whether all eight bytes are 0 to 9: 0x30 + a digit stays below 0x3A."""
    word = np.uint64(word)  # a plain call hands a signed word on: the sum would be a float
    low = (word & _LOW_BITS) + _SIXES
    return bool(((word | low) & _HIGH_HALVES) == _ZEROS) and bool((word & _HIGH_HALVES) == _ZEROS)


@_scanning(inline="always")
def _number_of_digits(word: Any) -> Any:
    """The number that eight digits write: pairs, then fours, then all."""
    digits = np.uint64(word) ^ _ZEROS
    pairs = (digits * np.uint64(10) + (digits >> np.uint64(8))) & _PAIRS
    fours = (pairs * np.uint64(100) + (pairs >> np.uint64(16))) & _FOURS
    eight = fours * np.uint64(10000) + (fours >> np.uint64(32))
    return np.int64(eight & np.uint64(0xFFFFFFFF))


@_scanning(forceinline=True)
def _line_end(text: Any, at: int, size: int) -> int:
    """The first newline at or after ``at``, or ``size``."""
    while at + 8 <= size:
        x = _word(text, at) ^ _NEWLINES
        # The high bit of each byte is set unless the byte is zero.
        if (((x & _LOW_BITS) + _LOW_BITS) | x | _LOW_BITS) != _ALL:
            break
        at += 8
    while at < size and text[np.uint64(at)] != _NEWLINE:
        at += 1
    return at


@_scanning(forceinline=True)
def _skip_blanks(text: Any, at: int, end: int) -> int:
    while at + 8 <= end and _word(text, at) == _BLANKS:
        at += 8
    while at < end:
        c = text[np.uint64(at)]
        if c != 32 and c != 9 and c != 13:
            break
        at += 1
    return at


@_scanning(forceinline=True)
def _is_end(text: Any, at: int, end: int) -> bool:
    """Whether a token may end here: blank, comma, semicolon or end of line."""
    if at >= end:
        return True
    c = text[at]
    return c == 32 or c == 9 or c == 13 or c == 44 or c == 59


@_scanning(inline="always")
def _is_nan_or_inf(text: Any, at: int) -> bool:
    """Whether three letters at ``at`` are nan or inf, in either case."""
    a = text[at] | 32
    b = text[at + 1] | 32
    c = text[at + 2] | 32
    return bool((a == 110 and b == 97 and c == 110) or (a == 105 and b == 110 and c == 102))


@_scanning()
def read_number(text: Any, at: int, end: int) -> Any:
    """Number at ``at``: (read, value, position after it). nan... and inf... count as NaN."""
    at = _skip_blanks(text, at, end)
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


@_scanning()
def _read_integer(text: Any, at: int, end: int) -> Any:
    """(read, value, position after it, or of what cannot be read)."""
    at = _skip_blanks(text, at, end)
    read, value, after = read_number(text, at, end)
    if not read or not abs(value) < 9e15 or value != math.floor(value):
        return False, np.int64(0), at
    return True, np.int64(value), after


@_scanning()
def line_kind(text: Any, at: int, end: int) -> int:
    """0 nothing to read, 1 neutron event, 2 gamma event, 3 rx, 4 In, 5 Out, -1 unknown."""
    at = _skip_blanks(text, at, end)
    if at >= end or text[at] == 33 or text[at] == 35:
        return 0
    if at + 2 < end and (text[at + 2] == 32 or text[at + 2] == 9):
        a = text[at]
        b = text[at + 1]
        if b == 101 and a == 110:
            return 1
        if b == 101 and a == 103:
            return 2
        if a == 114 and b == 120:
            return 3
        if a == 73 and b == 110:
            return 4
    if at + 3 < end and text[at] == 79 and text[at + 1] == 117 and text[at + 2] == 116:
        return 5
    return -1


@_kernel()
def event_starts(
    text: Any, every: int, events: int, number: int, first_byte: int, byte: Any, line: Any
) -> Any:
    """Byte and line of each ``every``-th event line of a file that is read in blocks.

    ``text`` is one block of whole lines; ``events`` event lines and ``number`` - 1 lines came
    before it, and it begins at ``first_byte``. Returns (events, number) after it.
    """
    size = text.shape[0]
    at = np.int64(0)
    while at < size:
        end = _line_end(text, at, size)
        kind = line_kind(text, at, end)
        if kind == 1 or kind == 2:
            if events % every == 0:
                byte[events // every] = first_byte + at
                line[events // every] = number
            events += 1
        at = end + 1
        number += 1
    return events, number


@_kernel()
def next_event_line(text: Any, at: int) -> int:
    """Where the first event line after the line of ``at`` begins, or the size of the text."""
    size = text.shape[0]
    at = _line_end(text, at, size) + 1
    while at < size:
        end = _line_end(text, at, size)
        kind = line_kind(text, at, end)
        if kind == 1 or kind == 2:
            return at
        at = end + 1
    return size


@_kernel()
def upper_bounds(text: Any) -> Any:
    """(hits, reactions, products) that the text can hold at most."""
    commas, lines, reactions = np.int64(0), np.int64(1), np.int64(0)
    # What a byte can count is counted in bytes: 32 of them at a time.
    for begin in range(0, text.shape[0], 255):
        part = text[begin : begin + 255]
        n_commas = n_lines = n_reactions = np.uint8(0)
        for i in range(part.shape[0]):
            c = part[i]
            n_commas = np.uint8(n_commas + np.uint8(c == 44))
            n_lines = np.uint8(n_lines + np.uint8(c == _NEWLINE))
            n_reactions = np.uint8(n_reactions + np.uint8(c == 114))
        commas += np.int64(n_commas)
        lines += np.int64(n_lines)
        reactions += np.int64(n_reactions)
    return commas + lines, reactions, commas + lines


@_scanning()
def _read_event(text: Any, at: int, end: int, hit: int, region: Any, values: Any) -> Any:
    """Hits of an event line from behind its name: (problem or -1, number of hits)."""
    for _ in range(_INTEGERS_OF_EVENT):
        read, _number, at = _read_integer(text, at, end)
        if not read:
            if at < end:
                return BAD_NUMBER, 0
            break
    at = _skip_blanks(text, at, end)
    if at >= end:
        return TRUNCATED, 0
    if text[at] != 59:
        return BAD_NUMBER, 0
    at += 1
    n = 0
    while True:
        at = _skip_blanks(text, at, end)
        if at >= end:
            return (NO_HITS if n == 0 else -1), n
        if n >= MOST_HITS:
            return TOO_MANY_HITS, n
        read, number, at = _read_integer(text, at, end)
        if not read:
            return BAD_NUMBER, n
        if abs(number) > _LARGEST_REGION:
            return OUT_OF_RANGE, n
        for k in range(5):
            at = _skip_blanks(text, at, end)
            if at >= end or text[at] == 44:
                return TRUNCATED, n
            read, value, at = read_number(text, at, end)
            if not read:
                return BAD_NUMBER, n
            if not math.isfinite(value):
                return NOT_FINITE, n
            if abs(value) > LARGEST_VALUE:
                return OUT_OF_RANGE, n
            values[k, hit + n] = value
        if values[0, hit + n] < 0.0:
            return NEGATIVE_LIGHT, n
        region[hit + n] = number
        n += 1
        at = _skip_blanks(text, at, end)
        if at < end:
            if text[at] != 44:
                return BAD_NUMBER, n
            at += 1


@_scanning()
def _read_products(text: Any, at: int, end: int, product: int, kf: Any, values: Any) -> Any:
    n = 0
    while True:
        at = _skip_blanks(text, at, end)
        if at >= end:
            return True, n
        read, number, at = _read_integer(text, at, end)
        for k in range(2):
            ok, value, at = read_number(text, at, end)
            read = read and ok
            values[k, product + n] = value
        if not read:
            return False, n
        kf[product + n] = number
        n += 1
        at = _skip_blanks(text, at, end)
        if at < end:
            if text[at] != 44:
                return False, n
            at += 1


@_kernel()
def scan_usrdef(
    text: Any,
    first_line: int,
    first_event: int,
    cm_per_unit: float,
    ns_per_unit: float,
    cut_off: bool,
    hit_event: Any,
    hit_number: Any,
    hit_species: Any,
    hit_region: Any,
    hit_values: Any,
    event_read: Any,
    reaction_event: Any,
    reaction_number: Any,
    reaction_integers: Any,
    reaction_values: Any,
    product_event: Any,
    product_reaction: Any,
    product_kf: Any,
    product_values: Any,
    problem_counts: Any,
    problem_lines: Any,
) -> Any:
    """Read the lines of ``text`` into the columns given, whose events begin at ``first_event``.

    ``cut_off`` says that the last line, without a newline, is not whole.
    ``hit_values`` (5, n) holds Edep, x, y, z, t; ``event_read`` says which events were read
    whole; ``reaction_values`` (4, n) holds x, y, z and the projectile's energy,
    ``reaction_integers`` (11, n) the ten integers of the rx line and the projectile's kf-code,
    ``product_values`` (2, n) energy and weight. A damaged event leaves no hit and
    no reaction, a damaged reaction none of its particles.
    Returns the numbers of (events, hits, reactions, products, lines).
    """
    size = text.shape[0]
    at = np.int64(0)
    line = first_line - 1
    events = hits = reactions = products = np.int64(0)
    in_event = 0
    truth = False
    reaction_seen = reaction_read = False
    while at < size:
        end = _line_end(text, at, size)
        line += 1
        kind = line_kind(text, at, end)
        body = _skip_blanks(text, at, end)
        at = end + 1
        problem = -1
        if kind == 1 or kind == 2:
            n = 0
            if cut_off and end == size:
                problem = CUT_OFF
            else:
                problem, n = _read_event(text, body + 2, end, hits, hit_region, hit_values)
            truth = problem < 0
            event_read[events] = truth
            in_event = 0
            reaction_seen = reaction_read = False
            if truth:
                for k in range(n):
                    hit_event[hits] = first_event + events
                    hit_number[hits] = k
                    hit_species[hits] = kind - 1
                    for xyz in range(1, 4):
                        hit_values[xyz, hits] *= cm_per_unit
                    hit_values[4, hits] *= ns_per_unit
                    hits += 1
            events += 1
        elif kind == 3 and truth:
            reaction_seen = True
            read, place = True, body + 2
            for k in range(_INTEGERS_OF_REACTION):
                if read:
                    read, number, place = _read_integer(text, place, end)
                    # History, particle and generation are kept with eight bytes.
                    read = read and (5 <= k <= 8 or abs(number) <= _LARGEST_REGION)
                    reaction_integers[k, reactions] = number
            for k in range(3):
                ok, value, place = read_number(text, place, end)
                read = read and ok
                reaction_values[k, reactions] = value
            reaction_read = read
            if read:
                reaction_integers[_INTEGERS_OF_REACTION, reactions] = 0
                reaction_values[3, reactions] = np.nan
                for xyz in range(3):
                    reaction_values[xyz, reactions] *= cm_per_unit
                reaction_event[reactions] = first_event + events - 1
                reaction_number[reactions] = in_event
                in_event += 1
                reactions += 1
            else:
                problem = BAD_REACTION
        elif (kind == 4 or kind == 5) and truth and not reaction_seen:
            problem = BAD_REACTION
        elif (kind == 4 or kind == 5) and truth and reaction_read:
            skip = 2 if kind == 4 else 3
            read, n = _read_products(text, body + skip, end, products, product_kf, product_values)
            if not read or (kind == 4 and n != 1):
                problem = BAD_REACTION
            elif kind == 4:
                reaction_integers[_INTEGERS_OF_REACTION, reactions - 1] = product_kf[products]
                reaction_values[3, reactions - 1] = product_values[0, products]
            else:
                for k in range(n):
                    product_event[products + k] = first_event + events - 1
                    product_reaction[products + k] = in_event - 1
                products += n
        elif kind == -1:
            problem = UNKNOWN_LINE
        if problem >= 0:
            if problem_counts[problem] < SHOWN_PER_KIND:
                problem_lines[problem, problem_counts[problem]] = line
            problem_counts[problem] += 1
    return events, hits, reactions, products, line - first_line + 1
