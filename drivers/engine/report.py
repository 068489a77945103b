"""What a run of any pipeline did, as its command prints it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...schemas.errors import EXIT_GATE, EXIT_INPUT
from ...schemas.failures import Failure


@dataclass
class RunReport:
    """The answer of a run: what was read and written, and what became of each node."""

    pipeline: str
    input: list[str]
    output: str
    files: list[str]
    targets: list[str]
    counters: dict[str, int]
    seconds: float
    nodes: Mapping[str, Any]
    problems: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    failed: Sequence[Failure] = ()

    @property
    def figures(self) -> list[str]:
        """The files beside the output."""
        return self.files[1:]

    @property
    def exit_code(self) -> int:
        """3 if a file gave nothing, 4 if a key (a channel) did not, else 0."""
        if any(not f.node for f in self.failed):
            return EXIT_INPUT
        return EXIT_GATE if self.failed else 0

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        status = {0: "ok", EXIT_INPUT: "warn", EXIT_GATE: "fail"}[self.exit_code]
        failed = [f.as_json() for f in self.failed]
        return {**vars(self), "status": status, "exit_code": self.exit_code, "failed": failed}
