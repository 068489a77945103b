"""Histograms: counts over axes, with what lies outside of them. Filling is each pipeline's own.

The frozen form that flows on edges, lies in the cache and in files; ``to_hist`` makes the object
of the ``hist`` library of it for a notebook.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .arrays import F8, I8, frozen
from .errors import NotAddableError, UsageError

if TYPE_CHECKING:
    import hist


@dataclass(frozen=True)
class Axis:
    """One axis: bins between ``edges``, or ``categories``.

    Attributes
    ----------
    name
        A short name: "mom_wide".
    label, unit
        What stands at the axis: "momentum", "MeV".
    edges
        Shape (n + 1,), ascending. The axis has a place for what is below and one for what is above.
    categories
        Names, one a bin. What is in none of them has no place.
    """

    name: str
    label: str = ""
    unit: str = ""
    edges: F8 | None = None
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.edges is None) == (not self.categories):
            msg = f"axis {self.name}: it has either edges or categories"
            raise ValueError(msg)
        if self.edges is None:
            return
        edges = np.asarray(self.edges)
        if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
            msg = f"axis {self.name}: edges are two numbers or more, each above the last"
            raise ValueError(msg)

    @property
    def n_places(self) -> int:
        """Bins, with the places below and above them."""
        return len(self.categories) if self.edges is None else len(self.edges) + 1

    @property
    def bins(self) -> slice:
        """Where the bins stand among the places."""
        return slice(None) if self.edges is None else slice(1, -1)

    def is_like(self, other: Axis) -> bool:
        """Whether a place of the one is the same place of the other."""
        mine = (self.name, self.label, self.unit, self.categories)
        if mine != (other.name, other.label, other.unit, other.categories):
            return False
        if self.edges is None or other.edges is None:
            return self.edges is other.edges
        return np.array_equal(self.edges, other.edges)


@dataclass(frozen=True)
class Histogram:
    """Counts, or sums of weights, over one axis or several. Adding two gives that of both parts.

    Attributes
    ----------
    axes
        Of each dimension of ``values``.
    values
        Shape (axis.n_places, ...): below, bins, above. In which bin an edge counts, and where what
        is outside of an axis goes, is the filling's.
    variances
        Sums of the squares of weights, shape as values; absent for counts, where they are values.
    missing
        Entries that are NaN: in no place.
    """

    axes: tuple[Axis, ...]
    values: I8 | F8
    variances: F8 | None = None
    missing: int = 0

    def __post_init__(self) -> None:
        shape = tuple(axis.n_places for axis in self.axes)
        for name, array in (("values", self.values), ("variances", self.variances)):
            if array is not None and array.shape != shape:
                msg = (
                    f"histogram of {self._names}: {name} have shape {array.shape}, the axes {shape}"
                )
                raise ValueError(msg)

    @classmethod
    def empty(cls, *axes: Axis, weighted: bool = False) -> Histogram:
        """No entry yet: whole counts, or with ``weighted`` sums of weights."""
        shape = tuple(axis.n_places for axis in axes)
        if weighted:
            return cls(axes, frozen(np.zeros(shape)), frozen(np.zeros(shape)))
        return cls(axes, frozen(np.zeros(shape, np.int64)))

    @property
    def counts(self) -> I8 | F8:
        """The values of the bins, without what lies outside."""
        return self.values[tuple(axis.bins for axis in self.axes)]

    @property
    def total(self) -> int | float:
        """The sum of all values, those outside of the axes with them."""
        return self.values.sum().item()

    @property
    def edges(self) -> F8:
        """Edges of the only axis; ValueError if there are more, or it has categories."""
        edges = [axis.edges for axis in self.axes]
        if len(edges) != 1 or edges[0] is None:
            msg = f"histogram of {self._names}: not one axis with edges"
            raise ValueError(msg)
        return edges[0]

    @property
    def outside(self) -> tuple[int | float, int | float]:
        """What lies below the edges of the only axis, and above."""
        last = len(self.edges)
        return self.values[0].item(), self.values[last].item()

    @property
    def _names(self) -> str:
        return ", ".join(axis.name for axis in self.axes)

    def __add__(self, other: Histogram) -> Histogram:
        """That of both parts; NotAddableError if the other has other axes, or weights for none."""
        pairs = zip(self.axes, other.axes, strict=False)
        other_axes = [mine.name for mine, theirs in pairs if not mine.is_like(theirs)]
        if len(self.axes) != len(other.axes):
            msg = f"histogram of {self._names}: another part is of {other._names}"
            raise NotAddableError(msg)
        if other_axes:
            msg = f"histogram of {self._names}: the axis {other_axes[0]} is another in another part"
            raise NotAddableError(msg)
        mine, theirs = self.variances, other.variances
        if (mine is None) != (theirs is None):
            msg = f"histogram of {self._names}: one part is weighted, another is not"
            raise NotAddableError(msg)
        return replace(
            self,
            values=frozen(self.values + other.values),
            variances=None if mine is None or theirs is None else frozen(mine + theirs),
            missing=self.missing + other.missing,
        )

    def to_hist(self) -> hist.Hist:
        """As a histogram of the ``hist`` library with weights; ``missing`` has no place there.

        UsageError if the library is not installed.
        """
        try:
            import hist
        except ImportError:
            msg = "to_hist needs hist, which is not installed: pip install radiograph[hist]"
            raise UsageError(msg) from None
        made = hist.Hist(
            *(_axis_of_hist(axis) for axis in self.axes), storage=hist.storage.Weight()
        )
        view = made.view(flow=True)
        view.value = self.values
        view.variance = self.values if self.variances is None else self.variances
        return made


def _axis_of_hist(axis: Axis) -> object:
    import hist

    label = f"{axis.label} ({axis.unit})" if axis.unit else axis.label
    if axis.edges is None:
        return hist.axis.StrCategory(axis.categories, name=axis.name, label=label, flow=False)
    return hist.axis.Variable(axis.edges, name=axis.name, label=label)
