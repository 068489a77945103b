"""What parts decide for those after them: in order, by file, and for no other scope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from radiograph.drivers.engine.executors import Executor, LocalExecutor, ProcessExecutor
from radiograph.drivers.engine.parts import Part, Parts
from radiograph.drivers.engine.protocol import GraphInputs, NoCarry
from radiograph.drivers.engine.session import Session
from radiograph.schemas.sources import EventRange
from toy_budget import BUDGET, Budget

FILES = {0: [(0, 4), (4, 4)], 1: [(10, 4), (14, 4)], 2: [(20, 4)]}
OFFSETS = {0: 0.25, 1: 0.5, 2: 0.75}


def ranges(file: int, places: Iterable[tuple[int, int]], begin: int = 0) -> list[Part]:
    """The ranges of a file as parts."""
    return [
        Part({"file": file, "range": k}, {"event_range": EventRange(*place)}, place[1])
        for k, place in enumerate(places, begin)
    ]


def budgeted(
    parts: Iterable[Part], budget: int, executor: Executor | None = None, **options: Any
) -> Session:
    """A session of some ranges, of files with an input of their own."""
    parts = list(parts)
    numbers = dict.fromkeys(part.at["file"] for part in parts)
    files = [Part({"file": n}, {"offset": OFFSETS[int(n)]}) for n in numbers]
    return Session(
        flow=BUDGET,
        parts=Parts.of([*files, *parts]),
        inputs=GraphInputs(),
        cache=None,
        executor=executor or LocalExecutor(),
        carry=Budget(budget),
        **options,
    )


def every_range() -> list[Part]:
    return [part for file, places in FILES.items() for part in ranges(file, places)]


@pytest.mark.parametrize("executor", [LocalExecutor(), ProcessExecutor(2)])
def test_each_part_is_told_what_those_before_it_left(executor: Executor) -> None:
    found = budgeted(every_range(), 11, executor).run(["kept", "total"])
    assert found["kept"].tolist() == [*(np.arange(8) + 0.25), 10.5, 11.5, 12.5]
    assert found["total"] == {0: 30.0, 1: 34.5, 2: 0.0}


def test_a_file_that_fails_gives_back_what_it_took() -> None:
    places = [*ranges(0, FILES[0]), *ranges(1, [(10, 4), (-1, 4)]), *ranges(2, FILES[2])]
    ran = budgeted(places, 11)
    found = ran.run(["kept"])["kept"]
    assert [file.number for file in ran.failed] == [1]
    assert found.tolist() == [*(np.arange(8) + 0.25), 20.75, 21.75, 22.75]
    # Nor is anything left of what its ranges gave that stays apart by range.
    of_ranges = budgeted(places, 100).run(["first_kept"])["first_kept"]
    assert of_ranges == {(0, 0): "0.25", (0, 1): "4.25", (2, 0): "20.75"}


def test_records_are_numbered_over_the_files_before() -> None:
    found = budgeted(every_range(), 100).run(["record_number"])["record_number"]
    assert found.tolist() == [*range(20)]


def test_a_range_that_becomes_known_later_is_told_what_its_file_tells() -> None:
    (first,), (later,) = ranges(0, FILES[0][:1]), ranges(0, FILES[0][1:], begin=1)
    first = replace(first, then=lambda: [later])
    ran = budgeted([first], 100)
    assert ran.run(["kept"])["kept"].tolist() == [*(np.arange(8) + 0.25)]
    # What was found stays known: a second question is about all of it.
    assert ran.run(["total"])["total"] == {0: 30.0}


@dataclass
class Noted(LocalExecutor):
    """Notes how many parts each sweep says it has, and whether tasks are told beforehand."""

    n_parts: list[int] = field(default_factory=list)
    told_ahead: list[bool] = field(default_factory=list)

    @contextmanager
    def opened(self, recipe: Any, here: Any, n_parts: int, ahead: Any) -> Iterator[Any]:
        self.n_parts.append(n_parts)
        self.told_ahead.append(ahead is not None)
        with super().opened(recipe, here, n_parts, ahead) as result_of:
            yield result_of


def test_the_executor_knows_how_many_parts_come_and_whether_they_wait() -> None:
    noted = Noted()
    budgeted(every_range(), 100, noted).run(["kept", "total"])
    assert noted.n_parts == [5, 3]
    # Ranges wait for those before them; files know nothing of each other.
    assert noted.told_ahead == [False, True]
    (first,), later = ranges(0, FILES[0][:1]), ranges(0, FILES[0][1:], begin=1)
    noted = Noted()
    followed = budgeted([replace(first, then=lambda: later)], 100, noted)
    followed.carry, followed.inputs = NoCarry(), GraphInputs(values={"budget": 100})
    followed.run(["kept"])
    # One that is followed by others, of which it is not known how many: nobody can be ahead.
    assert (noted.n_parts, noted.told_ahead) == ([2], [False])
