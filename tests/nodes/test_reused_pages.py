"""Arrays on pages that are used again: never two living arrays on the same ones."""

from __future__ import annotations

import gc
import mmap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from radiograph.nodes import reused_pages
from radiograph.nodes.reused_pages import uninitialised

LARGE = 1_200_000  # 4.8 MB, three pieces


@pytest.fixture(autouse=True)
def nothing_waits() -> Iterator[None]:
    reused_pages._waiting.clear()
    yield
    reused_pages._waiting.clear()


def address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


@pytest.mark.parametrize("n", [0, 1, 1000, LARGE, 2 * LARGE])
def test_as_many_places_as_asked(n: int) -> None:
    array = uninitialised(n)
    assert (array.shape, array.dtype) == ((n,), np.uint32)
    assert array.flags.writeable
    assert array.flags.c_contiguous
    array[:] = np.arange(n)
    assert array.sum(dtype=np.int64) == n * (n - 1) // 2


def test_pages_of_a_dropped_array_are_used_again() -> None:
    first = uninitialised(LARGE)
    place = address(first)
    del first
    assert address(uninitialised(LARGE - 1000)) == place


def test_pages_too_small_keep_waiting() -> None:
    small = uninitialised(LARGE)
    place = address(small)
    del small
    large = uninitialised(3 * LARGE)
    assert address(large) != place
    assert address(uninitialised(LARGE)) == place


def test_living_arrays_share_nothing() -> None:
    arrays = [uninitialised(LARGE) for _ in range(4)]
    for k, array in enumerate(arrays):
        array[:] = k
    assert [set(a[::1000].tolist()) for a in arrays] == [{0}, {1}, {2}, {3}]


def test_a_view_keeps_its_pages() -> None:
    array = uninitialised(LARGE)
    array[:] = 5
    view = array[100:200][::2].reshape(5, 10)
    del array
    uninitialised(LARGE)[:] = 6
    other = uninitialised(LARGE)
    other[:] = 7
    assert (view == 5).all()
    assert not np.shares_memory(view, other)


def test_few_pages_wait_and_the_largest_do() -> None:
    sizes = [LARGE, 4 * LARGE, 2 * LARGE, 3 * LARGE]
    arrays = [uninitialised(n) for n in sizes]
    arrays.clear()
    gc.collect()
    assert sorted(len(p) for p in reused_pages._waiting) == sorted(
        -(-4 * n // 2**21) * 2**21 for n in (3 * LARGE, 4 * LARGE)
    )


def test_small_arrays_leave_the_pages_alone() -> None:
    small = uninitialised(1000)
    del small
    assert reused_pages._waiting == []


def test_a_system_without_such_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reused_pages, "_HAS_PRIVATE_PAGES", False)
    array = uninitialised(LARGE)
    assert array.base is None
    assert len(array) == LARGE


class _Refusing:
    """A kernel that knows no advice: what Linux answers without transparent huge pages."""

    def __getattr__(self, name: str) -> object:
        return getattr(mmap, name)

    class mmap(mmap.mmap):
        def madvise(self, *_: int) -> None:
            raise OSError(22, "Invalid argument")


def test_a_system_that_takes_no_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reused_pages, "mmap", _Refusing())
    place = address(uninitialised(LARGE))
    assert address(uninitialised(LARGE)) == place


def test_a_system_without_pages_to_give() -> None:
    with pytest.raises(MemoryError):
        uninitialised(1 << 50)


def test_threads_never_get_the_same_pages() -> None:
    def fill_and_look(k: int) -> bool:
        good = True
        for n in (LARGE, 2 * LARGE, LARGE + 7):
            array = uninitialised(n)
            array[::512] = k
            view = array[: n // 2]
            del array
            again = uninitialised(n)
            again[::512] = k + 1000
            good &= bool((view[::512] == k).all() and (again[::512] == k + 1000).all())
        return good

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(fill_and_look, range(40)))
