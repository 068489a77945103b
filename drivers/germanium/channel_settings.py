"""Settings by channel and time: a folder with validity.yaml and the files that it names.

LEGEND's form: entries {valid_from, category, mode, apply}, files that map ``__default__`` and
channels or detectors to sections of [germanium].
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from ...schemas.errors import InputError
from ...schemas.germanium.channel_settings import ChannelSettings
from ...schemas.germanium.settings import Germanium
from ...schemas.sources import FileRef

VALIDITY: Final = "validity.yaml"
DEFAULT: Final = "__default__"
STATUS: Final = "status"
_MODES: Final = ("reset", "append", "remove", "replace")
_OF_RUN: Final = (
    "channels", "detectors", "tiers", "parameters_path", "fft_path", "svm_path", "settings_path",
    "pulser_path", "find_pulser", "seed", "filters.optimise", "dplms.enabled", "svm",
)  # fmt: skip
"""What is decided for all channels together."""
_TIME: Final = re.compile(r"\d{8}T\d{6}Z\Z")
_SUBSTITUTED: Final = re.compile(r"\$(?:\{(\w*)\}|(_)(?!\w))")
# YAML 1.1 reads on and off as truth values.
_STATUS_OF: Final = {True: "on", False: "off"}


@dataclass(frozen=True)
class TimedSettings:
    """What the files that are valid say: by channel or detector, dotted keys with their file."""

    by_name: Mapping[str, Mapping[str, tuple[Any, str]]]

    def of(self, settings: Germanium, channel: str) -> tuple[Germanium, ChannelSettings]:
        """The settings of a channel, and each key of them with the file it came from.

        InputError for a key or value that cannot be.
        """
        detector = settings.detectors.get(channel, channel)
        own: dict[str, tuple[Any, str]] = {}
        for name in dict.fromkeys((DEFAULT, channel, detector)):
            own |= self.by_name.get(name, {})
        status, file = own.pop(STATUS, (None, ""))
        plain = settings.model_dump()
        for key, (value, source) in own.items():
            _check_key(key, source, plain)
            _put(plain, key, value)
        if status is not None:
            plain[STATUS] = {**plain[STATUS], channel: _STATUS_OF.get(status, status)}
        try:
            found = Germanium.model_validate(plain)
        except ValidationError as reason:
            raise _refused(reason, channel, {**own, STATUS: (status, file)}) from None
        files = {key: source for key, (_, source) in own.items()}
        rows = [(k, json.dumps(v), files.get(k, "")) for k, v in _effective(found)]
        status_now = found.status.get(channel, found.status.get(detector, "on"))
        rows.append((STATUS, json.dumps(status_now), file))
        keys, values, sources = zip(*rows, strict=True)
        return found, ChannelSettings(keys, values, sources)


def timed_settings(refs: Sequence[FileRef], time: str, datatype: str) -> TimedSettings:
    """What is valid at a time, for a kind of data.

    Parameters
    ----------
    refs
        The files of the folder, validity.yaml among them.
    time
        As LEGEND writes it, 20230311T235840Z.

    InputError without validity.yaml, for an entry that is none, and for a time before the first.
    """
    by_name = {Path(ref.path).name: Path(ref.path) for ref in refs}
    if VALIDITY not in by_name:
        folder = Path(refs[0].path).parent
        msg = f"{folder}: has no {VALIDITY}, which says when its settings are valid. Write one."
        raise InputError(msg, file=refs[0].path, code="no_validity")
    merged: dict[str, dict[str, tuple[Any, str]]] = {}
    for name in files_at(by_name[VALIDITY], time, datatype):
        if name not in by_name:
            msg = f"{by_name[VALIDITY]}: names {name}, which is not in its folder. Put it there."
            raise InputError(msg, file=str(by_name[VALIDITY]), code="no_settings_file")
        path = by_name[name]
        for channel, section in _content(path).items():
            if not isinstance(section, Mapping):
                msg = f"{path}: {channel} is {section!r}; sections of settings are needed."
                raise InputError(msg, file=str(path), code="wrong_settings")
            own = merged.setdefault(str(channel), {})
            own.update({key: (value, name) for key, value in _flat(section)})
    return TimedSettings(merged)


def files_at(validity: Path, time: str, datatype: str) -> list[str]:
    """The files that are valid at a time, in the order in which they are merged.

    Entries are gone through in the order of valid_from: "reset" begins anew, "append" adds,
    "remove" takes away, "replace" puts the second file in the place of the first. Those of
    another category than "all" and ``datatype`` are passed over.
    """
    entries = _content(validity, of=list)
    found: list[str] = []
    begun = False
    checked = [_entry(entry, validity) for entry in entries]
    for valid_from, category, mode, files in sorted(checked, key=lambda entry: entry[0]):
        if valid_from > time or category not in ("all", datatype):
            continue
        begun = True
        if mode == "reset":
            found = list(files)
        elif mode == "append":
            found += files
        elif mode == "remove":
            found = [name for name in found if name not in files]
        else:
            old, new = files
            found = [new if name == old else name for name in found]
    if not begun:
        first = min((entry[0] for entry in checked), default="never")
        msg = (
            f"{validity}: no entry is valid at {time} for {datatype or 'all'} data (the first is "
            f"from {first}). Add one with an earlier valid_from."
        )
        raise InputError(msg, file=str(validity), code="not_valid_yet")
    return found


def time_of(seconds: float) -> str:
    """A Unix time as names of files have it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")


