"""Branches of a tree: what each is called and how its entries become bytes.

A split object or vector has a branch a member; a vector of vectors of structs is one branch whose
entries are whole (split level 99 of ROOT, and what cannot be split further).
Reference: root-project/root, tree/tree/src/TBranchElement.cxx and io/io/src/TStreamerInfo.cxx.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...schemas.arrays import I8
from .structs import BASIC, Struct

Columns = Mapping[str, NDArray[Any]]
_COUNTED: Final = 0x40000000
_COLLECTION_VERSION: Final = 10
_ENTRY_HEAD: Final = np.dtype([("count", ">u4"), ("version", ">u2"), ("n", ">u4")])
_ENTRY_COUNT_BYTES: Final = 4
_OBJECT, _SPLIT_VECTOR, _MEMBER_OF_VECTOR = 0, 4, 41
_TOP, _COUNTER = -2, -1


@dataclass(frozen=True)
class Payload:
    """The entries of one basket: their bytes, and where each begins if they differ in length."""

    data: bytes
    starts: I8 | None


@dataclass(frozen=True)
class Leaf:
    """The leaf of a branch, and the name of the branch that counts its elements."""

    name: str
    title: str
    n_bytes: int = 4
    is_range: bool = False
    counted_by: str = ""


@dataclass(frozen=True)
class Branch:
    """One branch with its leaf and its place among those of an object.

    ``class_name``, ``parent`` and ``clones`` are empty for a plain branch of one number; ``id``,
    ``type`` and ``streamer`` are fID, fType and fStreamerType of ROOT.
    """

    name: str
    title: str
    leaf: Leaf
    class_name: str = ""
    parent: str = ""
    clones: str = ""
    checksum: int = 0
    id: int = -1
    type: int = _OBJECT
    streamer: int = -1
    varies: bool = False
    """Whether entries differ in length."""


@dataclass(frozen=True)
class Number:
    """A branch of one whole number (i4) an entry."""

    name: str

    def branches(self) -> tuple[Branch, tuple[Branch, ...]]:
        """The branch; it has none below."""
        return Branch(self.name, f"{self.name}/I", Leaf(self.name, self.name)), ()

    def payloads(self, columns: Columns) -> Iterator[tuple[str, Payload]]:
        """The bytes of a basket; ``columns`` has the values under the name of the branch."""
        yield self.name, Payload(columns[self.name].astype(">i4").tobytes(), None)


@dataclass(frozen=True)
class SplitObject:
    """An object an entry, a branch a member. Its columns are called ``name.member``."""

    name: str
    struct: Struct

    def branches(self) -> tuple[Branch, tuple[Branch, ...]]:
        """The branch of the object, which has no entries, and those of its members."""
        own, checksum = self.struct.name, self.struct.checksum
        parent = Branch(
            self.name, self.name, Leaf(self.name, self.name), own, checksum=checksum, id=_TOP
        )
        members = tuple(
            Branch(
                *(leaf, leaf, Leaf(leaf, leaf, _size(kind)), own, own),
                checksum=checksum,
                id=k,
                streamer=BASIC[kind].code,
            )
            for k, (leaf, kind) in enumerate(self.struct.leaves())
        )
        return parent, members

    def payloads(self, columns: Columns) -> Iterator[tuple[str, Payload]]:
        """The bytes of a basket, by the name of the member's branch."""
        for leaf, kind in self.struct.leaves():
            values = columns[f"{self.name}.{leaf}"].astype(BASIC[kind].dtype)
            yield leaf, Payload(values.tobytes(), None)


