"""The imaging graph on a cache: exactly what depends on a change runs, and files are bit-equal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.cache import opening
from radiograph.drivers.cache.code import CodeVersions
from radiograph.drivers.cache.content import Description
from radiograph.drivers.cache.lazy import Lazy
from radiograph.drivers.cache.opening import NO_CACHE, PACKAGES, WITHOUT_VERSION, CacheOptions
from radiograph.drivers.cache.store import Store
from radiograph.drivers.config import load_config
from radiograph.drivers.engine.merging import Appended, Gathering
from radiograph.drivers.engine.report import RunReport
from radiograph.drivers.imaging.run import run_imaging
from radiograph.drivers.imaging.session import open_session
from radiograph.drivers.imaging.simulation import write_simulation
from radiograph.nodes.imaging.readers import phits_usrdef
from radiograph.schemas.errors import UsageError
from radiograph.schemas.simulation import SimulationSettings

Settings = dict[str, Any]
Run = Callable[..., "Done"]

CONFIG = """\
[io]
input_path = "events.out"
output_path = "image.h5"
[detectors]
default_material = "OGS"
[plane]
origin = [0.0, 0.0, 0.0]
normal = [0.0, 0.0, 1.0]
u_min = -30.0
u_max = 30.0
du = 2.0
v_min = -20.0
v_max = 20.0
dv = 2.0
[energy]
strategy = "Edep"
[vis]
export_png_on_write = false
[hdf5]
include_repo_bundle = false
"""
# The code does not change here, and what is known of it serves every run.
VERSIONS = CodeVersions(PACKAGES, WITHOUT_VERSION)


@dataclass(frozen=True)
class Done:
    """What a run left."""

    report: RunReport
    nodes: dict[str, tuple[str, str]]
    contents: dict[str, bytes]

    @property
    def executed(self) -> set[str]:
        return {n for n, (status, _) in self.nodes.items() if status == "executed"}

    def reason(self, node: str) -> str:
        return self.nodes[node][1]


# What says when and how a file was made, not what was measured.
ABOUT_THE_RUN = ("provenance", "meta/log", "meta/config_toml", "meta/config_effective",
                 "meta/repo_bundle")  # fmt: skip


def contents(path: Path, prefix: str = "") -> dict[str, bytes]:
    """Every dataset and attribute that is a result, with dtype and shape, as bytes."""
    found: dict[str, bytes] = {}

    def note(name: str, item: Any) -> None:
        if name.startswith(ABOUT_THE_RUN):
            return
        for key, value in item.attrs.items():
            found[f"{name}@{key}"] = repr(value).encode()
        if isinstance(item, h5py.Dataset):
            value = item[()]
            texts = item.dtype.hasobject  # of variable length
            plain = np.asarray(value).tolist() if texts else np.asarray(value).tobytes()
            found[name] = repr((str(item.dtype), item.shape, plain)).encode()

    with h5py.File(path) as file:
        file.visititems(note)
    return found


def nodes_of(path: Path) -> dict[str, tuple[str, str]]:
    with h5py.File(path) as file:
        group = file["provenance/nodes"]
        columns = [[v.decode() for v in group[c][()]] for c in ("name", "status", "reason")]
    return {name: (status, reason) for name, status, reason in zip(*columns, strict=True)}


@contextmanager
def settled() -> Iterator[None]:
    """Files count as unchanged for long enough to be remembered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "CodeVersions", lambda *_: VERSIONS)
        patch.setattr(opening, "_SETTLED_S", -1.0)
        yield


