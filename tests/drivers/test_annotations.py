"""Types on the edges of a graph: names that numpy gives to arrays are arrays, whichever numpy."""

from __future__ import annotations

import sys
import typing
from typing import Any

import numpy as np
import pytest
from hamilton import driver
from hamilton.ad_hoc_utils import create_temporary_module
from numpy.typing import NDArray
from radiograph.drivers.annotations import spelled_out
from radiograph.drivers.checks import check_output
from radiograph.drivers.node_execution import NodeExecution
from radiograph.drivers.node_records import Manifest
from radiograph.schemas.errors import OutputCheckError

# What numpy 2.5 writes as `type NDArray[T] = ...`, on every Python that has such aliases.
ARRAYS: list[Any] = [NDArray[np.float32]]
if sys.version_info >= (3, 12):
    SCALAR = typing.TypeVar("SCALAR", bound=np.generic)
    LAZY = typing.TypeAliasType(
        "LAZY", np.ndarray[tuple[Any, ...], np.dtype[SCALAR]], type_params=(SCALAR,)
    )
    ARRAYS.append(LAZY[np.float32])
PLAIN = np.ndarray[Any, np.dtype[np.float32]]


@pytest.mark.parametrize("array", ARRAYS)
def test_names_of_arrays_are_spelled_out(array: Any) -> None:
    assert spelled_out(array) == PLAIN
    assert spelled_out(array | None) == PLAIN | None
    assert spelled_out(dict[str, array]) == dict[str, PLAIN]
    assert typing.get_origin(spelled_out(NDArray)) is np.ndarray


@pytest.mark.parametrize("other", [int, Any, None, list[int], typing.Literal["a"], int | str])
def test_other_types_stay(other: Any) -> None:
    assert spelled_out(other) == other


@pytest.mark.parametrize("array", ARRAYS)
def test_an_array_is_checked_however_its_type_is_named(array: Any) -> None:
    check_output("charge", {}, array, {}, np.zeros(3, np.float32), {})
    with pytest.raises(OutputCheckError, match="an array of float32, got float64"):
        check_output("charge", {}, array, {}, np.zeros(3), {})
    with pytest.raises(OutputCheckError, match="an array, got list"):
        check_output("charge", {}, array, {}, [1.0], {})


def built(source: Any, target: Any) -> driver.Driver:
    def charge(given: Any) -> Any:
        return given

    def total(charge: Any) -> float:
        return float(charge.sum())

    charge.__annotations__ = {"given": source, "return": source}
    total.__annotations__ = {"charge": target, "return": float}
    execution = NodeExecution({}, Manifest())
    module = create_temporary_module(charge, total)
    return driver.Builder().with_modules(module).with_adapters(execution).build()


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("target", [np.ndarray, PLAIN, *ARRAYS])
def test_arrays_fit_whatever_names_they_go_by(array: Any, target: Any) -> None:
    given = np.ones(3, np.float32)
    assert built(array, target).execute(["total"], inputs={"given": given}) == {"total": 3.0}


@pytest.mark.parametrize("array", ARRAYS)
def test_what_does_not_fit_is_refused(array: Any) -> None:
    for target in (float, NDArray[np.float64]):
        with pytest.raises(ValueError, match="charge"):
            built(array, target)
