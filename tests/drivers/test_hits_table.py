"""Hits that were exported, imaged again from their table; a table in the command's words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

Run = Callable[..., Any]
OF_TABLE = ("--set", "io.input_format=hits_table")


@pytest.fixture(scope="module")
def exported(
    simulated: Path, settings: str, radiograph: Run, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with a run of simulated neutrons and gammas, and its hits as tables."""
    folder = tmp_path_factory.mktemp("exported")
    (folder / "run.toml").write_text(settings)
    argv = ("--input-path", simulated / "events.out", "-q")
    assert radiograph("run", folder / "run.toml", *argv).code == 0
    for kind in ("csv", "parquet"):
        done = radiograph("export", folder / "image.h5", "--to", kind, "--table", "hits")
        assert done.code == 0, done.err
    return folder


def run(radiograph: Run, folder: Path, table: Path, *more: str) -> Any:
    argv = ("--input-path", table, "-o", folder / "again.h5", "--overwrite", "-q")
    return radiograph("run", folder / "run.toml", *argv, *OF_TABLE, *more)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("chunk", [100, 262144])
def test_exported_hits_give_the_same_images_and_cones(
    exported: Path, radiograph: Run, kind: str, chunk: int
) -> None:
    table = exported / f"image_hits.{kind}"
    done = run(radiograph, exported, table, "--set", f"run.chunk_events={chunk}")
    assert done.code == 0, done.err
    with h5py.File(exported / "image.h5") as one, h5py.File(exported / "again.h5") as other:
        assert one["images/summed/n"][()].sum() > 0
        assert one["images/summed/g"][()].sum() > 0
        for group in ("images/summed", "cones", "lm", "hits", "raw_events"):
            for name, dataset in one[group].items():
                if isinstance(dataset, h5py.Dataset):
                    has_nan = dataset.dtype.kind == "f"
                    again = other[f"{group}/{name}"][()]
                    assert np.array_equal(dataset[()], again, equal_nan=has_nan), name


def test_damage_is_told_with_its_row_and_values(
    exported: Path, radiograph: Run, tmp_path: Path
) -> None:
    frame = pd.read_csv(exported / "image_hits.csv")
    frame["species"] = frame["species"].replace({"n": "neutron"})
    frame.to_csv(tmp_path / "hits.csv", index=False)
    done = run(radiograph, exported, tmp_path / "hits.csv")
    assert done.code == 3
    assert "most often unknown species" in done.err
    assert "the first in row 1" in done.err
    assert "species = neutron" in done.err
    more = ("--set", "io.adapter.species={neutron = 'n'}")
    assert run(radiograph, exported, tmp_path / "hits.csv", *more).code == 0


def test_events_of_too_few_hits_are_counted(
    exported: Path, radiograph: Run, tmp_path: Path
) -> None:
    frame = pd.read_csv(exported / "image_hits.csv")
    frame = frame[(frame["hit_in_event"] == 0) | (frame["event_id"] > 10)]
    frame.to_csv(tmp_path / "hits.csv", index=False)
    done = run(radiograph, exported, tmp_path / "hits.csv")
    assert done.code == 0, done.err
    with h5py.File(exported / "again.h5") as file:
        lost = file["meta/counters/s1_raw_events_rejected_unreconstructable"][()]
    assert lost == 11


def test_a_parquet_file_is_named_to_a_run_of_another_format(
    exported: Path, radiograph: Run
) -> None:
    argv = ("run", exported / "run.toml", "--input-path", exported / "image_hits.parquet")
    done = radiograph(*argv, "-o", exported / "x.h5")
    assert done.code == 3
    assert 'is a Parquet file, not phits_usrdef. Set [io] input_format = "hits_table".' in done.err


def test_an_empty_table(exported: Path, radiograph: Run, tmp_path: Path) -> None:
    heading = (exported / "image_hits.csv").read_text().splitlines()[0]
    (tmp_path / "hits.csv").write_text(f"{heading}\n")
    done = run(radiograph, exported, tmp_path / "hits.csv")
    assert (done.code, "holds no raw event in the format hits_table" in done.err) == (3, True)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("columns={x = 'x'}", "x_cm"),
        ("columns={x_cm = 'a', y_cm = 'a'}", "given for two columns"),
        ("units={x_cm = 'ns'}", "allowed is one of um, mm, cm, m"),
        ("units={psd = 'cm'}", "allowed is none: it has no unit"),
        ("species={neutron = 'x'}", "unknown"),
    ],
)
def test_settings_of_a_table_that_cannot_be(
    exported: Path, radiograph: Run, setting: str, said: str
) -> None:
    done = run(radiograph, exported, exported / "image_hits.csv", "--set", f"io.adapter.{setting}")
    assert done.code == 2
    assert "io.adapter" in done.err
    assert said in done.err
