"""Scanner of PHITS usrdef text: bytes in, columns of hits and reactions out, in one pass."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from .text_numbers import NEWLINE, line_end, read_integer, read_number, scanning, skip_blanks

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

_LARGEST_REGION = 2**31 - 1
# No detector measures more, and neither squares nor single precision overflow.
LARGEST_VALUE = 1e30
MOST_HITS = 2**15 - 1
_INTEGERS_OF_EVENT = 5
_INTEGERS_OF_REACTION = 10

_kernel = partial(scanning, cache=True)


@scanning()
def line_kind(text: Any, at: int, end: int) -> int:
    """0 nothing to read, 1 neutron event, 2 gamma event, 3 rx, 4 In, 5 Out, -1 unknown."""
    at = skip_blanks(text, at, end)
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
        end = line_end(text, at, size)
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
    at = line_end(text, at, size) + 1
    while at < size:
        end = line_end(text, at, size)
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
            n_lines = np.uint8(n_lines + np.uint8(c == NEWLINE))
            n_reactions = np.uint8(n_reactions + np.uint8(c == 114))
        commas += np.int64(n_commas)
        lines += np.int64(n_lines)
        reactions += np.int64(n_reactions)
    return commas + lines, reactions, commas + lines


@scanning()
def _read_event(text: Any, at: int, end: int, hit: int, region: Any, values: Any) -> Any:
    """Hits of an event line from behind its name: (problem or -1, number of hits)."""
    for _ in range(_INTEGERS_OF_EVENT):
        read, _number, at = read_integer(text, at, end)
        if not read:
            if at < end:
                return BAD_NUMBER, 0
            break
    at = skip_blanks(text, at, end)
    if at >= end:
        return TRUNCATED, 0
    if text[at] != 59:
        return BAD_NUMBER, 0
    at += 1
    n = 0
    while True:
        at = skip_blanks(text, at, end)
        if at >= end:
            return (NO_HITS if n == 0 else -1), n
        if n >= MOST_HITS:
            return TOO_MANY_HITS, n
        read, number, at = read_integer(text, at, end)
        if not read:
            return BAD_NUMBER, n
        if abs(number) > _LARGEST_REGION:
            return OUT_OF_RANGE, n
        for k in range(5):
            at = skip_blanks(text, at, end)
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
        at = skip_blanks(text, at, end)
        if at < end:
            if text[at] != 44:
                return BAD_NUMBER, n
            at += 1


@scanning()
def _read_products(text: Any, at: int, end: int, product: int, kf: Any, values: Any) -> Any:
    n = 0
    while True:
        at = skip_blanks(text, at, end)
        if at >= end:
            return True, n
        read, number, at = read_integer(text, at, end)
        for k in range(2):
            ok, value, at = read_number(text, at, end)
            read = read and ok
            values[k, product + n] = value
        if not read:
            return False, n
        kf[product + n] = number
        n += 1
        at = skip_blanks(text, at, end)
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
        end = line_end(text, at, size)
        line += 1
        kind = line_kind(text, at, end)
        body = skip_blanks(text, at, end)
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
                    read, number, place = read_integer(text, place, end)
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
