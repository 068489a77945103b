"""The hit tier of all channels as one table of another format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from ...nodes.germanium.hit_flags import BITS
from ..engine.artifacts import Append
from ..engine.parts import Part
from ..runfile.exporting import TABLE_FORMATS

CHANNEL: Final = "channel"


class _Kept(NamedTuple):
    """Rows of a channel that wait on disk."""

    channel: str
    place: Path
    names: tuple[str, ...]
    n_rows: int


@contextmanager
def hit_table(form: str, path: Path) -> Iterator[Append]:
    """The rows of all channels below one another, the first column naming the channel.

    Channels need not have the same columns: these come in the order in which they are met, and
    where a channel has none it is a missing value. The flags stand in columns of their own; packed
    ones are left out, since their order may be another one in each channel. Rows wait on disk, a
    file a channel, until all columns are known.
    """
    types: dict[str, np.dtype[Any]] = {}
    kept: list[_Kept] = []
    with TemporaryDirectory(prefix="radiograph-hit-") as folder:

        def append(part: Part, values: Mapping[str, Any]) -> None:
            (channel,) = part.place((CHANNEL,))
            frame: pd.DataFrame = values["hit_columns"]
            columns = {n: frame[n].to_numpy() for n in frame.columns if n != BITS}
            for name, column in columns.items():
                types[name] = np.result_type(types.get(name, column.dtype), column.dtype)
            # Neither a channel nor a column need have a name that can be that of a file.
            place = Path(folder) / f"{len(kept)}.npz"
            with place.open("wb") as stream:
                np.savez(stream, *columns.values(), allow_pickle=False)
            kept.append(_Kept(str(channel), place, tuple(columns), len(frame)))

        yield append
        TABLE_FORMATS[form](form, _frames(kept, types), path)


def _frames(kept: list[_Kept], types: Mapping[str, np.dtype[Any]]) -> Iterator[pd.DataFrame]:
    """The rows of each channel with the columns of all; one frame without rows if there is none."""
    if not kept:
        yield pd.DataFrame({CHANNEL: np.empty(0, object)})
    for one in kept:
        with np.load(one.place, allow_pickle=False) as columns:
            own = {name: columns[f"arr_{k}"] for k, name in enumerate(one.names)}
        found: dict[str, Any] = {CHANNEL: np.full(one.n_rows, one.channel, object)}
        for name, dtype in types.items():
            found[name] = _column(own.get(name), one.n_rows, dtype)
        yield pd.DataFrame(found, copy=False)


def _column(values: Any, n: int, dtype: np.dtype[Any]) -> Any:
    """Values, or missing ones: NaN of floating numbers, else those of pandas' own types."""
    if dtype.kind == "f":
        return np.full(n, np.nan, dtype) if values is None else values.astype(dtype, copy=False)
    named = "boolean" if dtype.kind == "b" else dtype.name.replace("int", "Int").replace("uI", "UI")
    taken: Any = np.full(n, None, object) if values is None else values
    return pd.array(taken, dtype=named)
