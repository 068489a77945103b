"""A file that is written to or replaced while a run reads it: refused, and nothing of it kept.

The file changes at named moments of a run, and afterwards it is again what it was: then a run
that takes what the cache has must give what a run without cache gives, bit by bit.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from radiograph.drivers import files, unchanged
from radiograph.drivers.cache.execution import NodeCache
from radiograph.drivers.files import file_ref, sampled_file_ref
from radiograph.drivers.imaging import run as imaging_run
from radiograph.drivers.imaging import sources
from radiograph.drivers.lightdqm import checking
from radiograph.drivers.lightdqm import session as light_session
from radiograph.drivers.lightdqm.simulation import write_light_simulation
from radiograph.drivers.node_execution import NodeExecution
from radiograph.drivers.unchanged import check_unchanged, files_in
from radiograph.schemas.errors import ChangedInputError
from radiograph.schemas.light_response import LightTables
from radiograph.schemas.light_simulation import LightSimulationSettings

Run = Callable[..., Any]
Hook = Callable[[pytest.MonkeyPatch, Callable[[], None]], None]

NO_CACHE = ("--no-cache",)
# When and how a run was made, not what was measured.
ABOUT_THE_RUN = ("provenance", "meta/log", "meta/config_toml", "meta/config_effective",
                 "meta/repo_bundle")  # fmt: skip


@dataclass
class Changing:
    """A file with its own content, and with that of another of the same size."""

    path: Path
    own: bytes
    other: bytes

    def overwrite(self) -> None:
        """The other content in the same file."""
        self._write(self.other)

    def restore(self) -> None:
        """The own content again, in the same file."""
        self._write(self.own)

    def replace(self) -> None:
        """Another file under this name, the old one kept beside."""
        self.path.rename(self.path.with_name("kept"))
        self.path.write_bytes(self.other)

    def put_back(self) -> None:
        """The file that was kept under its name again."""
        self.path.with_name("kept").replace(self.path)

    def _write(self, content: bytes) -> None:
        with self.path.open("r+b") as stream:
            stream.write(content)


def contents(path: Path) -> dict[str, Any]:
    """Every dataset that is a result."""
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith(ABOUT_THE_RUN):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(note)
    return found


def differing(path: Path, other: Path) -> list[str]:
    """Names of the datasets that are not equal."""
    mine, theirs = contents(path), contents(other)
    assert set(mine) == set(theirs)
    return [
        n
        for n, v in mine.items()
        if np.asarray(v).dtype != np.asarray(theirs[n]).dtype
        or np.asarray(v).tobytes() != np.asarray(theirs[n]).tobytes()
        if not np.asarray(v).dtype.hasobject
    ]


# --- moments --------------------------------------------------------------------------------


def at_node(node: str, nth: int, *, after: bool = False) -> Hook:
    """Right before, or right after, the nth time that a node is executed."""

    def install(patch: pytest.MonkeyPatch, change: Callable[[], None]) -> None:
        plain, seen = NodeExecution._executed, [0]

        def executed(self: Any, node_: Any, *rest: Any) -> Any:
            seen[0] += node_.name == node
            now = node_.name == node and seen[0] == nth
            if now and not after:
                change()
            value = plain(self, node_, *rest)
            if now and after:
                change()
            return value

        patch.setattr(NodeExecution, "_executed", executed)

    return install


def after_call(owner: Any, name: str, nth: int = 1) -> Hook:
    """Right after the nth call of a function that is no part of the version of a node."""

    def install(patch: pytest.MonkeyPatch, change: Callable[[], None]) -> None:
        plain, seen = getattr(owner, name), [0]

        def called(*args: Any, **kwargs: Any) -> Any:
            value = plain(*args, **kwargs)
            seen[0] += 1
            if seen[0] == nth:
                change()
            return value

        patch.setattr(owner, name, called)

    return install


def before_stored(record: str) -> Hook:
    """When the cache is about to keep a record of this name."""

    def install(patch: pytest.MonkeyPatch, change: Callable[[], None]) -> None:
        plain, seen = NodeCache.remember, [0]

        def remember(self: NodeCache, name: str, value: Any) -> None:
            if name.startswith(record) and not seen[0]:
                seen[0] = 1
                change()
            plain(self, name, value)

        patch.setattr(NodeCache, "remember", remember)

    return install


def bytes_read(nth: int) -> Hook:
    """Within the nth reading of a PHITS range: its bytes are read, the node goes on."""
    return after_call(ThreadPoolExecutor, "map", nth)


# --- imaging --------------------------------------------------------------------------------

PHITS_MOMENTS = {
    "hashed, ranges not looked for": after_call(sources, "known_file"),
    "ranges found": before_stored("ranges:"),
    "before the first range": at_node("source_records", 1),
    "in the first range": bytes_read(1),
    "after the first range": at_node("source_records", 1, after=True),
    "in the third range": bytes_read(3),
    "between other nodes": at_node("neutron_shaped_events", 3),
    "in the last range": bytes_read(5),
    "after the last range": at_node("source_records", 5, after=True),
    "metadata": at_node("source_metadata", 1),
}


@pytest.fixture(scope="module")
def phits(
    tmp_path_factory: pytest.TempPathFactory, simulated: Path, settings: str, radiograph: Run
) -> Path:
    """A folder with events.out, run.toml in five ranges, and clean.h5 of a run without cache."""
    folder = tmp_path_factory.mktemp("phits")
    text = settings.replace("enabled = false", 'dir = "cache"')
    (folder / "run.toml").write_text(f"{text}[run]\nchunk_events = 52\n")
    shutil.copy(simulated / "events.out", folder)
    argv = ("run", folder / "run.toml", "--list", "-o", folder / "clean.h5", *NO_CACHE)
    assert radiograph(*argv).code == 0
    # The versions of the code are looked at once: a cache that knows them, and another input.
    (folder / "other.out").write_bytes(exchanged((folder / "events.out").read_bytes()))
    argv = ("run", folder / "run.toml", folder / "other.out", "-o", folder / "x.h5")
    assert radiograph(*argv).code == 0
    return folder


@pytest.fixture
def changing(phits: Path, tmp_path: Path) -> Changing:
    """A folder of its own with run.toml and events.out; its cache knows neither."""
    for name in ("run.toml", "events.out"):
        shutil.copy(phits / name, tmp_path)
    shutil.copytree(phits / "cache", tmp_path / "cache")
    path = tmp_path / "events.out"
    own = path.read_bytes()
    return Changing(path, own, exchanged(own))


def exchanged(text: bytes) -> bytes:
    """Events with other numbers of the same length."""
    return text.translate(bytes.maketrans(b"5678", b"8765"))


def assert_refused(done: Any, folder: Path, before: set[Path]) -> None:
    """Exit code 3 with the reason, and nothing written but the cache."""
    assert done.code == 3, done.err
    assert "changed while it was read" in done.err
    written = {p.name for p in set(folder.iterdir()) - before}
    assert written <= {"cache", "kept"}


@pytest.mark.parametrize("moment", PHITS_MOMENTS)
def test_phits_file_overwritten_at_a_moment(
    changing: Changing, phits: Path, radiograph: Run, moment: str
) -> None:
    folder = changing.path.parent
    before, argv = set(folder.iterdir()), ("run", folder / "run.toml", "--list")
    with pytest.MonkeyPatch.context() as patch:
        PHITS_MOMENTS[moment](patch, changing.overwrite)
        done = radiograph(*argv)
    assert changing.path.read_bytes() == changing.other
    assert_refused(done, folder, before)
    changing.restore()
    assert radiograph(*argv).code == 0
    assert differing(folder / "image.h5", phits / "clean.h5") == []


# --- the other readers ----------------------------------------------------------------------


def test_replaced_between_hash_and_reading(
    changing: Changing, phits: Path, radiograph: Run
) -> None:
    folder = changing.path.parent
    before, argv = set(folder.iterdir()), ("run", folder / "run.toml", "--list")
    with pytest.MonkeyPatch.context() as patch:
        after_call(sources, "known_file")(patch, changing.replace)
        done = radiograph(*argv, "--rehash")
    assert_refused(done, folder, before)
    assert "another file stands in its place" in done.err
    changing.put_back()
    assert radiograph(*argv).code == 0
    assert differing(folder / "image.h5", phits / "clean.h5") == []


@pytest.mark.parametrize(
    ("name", "options", "moment"),
    [
        ("events.root", ("io.input_format=root_novo_ddaq",), at_node("source_records", 2)),
        (
            "earlier.h5",
            ("io.input_format=hdf5_ngimager", "filters.hits.min_light_MeVee=0.2"),
            at_node("source_records", 2),
        ),
        (
            "earlier.h5",
            ("io.input_format=hdf5_ngimager", "filters.hits.min_light_MeVee=0.2"),
            after_call(sources, "known_file"),
        ),
        (
            "earlier.h5",
            ("io.input_format=hdf5_ngimager", "plane.du=1.0"),
            after_call(imaging_run, "copy_kept"),
        ),
    ],
    ids=["root", "restart", "restart planned", "restart copied"],
)
def test_root_and_run_files_overwritten(
    phits: Path,
    simulated: Path,
    tmp_path: Path,
    radiograph: Run,
    name: str,
    options: Any,
    moment: Hook,
) -> None:
    given = simulated / name if name == "events.root" else phits / "clean.h5"
    path = tmp_path / name
    shutil.copy(given, path)
    shutil.copy(phits / "run.toml", tmp_path)
    own, middle = path.read_bytes(), path.stat().st_size // 2
    other = own[:middle] + bytes(64) + own[middle + 64 :]
    sets = [part for option in options for part in ("--set", option)]
    argv = ("run", tmp_path / "run.toml", path, "--list", *sets)
    before = set(tmp_path.iterdir())
    with pytest.MonkeyPatch.context() as patch:
        moment(patch, Changing(path, own, other).overwrite)
        done = radiograph(*argv)
    assert_refused(done, tmp_path, before)
    assert path.read_bytes() == other


LIGHT_TARGETS = ("noise_summary", "dqm_fractions", "power_spectra")
LIGHT_MOMENTS = {
    "sampled": after_call(light_session, "sampled_file_ref"),
    "compared": after_call(light_session, "graph_values"),
    "before the layout": at_node("light_layout", 1),
    "after the layout": at_node("light_layout", 1, after=True),
    "before the waveforms": at_node("chosen_waveforms", 1),
    "in the waveforms": after_call(h5py.File, "__exit__", 5),
    "after the waveforms": at_node("chosen_waveforms", 1, after=True),
    "after the last reading": at_node("dqm_fractions", 1),
}
LIGHT = """\
[pipeline]
name = "lightdqm"
[lightdqm]
input_path = "data"
output_dir = "out"
max_evts = 30
[cache]
dir = "cache"
"""


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with light.toml and one simulated file."""
    folder = tmp_path_factory.mktemp("light")
    write_light_simulation(
        LightSimulationSettings(n_events=40, n_adcs=2, n_samples=200), folder / "data"
    )
    (folder / "light.toml").write_text(LIGHT)
    return folder


