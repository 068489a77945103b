"""What a pipeline tells of itself: its graph, its inputs, its settings, and what is its own.

The core never asks which pipeline it serves: it asks the definition that [pipeline] name selects
(registry.py). Schemas alone are imported here, so that settings are checked without the libraries
of a computation.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..schemas.settings import Section
from . import defaults
from .graph_inputs import Context, Input, made
from .scopes import BY_RANGE, FILE, RANGE, Scopes

if TYPE_CHECKING:
    from ..schemas.sources import FileRef
    from ..schemas.tables import TableSchema
    from .cache.options import CacheOptions
    from .engine.artifacts import Artifact
    from .engine.parts import Part
    from .engine.protocol import Carry, Merge
    from .engine.report import RunReport
    from .loaded_config import LoadedConfig
    from .protocols import GraphPicture
    from .runfile.export_request import ExportRequest
    from .runfile.verification import Verification
    from .watching import QuickLook


@dataclass(frozen=True)
class Source:
    """Input files of one role.

    Attributes
    ----------
    role
        What they are to the graph; the picture shows the first role of a pipeline.
    key
        The setting that names them.
    what
        What such a file is, in a few words.
    pattern
        Names that such files have in a folder.
    needed
        Whether there must be one.
    sampled
        Whether they are too long to be read whole for their identity.
    joined
        Whether several files are one stream: none of them can be left out.
    count
        How many raw records such a file holds with a config, for ``parts``: told of each file as
        its ``n_records``, and looked for once for the same content. None = not counted.
    count_keys
        The settings that ``count`` reads.
    remote
        The size of such a file at an address, told as a path, and what its server says of its
        version; it is known by these. None = files are read from this machine alone.
    """

    role: str
    key: str
    what: str
    pattern: str = "*"
    needed: bool = True
    sampled: bool = False
    joined: bool = False
    count: Callable[[Path, Any], int] | None = None
    count_keys: tuple[str, ...] = ()
    remote: Callable[[Path], tuple[int, str]] | None = None


@dataclass(frozen=True)
class Fault:
    """A problem of ``section``; ``keys`` are the dotted keys that decide it."""

    section: str
    text: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class ScreenSettings:
    """How much a run says on standard error."""

    level: int = 1
    progress: bool = True


class StageLine(NamedTuple):
    """A line about a stage: ``after`` of ``before`` of what ``noun`` names, by their counters."""

    stage: str
    before: str
    after: str
    noun: str


@dataclass(frozen=True)
class Companion:
    """A file beside the run file, made of what the run file holds: it can be made again.

    ``name`` follows the stem of the run file: ``x.h5`` and "flow.csv" give ``x_flow.csv``.
    ``write`` is told the run file, the file to write, and the name that the run file will have.
    """

    name: str
    write: Callable[[Path, Path, Path], None]

    def beside(self, run_file: Path) -> Path:
        """Where it stands."""
        return run_file.with_name(f"{run_file.stem}_{self.name}")


@dataclass(frozen=True)
class CompiledAhead:
    """Kernels that a run comes to last, and the module that compiles them when it is run.

    The module is given the folder where compiled code is kept.
    """

    module: str
    kernels: tuple[str, ...]


def _nothing_ahead(config: Any) -> None:
    """No kernel is worth a process of its own."""
    del config


def _no_faults(_config: Any, _folder: Path, _skip: frozenset[str]) -> Iterator[Fault]:
    yield from ()


def _no_files(_config: Any, _folder: Path) -> Iterable[Path]:
    return ()


def _no_companions(_config: Any, _folder: Path) -> Iterable[Companion]:
    return ()


def _usual_screen(_config: Any) -> ScreenSettings:
    return ScreenSettings()


def _ours(place: str) -> Callable[..., Any]:
    """A function of the core, imported when it is called."""
    return defaults.later(f"radiograph.drivers.{place}")


_RUN_PIPELINE = _ours("engine.running:run_pipeline")
_OPEN_SESSION = _ours("engine.running:open_session")
_GRAPH_OF_RUN_FILE = _ours("runfile.last_run:graph_of_run_file")
_LAST_OUTPUT = _ours("input_paths:last_output")
_ASKED_FOR = _ours("input_paths:asked_for")
_WRITE_RUN_REPORT = _ours("runfile.report:write_run_report")
_LOOKED_AT = _ours("engine.quick_look:looked_at")
_VERIFY_RUN_FILE = _ours("runfile.verifying:verify_run_file")
_DESCRIBED = _ours("runfile.summary:described")
_EXPORT_RUN_FILE = _ours("runfile.exporting:export_run_file")


@dataclass(frozen=True)
class Definition:
    """One pipeline as the core sees it.

    Attributes
    ----------
    name
        [pipeline] name.
    home
        Where this definition is written, ``module:NAME``: workers and files find it there.
    modules
        The modules of its nodes, in order of the stages.
    tables
        The schemas of its frames; or where a tuple or mapping of them is written, ``module:NAME``,
        since they take pandas, which checking settings does not need.
    settings
        The model of its TOML file.
    sources
        Its input files by role.
    inputs, choices
        What enters the graph, values and variants of nodes, each with its settings. What no row
        names changes no result.
    stages
        The values of [pipeline] until: tags ``stage`` of nodes, in order.
    outputs
        The nodes that a run up to a stage writes, each to /<stage>/<node>.
    artifacts
        Files beside the run file that are made of the values of nodes, from a config.
    parts
        The parts of the data: from a config, and by role the input files with their numbers.
    carry
        What the parts before decide for the next, from a config; None = nothing.
    companions
        Files that a whole run of a config makes of its HDF5 file, beside it; paths of the config
        are relative to a folder.
    files_read
        Files that a config has read beside its sources and those that a setting names by a path of
        the settings; paths of the config are relative to a folder.
    places
        Where nodes stand in the file, where it is not /<stage>/<node>.
    readme
        What is said in the file of its layout.
    scopes
        The axes over which nodes of a scope (tag ``scope``; "range" without) still vary.
    carried
        The scope whose parts are told of those before them.
    keyed
        Axes whose values stay apart: a coarser node asks for ``each_NODE``, a mapping by key.
    merges
        How values of parts become one where their type does not say it, by node (wildcards).
    row_numbers
        ``column`` or ``node.column`` (``node.`` for an array), with wildcards, to what it
        numbers: the rows of a node, or the records of an axis (``file``: of the files before).
    packed
        Arrays that are stored shuffled and compressed, part by part, and the type of their items.
    aliases
        Short names of nodes.
    untracked
        Inputs that no result depends on.
    tables_page
        The page of docs/ that describes the frames.
    example
        A file of configs/ whose graph has every quantity.
    listed_choices
        Choices that show every name in a list of nodes.
    faults, notices
        Problems between sections, and what is accepted without effect.
    missing
        What to write where a key or section without a default is missing, by dotted key.
    with_fast_mode
        The config that runs and the keys that fast mode replaced.
    effective
        The config with every inherited value filled in, as it is stored.
    run
        Runs a loaded config: keyword arguments as ``run_and_show`` has them.
    processes
        How many processes evaluate the parts of a run (0 = one a core, 1 = that of the command),
        where the command names no executor.
    session
        Opens its input with a cache.
    summary
        What ``radiograph check`` prints, by name.
    stand_ins
        Sections without defaults: what stands in their place while others are checked.
    setting_aliases
        Older names of settings, dotted key to the one that counts.
    verdict_node
        The node of the run with the schema Checks that decides whether the run is good; "" = none.
    summary_node
        The node whose value an answer with --json holds, asked for or not; "" = none.
    screen, stage_lines
        How much a run of this config says, and of which counters.
    said
        The results that a run prints before its files: lines of text of its report.
    file_of_run
        The HDF5 file that a run of a config writes.
    report
        Writes one of its files as a page (file, page, ``pdf``, ``overwrite``), and names what was
        written.
    overview
        Writes one page over the files of a folder (folder, page, ``overwrite``).
    graph_of_run
        The picture of the run that wrote a file: the file, the settings if they are at hand, and
        what is drawn.
    pages
        The module whose PARTS and PICTURES are the generated documentation; "" = none.
    described
        What is in an output file and how it was made, as plain values and as text.
    input_described
        The same of an input file that its sources' patterns fit; None = it says nothing of them.
    verify
        Runs the settings of one of its files again and compares.
    export
        Writes what one of its files holds in another format, and names what was written.
    export_input
        Writes one of its input files, which its sources' patterns fit, in another format; None =
        there is no other.
    check_targets
        UsageError if some nodes cannot be asked for with a config.
    starter
        Writes commented settings and a small simulated input to a folder, given how many events
        (None = so many that a first run is quick),
        the seed and consent to replace; the two files.
    commands
        The module with its COMMANDS, command places by name; "" = none, or in the registry.
    quick_look
        What is made of the files of a folder while they arrive: settings, folder, cache, consent
        to replace.
    compiled_ahead
        What a first run of a config has compiled beside it; None for nothing.
    """

    name: str
    home: str = ""
    modules: tuple[str, ...] = ()
    tables: tuple[TableSchema, ...] | str = ()
    settings: type[Section] = Section
    sources: tuple[Source, ...] = ()
    inputs: tuple[Input, ...] = ()
    choices: tuple[Input, ...] = ()
    stages: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    artifacts: Callable[[Any], Sequence[Artifact]] = defaults.no_artifacts
    parts: Callable[[Any, Mapping[str, Mapping[int, FileRef]]], Iterable[Part]] = defaults.not_there
    carry: Callable[[Any], Carry] | None = None
    companions: Callable[[Any, Path], Iterable[Companion]] = _no_companions
    files_read: Callable[[Any, Path], Iterable[Path]] = _no_files
    places: Mapping[str, str] = field(default_factory=dict)
    readme: str = ""
    scopes: Scopes = field(default_factory=lambda: BY_RANGE)
    carried: str = RANGE
    keyed: frozenset[str] = frozenset()
    merges: Mapping[str, Merge] = field(default_factory=dict)
    row_numbers: Mapping[str, str] = field(default_factory=dict)
    packed: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    untracked: tuple[str, ...] = ()
    tables_page: str = ""
    example: str = ""
    listed_choices: Mapping[str, Any] = field(default_factory=dict)
    faults: Callable[[Any, Path, frozenset[str]], Iterator[Fault]] = _no_faults
    notices: Callable[[Any, tuple[str, ...]], Iterator[str]] = defaults.no_notices
    missing: Mapping[str, str] = field(default_factory=dict)
    with_fast_mode: Callable[[Any], tuple[Any, tuple[str, ...]]] = defaults.unchanged
    effective: Callable[[Any], Section] = defaults.as_it_is
    run: Callable[..., Any] = _RUN_PIPELINE
    processes: Callable[[LoadedConfig[Any]], int] = defaults.one_process
    session: Callable[[LoadedConfig[Any], CacheOptions], Any] = _OPEN_SESSION
    summary: Callable[[LoadedConfig[Any]], dict[str, Any]] = _ASKED_FOR
    screen: Callable[[Any], ScreenSettings] = _usual_screen
    stage_lines: tuple[StageLine, ...] = ()
    said: Callable[[RunReport], Iterable[str]] = defaults.nothing_said
    graph_of_run: Callable[..., GraphPicture] = _GRAPH_OF_RUN_FILE
    file_of_run: Callable[[LoadedConfig[Any]], Path] = _LAST_OUTPUT
    report: Callable[..., list[Path]] = _WRITE_RUN_REPORT
    overview: Callable[..., list[Path]] = defaults.no_overview
    pages: str = ""
    described: Callable[[Path], tuple[dict[str, Any], str]] = _DESCRIBED
    input_described: Callable[[Path], tuple[dict[str, Any], str]] | None = None
    quick_look: Callable[[LoadedConfig[Any], Path, CacheOptions, bool], QuickLook] = _LOOKED_AT
    verify: Callable[[Definition, Path, Sequence[Path]], Verification] = _VERIFY_RUN_FILE
    export: Callable[[ExportRequest], list[Path]] = _EXPORT_RUN_FILE
    export_input: Callable[[ExportRequest], list[Path]] | None = None
    check_targets: Callable[[Any, Sequence[str], Any], None] = defaults.anything
    compiled_ahead: Callable[[Any], CompiledAhead | None] = _nothing_ahead
    stand_ins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    setting_aliases: Mapping[str, str] = field(default_factory=dict)
    verdict_node: str = ""
    summary_node: str = ""
    starter: Callable[[Path, int | None, int, bool], tuple[Path, Path]] = defaults.no_starter
    commands: str = ""

    def frames(self) -> Mapping[str, TableSchema]:
        """The schemas of its frames by name."""
        if isinstance(self.tables, str):
            return _tables_at(self.tables)
        return {table.name: table for table in self.tables}

    @property
    def file_axes(self) -> tuple[str, ...]:
        """The axes of parts that number input files: "file", and those of further roles."""
        return (FILE, *(source.role for source in self.sources[1:]))

    def describes_input(self, path: Path) -> bool:
        """Whether it says what is in an input file of such a name."""
        return self.input_described is not None and self._fits(path)

    def exports_input(self, path: Path) -> bool:
        """Whether it writes an input file of such a name in another format."""
        return self.export_input is not None and self._fits(path)

    def _fits(self, path: Path) -> bool:
        return any(fnmatchcase(path.name, source.pattern) for source in self.sources)

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages whose code the cache follows."""
        names = (self.home, *self.modules)
        return tuple(dict.fromkeys(name.partition(":")[0].partition(".")[0] for name in names))

    def node_modules(self) -> list[Any]:
        """The modules of its nodes, imported."""
        return [importlib.import_module(name) for name in self.modules]

    def values_of(self, config: Any, context: Context) -> dict[str, Any]:
        """What the graph is given, without what each part of the data gives."""
        return made(self.inputs, config, context)

    def choices_of(self, config: Any, context: Context | None = None) -> dict[str, Any]:
        """Which variants of nodes a config selects; by default those of raw data."""
        return made(self.choices, config, context or Context())


@cache
def _tables_at(place: str) -> Mapping[str, TableSchema]:
    module, _, name = place.partition(":")
    found = vars(importlib.import_module(module))[name]
    tables = found.values() if isinstance(found, Mapping) else found
    return MappingProxyType({table.name: table for table in tables})
