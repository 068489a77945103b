"""YAML files of cut sets: read, checked, and one set of them with all that it inherits.

defaults: {description, thresholds: {...}, active: {cut: bool}}
cutsets: {name: {description, inherits, thresholds, active, cuts}}
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, Final, get_args

from ...schemas.cosmics.cuts import (
    BIT_OF,
    CUTS,
    DEFAULT_THRESHOLDS,
    MOST_CUTS,
    QUANTITIES,
    SEGMENT_QUANTITIES,
    TRACK_QUANTITIES,
    Cut,
    Level,
    Quantifier,
)
from ...schemas.errors import UsageError
from ..yaml_text import read_yaml

KEY: Final = "cuts.cutsets_file"
DEFAULT: Final = "default"
_SETS: Final = "cutsets"
_SET_KEYS: Final = ("description", "inherits", "thresholds", "active", "cuts")
_CUT_KEYS: Final = (
    "group", "level", "quantity", "surfaces", "quantifier", "times", "lo", "hi", "description",
    "active",
)  # fmt: skip


@dataclass
class Found:
    """What a file of cut sets says, and what is wrong with it.

    In a strict reading the first fault is raised; else all of them are told and ignored.
    """

    path: Path
    strict: bool = True
    warnings: list[str] = field(default_factory=list)

    def wrong(self, where: str, text: str) -> None:
        """A fault at a place of the file."""
        message = f"{self.path}: {where}: {text}"
        if self.strict:
            raise UsageError(message, file=self.path, key=KEY, code="bad_cutset")
        self.warnings.append(message)

    def impossible(self, where: str, text: str) -> UsageError:
        """A fault that no reading can ignore."""
        message = f"{self.path}: {where}: {text}"
        return UsageError(message, file=self.path, key=KEY, code="bad_cutset")


@dataclass(frozen=True)
class CutSet:
    """One cut set with all that it inherits; each value with the set that gave it."""

    name: str
    description: str
    thresholds: Mapping[str, tuple[float, str]]
    active: Mapping[str, tuple[bool, str]]
    added: Mapping[str, Cut]
    lineage: tuple[str, ...] = ()


@dataclass(frozen=True)
class CutSets:
    """Every set of a file by name."""

    path: Path
    sets: Mapping[str, CutSet]
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> CutSet:
        if name not in self.sets:
            msg = f"{self.path}: has no cut set {name!r}{did_you_mean(name, self.sets)}"
            raise UsageError(msg, file=self.path, key="cuts.cutset", code="no_cutset")
        return self.sets[name]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that names what a wrong name is near to."""
    known = list(known)
    near = difflib.get_close_matches(name, known, 2, 0.6)
    return f". Did you mean {' or '.join(near)}?" if near else f"; there is: {', '.join(known)}."


def shipped() -> Path:
    """The file of cut sets of the package."""
    return Path(str(resources.files("radiograph.configs").joinpath("cosmics_cuts.yaml")))


def read_cutsets(path: Path, *, strict: bool = True) -> CutSets:
    """The cut sets of a YAML file; UsageError, in one sentence, for what is wrong with it."""
    data = read_yaml(path, KEY)
    found = Found(path, strict)
    tables = _table(found, "the file", data)
    for name in tables:
        if name not in ("defaults", "cutsets"):
            found.wrong("the file", f"unknown key {name!r}{_near(name, ('defaults', 'cutsets'))}")
    defaults = _table(found, "defaults", tables.get("defaults") or {})
    raw = {str(n): _table(found, f"cut set {n}", t or {})
           for n, t in _table(found, "cutsets", tables.get("cutsets") or {}).items()}  # fmt: skip
    if not raw:
        raise found.impossible(_SETS, "names no cut set. Write one, as alpha: {}")
    base = CutSet(
        DEFAULT,
        "",
        {name: (value, DEFAULT) for name, value in DEFAULT_THRESHOLDS.items()},
        {cut.name: (cut.is_default, DEFAULT) for cut in CUTS},
        {},
    )
    base = _with(found, base, "defaults", defaults, DEFAULT)
    sets: dict[str, CutSet] = {}
    for name in raw:
        _resolve(found, name, raw, base, sets, ())
    return CutSets(path, sets, tuple(found.warnings))


