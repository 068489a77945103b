"""What a campaign holds of each run: archives, folders, older files, logbook, FPGA data."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...nodes.transients.readers.earlier_runs import stored_metadata
from ...nodes.transients.readers.older_hdf5 import older_metadata
from ...schemas.errors import InputError
from ...schemas.transients.config import TransientsConfig
from ...schemas.transients.layout import (
    FPGA_FOLDER,
    FPGA_HITS,
    FPGA_LOG,
    parsed_recording,
    run_name,
    run_number,
)
from ...schemas.transients.logbook import Logbook, RunMetadata, read_logbook
from ...schemas.transients.manifest import FPGA_DATA, Manifest, read_manifest
from ...schemas.transients.recordings import SourceKind
from ..config import LoadedConfig, resolved_path
from ..files import natural_order
from ..home import path_of_setting
from .restarting import is_own

log = logging.getLogger("radiograph.run")
_OLDER: Final = re.compile(r"run_(\d{3,})\.(?:h5|hdf5)")
_HDF5: Final[tuple[SourceKind, ...]] = ("ml4see_hdf5", "radiograph_hdf5")
_OTHER_LOGBOOK: Final = {".xlsx": ".csv", ".csv": ".xlsx"}


@dataclass(frozen=True)
class RunFiles:
    """Where the recordings of a run stand.

    Attributes
    ----------
    number
        The run.
    kind
        How they are read.
    paths
        The parts of the archive, or the HDF5 file; empty where there are no recordings.
    root
        The folder of the run, of a folder of recordings.
    fpga
        The archive or the folder with what the FPGA saw; None where there is none.
    """

    number: int
    kind: SourceKind
    paths: tuple[Path, ...] = ()
    root: Path | None = None
    fpga: Path | None = None

    @property
    def shown(self) -> Path:
        """The place that messages name."""
        return self.root or self.paths[0]

    @property
    def fpga_files(self) -> list[Path]:
        """The archive of the FPGA, or its files of this run, as far as they are there."""
        if self.fpga is None or self.fpga.is_file():
            return [] if self.fpga is None else [self.fpga]
        folder = self.fpga / run_name(self.number)
        return [path for path in (folder / FPGA_LOG, folder / FPGA_HITS) if path.exists()]

    def read_beside(self, outputs: Sequence[Path]) -> list[Path]:
        """What is read of the run and no output may replace.

        Of a folder of recordings those that ``outputs`` lead to: all are too many to be compared.
        """
        found = [*self.paths, *self.fpga_files]
        if self.root is None:
            return found
        root = self.root.resolve()
        places = (path.resolve() for path in outputs)
        of_folder = (place for place in places if place.is_relative_to(root))
        names = ((p, f"{self.root.name}/{p.relative_to(root).as_posix()}") for p in of_folder)
        return [*found, *(place for place, name in names if parsed_recording(name) is not None)]


@dataclass(frozen=True)
class Campaign:
    """A campaign as the settings name it."""

    folder: Path
    manifest: Manifest | None
    logbook: Logbook | None
    settings: TransientsConfig

    def metadata(self, run: RunFiles) -> RunMetadata:
        """The logbook row of a run, or what an older file says of it; InputError without."""
        if run.kind in _HDF5:
            return _row_of_file(run)
        if self.logbook is None:
            raise _no_logbook(self.folder, self.settings)
        return self.logbook.run(run.number)


def opened_campaign(loaded: LoadedConfig[TransientsConfig]) -> Campaign:
    """The manifest and the logbook of a campaign, checked; InputError where they are wrong."""
    settings = loaded.config
    named = settings.io.input_path
    folder = resolved_path(loaded, named if isinstance(named, str) else named[0])
    if not folder.exists():
        msg = (
            f"{folder}: is not there. Set [io] input_path to the folder of the campaign, or give "
            "--input-path."
        )
        raise InputError(msg, file=folder, key="io.input_path")
    if folder.is_file():
        return Campaign(folder, None, None, settings)
    table = folder / settings.transients.manifest
    manifest = read_manifest(table) if table.exists() else None
    return Campaign(folder, manifest, _logbook(folder, settings), settings)


def _logbook(folder: Path, settings: TransientsConfig) -> Logbook | None:
    path = folder / settings.transients.logbook
    other = path.with_suffix(_OTHER_LOGBOOK.get(path.suffix, path.suffix))
    found = next((p for p in (path, other) if p.exists()), None)
    return None if found is None else read_logbook(found)


def files_beside(config: TransientsConfig, folder: Path) -> list[Path]:
    """The manifest and the logbook of a campaign, whether they are there or not."""
    named = config.io.input_path
    campaign = path_of_setting(folder, named if isinstance(named, str) else named[0])
    logbook = campaign / config.transients.logbook
    endings = {logbook.suffix, _OTHER_LOGBOOK.get(logbook.suffix, logbook.suffix)}
    return [campaign / config.transients.manifest, *map(logbook.with_suffix, endings)]


def _no_logbook(folder: Path, settings: TransientsConfig) -> InputError:
    path = folder / settings.transients.logbook
    msg = (
        f"{path}: there is no logbook. Put the table of the runs there, or name it in "
        "[transients] logbook."
    )
    return InputError(msg, file=path, key="transients.logbook", code="no_logbook")


def runs_of(campaign: Campaign) -> list[RunFiles]:
    """The runs that the settings ask for, in order of their numbers; InputError if there is none.

    A run that is asked for by its number and is not there is an error; of all runs those count
    whose data are there.
    """
    wanted = campaign.settings.transients.runs
    found = _all_runs(campaign)
    missing = [number for number in wanted if number not in found]
    if missing:
        number = missing[0]
        if campaign.manifest is not None:
            campaign.manifest.of_run(number)
        there = ", ".join(run_name(n) for n in sorted(found)) or "none"
        msg = (
            f"{campaign.folder}: no data of {run_name(number)} (there is {there}). Fetch it with "
            f"radiograph transients fetch CONFIG {number}, or leave it out of [transients] runs."
        )
        raise InputError(msg, file=campaign.folder, key="transients.runs", code="no_data")
    if not found:
        _raise_nothing(campaign)
    if not wanted:
        for number, absent in _incomplete_archives(campaign).items():
            if number not in found:
                log.warning("%s is left out: %s is not there", run_name(number), absent.name)
    return [found[number] for number in sorted(wanted or found)]


def _raise_nothing(campaign: Campaign) -> None:
    transients = campaign.settings.transients
    for number, absent in _incomplete_archives(campaign).items():
        msg = (
            f"{absent}: is not there; {run_name(number)} needs all of its parts. Fetch it with "
            f"radiograph transients fetch CONFIG {number}."
        )
        raise InputError(msg, file=absent, code="no_data")
    if campaign.manifest is None and not any(campaign.folder.glob("run_*")):
        read_manifest(campaign.folder / transients.manifest)
    msg = (
        f"{campaign.folder}: holds no recordings: no archive in {transients.retrieval.download_dir}"
        f", no run_NNN folder in {transients.retrieval.raw_dir} or here, no run_NNN.h5. Fetch them "
        "first: radiograph transients fetch CONFIG."
    )
    raise InputError(msg, file=campaign.folder, key="io.input_path", code="no_data")


def _all_runs(campaign: Campaign) -> Mapping[int, RunFiles]:
    """Every run whose data are there, by number."""
    config, folder = campaign.settings, campaign.folder
    wanted = config.io.input_format
    if folder.is_file():
        match = _OLDER.fullmatch(folder.name)
        number = int(match[1]) if match else int(_metadata_of(folder).get("run_id", 0))
        return {number: _of_file(number, folder)}
    ways: dict[str, Mapping[int, RunFiles]] = {
        "archive": _archives(campaign),
        "folder": _folders(campaign),
    }
    of_files = _hdf5_files(campaign)
    for of_kind in _HDF5:
        ways[of_kind] = {number: run for number, run in of_files.items() if run.kind == of_kind}
    found: dict[int, RunFiles] = {}
    for kind, runs in ways.items():
        if wanted in ("auto", kind):
            for number, run in runs.items():
                found.setdefault(number, run)
    return found


def _archives(campaign: Campaign) -> dict[int, RunFiles]:
    fpga = _fpga_place(campaign)
    return {
        number: RunFiles(number, "archive", paths, fpga=fpga)
        for number, paths in _paths_of_archives(campaign).items()
        if all(path.exists() for path in paths)
    }


def _incomplete_archives(campaign: Campaign) -> dict[int, Path]:
    """The first part that is missing of each run of which other parts are there."""
    found = {}
    for number, paths in _paths_of_archives(campaign).items():
        absent = [path for path in paths if not path.exists()]
        if 0 < len(absent) < len(paths):
            found[number] = absent[0]
    return found


def _paths_of_archives(campaign: Campaign) -> dict[int, tuple[Path, ...]]:
    if campaign.manifest is None:
        return {}
    folder = campaign.folder / campaign.settings.transients.retrieval.download_dir
    return {
        archive.number: tuple(folder / part.file for part in archive.parts)
        for archive in campaign.manifest.archives
        if archive.number is not None
    }


def _folders(campaign: Campaign) -> dict[int, RunFiles]:
    raw = campaign.folder / campaign.settings.transients.retrieval.raw_dir
    fpga = _fpga_place(campaign)
    found: dict[int, RunFiles] = {}
    for root in (raw, campaign.folder):
        for path in sorted(root.glob("run_*"), key=lambda p: natural_order(p.name)):
            number = run_number(path.name)
            if number is not None and path.is_dir():
                found.setdefault(number, RunFiles(number, "folder", (), path, fpga))
    number = run_number(campaign.folder.name)
    if not found and number is not None:
        found[number] = RunFiles(number, "folder", (), campaign.folder, fpga)
    return found


def _hdf5_files(campaign: Campaign) -> dict[int, RunFiles]:
    named = ((_OLDER.fullmatch(p.name), p) for p in sorted(campaign.folder.iterdir()))
    return {int(match[1]): _of_file(int(match[1]), path) for match, path in named if match}


def _of_file(number: int, path: Path) -> RunFiles:
    return RunFiles(number, "radiograph_hdf5" if is_own(path) else "ml4see_hdf5", (path,))


def _fpga_place(campaign: Campaign) -> Path | None:
    retrieval = campaign.settings.transients.retrieval
    places = [
        campaign.folder / retrieval.raw_dir / FPGA_FOLDER,
        campaign.folder / FPGA_FOLDER,
    ]
    if campaign.manifest is not None:
        archives = (a for a in campaign.manifest.archives if a.name == FPGA_DATA)
        download = campaign.folder / retrieval.download_dir
        places = [*(download / part.file for a in archives for part in a.parts), *places]
    return next((place for place in places if place.exists()), None)


def _metadata_of(path: Path) -> Mapping[str, Any]:
    return stored_metadata(path) if is_own(path) else older_metadata(path)


def _row_of_file(run: RunFiles) -> RunMetadata:
    path = run.paths[0]
    row: dict[str, Any] = {"sdr_data": 1, **_metadata_of(path), "run_id": run.number}
    return Logbook(path, {run.number: row}).run(run.number)