@pytest.fixture
def changing_light(light: Path, tmp_path: Path) -> Changing:
    """A folder of its own with light.toml and its file; other samples in the second half."""
    shutil.copytree(light, tmp_path / "light")
    (path,) = (tmp_path / "light" / "data").glob("*.hdf5")
    own = path.read_bytes()
    begin, end = len(own) * 4 // 10, len(own) * 9 // 10
    return Changing(path, own, own[:begin] + own[begin:end][::-1] + own[end:])


def light_run(folder: Path, out: str, *more: str) -> tuple[object, ...]:
    targets = [part for name in LIGHT_TARGETS for part in ("--target", name)]
    options = ("--set", f"lightdqm.output_dir={folder / out}")
    return ("run", folder / "light.toml", *targets, *options, *more)


@pytest.mark.parametrize("moment", LIGHT_MOMENTS)
def test_light_file_overwritten_at_a_moment(
    changing_light: Changing, radiograph: Run, moment: str
) -> None:
    folder = changing_light.path.parents[1]
    with pytest.MonkeyPatch.context() as patch:
        LIGHT_MOMENTS[moment](patch, changing_light.overwrite)
        done = radiograph(*light_run(folder, "out"))
    assert done.code == 3, done.err
    assert changing_light.path.read_bytes() == changing_light.other
    assert "changed while it was read" in done.err
    assert not list(folder.glob("out/*.h5"))
    changing_light.restore()
    assert radiograph(*light_run(folder, "out")).code == 0
    assert radiograph(*light_run(folder, "clean", *NO_CACHE)).code == 0
    (found,), (clean,) = folder.glob("out/*.h5"), folder.glob("clean/*.h5")
    assert differing(found, clean) == []


