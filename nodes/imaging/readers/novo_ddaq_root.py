"""NOVO DDAQ ROOT: a tree (or RNTuple) with one entry a coincidence window, up to N hits in it.

Slot i holds x{i} y{i} z{i} t{i} dE{i} psd{i} det{i} particle{i} clipped{i}; a slot with a
negative det is empty. dE is light in MeVee. Format: see docs/formats.md.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ....schemas.arrays import I8, Mask
from ....schemas.errors import InputError
from ....schemas.imaging.codes import SPECIES
from ....schemas.imaging.images import SourceRecords
from ....schemas.imaging.reading import ReaderSettings, SourceMetadata
from ....schemas.imaging.record_frames import PROBLEMS, PRODUCTS, REACTIONS
from ....schemas.sources import EventRange, FileRef
from ....schemas.tables import categories_of
from ...file_kinds import ROOT
from ...whole_numbers import NUMBER_KINDS, whole_numbers
from ..kernels.usrdef_text import LARGEST_VALUE
from .phits_usrdef import HITS_WITHOUT_MATERIAL
from .reader import Reader

FIELDS: Final = ("x", "y", "z", "t", "dE", "psd", "det", "particle", "clipped")
PARTICLE_NEUTRON: Final = 1
PARTICLE_GAMMA: Final = 2
FEWEST_SLOTS: Final = 2
SHOWN_PER_KIND: Final = 100
_WHOLE: Final = ("det", "particle", "clipped")
_MEASURED: Final = ("x", "y", "z", "t", "dE")


def event_ranges(path: Path, events_per_range: int, settings: ReaderSettings) -> list[EventRange]:
    """The ranges of a file, by entries; InputError for a missing tree or branch, or no entry."""
    with _opened(path) as file:
        n_events = int(_tree(file, path, settings.tree_key).num_entries)
    if n_events == 0:
        msg = (
            f"{path}: {settings.tree_key!r} has every branch but no entry: nothing was written "
            "into it. Give another file, or set [io.adapter] tree_key to the tree that has events."
        )
        raise InputError(msg, file=path, key="io.adapter.tree_key")
    starts = range(0, n_events, events_per_range)
    return [EventRange(k, min(events_per_range, n_events - k)) for k in starts]


def read(
    source: FileRef, events: EventRange, settings: ReaderSettings, threads: int = 1
) -> SourceRecords:
    """Hits and problems of one range of entries."""
    path = Path(source.path)
    with _opened(path) as file:
        tree = _tree(file, path, settings.tree_key)
        slots = _slots(path, tree)
        stop = events.first_event + events.n_events
        with _readable(path):
            arrays = _arrays(tree, slots, events.first_event, stop)
    _check_branches(path, tree.name, arrays)
    return _records(*_columns(arrays, slots, stop - events.first_event), events, settings)


def metadata(source: FileRef, settings: ReaderSettings) -> SourceMetadata:
    """The branches of the metadata tree's first entry, as they are; absent tree: nothing."""
    values: dict[str, Any] = {}
    unreadable: dict[str, str] = {}
    with _opened(Path(source.path)) as file:
        if settings.meta_tree_key not in {k.split(";")[0] for k in file.keys()}:  # noqa: SIM118
            return SourceMetadata({}, {settings.meta_tree_key: "no such tree"})
        with _readable(Path(source.path)):
            tree = file[settings.meta_tree_key]
        if not hasattr(tree, "num_entries"):
            return SourceMetadata({}, {settings.meta_tree_key: "not a tree"})
        for name in tree.keys():  # noqa: SIM118 (a tree is no mapping)
            try:
                first = tree[name].array(entry_stop=1, library="np")[0]
                values[name] = _plain(first)
            except Exception as reason:  # uproot raises many kinds for an exotic branch
                said = str(reason).partition("\n")[0]
                unreadable[name] = f"{type(reason).__name__}: {said}"
    return SourceMetadata(values, unreadable)


def explanation(path: Path, entry: int, settings: ReaderSettings) -> str:
    """The branches that make an entry damaged, with their values; empty where no branch does."""
    with _opened(path) as file:
        tree = _tree(file, path, settings.tree_key)
        slots = _slots(path, tree)
        with _readable(path):
            arrays = _arrays(tree, slots, entry, entry + 1)
    found = [
        f"{name} = {arrays[name][0]}" for i in range(1, slots + 1) for name in _faulty(arrays, i)
    ]
    return f"Entry {entry} has {', '.join(found)}. Write what was measured." if found else ""


def _faulty(arrays: Mapping[str, np.ndarray], slot: int) -> list[str]:
    """The branches of a slot, of one entry, whose value cannot be."""
    det, particle, clipped = found = [whole_numbers(arrays[f"{f}{slot}"]) for f in _WHOLE]
    is_empty = not det.bad[0] and det.values[0] < 0
    names = [f"{f}{slot}" for f, v in zip(_WHOLE, found, strict=True) if v.bad[0]]
    is_left_out = clipped.values[0] or particle.values[0] not in (PARTICLE_NEUTRON, PARTICLE_GAMMA)
    if is_empty or names or is_left_out:
        return [] if is_empty else names
    values = {f: float(arrays[f"{f}{slot}"][0]) for f in _MEASURED}
    return [
        f"{f}{slot}"
        for f, value in values.items()
        if not abs(value) <= LARGEST_VALUE or (f == "dE" and value < 0)
    ]


