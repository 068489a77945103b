"""A file of events copied into an RNTuple, of which single members can be read.

The same names: the members of an object are fields of a record, those of a vector fields of its
records. A dot in the name of a branch that has no members becomes an underscore.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import awkward as ak
import uproot

from ...nodes.cosmics.readers.reader import damage_told
from ...nodes.cosmics.readers.root_files import is_rntuple, opened, tree_of
from ...nodes.file_kinds import fault_of_input
from ...schemas.cosmics.config import IO
from ...schemas.errors import InputError, UsageError
from ..files import check_new_files, new_output
from ..runfile.export_request import ExportRequest
from ..runfile.exporting import placed

log = logging.getLogger(__name__)
FORMAT: Final = "rntuple"
BLOCK_EVENTS: Final = 20_000


def export_events(request: ExportRequest) -> list[Path]:
    """Write the copy and name it; UsageError or InputError before that.

    InputError if the source is damaged: nothing is written then.
    """
    if request.to != FORMAT:
        msg = (
            f"--to {request.to}: a ROOT file of events is copied as {FORMAT} alone; tables are "
            "exported of the file that a run wrote"
        )
        raise UsageError(msg, key="to")
    source = request.source
    if fault := fault_of_input(source):
        msg = f"{source}: {fault}. Give a ROOT file of events."
        raise InputError(msg, file=source, key="file")
    out = placed(request, f"{source.stem}_rntuple.root", (".root",))
    check_new_files([out], [source], overwrite=request.overwrite)
    with opened(source) as file:
        tree = tree_of(file, source, IO().tree)
        if is_rntuple(tree):
            msg = f"{source}: holds an RNTuple already; copy the file as it is"
            raise UsageError(msg, file=source, key="file")
        with new_output(out) as temporary, uproot.recreate(temporary) as made:
            _copy(file, tree, made, source)
    return [out]


def _copy(file: Any, tree: Any, made: Any, source: Path) -> None:
    name, last = IO().tree.rpartition("/")[::2]
    folder = made.mkdir(name)
    with damage_told(source, "what kind of numbers its branches hold"):
        branches = list(_that_can_be(tree))
    ntuple = None
    for first in range(0, max(tree.num_entries, 1), BLOCK_EVENTS):
        fields = {
            branch.name.replace(".", "_"): _field(branch, first, source) for branch in branches
        }
        events = ak.to_packed(ak.without_parameters(ak.zip(fields, depth_limit=1)))
        if ntuple is None:
            ntuple = folder.mkrntuple(last, events.layout.form)
        ntuple.extend(events)
    others = file[name]
    with damage_told(source, "what stands beside the events"):
        for key, kind in others.classnames(cycle=False, recursive=False).items():
            if kind == "TTree" and key != last:
                columns = dict(_columns(others[key]))
                types = {column: values.dtype for column, values in columns.items()}
                folder.mktree(key, types).extend(columns)
            elif kind.startswith("TH1"):
                folder[key] = others[key]


def _that_can_be(tree: Any) -> Iterator[Any]:
    """The branches that an RNTuple of uproot can hold; of others it is said that they are not."""
    for branch in tree.branches:
        leaves = _leaves(branch) or {"": branch}
        kinds = [str(leaf.interpretation) for leaf in leaves.values()]
        if any("Unknown" in kind or "AsStrings" in kind or "std::string" in kind for kind in kinds):
            log.warning("branch %s (%s) is left out of the copy", branch.name, branch.typename)
        else:
            yield branch


def _leaves(branch: Any) -> dict[str, Any]:
    """The branches of a split object or vector by the dotted names of its members."""
    found = {}
    for name in branch.keys(recursive=True, full_paths=False):
        if not branch[name].branches:
            found[name.removeprefix(f"{branch.name}.")] = branch[name]
    return found


def _field(branch: Any, first: int, source: Path) -> Any:
    """A branch over a block of entries, its members in records."""

    def values(leaf: Any) -> Any:
        with damage_told(source, f"branch {leaf.name}, entries from {first} on,"):
            return leaf.array(entry_start=first, entry_stop=first + BLOCK_EVENTS)

    leaves = {name: values(leaf) for name, leaf in _leaves(branch).items()}
    if not leaves:
        return values(branch)
    nested: dict[str, Any] = {}
    for name, array in leaves.items():
        *steps, last = name.split(".")
        place = nested
        for step in steps:
            place = place.setdefault(step, {})
        place[last] = array
    return _records(nested, max(array.ndim for array in leaves.values()))


def _records(members: dict[str, Any], depth: int) -> Any:
    made = {n: _records(v, depth) if isinstance(v, dict) else v for n, v in members.items()}
    return ak.zip(made, depth_limit=depth)


def _columns(tree: Any) -> Iterator[tuple[str, Any]]:
    """The numbers of a flat tree by their names without prefix."""
    for name in tree.keys(recursive=True, full_paths=False):
        if not tree[name].branches:
            yield name.rpartition(".")[2], tree[name].array(library="np")
