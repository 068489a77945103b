"""YAML of mu2e-cosmic into settings of this pipeline: each key has a place, or a comment.

Reference: the analysis files of sam-grant/mu2e-cosmic (``config/ana``): process (older:
processor), postprocess, output.
"""

from __future__ import annotations

import json
import math
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from ...schemas.cosmics.config import CosmicsConfig
from ...schemas.errors import UsageError
from ..checked_settings import checked_settings
from ..files import new_output
from ..yaml_text import read_yaml
from .cutset_files import did_you_mean, read_cutsets, shipped

_KEY: Final = "analysis"
# Their Poisson intervals are of 68 %, beside Wilson's of one standard deviation.
_POISSON_CL: Final = 0.68


class Meaning(NamedTuple):
    """What becomes of a key: the setting, or why there is none; and of which type its value is."""

    setting: str
    kind: str
    why: str = ""


_NO_MEANING: Final = "has no meaning here"
_LEAVES: Final = "only the leaves that are needed are read"
_REMOTE: Final = "files are read from this machine alone; copy remote ones first"
_WORKERS: Final = "see [run] workers and --executor"
_MEANINGS: Final[Mapping[str, Mapping[str, Meaning]]] = MappingProxyType(
    {
        "process": {
            "defname": Meaning("", "text", "no catalogue is asked; input_path names the files"),
            "file_list_path": Meaning("io.file_list", "text"),
            "file_name": Meaning("io.input_path", "text"),
            "cutset_name": Meaning("cuts.cutset", "text"),
            "branches": Meaning("", "any", _LEAVES),
            "on_spill": Meaning("cuts.on_spill", "bool"),
            "cuts_to_toggle": Meaning("cuts.toggle_cuts", "bools"),
            "groups_to_toggle": Meaning("cuts.toggle_groups", "bools"),
            "use_remote": Meaning("", "any", _REMOTE),
            "location": Meaning("", "any", _REMOTE),
            "max_workers": Meaning("", "any", _WORKERS),
            "use_processes": Meaning("", "any", _WORKERS),
            "verbosity": Meaning("", "any", _NO_MEANING),
            "worker_verbosity": Meaning("", "any", _NO_MEANING),
        },
        "postprocess": {
            "on_spill": Meaning("cuts.on_spill", "bool"),
            "write_events": Meaning("output.events", "bool"),
            "write_event_info": Meaning("output.event_info", "bool"),
            "generated_events": Meaning("normalisation.generated_events", "number"),
            "livetime": Meaning("normalisation.livetime_s", "number"),
            "on_spill_frac": Meaning("beam.on_spill_fraction", "shares"),
            "veto": Meaning("cuts.toggle_cuts.unvetoed", "veto"),
            "wilson": Meaning("statistics.interval", "wilson"),
            "info": Meaning("", "any", _NO_MEANING),
            "verbosity": Meaning("", "any", _NO_MEANING),
        },
        "output": {"out_path": Meaning("io.output_path", "text")},
    }
)
_OLDER: Final = {"processor": "process"}
_SECTIONS: Final = (
    "io", "cuts", "cuts.toggle_cuts", "cuts.toggle_groups", "normalisation", "beam",
    "statistics", "output",
)  # fmt: skip


@dataclass
class Converted:
    """Settings by dotted name, and what is told about keys that have none."""

    settings: dict[str, Any] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Written:
    """The file, and what a user should know of it."""

    out: Path
    comments: tuple[str, ...]


