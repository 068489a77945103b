"""What a run did, as it is shown and as ``--json`` prints it: the same for every pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ...schemas.errors import EXIT_GATE, EXIT_INPUT
from ...schemas.failures import Failure
from ..node_records import EXECUTED, FAILED, HIT, SKIPPED, Manifest, NodeRecord

# Of several parts or nodes the first of these words that there is.
_FIRST: Final = (FAILED, EXECUTED, HIT, SKIPPED)


@dataclass
class RunReport:
    """What became of a run.

    Attributes
    ----------
    pipeline
        [pipeline] name.
    input
        Every file that was named, in order; a Failure ``at`` a file counts from 0 in it.
    output
        The run file, or the folder of several; empty where nothing is written.
    files
        All that was written.
    targets
        The nodes that were wanted.
    start
        The stage of a restart; empty for a run from the beginning.
    counters
        What was counted, by name.
    nodes
        What became of each node: its status, seconds of wall time in all parts, and how many.
    problems, warnings
        What is wrong with the data; what a user should know.
    failed
        Files that gave nothing, and keys (channels) that a node could not be evaluated for.
    said
        The answer in words, a line each, for a terminal.
    verdict
        Checks of the pipeline, each with its status.
    summary
        The value of the node that the pipeline names for it; None where it was not made.
    values
        The values of nodes; of these ``as_json`` tells what ``asked`` names.
    asked
        The targets as they were asked for, each with its node and its place in the output.
    """

    pipeline: str
    input: list[str]
    output: str = ""
    files: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    start: str = ""
    counters: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    nodes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    said: list[str] = field(default_factory=list, repr=False)
    verdict: list[dict[str, Any]] = field(default_factory=list)
    summary: Any = None
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    asked: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)

    @property
    def exit_code(self) -> int:
        """0 done; 3 if a file gave nothing; else 4 if a check, or a key, failed."""
        if any(not failure.node for failure in self.failed):
            return EXIT_INPUT
        is_bad = self.failed or any(check["status"] == "fail" for check in self.verdict)
        return EXIT_GATE if is_bad else 0

    @property
    def status(self) -> str:
        """``fail`` with an exit code, ``warn`` where there is something to be told, else ``ok``."""
        if self.exit_code:
            return "fail"
        nothing_known = self.verdict and all(c["status"] == "no_data" for c in self.verdict)
        return "warn" if self.warnings or self.problems or nothing_known else "ok"

    def as_json(self) -> dict[str, Any]:
        """The report as plain values: the same keys whatever was run."""
        from .plain_values import plain_value

        asked = {name: (self.values[n], at) for name, (n, at) in self.asked.items()}
        return {
            "pipeline": self.pipeline,
            "status": self.status,
            "exit_code": self.exit_code,
            "input": self.input,
            "output": self.output,
            "files": self.files,
            "targets": self.targets,
            "start": self.start,
            "counters": self.counters,
            "seconds": round(self.seconds, 6),
            "nodes": self.nodes,
            "problems": self.problems,
            "warnings": self.warnings,
            "failed": [failure.as_json() for failure in self.failed],
            "verdict": self.verdict,
            "summary": plain_value(self.summary),
            "values": {name: plain_value(value, at) for name, (value, at) in asked.items()},
        }

    def without_values(self) -> RunReport:
        """The same, without what may be large."""
        return replace(self, values={}, asked={})

    def with_plain_values(self) -> RunReport:
        """The same with the values that were asked for, as they are told, and no others."""
        told = self.as_json()
        return replace(
            self,
            values=told["values"],
            asked={name: (name, at) for name, (_, at) in self.asked.items()},
            summary=told["summary"],
        )


def node_table(
    manifest: Manifest, names: Iterable[str], made_of: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, Any]]:
    """Status, seconds and number of parts of some nodes.

    ``made_of``: a node that was not put together in memory has the status of what it is made of.
    """
    found = {}
    for name in names:
        record = manifest.nodes.get(name, NodeRecord())
        parts = [manifest.nodes.get(n, NodeRecord()) for n in made_of.get(name, ())]
        if record.status == SKIPPED and parts:
            record = NodeRecord(
                min((p.status for p in parts), key=_FIRST.index),
                sum(p.seconds for p in parts),
                parts=max(p.parts for p in parts),
            )
        found[name] = {
            "status": record.status,
            "seconds": round(record.seconds, 6),
            "parts": record.parts,
        }
    return found


def joined(reports: Mapping[Any, RunReport], input_files: Sequence[str], folder: str) -> RunReport:
    """One report of runs that stand apart: summaries and values by the key of each.

    Parameters
    ----------
    input_files
        Every file that was named, also those that gave no report.
    folder
        Where the outputs of several are.
    """
    each = list(reports.values())
    asked = next((r.asked for r in each if r.asked), {})
    names = dict.fromkeys(node for node, _ in asked.values())
    counters: dict[str, int] = {}
    for report in each:
        for name, n in report.counters.items():
            counters[name] = counters.get(name, 0) + n
    return RunReport(
        pipeline=each[0].pipeline,
        input=list(input_files),
        output=each[0].output if len(input_files) == 1 else folder,
        files=list(dict.fromkeys(path for r in each for path in r.files)),
        targets=each[0].targets,
        counters=counters,
        seconds=sum(r.seconds for r in each),
        nodes=_added_tables([r.nodes for r in each]),
        warnings=[text for r in each for text in r.warnings],
        failed=[failure for r in each for failure in r.failed],
        verdict=[check for r in each for check in r.verdict],
        summary={key: r.summary for key, r in reports.items()},
        values={name: {key: r.values.get(name) for key, r in reports.items()} for name in names},
        asked=asked,
    )


def _added_tables(tables: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Several runs of the same nodes as one."""
    found: dict[str, dict[str, Any]] = {}
    for name in tables[0]:
        rows = [table[name] for table in tables if name in table]
        found[name] = {
            "status": min((row["status"] for row in rows), key=_FIRST.index),
            "seconds": round(sum(row["seconds"] for row in rows), 6),
            "parts": sum(row["parts"] for row in rows),
        }
    return found