@dataclass(frozen=True)
class SplitVector:
    """A vector of structs an entry, a branch a member.

    Its columns are called ``name.member`` and have a value an element; ``name`` itself is the
    number of elements of each entry.
    """

    name: str
    struct: Struct

    def branches(self) -> tuple[Branch, tuple[Branch, ...]]:
        """The branch that counts, and those of the members."""
        own, checksum = self.struct.name, self.struct.checksum
        counter = Branch(
            *(self.name, self.name, Leaf(f"{self.name}_", f"{self.name}_", is_range=True)),
            *(f"vector<{own}>", "", own),
            checksum=checksum,
            id=_COUNTER,
            type=_SPLIT_VECTOR,
        )
        members = tuple(self._member(k, *leaf) for k, leaf in enumerate(self.struct.leaves()))
        return counter, members

    def _member(self, k: int, leaf: str, kind: str) -> Branch:
        own, name = self.struct.name, f"{self.name}.{leaf}"
        return Branch(
            *(name, name),
            Leaf(leaf, f"{leaf}[{self.name}_]", _size(kind), counted_by=self.name),
            *(own, own, own),
            checksum=self.struct.checksum,
            id=k,
            type=_MEMBER_OF_VECTOR,
            streamer=BASIC[kind].code,
            varies=True,
        )

    def payloads(self, columns: Columns) -> Iterator[tuple[str, Payload]]:
        """The bytes of a basket, by the name of the branch."""
        counts = columns[self.name]
        yield self.name, Payload(counts.astype(">i4").tobytes(), None)
        first = np.cumsum(counts) - counts
        for leaf, kind in self.struct.leaves():
            name = f"{self.name}.{leaf}"
            values = columns[name].astype(BASIC[kind].dtype)
            yield name, Payload(values.tobytes(), first * values.itemsize)


@dataclass(frozen=True)
class NestedVector:
    """A vector of vectors of structs an entry, in one branch.

    Its columns are called ``name.member`` and have a value a struct; ``name`` is the number of
    inner vectors of each entry, ``name[]`` the number of structs of each inner vector.
    """

    name: str
    struct: Struct

    def branches(self) -> tuple[Branch, tuple[Branch, ...]]:
        """The branch; it has none below."""
        name = f"vector<vector<{self.struct.name}> >"
        leaf = Leaf(self.name, self.name)
        return Branch(
            *(self.name, self.name, leaf, name), checksum=self.struct.checksum, varies=True
        ), ()

    def payloads(self, columns: Columns) -> Iterator[tuple[str, Payload]]:
        """The bytes of a basket."""
        outer, inner = columns[self.name], columns[f"{self.name}[]"]
        n = int(inner.sum())
        leaves = {leaf: columns[f"{self.name}.{leaf}"] for leaf, _ in self.struct.leaves()}
        rows = self.struct.pack(leaves, n)
        yield self.name, _nested(outer, inner, rows)


def _nested(outer: I8, inner: I8, rows: NDArray[Any]) -> Payload:
    """Entries of heads, numbers of structs and structs, in that order; no loop over them."""
    vector_bytes = 4 + inner * rows.itemsize
    end_of_vector = np.concatenate([[0], np.cumsum(vector_bytes)])
    last_vector = np.cumsum(outer)
    size = _ENTRY_HEAD.itemsize + end_of_vector[last_vector] - end_of_vector[last_vector - outer]
    starts = np.cumsum(size) - size
    heads = np.zeros(len(outer), dtype=_ENTRY_HEAD)
    heads["count"] = (size - _ENTRY_COUNT_BYTES) | _COUNTED
    heads["version"] = _COLLECTION_VERSION
    heads["n"] = outer
    entry_of_vector = np.repeat(np.arange(len(outer)), outer)
    place = end_of_vector[:-1] + _ENTRY_HEAD.itemsize * (entry_of_vector + 1)
    data = np.zeros(int(size.sum()), dtype=np.uint8)
    # What is neither head nor number of structs is structs: they follow each other in order.
    is_struct = np.ones(len(data), dtype=np.bool_)
    for where, what in ((starts, heads), (place, inner.astype(">u4"))):
        cells = where[:, None] + np.arange(what.itemsize)
        is_struct[cells] = False
        data[cells] = what.view(np.uint8).reshape(len(what), what.itemsize)
    data[is_struct] = rows.view(np.uint8)
    return Payload(data.tobytes(), starts)


def _size(kind: str) -> int:
    return np.dtype(BASIC[kind].dtype).itemsize


Content = Number | SplitObject | SplitVector | NestedVector
"""What a tree is made of."""