def _resolve(
    found: Found,
    name: str,
    raw: Mapping[str, Mapping[str, Any]],
    base: CutSet,
    sets: dict[str, CutSet],
    above: tuple[str, ...],
) -> CutSet:
    if name in sets:
        return sets[name]
    where = f"cut set {name}"
    if name in above:
        ring = " -> ".join((*above[above.index(name) :], name))
        raise found.impossible(where, f"inherits in a ring: {ring}. Break it.")
    parent = raw[name].get("inherits")
    start = base
    if parent is not None:
        if parent not in raw:
            near = did_you_mean(str(parent), raw)
            raise found.impossible(where, f"inherits {parent!r}, which is none{near}")
        start = _resolve(found, str(parent), raw, base, sets, (*above, name))
    made = _with(found, start, where, raw[name], where)
    sets[name] = replace(made, name=name, lineage=(*start.lineage, name))
    return sets[name]


def _with(found: Found, base: CutSet, where: str, table: Mapping[str, Any], source: str) -> CutSet:
    """A set changed by the sections of another."""
    for name in table:
        if name not in _SET_KEYS:
            found.wrong(where, f"unknown key {name!r}{_near(name, _SET_KEYS)}")
    thresholds, active, added = dict(base.thresholds), dict(base.active), dict(base.added)
    for name, cut_table in _table(found, where, table.get("cuts") or {}).items():
        added[str(name)] = _cut(found, f"{where}, cut {name}", str(name), cut_table)
        is_on = cut_table.get("active", True)
        active[str(name)] = (_bool(found, f"{where}, cut {name}", "active", is_on), source)
    for name, value in _table(found, f"{where}, thresholds", table.get("thresholds") or {}).items():
        if name not in DEFAULT_THRESHOLDS:
            belongs = " It belongs under active." if name in BIT_OF else ""
            near = belongs or _near(name, DEFAULT_THRESHOLDS)
            found.wrong(f"{where}, thresholds", f"unknown threshold {name!r}{near or '.'}")
            continue
        thresholds[name] = (number(found.impossible, f"{where}, thresholds", name, value), source)
    for name, value in _table(found, f"{where}, active", table.get("active") or {}).items():
        if name not in active:
            belongs = "; it belongs under thresholds." if name in DEFAULT_THRESHOLDS else ""
            found.wrong(f"{where}, active",
                        f"unknown cut {name!r}{belongs or _near(name, active)}")  # fmt: skip
            continue
        active[name] = (_bool(found, f"{where}, active", name, value), source)
    description = str(table.get("description") or base.description)
    return replace(base, description=description, thresholds=thresholds, active=active, added=added)


