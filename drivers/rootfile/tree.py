"""A tree written basket by basket into a directory of a file that uproot has open for writing.

Baskets go to the file as they come; the tree that knows of them follows at the end. The file, its
directories, free places and list of streamer infos are uproot's, by parts of it that are private:
``pyproject.toml`` bounds its version.
Reference: root-project/root, TTree::Streamer, TBranch::Streamer, TBasket::Streamer.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import uproot
from numpy.typing import NDArray

from .branches import Branch, Content, NestedVector, Payload
from .buffer import BRANCH_BITS, Buffer, string_bytes
from .structs import Struct, streamer_info

_KEY_BYTES: Final = 34  # with places of eight bytes
_BASKET_BYTES: Final = 18 + 1
_BIG_KEY: Final = 1004
_BASKET_SIZE: Final = 32000
_OFFSETS_LENGTH: Final = 1000
_SPLIT_LEVEL: Final = 99
_IO_FEATURES: Final = bytes.fromhex("4000000700001AA12F1000")
_MANY: Final = 1_000_000_000_000


@dataclass
class _Written:
    """The baskets of one branch so far."""

    n_bytes: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    unpacked: int = 0

    @property
    def packed(self) -> int:
        return sum(self.n_bytes)


class TreeWriter:
    """One tree of a directory that uproot has open for writing."""

    def __init__(self, directory: Any, name: str, title: str, content: Sequence[Content]) -> None:
        self._directory = directory
        self._name, self._title = name, title
        self._content = tuple(content)
        self._branches = [parts.branches() for parts in self._content]
        every = [branch for top, below in self._branches for branch in (top, *below)]
        self._written = {branch.name: _Written() for branch in every}
        self._firsts = [0]
        self._compression = uproot.ZLIB(4)

    def extend(self, columns: Mapping[str, NDArray[Any]], n_entries: int) -> None:
        """One basket more of every branch; none for no entries."""
        if n_entries == 0:
            return
        for parts in self._content:
            for name, payload in parts.payloads(columns):
                self._write_basket(name, payload, n_entries)
        cascading = self._directory._cascading
        sink = self._directory._file.sink
        cascading._freesegments.write(sink)
        sink.set_file_length(cascading._freesegments.fileheader.end)
        sink.flush()
        self._firsts.append(self._firsts[-1] + n_entries)

    def finish(self) -> None:
        """Write the tree, and the streamer infos of what is not split."""
        buffer = Buffer(
            _KEY_BYTES + sum(len(string_bytes(s)) for s in ("TTree", self._name, self._title))
        )
        self._write_tree(buffer)
        raw = bytes(buffer)
        self._directory._cascading.add_object(
            *(self._directory._file.sink, "TTree", self._name, self._title, raw, len(raw)), big=True
        )
        needed: dict[str, Struct] = {}
        for parts in self._content:
            if isinstance(parts, NestedVector):
                needed |= {part.name: part for part in parts.struct.with_parts()}
        self._directory._file.update_streamers([_told(part) for part in needed.values()])

    def _write_basket(self, name: str, payload: Payload, n_entries: int) -> None:
        """A key and its compressed data: the entries, and where they begin if they differ."""
        written = self._written[name]
        texts = string_bytes("TBasket") + string_bytes(name) + string_bytes(self._name)
        key_bytes = _KEY_BYTES + len(texts) + _BASKET_BYTES
        data, last = payload.data, key_bytes + len(payload.data)
        if payload.starts is None:
            entry_bytes = len(data) // n_entries
        else:
            entry_bytes = n_entries + 2
            starts = np.append(payload.starts + key_bytes, 0).astype(">i4")
            data += struct.pack(">I", n_entries + 1) + starts.tobytes()
        packed = uproot.compression.compress(data, self._compression)
        total = key_bytes + len(packed)
        cascading = self._directory._cascading
        place = cascading._freesegments.allocate(total, dry_run=False)
        head = struct.pack(
            *(">ihiIhhqq", total, _BIG_KEY, len(data), 0, key_bytes, 0),
            *(place, cascading.key.location),
        )
        tail = struct.pack(">Hiiii", 3, _BASKET_SIZE, entry_bytes, n_entries, last)
        self._directory._file.sink.write(place, head + texts + tail + b"\0" + packed)
        written.n_bytes.append(total)
        written.places.append(place)
        written.unpacked += key_bytes + len(data)

    def _write_tree(self, buffer: Buffer) -> None:
        unpacked = sum(w.unpacked for w in self._written.values())
        packed = sum(w.packed for w in self._written.values())
        with buffer.block(20):
            buffer.named(self._name, self._title)
            _write_looks(buffer)
            buffer.numbers("5q", self._firsts[-1], unpacked, packed, 0, 0)
            buffer.numbers("d4iI", 1.0, 0, 25, 0, _OFFSETS_LENGTH, 0)
            buffer.numbers("6q", _MANY, _MANY, 0, -300_000_000, -30_000_000, 1_000_000)
            # The arrays of cluster ranges are empty.
            buffer.raw(bytes(2) + _IO_FEATURES)
            with buffer.objects(len(self._branches)):
                for top, below in self._branches:
                    self._write_branch(buffer, top, below, top)
            leaves = [(b, top) for top, below in self._branches for b in (top, *below)]
            with buffer.objects(len(leaves)):
                for branch, top in leaves:
                    _write_leaf(buffer, branch, top)
            # Aliases, two empty index arrays, tree index, friends, user info, branch reference.
            buffer.numbers("7I", *(0,) * 7)

    def _write_branch(
        self, buffer: Buffer, branch: Branch, below: Sequence[Branch], top: Branch
    ) -> None:
        kind = "TBranchElement" if branch.class_name else "TBranch"

        def write() -> None:
            if not branch.class_name:
                self._write_plain(buffer, branch, below, top)
                return
            with buffer.block(10):
                self._write_plain(buffer, branch, below, top)
                for text in (branch.class_name, branch.parent, branch.clones):
                    buffer.string(text)
                # The classes have version 0, as all that ROOT has no code of.
                numbers = (branch.checksum, 0, branch.id, branch.type, branch.streamer, 0)
                buffer.numbers("Ih4i", *numbers)
                if branch.leaf.counted_by:
                    buffer.pointer(f"branch {branch.leaf.counted_by}", "", _never)
                else:
                    buffer.null()
                buffer.null()

        buffer.pointer(f"branch {branch.name}", kind, write)

    def _write_plain(
        self, buffer: Buffer, branch: Branch, below: Sequence[Branch], top: Branch
    ) -> None:
        """The part of a TBranch."""
        written = self._written[branch.name]
        n = len(written.places)
        n_entries, room = (self._firsts[-1] if n else 0), max(n + 1, 1)
        with buffer.block(13):
            buffer.named(branch.name, branch.title, BRANCH_BITS)
            with buffer.block(2):
                buffer.numbers("2h", 0, 1001)
            offsets = _OFFSETS_LENGTH if branch.varies else 0
            buffer.numbers("4iq", 0, _BASKET_SIZE, offsets, n, n_entries)
            buffer.raw(_IO_FEATURES)
            buffer.numbers("iIi", 0, room, _SPLIT_LEVEL)
            buffer.numbers("4q", n_entries, 0, written.unpacked, written.packed)
            with buffer.objects(len(below)):
                for child in below:
                    self._write_branch(buffer, child, (), top)
            with buffer.objects(1):
                _write_leaf(buffer, branch, top)
            with buffer.objects(0):
                pass
            firsts = self._firsts if n else [0]
            for values, kind in (
                (written.n_bytes, ">i4"),
                (firsts, ">i8"),
                (written.places, ">i8"),
            ):
                full = np.zeros(room, dtype=kind)
                full[: len(values)] = values
                buffer.raw(b"\1" + full.tobytes())
            buffer.string("")


def _write_looks(buffer: Buffer) -> None:
    """Colours and sizes of lines, areas and markers, as ROOT has them of itself."""
    with buffer.block(2):
        buffer.numbers("3h", 602, 1, 1)
    with buffer.block(2):
        buffer.numbers("2h", 0, 1001)
    with buffer.block(2):
        buffer.numbers("2hf", 1, 1, 1.0)


def _write_leaf(buffer: Buffer, branch: Branch, top: Branch) -> None:
    """The leaf of a branch; ``top`` is the branch that may count it."""
    leaf = branch.leaf

    def common() -> None:
        with buffer.block(2):
            buffer.named(leaf.name, leaf.title)
            buffer.numbers("3i2B", 1, leaf.n_bytes, 0, leaf.is_range, 0)
            if leaf.counted_by:
                _write_leaf(buffer, top, top)
            else:
                buffer.null()

    def write() -> None:
        with buffer.block(1):
            common()
            if branch.class_name:
                buffer.numbers("2i", branch.id, branch.streamer)
            else:
                buffer.numbers("2i", 0, 0)

    buffer.pointer(f"leaf {branch.name}", "TLeafElement" if branch.class_name else "TLeafI", write)


def _never() -> None:
    msg = "a branch is counted by one that is not written before it"
    raise AssertionError(msg)


def _told(part: Struct) -> Any:
    data = streamer_info(part) + b"\0"
    return uproot.writing._cascade.RawStreamerInfo(None, data, part.name, 0)
