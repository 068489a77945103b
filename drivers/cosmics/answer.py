"""Nodes of some files as the report of a run that writes nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ...nodes.addresses import shown
from ...schemas.cosmics.config import CosmicsConfig
from ..cache.opening import CacheOptions
from ..config import LoadedConfig
from ..engine.input_files import found_paths
from ..engine.report import RunReport, node_table
from ..engine.running import open_session, with_judgement
from ..graph import visible_nodes
from .definition import COSMICS


def answered(
    loaded: LoadedConfig[CosmicsConfig], targets: Sequence[str], cache: CacheOptions
) -> RunReport:
    """The values of some nodes with summary and verdict; InputError, ConfigError as a run."""
    started = time.perf_counter()
    read = [path for source in COSMICS.sources for path in found_paths(loaded, source)]
    session = open_session(loaded, cache)
    names = session.resolved(targets)
    values = session.run([*names, *session.judging])
    if session.cache is not None:
        session.cache.close(loaded.config.cache.size_limit_GB)
    report = RunReport(
        pipeline=COSMICS.name,
        input=[shown(path) for path in read],
        targets=names,
        seconds=time.perf_counter() - started,
        nodes=node_table(session.manifest, visible_nodes(session.driver), {}),
        failed=[*(f.failure for f in session.failed), *session.failures],
        values=values,
        asked={target: (name, "") for target, name in zip(targets, names, strict=True)},
    )
    return with_judgement(report, session)