def _entry(entry: Any, path: Path) -> tuple[str, str, str, list[str]]:
    told = entry if isinstance(entry, Mapping) else {}
    time, mode = str(told.get("valid_from", "")), str(told.get("mode", "append"))
    category, files = told.get("category", "all"), told.get("apply", [])
    files = [files] if isinstance(files, str) else files
    is_list = isinstance(files, list) and all(isinstance(name, str) for name in files)
    fits = is_list and (mode != "replace" or len(files) == 2)
    if not _TIME.match(time) or mode not in _MODES or not isinstance(category, str) or not fits:
        msg = (
            f"{path}: {entry!r} is no entry: {{valid_from: 20230311T235840Z, category: all, mode: "
            f"one of {', '.join(_MODES)}, apply: [files]}} (replace: the old and the new one)."
        )
        raise InputError(msg, file=str(path), code="wrong_validity")
    return time, category, mode, [str(name) for name in files]


def _content(path: Path, of: type = dict) -> Any:
    """A YAML or TOML file with its strings substituted."""
    try:
        text = path.read_text("utf-8")
        loaded = tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, tomllib.TOMLDecodeError) as reason:
        said = str(reason).replace("\n", " ")
        msg = f"{path}: cannot be read as settings ({said}). Correct it."
        raise InputError(msg, file=str(path), code="wrong_settings") from None
    if not isinstance(loaded, of):
        msg = f"{path}: holds {type(loaded).__name__}, where a {of.__name__} is needed."
        raise InputError(msg, file=str(path), code="wrong_settings")
    return _substituted(loaded, path)


def _substituted(value: Any, path: Path) -> Any:
    """``$_`` is the folder of the file, ``${NAME}`` a variable of the environment."""

    def known(found: re.Match[str]) -> str:
        if found.group(2):
            return str(path.parent)
        name = found.group(1)
        if name not in os.environ:
            msg = f"{path}: ${{{name}}} is no variable of the environment. Set it, or write it out."
            raise InputError(msg, file=str(path), code="unknown_variable")
        return os.environ[name]

    if isinstance(value, str):
        return _SUBSTITUTED.sub(known, value)
    if isinstance(value, Mapping):
        return {key: _substituted(item, path) for key, item in value.items()}
    return [_substituted(item, path) for item in value] if isinstance(value, list) else value


def _flat(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys of sections of [germanium]; a mapping within a section is a value."""
    for key, value in section.items():
        if not prefix and isinstance(value, Mapping):
            yield from _flat(value, f"{key}.")
        else:
            yield f"{prefix}{key}", value


def _check_key(key: str, source: str, plain: Mapping[str, Any]) -> None:
    section, _, name = key.partition(".")
    if key in _OF_RUN or section in _OF_RUN:
        msg = f"{source}: {key} is decided for all channels; set it in [germanium] of the run."
        raise InputError(msg, file=source, code="wrong_settings")
    there = plain.get(section)
    if section not in plain or (name and (not isinstance(there, Mapping) or name not in there)):
        known = list(there) if isinstance(there, Mapping) else list(plain)
        msg = f"{source}: {key} is no setting of a channel; known are {', '.join(known)}."
        raise InputError(msg, file=source, code="wrong_settings")


def _put(plain: dict[str, Any], key: str, value: Any) -> None:
    section, _, name = key.partition(".")
    if name:
        plain[section][name] = value
    else:
        plain[section] = value


def _refused(
    reason: ValidationError, channel: str, own: Mapping[str, tuple[Any, str]]
) -> InputError:
    """The first value that cannot be, with its file."""
    first = reason.errors()[0]
    place = [str(part) for part in first["loc"]]
    keys = [".".join(place[:n]) for n in (2, 1)]
    value, source = next((own[key] for key in keys if key in own), (first.get("input"), ""))
    name = next((key for key in keys if key in own), ".".join(place))
    msg = f"{source or channel}: {name} of {channel} is {value!r}: {first['msg']}. Correct it."
    return InputError(msg, file=source, code="wrong_settings")


def _effective(settings: Germanium) -> Iterator[tuple[str, Any]]:
    """Every key that may differ between channels, with its value."""
    for key, value in settings.model_dump(mode="json").items():
        if key in _OF_RUN or key == STATUS:
            continue
        if isinstance(value, Mapping):
            for name, item in value.items():
                if f"{key}.{name}" not in _OF_RUN:
                    yield f"{key}.{name}", item
        else:
            yield key, value
