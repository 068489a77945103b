"""One light file through the graph: numbers first, then what is drawn of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...schemas.errors import InputError, UsageError
from ...schemas.lightdqm.config import LightDqmConfig
from ...schemas.sources import FileRef
from ..cache.opening import NO_CACHE, CacheOptions, open_cache
from ..config import LoadedConfig
from ..engine.executors import Executor, LocalExecutor
from ..engine.parts import Part, Parts
from ..engine.protocol import GraphInputs
from ..engine.session import Session
from ..engine.session_state import Sink
from ..files import file_ref, sampled_file_ref
from ..graph import build_driver, resolved_targets
from ..registry import definition
from .inputs import graph_values

_STATUS: Final = "lightdqm.channel_status_csv"


@dataclass(kw_only=True)
class LightSession(Session):
    """A config and a light file, ready to be asked for nodes."""

    config: LightDqmConfig
    source: FileRef

    def run(
        self, targets: Iterable[str], streams: Iterable[str] = (), sink: Sink | None = None
    ) -> dict[str, Any]:
        """One value a target; ChangedInputError if the file is not what it was.

        Nodes of scope ``run`` (figures) are evaluated when the waveforms are no longer held.
        """
        with _settings_at_fault():
            return super().run(targets, streams, sink)


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
    flow = definition("lightdqm")
    return resolved_targets(build_driver(flow, flow.choices_of(config)), targets, flow.aliases)


def open_session(
    loaded: LoadedConfig[LightDqmConfig],
    path: Path,
    cache: CacheOptions = NO_CACHE,
    earlier_runs: pd.DataFrame | None = None,
    executor: Executor | None = None,
) -> LightSession:
    """A session for one file; InputError if it cannot be read.

    The file is known by samples of its content, since reading all of a long file would take
    longer than looking at its events; ``cache.rehash`` reads all of it.
    """
    values = graph_values(loaded.config, loaded.path.parent, earlier_runs, source=path)
    source = file_ref(path) if cache.rehash else sampled_file_ref(path)
    flow = definition("lightdqm")
    session = LightSession(
        flow=flow,
        parts=Parts.of([Part({}, {"source_file": source})]),
        inputs=GraphInputs(flow.choices_of(loaded.config), values),
        cache=open_cache(cache, flow.untracked, flow.packages),
        executor=executor or LocalExecutor(),
        config=loaded.config,
        source=source,
    )
    session.refresh(cache.refreshed)
    return session
