"""A cache around the execution of nodes: look up by key, else execute, check, store.

A hit returns a Lazy that is read only when a node that runs, or the caller, needs it; a damaged
entry found then is computed again. What a store cannot do is said once and the run goes on.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from weakref import ref

import numpy as np
import pandas as pd
import xxhash

from ...schemas.errors import UsageError
from ...schemas.failures import Failure
from ..node_records import NodeCall
from .code import CodeVersions, Parts, version_of
from .content import Description, UnknownTypeError, fingerprint
from .lazy import FAILURE, UNKNOWN, Lazy, NotComputedError, failure_in, resolved, unknown
from .location import salt
from .program import as_versions, program_identity, record_name
from .reasons import reason_of_miss
from .rebuilding import DamagedContentError
from .store import STORE_ERRORS, Encoded, Store

log = logging.getLogger("radiograph.cache")

_LAST: Final = "last:"
_KEY: Final = "key:"


@dataclass(frozen=True)
class Outcome:
    """What became of a call: its value, whether it was a hit, and its size in the store."""

    value: Lazy
    hit: bool
    n_bytes: int


@dataclass(frozen=True)
class Kept:
    """A value as it is stored: what it is known by, its bytes, its rows (None without any)."""

    fingerprint: str
    encoded: Encoded
    n_rows: int | None


@dataclass(frozen=True)
class Verdict:
    """What a run would do with a node: ``hit``, ``miss`` with the reason, or ``follows``."""

    node: str
    slot: str
    status: str
    reason: str


@dataclass
class NodeCache:
    """Keys, hits and misses of the nodes of one run.

    Attributes
    ----------
    store
        Where records and values are kept.
    versions
        Versions of the code of nodes.
    untracked
        Inputs that no result depends on (threads).
    refreshed
        Nodes that are computed even if they are known.
    slot
        Which part of the run is evaluated (a range of events, or the run itself): ``last``
        records are compared slot by slot.
    survey
        Where verdicts are noted instead of executing anything; None = a real run.
    """

    store: Store
    versions: CodeVersions
    untracked: Collection[str] = ()
    refreshed: Collection[str] = ()
    slot: str = "run"
    survey: list[Verdict] | None = None
    salt: Mapping[str, str] = field(default_factory=salt)
    _writable: bool = True
    _readable: bool = True
    _known: dict[str, tuple[Any, str]] = field(default_factory=dict)
    _of_part: list[ref[Lazy]] = field(default_factory=list)
    _program: str | None = None

    def evaluate(self, call: NodeCall) -> Outcome:
        """The value of a node, from the store if it is known."""
        parts = self.versions.parts(call.function)
        inputs = self.fingerprints(call.inputs)
        if self.survey is not None:
            return self._surveyed(call, parts, inputs, self.survey)
        key = self.key(call.name, parts, inputs)
        entry = self._record(_KEY + key)
        if entry is not None and call.name not in self.refreshed and self._has(entry["value"]):
            self._note_last(call.name, key, parts, inputs)
            hit = self._hit(call, key, entry)
            self._of_part.append(ref(hit))
            return Outcome(hit, True, int(entry["bytes"]))
        reason = (
            "asked to be computed again"
            if call.name in self.refreshed
            else reason_of_miss(
                self._record(_LAST + self._slot_of(call.name)), parts, inputs, self.salt
            )
        )
        value, n_bytes = self._executed(call, key, reason)
        self._of_part.append(ref(value))
        self._note_last(call.name, key, parts, inputs)
        return Outcome(value, False, n_bytes)

    def _surveyed(
        self, call: NodeCall, parts: Parts, inputs: Mapping[str, str], survey: list[Verdict]
    ) -> Outcome:
        """What evaluate() would do, noted; nothing is executed."""
        anew = next((n for n, known in inputs.items() if known == UNKNOWN), None)
        if anew is not None:
            survey.append(Verdict(call.name, self.slot, "follows", f"its input {anew} runs"))
            return Outcome(unknown(), False, 0)
        key = self.key(call.name, parts, inputs)
        entry = self._record(_KEY + key)
        if entry is not None and self._has(entry["value"]):
            survey.append(Verdict(call.name, self.slot, "hit", ""))
            return Outcome(self._hit(call, key, entry), True, int(entry["bytes"]))
        last = self._record(_LAST + self._slot_of(call.name))
        reason = reason_of_miss(last, parts, inputs, self.salt)
        survey.append(Verdict(call.name, self.slot, "miss", reason))
        return Outcome(unknown(), False, 0)

    def end_part(self) -> None:
        """Let go of what the part that was evaluated last has in memory and can read again.

        A hit that nobody has read yet holds on to its inputs, in case that its entry is damaged.
        """
        for known in self._of_part:
            value = known()
            if value is not None and value.is_here:
                value.release()
        self._of_part.clear()

    def deferred(self, call: NodeCall) -> Lazy:
        """A cheap node that is not stored: known by its key, executed when it is needed."""
        parts = self.versions.parts(call.function)
        inputs = self.fingerprints(call.inputs)
        if UNKNOWN in inputs.values():
            return unknown()
        key = self.key(call.name, parts, inputs)

        def make() -> Any:
            return call.execute({n: resolved(v) for n, v in call.inputs.items()}, "not stored")

        return Lazy(make=make, fingerprint=key)

    def key(self, name: str, parts: Parts, inputs: Mapping[str, str]) -> str:
        """The key of a node: its name, code, inputs and the salt."""
        document = [name, version_of(parts), sorted(inputs.items()), sorted(self.salt.items())]
        return xxhash.xxh3_128(json.dumps(document).encode()).hexdigest()

    def fingerprints(self, inputs: Mapping[str, Any]) -> dict[str, str]:
        """Fingerprint of each tracked input; settings are looked at once a run."""
        found = {}
        for name, value in inputs.items():
            if name in self.untracked:
                continue
            if isinstance(value, Lazy):
                found[name] = value.fingerprint
                continue
            known = self._known.get(name)
            if known is None or known[0] is not value:
                known = (value, fingerprint(value))
                self._known[name] = known
            found[name] = known[1]
        return found

    def derived(self, function: Callable[..., Any], name: str, identity: Any) -> str:
        """Fingerprint of what ``function`` makes of values known by ``identity``."""
        if UNKNOWN in {part for parts in identity for part in parts}:
            return UNKNOWN
        code = version_of(self.versions.parts(function))
        return fingerprint((name, code, identity, sorted(self.salt.items())))

    def failure_in(self, value: Any) -> Failure | None:
        """The Failure that stands in place of a value; nothing else is read for it."""
        return failure_in(value)

    def remembered(self, name: str) -> Any:
        """A record of another kind (a file's hash), or None."""
        return self._record(name)

    def remember(self, name: str, record: Any) -> None:
        """Keep a record of another kind."""
        self._try(self.store.set_record, name, record)

    def use_program(self, started_s: float) -> None:
        """Take the versions of code from the store, if the program is as it was."""
        self._program = program_identity(started_s, self.versions.packages)
        if self._program is not None:
            self.versions.known = as_versions(self._record(record_name(self._program)))

    def close(self, most_GB: float) -> None:
        """End of a run: drop the least recently stored values beyond ``most_GB``."""
        if self._program is not None and self.versions.found:
            versions = {**self.versions.known, **self.versions.found}
            self._try(self.store.set_record, record_name(self._program), versions)
        most = int(most_GB * 1e9)
        try:
            if self.store.volume() > most:
                dropped = self.store.prune(most)
                log.info("cache: %d results dropped to stay below %g GB", dropped, most_GB)
            self.store.close()
        except STORE_ERRORS as reason:
            self._give_up(reason)

    def _slot_of(self, name: str) -> str:
        return f"{name}@{self.slot}"

    def _hit(self, call: NodeCall, key: str, entry: Mapping[str, Any]) -> Lazy:
        known = str(entry["value"])

        def make() -> Any:
            try:
                return self.store.value(known)
            except (KeyError, DamagedContentError, *STORE_ERRORS) as damage:
                if self.survey is not None:
                    raise NotComputedError from None
                log.warning(
                    "cache: the entry of %s is damaged (%s); computed again", call.name, damage
                )
                self._try(self.store.forget_value, known)
                value, _ = self._executed(call, key, "its entry in the cache is damaged")
                return value.value()

        again = partial(self._reread, call.name, known)
        return Lazy(make=make, fingerprint=known, n_rows=entry.get("rows"), again=again)

    def _reread(self, node: str, known: str) -> Any:
        """A value that this run has kept; UsageError if it is no longer there."""
        try:
            return self.store.value(known)
        except (KeyError, DamagedContentError, *STORE_ERRORS) as damage:
            msg = (
                f"cache: {self.store.folder}: what the run kept of {node} can no longer be read "
                f"({damage}). Run again, or with --no-cache."
            )
            raise UsageError(msg, file=self.store.folder, key="cache.dir") from None

    def _executed(self, call: NodeCall, key: str, reason: str) -> tuple[Lazy, int]:
        started = time.perf_counter()
        value = call.execute({n: resolved(v) for n, v in call.inputs.items()}, reason)
        seconds = time.perf_counter() - started
        try:
            description = Description(value, whole=False)
            found = description.digest()
            if isinstance(value, Failure):
                found = FAILURE + found
            encoded = Encoded(value, found, description)
        except UnknownTypeError as unknown:
            msg = f"{call.name}: the cache cannot keep its value: {unknown}"
            raise UnknownTypeError(msg) from None
        has_rows = isinstance(value, (pd.DataFrame, np.ndarray)) and value.ndim
        n_rows = len(value) if has_rows else None
        is_kept = self._stored(call.name, key, Kept(found, encoded, n_rows), seconds)
        again = partial(self._reread, call.name, found) if is_kept else None
        return Lazy(value, fingerprint=found, n_rows=n_rows, again=again), encoded.size

    def _stored(self, name: str, key: str, kept: Kept, seconds: float) -> bool:
        """Whether a value is now in the store."""
        if self._writable:
            try:
                if name in self.refreshed:
                    self.store.forget_value(kept.fingerprint)
                self.store.add_value(kept.fingerprint, kept.encoded)
                entry = {
                    "value": kept.fingerprint,
                    "bytes": kept.encoded.size,
                    "rows": kept.n_rows,
                    "seconds": seconds,
                    "node": name,
                    "time": time.time(),
                }
                self.store.set_record(_KEY + key, entry)
            except STORE_ERRORS as reason:
                self._give_up(reason)
        return self._writable

    def _note_last(self, name: str, key: str, parts: Parts, inputs: Mapping[str, str]) -> None:
        record = {"key": key, "parts": dict(parts), "inputs": dict(inputs), "salt": dict(self.salt)}
        known = self._record(_LAST + self._slot_of(name))
        if known != record:
            self._try(self.store.set_record, _LAST + self._slot_of(name), record)

    def _has(self, value: str) -> bool:
        return bool(self._read(self.store.has_value, value))

    def _record(self, name: str) -> Any:
        return self._read(self.store.record, name)

    def _read(self, read: Callable[[str], Any], name: str) -> Any:
        if not self._readable:
            return None
        try:
            return read(name)
        except STORE_ERRORS as reason:
            self._readable = False
            self._give_up(reason)
            return None

    def _try(self, write: Callable[..., Any], *arguments: Any) -> None:
        if not self._writable:
            return
        try:
            write(*arguments)
        except STORE_ERRORS as reason:
            self._give_up(reason)

    def _give_up(self, reason: BaseException) -> None:
        if self._writable:
            self._writable = False
            log.warning(
                "cache: %s cannot be used (%s); the run goes on without it",
                self.store.folder,
                reason,
            )
