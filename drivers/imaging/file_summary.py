"""What is in the file of a run, and how it was made, as plain values and as text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ...schemas.errors import InputError
from ...schemas.imaging.images import PixelGrid
from ..counter_rows import counter_rows
from ..runfile.record import StoredInput
from ..runfile.summary import facts_of_making
from .inspection import plain
from .saved import SavedRun, open_run

_STAGE_NAMES: Final = {1: "hits", 2: "events", 3: "cones", 4: "image"}
_SLOWEST: Final = 5
# Where what is no row of the run's tables stands.
_OTHER_GROUPS: Final = {
    "truth": "true reactions of a simulation",
    "targets": "quantities asked for by name",
    "provenance": "versions, inputs, nodes",
}


def described(path: Path) -> tuple[dict[str, Any], str]:
    """What is in a file and how it was made, as plain values and as text."""
    with open_run(path) as saved:
        summary = file_summary(saved)
    return plain(summary), summary_text(summary)


def file_summary(saved: SavedRun) -> dict[str, Any]:
    """Content, settings, inputs, versions, nodes, counters and problems of a file."""
    record = saved.record
    facts = facts_of_making(record, saved.path)
    del facts["pipeline"]
    return {
        **facts,
        "stages": list(saved.stages),
        "rows": _rows(saved),
        "list_mode": _list_mode(saved),
        "images": {
            name: {"counts": int(image.sum()), "highest": int(image.max(initial=0))}
            for name, image in (saved.images if "image" in saved.stages else {}).items()
        },
        "plane": _plane(saved),
        "other": [g for g in _OTHER_GROUPS if _holds_rows(saved, g)],
        "targets": saved.data.children("/targets"),
        "restart": dict(zip(("stage", "file"), record.restarted_from, strict=False)) or None,
        "inputs": [_input(source) for source in record.inputs],
        "has_config": record.config_text is not None,
        "nodes": [vars(node) for node in record.nodes],
        "counters": {_STAGE_NAMES.get(s, str(s)): dict(c) for s, c in record.counters.items()},
        "problems": [dict(problem) for problem in record.problems],
        "run_meta": dict(record.run_meta),
        "extra_texts": list(record.extra_texts),
    }


def _input(source: StoredInput) -> dict[str, Any]:
    return {name: value for name, value in vars(source).items() if name != "role"}


def summary_text(summary: Mapping[str, Any]) -> str:
    """The summary of a file as lines of text."""
    lines = [f"{summary['file']}: {_size(summary['bytes'])}, {summary['software'] or 'unknown'}"]
    made = [summary["created_utc"][:19].replace("T", " ") + " UTC"] * bool(summary["created_utc"])
    if summary["seconds"] == summary["seconds"]:
        made.append(f"{summary['seconds']:.2f} s")
    lines += _line("made", ", ".join(made)) + _line("command", summary["run_command"])
    for source in summary["inputs"]:
        digest = source["content_hash"]
        text = f"{_size(source['size'])}, xxh3_128 {digest}"
        text = f"left out: {source['failure']}" if source["failure"] else text
        lines += _line("input", f"{source['path']} ({text})")
    restart = summary["restart"]
    if restart is not None:
        lines += _line("restart", f"from the {restart['stage']} of {restart['file']}")
    rows = ", ".join(f"{n:,} {noun}" for noun, n in summary["rows"].items())
    lines += _line("holds", rows or "no rows")
    lines += _line("plane", summary["plane"])
    for name, image in summary["images"].items():
        lines += _line(f"image {name}", f"{image['counts']:,} counts, at most {image['highest']:,}")
    lines += _line("list mode", summary["list_mode"])
    lines += _line("also", ", ".join(f"{_OTHER_GROUPS[g]} (/{g})" for g in summary["other"]))
    lines += _line("targets", ", ".join(summary["targets"]))
    lines += _line("settings", _settings(summary))
    lines += _line("versions", ", ".join(f"{k} {v}" for k, v in summary["versions"].items()))
    lines += _line("nodes", _nodes(summary["nodes"]))
    for problem in summary["problems"][:_SLOWEST]:
        lines += _line("problem", problem.get("message", ""))
    rest = len(summary["problems"]) - _SLOWEST
    if rest > 0:
        lines += _line("problem", f"and {rest} more (--json)")
    return "\n".join([*lines, *_counter_lines(summary["counters"])])


def _rows(saved: SavedRun) -> dict[str, int]:
    tables = {
        "hits": "/hits/event_id",
        "events": "/lm/event_type",
        "hypotheses": "/candidates/event_index",
        "cones": "/cones/theta_rad",
    }
    return {noun: saved.data.length(p) for noun, p in tables.items() if p in saved.data}


def _holds_rows(saved: SavedRun, group: str) -> bool:
    if group == "truth":
        path = "/truth/reactions/event_id"
        return path in saved.data and saved.data.length(path) > 0
    return f"/{group}" in saved.data


def _list_mode(saved: SavedRun) -> str:
    if not saved.has_list_mode:
        return "off"
    forms = {"footprint_pixels": "footprints", "cone_pixel_indices": "pair table"}
    present = {words: name for name, words in forms.items() if f"/lm/{name}" in saved.data}
    n = saved.data.length(f"/lm/{next(iter(present.values()))}")
    return f"{n:,} lit pixels as {' and '.join(present)}"


def _plane(saved: SavedRun) -> str:
    try:
        frame, grid = saved.frame, saved.grid
    except InputError as absent:
        if absent.code != "not_in_file":
            raise
        return "none"
    through = ", ".join(f"{x:g}" for x in frame.origin_cm)
    normal = ", ".join(f"{x:g}" for x in frame.normal)
    return f"{_grid(grid)}; through ({through}) cm, normal ({normal})"


def _grid(grid: PixelGrid) -> str:
    return (
        f"{grid.nu} x {grid.nv} pixels of {grid.du_cm:g} x {grid.dv_cm:g} cm, "
        f"u {grid.u_min_cm:g} to {grid.u_max_cm:g}, v {grid.v_min_cm:g} to {grid.v_max_cm:g} cm"
    )


def _settings(summary: Mapping[str, Any]) -> str:
    settings = summary["settings"]
    parts = []
    for key, word in (
        ("io.input_format", "format"),
        ("energy.strategy", "energy"),
        ("run.sbp_engine", "engine"),
        ("cones.nappe", "nappe"),
    ):
        if key in settings:
            parts.append(f"{word} {settings[key]}")
    parts += ["fast"] if settings.get("run.fast") else []
    parts.append("config in the file" if summary["has_config"] else "no config in the file")
    return ", ".join(parts)


def _nodes(nodes: list[dict[str, Any]]) -> str:
    if not nodes:
        return ""
    counts = {s: sum(n["status"] == s for n in nodes) for s in ("executed", "hit")}
    slowest = sorted(nodes, key=lambda n: -n["seconds"])[:_SLOWEST]
    slow = ", ".join(f"{n['name']} {n['seconds']:.3f} s" for n in slowest)
    return f"{counts['executed']} executed, {counts['hit']} from the cache; longest: {slow}"


def _counter_lines(by_stage: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Every counter that is not zero, of all and of each species."""
    rows = {stage: counter_rows(counters) for stage, counters in by_stage.items()}
    names = [row[0] for found in rows.values() for row in found]
    width = max((len(name) for name in names), default=0)
    lines = []
    for stage, found in rows.items():
        head = f"  counters of {stage}"
        lines += [f"{head:{width + 4}}  {'total':>12} {'n':>12} {'g':>12}"] if found else []
        for name, *counts in found:
            columns = " ".join(f"{count:>12}" for count in counts)
            lines.append(f"    {name:{width}}  {columns}".rstrip())
    return lines


def _line(title: str, text: str) -> list[str]:
    return [f"  {title:9} {text}"] if text else []


def _size(n_bytes: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= size:
            return f"{n_bytes / size:.1f} {unit}"
    return f"{n_bytes} bytes"
