"""The columns of a table of hits: where each stands, in which unit, and which rows are an event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
import pandas as pd

from ....schemas.arrays import F8, I1, I8, Mask
from ....schemas.errors import InputError
from ....schemas.imaging.codes import SPECIES
from ....schemas.imaging.reading import UNITS, HitColumn, ReaderSettings, unit_of

OPTIONAL: Final = ("psd", "energy_deposited_MeV")
MEASURED: Final = ("x_cm", "y_cm", "z_cm", "t_ns", "light_MeVee")
_NUMBERS: Final = ("det_id", *MEASURED, *OPTIONAL)
# So many digits are a whole number of eight bytes, in any column that pandas may make of them.
_MOST_DIGITS: Final = 18
_WHOLE: Final = rf"[+-]?\d{{1,{_MOST_DIGITS}}}(\.0*)?"


@dataclass(frozen=True)
class Layout:
    """Our columns in a file: their names there and factors; of CSV the whole heading."""

    names: Mapping[str, str]
    factors: Mapping[str, float]
    heading: tuple[str, ...]
    first_byte: int = 0
    delimiter: str = ","


@dataclass(frozen=True)
class Ids:
    """Event ids of successive rows, 0 where there is none, and of CSV where each row begins.

    ``begins`` has one more at the end: where the last row ends.
    """

    values: I8
    bad: Mask
    begins: I8


@dataclass(frozen=True)
class Rows:
    """Successive rows in our units, NaN where there is no number.

    ``broken`` rows have another number of fields than the heading; ``no_number`` have a text in
    the place of a number. Species are codes, -1 where the word is none.
    """

    ids: Ids
    numbers: Mapping[str, F8]
    species: I1
    no_number: Mask
    broken: Mask


@dataclass(frozen=True)
class Before:
    """What came before a row: the last event id that could be read, and whether one could not."""

    event_id: int | None = None
    is_bad: bool = False


def layout_of(
    path: Path, present: Sequence[str], settings: ReaderSettings, **of_text: Any
) -> Layout:
    """InputError where a column is missing, stands there twice, or its unit is told in two ways."""
    names: dict[str, str] = {}
    for column in get_args(HitColumn):
        asked = settings.columns.get(column)
        wanted = [asked] if asked else [column, *_in_other_units(column)]
        found = [name for name in wanted if name in present]
        if found:
            names[column] = found[0]
        elif asked or column not in OPTIONAL:
            held = ", ".join(map(repr, present[:40])) or "none"
            msg = (
                f"{path}: no column {' or '.join(map(repr, wanted))}; it has {held}. Name it in "
                f'[io.adapter] columns = {{{column} = "..."}}.'
            )
            raise InputError(msg, file=path, key="io.adapter.columns", code="missing_column")
    twice = [name for name in names.values() if list(present).count(name) > 1]
    if twice:
        msg = f"{path}: has the column {twice[0]!r} twice. Give each a name of its own."
        raise InputError(msg, file=path, code="column_twice")
    factors = {column: _factor(path, column, name, settings) for column, name in names.items()}
    return Layout(names, factors, tuple(present), **of_text)


def _in_other_units(column: str) -> list[str]:
    unit = unit_of(column)
    return [f"{column.removesuffix(unit)}{u}" for u in UNITS.get(unit, ()) if u != unit]


def _factor(path: Path, column: Any, name: str, settings: ReaderSettings) -> float:
    """What makes our unit of a column: its name tells which it has, or a setting, or it is ours."""
    ours = unit_of(column)
    if not ours:
        return 1.0
    _, blank, end = name.rpartition("_")
    general = {
        "cm": ("unit_pos_is_mm", "mm" if settings.cm_per_position_unit != 1.0 else ""),
        "ns": ("time_units", "" if settings.time_units == "ns" else settings.time_units),
    }
    told = {
        "its name": end if blank and end in UNITS[ours] else "",
        "[io.adapter] units": settings.units.get(column, ""),
    }
    if ours in general:
        key, unit = general[ours]
        told[f"[io.adapter] {key}"] = unit
    told = {by: unit for by, unit in told.items() if unit}
    if len(set(told.values())) > 1:
        ways = ", ".join(f"{unit} by {by}" for by, unit in told.items())
        msg = f"{path}: column {name!r} is in {ways}. Tell its unit once."
        raise InputError(msg, file=path, key="io.adapter.units", code="unit_told_twice")
    return UNITS[ours][next(iter(told.values()), ours)]


def as_rows(
    ids: Ids,
    given: Callable[[str], pd.Series],
    layout: Layout,
    settings: ReaderSettings,
    broken: Mask,
) -> Rows:
    """Rows of the columns as the file has them, which have none for those that are broken."""
    whole, n = np.flatnonzero(~broken), len(broken)
    numbers = {name: np.full(n, np.nan) for name in _NUMBERS}
    no_number = np.zeros(n, bool)
    for name in layout.factors.keys() & numbers.keys():
        values, bad = _numbers(given(name))
        numbers[name][whole] = values * layout.factors[name]
        no_number[whole] |= bad
    words = {**{name: name for name in SPECIES}, **settings.species}
    place, different = pd.factorize(given("species").astype(object))
    codes = [SPECIES.index(words[w]) if (w := str(v).strip()) in words else -1 for v in different]
    species = np.full(n, -1, np.int8)
    # The place of a missing word is -1: the last of these.
    species[whole] = np.asarray([*codes, -1], np.int8)[place]
    return Rows(ids, numbers, species, no_number, broken)


def _numbers(given: pd.Series) -> tuple[F8, Mask]:
    """Values, NaN where there is none, and where a text is no number."""
    if given.dtype.kind in "iuf":
        return given.to_numpy(np.float64), np.zeros(len(given), bool)
    values, bad = np.full(len(given), np.nan), np.zeros(len(given), bool)
    there = given.notna().to_numpy(bool)
    text = given[there].astype(str)
    good = pd.to_numeric(text, errors="coerce").notna().to_numpy(bool)
    values[np.flatnonzero(there)[good]] = text[good].to_numpy(object).astype(np.float64)
    bad[np.flatnonzero(there)[~good]] = True
    return values, bad


def whole_ids(given: pd.Series) -> tuple[I8, Mask]:
    """Event ids, 0 where there is none; alike whatever stands in other rows."""
    if given.dtype.kind in "iu":
        values = given.to_numpy()
        bad = (values >= 10**_MOST_DIGITS) | (values <= -(10**_MOST_DIGITS))
        return np.where(bad, 0, values).astype(np.int64), bad
    text = given.astype(str).str.strip()
    good = text.str.fullmatch(_WHOLE).to_numpy(bool)
    ids = np.zeros(len(given), np.int64)
    ids[good] = text[good].str.replace(r"\..*", "", regex=True).to_numpy(object).astype(np.int64)
    return ids, ~good


def new_events(
    path: Path, ids: Ids, before: Before | None, n_rows: int
) -> tuple[Mask, Before | None]:
    """Where an event begins; ``before`` is None at a row that begins one whatever it holds.

    InputError where an event id is less than one before it: its event may have had rows there.
    """
    values, bad = ids.values, ids.bad
    if not len(values):
        return np.zeros(0, bool), before
    last = before or Before()
    known = np.maximum.accumulate(np.where(bad, -1, np.arange(len(values))))
    known_before = np.concatenate([[-1], known[:-1]])
    is_first = (known_before < 0) & (last.event_id is None)
    earlier = np.where(known_before < 0, last.event_id or 0, values[known_before])
    falls = np.flatnonzero(~bad & ~is_first & (values < earlier))
    if len(falls):
        row = int(falls[0])
        msg = (
            f"{path}: row {n_rows + row + 1} has event id {values[row]} after {earlier[row]}: "
            "the rows of an event must stand together, with rising ids. Sort the table by it, "
            "or give several files one by one."
        )
        raise InputError(msg, file=path, code="not_sorted")
    after_bad = np.concatenate([[last.is_bad], bad[:-1]])
    new = ~bad & ~after_bad & (is_first | (values != earlier))
    if before is None:
        new[0] = True
    latest = int(values[known[-1]]) if known[-1] >= 0 else last.event_id
    return new, Before(latest, bool(bad[-1]))
