"""Where the files of a campaign lie, of a loaded TOML file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....schemas.errors import UsageError
from ....schemas.transients.layout import FPGA_FOLDER
from ....schemas.transients.manifest import Archive, RemoteFile
from ...config import LoadedConfig, resolved_path

LEDGER: str = "ledger.sqlite"


@dataclass(frozen=True)
class CampaignPlaces:
    """Files and folders of a campaign; ``outputs`` is where runs are written."""

    folder: Path
    manifest: Path
    logbook: Path
    downloads: Path
    raw: Path
    logs: Path
    outputs: Path

    @property
    def ledger(self) -> Path:
        """The SQLite file of what was fetched, verified and unpacked."""
        return self.folder / LEDGER

    def file(self, part: RemoteFile) -> Path:
        """Where a file of the server lies when it is whole."""
        return self.downloads / part.file

    def unpacked(self, archive: Archive) -> Path:
        """Where the recordings of an archive lie when it is unpacked."""
        return self.raw / (archive.name if archive.number is not None else FPGA_FOLDER)


def campaign_places(loaded: LoadedConfig[Any]) -> CampaignPlaces:
    """The places that the settings name; UsageError if the input is not one folder."""
    config = loaded.config
    value = config.io.input_path
    if not isinstance(value, str) or not value:
        msg = (
            f"{loaded.path}: io.input_path = {value!r} is not one folder; name the folder of the "
            "campaign, where its manifest lies."
        )
        raise UsageError(msg, file=loaded.path, key="io.input_path")
    folder = resolved_path(loaded, value)
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist"
        msg = (
            f"{folder}: the folder of the campaign {what}. Make it and put the manifest there, or "
            "name another in io.input_path."
        )
        raise UsageError(msg, file=folder, key="io.input_path")
    settings = config.transients
    return CampaignPlaces(
        folder,
        manifest=folder / settings.manifest,
        logbook=folder / settings.logbook,
        downloads=folder / settings.retrieval.download_dir,
        raw=folder / settings.retrieval.raw_dir,
        logs=folder / settings.log_dir,
        outputs=resolved_path(loaded, config.io.output_path),
    )
