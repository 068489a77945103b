"""Failures of keys: what they hold, their form as JSON, and the errors they are made of."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from radiograph.drivers.cache.content import Description
from radiograph.schemas.errors import EXIT_GATE, InputError, RadiographError, Unfit
from radiograph.schemas.failures import Failure

AT = {"channel": "V02160A", "file": 0}
TOO_FEW = Unfit("too_few_events", "12 events, 50 are needed", {"n_events": 12})


def test_a_node_ends_a_key_and_what_it_said_is_kept() -> None:
    assert TOO_FEW.exit_code == EXIT_GATE
    found = Failure.of(TOO_FEW, AT, "peak_fit")
    assert found == Failure(
        AT, "peak_fit", "too_few_events", "12 events, 50 are needed", {"n_events": 12}
    )
    assert str(found) == "channel V02160A, file 0: peak_fit: 12 events, 50 are needed"


def test_a_file_that_gives_nothing_is_one_too() -> None:
    found = Failure.of(InputError("a.h5: not an HDF5 file", file=Path("a.h5")), {"file": 3})
    assert (found.node, found.code, found.numbers) == ("", "input", {})
    assert str(found) == "file 3: a.h5: not an HDF5 file"


def test_without_a_key_the_message_stands_alone() -> None:
    assert str(Failure.of(RadiographError("no gain"), {})) == "no gain"


def test_as_json_every_number_is_plain_and_what_is_none_is_null() -> None:
    numbers = {"n": np.int64(3), "chi2": np.float32(0.5), "tau_us": np.nan, "top": np.inf}
    found = Failure({"file": np.int64(2)}, "fit", "no_minimum", "no minimum", numbers)
    assert json.loads(json.dumps(found.as_json(), allow_nan=False)) == {
        "at": {"file": 2},
        "node": "fit",
        "code": "no_minimum",
        "message": "no minimum",
        "numbers": {"n": 3, "chi2": 0.5, "tau_us": None, "top": None},
    }
    assert numbers["n"] == np.int64(3)
    assert type(numbers["n"]) is np.int64


def test_the_type_of_a_number_makes_no_other_failure_to_the_cache() -> None:
    plain, of_numpy = (
        Failure(AT, "fit", "few", "few", {"n": n, "width": w})
        for n, w in ((7, 0.25), (np.int32(7), np.float64(0.25)))
    )
    assert Description(plain, whole=True).digest() == Description(of_numpy, whole=True).digest()


def test_what_it_holds_does_not_change_with_what_it_was_made_of() -> None:
    numbers = {"n_events": 12}
    found = Failure(AT, "fit", "few", "few", numbers)
    numbers["n_events"] = 0
    assert found.numbers == {"n_events": 12}
    with pytest.raises(AttributeError):
        found.code = "other"  # type: ignore[misc]


def test_the_error_of_a_node_reaches_another_process_whole() -> None:
    """A copy is made as for another process: by what __reduce__ gives."""
    other = copy.copy(TOO_FEW)
    assert (other.code, other.message, other.numbers) == (
        "too_few_events", "12 events, 50 are needed", {"n_events": 12},
    )  # fmt: skip
    assert str(Unfit("few", "none")) == "none"
    assert Unfit("few", "none").numbers == {}
