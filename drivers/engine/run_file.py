"""The file of a run: how it begins and ends, whatever a pipeline writes between."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py

from ...schemas.input_files import INPUT_FILES as INPUT_FILES_TABLE
from ..config import LoadedConfig
from ..hdf5 import new_file, write_text
from ..hdf5_values import write_value
from ..runfile.making import write_end, write_head
from ..runfile.node_sources import write_sources
from ..runfile.said import said_meanwhile
from .ledger import INPUT_FILES
from .session_state import SessionState


@dataclass(frozen=True)
class Layout:
    """What a file says of itself.

    Attributes
    ----------
    format_version, readme
        The version and the description of the layout.
    docs_url
        The page that describes it.
    with_config, with_sources
        Whether the settings, word for word, and the sources of the nodes are written.
    """

    format_version: str
    readme: str
    docs_url: str = "docs/formats.md"
    with_config: bool = True
    with_sources: bool = True


@dataclass(frozen=True)
class Begun:
    """A run that is under way: since when (perf_counter), and what it said on standard error."""

    said: Sequence[str] = ()
    at: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.perf_counter() - self.at


@contextmanager
def begun_run() -> Iterator[Begun]:
    """A run, from its beginning: what is said while the block runs is kept."""
    with said_meanwhile() as said:
        yield Begun(said)


@contextmanager
def run_file(
    path: Path,
    session: SessionState,
    loaded: LoadedConfig[Any],
    layout: Layout,
    begun: Begun,
    *,
    targets: Sequence[str] = (),
    problems: Sequence[dict[str, Any]] = (),
) -> Iterator[h5py.File]:
    """A new file with its head; when the block ends, with all that is known of its making.

    Parameters
    ----------
    targets
        The nodes that were asked for by name.
    problems
        Damage and notices; may grow until the end of the block.
    """
    with new_file(path) as file:
        meta = write_head(
            file,
            loaded,
            format_version=layout.format_version,
            readme=layout.readme,
            docs_url=layout.docs_url,
            with_config=layout.with_config,
        )
        if layout.with_sources:
            write_sources(meta, session.flow)
        yield file
        if session.cut:
            file.attrs["incomplete"] = "; ".join(cut.message for cut in session.cut)
        write_end(
            file,
            session.read_files(),
            session.manifest,
            begun.at,
            targets=session.resolved(targets),
            problems=problems,
            failures=session.every_failure,
        )
        ledger = session.input_files_so_far()
        place = f"provenance/{INPUT_FILES}"
        write_value(file, place, ledger, "every file that was given", INPUT_FILES_TABLE)
        write_text(meta, "log", "\n".join(begun.said), "what the run said on standard error")
