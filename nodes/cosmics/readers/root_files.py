"""Reader of EventNtuple files: a TTree with unsplit vectors of vectors, or an RNTuple.

The classes of such vectors are stored as version 0 with a checksum, and uproot would keep its
model of one release for all files: each file gets a table of classes of its own.
Format: https://github.com/Mu2e/EventNtuple
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from ....schemas.cosmics.columns import EventColumns, FileFacts
from ....schemas.errors import InputError
from ....schemas.sources import EventRange
from ...addresses import address_of, shown
from .leaves import EVERY_LEAF, columns_of, made_of_circle
from .reader import HELIX_CIRCLE, EventReader, damage_told
from .remote import opening_options, tried
from .unsplit import decoded, layout_of

_OWN_CLASSES: Final = "mu2e::"
_UNSPLIT: Final = ("trksegs", "trksegpars_lh", "trkmcsim")
_TOTALS: Final = {
    "generated": "n_gen_events",
    "processed": "n_proc_events",
    "livetime_s": "cosmic_livetime",
}
_SUBRUN_LEAVES: Final = {
    "run": "run",
    "subrun": "subrun",
    "generated": "genEventCount",
    "processed": "procEventCount",
    "livetime_s": "cosmicLivetime",
}


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A ROOT file with classes of its own; InputError if it cannot be opened."""
    import uproot

    classes = {k: v for k, v in uproot.classes.items() if not k.startswith(_OWN_CLASSES)}
    address = address_of(path)
    options = opening_options(address) if address else {}
    with damage_told(path, "the ROOT file"):
        file = uproot.open(address or path, custom_classes=classes, **options)
    with file:
        _check_length(file, path)
        yield file


def _check_length(file: Any, path: Path) -> None:
    """InputError for a file that ends before the end that it names, even if not missed here."""
    with damage_told(path, "the ROOT file"):
        source = file.file.source
        size = source.num_bytes if address_of(path) else path.stat().st_size
        end = int(file.file.fEND)
    if size < end:
        msg = (
            f"{shown(path)}: is cut off: it has {size} of {end} bytes. Copy the file again, or "
            "leave it out."
        )
        raise InputError(msg, file=path, code="damaged")


def tree_of(file: Any, path: Path, tree: str) -> Any:
    """The tree; InputError that says which trees there are."""
    with damage_told(path, "its list of contents"):
        kinds = file.classnames(cycle=False)
    if tree not in kinds:
        there = [n for n, kind in kinds.items() if kind == "TTree" or "RNTuple" in kind]
        told = f"it has {', '.join(there)}" if there else "it has none at all"
        msg = f'{shown(path)}: has no tree "{tree}"; {told}. Set [io] tree, or give another file.'
        raise InputError(msg, file=path, key="io.tree", code="no_tree")
    with damage_told(path, f"the tree {tree}"):
        return file[tree]


def is_rntuple(tree: Any) -> bool:
    """Whether what uproot gives is an RNTuple, and no TTree."""
    return "RNTuple" in type(tree).__name__


def _n_events(path: Path, tree: str) -> int:
    def read() -> int:
        with opened(path) as file, damage_told(path, f"the number of entries of {tree}"):
            return int(tree_of(file, path, tree).num_entries)

    return tried(path, read)


def _read(path: Path, events: EventRange, tree: str) -> EventColumns:
    return tried(path, lambda: _columns(path, events, tree))


def _columns(path: Path, events: EventRange, tree: str) -> EventColumns:
    with opened(path) as file, damage_told(path, f"what {tree} holds"):
        found = tree_of(file, path, tree)
        if is_rntuple(found):
            leaves = _rntuple_leaves(found, path, events)
        else:
            leaves = _tree_leaves(file, found, path, events)
    present = [name for name in leaves if name in EVERY_LEAF]
    made = made_of_circle(list(leaves))
    absent = [name for name in EVERY_LEAF if name not in present and name not in made]
    return columns_of(leaves, path, events, absent)


