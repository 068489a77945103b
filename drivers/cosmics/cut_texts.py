"""Cut sets as plain values for a machine and as lines for a person."""

from __future__ import annotations

from typing import Any

from ...schemas.cosmics.cuts import CutInEffect, CutsInEffect
from .cutset_files import CutSet, CutSets


def told(cuts: CutsInEffect, chosen: CutSet) -> dict[str, Any]:
    """A cut set in effect as plain values."""
    return {
        "cutset": cuts.cutset,
        "description": chosen.description,
        "lineage": list(chosen.lineage),
        "on_spill": cuts.on_spill,
        "hash": cuts.hash,
        "cuts": [_row(item) for item in cuts.cuts],
        "thresholds": {
            name: {"value": value, "source": cuts.threshold_sources[name]}
            for name, value in cuts.thresholds.items()
        },
        "warnings": list(cuts.warnings),
    }


def _row(item: CutInEffect) -> dict[str, Any]:
    return {
        "cut": item.cut.name,
        "group": item.cut.group,
        "level": item.cut.level,
        "active": item.is_active,
        "source": item.source,
        "lo": item.lo,
        "hi": item.hi,
        "description": item.description,
    }


def lines_of(cuts: CutsInEffect, chosen: CutSet) -> list[str]:
    """The same as a table."""
    spill = "on-spill" if cuts.on_spill else "off-spill"
    lines = [f"{cuts.cutset}: {chosen.description} ({spill}, {cuts.hash})"]
    lines += [
        f"  {'on ' if i.is_active else 'off'} {i.cut.name:24} {i.cut.group:10} "
        f"{i.description}  [{i.source}]"
        for i in cuts.cuts
    ]
    changed = {n: s for n, s in cuts.threshold_sources.items() if s != "default"}
    lines += [
        f"  {name} = {cuts.thresholds[name]:g}  [{source}]" for name, source in changed.items()
    ]
    return [*lines, *(f"  warning: {text}" for text in cuts.warnings)]


def listed(sets: CutSets) -> tuple[dict[str, Any], list[str]]:
    """The cut sets of a file by name."""
    answer = {"file": str(sets.path), "cutsets": {n: s.description for n, s in sets.sets.items()}}
    return answer, [f"{name:14} {s.description}" for name, s in sets.sets.items()]


def groups_of(cuts: CutsInEffect) -> tuple[dict[str, Any], list[str]]:
    """The cuts of each group."""
    found: dict[str, list[str]] = {}
    for item in cuts.cuts:
        found.setdefault(item.cut.group, []).append(item.cut.name)
    return {"groups": found}, [f"{group:10} {', '.join(names)}" for group, names in found.items()]


def difference(first: CutsInEffect, second: CutsInEffect) -> tuple[dict[str, Any], list[str]]:
    """What is other in the second set: cuts on or off, and thresholds."""
    rows = {item.cut.name: item for item in first.cuts}, {i.cut.name: i for i in second.cuts}
    cuts: dict[str, list[bool | None]] = {}
    for name in dict.fromkeys((*rows[0], *rows[1])):
        is_on = [row[name].is_active if name in row else None for row in rows]
        if is_on[0] != is_on[1]:
            cuts[name] = is_on
    thresholds = {
        name: [value, second.thresholds[name]]
        for name, value in first.thresholds.items()
        if second.thresholds[name] != value
    }
    names = [first.cutset, second.cutset]
    words = {True: "on", False: "off", None: "absent"}
    lines = [f"{names[0]} -> {names[1]}"]
    lines += [f"  {name}: {words[a]} -> {words[b]}" for name, (a, b) in cuts.items()]
    lines += [f"  {name}: {a:g} -> {b:g}" for name, (a, b) in thresholds.items()]
    if len(lines) == 1:
        lines.append("  the same cuts and thresholds")
    return {"cutsets": names, "cuts": cuts, "thresholds": thresholds}, lines
