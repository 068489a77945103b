"""Bytes changed, zeroed and cut off: a sentence and its exit code, or the same numbers."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers.cosmics.simulation import write_cosmics_simulation
from radiograph.nodes.cosmics.readers import read_columns
from radiograph.schemas.cosmics_simulation import CosmicsSimulationSettings
from radiograph.schemas.sources import EventRange, FileRef

TREE = "EventNtuple/ntuple"
N = 80
OF_FILE = ("event_numbers", "tracks", "segments", "true_particles", "coincidences")


@pytest.fixture(scope="module")
def sources(radiograph: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same events as a TTree, an RNTuple and Parquet, and what is asked of them."""
    folder = tmp_path_factory.mktemp("whole")
    made = CosmicsSimulationSettings(n_events=N, kind="mix", seed=5)
    tree = write_cosmics_simulation(made, folder).out
    copy, events = folder / "copy.root", folder / "run_events.parquet"
    assert radiograph("export", tree, "--to", "rntuple", "-o", copy).code == 0
    settings = folder / "run.toml"
    settings.write_text(
        f'[pipeline]\nname = "cosmics"\n[io]\ninput_path = "{tree.name}"\n'
        'output_path = "run.h5"\n[output]\nevents = true\nfigures = false\nreport = false\n'
        "[cuts]\ntoggle_groups = {Preselect = false, Tracker = false, Veto = false, "
        "Momentum = false}\n"
    )
    done = radiograph("run", settings)
    assert done.code == 0, done.err
    found = {"tree": tree, "rntuple": copy, "parquet": events}
    return {kind: (path, flow(radiograph, path)) for kind, path in found.items()}


def flow(radiograph: Callable[..., Any], path: Path) -> Any:
    done = radiograph("cosmics", "flow", path, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)["values"]["cut_flow"]


def damaged(content: bytes, kind: str, dice: random.Random) -> bytes:
    changed = bytearray(content)
    if kind == "cut":
        return bytes(changed[: dice.randrange(1, len(changed))])
    if kind == "zeroed":
        first = dice.randrange(len(changed) - 5000)
        changed[first : first + 5000] = bytes(5000)
        return bytes(changed)
    # "bits 0" are those of an RNTuple whose list of fields cannot be read any more.
    begin = len(changed) - 6000 if kind == "end" else 0
    end = 1500 if kind == "head" else len(changed)
    for _ in range(8):
        changed[dice.randrange(begin, end)] ^= 1 << dice.randrange(8)
    return bytes(changed)


@pytest.mark.parametrize("kind", ["bits", "bits 0", "zeroed", "cut", "head", "end"])
@pytest.mark.parametrize("source", ["tree", "rntuple", "parquet"])
def test_damage_is_a_sentence_or_does_not_matter(
    radiograph: Callable[..., Any], sources: Any, tmp_path: Path, source: str, kind: str
) -> None:
    whole, wanted = sources[source]
    path, copy = tmp_path / f"nts.bad{whole.suffix}", tmp_path / "copy.root"
    path.write_bytes(damaged(whole.read_bytes(), kind, random.Random(f"{source} {kind}")))
    asked = [("cosmics", "flow", path, "--json"), ("info", path)]
    if source == "tree":
        asked.append(("export", path, "--to", "rntuple", "-o", copy))
    for command in asked:
        done = radiograph(*command)
        if done.code == 0:
            if command[1] == "flow":
                assert json.loads(done.out)["values"]["cut_flow"] == wanted
            continue
        assert done.code == 3, (command, done)
        assert len(done.err.strip().splitlines()) == 1, (command, done.err)
        assert path.name in done.err
    if copy.exists():
        one, other = (
            read_columns(FileRef(str(p), 0, ""), EventRange(0, N), TREE, "auto")
            for p in (whole, copy)
        )
        for table in OF_FILE:
            assert getattr(one, table).equals(getattr(other, table))
