"""A folder to begin with: settings and a campaign that runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from radiograph.drivers.main import guarded
from radiograph.schemas.transients.manifest import read_manifest


def test_init_makes_a_campaign_that_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "first"
    command = ["init", str(folder), "--pipeline", "transients", "--events", "8"]
    assert guarded(command) == 0
    assert f"Now: radiograph run {folder / 'transients.toml'}" in capsys.readouterr().out
    assert guarded(["check", str(folder / "transients.toml")]) == 0
    manifest = read_manifest(folder / "campaign/runs_summary.csv")
    assert [archive.name for archive in manifest.archives] == ["glasgow_data", "run_026"]
    assert guarded(["transients", "verify", str(folder / "transients.toml"), "-q"]) == 0
    assert "run_026: ok" in capsys.readouterr().out
    assert guarded(command) == 2
    assert guarded([*command[:-1], "0", "--overwrite"]) == 2
    assert "--events = 0" in capsys.readouterr().err
    assert guarded([*command, "--overwrite"]) == 0
