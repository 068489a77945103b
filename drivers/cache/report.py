"""What is in the cache: rows for the commands ``radiograph cache ...``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .rebuilding import DamagedContentError
from .store import STORE_ERRORS, Store


@dataclass(frozen=True)
class Entry:
    """One known result: node, size, seconds it took, when it was stored."""

    node: str
    key: str
    value: str
    n_bytes: int
    seconds: float
    time: float


def entries(store: Store) -> list[Entry]:
    """Every known result that is still kept, newest first."""
    kept = set(store.values())
    found = [
        Entry(
            record["node"],
            name.removeprefix("key:"),
            record["value"],
            record["bytes"],
            record["seconds"],
            record["time"],
        )
        for name, record in store.records("key:")
        if isinstance(record, dict) and record["value"] in kept
    ]
    return sorted(found, key=lambda e: (-e.time, e.node))


@dataclass(frozen=True)
class Damage:
    """A stored value that cannot be trusted, and why."""

    value: str
    reason: str


def damaged_values(store: Store) -> Iterator[Damage]:
    """Stored values whose bytes are not whole; each is read once."""
    for value in list(store.values()):
        try:
            store.value(value)
        except (DamagedContentError, KeyError, *STORE_ERRORS) as reason:
            yield Damage(value, str(reason))


def spread(items: Sequence[Any], most: int) -> list[Any]:
    """At most ``most`` items, spread evenly; the first and the last are among them."""
    if len(items) <= most:
        return list(items)
    step = (len(items) - 1) / max(most - 1, 1)
    return [items[round(k * step)] for k in range(most)]
