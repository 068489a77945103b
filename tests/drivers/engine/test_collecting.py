"""Cycles that a run leaves behind are let go of; what was there before is not looked at."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
from radiograph.drivers.engine.collecting import earlier_objects_apart


class Link:
    """Refers to itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def nothing_apart() -> Iterator[None]:
    """As a program is in which nobody froze anything."""
    was = gc.isenabled()
    gc.unfreeze()
    gc.disable()
    yield
    gc.freeze()
    if was:
        gc.enable()


def link() -> weakref.ref[Link]:
    return weakref.ref(Link())


def test_only_what_the_block_leaves_is_looked_at() -> None:
    before = Link()
    apart = weakref.ref(before)
    with earlier_objects_apart():
        del before
        left = link()
        assert gc.collect() < 1000
        assert left() is None
        assert apart() is not None
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert apart() is None


def test_young_cycles_are_let_go_of_before() -> None:
    left = link()
    with earlier_objects_apart():
        assert left() is None


def test_what_is_apart_already_stays_so_also_after_an_error() -> None:
    with earlier_objects_apart():
        n = gc.get_freeze_count()
        with pytest.raises(KeyError), earlier_objects_apart():
            raise KeyError
        # Some of those that were there are gone by now.
        assert gc.get_freeze_count() > n // 2 > 0
    assert gc.get_freeze_count() == 0


def test_cycles_that_the_block_leaves_are_let_go_of_at_its_end() -> None:
    with earlier_objects_apart():
        left = link()
        assert left() is not None
    assert left() is None


def test_the_cycles_of_each_part_are_let_go_of_before_the_next() -> None:
    with earlier_objects_apart() as let_go:
        for _ in range(3):
            left = link()
            let_go()
            assert left() is None
    assert gc.get_freeze_count() == 0


def test_what_the_first_part_loaded_is_looked_at_no_more_until_the_end() -> None:
    with earlier_objects_apart() as let_go:
        loaded = Link()
        apart = weakref.ref(loaded)
        let_go()
        del loaded
        let_go()
        assert apart() is not None
    gc.collect()
    assert apart() is None


def test_in_a_block_within_another_nothing_more_is_set_apart() -> None:
    with earlier_objects_apart(), earlier_objects_apart() as let_go:
        n, kept = gc.get_freeze_count(), [Link() for _ in range(2000)]
        let_go()
        assert gc.get_freeze_count() <= n
        del kept
