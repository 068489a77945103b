"""One light file through the graph: numbers first, then what is drawn of them."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd
from hamilton import driver

from ...schemas.errors import InputError, UsageError
from ...schemas.lightdqm.config import LightDqmConfig
from ...schemas.sources import FileRef
from ..cache.execution import NodeCache, Verdict
from ..cache.lazy import resolved
from ..cache.opening import NO_CACHE, CacheOptions, open_cache
from ..cache.survey import surveyed
from ..config import LoadedConfig
from ..engine.phases import RUN, evaluated, planned
from ..files import file_ref, sampled_file_ref
from ..graph import build_driver, resolved_targets
from ..node_execution import Manifest, NodeRecord
from ..registry import definition
from ..unchanged import check_unchanged
from .inputs import graph_choices, graph_values

_WAVEFORMS: Final = "chosen_waveforms"
_NOTHING: Final = NodeRecord()
_STATUS: Final = "lightdqm.channel_status_csv"


@dataclass
class Session:
    """A config and a light file, ready to be asked for nodes."""

    config: LightDqmConfig
    source: FileRef
    values: Mapping[str, Any]
    cache: NodeCache | None = None
    manifest: Manifest = field(default_factory=Manifest)

    def __post_init__(self) -> None:
        pipeline = definition("lightdqm")
        self.aliases = pipeline.aliases
        choices = graph_choices(self.config)
        self.driver: driver.Driver = build_driver(pipeline, choices, self.manifest, self.cache)

    @property
    def input_files(self) -> list[FileRef]:
        """The files that are read."""
        return [self.source]

    def resolved(self, targets: Iterable[str]) -> list[str]:
        """Names of nodes, aliases replaced."""
        return resolved_targets(self.driver, targets, self.aliases)

    def run(self, targets: Iterable[str]) -> dict[str, Any]:
        """One value a target; ChangedInputError if the file is not what it was.

        Nodes of scope ``run`` (figures) are evaluated when the waveforms are no longer held.
        """
        names = self.resolved(targets)
        inputs = {**self.values, "source_file": self.source}
        found: dict[str, Any] = {}
        for phase in planned(self.driver, names).phases:
            with _settings_at_fault():
                found |= evaluated(self.driver, phase, found, inputs)
            if phase.scope != RUN and self.manifest.nodes.get(_WAVEFORMS, _NOTHING).calls:
                # What is not read yet holds the inputs of its node, and these the waveforms.
                for name in phase.merged:
                    resolved(found[name])
                gc.collect()
        check_unchanged(self.source)
        return {name: resolved(found[name]) for name in names}

    def survey(self, targets: Iterable[str]) -> list[Verdict]:
        """What a run would do with each node the targets need; nothing is executed."""
        assert self.cache is not None
        return surveyed(self.cache, self.run, targets)


@contextmanager
def _settings_at_fault() -> Iterator[None]:
    """A status file that does not fit is a wrong setting, not data that cannot be read."""
    try:
        yield
    except InputError as error:
        if error.key != _STATUS:
            raise
        msg = f"{error.message} Correct it, or [lightdqm] channel_status_csv."
        raise UsageError(msg, file=error.file, key=_STATUS, code=error.code) from None


def named_nodes(config: LightDqmConfig, targets: Sequence[str]) -> list[str]:
    """Names of nodes, aliases replaced; UsageError for a name that the graph has not."""
    if not targets:
        return []
    pipeline = definition("lightdqm")
    return resolved_targets(
        build_driver(pipeline, graph_choices(config)), targets, pipeline.aliases
    )


def open_session(
    loaded: LoadedConfig[LightDqmConfig],
    path: Path,
    cache: CacheOptions = NO_CACHE,
    earlier_runs: pd.DataFrame | None = None,
) -> Session:
    """A session for one file; InputError if it cannot be read.

    The file is known by samples of its content, since reading all of a long file would take
    longer than looking at its events; ``cache.rehash`` reads all of it.
    """
    values = graph_values(loaded.config, loaded.path.parent, earlier_runs, source=path)
    source = file_ref(path) if cache.rehash else sampled_file_ref(path)
    opened = open_cache(cache, definition("lightdqm").untracked)
    session = Session(loaded.config, source, values, opened)
    if opened is not None:
        opened.refreshed = tuple(session.resolved(cache.refreshed))
    return session
