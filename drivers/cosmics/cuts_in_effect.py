"""Settings to the cuts in effect: a cut set, then thresholds and toggles of the settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import xxhash

from ...schemas.cosmics.config import Cuts
from ...schemas.cosmics.cuts import CUTS, DEFAULT_THRESHOLDS, Cut, CutInEffect, CutsInEffect
from ...schemas.errors import UsageError
from ..home import path_of_setting
from .cutset_files import (
    CutSet,
    CutSets,
    did_you_mean,
    number,
    read_cutsets,
    shipped,
    too_many,
)

_WHERE: Final = "[cuts.thresholds]"
_CUTS: Final = "[cuts.toggle_cuts]"
_GROUPS: Final = "[cuts.toggle_groups]"
_BOUNDS: Final = "[cuts]"


def cutsets_of(settings: Cuts, folder: Path) -> CutSets:
    """The cut sets that [cuts] names."""
    named = settings.cutsets_file
    path = shipped() if named is None else path_of_setting(folder, named)
    return read_cutsets(path, strict=settings.strict)


def cuts_in_effect(settings: Cuts, folder: Path) -> CutsInEffect:
    """Every cut with its bounds, on or off; UsageError for what is wrong with [cuts]."""
    sets = cutsets_of(settings, folder)
    return effective(sets[settings.cutset], settings, sets)


def effective(chosen: CutSet, settings: Cuts, sets: CutSets) -> CutsInEffect:
    """A cut set with the thresholds and toggles of the settings."""
    if too_many(len(chosen.added)):
        msg = f"{sets.path}: cut set {chosen.name} adds {len(chosen.added)} cuts; at most 12 can be"
        raise UsageError(msg, file=sets.path, key="cuts.cutset", code="bad_cutset")
    thresholds = dict(chosen.thresholds)
    for name, value in settings.thresholds.items():
        if name not in DEFAULT_THRESHOLDS:
            raise _wrong(_WHERE, f"unknown threshold {name!r}"
                         f"{did_you_mean(name, DEFAULT_THRESHOLDS)}")  # fmt: skip
        thresholds[name] = number(_wrong, _WHERE, name, value), _WHERE
    values = {name: value for name, (value, _) in thresholds.items()}
    _check_ordered(values)
    rows = [c for c in CUTS if settings.on_spill or not c.only_on_spill]
    rows += chosen.added.values()
    active = _toggled(settings, rows, dict(chosen.active))
    items = tuple(_item(cut, values, *active[cut.name]) for cut in rows)
    for item in items:
        if item.lo is not None and item.hi is not None and item.lo >= item.hi:
            text = f"lo = {item.lo:g} is not below hi = {item.hi:g}"
            raise _wrong(_BOUNDS, f"cut {item.cut.name}: {text}; nothing could pass")
    made = CutsInEffect(
        chosen.name,
        settings.on_spill,
        items,
        values,
        {name: source for name, (_, source) in thresholds.items()},
        warnings=sets.warnings,
    )
    return replace(made, hash=_hash(made))


def _wrong(where: str, text: str) -> UsageError:
    return UsageError(f"{where}: {text}", key="cuts", code="bad_cuts")


def _check_ordered(values: Mapping[str, float]) -> None:
    for name, low in values.items():
        above = f"hi_{name.removeprefix('lo_')}"
        if name.startswith("lo_") and above in values and low >= values[above]:
            text = f"{name} = {low:g} is not below {above} = {values[above]:g}"
            raise _wrong(_BOUNDS, f"{text}; nothing could pass")


def _toggled(
    settings: Cuts, rows: list[Cut], active: dict[str, tuple[bool, str]]
) -> dict[str, tuple[bool, str]]:
    """Which cuts are on after toggle_cuts and toggle_groups, the groups last."""
    names = [cut.name for cut in rows]
    groups = list(dict.fromkeys(cut.group for cut in rows))
    for name, is_on in settings.toggle_cuts.items():
        if name not in names:
            off_spill = any(c.name == name and c.only_on_spill for c in CUTS)
            why = (
                ": off-spill there is no such cut; set on_spill = true or leave it out"
                if off_spill else did_you_mean(name, names)
            )  # fmt: skip
            raise _wrong(_CUTS, f"no cut {name!r}{why}")
        active[name] = is_on, _CUTS
    for group, is_on in settings.toggle_groups.items():
        if group not in groups:
            raise _wrong(_GROUPS, f"no group {group!r}{did_you_mean(group, groups)}")
        for cut in rows:
            if cut.group == group:
                active[cut.name] = is_on, _GROUPS
    return active


def _item(cut: Cut, values: Mapping[str, float], is_active: bool, source: str) -> CutInEffect:
    lo, hi = (values[b] if isinstance(b, str) else b for b in (cut.lo, cut.hi))
    told = {"lo": _plain(lo), "hi": _plain(hi), "track_pdg": _plain(values["track_pdg"])}
    text = cut.description
    for name, value in told.items():
        text = text.replace(f"{{{name}}}", value)
    return CutInEffect(cut, is_active, source, lo, hi, text)


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _hash(cuts: CutsInEffect) -> str:
    rows: list[Any] = [
        [i.cut.name, i.cut.group, i.cut.level, i.cut.quantity, list(i.cut.surfaces),
         i.cut.quantifier, i.cut.times, i.is_active, _exact(i.lo), _exact(i.hi)]
        for i in cuts.cuts
    ]  # fmt: skip
    document = [cuts.on_spill, _exact(cuts.thresholds["track_pdg"]), rows]
    return xxhash.xxh3_128(json.dumps(document).encode()).hexdigest()


def _exact(value: float | None) -> str | None:
    return None if value is None else float(value).hex()
