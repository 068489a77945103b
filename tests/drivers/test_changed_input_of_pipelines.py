"""A file of events, recordings or waveforms that changes while a run reads it: nothing is kept.

What test_changed_input.py asks of imaging and light holds for every pipeline.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from radiograph.drivers import registry
from radiograph.drivers.engine import input_files
from radiograph.drivers.graph import build_driver, graph_nodes
from radiograph.drivers.transients import session as transients_session
from radiograph.schemas.sources import FileRef
from small_runs import SMALL_RUNS, SmallRun

from .test_changed_input import NO_CACHE, Changing, Hook, after_call, at_node, differing

pytestmark = pytest.mark.slow

Run = Callable[..., Any]

# What is asked for, and the moments at which the file changes.
ASKED = {
    "cosmics": ("--target", "events", "--target", "file_totals"),
    "transients": ("--until", "structure"),
    "germanium": ("--target", "dsp_columns"),
}
MOMENTS: dict[str, dict[str, Hook]] = {
    "cosmics": {
        "hashed": after_call(input_files, "known_file"),
        "totals": at_node("file_totals", 1),
        "last": at_node("event_columns", 2, after=True),
    },
    "transients": {
        "hashed": after_call(transients_session, "known_file"),
        "last": at_node("recordings", 3, after=True),
    },
    "germanium": {
        "hashed": after_call(input_files, "known_file"),
        "between ranges": at_node("raw_scalars", 1, after=True),
        "last": at_node("waveforms", 3),
    },
}


@pytest.fixture(scope="module", params=SMALL_RUNS)
def small(
    request: pytest.FixtureRequest, radiograph: Run, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, SmallRun]:
    """A pipeline, and a folder of it with clean.h5 of a run without cache."""
    name: str = request.param
    made = SMALL_RUNS[name](tmp_path_factory.mktemp(name))
    done = radiograph("run", made.settings, *ASKED[name], "-o", made.clean, *NO_CACHE)
    assert done.code == 0, done.err
    return name, made


@pytest.fixture
def changing(small: tuple[str, SmallRun], tmp_path: Path) -> tuple[SmallRun, Changing]:
    """A folder of its own, whose file has other bytes in its middle afterwards."""
    made = small[1].copied(tmp_path / "own")
    own = made.data.read_bytes()
    begin, end = len(own) * 3 // 10, len(own) * 8 // 10
    return made, Changing(made.data, own, own[:begin] + own[begin:end][::-1] + own[end:])


def test_a_file_overwritten_at_a_moment(
    small: tuple[str, SmallRun], changing: tuple[SmallRun, Changing], radiograph: Run
) -> None:
    """Refused and nothing written, each time; restored, the file gives what it gives at first."""
    made, file = changing
    argv = ("run", made.settings, *ASKED[small[0]])
    for name, moment in MOMENTS[small[0]].items():
        with pytest.MonkeyPatch.context() as patch:
            moment(patch, file.overwrite)
            done = radiograph(*argv, "--rehash")
        assert file.path.read_bytes() == file.other, name
        assert done.code == 3, (name, done.err)
        assert "changed while it was read" in done.err, name
        assert not list(made.out.parent.glob("*"))
        file.restore()
    assert radiograph(*argv).code == 0
    assert differing(made.out, small[1].clean) == []


def test_how_long_an_archive_is_is_not_kept_of_another(radiograph: Run, tmp_path: Path) -> None:
    """Where the recordings end is found after the last of them was compared."""
    made = SMALL_RUNS["transients"](tmp_path)
    argv = ("run", made.settings, *ASKED["transients"], "--rehash")
    own = made.data.read_bytes()
    # The archive ends after eight recordings: two blocks of zeros where the ninth begins.
    ninth = len(own) * 8 // 12
    file = Changing(made.data, own, own[:ninth] + bytes(len(own) - ninth))
    plain = transients_session._Ranges._after

    def after(self: Any, first: int) -> Any:
        if first == 5:
            file.overwrite()
            self._streams.close()
        return plain(self, first)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transients_session._Ranges, "_after", after)
        done = radiograph(*argv)
    assert done.code == 3, done.err
    file.restore()
    done = radiograph(*argv, "--json")
    assert done.code == 0, done.err
    assert done.json["counters"]["recordings"] == 12


def _holds_a_file(kind: Any) -> bool:
    """Whether a value of a type may hold a file, whose place and times are not those of later."""
    if kind is FileRef:
        return True
    if is_dataclass(kind):
        return any(_holds_a_file(part) for part in get_type_hints(kind).values())
    return any(_holds_a_file(part) for part in get_args(kind))


@pytest.mark.parametrize("name", registry.names())
def test_no_file_is_kept_in_a_value_of_the_cache(name: str) -> None:
    """Copied or written anew with this content, a file has another place and other times."""
    flow = registry.definition(name)
    nodes = graph_nodes(build_driver(flow, flow.listed_choices))
    kept = [n for n, v in nodes.items() if v.tags.get("stored") != "false"]
    assert kept
    assert [n for n in kept if _holds_a_file(nodes[n].type)] == []
