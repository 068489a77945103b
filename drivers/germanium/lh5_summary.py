"""What is in an LH5 file, as plain values and as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

from ...nodes.germanium.lh5 import layout_of, lh5_file, name_of
from ...schemas.germanium.lh5 import TableLayout
from .lh5_writing import ABSENT


def described(path: Path) -> tuple[dict[str, Any], str]:
    """Tiers, tables, rows, waveforms and codecs; InputError for what is no LH5 file.

    A tier of a run in which every channel failed has no tables; its name says which it is.
    """
    layout, name = layout_of(path, may_be_empty=True), name_of(path)
    with lh5_file(path) as file:
        detectors = _detectors(file, {table.path for table in layout.tables})
        absent = {t.path: _absent(file[t.path]) for t in layout.tables}
    tables = [
        {**_table(table, detectors.get(table.path, [])), "absent": absent[table.path]}
        for table in layout.tables
    ]
    summary: dict[str, Any] = {
        "file": str(path),
        "bytes": path.stat().st_size,
        "name": {key: value for key, value in vars(name).items() if value},
        "tiers": list(layout.tiers),
        "tables": tables,
        "others": list(layout.others),
    }
    return summary, _text(summary)


def _detectors(file: h5py.File, tables: set[str]) -> dict[str, list[str]]:
    """The other names under which a table can be found: those of its detector."""
    place = {h5py.h5o.get_info(file[path].id).addr: path for path in sorted(tables)}
    found: dict[str, list[str]] = {}
    for group_name in file:
        group = file[group_name]
        if not isinstance(group, h5py.Group):
            continue
        for name, item in group.items():
            path = place.get(h5py.h5o.get_info(item.id).addr)
            if path is not None and path != f"{group_name}/{name}":
                found.setdefault(path, []).append(name)
    return found


def _absent(group: h5py.Group) -> list[str]:
    """What the run that wrote a table says of columns that it has not: names and why, by line."""
    told = group.attrs.get(ABSENT, "")
    return told.splitlines() if isinstance(told, str) else []


def _table(table: TableLayout, detectors: list[str]) -> dict[str, Any]:
    return {
        "path": table.path,
        "channel": table.channel,
        "tier": table.tier,
        "rows": table.n_rows,
        "detectors": detectors,
        "columns": list(table.columns),
        "waveforms": [vars(w) for w in table.waveforms],
    }


def _text(summary: dict[str, Any]) -> str:
    size = f"{summary['bytes'] / 1e6:.1f} MB"
    tiers = ", ".join(summary["tiers"]) or summary["name"].get("tier") or "unknown"
    lines = [f"{summary['file']}: LH5, {size}, tier {tiers}"]
    if not summary["tables"]:
        lines.append("  no tables: each channel of the run that wrote it failed")
    told = {k: v for k, v in summary["name"].items() if k != "stem"}
    if told:
        lines.append("  name      " + ", ".join(f"{key} {value}" for key, value in told.items()))
    for table in summary["tables"]:
        names = f" ({', '.join(table['detectors'])})" if table["detectors"] else ""
        columns = f"{table['rows']} rows, {len(table['columns'])} columns"
        lines.append(f"  table     {table['path']}{names}: {columns}")
        lines += [f"              without {line}" for line in table["absent"]]
        for wave in table["waveforms"]:
            codec = wave["codec"] or "not encoded"
            start = f" from {wave['t0_ns'] / 1e3:g} us" if wave["t0_ns"] else ""
            shape = f"{wave['n_samples']} x {wave['dt_ns']:g} ns{start}"
            lines.append(f"              {wave['name']}: {shape}, {codec}")
    if summary["others"]:
        lines.append(f"  others    {', '.join(summary['others'])}")
    return "\n".join(lines)