# --- TTree ---------------------------------------------------------------------------------------


def _tree_leaves(file: Any, tree: Any, path: Path, events: EventRange) -> dict[str, Any]:
    """The leaves of a range of entries; only branches that hold one of them are touched."""
    leaves: dict[str, Any] = {}
    branches = tree.keys(full_paths=True, recursive=True)
    for branch in _UNSPLIT:
        if branch in branches:
            leaves |= _unsplit(file, tree[branch], path, events)
    for leaf in (*EVERY_LEAF, *HELIX_CIRCLE):
        if leaf.partition(".")[0] in _UNSPLIT:
            continue
        name = branch_of(branches, leaf)
        if name is not None:
            leaves[leaf] = _branch(tree[name], path, events)
    return leaves


def _unsplit(file: Any, branch: Any, path: Path, events: EventRange) -> dict[str, Any]:
    """The leaves of an unsplit branch: by our own decoder where it is sure, else by uproot."""
    name = str(branch.name)
    names = {
        leaf: leaf.partition(".")[2]
        for leaf in (*EVERY_LEAF, *HELIX_CIRCLE) if leaf.startswith(f"{name}.")
    }  # fmt: skip
    try:
        layout = layout_of(file, branch)
        found = None if layout is None else decoded(branch, layout, names, events)
    except Exception:  # damaged bytes raise anything; uproot says what is wrong with them
        found = None
    return found if found is not None else _fields(_branch(branch, path, events), name)


def branch_of(branches: Sequence[str], leaf: str) -> str | None:
    """The branch of a leaf: by its whole name, or without prefix; None if there is none.

    ``run``, ``evtinfo.run`` and ``evtinfo/run`` are the same leaf, as are ``trk.pdg`` and
    ``trk/trk.pdg``.
    """
    parent, _, last = leaf.partition(".")
    prefixed = (leaf, f"{parent}/{last}", f"{parent}/{leaf}", f"{parent}./{leaf}")
    bare = (last,) if parent == "evtinfo" else ()
    return next((name for name in (*prefixed, *bare) if name in branches), None)


def _branch(branch: Any, path: Path, events: EventRange) -> Any:
    first, last = events.first_event, events.first_event + events.n_events
    with damage_told(path, f"branch {branch.name}, entries {first} to {last - 1},"):
        return branch.array(entry_start=first, entry_stop=last, library="ak")


def _fields(values: Any, branch: str) -> dict[str, Any]:
    """The leaves of an unsplit branch that are asked for, without a copy."""
    found = {}
    for leaf in (*EVERY_LEAF, *HELIX_CIRCLE):
        parent, _, rest = leaf.partition(".")
        if parent == branch:
            field = _field(values, rest.split("."))
            if field is not None:
                found[leaf] = field
    return found


def _field(values: Any, names: Sequence[str]) -> Any:
    for name in names:
        if name not in values.fields:
            return None
        values = values[name]
    return values


# --- RNTuple -------------------------------------------------------------------------------------


def _rntuple_leaves(ntuple: Any, path: Path, events: EventRange) -> dict[str, Any]:
    """The same of an RNTuple: a field a leaf, so that nothing else is read."""
    fields = set(ntuple.keys())
    first, last = events.first_event, events.first_event + events.n_events
    wanted: dict[str, tuple[str, ...]] = {}
    for leaf in (*EVERY_LEAF, *HELIX_CIRCLE):
        names = _rntuple_path(fields, leaf)
        if names:
            wanted[leaf] = names
    keys = {leaf: ".".join(names) for leaf, names in wanted.items()}
    try:
        # All at once: each call looks through every field of the file.
        found = ntuple.arrays([*keys.values()], entry_start=first, entry_stop=last)
        leaves = {leaf: _field(found, _steps(found, names)) for leaf, names in wanted.items()}
    except Exception:  # damaged bytes raise anything; field by field it is said where they are
        leaves = {}
        for leaf, names in wanted.items():
            with damage_told(path, f"field {leaf}, entries {first} to {last - 1},"):
                found = ntuple.arrays([keys[leaf]], entry_start=first, entry_stop=last)
                leaves[leaf] = _field(found, _steps(found, names))
    return {leaf: values for leaf, values in leaves.items() if values is not None}


