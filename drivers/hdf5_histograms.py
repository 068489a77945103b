"""Histograms in HDF5: values and variances with what lies outside, and their axes.

``values`` and ``variances`` have a place below and one above the bins of each axis with edges
(attribute ``flow``); ``axes/axis_i`` has the attributes name, label, unit and type, and the dataset
``edges`` or ``categories``. ``missing`` counts the entries that are NaN.
"""

from __future__ import annotations

import h5py
import numpy as np

from ..nodes.hdf5_content import Content
from ..schemas.arrays import frozen
from ..schemas.histograms import Axis, Histogram
from .hdf5 import write_array

MARK = "histogram"


def write_histogram(parent: h5py.Group, path: str, found: Histogram, description: str) -> None:
    """Write a histogram as a group below ``parent``."""
    group = parent.require_group(path)
    group.attrs["description"] = description
    group.attrs["kind"] = MARK
    group.attrs["flow"] = True
    variances = found.values if found.variances is None else found.variances
    write_array(group, "values", found.values, "", "entries, or sums of weights")
    write_array(group, "variances", np.asarray(variances, np.float64), "", "squared errors")
    write_array(group, "missing", found.missing, "", "entries that are NaN")
    group.attrs["weighted"] = found.variances is not None
    for k, axis in enumerate(found.axes):
        at = group.require_group(f"axes/axis_{k}")
        for name in ("name", "label", "unit"):
            at.attrs[name] = getattr(axis, name)
        at.attrs["type"] = "edges" if axis.edges is not None else "categories"
        if axis.edges is not None:
            write_array(at, "edges", axis.edges, axis.unit, f"edges of {axis.label}")
        else:
            write_array(at, "categories", list(axis.categories), "", f"names of {axis.label}")


def read_histogram(group: Content) -> Histogram:
    """A histogram as it was written."""
    values = group["values"][()]
    variances = group["variances"][()] if bool(group.attrs.get("weighted", False)) else None
    axes = []
    for k in range(values.ndim):
        at = group.content(f"axes/axis_{k}")
        name, label, unit = (str(at.attrs.get(n, "")) for n in ("name", "label", "unit"))
        if str(at.attrs.get("type", "")) == "edges":
            axes.append(Axis(name, label, unit, frozen(at["edges"][()])))
        else:
            axes.append(Axis(name, label, unit, categories=tuple(at["categories"].texts())))
    missing = int(group["missing"][()])
    return Histogram(tuple(axes), frozen(values), variances, missing)
