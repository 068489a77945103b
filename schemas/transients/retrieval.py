"""[transients.retrieval]: how the archives of a campaign are fetched and unpacked."""

from __future__ import annotations

from pydantic import Field

from ..settings import FilePath, Section


class Retrieval(Section):
    """[transients.retrieval]: fetch, verify and extract; a run does not depend on it."""

    download_dir: str = "download"
    """Folder of the archives, in io.input_path."""
    raw_dir: str = "raw"
    """Folder of the unpacked recordings, in io.input_path."""
    connections: int = Field(default=4, ge=1, le=64)
    """Transfers at a time, in all."""
    tries: int = Field(default=8, ge=1)
    """Tries of a file that bring nothing, one after another, before it is given up."""
    connect_timeout_s: float = Field(default=10.0, gt=0)
    """Time for a connection to be made."""
    read_timeout_s: float = Field(default=60.0, gt=0)
    """Time for the next bytes to arrive."""
    backoff_s: float = Field(default=1.0, ge=0)
    """Wait after the first try that brought nothing; it doubles with each further one."""
    backoff_max_s: float = Field(default=60.0, ge=0)
    """Longest wait between two tries."""
    mirrors: tuple[FilePath, ...] = ()
    """Other places of the files, in order: https://, http://, file:// or a folder."""
    max_member_MB: float = Field(default=16.0, gt=0)
    """Largest file of an archive that is unpacked."""
    processes: int = Field(default=0, ge=0)
    """Archives that are verified or unpacked at a time; 0 = as many as there are processors."""
