"""A small campaign on a server of this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers.transients.campaign_server import CampaignServer
from radiograph.drivers.transients.retrieval.fetching import FileReport, fetched
from radiograph.drivers.transients.retrieval.places import CampaignPlaces
from radiograph.drivers.transients.retrieval.telling import telling
from radiograph.schemas.transients.manifest import Archive, RemoteFile
from radiograph.schemas.transients.retrieval import Retrieval

QUICK = Retrieval(backoff_s=0.001, backoff_max_s=0.01, read_timeout_s=5.0, tries=4)


def md5_of(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


@dataclass
class Campaign:
    """A folder with a server's files beside; ``bytes_of`` are what they should be."""

    folder: Path
    bytes_of: dict[str, bytes] = field(default_factory=dict)

    @property
    def server_folder(self) -> Path:
        return self.folder / "server"

    @property
    def places(self) -> CampaignPlaces:
        names = ("runs_summary.csv", "logbook.csv", "download", "raw", "logs")
        return CampaignPlaces(self.folder, *(self.folder / n for n in names), self.folder / "out")

    def put(self, name: str, content: bytes) -> None:
        self.server_folder.mkdir(exist_ok=True)
        (self.server_folder / name).write_bytes(content)
        self.bytes_of[name] = content

    def archive(self, url: str, *names: str, md5: str | None = None) -> Archive:
        """An archive of these files; ``md5`` in place of the right ones."""
        parts = tuple(
            RemoteFile(n, url + n, md5_of(self.bytes_of[n]) if md5 is None else md5) for n in names
        )
        joined = md5_of(b"".join(self.bytes_of[n] for n in names)) if len(names) > 1 else ""
        return Archive("run_026", parts, joined, split=len(names) > 1)

    def here(self) -> dict[str, bytes]:
        """What lies in the download folder."""
        folder = self.places.downloads
        return {p.name: p.read_bytes() for p in folder.iterdir()} if folder.is_dir() else {}

    def fetch(
        self, *archives: Archive, mirrors: Sequence[str] = (), keep: bool = False, **settings: Any
    ) -> list[FileReport]:
        with telling(self.places.logs, "fetch", quiet=True) as told:
            changed = QUICK.model_copy(update=settings)
            return fetched(archives, self.places, changed, mirrors, told, keep=keep)


def shared_campaign() -> Path:
    """The campaign that lies beside the checkout; the test is skipped where it is not."""
    root = Path(__file__).resolve().parents[2]
    for folder in (root.parent, root.parent.parent):
        found = folder / "shared" / "data" / "transients"
        if found.is_dir():
            return found
    pytest.skip("there is no shared campaign of transients beside the checkout")


Serve = Callable[..., CampaignServer]
