"""Descriptions back to values: exact, without pickle, without classes from elsewhere."""

from __future__ import annotations

import datetime
import enum
import importlib
import pathlib
import re
import struct
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from .content import Tree

_TEXTS: Final[Mapping[str, Any]] = {
    "decimal:Decimal": Decimal,
    **{
        f"{module}:{name}": getattr(pathlib, name)
        for module in ("pathlib", "pathlib._local")
        for name in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
    },
}
_TIMES: Final[Mapping[str, Any]] = {
    "date": datetime.date,
    "datetime": datetime.datetime,
    "time": datetime.time,
}


class DamagedContentError(ValueError):
    """Bytes that are no whole value."""


def rebuilt(tree: Tree, buffers: list[Any], packages: tuple[str, ...]) -> Any:
    """The value of a stored description.

    ``packages`` are the only ones whose dataclasses and enums are made again, the dataclasses
    without their constructors.
    """
    return _Rebuilding(buffers, packages).of(tree)


class _Rebuilding:
    def __init__(self, buffers: list[Any], packages: tuple[str, ...]) -> None:
        self._buffers = buffers
        self._packages = packages

    def of(self, tree: Tree) -> Any:
        build = _BUILDERS.get(tree["t"])
        if build is None:
            msg = f"a stored {tree['t']} cannot be made again"
            raise DamagedContentError(msg)
        return build(self, tree)

    def _same(self, tree: Tree) -> Any:
        return tree["v"]

    def _int(self, tree: Tree) -> int:
        return int(tree["v"])

    def _float(self, tree: Tree) -> float:
        text = tree["v"]
        if text.startswith("nan:"):
            (value,) = struct.unpack(">d", bytes.fromhex(text[4:]))
            return float(value)
        return float.fromhex(text)

    def _complex(self, tree: Tree) -> complex:
        real, imaginary = (self._float({"v": v}) for v in tree["v"])
        return complex(real, imaginary)

    def _bytes(self, tree: Tree) -> Any:
        data = bytes(self._buffers[tree["b"]])
        return bytearray(data) if tree["t"] == "bytearray" else data

    def _text(self, tree: Tree) -> Any:
        return _TEXTS[tree["c"]](tree["v"])

    def _time(self, tree: Tree) -> Any:
        if tree["c"] == "Timestamp":
            return pd.Timestamp(tree["v"]).as_unit(tree["unit"]).replace(fold=tree["fold"])
        value = _TIMES[tree["c"]].fromisoformat(tree["v"])
        return value.replace(fold=tree["fold"]) if tree["fold"] else value

    def _sequence(self, tree: Tree) -> Any:
        make: Any = {"tuple": tuple, "list": list, "set": set, "frozenset": frozenset}[tree["t"]]
        return make(self.of(v) for v in tree["v"])

    def _dict(self, tree: Tree) -> dict[Any, Any]:
        return {self.of(k): self.of(v) for k, v in tree["v"]}

    def _mappingproxy(self, tree: Tree) -> Mapping[Any, Any]:
        return MappingProxyType(self._dict(tree))

    def _range(self, tree: Tree) -> Any:
        make: Any = range if tree["t"] == "range" else slice
        return make(*(self.of(v) for v in tree["v"]))

    def _enum(self, tree: Tree) -> Any:
        return self._class(tree["c"], enum.Enum)(self.of(tree["v"]))

    def _type(self, tree: Tree) -> Any:
        return self._class(tree["c"], object)

    def _pattern(self, tree: Tree) -> re.Pattern[Any]:
        pattern, flags = tree["v"]
        return re.compile(self.of(pattern), flags)

    def _dtype(self, tree: Tree) -> np.dtype[Any]:
        return dtype_of(tree["v"])

    def _scalar(self, tree: Tree) -> Any:
        return self.of(tree["v"])[()]

    def _array(self, tree: Tree) -> np.ndarray:
        dtype, shape = dtype_of(tree["dtype"]), tree["shape"]
        if dtype.itemsize == 0 or 0 in shape:
            array = np.empty(shape, dtype)
        else:
            flat = np.frombuffer(self._buffers[tree["b"]], dtype=dtype)
            array = flat.reshape(shape, order=tree.get("order", "C"))
        array.flags.writeable = False
        return array

    def _objects(self, tree: Tree) -> np.ndarray:
        array = np.empty(len(tree["v"]), object)
        for k, item in enumerate(tree["v"]):
            array[k] = self.of(item)
        array = array.reshape(tree["shape"])
        array.flags.writeable = False
        return array

    def _categorical(self, tree: Tree) -> pd.Categorical:
        return pd.Categorical.from_codes(
            self._array(tree["codes"]),
            categories=self.of(tree["categories"]),
            ordered=tree["ordered"],
        )

    def _texts(self, tree: Tree) -> Any:
        storage, missing = tree["dtype"]
        na_value = np.nan if missing == "nan" else pd.NA
        return pd.array(tree["v"], dtype=pd.StringDtype(storage, na_value=na_value))

    def _range_index(self, tree: Tree) -> pd.RangeIndex:
        start, stop, step = tree["v"]
        return pd.RangeIndex(start, stop, step, name=self.of(tree["name"]))

    def _index(self, tree: Tree) -> pd.Index:
        name, values = self.of(tree["name"]), self.of(tree["v"])
        if tree["v"]["t"] == "objects":
            return pd.Index(values, name=name, dtype=object, tupleize_cols=False)
        index = pd.Index(values, name=name)
        if "freq" in tree:
            index.freq = tree["freq"]
        return index

    def _frame(self, tree: Tree) -> pd.DataFrame:
        index = self.of(tree["index"])
        columns = {k: self._column(v, index, None) for k, v in enumerate(tree["v"])}
        frame = pd.DataFrame(columns, index=index, copy=False)
        frame.columns = self.of(tree["names"])
        return frame

    def _series(self, tree: Tree) -> pd.Series:
        return self._column(tree["v"], self.of(tree["index"]), self.of(tree["name"]))

    def _column(self, tree: Tree, index: pd.Index, name: Any) -> pd.Series:
        # pandas guesses a type for objects where none is given.
        dtype: Any = object if tree["t"] == "objects" else None
        return pd.Series(self.of(tree), index=index, name=name, dtype=dtype, copy=False)

    def _dataclass(self, tree: Tree) -> Any:
        make = self._class(tree["c"], object)
        if not hasattr(make, "__dataclass_fields__"):
            msg = f"{tree['c']} is no dataclass"
            raise DamagedContentError(msg)
        made = object.__new__(make)
        for name, value in tree["v"].items():
            object.__setattr__(made, name, self.of(value))
        return made

    def _class(self, name: str, base: type) -> Any:
        module, _, path = name.partition(":")
        if module.split(".")[0] not in self._packages:
            msg = f"{name} belongs to none of {', '.join(self._packages)}"
            raise DamagedContentError(msg)
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
        # What a module of ours has only imported is not ours.
        if not (isinstance(found, type) and issubclass(found, base)) or name != (
            f"{found.__module__}:{found.__qualname__}"
        ):
            msg = f"{name} is no {'class' if base is object else base.__name__} of its own"
            raise DamagedContentError(msg)
        return found


