"""What a reader touches of a file: the baskets of a range, the branches of leaves, no lists."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import awkward as ak
import pytest
from radiograph.drivers.cosmics.simulation import write_cosmics_simulation
from radiograph.nodes.cosmics.readers import read_columns, root_files
from radiograph.schemas.cosmics_simulation import CosmicsSimulationSettings
from radiograph.schemas.sources import EventRange, FileRef

N, BASKET = 400, 40
TREE = "EventNtuple/ntuple"
# Members that no cut, histogram or output looks at.
UNUSED = ("status", "goodfit", "fitcon", "valid", "nprotons", "pbtime", "angle", "ntrk")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = CosmicsSimulationSettings(n_events=N, basket_events=BASKET, seed=9)
    return write_cosmics_simulation(settings, tmp_path_factory.mktemp("reading")).out


@pytest.fixture
def asked_bytes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes that each opening of a file asked for."""
    found: list[int] = []
    opened = root_files.opened

    @contextmanager
    def counted(path: Path) -> Iterator[Any]:
        with opened(path) as file:
            yield file
            found.append(file.file.source.num_requested_bytes)

    monkeypatch.setattr(root_files, "opened", counted)
    return found


def read(path: Path, first: int, n: int) -> Any:
    return read_columns(FileRef(str(path), 0, ""), EventRange(first, n), TREE, "auto")


def test_a_range_reads_its_own_baskets_alone(source: Path, asked_bytes: list[int]) -> None:
    for first, n in ((0, 0), (0, N), (120, BASKET), (120, 2 * BASKET)):
        read(source, first, n)
    head, whole, one, two = asked_bytes
    baskets = (whole - head) / (N // BASKET)
    assert baskets > 10_000
    assert one - head == pytest.approx(baskets, rel=0.25)
    assert two - head == pytest.approx(2 * baskets, rel=0.25)


def test_no_list_of_awkward_becomes_python(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        pytest.fail("an awkward array was walked by Python")

    for name in ("to_list", "__iter__"):
        monkeypatch.setattr(ak.Array, name, refused)
    monkeypatch.setattr(ak, "to_list", refused)
    columns = read(source, 30, 100)
    assert len(columns.event_numbers) == 100
    assert len(columns.segments) > 1000


def test_branches_that_nobody_needs_are_not_read(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import uproot

    touched: list[str] = []
    basket = uproot.TBranch.basket
    array = uproot.TBranch.array

    def noted(method: Any) -> Any:
        def called(self: Any, *args: Any, **options: Any) -> Any:
            touched.append(self.name)
            return method(self, *args, **options)

        return called

    monkeypatch.setattr(uproot.TBranch, "basket", noted(basket))
    monkeypatch.setattr(uproot.TBranch, "array", noted(array))
    read(source, 0, BASKET)
    # Three numbers of an event, three of a fit, ten of a coincidence, three unsplit branches.
    assert len(set(touched)) == 19
    assert not {name for name in touched if name.rpartition(".")[2] in UNUSED}
