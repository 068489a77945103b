"""Files beside the run file: whole ones, and one that grows part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import toy
from radiograph.drivers import registry
from radiograph.drivers.cache.opening import NO_CACHE
from radiograph.drivers.config import LoadedConfig
from radiograph.drivers.engine import running
from radiograph.drivers.engine.artifacts import Append, Artifact
from radiograph.drivers.engine.parts import Part
from radiograph.drivers.engine.phases import UnfitScopesError
from radiograph.schemas.errors import UsageError

N_PULSES = 250


@contextmanager
def _grown(path: Path) -> Iterator[Append]:
    with path.open("w") as stream:

        def append(part: Part, values: Mapping[str, Any]) -> None:
            rows = values["energies"]
            stream.write(f"{part.name} {len(rows)} {rows['pulse_row'].iloc[0]}\n")

        yield append


def _whole(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(f"{values['peak_bin']} {values['spectrum'].sum()}\n")


def _beside(name: str) -> Callable[[Any, Path], Path]:
    return lambda _config, run_file: run_file.with_name(name)


ARTIFACTS = (
    Artifact("rows", ("energies",), _beside("rows.txt"), opened=_grown),
    Artifact("peak", ("peak_bin", "spectrum"), _beside("peak.txt"), write=_whole),
    Artifact("nothing", ("not_in_this_graph",), _beside("nothing.txt"), write=_whole),
)


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadedConfig[Any]:
    rng = np.random.default_rng(1)
    for k in range(3):
        rows = np.column_stack([rng.integers(0, 4, N_PULSES), rng.normal(1000, 5, N_PULSES)])
        np.savetxt(tmp_path / f"p{k}.txt", rows, delimiter=",", fmt=["%d", "%.6f"])
    flow = replace(toy.TOY, artifacts=lambda _config: ARTIFACTS)
    monkeypatch.setattr(registry, "definition", lambda _name: flow)
    io = {"input_path": str(tmp_path / "p*.txt"), "output_path": str(tmp_path / "out.h5")}
    config = toy.ToyConfig.model_validate({"io": io})
    return LoadedConfig(config, "", tmp_path / "toy.toml")


def test_they_are_written_with_the_run_file(loaded: LoadedConfig[Any], tmp_path: Path) -> None:
    report = running.run_pipeline(loaded, cache=NO_CACHE)
    assert [Path(path).name for path in report.files] == ["out.h5", "rows.txt", "peak.txt"]
    lines = (tmp_path / "rows.txt").read_text().splitlines()
    assert lines[:4] == ["0:0 100 0", "0:1 100 100", "0:2 50 200", "1:0 100 250"]
    assert len(lines) == 9
    assert (tmp_path / "peak.txt").read_text().endswith(f" {3 * N_PULSES}\n")
    with h5py.File(tmp_path / "out.h5") as file:
        assert set(file["artifacts"]) == {"rows", "peak"}
        assert len(file["artifacts/rows"][()]) == 32


def test_a_file_that_fails_late_leaves_no_rows(
    loaded: LoadedConfig[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second sweep begins again without it, and so does the growing file."""
    rows = np.loadtxt(tmp_path / "p1.txt", delimiter=",")
    rows[:, 0] = 9
    np.savetxt(tmp_path / "p1.txt", rows, delimiter=",", fmt=["%d", "%.6f"])
    monkeypatch.setenv("TOY_BAD_CHANNEL", "9")
    report = running.run_pipeline(loaded, cache=NO_CACHE)
    assert report.exit_code == 3
    lines = (tmp_path / "rows.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["0:0", "0:1", "0:2", "2:0", "2:1", "2:2"]
    assert lines[3] == "2:0 100 250"


def test_a_growing_file_of_two_sweeps_is_refused(
    loaded: LoadedConfig[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Energies need the gains of all pulses: no part has both at once."""
    both = Artifact("both", ("pulses", "energies"), _beside("both.txt"), opened=_grown)
    flow = replace(toy.TOY, artifacts=lambda _config: (both,))
    monkeypatch.setattr(registry, "definition", lambda _name: flow)
    with pytest.raises(UnfitScopesError, match="both: pulses, energies .* different sweeps"):
        running.run_pipeline(loaded, cache=NO_CACHE)
    assert not list(tmp_path.glob("*.h5")) + list(tmp_path.glob("both*"))


def test_none_is_replaced_unasked(loaded: LoadedConfig[Any], tmp_path: Path) -> None:
    (tmp_path / "peak.txt").write_text("mine")
    with pytest.raises(UsageError, match="peak.txt"):
        running.run_pipeline(loaded, cache=NO_CACHE)
    assert (tmp_path / "peak.txt").read_text() == "mine"
    assert not (tmp_path / "out.h5").exists()


def test_a_target_or_an_early_end_writes_none(loaded: LoadedConfig[Any], tmp_path: Path) -> None:
    report = running.run_pipeline(loaded, targets=["gains"], cache=NO_CACHE)
    assert [Path(path).name for path in report.files] == ["out.h5"]
    pipeline = toy.ToyPipeline(until="apply")
    early = replace(loaded, config=loaded.config.model_copy(update={"pipeline": pipeline}))
    report = running.run_pipeline(early, cache=NO_CACHE, overwrite=True)
    assert [Path(path).name for path in report.files] == ["out.h5", "rows.txt"]
