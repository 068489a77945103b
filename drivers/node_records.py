"""A node about to be evaluated, and what became of the nodes of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..schemas.failures import Failure

SKIPPED = "skipped"
HIT = "hit"
EXECUTED = "executed"
FAILED = "failed"
# Of several parts the strongest word is that of the node.
_STRENGTH = (SKIPPED, HIT, EXECUTED, FAILED)


@dataclass
class NodeRecord:
    """What became of one node in a run: executed, hit or skipped, why, and what it took.

    Over ranges of events seconds and bytes add up; one execution makes it executed, one Failure
    failed. ``parts`` counts the parts that it has a value of, ``calls`` the executions.
    """

    status: str = SKIPPED
    seconds: float = 0.0
    calls: int = 0
    reason: str = ""
    n_bytes: int = 0
    parts: int = 0


@dataclass(frozen=True)
class NodeCall:
    """One node about to be evaluated: name, function, inputs, and how to execute it."""

    name: str
    function: Callable[..., Any]
    inputs: Mapping[str, Any]
    execute: Callable[[Mapping[str, Any], str], Any]


@dataclass
class Manifest:
    """The record of every node of a run, filled while it goes on.

    ``taken`` are the failures that nodes went on with, until somebody takes note of them.
    """

    nodes: dict[str, NodeRecord] = field(default_factory=dict)
    taken: list[Failure] = field(default_factory=list)

    def take(self, failures: Iterable[Failure]) -> None:
        """Note failures that a node went on with, each once."""
        self.taken += [failure for failure in failures if failure not in self.taken]

    def noted(self) -> tuple[Failure, ...]:
        """The failures that nodes went on with since this was last asked."""
        found = tuple(self.taken)
        self.taken.clear()
        return found

    def executed(
        self,
        node: str,
        seconds: float,
        reason: str = "",
        status: str = EXECUTED,
    ) -> None:
        """Note one execution of a node; ``status`` FAILED = it gave a Failure."""
        record = self._record(node, status)
        record.seconds += seconds
        record.calls += 1
        record.parts += 1
        record.reason = record.reason or reason

    def hit(self, node: str, seconds: float, n_bytes: int = 0) -> None:
        """Note one hit of a node."""
        record = self._record(node, HIT)
        record.seconds += seconds
        record.parts += 1
        record.n_bytes += n_bytes

    def add(self, records: Mapping[str, NodeRecord]) -> None:
        """Note what became of nodes in another process."""
        for node, other in records.items():
            record = self._record(node, other.status)
            record.seconds += other.seconds
            record.calls += other.calls
            record.parts += other.parts
            record.reason = record.reason or other.reason
            record.n_bytes += other.n_bytes

    def _record(self, node: str, status: str) -> NodeRecord:
        record = self.nodes.setdefault(node, NodeRecord())
        if _STRENGTH.index(status) > _STRENGTH.index(record.status):
            record.status = status
        return record