def convert(
    analysis: Path,
    out: Path,
    *,
    cuts: Path | None = None,
    inputs: Sequence[str] = (),
) -> Written:
    """Write the TOML file that does what an analysis file of mu2e-cosmic did.

    ``cuts`` is its file of cut sets, ``inputs`` the files, where it names none. UsageError for
    an unknown key, a value of another type, a cut set that is not there, or no input.
    """
    made = converted(analysis)
    if inputs:
        made.settings.pop("io.file_list", None)
        made.settings["io.input_path"] = inputs[0] if len(inputs) == 1 else list(inputs)
    if not {"io.input_path", "io.file_list"} & made.settings.keys():
        msg = f"{analysis}: names no files that can be read; say with --input which they are."
        raise UsageError(msg, file=analysis, key="--input", code="no_input")
    _add_cutsets(made, analysis, out, cuts)
    made.settings.setdefault("statistics.poisson_cl", _POISSON_CL)
    text = _toml(analysis, made)
    checked_settings(CosmicsConfig, tomllib.loads(text), {}, str(analysis))
    with new_output(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Written(out, tuple(made.comments))


def converted(analysis: Path) -> Converted:
    """The settings that an analysis file stands for; UsageError for what it should not say."""
    data = read_yaml(analysis, _KEY)
    made = Converted()
    for name, table in _table(analysis, "the file", data).items():
        section = _OLDER.get(name, name)
        if section not in _MEANINGS:
            near = did_you_mean(str(name), [*_MEANINGS, *_OLDER])
            raise _wrong(analysis, f"unknown section {name!r}{near}")
        for key, value in _table(analysis, str(name), table or {}).items():
            _add(made, analysis, section, str(key), value)
    made.settings.setdefault("cuts.on_spill", True)
    return made


def _wrong(analysis: Path, text: str) -> UsageError:
    return UsageError(f"{analysis}: {text}", file=analysis, key=_KEY, code="bad_analysis")


def _table(analysis: Path, where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(analysis, f"{where} is {value!r}; it is a table of name: value")
    return value


def _add(made: Converted, analysis: Path, section: str, key: str, value: Any) -> None:
    """One key: a setting, or a comment."""
    known = _MEANINGS[section]
    if key not in known:
        raise _wrong(analysis, f"{section}: unknown key {key!r}{did_you_mean(key, known)}")
    meaning = known[key]
    where = f"{section}.{key}"
    if not meaning.setting:
        made.comments.append(f"{where} = {_plain(value)}: {meaning.why}")
        return
    if value is None:
        made.comments.append(f"{where} is not given")
        return
    setting, plain = _value(analysis, where, meaning, value)
    if setting is None:
        made.comments.append(f"{where} = {_plain(value)}: {plain}")
        return
    present = made.settings.get(setting, plain)
    if isinstance(plain, dict) and isinstance(present, dict):
        plain = present | plain
    elif present != plain:
        raise _wrong(analysis, f"{where} is {value!r}, but {setting} is {present!r} elsewhere")
    made.settings[setting] = plain


def _value(analysis: Path, where: str, meaning: Meaning, value: Any) -> tuple[str | None, Any]:
    """The setting and its value; None and why there is none."""
    setting, kind = meaning.setting, meaning.kind
    if kind == "text":
        if isinstance(value, str):
            return setting, value
        raise _wrong(analysis, f"{where} is {value!r}; it is a text")
    if kind in ("bool", "veto", "wilson"):
        if not isinstance(value, bool):
            raise _wrong(analysis, f"{where} is {value!r}; it is true or false")
        if kind == "veto":
            table, _, cut = setting.rpartition(".")
            return (None, "the veto is on in every cut set") if value else (table, {cut: False})
        if kind == "wilson":
            return (setting, "wilson") if value else (None, "intervals are Wilson's all the same")
        return setting, value
    if kind == "number":
        return setting, _number(analysis, where, value)
    if kind == "shares" and not isinstance(value, Mapping):
        return setting, {"1batch": _number(analysis, where, value)}
    items = _table(analysis, where, value)
    if kind == "shares":
        return setting, {str(name): _number(analysis, where, v) for name, v in items.items()}
    wrong = [f"{name}: {v!r}" for name, v in items.items() if not isinstance(v, bool)]
    if wrong:
        raise _wrong(analysis, f"{where}: {wrong[0]}; each is true or false")
    return setting, {str(name): v for name, v in items.items()}


def _number(analysis: Path, where: str, value: Any) -> float:
    """A number; YAML takes one as 4e6, without a point, for a text."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise _wrong(analysis, f"{where} is {value!r}; it is a finite number")
    return number


def _add_cutsets(made: Converted, analysis: Path, out: Path, cuts: Path | None) -> None:
    """The file of cut sets, read as they read it: what has no effect is told."""
    sets = read_cutsets(cuts or shipped(), strict=False)
    name = made.settings.get("cuts.cutset")
    if name is None:
        raise _wrong(analysis, "process.cutset_name is not given; name a cut set")
    if name not in sets.sets:
        text = f"process.cutset_name is {name!r}, which {sets.path} has not"
        raise _wrong(analysis, f"{text}{did_you_mean(name, sets.sets)}")
    if cuts is not None:
        made.settings["cuts.cutsets_file"] = os.path.relpath(cuts, out.parent)
        made.settings["cuts.strict"] = False
    made.comments.extend(sets.warnings)


def _plain(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _toml(analysis: Path, made: Converted) -> str:
    """The text of the file: comments first, then a table a section."""
    lines = [f"# Made of {analysis.name} by radiograph cosmics convert."]
    lines += [f"# {' '.join(text.split())}" for text in made.comments]
    lines += ["", "[pipeline]", 'name = "cosmics"']
    for section in _SECTIONS:
        if section in made.settings:
            items = made.settings[section]
        else:
            items = {
                setting.rpartition(".")[2]: value
                for setting, value in made.settings.items()
                if setting.rpartition(".")[0] == section and setting not in _SECTIONS
            }
        if items:
            lines += ["", f"[{section}]"]
            lines += [f"{_toml_key(key)} = {_toml_value(value)}" for key, value in items.items()]
    return "\n".join(lines) + "\n"


def _toml_key(key: str) -> str:
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else json.dumps(key)


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{_toml_key(k)} = {_toml_value(v)}" for k, v in value.items())
        return f"{{{inside}}}"
    # JSON's texts, numbers, true and false, and lists are TOML's too.
    return json.dumps(value, ensure_ascii=False)