def _rntuple_path(fields: set[str], leaf: str) -> tuple[str, ...]:
    """The field of a leaf as its steps; empty if there is none.

    A member may carry the name of its record again: ``trk`` of records with ``trk.pdg``.
    """
    parent, _, last = leaf.partition(".")
    for steps in ((parent, last), (parent, leaf), (leaf,), (last,) if parent == "evtinfo" else ()):
        if steps and ".".join(steps) in fields:
            return steps
    return ()


def _steps(values: Any, names: Sequence[str]) -> list[str]:
    """The fields that lead to a leaf in what was read of it."""
    steps: list[str] = []
    rest = ".".join(names)
    while rest:
        name = next((f for f in values.fields if rest == f or rest.startswith(f"{f}.")), None)
        if name is None:
            return [rest]
        steps.append(name)
        rest = rest[len(name) + 1 :]
        values = values[name]
    return steps


# --- what a file says of itself ------------------------------------------------------------------


def _facts(path: Path, tree: str) -> FileFacts:
    return tried(path, lambda: _told(path, tree))


def _told(path: Path, tree: str) -> FileFacts:
    folder = tree.rpartition("/")[0]
    prefix = f"{folder}/" if folder else ""
    with opened(path) as file, damage_told(path, "what it says of itself"):
        names = set(file.keys(cycle=False))
        return FileFacts(
            _subruns(file, path, f"{prefix}subrunNtuple", names),
            _totals(file, path, prefix, names),
            _release(file, path, prefix, names),
        )


def _subruns(file: Any, path: Path, name: str, names: set[str]) -> Mapping[str, Any]:
    if name not in names:
        return {key: np.zeros(0) for key in _SUBRUN_LEAVES}
    with damage_told(path, f"the tree {name}"):
        tree = file[name]
        n = tree.num_entries
        keys = tree.keys() if is_rntuple(tree) else tree.keys(full_paths=True, recursive=True)
        found: dict[str, Any] = {}
        for key, leaf in _SUBRUN_LEAVES.items():
            names_of_leaf = (leaf, f"srinfo.{leaf}", f"srinfo/{leaf}", f"srinfo/srinfo.{leaf}")
            branch = next((b for b in names_of_leaf if b in keys), None)
            found[key] = np.full(n, np.nan) if branch is None else _one_column(tree, branch)
    if n and any(np.isnan(found[key]).any() for key in ("run", "subrun")):
        msg = f"{path}: the tree {name} has no run and subrun. Give another file."
        raise InputError(msg, file=path, code="missing_leaf")
    return found


def _one_column(tree: Any, branch: str) -> Any:
    import awkward as ak

    if not is_rntuple(tree):
        return tree[branch].array(library="np").astype(np.float64)
    found = tree.arrays([branch])
    values = _field(found, _steps(found, [branch]))
    return ak.to_numpy(values).astype(np.float64)


def _totals(file: Any, path: Path, prefix: str, names: set[str]) -> Mapping[str, float]:
    found = {}
    for key, name in _TOTALS.items():
        if f"{prefix}{name}" in names:
            with damage_told(path, f"the histogram {name}"):
                found[key] = float(np.sum(file[f"{prefix}{name}"].values()))
    return found


def _release(file: Any, path: Path, prefix: str, names: set[str]) -> str:
    """The release as "v06_06_00", of the bins of the histogram ``version``."""
    if f"{prefix}version" not in names:
        return ""
    with damage_told(path, "the histogram version"):
        numbers = file[f"{prefix}version"].values()
    return "v" + "_".join(f"{round(n):02d}" for n in numbers[:3])


ROOT_READER: Final = EventReader(_n_events, _read, _facts)
