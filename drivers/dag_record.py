"""What became of each quantity of a picture in one run: ran, taken from the cache, not needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from .dag import SPECIES, Dag, DagNode

_ORDER: Final = ("failed", "executed", "hit", "skipped")
STATUS_WORDS: Final[Mapping[str, str]] = {
    "failed": "failed",
    "executed": "ran",
    "hit": "from the cache",
    "skipped": "not needed",
}


@dataclass(frozen=True)
class NodeOutcome:
    """What became of a node (failed, executed, hit or skipped), and how long that took."""

    status: str
    seconds: float


_NOT_ASKED: Final = NodeOutcome("skipped", 0.0)


def with_outcomes(dag: Dag, outcomes: Mapping[str, NodeOutcome]) -> Dag:
    """The picture with status and time of each quantity, those of its helpers included."""
    return replace(dag, nodes=tuple(_with_outcome(n, outcomes) for n in dag.nodes))


def _with_outcome(node: DagNode, outcomes: Mapping[str, NodeOutcome]) -> DagNode:
    if node.is_file:
        return node
    # The record of a run leaves out what was never asked for.
    known = [outcomes.get(m, _NOT_ASKED) for m in node.members]
    status = min((o.status for o in known), key=_ORDER.index)
    note = STATUS_WORDS[status]
    if status == "skipped":
        parts = [o for s in SPECIES if (o := outcomes.get(f"{s}_{node.name}")) is not None]
        status = min((o.status for o in parts), key=_ORDER.index, default=status)
        # Both species went to the file one after the other; the whole was never put together.
        note = note if status == "skipped" else "in two parts"
    if status == "executed" and note == STATUS_WORDS["executed"]:
        note = f"{note} {time_text(sum(o.seconds for o in known))}"
    return replace(node, status=status, note=note)


def time_text(seconds: float) -> str:
    """A time to two or three digits."""
    if seconds < 0.0995:
        return f"{1e3 * seconds:.2g} ms" if seconds >= 0.001 else "< 1 ms"
    return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.0f} s"