def _table(found: Found, where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise found.impossible(where, f"is {_kind(value)}; write a table of name: value")
    return value


def _near(name: Any, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(name), list(known), 2, 0.6)
    return f". Did you mean {' or '.join(near)}?" if near else "."


def _kind(value: Any) -> str:
    return f"{value!r} ({type(value).__name__})"


def _bool(found: Found, where: str, name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise found.impossible(where, f"{name} is {_kind(value)}; write true or false")
    return value


def number(wrong: Any, where: str, name: str, value: Any) -> float:
    """A threshold; an error of ``wrong`` if it is no finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong(where, f"{name} is {_kind(value)}; write a number without quotes")
    if not math.isfinite(value):
        raise wrong(where, f"{name} is {value}; write a finite number")
    if name == "track_pdg" and int(value) != value:
        raise wrong(where, f"{name} is {value}; a PDG code is a whole number")
    return value


# --- cuts of a user ------------------------------------------------------------------------------


def _cut(found: Found, where: str, name: str, table: Any) -> Cut:
    """A cut over a known quantity; expressions are none."""
    table = _table(found, where, table)
    if name in BIT_OF:
        raise found.impossible(where, "is one of the cuts that are there; give it another name")
    unknown = [key for key in table if key not in _CUT_KEYS]
    if unknown:
        raise found.impossible(where, f"unknown key {unknown[0]!r}{_near(unknown[0], _CUT_KEYS)}")
    quantity = str(table.get("quantity", ""))
    if quantity not in QUANTITIES:
        raise found.impossible(
            where, f"quantity {quantity!r} is not known{_near(quantity, QUANTITIES)} There is: "
            f"{', '.join(QUANTITIES)}."
        )  # fmt: skip
    per_track = quantity in (*SEGMENT_QUANTITIES, *TRACK_QUANTITIES)
    level = _one_of(
        found, where, "level", table, get_args(Level), "track" if per_track else "event"
    )
    if (level == "track") != per_track:
        raise found.impossible(
            where, f"{quantity} is no quantity of level {level}; leave level out"
        )
    surfaces = _surfaces(found, where, table.get("surfaces", ()))
    needs_surfaces = quantity in SEGMENT_QUANTITIES or quantity == "dT_ns"
    if needs_surfaces != bool(surfaces):
        text = "name the surfaces, as [0]" if needs_surfaces else "has no surfaces; leave them out"
        raise found.impossible(where, f"{quantity}: {text}")
    lo, hi = (_bound(found, where, key, table.get(key)) for key in ("lo", "hi"))
    if lo is None and hi is None:
        raise found.impossible(where, "has no bound; write lo, hi, or both")
    times = table.get("times", 1)
    if isinstance(times, bool) or not isinstance(times, int) or times < 0:
        raise found.impossible(where, f"times is {_kind(times)}; write a whole number")
    quantifier = _one_of(found, where, "quantifier", table, get_args(Quantifier), "all")
    text = str(
        table.get("description") or _described(quantity, quantifier, times, surfaces, lo, hi)
    )
    return Cut(
        name,
        str(table.get("group", "User")),
        level,  # type: ignore[arg-type]
        quantity,
        text,
        lo,
        hi,
        surfaces,
        quantifier,  # type: ignore[arg-type]
        times,
    )


def _described(
    quantity: str, quantifier: str, times: int, surfaces: Sequence[int], lo: Any, hi: Any
) -> str:
    """What a cut of a user asks for where the user does not say it."""
    below = "" if lo is None else "{lo} < "
    above = "" if hi is None else " < {hi}"
    where = f" at surface {', '.join(map(str, surfaces))}" if surfaces else ""
    many = {"all": "", "exactly": f"exactly {times} with "}.get(quantifier, f"{quantifier} with ")
    return f"{many}{below}{quantity}{above}{where}"


def _one_of(
    found: Found, where: str, key: str, table: Mapping[str, Any], allowed: Sequence[str], usual: str
) -> str:
    value = table.get(key, usual)
    if value not in allowed:
        raise found.impossible(where, f"{key} is {value!r}; it is one of {', '.join(allowed)}")
    return str(value)


def _surfaces(found: Found, where: str, value: Any) -> tuple[int, ...]:
    items = value if isinstance(value, (list, tuple)) else [value]
    wrong = [v for v in items if isinstance(v, bool) or not isinstance(v, int)]
    if wrong:
        raise found.impossible(where, f"surfaces: {_kind(wrong[0])} is no number of a surface")
    return tuple(items)


def _bound(found: Found, where: str, key: str, value: Any) -> str | float | None:
    if value is None:
        return None
    if isinstance(value, str):
        if value not in DEFAULT_THRESHOLDS:
            near = _near(value, DEFAULT_THRESHOLDS)
            raise found.impossible(where, f"{key}: no threshold {value!r}{near}")
        return value
    return number(found.impossible, where, key, value)


def too_many(n_added: int) -> bool:
    """Whether there are more cuts than bits."""
    return len(CUTS) + n_added > MOST_CUTS
