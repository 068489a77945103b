"""Types on the edges of the graph, spelled alike whichever numpy made the names of the arrays.

Since numpy 2.5 ``NDArray[numpy.float32]`` is a lazy alias (``type NDArray[T] = ...``), not the
array type that it stands for: neither Hamilton nor ``typing.get_origin`` looks behind it.
"""

from __future__ import annotations

import functools
import operator
import sys
import types
import typing
from typing import Any, Final

import numpy as np

_ANY_SHAPES: Final = (Any, tuple[int, ...], tuple[Any, ...])


def spelled_out(annotation: Any) -> Any:
    """The annotation with lazy aliases replaced by what they stand for.

    Aliases within unions and within the arguments of a class are replaced too, and an array of
    any shape is an array of shape Any, as numpy has written it both ways.
    """
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if sys.version_info >= (3, 12):
        if isinstance(annotation, typing.TypeAliasType):
            return spelled_out(annotation.__value__)
        if isinstance(origin, typing.TypeAliasType):
            return spelled_out(_substituted(origin, args))
    if isinstance(annotation, types.UnionType) or origin is typing.Union:
        return functools.reduce(operator.or_, (spelled_out(arg) for arg in args))
    if not isinstance(annotation, types.GenericAlias) or not isinstance(origin, type):
        return annotation
    parts = tuple(spelled_out(arg) for arg in args)
    if origin is np.ndarray and parts[0] in _ANY_SHAPES:
        parts = (Any, *parts[1:])
    return types.GenericAlias(origin, parts)


if sys.version_info >= (3, 12):

    def _substituted(alias: typing.TypeAliasType, args: tuple[Any, ...]) -> Any:
        """What an alias stands for with its parameters replaced by ``args``."""
        given = dict(zip(alias.__type_params__, args, strict=False))
        value = alias.__value__
        free = typing.cast(Any, value).__parameters__
        return value[tuple(given.get(p, Any) for p in free)] if free else value
