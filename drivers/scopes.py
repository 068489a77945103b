"""Scopes: over which axes of the data a node still varies (tag ``scope``)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

Scopes = Mapping[str, tuple[str, ...]]
RANGE: Final = "range"
FILE: Final = "file"
RUN: Final = "run"
EACH: Final = "each"
"""The tag of a node that is the mapping of another one's values by key."""
BY_RANGE: Final[Scopes] = MappingProxyType({RUN: (), FILE: ("file",), RANGE: ("file", "range")})
"""The run, its files, and their ranges of events; a node without a tag belongs to a range."""
