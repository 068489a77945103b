"""A pipeline and its input: parts through the graph, phase after phase.

What a file gave is taken back if the file fails: within the first sweep over it at once, later by
beginning again without it, since others have merged what it gave.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..cache.execution import Verdict
from ..cache.explaining import remember_settings
from ..cache.opening import open_cache
from ..cache.options import CacheOptions
from ..cache.survey import surveyed
from ..graph import build_driver
from .collecting import earlier_objects_apart
from .evaluation import AgainError, Evaluation
from .phases import Plan
from .session_state import SessionState, Sink


@dataclass
class Session(SessionState):
    """A pipeline, its settings and its parts, ready to be asked for nodes."""

    def run(
        self, targets: Iterable[str], streams: Iterable[str] = (), sink: Sink | None = None
    ) -> dict[str, Any]:
        """One value a target; ``streams`` are given to ``sink`` part by part.

        A target that stays apart by key, or whose values cannot be made one, is a mapping by its
        place (the number of a file, the name of a channel). A Failure stands in place of what
        could not be evaluated.

        Raises
        ------
        InputError
            If no file can be used; with ``on_bad_file`` "fail", if one cannot.
        """
        names, streams = self.resolved(targets), tuple(streams)
        while True:
            plan = self.plan(names, streams)
            try:
                with earlier_objects_apart() as let_go, self._rereadable(plan):
                    return Evaluation(self, plan, names, sink, let_go).values()
            except AgainError:
                self.failures.clear()
                if sink is not None:
                    sink.begin_again()

    def survey(self, targets: Iterable[str]) -> list[Verdict]:
        """What a run would do with each node the targets need; nothing is executed."""
        assert self.cache is not None
        return surveyed(self.cache, self.run, targets)

    def end_cache(self) -> None:
        """Note the settings, so that a later run can tell what changed, and close the cache."""
        if self.cache is not None:
            remember_settings(self)
            self.cache.close(self.config.cache.size_limit_GB)

    @contextmanager
    def _rereadable(self, plan: Plan) -> Iterator[None]:
        """A cache for the time of a run that goes over its parts more than once, if it has none.

        What the second sweep needs is then read again, and what is held between phases need not
        stay in memory.
        """
        sweeps = [plan.n_sweeps(scope) for scope, axes in self.flow.scopes.items() if axes]
        if self.cache is not None or max(sweeps, default=0) < 2:
            yield
            return
        without = self.driver, self.executor
        with tempfile.TemporaryDirectory(prefix="radiograph-") as folder:
            options = CacheOptions(Path(folder), for_one_run=True)
            self.cache = open_cache(options, self.flow.untracked, self.flow.packages)
            self.driver = build_driver(self.flow, self.inputs.choices, self.manifest, self.cache)
            self.executor = self.executor.caching(options)
            try:
                yield
            finally:
                if self.cache is not None:
                    self.cache.store.close()
                self.cache, (self.driver, self.executor) = None, without
