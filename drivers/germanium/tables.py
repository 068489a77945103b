"""From input files to parts: channels, their tables in each file, and ranges of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ...nodes.germanium.lh5 import layout_of, lh5_file, name_of, read_column
from ...schemas.errors import ConfigError, InputError, SettingProblem
from ...schemas.germanium.config import GermaniumConfig
from ...schemas.germanium.lh5 import FileLayout, InputRun, TableLayout
from ...schemas.germanium.settings import Germanium
from ...schemas.sources import EventRange, FileRef
from ..engine.parts import Part
from .channel_inputs import OF_CHANNEL
from .channel_settings import TimedSettings, time_of, timed_settings

RAW, DSP = "raw", "dsp"


def first_tier(path: Path) -> str:
    """Where the graph begins with a file: "raw" or "dsp"; "raw" if it cannot be read."""
    try:
        tiers = layout_of(path).tiers
    except InputError:
        return RAW
    return DSP if DSP in tiers and RAW not in tiers else RAW


def parts_of(config: GermaniumConfig, files: Mapping[str, Mapping[int, FileRef]]) -> Iterator[Part]:
    """The parts of a run: each channel, its table in each file, and ranges of its rows.

    Raises
    ------
    InputError
        If a file has no table of the tier that the first file has, or another layout.
    ConfigError
        If [germanium] channels names one that is in no file.
    """
    settings, rows = config.germanium, config.run.chunk_events
    layouts = {number: layout_of(ref.path) for number, ref in files["source"].items()}
    tier = _tier(layouts, files["source"])
    tables = {
        number: {t.channel: t for t in layout.tables if t.tier == tier}
        for number, layout in layouts.items()
    }
    _check_alike(tables, files["source"])
    forced = _forced_tables(files.get("forced", {}), tier)
    there = list(dict.fromkeys(channel for of_file in tables.values() for channel in of_file))
    timed = _timed(files, layouts)
    of_channel = {channel: _told(settings, timed, channel) for channel in there}
    for channel in chosen_channels(settings, there):
        own, inputs = of_channel[channel]
        if status_of(own, channel) == "off":
            continue
        yield Part({"channel": channel}, {"channel": channel, **inputs})
        for number, ref in files["source"].items():
            table = tables[number].get(channel)
            if table is not None:
                yield from _of_table(channel, number, ref, table, rows, config.run.max_events)
        for number, (ref, table) in _of_forced(channel, forced, files, tables).items():
            at: dict[str, int | str] = {"channel": channel, "forced": number}
            yield Part(at, {"forced_file": ref, "forced_layout": table})
            yield from _ranges(at, table.n_rows, rows)


def _timed(
    files: Mapping[str, Mapping[int, FileRef]], layouts: Mapping[int, FileLayout]
) -> TimedSettings | None:
    """The settings by channel that are valid at the time of the first file; None without any.

    The time is that of its name, or of its first row.
    """
    refs = list(files.get("settings", {}).values())
    if not refs:
        return None
    number, first = next(iter(files["source"].items()))
    name = name_of(first.path)
    time = name.timestamp or time_of(_first_time_s(first.path, layouts[number]))
    return timed_settings(refs, time, name.datatype or "cal")


def _first_time_s(path: str, layout: FileLayout) -> float:
    table = layout.tables[0]
    with lh5_file(path) as file:
        times = read_column(file[table.path], "timestamp", 0, 1, path, tier="dsp")
    return float(times[0]) if len(times) else 0.0


def _told(
    settings: Germanium, timed: TimedSettings | None, channel: str
) -> tuple[Germanium, dict[str, Any]]:
    """The settings of a channel, and those inputs of the graph that it brings itself."""
    if timed is None:
        return settings, {}
    own, table = timed.of(settings, channel)
    inputs = {name: getattr(own, key) for name, key in OF_CHANNEL.items()}
    return own, {**inputs, "settings_of_channel": table}


def _forced_tables(
    refs: Mapping[int, FileRef], tier: str
) -> Mapping[int, Mapping[str, TableLayout]]:
    """By file of forced triggers: its raw tables by channel; none where the graph reads no raw.

    InputError for a file without such tables.
    """
    if tier != RAW:
        return {}
    layouts = {number: layout_of(ref.path) for number, ref in refs.items()}
    for number, layout in layouts.items():
        if RAW not in layout.tiers:
            path = refs[number].path
            msg = (
                f"{path}: holds the tier {', '.join(layout.tiers)}; forced triggers are read from "
                "the tier raw. Correct germanium.fft_path."
            )
            raise InputError(msg, file=path, code="other_tier")
    return {
        number: {t.channel: t for t in layout.tables if t.tier == RAW}
        for number, layout in layouts.items()
    }


def _of_forced(
    channel: str,
    forced: Mapping[int, Mapping[str, TableLayout]],
    files: Mapping[str, Mapping[int, FileRef]],
    tables: Mapping[int, Mapping[str, TableLayout]],
) -> dict[int, tuple[FileRef, TableLayout]]:
    """Files and tables of forced triggers of a channel.

    Where there are such files and none has the channel: no row of its own table.
    """
    refs = files.get("forced", {})
    found = {number: (refs[number], of[channel]) for number, of in forced.items() if channel in of}
    if forced and not found:
        number, table = next((n, of[channel]) for n, of in tables.items() if channel in of)
        found[next(iter(forced))] = (files["source"][number], replace(table, n_rows=0))
    return found


def _of_table(
    channel: str, number: int, ref: FileRef, table: TableLayout, rows: int, most: int
) -> Iterator[Part]:
    at: dict[str, int | str] = {"channel": channel, "file": number}
    run = _run_of(number, ref)
    yield Part(at, {"source_file": ref, "table_layout": table, "input_run": run})
    yield from _ranges(at, min(table.n_rows, most) if most else table.n_rows, rows)


def _run_of(number: int, ref: FileRef) -> InputRun:
    """The run of a file; one without a name of LEGEND's form is a run of its own."""
    name = name_of(ref.path)
    if name.run:
        return InputRun(f"{name.experiment}-{name.period}-{name.run}", name.stem)
    # Files of several folders may have one name.
    alone = f"{name.stem} ({number + 1})"
    return InputRun(alone, alone)


