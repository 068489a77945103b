"""Several light files of which everything is written or nothing: held back until the end."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ...schemas.lightdqm.stored_runs import RunRecord
from .store import RunStore


class KeptRecords(RunStore):
    """A copy of a store that also remembers what was added to it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.records: list[RunRecord] = []

    def add(self, record: RunRecord) -> int:
        """Keep a file in the copy, for those after it, and in the list."""
        self.records.append(record)
        return super().add(record)


@dataclass
class HeldBack:
    """What is not written yet.

    Attributes
    ----------
    outputs
        Files under temporary names, which get their own when it is closed.
    store
        The store of runs as it will be.
    ends
        What else is to be written then.
    """

    outputs: ExitStack
    store: KeptRecords
    ends: list[Callable[[], None]] = field(default_factory=list)


@contextmanager
def all_or_nothing(path: Path) -> Iterator[HeldBack]:
    """Outputs, and a copy of the store at ``path``, for a block of which all is kept or nothing."""
    with tempfile.TemporaryDirectory(prefix="radiograph-") as folder, ExitStack() as outputs:
        copied = Path(folder) / path.name
        with RunStore(path) as store:
            store.copy_to(copied)
        copy = KeptRecords(copied)
        with copy:
            held = HeldBack(outputs, copy)
            yield held
        outputs.close()
        with RunStore(path) as store:
            for record in copy.records:
                store.add(record)
        for end in held.ends:
            end()
