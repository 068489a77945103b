"""Walks through the bytes of vectors of vectors of structs of one size.

An entry is: byte count (4), version (2), number of lists (4); each list: number of structs (4),
then the structs, each with its byte count in the first four bytes. Big-endian.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def number_at(data: Any, place: int) -> int:
    """The unsigned number of four bytes, most significant first."""
    return (
        (int(data[place]) << 24)
        | (int(data[place + 1]) << 16)
        | (int(data[place + 2]) << 8)
        | int(data[place + 3])
    )


@njit(cache=True, nogil=True)
def count_lists(data: Any, begins: Any, ends: Any, n_lists: Any) -> bool:
    """Fill the number of lists of each entry; false where an entry is too short for them.

    ``data`` are bytes, ``begins`` and ``ends`` the places of the entries in them.
    """
    for entry in range(len(begins)):
        place = begins[entry]
        if ends[entry] - place < 10 or ends[entry] > len(data):
            return False
        n_lists[entry] = number_at(data, place + 6)
        if n_lists[entry] > (ends[entry] - place - 10) // 4:
            return False
    return True


@njit(cache=True, nogil=True)
def count_structs(data: Any, begins: Any, ends: Any, n_lists: Any, stride: int, counts: Any) -> int:
    """Fill the number of structs of each list; their sum, or -1 where entries do not end there."""
    total = 0
    k = 0
    for entry in range(len(begins)):
        place = begins[entry] + 10
        for _ in range(n_lists[entry]):
            if place + 4 > ends[entry]:
                return -1
            n = number_at(data, place)
            if n > (ends[entry] - place - 4) // stride:
                return -1
            counts[k] = n
            total += n
            k += 1
            place += 4 + n * stride
        if place != ends[entry]:
            return -1
    return total


@njit(cache=True, nogil=True)
def take_members(
    data: Any,
    begins: Any,
    n_lists: Any,
    counts: Any,
    head: Any,
    stride: int,
    places_of_4: Any,
    places_of_8: Any,
    words: Any,
    double_words: Any,
) -> bool:
    """Fill members of the structs; false where a struct does not begin with the bytes ``head``.

    ``places_of_4`` and ``places_of_8`` say where members of four and eight bytes stand in a
    struct, ``words`` (u4, members x structs) and ``double_words`` (u8) take their bits.
    """
    row = 0
    k = 0
    for entry in range(len(begins)):
        place = begins[entry] + 10
        for _ in range(n_lists[entry]):
            place += 4
            for _ in range(counts[k]):
                for i in range(len(head)):
                    if data[place + i] != head[i]:
                        return False
                for i in range(len(places_of_4)):
                    words[i, row] = number_at(data, place + places_of_4[i])
                for i in range(len(places_of_8)):
                    at = place + places_of_8[i]
                    high, low = number_at(data, at), number_at(data, at + 4)
                    double_words[i, row] = (np.uint64(high) << np.uint64(32)) | np.uint64(low)
                row += 1
                place += stride
            k += 1
    return True
