"""How one node is evaluated: executed, checked and frozen, or had from the cache.

Hamilton hands every node to NodeExecution. With a cache, values travel as Lazy; what runs is
given the values behind them.
"""

from __future__ import annotations

import time
import typing
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hamilton.htypes import check_input_type, types_match
from hamilton.lifecycle.base import (
    BaseDoCheckEdgeTypesMatch,
    BaseDoNodeExecute,
    BaseDoValidateInput,
)

from ..schemas.errors import Unfit
from ..schemas.failures import Failure
from ..schemas.tables import TableSchema
from .annotations import spelled_out
from .checks import check_output, freeze
from .node_records import FAILED, Manifest, NodeCall
from .unchanged import files_in, unchanged

if TYPE_CHECKING:
    from .cache.execution import NodeCache


class NodeExecution(
    BaseDoNodeExecute,  # type: ignore[misc]
    BaseDoCheckEdgeTypesMatch,  # type: ignore[misc]
    BaseDoValidateInput,  # type: ignore[misc]
):
    """Evaluates nodes for Hamilton: checks what they return, freezes it, records it.

    It also compares types for Hamilton, which knows no lazy aliases such as numpy's NDArray.
    """

    def __init__(
        self,
        tables: Mapping[str, TableSchema],
        manifest: Manifest,
        cache: NodeCache | None = None,
    ) -> None:
        self._tables = tables
        self._manifest = manifest
        self._cache = cache

    def do_node_execute(
        self, *, run_id: str, node_: Any, kwargs: dict[str, Any], task_id: str | None = None
    ) -> Any:
        """The value of a node; a Lazy if there is a cache.

        Where an input failed, the Failure stands in place of the value and nothing is executed; but
        a node whose parameter may be a Failure by its annotation is given it and goes on.
        """
        del run_id, task_id
        found = {name: self._failure_in(value) for name, value in kwargs.items()}
        failures = {name: failure for name, failure in found.items() if failure is not None}
        ends = next((n for n in failures if not _may_fail(node_.input_types[n][0])), None)
        if ends is not None:
            return kwargs[ends]
        self._manifest.take(failures.values())
        if self._cache is None:
            return self._executed(node_, kwargs, "")
        return self._from_cache(self._cache, node_, kwargs)

    def _failure_in(self, value: Any) -> Failure | None:
        if self._cache is not None:
            return self._cache.failure_in(value)
        return value if isinstance(value, Failure) else None

    def do_check_edge_types_match(self, *, type_from: Any, type_to: Any) -> bool:
        """Whether a parameter of type ``type_from`` takes a value of type ``type_to``."""
        return bool(types_match(spelled_out(type_from), spelled_out(type_to)))

    def do_validate_input(self, *, node_type: Any, input_value: Any) -> bool:
        """Whether an input is of the type that nodes expect."""
        return bool(check_input_type(spelled_out(node_type), input_value))

    def _from_cache(self, cache: NodeCache, node: Any, kwargs: dict[str, Any]) -> Any:
        def execute(inputs: Mapping[str, Any], reason: str) -> Any:
            return self._executed(node, inputs, reason)

        call = NodeCall(node.name, node.callable, kwargs, execute)
        started = time.perf_counter()
        if node.tags.get("stored") == "false":
            return cache.deferred(call)
        outcome = cache.evaluate(call)
        if outcome.hit:
            self._manifest.hit(node.name, time.perf_counter() - started, outcome.n_bytes)
        elif cache.survey is None:
            self._manifest.nodes[node.name].n_bytes += outcome.n_bytes
        return outcome.value

    def _executed(self, node: Any, kwargs: Mapping[str, Any], reason: str) -> Any:
        started = time.perf_counter()
        call: Callable[..., Any] = node.callable
        # Before anything is stored: what a cache keeps is of the content that its key names.
        with unchanged(files_in(kwargs.values())):
            try:
                result = call(**kwargs)
            except Unfit as error:
                # A value like another: it is kept, and its key goes no further.
                seconds = time.perf_counter() - started
                self._manifest.executed(node.name, seconds, reason, status=FAILED)
                return Failure.of(error, {}, node.name)
        check_output(node.name, node.tags, node.type, kwargs, result, self._tables)
        freeze(result)
        self._manifest.executed(node.name, time.perf_counter() - started, reason)
        return result


def _may_fail(annotation: Any) -> bool:
    """Whether a parameter takes the Failure of what it asks for: ``LQModel | Failure``."""
    return Failure in typing.get_args(annotation)
