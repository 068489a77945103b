"""One evaluation of a plan: phase after phase, part after part, with what is kept in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Final

from ...schemas.errors import InputError
from ...schemas.failures import Failure
from ..cache.lazy import failure_in, n_rows_of, peeked, resolved
from ..graph import dependencies, upstream
from ..scopes import RUN
from ..unchanged import check_unchanged
from .executors import Here, Recipe, ResultOf, Results, Task
from .ledger import INPUT_FILES
from .parts import FileKey, Part, Place, with_common
from .phases import Phase, Plan, evaluated
from .protocol import Carry, NoCarry
from .session_state import SessionState, Sink
from .wholes import Wholes

_RUN_PART: Final = Part({})


class AgainError(Exception):
    """A file failed after others had merged what it gave: begin again without it."""


@dataclass(frozen=True)
class Before:
    """What the parts of a sweep so far decide for the next one.

    ``rows`` counts the rows of nodes, ``records`` the records of the parts; ``begins`` holds for
    an axis its present value and the records before it.
    """

    carry: Carry
    rows: Mapping[str, int] = field(default_factory=dict)
    records: int = 0
    begins: Mapping[str, tuple[int | str, int]] = field(default_factory=dict)

    def at(self, part: Part) -> Before:
        """Where a part begins."""
        begins = {
            axis: known if (known := self.begins.get(axis)) and known[0] == value
            else (value, self.records)
            for axis, value in part.at.items()
        }  # fmt: skip
        return replace(self, begins=begins)

    def shifts(self, numbered: Mapping[str, str]) -> dict[str, int]:
        """By column, what row numbers grow by; ``numbered`` says of which node or axis they are."""
        return {
            column: self.begins[to][1] if to in self.begins else self.rows.get(to, 0)
            for column, to in numbered.items()
        }

    def after(self, part: Part, results: Results, counted: Iterable[str]) -> Before:
        """With one more part."""
        rows = dict(self.rows)
        for name in counted:
            n = results.n_rows[name] if name in results.n_rows else n_rows_of(results.values[name])
            rows[name] = rows.get(name, 0) + n
        carry = self.carry.after(part, results.values)
        return Before(carry, rows, self.records + part.n_records, self.begins)


class Evaluation:
    """A plan on the parts of a session."""

    def __init__(
        self,
        session: SessionState,
        plan: Plan,
        targets: Sequence[str],
        sink: Sink | None,
        let_go: Callable[[], object],
    ) -> None:
        self._session = session
        self._let_go = let_go
        self._plan = plan
        self._targets = targets
        self._sink = sink
        self._scopes = session.flow.scopes
        self._numbered = session.numbered(
            {*plan.whole, *(n for p in plan.phases for n in p.streamed)}
        )
        # Values by the place of their part.
        self._held: dict[str, dict[Place, Any]] = {}
        self._wholes = {
            (name, to): Wholes(session, name, self._axes(name), self._scopes[to])
            for name, scopes in plan.whole.items()
            for to in scopes
            if session.can_be_whole(name)
        }
        # Files whose parts others have merged.
        self._merged: set[FileKey | None] = set()
        # Whether a node was told which files failed: it is not to be told another thing later.
        self._has_told = False

    def values(self) -> dict[str, Any]:
        """One value a target."""
        for phase in self._plan.phases:
            if phase.scope == RUN:
                self._run(phase)
            else:
                self._sweep(phase)
        return {name: self._value(name) for name in self._targets}

    def _axes(self, name: str) -> tuple[str, ...]:
        return self._scopes[self._plan.scope_of[name]]

    def _value(self, name: str) -> Any:
        if (name, RUN) in self._wholes:
            return resolved(self._wholes[name, RUN].at(()))
        held = self._held.get(name, {})
        if not self._axes(name):
            return resolved(held[()])
        return {p[0] if len(p) == 1 else p: resolved(value) for p, value in held.items()}

    def _given(self, phase: Phase, part: Part, *, common: bool) -> dict[str, Any]:
        """Values of other phases for a part: those that all parts have in common, or the others."""
        axes, found = self._scopes[phase.scope], {}
        for name in phase.given:
            own = self._axes(name)
            is_finer = bool(set(own) - set(axes))
            if (not own if not is_finer else not axes) != common:
                continue
            if is_finer:
                found[name] = self._wholes[name, phase.scope].at(part.place(axes))
            else:
                found[name] = self._held[name][part.place(own)]
        return found

    def _run(self, phase: Phase) -> None:
        self._name_slot(RUN)
        given = self._given(phase, _RUN_PART, common=True)
        inputs = dict(self._session.inputs.values)
        if any(
            INPUT_FILES in dependencies(self._session.driver, n) for n in self._evaluated(phase)
        ):
            inputs[INPUT_FILES] = self._session.input_files_so_far()
            self._has_told = True
        found = evaluated(self._session.driver, phase, given, inputs)
        self._note_failures(_RUN_PART, found, self._session.manifest.noted())
        for name, value in found.items():
            self._held[name] = {(): value}

    def _evaluated(self, phase: Phase) -> set[str]:
        """The nodes that a phase of the run evaluates."""
        scope_of = self._plan.scope_of
        needed = upstream(self._session.driver, phase.asked) if phase.asked else set()
        return {n for n in needed if scope_of.get(n) == RUN and n not in phase.given}

    def _sweep(self, phase: Phase) -> None:
        """The parts of a scope once: what is wanted of them is held, merged or handed on."""
        session = self._session
        parts = session.usable.of_scope(self._scopes[phase.scope])
        is_carried = phase.scope == session.flow.carried
        before = Before(session.carry if is_carried else NoCarry())
        recipe, n_calls = self._recipe(phase), self._n_calls()
        here = Here(session.driver, session.manifest, session.cache, self._let_go)

        def ahead(number: int) -> Task:
            return self._task(phase, parts[number], number, before.carry)

        waits = before.carry.in_order(self._plan.needed) or any(p.then for p in parts)
        common, more = session.parts.coarser_than(self._scopes[phase.scope]), list[Part]()
        n_at_least = len(parts) + sum(p.then is not None for p in parts)
        opened = session.executor.opened(recipe, here, n_at_least, None if waits else ahead)
        number = 0
        with opened as result_of:
            for file, of_file in groupby(parts, self._file_of):
                group = list(of_file)
                begin = before
                self._begin_file()
                try:
                    # The group grows where its parts become known one by one.
                    for k, part in enumerate(group, number):
                        before = before.at(part)
                        task = self._task(phase, part, k, before.carry)
                        before = self._part(phase, part, result_of, task, before)
                        found = self._following(part)
                        more += found
                        group += [with_common(p, common) for p in found]
                    before = self._end_file(group, before)
                    self._merged.add(file)
                except InputError as error:
                    self._drop(file, group[0], error)
                    before = begin
                number += len(group)
        if more:
            session.parts = session.parts.with_more(more)
        self._name_slot(RUN)
        if self._n_calls() > n_calls:
            self._settle(phase)

    def _following(self, part: Part) -> list[Part]:
        """The parts that are known now that this one is evaluated."""
        found = list(part.then()) if part.then is not None else []
        for cut in found:
            if isinstance(cut, Failure):
                self._session.note_cut(cut)
        return [p for p in found if isinstance(p, Part)]

    def _recipe(self, phase: Phase) -> Recipe:
        session = self._session
        wanted = {*phase.kept, *phase.streamed, *session.carry.needs(self._plan.needed)}
        return Recipe(
            session.flow.home,
            session.inputs.choices,
            session.inputs.values,
            phase,
            self._given(phase, _RUN_PART, common=True),
            frozenset(phase.asked) - wanted,
        )

    def _task(self, phase: Phase, part: Part, number: int, carry: Carry) -> Task:
        given = self._given(phase, part, common=False)
        inputs = {**part.inputs, **carry.inputs()}
        return Task(number, part.name, inputs, given, part.affinity)

    def _part(
        self, phase: Phase, part: Part, result_of: ResultOf, task: Task, before: Before
    ) -> Before:
        """One part: InputError if its file cannot be read, is too damaged or changed."""
        results = result_of(task)
        values = results.values
        self._note_failures(part, values, results.taken)
        shifts = {n: before.shifts(self._numbered.get(n, {})) for n in values}
        for name in phase.kept:
            for to in self._plan.whole.get(name, ()):
                if (name, to) in self._wholes:
                    self._wholes[name, to].take(part, values[name], shifts[name])
            if name in self._plan.held:
                self._held.setdefault(name, {})[part.place(self._axes(name))] = values[name]
        # What is written once must not stay in memory until the end.
        asked = {name: peeked(values[name]) for name in phase.streamed}
        asked = {n: value for n, value in asked.items() if not isinstance(value, Failure)}
        if self._sink is not None and asked:
            self._sink(part, asked, {name: shifts[name] for name in asked})
        del asked
        counted = {to for n in values for to in self._numbered.get(n, {}).values()}
        return before.after(part, results, counted & set(phase.asked))

    def _note_failures(
        self, part: Part, values: Mapping[str, Any], taken: Iterable[Failure]
    ) -> None:
        for failure in (*map(failure_in, values.values()), *taken):
            if failure is not None:
                axes = self._axes(failure.node) if failure.node in self._plan.scope_of else ()
                there = replace(failure, at={axis: part.at[axis] for axis in axes})
                if there not in self._session.failures:
                    self._session.failures.append(there)

    def _file_of(self, part: Part) -> FileKey | None:
        return part.file_key(self._session.flow.file_axes)

    # --- files -------------------------------------------------------------------------------

    def _begin_file(self) -> None:
        if self._sink is not None:
            self._sink.begin_file()

    def _end_file(self, group: Sequence[Part], before: Before) -> Before:
        for ref in dict.fromkeys(ref for part in group for ref in part.files()):
            check_unchanged(ref)
        before = replace(before, carry=before.carry.after_file())
        for wholes in self._wholes.values():
            wholes.end_file()
        return before

    def _drop(self, file: FileKey | None, part: Part, error: InputError) -> None:
        """Go on without a file."""
        if file is None:
            raise error
        files = part.files()
        self._session.drop(file, files[0].path if files else str(error.file), error)
        if file in self._merged or self._has_told:
            raise AgainError
        for wholes in self._wholes.values():
            wholes.drop_file()
        for name, held in self._held.items():
            axes = self._axes(name)
            if file[0] in axes:
                k = axes.index(file[0])
                self._held[name] = {p: value for p, value in held.items() if p[k] != file[1]}
        if self._sink is not None:
            self._sink.drop_file()

    def _settle(self, phase: Phase) -> None:
        """Read what is wanted of a sweep that made something, and let go of the rest.

        What is not read yet holds the inputs of its node, and these were made: big ones.
        """
        for (name, _), wholes in self._wholes.items():
            if name in phase.kept:
                wholes.settle()
        if not self._scopes[phase.scope]:
            for name in phase.kept:
                resolved(self._held[name][()])
        self._let_go()

    def _n_calls(self) -> int:
        return sum(record.calls for record in self._session.manifest.nodes.values())

    def _name_slot(self, name: str) -> None:
        if self._session.cache is not None:
            self._session.cache.slot = name
