"""A pipeline and its input: what a run would evaluate, and what it notes of files and keys."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import pandas as pd
from hamilton import driver

from ...schemas.errors import InputError
from ...schemas.failures import Failure
from ...schemas.sources import FileRef
from ...schemas.tables import TableSchema
from ..annotations import spelled_out
from ..cache.execution import NodeCache
from ..definition import Definition
from ..graph import build_driver, resolved_targets
from ..node_records import Manifest
from ..runfile.making import ReadFile
from ..scopes import RUN
from .executors import Executor, LocalExecutor
from .failed_files import FailedFile, none_left, tell_left_out
from .ledger import INPUT_FILES, input_files_frame
from .merging import merge_of, numbered_columns
from .parts import FileKey, Part, Parts
from .phases import Plan, check_scopes, planned, scopes_of
from .protocol import Carry, GraphInputs, NoCarry

log = logging.getLogger("radiograph.run")

OnBadFile = Literal["skip", "fail"]


Shifts = Mapping[str, Mapping[str, int]]
"""By node and column (ARRAY: the node itself) what row numbers grow by at a part."""


class Sink(Protocol):
    """Takes the streams of each part; what a file gave is taken back if it fails."""

    def __call__(self, part: Part, values: Mapping[str, Any], shifts: Shifts, /) -> None:
        """Values of nodes at a part, and what their row numbers grow by."""

    def begin_file(self) -> None:
        """The parts of a further file follow."""

    def drop_file(self) -> None:
        """Forget what was given since begin_file()."""

    def begin_again(self) -> None:
        """Forget everything that was given."""


@dataclass
class SessionState:
    """A pipeline, its settings and its parts: what is asked of them, and what becomes of them.

    ``failed`` lists the files that gave nothing and ``failures`` the keys (channels) that a node
    could not be evaluated for; ``cut`` says which files end before their end and gave what came
    before. All grow while a run goes on.
    """

    flow: Definition
    parts: Parts
    inputs: GraphInputs
    cache: NodeCache | None = None
    executor: Executor = field(default_factory=LocalExecutor)
    carry: Carry = field(default_factory=NoCarry)
    on_bad_file: OnBadFile = "skip"
    failed: list[FailedFile] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    cut: list[Failure] = field(default_factory=list)
    manifest: Manifest = field(default_factory=Manifest)
    config: Any = None

    def __post_init__(self) -> None:
        self.driver: driver.Driver = build_driver(
            self.flow, self.inputs.choices, self.manifest, self.cache
        )
        # Row numbers of a single part are those of the run.
        self._is_cut = any(p.then for p in self.parts.every) or any(
            len(self.parts.of_scope(a)) > 1 for a in self.flow.scopes.values()
        )
        told = {scope: self.parts.inputs_of(axes) for scope, axes in self.flow.scopes.items()}
        told[RUN] = told.get(RUN, frozenset()) | {INPUT_FILES}
        check_scopes(self.driver, told, self.is_mergeable, self.flow.scopes, self.flow.keyed)

    @property
    def input_files(self) -> list[FileRef]:
        """The files that are read."""
        return self.parts.files()

    def input_files_so_far(self) -> pd.DataFrame:
        """The schema InputFiles: every file that was given, with what became of it so far."""
        return input_files_frame(self.parts, self.failed, self.flow.file_axes)

    @property
    def every_failure(self) -> list[Failure]:
        """Files that gave nothing, and keys that a node could not be evaluated for."""
        return [*(file.failure for file in self.failed), *self.cut, *self.failures]

    def read_files(self) -> list[ReadFile]:
        """Every file that was named, by role and in its order, with how many records it gave."""
        roles = dict(zip(self.flow.file_axes, (s.role for s in self.flow.sources), strict=True))
        axes = ["", *roles]
        found: dict[tuple[str, int | str], ReadFile] = {}
        for part in self.parts.every:
            key = part.file_key(roles)
            for ref in part.files():
                role = roles[key[0]] if key else ""
                told = ReadFile(ref.path, ref.size, ref.content_hash, role=role)
                found.setdefault(key or ("", ref.path), told)
            if key in found:
                n = found[key].n_records + part.n_records
                found[key] = replace(found[key], n_records=n)
        for left in self.failed:
            known = found.get((left.axis, left.number), ReadFile(left.path, role=roles[left.axis]))
            found[left.axis, left.number] = replace(known, n_records=0, failure=left.message)
        return [found[key] for key in sorted(found, key=lambda k: (axes.index(k[0]), k[1]))]

    @property
    def usable(self) -> Parts:
        """The parts of the files that have not failed so far."""
        return self.parts.without((f.axis, f.number) for f in self.failed)

    def resolved(self, targets: Iterable[str]) -> list[str]:
        """Names of nodes, aliases replaced."""
        return resolved_targets(self.driver, targets, self.flow.aliases)

    def refresh(self, targets: Iterable[str]) -> None:
        """Have some nodes evaluated though the cache knows them."""
        if self.cache is not None:
            self.cache.refreshed = tuple(self.resolved(targets))

    @property
    def judging(self) -> list[str]:
        """The nodes of summary and verdict that the graph has: every answer holds them."""
        names = (self.flow.summary_node, self.flow.verdict_node)
        return [name for name in names if name in self.driver.graph.nodes]

    def is_mergeable(self, node: str, annotation: Any) -> bool:
        """Whether values of a node at several parts can be made one."""
        return merge_of(self.flow, node, annotation) is not None

    def can_be_whole(self, node: str) -> bool:
        """Whether the values of a node at all parts are one value: merged, or a mapping by key."""
        axes = self.flow.scopes[scopes_of(self.driver, self.flow.scopes)[node]]
        return bool(set(axes) & self.flow.keyed) or self.is_mergeable(
            node, self.annotation_of(node)
        )

    def annotation_of(self, node: str) -> Any:
        """The type of a node."""
        return spelled_out(self.driver.graph.nodes[node].type)

    def table_of(self, node: str) -> TableSchema | None:
        """The description of a node's frame; None without."""
        return self.flow.frames().get(self.driver.graph.nodes[node].tags.get("schema", ""))

    def plan(self, targets: Iterable[str], streams: Iterable[str] = ()) -> Plan:
        """What a run would evaluate, and in which order."""
        targets, streams = frozenset(self.resolved(targets)), frozenset(streams)
        scopes = self.flow.scopes
        numbered = {}
        if self._is_cut:
            bare = planned(self.driver, targets, streams, scopes)
            numbered = self.numbered({*bare.whole, *streams})

        def beside(nodes: frozenset[str]) -> set[str]:
            rows = {to for n in nodes & set(numbered) for to in numbered[n].values()}
            return set(self.carry.needs(nodes)) | {n for n in rows if n in self.driver.graph.nodes}

        return planned(self.driver, targets, streams, scopes, beside)

    def numbered(self, nodes: Iterable[str]) -> dict[str, dict[str, str]]:
        """Those of some nodes that hold row numbers: in which columns, and of what."""
        found = {name: numbered_columns(self.flow, name, self.table_of(name)) for name in nodes}
        return {name: columns for name, columns in found.items() if columns}

    def drop(self, file: FileKey, path: str, error: InputError) -> None:
        """Note that a file failed; the error itself if the run cannot go on without it."""
        axis, number = file
        of_axis = {f for p in self.parts.every if (f := p.file_key([axis])) is not None}
        left = FailedFile(path, int(number), error.message, error.code, axis)
        if self.on_bad_file == "fail" or len(of_axis) + len(self.failed) == 1:
            raise error
        self.failed.append(left)
        failed = [f for f in self.failed if f.axis == axis]
        if of_axis <= {(axis, f.number) for f in failed}:
            raise none_left(failed) from None
        tell_left_out(left)

    def note_cut(self, cut: Failure) -> None:
        """Note that a file ends before its end; InputError if the run is not to go on so."""
        if self.on_bad_file == "fail":
            raise InputError(cut.message, code=cut.code)
        if cut not in self.cut:
            self.cut.append(cut)
            log.error("incomplete: %s", cut.message)
