"""The first run of a version: the kernels that come last are compiled beside the others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from campaigns import small_members, tar_of, write_campaign
from radiograph.drivers.engine.session import Session
from radiograph.drivers.main import guarded
from radiograph.drivers.transients import run
from radiograph.drivers.transients.definition import TRANSIENTS
from radiograph.nodes.transients.readers.archive import ArchiveStream
from radiograph.schemas.transients.config import TransientsConfig

FOLDER = "import radiograph.nodes.transients.kernels, numba; print(numba.config.CACHE_DIR)"
COMMAND = "from radiograph.drivers.main import cli; cli()"


def told(*words: str | Path, compiled: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"RADIOGRAPH_CACHE": str(compiled)}
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True)


@pytest.mark.slow
def test_what_is_compiled_beside_has_the_types_of_a_run(tmp_path: Path) -> None:
    ahead = TRANSIENTS.compiled_ahead(TransientsConfig())
    assert ahead is not None
    compiled = tmp_path / "compiled"
    folder = told("-c", FOLDER, compiled=compiled).stdout.strip()
    told("-m", ahead.module, folder, compiled=compiled)
    made = {name: list(Path(folder).rglob(f"*.{name}-*.nbc")) for name in ahead.kernels}
    assert {name: len(files) for name, files in made.items()} == dict.fromkeys(ahead.kernels, 1)
    config = write_campaign(tmp_path, {"run_001": (tar_of(small_members(), packed=True),)})
    said = told("-c", COMMAND, "run", config, "--no-cache", compiled=compiled).stderr
    lines = [line.rpartition(" ")[2] for line in said.splitlines() if "compiling" in line]
    assert {"sample_pass", "demodulated_rows"} <= set(lines)
    assert not set(ahead.kernels) & set(lines)


def test_nothing_is_compiled_beside_that_is_not_needed() -> None:
    early = TransientsConfig.model_validate({"pipeline": {"until": "baseline"}})
    assert TRANSIENTS.compiled_ahead(early) is None


def test_an_archive_is_unpacked_from_the_start_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_campaign(tmp_path, {"run_001": (tar_of(small_members(), packed=True),)})
    seen: list[tuple[Any, Any]] = []
    write = run.write_run

    def noted(session: Session, *arguments: Any, **named: Any) -> Any:
        streams = session.inputs.values["recording_streams"]
        before = streams._stream
        report = write(session, *arguments, **named)
        seen.append((before, streams._stream))
        return report

    monkeypatch.setattr(run, "write_run", noted)
    for _ in range(2):
        assert guarded(["run", str(config), "--target", "features", "--quiet", "--overwrite"]) == 0
    first, second = seen
    assert isinstance(first[0], ArchiveStream)
    assert first[0] is first[1]
    # All is in the cache.
    assert second == (None, None)
