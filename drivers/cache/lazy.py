"""Values that are known by their fingerprint and read only when somebody needs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...schemas.failures import Failure
from .content import fingerprint

_ABSENT = object()
FAILURE = "failure-"
"""What the fingerprint of a Failure begins with: it is known for one without being read."""
UNKNOWN = "unknown"
"""Fingerprint of a value that a survey would have to compute first."""


class NotComputedError(Exception):
    """A survey asked for a value that only a run can make."""


class Lazy:
    """A value of a node: here already, or to be had by calling ``make``.

    ``fingerprint`` is computed from the value where it is not given; ``n_rows`` is the number of
    its rows where that is known without reading it; ``again`` gives it anew from where it is kept.
    """

    __slots__ = ("__weakref__", "_again", "_fingerprint", "_make", "_n_rows", "_value")

    def __init__(
        self,
        value: Any = _ABSENT,
        *,
        make: Callable[[], Any] | None = None,
        fingerprint: str | None = None,
        n_rows: int | None = None,
        again: Callable[[], Any] | None = None,
    ) -> None:
        self._value = value
        self._make = make
        self._fingerprint = fingerprint
        self._n_rows = n_rows
        self._again = again

    @property
    def fingerprint(self) -> str:
        """Identity of the value."""
        if self._fingerprint is None:
            value = self.value()
            kind = FAILURE if isinstance(value, Failure) else ""
            self._fingerprint = kind + fingerprint(value)
        return self._fingerprint

    @property
    def is_here(self) -> bool:
        """Whether the value is in memory."""
        return self._value is not _ABSENT

    @property
    def n_rows(self) -> int:
        """The number of rows of the value, read for it only where nothing else tells."""
        if self._n_rows is None:
            self._n_rows = len(self.peek())
        return self._n_rows

    def value(self) -> Any:
        """The value itself."""
        if self._value is _ABSENT:
            assert self._make is not None
            self._value = self._make()
            self._make = None
        return self._value

    def release(self) -> None:
        """Let go of the value, and of what it was made of, where it can be had again."""
        if self._again is not None:
            self._value, self._make = _ABSENT, self._again

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


def n_rows_of(value: Any) -> int:
    """The number of rows of a value; 0 where it failed."""
    if failure_in(value) is not None:
        return 0
    return value.n_rows if isinstance(value, Lazy) else len(value)


def failure_in(value: Any) -> Failure | None:
    """The Failure that stands in place of a value; None for any other value, which is not read."""
    if isinstance(value, Lazy):
        value = value.peek() if value.fingerprint.startswith(FAILURE) else None
    return value if isinstance(value, Failure) else None


def unknown() -> Lazy:
    """What stands in a survey for a value that would be computed anew."""

    def make() -> Any:
        raise NotComputedError

    return Lazy(make=make, fingerprint=UNKNOWN)
