"""Values as a typed description and raw buffers: one form for fingerprints and for storage.

``described`` walks a value once; what differs in type, dtype, shape, names or bytes differs in
the description. A type it does not know is an error, never a guess. Fingerprints leave out
dataclass fields with ``compare=False`` (a file's path); storage keeps them.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import importlib
import json
import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
import xxhash
from pydantic import BaseModel

Tree = dict[str, Any]
Buffer = Any
_MOST_DEEP: Final = 200


class UnknownTypeError(TypeError):
    """A value of a type that has no exact description."""


class Description:
    """A tree of plain JSON values and the buffers it refers to by number."""

    def __init__(self, value: Any, *, whole: bool) -> None:
        self._whole = whole
        self.buffers: list[Buffer] = []
        self.tree = self._of(value, "value", 0)

    def header(self) -> bytes:
        """The tree as canonical JSON, with the sizes of the buffers."""
        sizes = [memoryview(b).nbytes for b in self.buffers]
        document = {"tree": self.tree, "sizes": sizes}
        return json.dumps(document, separators=(",", ":"), ensure_ascii=True).encode()

    def digest(self) -> str:
        """xxh3_128 of header and buffers, hexadecimal."""
        found = xxhash.xxh3_128(self.header())
        for buffer in self.buffers:
            found.update(buffer)
        return found.hexdigest()

    def _buffer(self, data: Buffer) -> int:
        self.buffers.append(data)
        return len(self.buffers) - 1

    def _of(self, value: Any, where: str, depth: int) -> Tree:
        if depth > _MOST_DEEP:
            msg = f"{where}: nested deeper than {_MOST_DEEP}"
            raise UnknownTypeError(msg)
        kind = type(value)
        for types, describe in _EXACT:
            if kind in types:
                return describe(self, value, where, depth)
        for base, describe in _BASES:
            if isinstance(value, base):
                return describe(self, value, where, depth)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._dataclass(value, where, depth)
        msg = f"{where}: a {kind.__module__}.{kind.__qualname__} has no exact description"
        raise UnknownTypeError(msg)

    def _plain(self, value: Any, where: str, depth: int) -> Tree:
        del where, depth
        if isinstance(value, float):
            return {"t": "float", "v": value.hex() if math.isfinite(value) else repr(value)}
        return {"t": type(value).__name__, "v": str(value) if type(value) is int else value}

    def _complex(self, value: complex, where: str, depth: int) -> Tree:
        parts = [self._plain(p, where, depth)["v"] for p in (value.real, value.imag)]
        return {"t": "complex", "v": parts}

    def _bytes(self, value: bytes, where: str, depth: int) -> Tree:
        del where, depth
        return {"t": type(value).__name__, "b": self._buffer(value)}

    def _text(self, value: Any, where: str, depth: int) -> Tree:
        del where, depth
        return {"t": _name(type(value)), "v": str(value)}

    def _time(self, value: Any, where: str, depth: int) -> Tree:
        del where, depth
        return {"t": _name(type(value)), "v": value.isoformat()}

    def _sequence(self, value: Any, where: str, depth: int) -> Tree:
        items = [self._of(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
        return {"t": type(value).__name__, "v": items}

    def _set(self, value: Any, where: str, depth: int) -> Tree:
        items = [self._of(v, f"{where}{{}}", depth + 1) for v in value]
        return {"t": type(value).__name__, "v": sorted(items, key=json.dumps)}

    def _mapping(self, value: Any, where: str, depth: int) -> Tree:
        items = [
            [self._of(k, f"{where} key", depth + 1), self._of(v, f"{where}[{k!r}]", depth + 1)]
            for k, v in value.items()
        ]
        return {"t": type(value).__name__, "v": items}

    def _range(self, value: Any, where: str, depth: int) -> Tree:
        parts = [self._of(getattr(value, a), where, depth + 1) for a in ("start", "stop", "step")]
        return {"t": type(value).__name__, "v": parts}

    def _enum(self, value: enum.Enum, where: str, depth: int) -> Tree:
        del where, depth
        return {"t": "enum", "c": _name(type(value)), "v": value.name}

    def _type(self, value: type, where: str, depth: int) -> Tree:
        del where, depth
        return {"t": "type", "v": _name(value)}

    def _pattern(self, value: re.Pattern[Any], where: str, depth: int) -> Tree:
        return {"t": "pattern", "v": [self._of(value.pattern, where, depth + 1), value.flags]}

    def _dtype(self, value: np.dtype[Any], where: str, depth: int) -> Tree:
        del where, depth
        return {"t": "dtype", "v": _descr(value)}

    def _scalar(self, value: np.generic, where: str, depth: int) -> Tree:
        return {"t": "scalar", "v": self._array(np.asarray(value), where, depth)}

    def _array(self, value: np.ndarray, where: str, depth: int) -> Tree:
        if type(value) is not np.ndarray:
            msg = f"{where}: a {type(value).__name__} has no exact description"
            raise UnknownTypeError(msg)
        if value.dtype.hasobject:
            items = [self._of(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value.ravel())]
            return {"t": "objects", "shape": list(value.shape), "v": items}
        if value.dtype.kind == "T":
            texts = [str(v) for v in value.ravel()]
            return {"t": "strings", "shape": list(value.shape), "v": texts}
        data = np.ascontiguousarray(value).reshape(-1)
        number = self._buffer(data.view(np.uint8) if data.nbytes else b"")
        return {
            "t": "array",
            "dtype": _descr(value.dtype),
            "shape": list(value.shape),
            "b": number,
        }

    def _frame(self, value: pd.DataFrame, where: str, depth: int) -> Tree:
        names = [self._of(n, f"{where} column", depth + 1) for n in value.columns]
        columns = [
            self._column(value.iloc[:, k].array, f"{where}[{value.columns[k]!r}]", depth + 1)
            for k in range(value.shape[1])
        ]
        index = self._index(value.index, f"{where}.index", depth + 1)
        label = self._of(value.columns.name, f"{where}.columns.name", depth + 1)
        return {"t": "frame", "names": names, "v": columns, "index": index, "label": label}

    def _series(self, value: pd.Series, where: str, depth: int) -> Tree:
        return {
            "t": "series",
            "v": self._column(value.array, where, depth + 1),
            "index": self._index(value.index, f"{where}.index", depth + 1),
            "name": self._of(value.name, f"{where}.name", depth + 1),
        }

    def _column(self, array: Any, where: str, depth: int) -> Tree:
        if isinstance(array, pd.Categorical):
            return {
                "t": "categorical",
                "codes": self._array(np.asarray(array.codes), where, depth),
                "categories": self._index(array.categories, where, depth),
                "ordered": bool(array.ordered),
            }
        if isinstance(array, pd.arrays.NumpyExtensionArray):
            return self._array(array.to_numpy(), where, depth)
        if isinstance(array.dtype, pd.StringDtype):
            items = [None if pd.isna(v) else str(v) for v in array]
            return {"t": "texts", "dtype": _string_dtype(array.dtype), "v": items}
        if array.dtype.kind in "mM" and getattr(array.dtype, "tz", None) is None:
            return self._array(np.asarray(array), where, depth)
        msg = f"{where}: a column of {array.dtype} has no exact description"
        raise UnknownTypeError(msg)

    def _index(self, index: pd.Index, where: str, depth: int) -> Tree:
        name = self._of(index.name, f"{where}.name", depth + 1)
        if isinstance(index, pd.RangeIndex):
            return {"t": "range_index", "v": [index.start, index.stop, index.step], "name": name}
        if isinstance(index, pd.MultiIndex):
            msg = f"{where}: a MultiIndex has no exact description"
            raise UnknownTypeError(msg)
        return {"t": "index", "v": self._column(index.array, where, depth + 1), "name": name}

    def _model(self, value: BaseModel, where: str, depth: int) -> Tree:
        fields = {
            n: self._of(getattr(value, n), f"{where}.{n}", depth + 1)
            for n in type(value).model_fields
        }
        return {"t": "model", "c": _name(type(value)), "v": fields}

    def _dataclass(self, value: Any, where: str, depth: int) -> Tree:
        fields = {
            f.name: self._of(getattr(value, f.name), f"{where}.{f.name}", depth + 1)
            for f in dataclasses.fields(value)
            if self._whole or f.compare
        }
        return {"t": "dataclass", "c": _name(type(value)), "v": fields}


_D = Description
_Describe = Callable[[Description, Any, str, int], Tree]
_EXACT: Final[tuple[tuple[frozenset[type], _Describe], ...]] = (
    (frozenset({type(None), bool, int, float, str}), _D._plain),
    (frozenset({tuple, list}), _D._sequence),
    (frozenset({dict, MappingProxyType}), _D._mapping),
    (frozenset({bytes, bytearray}), _D._bytes),
    (frozenset({set, frozenset}), _D._set),
    (frozenset({complex}), _D._complex),
    (frozenset({range, slice}), _D._range),
    (frozenset({Decimal}), _D._text),
    (frozenset({datetime.date, datetime.datetime, datetime.time}), _D._time),
    (frozenset({pd.DataFrame}), _D._frame),
    (frozenset({pd.Series}), _D._series),
)
_BASES: Final[tuple[tuple[type, _Describe], ...]] = (
    (np.ndarray, _D._array),
    (enum.Enum, _D._enum),
    (pd.Timestamp, _D._time),
    (np.generic, _D._scalar),
    (np.dtype, _D._dtype),
    (PurePath, _D._text),
    (BaseModel, _D._model),
    (re.Pattern, _D._pattern),
    (pd.Index, lambda d, v, where, depth: d._index(v, where, depth)),
    (type, _D._type),
)


def fingerprint(value: Any) -> str:
    """xxh3_128 of the identity of a value; UnknownTypeError for a type without one."""
    return Description(value, whole=False).digest()


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _descr(dtype: np.dtype[Any]) -> Any:
    return np.lib.format.dtype_to_descr(dtype)


def _string_dtype(dtype: pd.StringDtype) -> list[Any]:
    return [dtype.storage, "NA" if dtype.na_value is pd.NA else "nan"]


class DamagedContentError(ValueError):
    """Bytes that are no whole value."""


def rebuilt(tree: Tree, buffers: list[Any], packages: tuple[str, ...]) -> Any:
    """The value of a stored description.

    ``packages`` are the only ones whose dataclasses and enums are made again; nothing is
    executed but their constructors.
    """
    return _Rebuilding(buffers, packages).of(tree)


class _Rebuilding:
    def __init__(self, buffers: list[Any], packages: tuple[str, ...]) -> None:
        self._buffers = buffers
        self._packages = packages

    def of(self, tree: Tree) -> Any:
        kind = tree["t"]
        build = getattr(self, f"_{kind}", None)
        if build is not None:
            return build(tree)
        if kind in ("NoneType", "bool", "str"):
            return tree["v"]
        msg = f"a stored {kind} cannot be made again"
        raise DamagedContentError(msg)

    def _int(self, tree: Tree) -> int:
        return int(tree["v"])

    def _float(self, tree: Tree) -> float:
        text = tree["v"]
        return float(text) if text in ("nan", "inf", "-inf") else float.fromhex(text)

    def _complex(self, tree: Tree) -> complex:
        real, imaginary = (self._float({"v": v}) for v in tree["v"])
        return complex(real, imaginary)

    def _bytes(self, tree: Tree) -> bytes:
        return bytes(self._buffers[tree["b"]])

    def _tuple(self, tree: Tree) -> tuple[Any, ...]:
        return tuple(self.of(v) for v in tree["v"])

    def _list(self, tree: Tree) -> list[Any]:
        return [self.of(v) for v in tree["v"]]

    def _set(self, tree: Tree) -> set[Any]:
        return {self.of(v) for v in tree["v"]}

    def _frozenset(self, tree: Tree) -> frozenset[Any]:
        return frozenset(self.of(v) for v in tree["v"])

    def _dict(self, tree: Tree) -> dict[Any, Any]:
        return {self.of(k): self.of(v) for k, v in tree["v"]}

    def _mappingproxy(self, tree: Tree) -> Mapping[Any, Any]:
        return MappingProxyType(self._dict(tree))

    def _range(self, tree: Tree) -> range:
        return range(*(self.of(v) for v in tree["v"]))

    def _enum(self, tree: Tree) -> Any:
        return self._class(tree["c"])[tree["v"]]

    def _dtype(self, tree: Tree) -> np.dtype[Any]:
        return _dtype_of(tree["v"])

    def _scalar(self, tree: Tree) -> Any:
        return self._array(tree["v"])[()]

    def _array(self, tree: Tree) -> np.ndarray:
        dtype = _dtype_of(tree["dtype"])
        flat = np.frombuffer(self._buffers[tree["b"]], dtype=dtype)
        array = flat.reshape(tree["shape"])
        array.flags.writeable = False
        return array

    def _objects(self, tree: Tree) -> np.ndarray:
        array = np.empty(len(tree["v"]), object)
        array[:] = [self.of(v) for v in tree["v"]]
        return array.reshape(tree["shape"])

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
        values = self.of(tree["v"])
        dtype = object if tree["v"]["t"] == "objects" else None
        return pd.Index(values, name=self.of(tree["name"]), dtype=dtype)

    def _frame(self, tree: Tree) -> pd.DataFrame:
        columns = [self.of(v) for v in tree["v"]]
        frame = pd.DataFrame(dict(enumerate(columns)), index=self.of(tree["index"]), copy=False)
        names = [self.of(n) for n in tree["names"]]
        frame.columns = pd.Index(names, name=self.of(tree["label"]))
        return frame

    def _series(self, tree: Tree) -> pd.Series:
        index, name = self.of(tree["index"]), self.of(tree["name"])
        return pd.Series(self.of(tree["v"]), index=index, name=name, copy=False)

    def _dataclass(self, tree: Tree) -> Any:
        make = self._class(tree["c"])
        if not hasattr(make, "__dataclass_fields__"):
            msg = f"{tree['c']} is no dataclass"
            raise DamagedContentError(msg)
        return make(**{name: self.of(v) for name, v in tree["v"].items()})

    def _class(self, name: str) -> Any:
        module, _, path = name.partition(":")
        if module.split(".")[0] not in self._packages:
            msg = f"{name} belongs to none of {', '.join(self._packages)}"
            raise DamagedContentError(msg)
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
        if not isinstance(found, type):
            msg = f"{name} is no class"
            raise DamagedContentError(msg)
        return found


def _dtype_of(descr: Any) -> np.dtype[Any]:
    if isinstance(descr, list):
        fields: Any = [tuple(tuple(p) if isinstance(p, list) else p for p in f) for f in descr]
        return np.lib.format.descr_to_dtype(fields)
    return np.dtype(descr)
