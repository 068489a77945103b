"""The walk through unsplit entries: its compiled and plain forms, and bytes that do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from radiograph.nodes.cosmics.kernels.unsplit import (
    count_lists,
    count_structs,
    number_at,
    take_members,
)

STRIDE = 20
HEAD = (STRIDE - 4 | 0x40000000).to_bytes(4, "big") + bytes(2)


def entry(lists: list[list[int]]) -> bytes:
    """An entry of lists of structs: head, two bytes, a number, and it shifted in eight bytes."""
    body = b"\0\x0a" + len(lists).to_bytes(4, "big")
    for numbers in lists:
        body += len(numbers).to_bytes(4, "big")
        body += b"".join(
            HEAD + b"\7\7" + n.to_bytes(4, "big") + (n << 33).to_bytes(8, "big") for n in numbers
        )
    return (len(body) | 0x40000000).to_bytes(4, "big") + body


def decoded(data: bytes, ends: list[int], plain: bool) -> Any:
    """Lists an entry, structs a list, the numbers; None where something does not fit."""

    def form(kernel: Any) -> Any:
        return kernel.py_func if plain else kernel

    array = np.frombuffer(data, np.uint8)
    begins = np.array([0, *ends[:-1]], np.int64)
    n_lists = np.zeros(len(ends), np.int64)
    last = np.array(ends, np.int64)
    if not form(count_lists)(array, begins, last, n_lists):
        return None
    counts = np.zeros(int(n_lists.sum()), np.int64)
    total = form(count_structs)(array, begins, last, n_lists, STRIDE, counts)
    if total < 0:
        return None
    words, double_words = np.zeros((1, total), np.uint32), np.zeros((1, total), np.uint64)
    head = np.frombuffer(HEAD, np.uint8)
    at_4, at_8 = np.array([8]), np.array([12])
    if not form(take_members)(
        array, begins, n_lists, counts, head, STRIDE, at_4, at_8, words, double_words
    ):
        return None
    assert (double_words[0] == words[0].astype(np.uint64) << np.uint64(33)).all()
    return n_lists.tolist(), counts.tolist(), words[0].tolist()


@pytest.mark.parametrize("plain", [True, False])
def test_entries_are_walked_to_their_ends(plain: bool) -> None:
    parts = [entry([[1, 2], []]), entry([]), entry([[3]])]
    ends = np.cumsum([len(p) for p in parts]).tolist()
    assert decoded(b"".join(parts), ends, plain) == ([2, 0, 1], [2, 0, 1], [1, 2, 3])


@pytest.mark.parametrize("plain", [True, False])
def test_what_does_not_fit_is_left_to_others(plain: bool) -> None:
    good = entry([[1, 2]])
    assert decoded(good, [len(good)], plain) is not None
    assert decoded(good, [len(good) - 1], plain) is None
    assert decoded(good, [len(good) + 4], plain) is None
    assert decoded(good[:9], [9], plain) is None
    more = good[:13] + b"\x09" + good[14:]
    assert decoded(more, [len(more)], plain) is None
    other = bytearray(good)
    other[14] ^= 0xFF
    assert decoded(bytes(other), [len(other)], plain) is None


def test_numbers_are_unsigned() -> None:
    data = np.array([255, 255, 255, 254, 1], np.uint8)
    assert number_at(data, 0) == number_at.py_func(data, 0) == 2**32 - 2