_R = _Rebuilding
_BUILDERS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("NoneType", "bool", "str"), _R._same),
    **dict.fromkeys(("tuple", "list", "set", "frozenset"), _R._sequence),
    **dict.fromkeys(("range", "slice"), _R._range),
    **dict.fromkeys(("bytes", "bytearray"), _R._bytes),
    "int": _R._int,
    "float": _R._float,
    "complex": _R._complex,
    "text": _R._text,
    "time": _R._time,
    "dict": _R._dict,
    "mappingproxy": _R._mappingproxy,
    "enum": _R._enum,
    "type": _R._type,
    "pattern": _R._pattern,
    "dtype": _R._dtype,
    "scalar": _R._scalar,
    "array": _R._array,
    "objects": _R._objects,
    "categorical": _R._categorical,
    "texts": _R._texts,
    "range_index": _R._range_index,
    "index": _R._index,
    "frame": _R._frame,
    "series": _R._series,
    "dataclass": _R._dataclass,
}


def dtype_of(descr: Any) -> np.dtype[Any]:
    """The dtype of its description in the words of numpy's own file format, JSON's lists in it."""
    return np.dtype(np.lib.format.descr_to_dtype(_as_tuples(descr)))


def _as_tuples(descr: Any) -> Any:
    if not isinstance(descr, list):
        return descr
    if descr and isinstance(descr[0], (str, int)):
        return tuple(_as_tuples(d) for d in descr)  # a pair with a title, or a sub-array
    fields: list[Any] = []
    for name, kind, *shape in descr:
        fields.append(
            (
                tuple(name) if isinstance(name, list) else name,
                _as_tuples(kind),
                *(tuple(s) for s in shape),
            )
        )
    return fields
