"""Values that are known by their fingerprint and read only when somebody needs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .content import fingerprint

_ABSENT = object()
UNKNOWN = "unknown"
"""Fingerprint of a value that a survey would have to compute first."""


class NotComputedError(Exception):
    """A survey asked for a value that only a run can make."""


class Lazy:
    """A value of a node: here already, or to be had by calling ``make``.

    ``fingerprint`` is computed from the value where it is not given.
    """

    __slots__ = ("_fingerprint", "_make", "_value")

    def __init__(
        self,
        value: Any = _ABSENT,
        *,
        make: Callable[[], Any] | None = None,
        fingerprint: str | None = None,
    ) -> None:
        self._value = value
        self._make = make
        self._fingerprint = fingerprint

    @property
    def fingerprint(self) -> str:
        """Identity of the value."""
        if self._fingerprint is None:
            self._fingerprint = fingerprint(self.value())
        return self._fingerprint

    def value(self) -> Any:
        """The value itself."""
        if self._value is _ABSENT:
            assert self._make is not None
            self._value = self._make()
            self._make = None
        return self._value

    def peek(self) -> Any:
        """The value itself, read anew and not kept unless it is here already."""
        if self._value is not _ABSENT:
            return self._value
        assert self._make is not None
        return self._make()


def resolved(value: Any) -> Any:
    """The value behind a Lazy; anything else as it is."""
    return value.value() if isinstance(value, Lazy) else value


def peeked(value: Any) -> Any:
    """The value behind a Lazy for one use, without keeping it; anything else as it is."""
    return value.peek() if isinstance(value, Lazy) else value


def unknown() -> Lazy:
    """What stands in a survey for a value that would be computed anew."""

    def make() -> Any:
        raise NotComputedError

    return Lazy(make=make, fingerprint=UNKNOWN)