def _ranges(at: Mapping[str, int | str], n_rows: int, rows: int) -> Iterator[Part]:
    """Ranges of rows; one without rows of a table without any."""
    for k, first in enumerate(range(0, max(n_rows, 1), rows)):
        n = min(rows, n_rows - first)
        yield Part({**at, "range": k}, {"row_range": EventRange(first, n)}, n)


def _tier(layouts: Mapping[int, FileLayout], refs: Mapping[int, FileRef]) -> str:
    first = next(iter(layouts))
    tiers = layouts[first].tiers
    tier = DSP if DSP in tiers and RAW not in tiers else RAW
    for number, layout in layouts.items():
        if tier not in layout.tiers:
            path = refs[number].path
            msg = (
                f"{path}: holds the tier {', '.join(layout.tiers)}, where {tier} is needed"
                + ("" if number == first else f" as in {refs[first].path}")
                + ". Give raw or dsp files of one kind."
            )
            raise InputError(msg, file=path, code="other_tier")
    return tier


def _check_alike(
    tables: Mapping[int, Mapping[str, TableLayout]], refs: Mapping[int, FileRef]
) -> None:
    """InputError for a file whose waveforms or columns are others than those of an earlier one."""
    known: dict[str, tuple[int, TableLayout]] = {}
    for number, of_file in tables.items():
        for channel, table in of_file.items():
            first, other = known.setdefault(channel, (number, table))
            if table.n_rows and other.n_rows and _shape(table) != _shape(other):
                msg = (
                    f"{refs[number].path}: {table.path} has other columns or waveforms than in "
                    f"{refs[first].path}. Give files of one layout."
                )
                raise InputError(msg, file=refs[number].path, code="other_layout")


def _shape(table: TableLayout) -> tuple[Any, ...]:
    return (frozenset(table.columns), table.waveforms)


def chosen_channels(settings: Germanium, there: Sequence[str]) -> list[str]:
    """The channels that are processed, in the order of the files.

    ConfigError for a name that is no channel, table or detector of the input.
    """
    detectors = settings.detectors
    named = {name: channel for channel, name in detectors.items()}
    wanted = []
    problems = []
    for value in settings.channels:
        name = f"ch{value:07d}" if isinstance(value, int) else value
        channel = name if name in there else named.get(name, name)
        if channel in there:
            wanted.append(channel)
            continue
        near = get_close_matches(name, [*there, *named], 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        text = f"channels names {value!r}, which is not in the input{hint}; there is: " + ", ".join(
            there[:10]
        )
        problems.append(SettingProblem("settings", "germanium", text, "germanium.channels"))
    if problems:
        raise ConfigError(problems)
    status = {channel: status_of(settings, channel) for channel in there}
    chosen = wanted or list(there)
    return [channel for channel in there if channel in chosen and status[channel] != "off"]


def status_of(settings: Germanium, channel: str) -> str:
    """Whether a channel is "on", "ac" or "off"."""
    name = settings.detectors.get(channel, channel)
    return settings.status.get(channel, settings.status.get(name, "on"))