def _plain(value: Any) -> Any:
    """A number, text or array of numbers or texts in the machine's byte order."""
    if isinstance(value, (str, bytes)):
        return _text(value)
    array = np.asarray(value)
    if array.dtype.kind == "O":  # a vector of ROOT, or texts; rows of unequal length raise
        array = np.asarray(value.tolist())
    if array.dtype.kind in "USO":
        return [_text(v) for v in array.ravel()]
    return array.astype(array.dtype.newbyteorder("="))


def _text(value: Any) -> str:
    """As a plain ``str``, not one of numpy's."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _opened(path: Path) -> Any:
    import uproot

    try:
        return uproot.open(path)
    except Exception as reason:  # a broken header raises anything from ValueError to struct.error
        msg = (
            f"{path}: cannot be opened as a ROOT file ({type(reason).__name__}). "
            'Give a ROOT file, or set [io] input_format = "phits_usrdef" for PHITS text.'
        )
        raise InputError(msg, file=path) from None


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """InputError for whatever uproot raises within, where a file is cut off or damaged."""
    try:
        yield
    except Exception as reason:
        msg = (
            f"{path}: is a ROOT file that cannot be read ({type(reason).__name__}): cut off or "
            "damaged. Copy it again, or give another file."
        )
        raise InputError(msg, file=path) from None


def _tree(file: Any, path: Path, name: str) -> Any:
    with _readable(path):
        present = sorted({key.split(";")[0] for key in file.keys()})  # noqa: SIM118
    if name not in present:
        near = difflib.get_close_matches(name, present, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        msg = (
            f"{path}: no tree {name!r}; the file holds {', '.join(present) or 'nothing'}.{hint} "
            "Set [io.adapter] tree_key."
        )
        raise InputError(msg, file=path, key="io.adapter.tree_key")
    with _readable(path):
        tree = file[name]
    if not hasattr(tree, "num_entries"):
        msg = f"{path}: {name!r} is a {type(tree).__name__}, not a tree. Set [io.adapter] tree_key."
        raise InputError(msg, file=path, key="io.adapter.tree_key")
    _slots(path, tree)
    return tree


def _slots(path: Path, tree: Any) -> int:
    """How many hits an entry can hold; raises InputError where a branch is missing."""
    present = set(tree.keys())
    n = 0
    while n < FEWEST_SLOTS or any(f"{f}{n + 1}" in present for f in ("x", "y", "z", "t", "det")):
        missing = [f"{f}{n + 1}" for f in FIELDS if f"{f}{n + 1}" not in present]
        if missing:
            others = sorted(present - {f"{f}{i + 1}" for f in FIELDS for i in range(len(present))})
            near = [m for name in missing for m in difflib.get_close_matches(name, others, 1)]
            seen = f" Nearest: {', '.join(near)}." if near else ""
            msg = (
                f"{path}: {tree.name!r} has no branch {', '.join(missing)}; "
                f"each hit needs {' '.join(FIELDS)}, numbered from 1.{seen}"
            )
            raise InputError(msg, file=path)
        n += 1
    return n


def _arrays(tree: Any, slots: int, start: int, stop: int) -> dict[str, np.ndarray]:
    """The branches of all slots, as they are."""
    names = [f"{f}{i + 1}" for f in FIELDS for i in range(slots)]
    arrays = tree.arrays(names, entry_start=start, entry_stop=stop, library="np")
    return {name: np.asarray(arrays[name]) for name in names}


def _check_branches(path: Path, tree: str, arrays: Mapping[str, np.ndarray]) -> None:
    """InputError for a branch that holds no number an entry, or cannot mark an empty slot."""
    for name, values in arrays.items():
        text = ""
        if values.ndim != 1 or values.dtype.kind not in NUMBER_KINDS:
            several = values.ndim != 1 and values.dtype.kind in NUMBER_KINDS
            what = f"{prod(values.shape[1:])} numbers" if several else "a list, a text or an object"
            text = f"holds {what} an entry; one number is needed. Write one branch a hit"
        elif name.startswith("det") and values.dtype.kind == "u":
            most = np.iinfo(values.dtype).max
            if (values == most).any():
                text = (
                    f"is of the type {values.dtype} and holds {most}: what -1, the mark of an "
                    "empty slot, becomes there. Write it as a signed integer"
                )
        if text:
            msg = f"{path}: branch {name} of {tree!r} {text}."
            raise InputError(msg, file=path, code="wrong_branch")


def _columns(
    arrays: Mapping[str, np.ndarray], slots: int, n_events: int
) -> tuple[dict[str, np.ndarray], dict[str, Mask]]:
    """Per field an array (n_events, slots), and by kind where whole numbers are none.

    Only ``det`` counts where a slot is empty: what else stands there means nothing.
    """
    columns = {}
    for f in FIELDS:
        out = np.empty((n_events, slots), "i4" if f in _WHOLE else "f8")
        columns[f] = out
        if f not in _WHOLE:
            for i in range(slots):
                out[:, i] = arrays[f"{f}{i + 1}"]
    kinds = ("not_finite", "not_whole", "out_of_range")
    faults = {kind: np.zeros((n_events, slots), bool) for kind in kinds}
    for i in range(slots):
        filled = np.ones(n_events, bool)
        for f in _WHOLE:
            found = whole_numbers(arrays[f"{f}{i + 1}"])
            columns[f][:, i] = found.values
            for kind, mask in faults.items():
                mask[:, i] |= filled & vars(found)[kind]
            if f == "det":
                filled = columns[f][:, i] >= 0
    return columns, faults


def _records(
    columns: dict[str, np.ndarray],
    faults: Mapping[str, Mask],
    events: EventRange,
    settings: ReaderSettings,
) -> SourceRecords:
    filled = columns["det"] >= 0
    neutron = columns["particle"] == PARTICLE_NEUTRON
    gamma = columns["particle"] == PARTICLE_GAMMA
    clipped = filled & (neutron | gamma) & (columns["clipped"] != 0)
    particle = filled & ~(neutron | gamma)
    kept = filled & ~clipped & ~particle
    damage = {
        "no_hits": ~filled.any(axis=1),
        "not_whole": faults["not_whole"].any(axis=1),
        "not_finite": (faults["not_finite"] | (kept & ~_finite(columns))).any(axis=1),
        "out_of_range": (faults["out_of_range"] | (kept & _too_large(columns))).any(axis=1),
        "negative_light": (kept & (columns["dE"] < 0)).any(axis=1),
    }
    damaged = np.logical_or.reduce(list(damage.values()))
    kept &= ~damaged[:, None]
    whole = ~damaged[:, None]
    return SourceRecords(
        hits=_hits(columns, kept, gamma, events.first_event, settings),
        raw_event_ids=events.first_event + np.flatnonzero(~damaged),
        n_damaged_records=int(damaged.sum()),
        problems=_problems(damage, events.first_event),
        n_hits_clipped=(
            int((clipped & neutron & whole).sum()),
            int((clipped & gamma & whole).sum()),
            0,
        ),
        n_hits_particle=(0, 0, int((particle & whole).sum())),
        reactions=REACTIONS.empty(),
        products=PRODUCTS.empty(),
    )


def _finite(columns: dict[str, np.ndarray]) -> Mask:
    return np.logical_and.reduce([np.isfinite(columns[f]) for f in _MEASURED])


def _too_large(columns: dict[str, np.ndarray]) -> Mask:
    return np.logical_or.reduce([np.abs(columns[f]) > LARGEST_VALUE for f in _MEASURED])


def _hits(
    columns: dict[str, np.ndarray],
    kept: Mask,
    gamma: Mask,
    first_event: int,
    settings: ReaderSettings,
) -> pd.DataFrame:
    entry, _ = np.nonzero(kept)
    cm = settings.cm_per_position_unit
    return HITS_WITHOUT_MATERIAL.frame(
        {
            "event_id": entry + first_event,
            "hit_in_event": _numbered(entry),
            "det_id": columns["det"][kept],
            "species": categories_of(gamma[kept].astype(np.int8), SPECIES),
            "x_cm": columns["x"][kept] * cm,
            "y_cm": columns["y"][kept] * cm,
            "z_cm": columns["z"][kept] * cm,
            "t_ns": columns["t"][kept] * settings.ns_per_time_unit,
            "light_MeVee": columns["dE"][kept],
            "psd": columns["psd"][kept],
            "energy_deposited_MeV": np.full(len(entry), np.nan),
        }
    )


def _numbered(entry: I8) -> I8:
    """Place of each row within its run of equal entries, from 0."""
    place = np.arange(len(entry))
    new = np.ones(len(entry), bool)
    new[1:] = entry[1:] != entry[:-1]
    return place - np.maximum.accumulate(np.where(new, place, 0))


def _problems(damage: dict[str, Mask], first_event: int) -> pd.DataFrame:
    """One row a damaged entry up to SHOWN_PER_KIND of a kind; the last row holds the rest.

    An entry with several faults counts under the first of them.
    """
    kinds: list[str] = []
    places: list[int] = []
    numbers: list[int] = []
    seen = np.zeros_like(next(iter(damage.values())))
    for kind, mask in damage.items():
        entries = np.flatnonzero(mask & ~seen)
        seen |= mask
        shown = entries[:SHOWN_PER_KIND]
        kinds += [kind] * len(shown)
        places += (shown + first_event).tolist()
        numbers += [1] * len(shown)
        if len(entries) > len(shown):
            numbers[-1] += len(entries) - len(shown)
    return PROBLEMS.frame({"kind": kinds, "line_or_entry": places, "count": numbers})


READER: Final = Reader(
    event_ranges=event_ranges,
    read=read,
    metadata=metadata,
    positions_in_mm=True,
    neutron_policy="time_asc",
    gamma_policy="energy_desc",
    record="entry",
    kinds=frozenset({ROOT}),
    pattern="*.root",
    explanation=explanation,
)
