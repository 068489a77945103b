"""Files that a run writes beside its HDF5 file: whole values, or rows that grow part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import xxhash

from ...schemas.failures import Failure
from ..files import new_output
from ..hdf5 import write_text
from .parts import Part
from .phases import Plan, UnfitScopesError

GROUP: Final = "artifacts"
FAILURES: Final = "failures"
_BLOCK: Final = 1 << 20
Append = Callable[[Part, Mapping[str, Any]], None]
"""Takes the values of the nodes of an artifact at one more part."""


@dataclass(frozen=True)
class Artifact:
    """A file beside the run file; it becomes whole with it, or not at all.

    Exactly one of ``write`` and ``opened`` is given.

    Attributes
    ----------
    name
        What it is called in the run file, which keeps the hash of its content for verify.
    nodes
        What it is made of. Where a graph has not all of them, there is no such file.
    place
        Its path, from the config and the path of the run file.
    write
        Writes it from whole values by node (of what stays apart: by key, without those that
        failed) to a path.
    opened
        Opens it at a path, and takes the values of each part in their order: what is in memory is
        one part. The nodes are of one scope and of one sweep.
    failures
        Whether ``write`` is given those of the run too, as a list named FAILURES.
    where_there
        Further nodes that it takes from a graph that has them.
    """

    name: str
    nodes: tuple[str, ...]
    place: Callable[[Any, Path], Path]
    write: Callable[[Path, Mapping[str, Any]], None] | None = None
    opened: Callable[[Path], AbstractContextManager[Append]] | None = None
    failures: bool = False
    where_there: tuple[str, ...] = ()


class GrowingFiles:
    """Artifacts that take parts: what was written is thrown away when a run begins again."""

    def __init__(self, places: Sequence[tuple[Artifact, Path]]) -> None:
        self._places = places
        self._open = ExitStack()
        self._appends: list[tuple[frozenset[str], Append]] = []
        self._begin()

    def _begin(self) -> None:
        self._appends = [
            (frozenset(item.nodes), self._open.enter_context(item.opened(path)))
            for item, path in self._places
            if item.opened is not None
        ]

    def begin_again(self) -> None:
        """Nothing was given."""
        self.close()
        self._open = ExitStack()
        self._begin()

    def append(self, part: Part, values: Mapping[str, Any]) -> None:
        """The values of one more part; a part with a failure gives nothing."""
        for nodes, append in self._appends:
            own = {name: values[name] for name in nodes & values.keys()}
            if len(own) == len(nodes):
                append(part, own)

    def close(self) -> None:
        """Everything was given."""
        self._open.close()


def check_together(artifacts: Iterable[Artifact], plan: Plan) -> None:
    """UnfitScopesError if a file that grows needs values that come in different sweeps."""
    for item in artifacts:
        one = (set(item.nodes) <= set(phase.streamed) for phase in plan.phases)
        if item.opened is not None and not any(one):
            msg = (
                f"{item.name}: {', '.join(item.nodes)} are evaluated in different sweeps, so no "
                "part has them all; let the last of them hold what the file needs of the others"
            )
            raise UnfitScopesError(msg)


@contextmanager
def temporary_places(
    artifacts: Sequence[Artifact], config: Any, out: Path
) -> Iterator[list[tuple[Artifact, Path]]]:
    """Each artifact with the path that becomes its own when the block ends well."""
    with ExitStack() as stack:
        yield [
            (item, stack.enter_context(new_output(item.place(config, out), key="io.output_path")))
            for item in artifacts
        ]


def write_whole(
    places: Sequence[tuple[Artifact, Path]],
    values: Mapping[str, Any],
    failures: Sequence[Failure],
) -> None:
    """Write those that are made of whole values."""
    for item, path in places:
        if item.write is not None:
            given = {name: values[name] for name in item.nodes}
            known = {n: {} if isinstance(v, Failure) else v for n, v in given.items()}
            item.write(path, {**known, FAILURES: list(failures)} if item.failures else known)


def write_hashes(file: h5py.File, places: Sequence[tuple[Artifact, Path]]) -> None:
    """Note the content of each file, so that another run can be compared with it."""
    for item, path in places:
        digest = xxhash.xxh3_128()
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
        write_text(file, f"{GROUP}/{item.name}", digest.hexdigest(), "xxh3_128 of its content")
