"""A table of a run's file, part by part, as it is exported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Table:
    """A table of a file.

    Attributes
    ----------
    blocks
        Gives its columns part by part; one part without rows where there are none.
    what
        What a row is.
    codes
        The names of the values of columns that hold small numbers.
    renamed
        What such a column is called where the names stand in place of the numbers.
    """

    name: str
    blocks: Callable[[], Iterator[Columns]]
    what: str = ""
    codes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)

    def frames(self) -> Iterator[pd.DataFrame]:
        """Its rows part by part, names in the place of codes; a code without a name is missing."""
        for columns in self.blocks():
            named = {
                self.renamed.get(n, n) if n in self.codes else n: self._named(n, values)
                for n, values in columns.items()
            }
            yield pd.DataFrame(named, copy=False)

    def frame(self) -> pd.DataFrame:
        """All its rows."""
        frames = list(self.frames())
        # One of many rows need not be there twice.
        return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)

    def _named(self, column: str, values: np.ndarray) -> Any:
        names = self.codes.get(column)
        if names is None:
            return values
        codes = values.astype(np.int64)
        known = np.where((codes >= 0) & (codes < len(names)), codes, -1)
        return pd.Categorical.from_codes(known, categories=pd.Index(list(names), dtype=object))
