"""Counted files, the frame of input files, summary and verdict, on a toy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy
import toy_judged
from radiograph.drivers import registry
from radiograph.drivers.cache.opening import NO_CACHE, CacheOptions
from radiograph.drivers.config import LoadedConfig
from radiograph.drivers.engine import running
from radiograph.schemas.errors import InputError


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadedConfig[Any]:
    for k in range(3):
        np.savetxt(tmp_path / f"p{k}.txt", np.full((10 + k, 2), k + 1), delimiter=",", fmt="%d")
    monkeypatch.setattr(registry, "homes", lambda: {"toy": toy_judged.JUDGED.home})
    return of(tmp_path)


def of(folder: Path, **io: Any) -> LoadedConfig[Any]:
    paths = {"input_path": "p*.txt", "output_path": "out.h5", **io}
    config = toy.ToyConfig.model_validate({"io": paths})
    return LoadedConfig(config, "", folder / "toy.toml")


def test_every_answer_holds_summary_and_verdict(loaded: LoadedConfig[Any]) -> None:
    report = running.run_pipeline(loaded, targets=["gains"])
    assert report.summary == 33
    assert [check["status"] for check in report.verdict] == ["pass"]
    assert report.exit_code == 0


@pytest.mark.parametrize("damage", ["0,1\nx,y\n", ""])
def test_a_failed_file_is_told_to_the_nodes(loaded: LoadedConfig[Any], damage: str) -> None:
    path = loaded.path.parent / "p1.txt"
    path.write_text(damage)
    report = running.run_pipeline(loaded)
    assert (report.summary, report.exit_code) == (22, 3)
    assert report.verdict[0]["value"] == 2
    session = running.open_session(loaded)
    session.run(["complete", "gains"])
    table = session.input_files_so_far()
    assert table["status"].tolist() == ["read", "failed", "read"]
    assert table["n_records"].tolist() == [10, 0, 12]
    assert table["path"].tolist() == [str(path.with_name(f"p{k}.txt")) for k in range(3)]
    assert table["message"].iloc[1]


def test_a_file_is_counted_once_for_its_content(loaded: LoadedConfig[Any], tmp_path: Path) -> None:
    cache = CacheOptions(tmp_path / "cache")
    for _ in range(2):
        session = running.open_session(loaded, cache)
        assert [ref.n_records for ref in session.input_files] == [10, 11, 12]
        session.cache.close(1.0)
    assert (tmp_path / "counted.log").read_text().split() == ["p0.txt", "p1.txt", "p2.txt"]


def test_one_bad_file_ends_a_run_that_asks_for_it(
    loaded: LoadedConfig[Any], tmp_path: Path
) -> None:
    (tmp_path / "p1.txt").write_text("")
    strict = of(tmp_path, on_bad_file="fail")
    with pytest.raises(InputError, match=r"p1\.txt"):
        running.run_pipeline(strict, cache=NO_CACHE)
    assert not (tmp_path / "out.h5").exists()
