"""Restart: where a run may begin, given what an earlier file holds and which settings changed.

A setting has a stage whose result it changes first; the run begins at the deepest stage the file
holds that comes before. What the file holds up to there is copied, not computed.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
from pydantic import ValidationError

from ...nodes.hdf5_content import Content, damaged_file, reading
from ...nodes.imaging.readers import READERS
from ...nodes.imaging.readers.ngimager_hdf5 import opened
from ...schemas.errors import ConfigError, InputError, SettingProblem
from ...schemas.imaging.config import STAGES, ImagingConfig
from ..config import config_rows
from ..provenance import stored_settings
from .layout import COPIED_BESIDE, FOOTPRINT_PATHS, Group
from .restart_checks import check_start
from .restart_stages import Start, begins_at

FORMAT: Final = "hdf5_ngimager"
_HELD: Final[Mapping[Start, str]] = {
    "hits": "hits/event_id",
    "events": "lm/event_type",
    "cones": "cones/theta_rad",
    "image": "images/summed/all",
}
_GEOMETRY: Final = ("detectors.geometry.frame", "detectors.geometry.detectors")
_UNITS: Final = ("unit_pos_is_mm", "time_units")
# Tables with entries of any name.
_FREE_TABLES: Final = ("detectors.material_map.", "energy.lut_paths.")


@dataclass(frozen=True)
class Restart:
    """An earlier run as the start of this one.

    Attributes
    ----------
    path
        Its HDF5 file.
    start
        What is taken from it as it is: hits, events, cones or images.
    changed
        Settings that differ from those of the earlier run, and why it does not start later.
    policies
        How hits were taken for events by default, by species.
    is_ours
        Whether the layout has our additions: then what is kept is copied bit by bit.
    """

    path: Path
    start: Start
    changed: tuple[str, ...]
    policies: Mapping[str, str]
    is_ours: bool

    def is_copied(self, group: Group) -> bool:
        """Whether the rows of a group come from the earlier file."""
        if not self.is_ours or self.start == "hits":
            return False
        return STAGES.index(group.stage) <= STAGES.index(self.start)

    def is_computed(self, group: Group) -> bool:
        """Whether the rows of a group are made by this run."""
        if self.is_copied(group):
            return False
        if self.start == "hits":
            return True
        # Another program's file has no hypotheses and no hits, but its events and cones.
        return group.name in ("events", "cones") or STAGES.index(group.stage) > STAGES.index(
            self.start
        )

    @property
    def summary(self) -> str:
        """One line for the user."""
        because = f" ({', '.join(self.changed)} changed)" if self.changed else ""
        return f"restart from the {self.start} of {self.path}{because}"


def opened_restart(config: ImagingConfig, paths: Sequence[Path]) -> Restart | None:
    """The restart that a config asks for; None if its input is raw data.

    Raises
    ------
    ConfigError
        If a changed setting needs what the file does not hold.
    InputError
        If there are several files, or one that holds nothing to start from.
    """
    if config.io.input_format != FORMAT:
        return None
    if len(paths) > 1:
        msg = f"{paths[1]}: a restart reads one HDF5 file. Give one, or the raw files themselves."
        raise InputError(msg, file=paths[1], key="io.input_path")
    path = paths[0]
    with opened(path) as file:
        is_ours = str(file.attrs.get("software", "")).startswith("radiograph")
        held = [s for s, dataset in _HELD.items() if dataset in file]
        if not is_ours:
            # Its images have a pixel more on each side.
            held = [s for s in held if s != "image"]
        earlier = _effective(file) if is_ours else _foreign(file)
    if not held:
        msg = f"{path}: holds neither hits, events, cones nor images to start from."
        raise InputError(msg, file=path)
    changes = _changes(config, earlier)
    _check_geometry(config, earlier, path)
    _check_units(config, earlier, path)
    start, decisive = _start(held, changes, path)
    check_start(path, start)
    reader = READERS.get(str(earlier.get("io.input_format", "")), READERS[FORMAT])
    return Restart(
        path,
        start,
        tuple(decisive),
        {"neutron": reader.neutron_policy, "gamma": reader.gamma_policy},
        is_ours,
    )


def _effective(file: Content) -> dict[str, Any]:
    """Settings in force when a file was written, by dotted key.

    InputError where they are not whole: a setting that is absent would count as unchanged.
    """
    found = stored_settings(file)
    if "meta/config_effective" in file and "run.neutrons" not in found:
        reason = f"{len(found)} names and values, not those of the settings"
        raise damaged_file(file.path, "/meta/config_effective", reason)
    return found


def _in_force(config: ImagingConfig) -> dict[str, Any]:
    return {key: json.loads(value) for key, _, value in config_rows(config)}


def _foreign(file: Content) -> dict[str, Any]:
    """The settings that another program's file names, read as our own; none if they are not."""
    text = file.attrs.get("config_text", "")
    if not isinstance(text, (str, bytes)):
        return {}
    try:
        data = tomllib.loads(text if isinstance(text, str) else text.decode())
        config = ImagingConfig.model_validate(data)
    except (tomllib.TOMLDecodeError, ValidationError, UnicodeDecodeError):
        return {}
    named = set(_named(data, ""))
    return {k: v for k, v in _in_force(config).items() if k in named or _is_within(k, named)}


