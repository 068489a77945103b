"""What the commands ask of a session and of a picture of a graph, whatever the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..schemas.sources import FileRef
    from .cache.execution import NodeCache, Verdict


class GraphPicture(Protocol):
    """The picture of a graph, and what is drawn in it."""

    @property
    def dag(self) -> Any:
        """Nodes and edges."""

    @property
    def svg(self) -> str:
        """As it is shown."""


class Session(Protocol):
    """A config and its input, ready to be asked for nodes."""

    config: Any
    driver: Any
    cache: NodeCache | None

    @property
    def input_files(self) -> list[FileRef]:
        """The files that are read."""

    def resolved(self, targets: Sequence[str]) -> list[str]:
        """Names of nodes, aliases replaced."""

    def run(self, targets: Sequence[str]) -> dict[str, Any]:
        """One value a target."""

    def survey(self, targets: Sequence[str]) -> list[Verdict]:
        """What a run would do with each node the targets need."""
