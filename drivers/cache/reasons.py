"""Why a node is not in the cache: what differs from the last time, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MOST_NAMED = 3


def reason_of_miss(
    last: Mapping[str, Any] | None,
    parts: Mapping[str, str],
    inputs: Mapping[str, str],
    salt: Mapping[str, str],
) -> str:
    """One line: first run, or which code, constant, input or version changed since ``last``."""
    if last is None:
        return "never computed here before"
    texts = []
    for noun, before, now in (
        ("code", last["parts"], parts),
        ("input", last["inputs"], inputs),
        ("version of", last["salt"], salt),
    ):
        changed = changed_names(before, now)
        if changed:
            # What is reached anew or no more follows from what was edited.
            edited = [name for name in changed if name in before and name in now]
            texts.append(f"{noun} {_named(edited or changed)} changed")
    return "; ".join(texts) if texts else "its value is no longer in the cache"


def value_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """``name: old -> new`` of the settings that differ, in order of their names."""
    absent = "absent"
    return [
        f"{name}: {before.get(name, absent)} -> {now.get(name, absent)}"
        for name in changed_names(before, now)
    ]


def changed_names(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names whose values differ, are new or are gone."""
    return sorted(n for n in {*before, *now} if before.get(n) != now.get(n))


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    rest = len(names) - _MOST_NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown
