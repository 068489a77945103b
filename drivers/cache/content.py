"""Values as a typed description and raw buffers: one form for fingerprints and for storage.

A Description walks a value once; what differs in type, dtype, shape, names or bytes differs in
the description. A type it does not know is an error, never a guess. Fingerprints leave out
dataclass fields with ``compare=False`` (a file's path); storage keeps them. rebuilding.py makes
values of descriptions.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import json
import math
import re
import struct
from collections.abc import Callable
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
    """A tree of plain JSON values and the buffers it refers to by number.

    ``is_whole`` says that nothing was left out, which one that is not asked to be whole may be too.
    """

    def __init__(self, value: Any, *, whole: bool, where: str = "value", depth: int = 0) -> None:
        self._whole = whole
        self.is_whole = True
        self.buffers: list[Buffer] = []
        self.tree = self._of(value, where, depth)

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
            # The bits of a NaN belong to it.
            bits = struct.pack(">d", value).hex()
            return {"t": "float", "v": f"nan:{bits}" if math.isnan(value) else value.hex()}
        return {"t": type(value).__name__, "v": str(value) if type(value) is int else value}

    def _complex(self, value: complex, where: str, depth: int) -> Tree:
        parts = [self._plain(p, where, depth)["v"] for p in (value.real, value.imag)]
        return {"t": "complex", "v": parts}

    def _bytes(self, value: bytes, where: str, depth: int) -> Tree:
        del where, depth
        return {"t": type(value).__name__, "b": self._buffer(value)}

    def _text(self, value: Any, where: str, depth: int) -> Tree:
        del depth
        if type(value).__module__.split(".")[0] not in ("pathlib", "decimal"):
            msg = f"{where}: a {_name(type(value))} has no exact description"
            raise UnknownTypeError(msg)
        return {"t": "text", "c": _name(type(value)), "v": str(value)}

    def _time(self, value: Any, where: str, depth: int) -> Tree:
        del depth
        zone = getattr(value, "tzinfo", None)
        if zone is not None and type(zone) is not datetime.timezone:
            msg = f"{where}: a time in {zone} has no exact description; give an offset"
            raise UnknownTypeError(msg)
        fold = getattr(value, "fold", 0)
        return {"t": "time", "c": type(value).__name__, "v": value.isoformat(), "fold": fold}

    def _timestamp(self, value: pd.Timestamp, where: str, depth: int) -> Tree:
        return {**self._time(value, where, depth), "unit": value.unit}

    def _sequence(self, value: Any, where: str, depth: int) -> Tree:
        items = [self._of(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
        return {"t": type(value).__name__, "v": items}

    def _set(self, value: Any, where: str, depth: int) -> Tree:
        # Each by itself first: the order of a set, and of its buffers, differs between processes.
        alone = {}
        for v in value:
            one = Description(v, whole=self._whole, where=f"{where}{{}}", depth=depth + 1)
            alone[one.digest()] = v
            self.is_whole &= one.is_whole
        items = [self._of(v, where, depth + 1) for _, v in sorted(alone.items(), key=_first)]
        return {"t": type(value).__name__, "v": items}

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
        kind = _findable(type(value), where)
        return {"t": "enum", "c": kind, "v": self._of(value.value, where, depth + 1)}

    def _type(self, value: type, where: str, depth: int) -> Tree:
        del depth
        return {"t": "type", "c": _findable(value, where)}

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
        if value.dtype.hasobject and value.dtype.kind != "O":
            msg = f"{where}: an array of {value.dtype} has no exact description"
            raise UnknownTypeError(msg)
        if value.dtype.hasobject:
            items = [self._of(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value.ravel())]
            return {"t": "objects", "shape": list(value.shape), "v": items}
        # Sums depend on the order in memory: it is kept, and belongs to the identity.
        order: Any = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
        data = np.ascontiguousarray(value.ravel(order))
        number = self._buffer(data.view(np.uint8) if data.nbytes else b"")
        tree = {"t": "array", "dtype": _descr(value.dtype), "shape": list(value.shape), "b": number}
        return tree if order == "C" else {**tree, "order": order}

    def _frame(self, value: pd.DataFrame, where: str, depth: int) -> Tree:
        self._no_notes(value, where)
        columns = [
            self._column(column.array, f"{where}[{name!r}]", depth + 1)
            for name, column in value.items()
        ]
        index = self._index(value.index, f"{where}.index", depth + 1)
        names = self._index(value.columns, f"{where}.columns", depth + 1)
        return {"t": "frame", "names": names, "v": columns, "index": index}

    def _no_notes(self, value: Any, where: str) -> None:
        if value.attrs:
            msg = f"{where}: attrs of a {type(value).__name__} have no exact description"
            raise UnknownTypeError(msg)

    def _series(self, value: pd.Series, where: str, depth: int) -> Tree:
        self._no_notes(value, where)
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
        if isinstance(array.dtype, pd.StringDtype):  # its array may also be one of numpy's kind
            items = [None if pd.isna(v) else str(v) for v in array]
            return {"t": "texts", "dtype": _string_dtype(array.dtype), "v": items}
        if isinstance(array, pd.arrays.NumpyExtensionArray):
            return self._array(array.to_numpy(), where, depth)
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
        tree = {"t": "index", "v": self._column(index.array, where, depth + 1), "name": name}
        frequency = getattr(index, "freqstr", None)
        return tree if frequency is None else {**tree, "freq": frequency}

    def _model(self, value: BaseModel, where: str, depth: int) -> Tree:
        kind = _findable(type(value), where)
        if self._whole:
            msg = f"{where}: a model ({kind}) is an input and no result; return a frozen dataclass"
            raise UnknownTypeError(msg)
        self.is_whole = False
        names = [*type(value).model_fields, *(value.model_extra or {})]
        fields = {n: self._of(getattr(value, n), f"{where}.{n}", depth + 1) for n in names}
        return {"t": "model", "c": kind, "v": fields}

    def _dataclass(self, value: Any, where: str, depth: int) -> Tree:
        beside = set(getattr(value, "__dict__", ())) - {f.name for f in dataclasses.fields(value)}
        for name in sorted(beside):
            if not isinstance(getattr(type(value), name, None), functools.cached_property):
                msg = f"{where}.{name}: is no field of {_name(type(value))}"
                raise UnknownTypeError(msg)
        wanted = [f for f in dataclasses.fields(value) if self._whole or f.compare]
        self.is_whole &= len(wanted) == len(dataclasses.fields(value))
        fields = {
            f.name: self._of(getattr(value, f.name), f"{where}.{f.name}", depth + 1) for f in wanted
        }
        return {"t": "dataclass", "c": _findable(type(value), where), "v": fields}


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
    (pd.Timestamp, _D._timestamp),
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


def _first(item: tuple[str, Any]) -> str:
    return item[0]


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _findable(kind: type, where: str) -> str:
    """The name of a class; one made inside a function shares its name with others."""
    if "<locals>" in kind.__qualname__:
        msg = f"{where}: the class {kind.__qualname__} is local; define it in a module"
        raise UnknownTypeError(msg)
    return _name(kind)


def _descr(dtype: np.dtype[Any]) -> Any:
    return np.lib.format.dtype_to_descr(dtype)


def _string_dtype(dtype: pd.StringDtype) -> list[Any]:
    return [dtype.storage, "NA" if dtype.na_value is pd.NA else "nan"]