def _named(data: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _named(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _changes(config: ImagingConfig, earlier: Mapping[str, Any]) -> dict[str, Start]:
    """Settings that differ, each with the stage where a run must begin for it."""
    # Where a prior ranks hypotheses and no cone is asked where it points, cones need no plane.
    needs_plane = config.prior.target_cm is None or config.cones.directionality != "off"
    rows = _in_force(config)
    changed = {
        key: needs_plane and (key in rows) != (key in earlier)
        for key in {**rows, **earlier}
        if _is_changed(key, rows, earlier)
    }
    return begins_at(config, changed) if changed else {}


def _is_changed(key: str, rows: Mapping[str, Any], earlier: Mapping[str, Any]) -> bool:
    """Whether a setting differs, or stands in a table that the other side has without it.

    A setting that one side does not know at all is none that was changed.
    """
    if key in rows and key in earlier:
        return bool(earlier[key] != rows[key])
    other = rows if key in earlier else earlier
    # An absent section and an empty table have a row of their own.
    return _is_within(key, other) or any(
        key.startswith(table) and any(k.startswith(table) for k in other) for table in _FREE_TABLES
    )


def _is_within(key: str, tables: Iterable[str]) -> bool:
    return any(key.startswith(f"{table}.") for table in tables)


def _check_geometry(config: ImagingConfig, earlier: Mapping[str, Any], path: Path) -> None:
    """ConfigError if detectors are to be moved: stored hits are in the world frame."""
    given = config.detectors.geometry.model_fields_set & {"frame", "detectors"}
    rows = {key: v for key, v in _in_force(config).items() if key.startswith(_GEOMETRY)}
    if not given or all(earlier.get(k, v) == v for k, v in rows.items()):
        return
    text = (
        f"differs from that of {path}, whose hits are in the world frame already. Leave [detectors."
        "geometry] out or as it was, or read the raw data again"
    )
    raise ConfigError([SettingProblem(str(path), "detectors.geometry", text)], file=path)


def _check_units(config: ImagingConfig, earlier: Mapping[str, Any], path: Path) -> None:
    """ConfigError if the units of the first input are to change: stored hits are in cm and ns."""
    adapter = config.io.adapter
    for name in _UNITS:
        value, key = getattr(adapter, name), f"io.adapter.{name}"
        if name not in adapter.model_fields_set or key not in earlier:
            continue
        if earlier[key] != value:
            now, before = json.dumps(value), json.dumps(earlier[key])
            text = (
                f"{name} = {now} differs from that of {path} ({before}), whose hits are in cm and "
                "ns already. Leave it as it was, or read the raw data again"
            )
            raise ConfigError([SettingProblem(str(path), "io.adapter", text)], file=path)


def _start(
    held: Sequence[Start], changes: Mapping[str, Start], path: Path
) -> tuple[Start, list[str]]:
    """The deepest stage that can be kept, and the settings that forbid a deeper one."""
    order = list(_HELD)
    latest = min((order.index(s) for s in changes.values()), default=len(order) - 1)
    possible = [s for s in held if order.index(s) <= latest]
    decisive = sorted(k for k, s in changes.items() if order.index(s) == latest)
    if possible:
        return max(possible, key=order.index), decisive
    needed = order[latest]
    text = (
        f"{', '.join(decisive)} changed, which needs the {needed}, but the file holds only "
        f"{', '.join(held)}. Leave the setting as it was, or read the raw data again"
    )
    raise ConfigError([SettingProblem(str(path), "", text)], file=path)


def copy_kept(file: h5py.File, restart: Restart, groups: Sequence[Group]) -> None:
    """Copy what the earlier file holds of some groups, and what stands beside the rows."""
    with opened(restart.path) as earlier:
        paths = [p for g in groups for d in g.datasets for p in (d.path, d.labels_path)]
        names = {g.name for g in groups}
        paths += [path for path, group in COPIED_BESIDE.items() if group in names]
        if "imaged" in names:
            paths += FOOTPRINT_PATHS
        formats = [f"/meta/{name}" for name in READERS]
        for path in dict.fromkeys([*paths, *formats]):
            if path in earlier and path not in file:
                parent = file.require_group(path.rpartition("/")[0])
                with reading(restart.path, path):
                    group = earlier.group
                    group.copy(group[path], parent, name=path.rpartition("/")[2])
        with reading(restart.path, "/meta/root"):
            link = earlier.group.get("meta/root", getlink=True)
        if isinstance(link, h5py.SoftLink) and link.path in file and "meta/root" not in file:
            file["meta/root"] = h5py.SoftLink(link.path)
        if "/lm/cone_pixel_indices" in file:
            file.require_group("images/list_mode")["cone_pixel_indices"] = h5py.SoftLink(
                "/lm/cone_pixel_indices"
            )