def run_in(folder: Path, settings: Settings, cache: CacheOptions, *targets: str) -> Done:
    loaded = load_config(folder / "run.toml", settings=settings, shell_folder=folder)
    with settled():
        report = run_imaging(loaded, targets=targets, overwrite=True, cache=cache)
    out = Path(report.output)
    return Done(report, nodes_of(out), contents(out))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was run once, with its cache beside it."""
    folder = tmp_path_factory.mktemp("base")
    (folder / "run.toml").write_text(CONFIG)
    settings = SimulationSettings(n_neutrons=120, n_gammas=40, seed=3)
    write_simulation(settings, folder / "events.out", "phits")
    first = run_in(folder, {}, CacheOptions(folder / "cache"))
    assert len(first.executed) > 40
    assert set(first.nodes.values()) == {
        ("executed", "never computed here before"),
        ("executed", "not stored"),
    }
    return folder


@pytest.fixture
def project(base: Path, tmp_path: Path) -> Path:
    """A copy of the project as it stands after its first run."""
    folder = tmp_path / "project"
    shutil.copytree(base, folder)
    return folder


@pytest.fixture
def run(project: Path) -> Run:
    def cached(settings: Settings | None = None, *targets: str, **options: Any) -> Done:
        return run_in(project, settings or {}, CacheOptions(project / "cache", **options), *targets)

    return cached


@pytest.fixture(scope="module")
def known_plain() -> dict[Any, Done]:
    """What runs without a cache gave, by their settings and input."""
    return {}


@pytest.fixture
def uncached(project: Path, tmp_path: Path, known_plain: dict[Any, Done]) -> Run:
    def plain(settings: Settings | None = None) -> Done:
        given = settings or {}
        path = Path(given.get("io.input_path", project / "events.out"))
        key = (repr(sorted(given.items())), path.read_bytes())
        if key not in known_plain:
            other = {"io.output_path": str(tmp_path / "plain.h5")}
            known_plain[key] = run_in(project, given | other, NO_CACHE)
        return known_plain[key]

    return plain


def both(*names: str) -> set[str]:
    return {f"{s}_{n}" for s in ("neutron", "gamma") for n in names}


IMAGES = both("back_projection", "image") | {
    "summed_images",
    "image_counters",
    "projections",
    "projection_metrics",
}
GRID = IMAGES | {"region_of_interest"}
SELECTION = both("chosen_row", "cone_cut_code", "selected_cones") | {"cone_counters"}

FROM_GAMMA_HITS = {
    f"gamma_{name}"
    for name in (
        *("hits", "hit_filter_code", "filtered_hits", "shaped_events", "typed_events"),
        *("event_filter_code", "within_max_events", "filtered_events", "energies"),
        *("event_hit_rows", "calibrated_events"),
        *("candidate_cones", "cone_scores", "direction_ok", "chosen_row", "cone_filter_code"),
        *("cone_cut_code", "selected_cones", "back_projection", "image"),
    )
}
# What else may run after a change of the plane: it depends on which cones then miss it.
MAY_FOLLOW = {"origin": both("cone_filter_code"), "normal": SELECTION | both("cone_filter_code")}
# settings, and the nodes that run again
CHANGES: dict[str, tuple[Settings, set[str]]] = {
    "nothing": ({}, set()),
    "pixels": ({"plane.du": 1.0, "plane.dv": 0.5}, GRID),
    "range": ({"plane.u_max": 20.0, "plane.v_min": -10.0}, GRID),
    "origin": (
        {"plane.origin": [1.0, 0.0, 0.0]},
        IMAGES | SELECTION | both("direction_ok", "cone_scores") | {"prior_target_cm"},
    ),
    "normal": (
        {"plane.normal": [0.0, 1.0, 1.0]},
        # The axes follow from the normal; the middle of the plane, and so the scores, do not.
        GRID | both("direction_ok") | {"prior_target_cm"},
    ),
    "gamma hits": (
        {"filters.hits.gamma.min_light_MeVee": 0.5},
        FROM_GAMMA_HITS
        | {"source_records", "hit_filter_code", "raw_event_fate", "summed_images", "projections"}
        | {"projection_metrics", "hit_counters", "event_counters", "cone_counters"}
        | {"image_counters"},
    ),
    "gamma events, none cut": (
        {"filters.events.gamma.tof_window_ns": [-1e6, 1e6]},
        {"gamma_event_filter_code"},
    ),
    "gamma cones": (
        {"filters.cones.gamma.max_incident_energy_MeV": 3.0},
        {"gamma_cone_filter_code", "gamma_cone_cut_code", "gamma_selected_cones", "cone_counters"}
        | {"gamma_back_projection", "gamma_image", "summed_images", "image_counters"}
        | {"projections", "projection_metrics"},
    ),
    "threads": ({"run.workers": 1, "run.chunk_cones": 7}, set()),
    "words": (
        {"run.meta": {"note": "x"}, "run.diagnostics_level": 0, "cache.size_limit_GB": 3.0},
        set(),
    ),
    "list": (
        {"run.list": True},
        both("back_projection", "image") | {"image_counters"},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_runs_again(project: Path, run: Run, uncached: Run, change: str) -> None:
    settings, expected = CHANGES[change]
    done = run(settings)
    assert expected <= done.executed <= expected | MAY_FOLLOW.get(change, set())
    assert done.contents == uncached(settings).contents
    # And then nothing at all.
    again = run(settings)
    assert again.executed == set()
    assert again.contents == done.contents
    assert again.report.counters == done.report.counters


PROCESS = """
import sys
from pathlib import Path
from radiograph.drivers.cache.opening import CacheOptions
from radiograph.drivers.config import load_config
from radiograph.drivers.imaging.run import run_imaging
folder = Path(sys.argv[1])
loaded = load_config(folder / "run.toml")
run_imaging(loaded, overwrite=True, cache=CacheOptions(folder / "cache"))
"""


def test_nothing_runs_in_a_new_process(project: Path, run: Run) -> None:
    before = contents(project / "image.h5")
    argv = [sys.executable, "-c", PROCESS, str(project)]
    env = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run(argv, check=True, env=env, cwd="/", capture_output=True)
    assert {status for status, _ in nodes_of(project / "image.h5").values()} == {"hit"}
    assert contents(project / "image.h5") == before


POINT = {
    "cones.directionality": "off",
    "prior.type": "point",
    "prior.point": {"r0": [0.0, 0.0, 5.0]},
}


@pytest.mark.parametrize(
    "plane", [{"plane.origin": [1.0, 0.0, 2.0]}, {"plane.normal": [0.0, 0.1, 1.0]}], ids=str
)
def test_without_directionality_and_with_a_point_a_plane_changes_images_only(
    run: Run, uncached: Run, plane: Settings
) -> None:
    run(POINT)
    done = run(POINT | plane)
    assert IMAGES <= done.executed <= GRID
    assert done.contents == uncached(POINT | plane).contents


@pytest.mark.parametrize("until", ["hits", "cones"])
def test_earlier_stages_hit(run: Run, uncached: Run, until: str) -> None:
    settings = {"pipeline.until": until}
    done = run(settings)
    assert done.executed == set()
    assert done.contents == uncached(settings).contents


def test_vis_changes_figures_only(project: Path, run: Run, uncached: Run) -> None:
    on = {"vis.export_png_on_write": True, "vis.species": ["n"]}
    before = run(on)
    assert before.executed == {"figures", "figure_labels"}
    other = on | {"vis.colormap": "gray"}
    done = run(other)
    assert done.executed == {"figures"}
    picture = {p: Path(p).read_bytes() for p in done.report.files[1:]}
    assert run(other).executed == set()
    assert {p: Path(p).read_bytes() for p in done.report.files[1:]} == picture
    assert before.contents == done.contents


def test_cap_of_cones(run: Run, uncached: Run) -> None:
    settings = {"run.max_cones": 20}
    done = run(settings)
    assert not done.executed & both("candidate_cones", "cone_scores", "chosen_row", "typed_events")
    assert both("cone_filter_code") <= done.executed
    assert done.contents == uncached(settings).contents
    assert run({"run.max_cones": 21}).contents == uncached({"run.max_cones": 21}).contents
    assert run(settings).executed == set()


# --- the input ------------------------------------------------------------------------------


def rewrite(path: Path, seed: int, n_neutrons: int = 120) -> None:
    settings = SimulationSettings(n_neutrons=n_neutrons, n_gammas=40, seed=seed)
    write_simulation(settings, path, "phits", overwrite=True)


def test_other_content_under_the_same_name(project: Path, run: Run, uncached: Run) -> None:
    rewrite(project / "events.out", seed=4)
    done = run()
    assert {"hits", "neutron_image", "summed_images"} <= done.executed
    assert done.reason("record_counters") == "input source_records changed"
    assert done.contents == uncached().contents


def test_other_content_of_the_same_size_and_time(project: Path, run: Run, uncached: Run) -> None:
    """One digit changed in place, size and time of change as before: the content counts."""
    path = project / "events.out"
    first = run()
    before = path.stat()
    data = path.read_bytes()
    place = data.rindex(b"E+0") - 10
    digit = b"1" if data[place : place + 1] != b"1" else b"2"
    with path.open("r+b") as stream:
        stream.seek(place)
        stream.write(digit)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    done = run()
    assert "hits" in done.executed
    assert done.contents == uncached().contents != first.contents
    assert run(rehash=True).executed == set()


def test_moved_file(project: Path, run: Run, uncached: Run) -> None:
    on = {"vis.export_png_on_write": True, "vis.species": ["n"]}
    run(on)
    (project / "events.out").rename(project / "elsewhere.out")
    settings = {"io.input_path": str(project / "elsewhere.out"), **on}
    done = run(settings)
    # Its name stands in the figures.
    assert done.executed <= {"figures", "figure_labels"}
    assert done.contents == uncached(settings).contents


def test_a_moved_file_is_read_where_it_is_now(project: Path, run: Run, uncached: Run) -> None:
    """The graph knows a file by its content, but reads it by its path."""
    (project / "events.out").rename(project / "elsewhere.out")
    moved = {"io.input_path": str(project / "elsewhere.out")}
    done = run(moved | {"filters.hits.gamma.min_light_MeVee": 0.5})
    assert "source_records" in done.executed
    assert done.contents == uncached(moved | {"filters.hits.gamma.min_light_MeVee": 0.5}).contents


# --- ranges of events -----------------------------------------------------------------------


def test_ranges_hit_and_equal_one_piece(run: Run, uncached: Run) -> None:
    settings = {"run.chunk_events": 50, "run.list": True}
    done = run(settings)
    plain = uncached({"run.list": True})
    assert done.contents == plain.contents
    again = run(settings)
    assert again.executed == set()
    assert again.contents == plain.contents
    # Another grid: images of every range, and nothing before them.
    done = run(settings | {"plane.du": 1.0})
    assert done.executed == GRID
    assert done.contents == uncached({"run.list": True, "plane.du": 1.0}).contents


def test_a_cut_in_ranges_reaches_the_sum(run: Run, uncached: Run) -> None:
    """What is joined of the ranges is known by its parts."""
    settings = {"run.chunk_events": 50}
    run(settings)
    cut = settings | {"filters.cones.gamma.max_incident_energy_MeV": 3.0}
    done = run(cut)
    assert {"gamma_image", "summed_images", "projections"} <= done.executed
    assert not any(name.startswith("neutron_") for name in done.executed)
    assert done.contents == uncached(cut).contents


def test_joined_ranges_are_known_by_parts_order_and_rows_before(project: Path) -> None:
    cache = opening.open_cache(CacheOptions(project / "cache"), ())
    assert cache is not None
    frame = pd.DataFrame({"event_index": [0, 1], "candidate_row": [0, 1]})
    other = frame + 1

    def known(*parts: tuple[int, pd.DataFrame], node: str = "neutron_energies") -> str:
        gathering = Gathering(Appended, node, cache)
        for before, value in parts:
            gathering.take(Lazy(value), {"event_index": before})
        gathering.end_file()
        return str(gathering.whole().fingerprint)

    different = [
        known((0, frame), (2, frame)),
        known((0, frame), (0, frame)),
        known((0, frame), (2, other)),
        known((0, other), (2, frame)),
        known((0, frame), (2, frame), (2, frame)),
        known((0, frame), (2, frame), node="gamma_energies"),
    ]
    assert len(set(different)) == len(different)
    assert known((0, frame), (2, frame)) == different[0]


def test_caps_go_on_over_ranges(run: Run, uncached: Run) -> None:
    settings = {"run.chunk_events": 50, "run.max_events": 70, "run.max_cones": 30}
    done = run(settings)
    plain = uncached(settings | {"run.chunk_events": 10_000})
    assert done.contents == plain.contents
    again = run(settings)
    assert again.executed == set()
    assert again.contents == plain.contents
    fewer = settings | {"run.max_events": 60}
    done = run(fewer)
    assert done.contents == uncached(fewer | {"run.chunk_events": 10_000}).contents
    assert not done.executed & {"hits", *both("typed_events", "hit_filter_code")}


def test_appended_events(project: Path, run: Run, uncached: Run) -> None:
    """A range is known by the whole file: what is appended makes every range new to the reader.

    What the reader gives for the old ranges is the same, so that nothing behind it runs for
    them: executed is said of a node that ran for the new range.
    """
    settings = {"run.chunk_events": 40}
    path = project / "events.out"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    events = [k for k, line in enumerate(lines) if line[:2] in (b"ne", b"ge")]
    path.write_bytes(b"".join(lines[: events[120]]))
    first = run(settings)
    assert len(first.report.counters) > 5
    path.write_bytes(whole)
    done = run(settings)
    assert done.contents == uncached(settings).contents
    with h5py.File(project / "image.h5") as file:
        group = file["provenance/nodes"]
        calls = dict(zip([n.decode() for n in group["name"][()]], group["calls"][()], strict=True))
    assert calls["source_records"] == 4
    assert calls["hits"] == 4
    assert calls["neutron_back_projection"] == 1
    assert calls["gamma_candidate_cones"] == 1
    assert calls["neutron_filtered_hits"] == 1


# --- several configs, options -----------------------------------------------------------------


def test_several_configs_share_a_cache(run: Run, uncached: Run) -> None:
    configs: list[Settings] = [
        {},
        {"plane.du": 1.0, "run.gammas": False},
        {
            "cones.directionality": "off",
            "cones.kinematics": "exact",
            "energy.strategy": "FixedEn",
            "energy.fixed_En_MeV": 14.0,
        },
    ]
    plain = [uncached(c).contents for c in configs]
    assert [run(c).contents for c in configs] == plain
    for config, expected in zip(reversed(configs), reversed(plain), strict=True):
        done = run(config)
        assert done.executed == set()
        assert done.contents == expected


def test_every_node_comes_back_bit_by_bit(project: Path) -> None:
    """Each stored node of the graph, from the cache and computed: equal in type and bits."""
    short = {"reconstruction.iterations": 2, "focus.steps": 5, "errors.replicas": 4}
    loaded = load_config(project / "run.toml", settings={"run.list": True, **short})
    source = project / "events.out"
    plain = open_session(loaded.config, source, project)
    names = [n for n, v in plain.driver.graph.nodes.items() if not v.user_defined]
    names = [n for n in names if n not in ("figures", "figure_labels")]
    truth = plain.run(names)
    options = CacheOptions(project / "cache")
    with settled():
        open_session(loaded.config, source, project, options).run(names)
        found = open_session(loaded.config, source, project, options).run(names)
    for name in names:
        assert type(found[name]) is type(truth[name]), name
        digests = [Description(v, whole=True).digest() for v in (found[name], truth[name])]
        assert digests[0] == digests[1], name


def test_refresh(run: Run) -> None:
    done = run({}, refreshed=("neutron_candidate_cones",))
    assert done.executed == {"neutron_candidate_cones"}
    assert done.reason("neutron_candidate_cones") == "asked to be computed again"


def test_reasons_stand_in_the_file(run: Run) -> None:
    done = run({"filters.cones.gamma.max_incident_energy_MeV": 3.0})
    assert done.reason("gamma_cone_cut_code") == "input gamma_cone_filters changed"
    assert done.reason("gamma_selected_cones").startswith("input gamma_c")
    assert done.nodes["neutron_selected_cones"] == ("hit", "")
    nodes = done.report.nodes
    assert nodes["gamma_selected_cones"]["status"] == "executed"
    assert nodes["neutron_selected_cones"]["status"] == "hit"
    assert nodes["figures"]["status"] == "skipped"


def test_a_target_alone(run: Run) -> None:
    assert run({}, "gamma_candidate_cones").executed == set()
    assert run({"plane.du": 1.0}, "summed_images").executed <= GRID


def test_no_figure_or_array_is_kept_twice(project: Path, run: Run) -> None:
    store = Store(project / "cache", PACKAGES)
    before = sorted(store.values())
    run({})
    assert sorted(store.values()) == before
    run({}, refreshed=("summed_images",))
    assert sorted(store.values()) == before
    store.close()


@pytest.mark.parametrize("kind", ["folder", "garbage"])
def test_a_run_goes_on_without_its_cache(
    project: Path, uncached: Run, kind: str, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    broken = project / "broken"
    if kind == "folder":
        broken.write_text("a file")
    else:
        broken.mkdir()
        (broken / "cache.db").write_bytes(b"garbage" * 1000)
    monkeypatch.setattr(opening, "default_folder", lambda: broken)
    done = run_in(project, {}, CacheOptions())
    assert done.contents == uncached().contents
    assert [r.levelname for r in caplog.records if r.name == "radiograph.cache"] == ["WARNING"]
    (project / "image.h5").unlink()
    with pytest.raises(UsageError, match="cannot be used as a cache"):
        run_in(project, {}, CacheOptions(broken))
    assert not (project / "image.h5").exists()


def test_damaged_values_everywhere(project: Path, run: Run, uncached: Run, caplog: Any) -> None:
    """Every large value truncated: the run is right, and the next one has them again."""
    files = list((project / "cache").rglob("*.val"))
    assert files
    for path in files:
        path.write_bytes(path.read_bytes()[:-5])
    done = run()
    assert done.contents == uncached().contents
    assert done.executed
    assert all("is damaged" in r.getMessage() for r in caplog.records if r.levelname == "WARNING")
    assert run().executed == set()


def test_the_ranges_of_a_file_are_looked_for_once(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []
    blocks = phits_usrdef.blocks

    def watched(path: Path, *how: Any) -> Any:
        looked.append(path)
        return blocks(path, *how)

    # VERSIONS knows the code as it was before.
    monkeypatch.setattr(phits_usrdef, "blocks", watched)
    first = run().report.counters
    run({"plane.du": 1.0})
    assert looked == []
    run({"run.chunk_events": 40})
    assert len(looked) == 1
    with (project / "events.out").open("a") as stream:
        stream.write("ne 0 1 1 2 2 ; 12 1.0 0 0 100 20 , 21 1.0 3 4 110 25 ,\n")
    assert run().report.counters["raw_events_total"] == first["raw_events_total"] + 1
    assert len(looked) == 2