def test_light_file_replaced_after_it_was_compared(
    changing_light: Changing, light: Path, radiograph: Run
) -> None:
    """The store of runs would keep the numbers of one file under the name of another."""
    folder = changing_light.path.parents[1]
    with pytest.MonkeyPatch.context() as patch:
        after_call(checking, "compared_with")(patch, changing_light.replace)
        done = radiograph("run", folder / "light.toml")
    assert done.code == 3, done.err
    assert "another file stands in its place" in done.err
    assert not list(folder.glob("out/*.h5"))


# --- stamps ---------------------------------------------------------------------------------


def test_what_changes_a_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for change, said in (
        (lambda: path.write_bytes(b"longer"), "3 bytes before, 6 now"),
        (lambda: path.write_bytes(b"two"), "it was written to"),
        (path.unlink, "it is gone"),
    ):
        path.write_bytes(b"one")
        ref = file_ref(path)
        check_unchanged(ref)
        change()
        with pytest.raises(ChangedInputError, match=said):
            check_unchanged(ref)


def test_time_of_content_set_back_is_a_change(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    ref, stat = file_ref(path), path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(ChangedInputError):
        check_unchanged(ref)


@pytest.mark.parametrize("known", [file_ref, sampled_file_ref])
def test_written_to_while_it_is_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: Callable[[Path], Any]
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    after_call(files, "settled_stamp")(monkeypatch, lambda: path.write_bytes(b"two") and None)
    with pytest.raises(ChangedInputError):
        known(path)


def test_a_tick_passes_before_a_young_file_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, waited = tmp_path / "a", []
    path.write_bytes(b"one")
    changed_ns = path.stat().st_ctime_ns
    monkeypatch.setattr(unchanged.time, "sleep", waited.append)
    # Seconds since the change; negative: the clock of the file server is ahead.
    for age_s, least, most in ((0.0, 0.049, 0.051), (-3600, 0.049, 0.051), (0.04, 0.009, 0.011)):
        monkeypatch.setattr(unchanged.time, "time_ns", lambda a=age_s: changed_ns + int(a * 1e9))
        waited.clear()
        file_ref(path)
        assert least < waited[0] < most
    monkeypatch.setattr(unchanged.time, "time_ns", lambda: changed_ns + 60_000_000)
    waited.clear()
    file_ref(path)
    assert waited == []


def test_files_within_settings_are_found(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    ref = file_ref(path)
    tables = LightTables((("OGS", "proton", ref), ("OGS", "carbon", ref)))
    assert files_in([1, ref, tables, "text", (2, (ref,))]) == [ref] * 4
