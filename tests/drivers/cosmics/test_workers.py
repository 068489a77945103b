"""No number depends on who computes it, on the chunks, or on how the events are stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import awkward as ak
import pytest
from radiograph.drivers.config import load_config
from radiograph.drivers.cosmics.simulation import write_cosmics_simulation
from radiograph.drivers.engine.executors import DaskExecutor, Executor, ProcessExecutor
from radiograph.drivers.engine.plain_values import plain_value
from radiograph.drivers.engine.running import open_session
from radiograph.nodes.cosmics.readers import root_files
from radiograph.schemas.cosmics_simulation import CosmicsSimulationSettings

N = 18
TARGETS = (
    "cut_flow", "group_flow", "off_cuts", "weighted_cut_flow", "window_rates", "histograms",
    "not_in_histograms", "parents", "veto_study", "unvetoed_events", "unvetoed_coincidences",
    "unvetoed_segments", "unvetoed_particles", "cut_bits", "event_bits",
)  # fmt: skip
COINCIDENCES = ("time", "timeStart", "timeEnd", "PEs", "nHits", "nLayers", "sectorType",
                *(f"pos.fCoordinates.{c}" for c in ("fX", "fY", "fZ")))  # fmt: skip


def as_parquet(source: Path, path: Path) -> Path:
    """The events of a TTree in the records of the Parquet files that are read."""
    with root_files.opened(source) as file:
        tree = file["EventNtuple/ntuple"]

        def record(branch: str, names: tuple[str, ...], prefix: str = "") -> Any:
            leaves = {f"{prefix}{n}": tree[f"{branch}/{prefix}{n}"].array() for n in names}
            return ak.zip(leaves, depth_limit=1)

        fits = {
            "trk.pdg": tree["trk/trk.pdg"].array(),
            "trk.nactive": tree["trk/trk.nactive"].array(),
            "trkqual.result": tree["trkqual/trkqual.result"].array(),
        }
        whole = {n: tree[n].array() for n in ("trksegs", "trksegpars_lh", "trkmcsim")}
        true = {"trkmcsim": whole.pop("trkmcsim")}
        events = ak.zip(
            {
                "evt": record("evtinfo", ("run", "subrun", "event")),
                "crv": record("crvcoincs", COINCIDENCES, "crvcoincs."),
                "trk": ak.zip(fits, depth_limit=1),
                "trkfit": ak.zip(whole, depth_limit=1),
                "trkmc": ak.zip(true, depth_limit=1),
            },
            depth_limit=1,
        )
        ak.to_parquet(ak.without_parameters(events), path, row_group_size=8)
    return path


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Two files of the same events in every format: what trips a reader, and a usual one."""
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.mktemp("formats")
    found: dict[str, list[Path]] = {"ttree": [], "rntuple": [], "parquet": []}
    for kind in ("odd", "mix"):
        for form in ("ttree", "rntuple"):
            made = CosmicsSimulationSettings(
                kind=kind, n_events=N, basket_events=8, seed=6, format=form, pile_up_per_event=0.5
            )
            found[form].append(write_cosmics_simulation(made, folder / form).out)
        found["parquet"].append(as_parquet(found["ttree"][-1], folder / f"{kind}.parquet"))
    return found


def values_of(files: list[Path], chunk: int, executor: Executor | None) -> Any:
    """Every target as plain values."""
    (files[0].parent / "c.toml").write_text('[pipeline]\nname = "cosmics"\n')
    settings = {
        "io.input_path": [str(file) for file in files],
        "run.chunk_events": chunk,
        "cuts.cutset": "SU2020b",
        "cuts.toggle_groups.Tracker": False,
        "cuts.toggle_cuts.is_truth_electron": False,
        "normalisation.prefer": "settings",
        "normalisation.generated_events": 1000,
        "normalisation.livetime_s": 10.0,
    }
    loaded = load_config(files[0].parent / "c.toml", settings=settings)
    return {
        k: plain_value(v) for k, v in open_session(loaded, executor=executor).run(TARGETS).items()
    }


@pytest.fixture(scope="module")
def one(sources: dict[str, list[Path]]) -> Any:
    """What one process gives of the TTree, all at once."""
    found = values_of(sources["ttree"], 0, None)
    assert found["cut_flow"][0]["events"] == 2 * N
    assert len(found["unvetoed_events"]) > 3
    assert found["veto_study"]["combinations"] > 5
    return found


def check_same(found: Any, expected: Any, at: str) -> None:
    """Counts are equal, statistics to 1e-9."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), at
        for key in expected:
            check_same(found[key], expected[key], f"{at}/{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), at
        for k, (value, other) in enumerate(zip(found, expected, strict=True)):
            check_same(value, other, f"{at}/{k}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12), at
    else:
        assert found == expected, at


@pytest.mark.parametrize(
    ("form", "chunk"),
    [("ttree", 7), ("rntuple", 7), ("parquet", 1000)],
)
def test_chunks_and_formats(sources: Any, one: Any, form: str, chunk: int) -> None:
    check_same(values_of(sources[form], chunk, None), one, form)


@pytest.fixture
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Four processes of this machine, or two workers of Dask, through all that is asked."""
    with ExitStack() as stack:
        if request.param == "processes":
            yield stack.enter_context(ProcessExecutor(4).lasting())
        else:
            yield DaskExecutor(request.getfixturevalue("scheduler"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("executor", "form"), [("processes", "ttree"), ("dask", "rntuple")], indirect=["executor"]
)
def test_workers(sources: Any, one: Any, executor: Executor, form: str) -> None:
    check_same(values_of(sources[form], N // 3 + 1, executor), one, form)
