"""Fast decoding of unsplit vectors of vectors of structs: all structs have one size.

Offsets of members come from the streamer infos of the file. Whatever is unexpected (a member of
another type, a struct of another size, an entry that ends elsewhere) is left to uproot: None is
given in place of arrays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ....schemas.sources import EventRange
from ..kernels.unsplit import count_lists, count_structs, take_members

_TYPES: Final[Mapping[int, str]] = {1: "i1", 3: ">i4", 5: ">f4", 8: ">f8", 18: "?"}
"""numpy types by the code of a member in a streamer info."""
_OBJECT: Final = (61, 62)
_HEADER: Final = 10
_HAS_COUNT: Final = 0x40000000
_NESTED: Final = re.compile(r"^(?:std::)?vector<(?:std::)?vector<(.+?)>\s*>$")


@dataclass(frozen=True)
class Layout:
    """Where the members of a struct stand.

    ``head`` are the bytes that every struct begins with: byte count, version 0 and checksum.
    """

    stride: int
    members: Mapping[str, tuple[int, str]]
    head: bytes


def layout_of(file: Any, branch: Any) -> Layout | None:
    """The layout of the structs of a branch; None if it is not of that kind."""
    found = _NESTED.match(str(branch.typename))
    if found is None:
        return None
    members: dict[str, tuple[int, str]] = {}
    name = found.group(1)
    stride = _add_members(file, name, "", 0, members)
    if stride is None:
        return None
    count = (stride - 4) | _HAS_COUNT
    checksum = int(_streamer(file, name).member("fCheckSum"))
    head = count.to_bytes(4, "big") + bytes(2) + checksum.to_bytes(4, "big")
    return Layout(stride, members, head)


def _streamer(file: Any, name: str) -> Any:
    versions = file.file.streamers.get(name, {})
    return next(iter(versions.values())) if len(versions) == 1 else None


def _add_members(
    file: Any, name: str, prefix: str, begin: int, members: dict[str, tuple[int, str]]
) -> int | None:
    """Note the members of a class that begins at a place; where it ends, or None if unknown."""
    streamer = _streamer(file, name)
    if streamer is None or int(streamer.member("fClassVersion")) != 0:
        return None
    place = begin + _HEADER
    for element in streamer.elements:
        member, code = str(element.member("fName")), int(element.member("fType"))
        if int(element.member("fArrayLength")):
            return None
        if code in _OBJECT:
            kind = str(element.member("fTypeName"))
            end = _add_members(file, kind, f"{prefix}{member}.", place, members)
            if end is None:
                return None
            place = end
        elif code in _TYPES:
            members[f"{prefix}{member}"] = (place, _TYPES[code])
            place += np.dtype(_TYPES[code]).itemsize
        else:
            return None
    return place


def decoded(
    branch: Any, layout: Layout, names: Mapping[str, str], events: EventRange
) -> dict[str, Any] | None:
    """Members of the structs of a range of entries as nested awkward arrays, by leaf.

    ``names`` are members by leaf. None if bytes are not as the layout says.
    """
    asked = {leaf: layout.members[m] for leaf, m in names.items() if m in layout.members}
    if any(_size(kind) not in (4, 8) for _, kind in asked.values()):
        return None
    n_lists: list[Any] = []
    counts: list[Any] = []
    columns: dict[str, list[Any]] = {leaf: [] for leaf in asked}
    first, last = events.first_event, events.first_event + events.n_events
    for number in range(branch.num_baskets):
        begin, end = branch.basket_entry_start_stop(number)
        if end <= first or begin >= last:
            continue
        basket = branch.basket(number)
        wanted = slice(max(first - begin, 0), min(last, end) - begin)
        part = _members(basket, wanted, layout, asked)
        if part is None:
            return None
        n_lists.append(part[0])
        counts.append(part[1])
        for leaf in asked:
            columns[leaf].append(part[2][leaf])
    return _nested(n_lists, counts, columns)


def _size(kind: str) -> int:
    return np.dtype(kind).itemsize


def _members(
    basket: Any, wanted: slice, layout: Layout, asked: Mapping[str, tuple[int, str]]
) -> tuple[Any, Any, dict[str, Any]] | None:
    """Lists an entry, structs a list and members by leaf, of some entries of a basket."""
    offsets = basket.byte_offsets
    if offsets is None:
        return None
    data = np.ascontiguousarray(basket.data).view(np.uint8)
    places = np.asarray(offsets, np.int64)
    begins, ends = places[:-1][wanted], places[1:][wanted]
    n_lists = np.zeros(len(begins), np.int64)
    if not count_lists(data, begins, ends, n_lists):
        return None
    counts = np.zeros(int(n_lists.sum()), np.int64)
    total = count_structs(data, begins, ends, n_lists, layout.stride, counts)
    if total < 0:
        return None
    of_size = {n: [leaf for leaf in asked if _size(asked[leaf][1]) == n] for n in (4, 8)}
    at = {n: np.array([asked[leaf][0] for leaf in of_size[n]], np.int64) for n in (4, 8)}
    words = np.empty((len(at[4]), total), np.uint32)
    double_words = np.empty((len(at[8]), total), np.uint64)
    head = np.frombuffer(layout.head, np.uint8)
    if not take_members(
        data, begins, n_lists, counts, head, layout.stride, at[4], at[8], words, double_words
    ):
        return None
    found = {}
    for size, rows in ((4, words), (8, double_words)):
        for leaf, row in zip(of_size[size], rows, strict=True):
            found[leaf] = row.view(np.dtype(asked[leaf][1]).newbyteorder("="))
    return n_lists, counts, found


def _nested(
    n_lists: list[Any], counts: list[Any], columns: Mapping[str, list[Any]]
) -> dict[str, Any]:
    import awkward as ak

    outer = ak.index.Index64(_offsets(n_lists))
    inner = ak.index.Index64(_offsets(counts))
    found = {}
    for leaf, parts in columns.items():
        values = ak.contents.NumpyArray(np.concatenate(parts) if parts else np.zeros(0))
        lists = ak.contents.ListOffsetArray(inner, values)
        found[leaf] = ak.Array(ak.contents.ListOffsetArray(outer, lists))
    return found


def _offsets(parts: list[Any]) -> Any:
    counts = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
