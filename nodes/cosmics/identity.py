"""Stage load, for the run: no event counts twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import I8
from ...schemas.errors import InputError


@tag(stage="load", scope="run")
def n_distinct_events(
    events: pd.DataFrame, input_files: pd.DataFrame, allow_duplicates: bool
) -> int:
    """Number of different events by run, subrun and event number.

    InputError for an event that stands in the input twice, unless that is allowed.
    """
    numbers = [events[name].to_numpy() for name in ("run", "subrun", "event")]
    order = np.lexsort(numbers[::-1])
    same = _same_as_before(numbers, order)
    n = len(events) - int(np.count_nonzero(same))
    if n == len(events) or allow_duplicates:
        return n
    k = int(np.argmax(same))
    first, second = sorted((int(order[k - 1]), int(order[k])))
    files = input_files[input_files["axis"] == "file"]
    paths = dict(zip(files["number"], files["path"], strict=True))
    places = [
        f"entry {events['entry'].iloc[row]} of {paths.get(events['file_index'].iloc[row], '?')}"
        for row in (first, second)
    ]
    run, subrun, event = (int(column[second]) for column in numbers)
    msg = (
        f"run {run}, subrun {subrun}, event {event} is read twice: {places[0]} and {places[1]} "
        f"({len(events) - n} such events). Name each file once, or set "
        "[io] allow_duplicates = true."
    )
    raise InputError(msg, key="io.allow_duplicates", code="event_twice")


def _same_as_before(numbers: list[I8], order: I8) -> I8:
    """In order, whether an event has the numbers of the one before."""
    same = np.ones(len(order), bool)
    same[:1] = False
    for column in numbers:
        ordered = column[order]
        same[1:] &= ordered[1:] == ordered[:-1]
    return same
